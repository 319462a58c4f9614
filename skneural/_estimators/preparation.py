"""From parameters and data to a job: everything that is checked before a fit begins."""

import copy
import math
from dataclasses import replace

import numpy as np
from scipy import sparse
from sklearn.metrics import get_scorer_names
from sklearn.utils.validation import check_array, validate_data

from skneural._checks.data import (
    advised,
    check_sample_weight,
    named,
    network_dtype,
    refuse_misread,
    refuse_unreadable,
    shape_of,
)
from skneural._checks.foreign_names import value_advice
from skneural._checks.parameters import input_shape as check_input_shape
from skneural._engine.optimizers import SGD, AdaGrad, Adam, AdamW, RMSProp
from skneural._estimators.auto_parameters import (
    auto_alpha,
    auto_batch_size,
    auto_early_stopping,
)
from skneural._network.network import Network
from skneural._training.convergence import Convergence
from skneural._training.job import Job
from skneural._training.lbfgs import LBFGS
from skneural._training.progress import Progress, spawn_generators
from skneural._training.validation import Rows, Validation, hold_out
from skneural.schedules import Adaptive, make_schedule

# off for L-BFGS: what gives another loss at every look, or one with kinks
_NOT_WITH_LBFGS = {
    "dropout": 0.0,
    "batch_norm": False,
    "input_noise": 0.0,
    "max_grad_norm": None,
    "l1_ratio": 0.0,
    "augmentation": None,
}


class Preparation:
    """The half of every estimator that turns its parameters and data into a `Job`.

    Subclasses supply `_build_layers`, `_encode_y`, `_make_loss` and `_parameter_checks`;
    those of images also how samples are laid out as rows.
    """

    _same_labels = {}  # what `_encode_y` needs to know of further rows
    _target_scale = None  # a TargetScale after the fit of a regressor that normalizes y

    def _as_rows(self, X, name, *, reset=False):
        """Lay samples out as rows of features."""
        return X

    def _shape_advice(self, shape, name, *, reset=False):
        """What to write instead if X has a shape that is refused, else ""."""
        n_features = None if reset else self.n_features_in_
        if len(shape) > 1 and math.prod(shape) == n_features and shape[1:] != (n_features,):
            return f"{name} has as many values as one sample: write {name}.reshape(1, -1)."
        if len(shape) < 3:
            return ""
        return (
            f"{type(self).__name__} takes flat rows: write {name}.reshape(len({name}), -1), or "
            "use ConvNetClassifier or ConvNetRegressor, which take images and signals."
        )

    def _described_shape(self, input_shape):
        """The shape of one sample before any was seen, from what the user says."""
        check_input_shape("input_shape", input_shape)
        if input_shape is None:
            raise ValueError(
                "The shape of a sample is not known before fit: pass input_shape, such as the "
                "number of features."
            )
        return (math.prod(np.ravel(input_shape).tolist()),)

    def _sample_shape(self, X):
        """The shape of one sample, as the network takes it."""
        return X.shape[1:]

    def _make_network(self, layers, input_shape, dtype, *, resume):
        """The network of these layers, before it has parameters."""
        return Network(layers, self._make_loss(), input_shape, dtype)

    def _make_augmentation(self):
        """What is done to each training batch, or None."""
        return None

    def _refuse_noise(self):
        for name in ("input_noise", "augmentation"):
            if getattr(self, name, None):
                raise ValueError(
                    f"{name} must be off for sparse X, got {getattr(self, name)!r}. It would "
                    "make X dense; pass X.toarray() if that is what you want."
                )

    def _check_x(self, X, name, dtype):
        """Check rows like those that the network has been fitted on."""
        if self._has_plain_rows(X, dtype) and _has_finite_sum(X):
            return X
        refuse_misread(name, X)
        with named(name), advised(lambda: self._shape_advice(shape_of(X), name)):
            rows = self._as_rows(X, name)
            if self._has_plain_rows(rows, dtype) and _has_finite_sum(rows):
                return rows
            return validate_data(self, rows, accept_sparse="csr", dtype=dtype, reset=False)

    def _has_plain_rows(self, X, dtype):
        """Whether X needs no conversion, so that only its numbers are left to be checked.

        One row is checked ten times faster so.
        """
        return (
            type(X) is np.ndarray
            and X.dtype == dtype
            and X.ndim == 2
            and X.shape[0] > 0
            and X.shape[1] == self.n_features_in_
            and not hasattr(self, "feature_names_in_")
        )

    def _check_parameters(self):
        """Check every constructor parameter, by name, before any work."""
        for name, check_value in self._parameter_checks.items():
            check_value(name, getattr(self, name))
        schedule = make_schedule(self.schedule, self.power_t)
        schedule.check()
        if isinstance(self.scoring, str) and self.scoring not in get_scorer_names():
            raise ValueError(
                f"scoring={self.scoring!r} is not the name of a scorer; known are "
                f"{', '.join(map(repr, get_scorer_names()))}."
                f"{value_advice(self.scoring, get_scorer_names())}"
            )
        if self.batch_norm and self.batch_size == 1:
            raise ValueError(
                "batch_size must be at least 2 with batch_norm=True, as one row has no "
                "variance; got 1."
            )
        if self.solver == "adamw" and self.l1_ratio:
            raise ValueError(
                f"l1_ratio must be 0 for solver='adamw', whose decay is not a penalty; got "
                f"{self.l1_ratio!r}. Use solver='adam' for an L1 penalty."
            )
        if isinstance(schedule, Adaptive) and self.patience in (None, math.inf):
            raise ValueError(
                "patience must be a number of epochs for the schedule 'adaptive', which lowers "
                f"the rate when it runs out; got {self.patience!r}. Write patience=10."
            )
        for name, off in _NOT_WITH_LBFGS.items() if self.solver == "lbfgs" else ():
            value = getattr(self, name, off)
            if np.any(value):
                raise ValueError(
                    f"{name} must be {off!r} for solver='lbfgs', which needs the same smooth "
                    f"loss at every step; got {value!r}. Use solver='adam' for it."
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
        # from a copy of the generator: every call holds out and scores the same rows
        seed = int(copy.deepcopy(rngs["split"]).integers(2**31))
        rows, held_out = self._split(rows, given, seed, decides=restore_best)
        self._learn_target_scale(rows, resume=resume)
        rows = self._in_network_units(rows)
        validation = None
        if held_out is not None:
            held_out = self._in_network_units(held_out)
            # about as many training rows, to compare
            labels = self._labels_to_stratify(rows.y)
            drawn = rows.sample(len(held_out.encoded), seed, labels)
            validation = Validation(self, self.scoring, drawn, held_out, decides=restore_best)
        dtype = rows.encoded.dtype
        batch_size = self._rows_a_step(rows.X.shape[0])
        input_shape = self._sample_shape(rows.X)
        layers = self._build_layers(input_shape, rows.encoded.shape[1:])
        network = self._make_network(layers, input_shape, dtype, resume=resume)
        network.check_memory(batch_size)
        # fit has all rows and restores the best weights; partial_fit has a part of them
        alpha = self._penalty(batch_size, rows if restore_best else None)
        optimizer = self._make_optimizer(network.n_weights, alpha)
        if resume:
            progress = self._progress_so_far(network, optimizer)
        else:
            network.init_params(rngs.pop("weights"))
            progress = Progress(network, self.solver, optimizer.init(network.theta), rngs)
        return Job(
            X=rows.X,
            y=rows.encoded,
            sample_weight=rows.sample_weight,
            validation=validation,
            progress=progress,
            optimizer=optimizer,
            batch_size=batch_size,
            restore_best=validation is not None and restore_best,
            begun=progress.epochs,
            target_scale=self._target_scale,
            # adamw has a decay of its own instead of a penalty
            alpha=0.0 if self.solver == "adamw" else alpha,
            **self._training_settings(progress.epochs, validation is not None),
        )

    def _rows_a_step(self, n_samples):
        if self.solver == "lbfgs":
            return n_samples
        if self.batch_size == "auto":
            return auto_batch_size(n_samples)
        return min(int(self.batch_size), n_samples)

    def _penalty(self, batch_size, rows):
        if self.alpha != "auto":
            return float(self.alpha)
        if rows is None:
            return auto_alpha(self.solver, batch_size, None)
        return auto_alpha(self.solver, batch_size, len(rows.encoded), rows.sample_weight)

    def _make_schedule(self, *, continues):
        """The schedule of a call; whether it continues training decides what "auto" is."""
        return make_schedule(self.schedule, self.power_t, continues)

    def _training_settings(self, epochs_so_far, validated):
        """The constructor parameters that a job takes over, as plain Python numbers."""
        patience = math.inf if self.patience is None else self.patience
        if self.solver == "lbfgs" and not validated:
            patience = math.inf  # L-BFGS knows by its gradient when the loss has settled
        target = -math.inf if self.target_score is None else -float(self.target_score)
        max_norm = math.inf if self.max_grad_norm is None else float(self.max_grad_norm)
        return {
            "convergence": Convergence(patience, self.tol, target),
            "learning_rate": float(self.learning_rate),
            "schedule": self._make_schedule(continues=epochs_so_far > 0),
            # a warm start stretches the schedule to its own end
            "schedule_length": self.max_iter + (epochs_so_far if self.warm_start else 0),
            "decay": float(self.decay),
            "l1_ratio": float(self.l1_ratio),
            "max_grad_norm": max_norm,
            "max_iter": self.max_iter,
            "shuffle": bool(self.shuffle),
            "augment": self._make_augmentation(),
        }

    def _check_rows(self, X, y, sample_weight, resume, **encoding):
        """Check the data of a fit and encode the targets."""
        dtype = self.network_.dtype if resume else network_dtype(self.dtype, X)
        refuse_misread("X", X)
        refuse_unreadable("y", y)
        reset = not resume
        with (
            named("X", "y"),
            advised(lambda: self._shape_advice(shape_of(X), "X", reset=reset)),
        ):
            X, y = validate_data(
                self,
                self._as_rows(X, "X", reset=reset),
                y,
                accept_sparse="csr",
                dtype=dtype,
                order="C",
                multi_output=True,
                reset=reset,
            )
        if not sparse.issparse(X):
            X = np.asarray(X)  # a memory map becomes a plain view: its slices are cheaper
        else:
            self._refuse_noise()
        sample_weight = check_sample_weight(sample_weight, X.shape[0], dtype)
        encoded = self._encode_y(y, dtype, resume=resume, **encoding)
        weights = self._weigh_classes(y, sample_weight, dtype, **encoding)
        # again: with class weights nothing but zeros may be left
        return Rows(X, y, encoded, check_sample_weight(weights, X.shape[0], dtype))

    def _split(self, rows, given, seed, *, decides):
        """Return the rows to train on and the rows to validate on, or None."""
        X_val, y_val, weight_val = given
        if (X_val is None) != (y_val is None) or (X_val is None and weight_val is not None):
            raise ValueError("X_val, y_val (and sample_weight_val) must be passed together.")
        if X_val is not None:
            return rows, self._check_validation_rows(X_val, y_val, weight_val, rows.X.dtype)
        if not (decides and self._holds_rows_out(rows)):
            if self.target_score is not None:
                reason = ""
                if self.early_stopping == "auto":
                    n_samples = len(rows.encoded)
                    reason = f", and early_stopping='auto' holds out none of {n_samples} rows"
                raise ValueError(
                    f"target_score={self.target_score!r} needs validation data{reason}: pass "
                    "X_val and y_val, or set early_stopping=True for fit."
                )
            return rows, None
        labels = self._labels_to_stratify(rows.y)
        parts = hold_out(rows.X.shape[0], self.validation_fraction, labels, seed)
        rows, held_out = (rows.take(part) for part in parts)
        for name, part in (("trained on", rows), ("held out", held_out)):
            if part.sample_weight is not None and not part.sample_weight.any():
                raise ValueError(
                    f"The sample_weight of all rows {name} is 0: another random_state or "
                    "validation_fraction may help, or X_val and y_val of your own."
                )
        return rows, held_out

    def _learn_target_scale(self, rows, *, resume):
        """Learn mean and scale of the targets from the rows to train on; for regressors."""

    def _in_network_units(self, rows):
        """Return the rows with targets as the network takes them."""
        return replace(rows, encoded=self._scale_y(rows.encoded, rows.X.dtype))

    def _scale_y(self, encoded, dtype):
        """Return encoded targets in the units and the dtype of the network."""
        if self._target_scale is None:
            return encoded
        return self._target_scale.standardize(encoded, dtype)

    def _holds_rows_out(self, rows):
        """Whether `fit` holds out a part of its rows to validate on."""
        if self.early_stopping != "auto":
            return bool(self.early_stopping)
        # L-BFGS knows by its gradient when to end
        if self.solver == "lbfgs" or not auto_early_stopping(rows.n_weighted):
            return False
        labels = self._labels_to_stratify(rows.y)  # a class of one row cannot be split
        return labels is None or np.unique(labels, return_counts=True)[1].min() > 1

    def _check_validation_rows(self, X_val, y_val, weight_val, dtype):
        X_val = self._check_x(X_val, "X_val", dtype)
        refuse_unreadable("y_val", y_val)
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

    def _labels_to_stratify(self, y):
        """Class labels to keep in proportion, or None."""
        return None

    def _weigh_classes(self, y, sample_weight, dtype):
        """Return the sample weights; classifiers put class weights into them."""
        return sample_weight

    def _make_optimizer(self, n_weights, alpha):
        beta_1, beta_2 = float(self.beta_1), float(self.beta_2)
        epsilon = float(self.epsilon)
        if self.solver == "sgd":
            return SGD(float(self.momentum), bool(self.nesterovs_momentum))
        if self.solver == "adamw":
            return AdamW(beta_1, beta_2, epsilon, alpha, n_weights)
        if self.solver == "rmsprop":
            return RMSProp(float(self.rho), epsilon)
        if self.solver == "adagrad":
            return AdaGrad(epsilon)
        if self.solver == "lbfgs":
            return LBFGS(float(self.tol), int(self.max_fun))
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
                "batch_norm, solver, dtype, the number of outputs, and filters and all else of "
                "blocks must stay as they are between calls of partial_fit, or of fit with "
                "warm_start=True, which go on from where the network stood. For a new one call "
                "fit with warm_start=False."
            )
        progress = self._progress.copy()
        # the new description (rates of dropout, loss) over the parameters so far
        network.theta, network.state = progress.network.theta, progress.network.state
        progress.network = network
        state = optimizer.init(progress.network.theta)
        progress.optimizer_state = {**state, **progress.optimizer_state}
        return progress


def _has_finite_sum(X):
    """Whether all entries are finite; where their sum overflows, others look at every entry."""
    with np.errstate(over="ignore", invalid="ignore"):
        return math.isfinite(X.sum())
