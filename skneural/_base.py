"""What all estimators share: checking data, preparing and running a fit, fitted attributes."""

import copy
import math
import warnings
from contextlib import contextmanager

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from skneural._data import (
    check_sample_weight,
    check_start,
    named,
    network_dtype,
    refuse_dates_and_text,
)
from skneural._network import Network
from skneural._optimizers import SGD, AdaGrad, Adam, AdamW, RMSProp
from skneural._threads import blas_threads_for
from skneural._training import Convergence, Job, Progress, spawn_generators, train
from skneural._validation import Rows, Validation, hold_out
from skneural._watch import Watch
from skneural.schedules import make_schedule


class BaseNeuralNetwork(CallbackSupportMixin, BaseEstimator):
    """fit, partial_fit and fitted attributes of every estimator here.

    Subclasses supply `_build_layers`, `_encode_y`, `_make_loss` and `_parameter_checks`.
    """

    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
        coefs_init=None,
        intercepts_init=None,
    ):
        """Train the network on all of the data.

        Parameters
        ----------
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets: class labels, in one column or several, a 0/1 label indicator matrix,
            or real numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights from 0 up. A weight of 2 counts as a repeated row.
        X_val : {array-like, CSR matrix} of shape (n_validation, n_features), default=None
            Validation data, instead of a part of X that ``early_stopping=True`` holds out.
        y_val : array-like of shape (n_validation,) or (n_validation, n_outputs), default=None
            Targets of `X_val`.
        sample_weight_val : array-like of shape (n_validation,), default=None
            Weights of the rows of `X_val`, for validation loss and score.
        coefs_init : sequence of array-like, default=None
            Weights to start from, one array of shape (n_inputs, n_units) a layer, as in
            `coefs_`; instead of those that `weight_init` draws. The last layer has one
            unit for two classes; the units of several columns of labels stand side by side.
        intercepts_init : sequence of array-like, default=None
            Biases to start from, one array of shape (n_units,) a layer, as in
            `intercepts_`; instead of zeros. With given weights or biases the optimizer
            starts anew, also with ``warm_start=True``.

        Returns
        -------
        self : estimator
            The fitted estimator.

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data is not what is allowed, or if training diverges.
            The estimator is then as it was before the call.
        """
        with _unchanged_on_error(self):
            given = X_val, y_val, sample_weight_val
            job, losses = self._fit(X, y, sample_weight, given, coefs_init, intercepts_init)
        self._warn_of_doubtful_end(job, losses)
        return self

    @with_callbacks
    def _fit(self, X, y, sample_weight, given, coefs_init, intercepts_init):
        """Fit, and tell the callbacks; return the job and the losses of its epochs."""
        self._check_parameters()
        context = self._init_callback_context(max_subtasks=self.max_iter)
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        task = {"estimator": self, "X": X, "y": y, "metadata": weights}
        context.call_on_fit_task_begin(**task)
        resume = self.warm_start and hasattr(self, "network_")
        job = self._prepare(X, y, sample_weight, resume=resume, given=given)
        if coefs_init is not None or intercepts_init is not None:
            _start_from(job.progress.network, coefs_init, intercepts_init)
            job.progress.optimizer_state = job.optimizer.init(job.progress.network.theta)
        before = len(job.progress.loss_curve)
        self._run(job, Watch(self.verbose, context, task))
        context.call_on_fit_task_end(**task, reconstruction_attributes={})
        return job, self.loss_curve_[before:]

    def _warn_of_doubtful_end(self, job, losses):
        """Warn of a fit that ended without an error, but hardly where it should."""
        first_loss = losses[0]
        if self.loss_ - first_loss > 9 * abs(first_loss):
            message = (
                f"The training loss rose from {first_loss:.3g} to {self.loss_:.3g}: "
                f"learning_rate={self.learning_rate!r} may be too high, or X and y need "
                "scaling."
            )
        elif (
            len(losses) == self.max_iter
            and np.isfinite(self.patience)
            and not job.convergence.reached
            and not job.convergence.reached_target
        ):
            message = (
                f"max_iter={self.max_iter} epochs were run before patience="
                f"{self.patience} ended the fit. Raise max_iter, or set patience=np.inf if "
                "this number of epochs is what you want."
            )
        else:
            return
        warnings.warn(f"{type(self).__name__}: {message}", ConvergenceWarning, stacklevel=3)

    def _partial_fit(self, X, y, sample_weight, given, **encoding):
        with _unchanged_on_error(self):
            self._check_parameters()
            if self.early_stopping and given[0] is None:
                raise ValueError(
                    "early_stopping=True needs X_val and y_val in partial_fit, which sees a "
                    "part of the data at a time. Pass them, or set early_stopping=False."
                )
            resume = hasattr(self, "network_")
            job = self._prepare(
                X, y, sample_weight, resume=resume, given=given, restore_best=False, **encoding
            )
            job.max_iter = 1
            self._run(job, Watch(self.verbose))
        return self

    def _check_parameters(self):
        """Check every constructor parameter, by name, before any work."""
        for name, check_value in self._parameter_checks.items():
            check_value(name, getattr(self, name))
        make_schedule(self.schedule, self.power_t).check()
        if self.solver == "adamw" and self.l1_ratio:
            raise ValueError(
                f"l1_ratio must be 0 for solver='adamw', whose decay is not a penalty; got "
                f"{self.l1_ratio!r}. Use solver='adam' for an L1 penalty."
            )

    def _prepare(
        self,
        X,
        y,
        sample_weight,
        *,
        resume,
        given=(None, None, None),
        restore_best=True,
        **encoding,
    ):
        """Turn data and parameters into a job; nothing is trained yet."""
        rows = self._check_rows(X, y, sample_weight, resume, **encoding)
        rngs = self._progress.rngs if resume else spawn_generators(self.random_state)
        rows, validation = self._validation_rows(rows, given, rngs["split"])
        dtype = rows.encoded.dtype
        weights = self._weigh_classes(rows.y, rows.sample_weight, dtype, **encoding)
        # again: class weights and rows held out may leave nothing but zeros
        weights = check_sample_weight(weights, rows.X.shape[0], dtype)
        limit = 200 if self.batch_size == "auto" else int(self.batch_size)
        batch_size = min(limit, rows.X.shape[0])
        layers = self._build_layers(rows.encoded.shape[1:])
        network = Network(layers, self._make_loss(), rows.X.shape[1:], dtype)
        network.check_memory(batch_size)
        optimizer = self._make_optimizer(network.n_weights)
        if resume:
            progress = self._progress_so_far(network, optimizer)
        else:
            network.init_params(rngs.pop("weights"))
            progress = Progress(network, self.solver, optimizer.init(network.theta), rngs)
        return Job(
            X=rows.X,
            y=rows.encoded,
            sample_weight=weights,
            validation=validation,
            progress=progress,
            optimizer=optimizer,
            batch_size=batch_size,
            restore_best=validation is not None and restore_best,
            **self._training_settings(progress.epochs),
        )

    def _training_settings(self, epochs_so_far):
        """The constructor parameters that a job takes over, as plain Python numbers."""
        target = -math.inf if self.target_score is None else -float(self.target_score)
        max_norm = math.inf if self.max_grad_norm is None else float(self.max_grad_norm)
        return {
            "convergence": Convergence(self.patience, self.tol, target),
            "learning_rate": float(self.learning_rate),
            "schedule": make_schedule(self.schedule, self.power_t),
            # a warm start stretches the schedule to its own end
            "schedule_length": self.max_iter + (epochs_so_far if self.warm_start else 0),
            "decay": float(self.decay),
            # adamw has a decay of its own instead of a penalty
            "alpha": 0.0 if self.solver == "adamw" else float(self.alpha),
            "l1_ratio": float(self.l1_ratio),
            "max_grad_norm": max_norm,
            "max_iter": self.max_iter,
            "shuffle": bool(self.shuffle),
        }

    def _check_rows(self, X, y, sample_weight, resume, **encoding):
        """Check the data of a fit and encode the targets."""
        dtype = self.network_.dtype if resume else network_dtype(self.dtype, X)
        refuse_dates_and_text("X", X)
        with named("X", "y"):
            X, y = validate_data(
                self,
                X,
                y,
                accept_sparse="csr",
                dtype=dtype,
                order="C",
                multi_output=True,
                reset=not resume,
            )
        if not sparse.issparse(X):
            X = np.asarray(X)  # a memory map becomes a plain view: its slices are cheaper
        elif self.input_noise:
            raise ValueError(
                f"input_noise must be 0 for sparse X, got {self.input_noise!r}. Noise would "
                "make X dense; pass X.toarray() if that is what you want."
            )
        sample_weight = check_sample_weight(sample_weight, X.shape[0], dtype)
        encoded = self._encode_y(y, dtype, resume=resume, **encoding)
        return Rows(X, y, encoded, sample_weight)

    def _validation_rows(self, rows, given, rng):
        """Return the rows to train on and a Validation, or None without validation."""
        X_val, y_val, weight_val = given
        if (X_val is None) != (y_val is None) or (X_val is None and weight_val is not None):
            raise ValueError("X_val, y_val (and sample_weight_val) must be passed together.")
        if X_val is None and not self.early_stopping:
            if self.target_score is not None:
                raise ValueError(
                    f"target_score={self.target_score!r} needs validation data: set "
                    "early_stopping=True, or pass X_val and y_val."
                )
            return rows, None
        # from a copy of the generator: every call holds out and scores the same rows
        seed = int(copy.deepcopy(rng).integers(2**31))
        if X_val is None:
            labels = self._labels_to_stratify(rows.y)
            n_samples = rows.X.shape[0]
            parts = hold_out(n_samples, self.validation_fraction, labels, seed)
            rows, held_out = (rows.take(part) for part in parts)
        else:
            held_out = self._check_validation_rows(X_val, y_val, weight_val, rows.encoded.dtype)
        # as many training rows as there are others, drawn once
        n_scored = min(held_out.X.shape[0], rows.X.shape[0])
        drawn = np.random.default_rng(seed).permutation(rows.X.shape[0])[:n_scored]
        return rows, Validation(self, self.scoring, rows.take(drawn), held_out)

    def _check_validation_rows(self, X_val, y_val, weight_val, dtype):
        refuse_dates_and_text("X_val", X_val)
        with named("X_val"):
            X_val = validate_data(self, X_val, accept_sparse="csr", dtype=dtype, reset=False)
        with named("y_val"):
            if not hasattr(y_val, "toarray"):
                y_val = check_array(y_val, dtype=None, ensure_2d=False, input_name="y_val")
            encoded = self._encode_y(y_val, dtype, resume=True, **self._same_labels)
        if X_val.shape[0] != len(encoded):
            raise ValueError(
                f"X_val and y_val must have as many rows, got {X_val.shape[0]} and "
                f"{len(encoded)}."
            )
        with named("sample_weight_val"):
            weight_val = check_sample_weight(weight_val, len(encoded), dtype)
        return Rows(X_val, y_val, encoded, weight_val)

    _same_labels = {}  # what `_encode_y` needs to know of further rows

    def _labels_to_stratify(self, y):
        """Class labels to keep in proportion, or None."""
        return None

    def _weigh_classes(self, y, sample_weight, dtype):
        """Return the sample weights; classifiers put class weights into them."""
        return sample_weight

    def _make_optimizer(self, n_weights):
        beta_1, beta_2 = float(self.beta_1), float(self.beta_2)
        epsilon = float(self.epsilon)
        if self.solver == "sgd":
            return SGD(float(self.momentum), bool(self.nesterovs_momentum))
        if self.solver == "adamw":
            return AdamW(beta_1, beta_2, epsilon, float(self.alpha), n_weights)
        if self.solver == "rmsprop":
            return RMSProp(float(self.rho), epsilon)
        if self.solver == "adagrad":
            return AdaGrad(epsilon)
        return Adam(beta_1, beta_2, epsilon)

    def _progress_so_far(self, network, optimizer):
        """A copy of where the last fit ended, so that an error leaves that untouched."""
        changes = []
        if self.solver != self._progress.solver:
            changes.append(f"solver from {self._progress.solver!r} to {self.solver!r}")
        if self.dtype not in ("auto", network.dtype.name):
            changes.append(f"dtype from {network.dtype.name!r} to {self.dtype!r}")
        if repr(network) != repr(self.network_):
            changes.append(f"the network from {self.network_} to {network}")
        if changes:
            raise ValueError(
                f"This would change {', '.join(changes)}. hidden_layer_sizes, activation, "
                "batch_norm, solver, dtype and the number of outputs must stay as they are "
                "between calls of partial_fit, or of fit with warm_start=True, which go on "
                "from where the network stood. For a new one call fit with warm_start=False."
            )
        progress = self._progress.copy()
        # the new description (rates of dropout, loss) over the parameters so far
        network.theta, network.state = progress.network.theta, progress.network.state
        progress.network = network
        state = optimizer.init(progress.network.theta)
        progress.optimizer_state = {**state, **progress.optimizer_state}
        return progress

    def _run(self, job, watch):
        """Train a job and take over what it leaves."""
        progress = job.progress
        with blas_threads_for(progress.network.product_flops(job.batch_size)):
            train(job, watch)
        network = progress.network
        self._progress = progress
        self.network_ = network
        self.n_iter_ = progress.epochs
        self.t_ = progress.samples
        self.history_ = progress.history
        self.loss_curve_ = progress.loss_curve
        self.loss_ = progress.loss_curve[-1]
        self.best_loss_ = progress.best_loss
        if "validation_score" in progress.history:
            self.validation_scores_ = progress.history["validation_score"]
            self.best_validation_score_ = float(np.nanmax(self.validation_scores_))
        self.n_layers_ = 1 + len(network.params("weight"))
        self.n_outputs_ = network.output_shape[-1]
        self.out_activation_ = network.loss.out_activation

    @property
    def coefs_(self):
        """Weight matrices, from input to output: views into the network's parameters."""
        return self._fitted_params("weight")

    @property
    def intercepts_(self):
        """Bias vectors, from input to output: views into the network's parameters."""
        return self._fitted_params("bias")

    def _fitted_params(self, name):
        if "network_" not in vars(self):
            raise AttributeError(f"This {type(self).__name__} instance is not fitted yet.")
        return self.network_.params(name)

    def _raw_prediction(self, X):
        """Check X and return the network's output before the inverse link."""
        check_is_fitted(self, "network_")
        network = self.network_
        refuse_dates_and_text("X", X)
        with named("X"):
            X = validate_data(self, X, accept_sparse="csr", dtype=network.dtype, reset=False)
        flops = network.product_flops(X.shape[0])
        with blas_threads_for(flops), np.errstate(over="ignore", invalid="ignore"):
            return network.raw_prediction(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = not self.input_noise  # noise would make X dense
        return tags


@contextmanager
def _unchanged_on_error(estimator):
    """Give the estimator its attributes back if the block raises."""
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def _start_from(network, coefs_init, intercepts_init):
    """Copy given weights and biases into the network."""
    given = {"weight": ("coefs_init", coefs_init), "bias": ("intercepts_init", intercepts_init)}
    for kind, (name, arrays) in given.items():
        if arrays is not None:
            params = network.params(kind)
            shapes = [param.shape for param in params]
            arrays = check_start(name, arrays, shapes, network.dtype)
            for param, array in zip(params, arrays, strict=True):
                param[...] = array
