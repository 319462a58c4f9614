"""What all estimators share: running a fit, fitted attributes, raw predictions."""

import math
import sys
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from skneural._checks.data import check_start
from skneural._checks.feature_scale import scale_doubt, unscaled_input
from skneural._checks.foreign_names import explain_unknown_keywords
from skneural._checks.warn import warn
from skneural._engine.blas_threads import blas_threads_for
from skneural._engine.prediction import activations, compiled_prediction, raw_prediction
from skneural._engine.program import program_of
from skneural._engine.threads import counted
from skneural._estimators.auto_parameters import auto_batch_size
from skneural._estimators.preparation import Preparation
from skneural._network.network import Network
from skneural._training import epochs, lbfgs
from skneural._training.interrupt import deferred_interrupt
from skneural._training.reporting import Reporting


class BaseNeuralNetwork(Preparation, CallbackSupportMixin, BaseEstimator):
    """fit, partial_fit and fitted attributes of every estimator here."""

    @explain_unknown_keywords
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
            Training data. For a convolutional network also images (n_samples, height,
            width) or (n_samples, height, width, channels), or signals (n_samples, length,
            channels), here and wherever X is asked for; see its `input_shape`.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets: class labels, in one column or several, a 0/1 label indicator matrix,
            or real numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights from 0 up. A weight of 2 counts as a repeated row.
        X_val : {array-like, CSR matrix} of shape (n_validation, n_features), default=None
            Validation data, instead of a part of X that `early_stopping` holds out. They
            must be scaled as X is: a Pipeline does that with ``transform_input=["X_val"]`` and
            metadata routing. A warning tells if their scale is far from that of X.
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

        Warns
        -----
        ConvergenceWarning
            If `max_iter` epochs were run before `patience` ended the fit, if the training loss
            has risen to more than ten times that of the first epoch, or if after 10 epochs or
            more a regressor predicts its training targets worse than a constant would.
        UserWarning
            If a classifier has more classes than a third of the samples; before training, if X
            should be scaled: it names up to three features, and what to write.

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data is not what is allowed, or if training diverges.
            The estimator is then as it was before the call.
        KeyboardInterrupt
            After Ctrl-C. The estimator is fitted as far as training went: to the end of the
            step under way or, with validation data, with the best weights so far; it is as it
            was before the call if not one epoch had ended. ``on_interrupt="warn"`` returns
            the fitted estimator instead. A second Ctrl-C, or an exception of a signal handler
            or callback of yours, ends the fit at once, with the estimator as it was.
        """
        given = X_val, y_val, sample_weight_val
        start = coefs_init, intercepts_init
        with deferred_interrupt() as interrupt, _unchanged_on_error(self):
            job, doubt = self._fit(X, y, sample_weight, given, *start, interrupt)
        # only now, so that a warning that was made an error finds a fitted estimator
        self._warn_of_failed_score(job.validation)
        if interrupt.pressed:
            self._tell_of_interrupt()
        else:
            self._warn_of_doubtful_end(self.loss_curve_[job.begun :], doubt)
        return self

    @with_callbacks
    def _fit(self, X, y, sample_weight, given, coefs_init, intercepts_init, interrupt):
        """Fit, and tell the callbacks; return the job that was run, and a doubt or None."""
        self._check_parameters()
        context = self._init_callback_context(max_subtasks=self.max_iter)
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        task = {"estimator": self, "X": X, "y": y, "metadata": weights}
        context.call_on_fit_task_begin(**task)
        restore = vars(self).pop("_restore", None)  # left by a Checkpoint that resumes
        resume = restore is not None or (self.warm_start and hasattr(self, "network_"))
        job = self._prepare(X, y, sample_weight, resume=resume, given=given)
        self._warn_of_validation_data(job, given)
        if not resume:
            self._warn_of_scale(job)
        if restore is not None:
            restore(job)
        elif coefs_init is not None or intercepts_init is not None:
            _start_from(job.progress.network, coefs_init, intercepts_init)
            job.progress.optimizer_state = job.optimizer.init(job.progress.network.theta)
        self._job = job  # for a Checkpoint, while the fit lasts
        self._forget_validation_scores()  # of an earlier fit: callbacks must not see them
        attributes = partial(self._attributes_after_epoch, batch_size=job.batch_size)
        doubt = self._run(job, Reporting(self.verbose, context, task, interrupt, attributes))
        self._measure_fit(job)
        if not self.warm_start:  # moments are up to twice the weights, in memory and pickles
            self._progress.optimizer_state = {}
        if not interrupt.pressed:  # a Checkpoint keeps whole epochs
            context.call_on_fit_task_end(**task, reconstruction_attributes={"_job": None})
        del self._job
        return job, doubt

    def _warn_of_validation_data(self, job, given):
        """Warn, before training, of validation data that are missing or on another scale."""
        X_val, _, _ = given
        message = None
        if job.validation is None and self.scoring is not None:
            message = (
                f"scoring={self.scoring!r} has no effect without validation data. Set "
                "early_stopping=True, or pass X_val and y_val to fit."
            )
        elif X_val is not None:
            message = scale_doubt(job.X, job.validation.validation.X)
        if message:
            warn(f"{type(self).__name__}: {message}")

    def _warn_of_scale(self, job):
        """Warn, before training, of features that should be scaled."""
        unscaled = unscaled_input(self, job.progress.network, job.X)
        if unscaled:
            warn(f"{type(self).__name__}: {unscaled}")

    def _warn_of_failed_score(self, validation):
        """Warn of a score that is NaN in the history because its scorer failed."""
        if validation is not None and validation.failure is not None:
            message = (
                f"{type(self).__name__}: scoring={self.scoring!r} failed {validation.failure}. "
                "This score is only a record: it is NaN in history_ from then on, and nothing "
                "else depends on it."
            )
            warn(message)

    def _tell_of_interrupt(self):
        """Raise or warn, as the user wants, after a fit that Ctrl-C has ended."""
        message = (
            f"{type(self).__name__}.fit was interrupted: the estimator is fitted as far as it "
            f"came, n_iter_={self.n_iter_}."
        )
        if self.on_interrupt == "raise":
            raise KeyboardInterrupt(message)
        warn(message, ConvergenceWarning)

    def _measure_fit(self, job):
        """Compare predictions with the training targets; classifiers have no use for it."""

    def _why_useless(self):
        """Return why a constant would predict better than the network, or None."""

    def _warn_of_doubtful_end(self, losses, doubt):
        """Warn of a fit that ended without an error, but hardly where it should."""
        first_loss = losses[0]
        # fewer epochs are a trial, of which nobody expects a good fit
        useless = self._why_useless() if len(losses) >= 10 else None
        doubt = None if self.patience in (None, math.inf) else doubt
        if self.loss_ - first_loss > 9 * abs(first_loss):
            unscaled = "X and y need" if self._target_scale is None else "X needs"
            message = (
                f"The training loss rose from {first_loss:.3g} to {self.loss_:.3g}: "
                f"learning_rate={self.learning_rate!r} may be too high, or {unscaled} "
                "scaling."
            )
        elif useless or doubt:
            message = " ".join(filter(None, (useless, doubt)))
        else:
            return
        warn(f"{type(self).__name__}: {message}", ConvergenceWarning)

    def _partial_fit(self, X, y, sample_weight, given, **encoding):
        with _unchanged_on_error(self):
            with deferred_interrupt() as interrupt:
                self._check_parameters()
                job = self._prepare(
                    X,
                    y,
                    sample_weight,
                    resume=hasattr(self, "network_"),
                    given=given,
                    restore_best=False,
                    **encoding,
                )
                if not hasattr(self, "network_"):
                    self._warn_of_scale(job)
                job.max_iter, job.schedule_length = 1, self.max_iter
                job.convergence.patience = math.inf  # an epoch cannot tell whether it stalls
                self._run(job, Reporting(self.verbose, interrupt=interrupt))
            if interrupt.pressed:  # all of the part or nothing: the user can pass it again
                raise KeyboardInterrupt("partial_fit was interrupted: nothing has changed")
        self._warn_of_failed_score(job.validation)
        return self

    def _run(self, job, reporting):
        """Train a job and take over what it leaves; return a doubt about it or None."""
        run = lbfgs.train if self.solver == "lbfgs" else epochs.train
        network = job.progress.network
        # the compiled engine has threads of its own
        flops = 0 if program_of(network) is not None else network.product_flops(job.batch_size)
        limit, count = blas_threads_for(flops), counted()
        with closing(limit), limit, closing(count), count:
            doubt = run(job, reporting)
        self._take_over(job.progress, job.batch_size)
        return doubt

    def _take_over(self, progress, batch_size):
        """Set the fitted attributes that follow from where a network stands."""
        self._forget_validation_scores()
        vars(self).update(_fitted_attributes(progress, batch_size))

    def _attributes_after_epoch(self, progress, batch_size):
        """The fitted attributes as if the fit ended with this epoch, for its callbacks.

        The weights are those of the epoch, even if the fit restores the best ones at its end.
        """
        if not self.warm_start:
            progress = replace(progress, optimizer_state={})
        return {**_fitted_attributes(progress.copy(), batch_size), "_job": None}

    def _forget_validation_scores(self):
        for name in ("validation_scores_", "best_validation_score_"):
            vars(self).pop(name, None)

    @property
    def coefs_(self):
        """Weight matrices, from input to output: views into the network's parameters."""
        return self._fitted_params("weight")

    @property
    def intercepts_(self):
        """Bias vectors, from input to output: views into the network's parameters."""
        return self._fitted_params("bias")

    def _fitted_params(self, name):
        self._refuse_unfitted()
        return self.network_.params(name)

    def _refuse_unfitted(self):
        """Let a property of fitted estimators be missing before `fit`."""
        if "network_" not in vars(self):
            raise AttributeError(f"This {type(self).__name__} instance is not fitted yet.")

    def summary(self, input_shape=None):
        """Return the table of the layers: output shapes, parameters, bytes of a batch.

        Parameters
        ----------
        input_shape : int or tuple of int, default=None
            Shape of one sample, for an estimator that is not fitted and does not know it
            from a parameter of its own: a number of features or, for convolutional
            networks, (height, width, channels) or (length, channels).

        Returns
        -------
        summary : Summary
            The table, as text when printed and as HTML in a notebook. Its `rows` have
            `name`, `output_shape`, `n_params`, `training_bytes` (of the output and its
            gradient, for a batch) and `prediction_bytes`. Before `fit` the output layer is
            left out, as its units are those of `y`, and ``dtype="auto"`` is float64.

        Raises
        ------
        ValueError
            If the shape is not known, or if a layer does not fit on its input; the message
            shows the table up to there. (What memory cannot hold, `fit` refuses.)
        """
        if hasattr(self, "network_"):
            return self.network_.summary(self._batch_size)
        self._check_parameters()
        shape = self._described_shape(input_shape)
        dtype = "float64" if self.dtype == "auto" else self.dtype
        network = Network(self._build_layers(shape, None), None, shape, dtype)
        batch_size = self.batch_size
        if batch_size == "auto":
            batch_size = auto_batch_size(sys.maxsize)
        return network.summary(batch_size)

    def activations(self, X):
        """Compute what every layer says about some rows, from input to output.

        Parameters
        ----------
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        activations : list of ndarray of shape (n_samples, n_units)
            An array for each of `coefs_`: what its layer hands on to the next one, after
            activation and pooling; of a convolution (n_samples, height, width, n_filters).
            The last one is that of the output layer after `out_activation_`:
            probabilities of classes (one column for two classes), or predicted targets, which
            are standardized if the regressor was fitted with ``normalize_y=True``.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError, TypeError
            If X is not finite numbers, or has another number of features than in `fit`.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skneural import MLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = MLPClassifier((8, 4), max_iter=5, patience=None).fit(X, y)
        >>> [layer.shape for layer in clf.activations(X)]
        [(150, 8), (150, 4), (150, 3)]
        """
        return self._computed(X, activations)

    def _raw_prediction(self, X):
        """Check X and return the network's output before the inverse link."""
        network = self._fitted_network()
        if program_of(network) is not None and self._has_plain_rows(X, network.dtype):
            raw, is_finite = compiled_prediction(network, X, _most_bytes())
            if is_finite:
                return raw
        return self._computed(X, raw_prediction)

    def _computed(self, X, compute):
        network = self._fitted_network()
        X = self._check_x(X, "X", network.dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            return compute(network, X, _most_bytes())

    def _fitted_network(self):
        if not hasattr(self, "network_"):  # asked first: the check takes as long as a row
            check_is_fitted(self, "network_")
        return self.network_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # noise would make X dense
        tags.input_tags.sparse = not (self.input_noise or getattr(self, "augmentation", None))
        return tags


def _most_bytes():
    """What predictions may take beside their result."""
    return int(get_config()["working_memory"] * 2**20)


def _fitted_attributes(progress, batch_size):
    """The fitted attributes that follow from where a network stands, by name."""
    network, history = progress.network, progress.history
    attributes = {
        "_progress": progress,
        "_batch_size": batch_size,
        "network_": network,
        "n_iter_": progress.epochs,
        "t_": progress.samples,
        "history_": history,
        "loss_curve_": progress.loss_curve,
        "loss_": progress.loss_curve[-1],
        "best_loss_": progress.best_loss,
        "n_layers_": 1 + len(network.params("weight")),
        "n_outputs_": network.output_shape[-1],
        "out_activation_": network.loss.out_activation,
    }
    if "validation_score" in history:
        scores = history["validation_score"]
        known = [score for score in scores if not math.isnan(score)]
        attributes["validation_scores_"] = scores
        attributes["best_validation_score_"] = max(known, default=math.nan)
    return attributes


@contextmanager
def _unchanged_on_error(estimator):
    """Give the estimator its attributes back if the block raises, and its generator."""
    before, rng = vars(estimator).copy(), estimator.random_state
    drawn = isinstance(rng, np.random.RandomState) and rng.get_state()
    try:
        yield
    except BaseException:
        estimator.__dict__ = before  # one step, between whose halves no signal comes
        if drawn:
            rng.set_state(drawn)
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
