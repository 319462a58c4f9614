"""The base class of all estimators: running a fit, raw predictions, hooks for subclasses."""

import inspect
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Literal, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from skneural._checks.data import Matrix
from skneural._checks.foreign_names import explain_unknown_keywords
from skneural._checks.layer_parameters import input_shape as check_input_shape
from skneural._checks.parameters import CheckValue
from skneural._engine.blas_threads import blas_threads_for
from skneural._engine.prediction import activations, compiled_prediction, raw_prediction
from skneural._engine.program import program_of
from skneural._engine.threads import counted
from skneural._estimators.auto_parameters import auto_batch_size
from skneural._estimators.checked_rows import check_x, has_plain_rows
from skneural._estimators.fit_warnings import (
    tell_of_interrupt,
    warn_of_doubtful_end,
    warn_of_failed_score,
    warn_of_identifiers,
    warn_of_scale,
    warn_of_validation_data,
)
from skneural._estimators.fitted_attributes import UnchangedOnError
from skneural._estimators.hidden_features import HiddenFeaturesMixin
from skneural._estimators.parameter_combinations import check_parameters
from skneural._estimators.preparation import Given, prepare, start_from
from skneural._estimators.table import TableEncoding
from skneural._estimators.target_scale import TargetScale
from skneural._network.array_types import Array, DType, Shape, Sparse
from skneural._network.layers.base import Layer
from skneural._network.losses.base import Loss
from skneural._network.network import Network
from skneural._network.summary import Summary
from skneural._training import epochs, lbfgs
from skneural._training.augmentation import Augmentation
from skneural._training.interrupt import Interrupt, deferred_interrupt
from skneural._training.job import Job
from skneural._training.reporting import Reporting
from skneural._training.validation import Rows

_Computed = TypeVar("_Computed")


class BaseNeuralNetwork(HiddenFeaturesMixin, CallbackSupportMixin, BaseEstimator):
    """Base class with `fit`, `partial_fit` and the fitted attributes of all estimators."""

    batch_size: int | Literal["auto"]
    dtype: Literal["auto", "float32", "float64"]
    input_noise: float
    max_iter: int
    solver: str
    verbose: bool | int

    _build_layers: Callable[[Shape, Shape | None], list[Layer]]
    _make_loss: Callable[[], Loss]

    _parameter_checks: Mapping[str, CheckValue] = {}
    _same_labels: Mapping[str, bool] = {}  # what `_encode_y` needs to know of further rows
    _takes_tables = False  # with categories and missing values
    # a TableEncoding after the fit of an estimator that takes tables
    _table_encoding: TableEncoding | None = None
    # a TargetScale after the fit of a regressor that normalizes y
    _target_scale: TargetScale | None = None

    def __setstate__(self, state: dict[str, object]) -> None:
        # pickles of earlier versions lack newer parameters: the default is what was done then
        parameters = inspect.signature(type(self)).parameters.values()
        defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
        super().__setstate__({**defaults, **state})

    @explain_unknown_keywords
    def fit(
        self,
        X: ArrayLike | Sparse,
        y: ArrayLike | Sparse,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | Sparse | None = None,
        y_val: ArrayLike | Sparse | None = None,
        sample_weight_val: ArrayLike | None = None,
        coefs_init: Iterable[ArrayLike] | None = None,
        intercepts_init: Iterable[ArrayLike] | None = None,
    ) -> Self:
        """Train the network on all of the data.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Training data. A convolutional network also takes images of shape (n_samples,
            height, width) or (n_samples, height, width, channels), or signals of shape
            (n_samples, length, channels), in all of its methods; see `input_shape`. An
            `MLPClassifier` or `MLPRegressor` takes columns of categories and missing values.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets: class labels in one or several columns, a 0/1 label indicator matrix, or
            real numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights, at least 0. A weight of 2 has the effect of a repeated sample.
        X_val : {array-like, sparse matrix, DataFrame}, default=None
            Validation data of shape (n_validation, n_features), which are used instead of a
            part of X that `early_stopping` holds out. They must be scaled like X, which a
            Pipeline does with ``transform_input=["X_val"]`` and metadata routing. A warning is
            given if their scale differs from that of X.
        y_val : array-like of shape (n_validation,) or (n_validation, n_outputs), default=None
            Targets of `X_val`.
        sample_weight_val : array-like of shape (n_validation,), default=None
            Weights of the samples in `X_val`, for the validation loss and score.
        coefs_init : sequence of array-like, default=None
            Initial weights, one array of shape (n_inputs, n_units) per layer, as in `coefs_`,
            which are used instead of the random weights of `weight_init`. The last layer has
            one unit for two classes. The units of several columns of labels are side by side.
        intercepts_init : sequence of array-like, default=None
            Initial biases, one array of shape (n_units,) per layer, as in `intercepts_`, which
            are used instead of zeros. If weights or biases are passed, the optimizer starts
            with a new state, also with ``warm_start=True``.

        Returns
        -------
        self : estimator
            The fitted estimator.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` epochs were run before `patience` ended the fit, if the training loss
            has increased to more than ten times that of the first epoch, or if, after at least
            10 epochs, a regressor predicts its training targets worse than a constant would.
        UserWarning
            If the number of classes is greater than a third of the number of samples, or,
            before training, if X should be scaled. The message names up to three features, and
            shows how to scale them.

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data are invalid, or if training diverges. The estimator is
            then unchanged.
        KeyboardInterrupt
            After Ctrl-C. The estimator is fitted with the weights at the end of the current
            step or, with validation data, with the best weights so far. It is unchanged if no
            epoch had ended. With ``on_interrupt="warn"``, the fitted estimator is returned
            instead. A second Ctrl-C, or an exception from a signal handler or a callback, ends
            the fit immediately and leaves the estimator unchanged.
        """
        given = X_val, y_val, sample_weight_val
        start = coefs_init, intercepts_init
        kept = UnchangedOnError(self)
        with deferred_interrupt() as interrupt, closing(kept), kept:
            job, doubt = self._fit(X, y, sample_weight, given, *start, interrupt)
        # only now, so that a warning that was made an error finds a fitted estimator
        warn_of_failed_score(self, job.validation)
        if interrupt.pressed:
            tell_of_interrupt(self)
        else:
            warn_of_doubtful_end(self, self.loss_curve_[job.begun :], doubt)
        return self

    @with_callbacks
    def _fit(
        self,
        X: object,
        y: object,
        sample_weight: object,
        given: Given,
        coefs_init: Iterable[object] | None,
        intercepts_init: Iterable[object] | None,
        interrupt: Interrupt,
    ) -> tuple[Job, str | None]:
        """Fit and call the callbacks; return the job, and a warning about the fit or None."""
        self._check_parameters()
        context = self._init_callback_context(max_subtasks=self.max_iter)
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        task = {"estimator": self, "X": X, "y": y, "metadata": weights}
        context.call_on_fit_task_begin(**task)
        restore = self.__dict__.pop("_restore", None)  # set by a Checkpoint that resumes a fit
        resume = restore is not None or (self.warm_start and hasattr(self, "network_"))
        job = prepare(self, X, y, sample_weight, resume=resume, given=given)
        warn_of_validation_data(self, job, given)
        if not resume:
            warn_of_scale(self, job)
            warn_of_identifiers(self, job, given)
        if restore is not None:
            restore(job)
        elif coefs_init is not None or intercepts_init is not None:
            start_from(job.progress.network, coefs_init, intercepts_init)
            job.progress.optimizer_state = job.optimizer.init(job.progress.network.theta)
        self._job = job  # for a Checkpoint, during the fit
        self._forget_validation_scores()  # from an earlier fit; callbacks must not see them
        attributes = partial(self._attributes_after_epoch, batch_size=job.batch_size)
        doubt = self._run(job, Reporting(self.verbose, context, task, interrupt, attributes))
        self._measure_fit(job)
        if not self.warm_start:  # it takes up to twice the memory of the weights
            self._progress.optimizer_state = {}
        if not interrupt.pressed:  # a Checkpoint keeps whole epochs
            context.call_on_fit_task_end(**task, reconstruction_attributes={"_job": None})
        del self._job
        return job, doubt

    def _measure_fit(self, job: Job) -> None:
        """Compare predictions with the training targets, for `diagnose`."""

    def _why_useless(self) -> str | None:
        """Return why a constant would predict better than the network, or None."""

    def _partial_fit(
        self, X: object, y: object, sample_weight: object, given: Given, **encoding: object
    ) -> Self:
        kept = UnchangedOnError(self)
        with closing(kept), kept:
            with deferred_interrupt() as interrupt:
                self._check_parameters()
                job = prepare(
                    self,
                    X,
                    y,
                    sample_weight,
                    resume=hasattr(self, "network_"),
                    given=given,
                    restore_best=False,
                    **encoding,
                )
                if not hasattr(self, "network_"):
                    warn_of_scale(self, job)
                job.max_iter, job.schedule_length = 1, self.max_iter
                job.convergence.patience = math.inf  # one epoch cannot stall
                self._run(job, Reporting(self.verbose, interrupt=interrupt))
            if interrupt.pressed:  # nothing has changed, so the user can pass it again
                raise KeyboardInterrupt("partial_fit was interrupted: nothing has changed")
        warn_of_failed_score(self, job.validation)
        return self

    def _run(self, job: Job, reporting: Reporting) -> str | None:
        """Train a job and set the results; return a warning about the fit or None."""
        run = lbfgs.train if self.solver == "lbfgs" else epochs.train
        network = job.progress.network
        # the compiled engine has threads of its own
        flops = 0 if program_of(network) is not None else network.product_flops(job.batch_size)
        limit, count = blas_threads_for(flops), counted()
        with closing(limit), limit, closing(count), count:
            doubt = run(job, reporting)
        self._take_over(job.progress, job.batch_size)
        return doubt

    def summary(self, input_shape: int | Sequence[int] | None = None) -> Summary:
        """Return a table of the layers: output shapes, parameters, and memory per mini-batch.

        Parameters
        ----------
        input_shape : int or tuple of int, default=None
            Shape of one sample, which is required if the estimator is not fitted and has no
            parameter with the shape. It is the number of features or, for convolutional
            networks, (height, width, channels) or (length, channels).

        Returns
        -------
        summary : Summary
            The table, which is shown as text when printed and as HTML in a notebook. Its
            `rows` have the attributes `name`, `output_shape`, `n_params`, `training_bytes`
            (for the output and its gradient, with one mini-batch) and `prediction_bytes`.
            Before `fit`, the output layer is left out, because its size depends on `y`, and
            ``dtype="auto"`` is float64.

        Raises
        ------
        ValueError
            If the shape is not known, or if the input of a layer is too small. The message
            shows the table up to this layer.
        """
        if hasattr(self, "network_"):
            table = self.network_.summary(self._batch_size)
            if self._table_encoding is not None and not self._table_encoding.is_identity:
                name = f"input, from {self.n_features_in_} features"
                table.rows[0] = replace(table.rows[0], name=name)
            return table
        self._check_parameters()
        shape = self._described_shape(input_shape)
        dtype = "float64" if self.dtype == "auto" else self.dtype
        network = Network(self._build_layers(shape, None), Loss(), shape, np.dtype(dtype))
        batch_size = self.batch_size
        if batch_size == "auto":
            batch_size = auto_batch_size(sys.maxsize)
        table = network.summary(batch_size)
        table.note = "Without the output layer, which fit adds: its units depend on y."
        return table

    def activations(self, X: ArrayLike | Sparse) -> list[Array]:
        """Compute the activations of every layer, from input to output.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        activations : list of ndarray of shape (n_samples, n_units)
            One array per entry of `coefs_`: the output of the layer after its activation and
            pooling, which for a convolution has the shape (n_samples, height, width,
            n_filters). The last array is the output of the network after `out_activation_`:
            probabilities of classes (one column for two classes), or predicted targets, which
            are standardized if the regressor was fitted with ``normalize_y=True``.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError, TypeError
            If X contains infinity, or missing values where `fit` does not accept them, or has
            another number of features than in `fit`.

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

    def _raw_prediction(self, X: object) -> Array:
        """Check X and return the network's output before the inverse link."""
        network = self._fitted_network()
        if program_of(network) is not None and has_plain_rows(X, self, network.dtype):
            raw, is_finite = compiled_prediction(network, X, _most_bytes())
            if is_finite:
                return raw
        return self._computed(X, raw_prediction)

    def _computed(
        self, X: object, compute: Callable[[Network, Matrix, int], _Computed]
    ) -> _Computed:
        network = self._fitted_network()
        rows = check_x(self, X, "X", network.dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            return compute(network, rows, _most_bytes())

    def _fitted_network(self) -> Network:
        if not hasattr(self, "network_"):  # first, because the next check is slow
            check_is_fitted(self, "network_")
        return self.network_

    def _check_parameters(self) -> None:
        """Check every constructor parameter before any work."""
        check_parameters(self)

    def _as_rows(self, X: object, name: str, *, reset: bool = False) -> object:
        """Return the samples as rows of features."""
        return X

    def _shape_advice(self, shape: Shape, name: str, *, reset: bool = False) -> str:
        """Return advice if the shape of X is invalid, else ""."""
        n_features = None if reset else self.n_features_in_
        if len(shape) > 1 and math.prod(shape) == n_features and shape[1:] != (n_features,):
            return f"{name} has as many values as one sample: write {name}.reshape(1, -1)."
        if len(shape) < 3:
            return ""
        return (
            f"{type(self).__name__} takes flat rows: write {name}.reshape(len({name}), -1), or "
            "use ConvNetClassifier or ConvNetRegressor, which take images and signals."
        )

    _example_of_shape = "the number of features, as in summary(20)"

    def _described_shape(self, input_shape: int | Sequence[int] | None) -> Shape:
        """Return the shape of one sample before `fit`, as passed by the user."""
        check_input_shape("input_shape", input_shape)
        if input_shape is None:
            raise ValueError(
                "The shape of a sample is not known before fit. Call fit first, or pass "
                f"input_shape: {self._example_of_shape}."
            )
        return (math.prod(np.ravel(input_shape).tolist()),)

    def _sample_shape(self, X: Matrix) -> Shape:
        """Return the shape of one sample in the network."""
        return X.shape[1:]

    def _make_network(
        self, layers: list[Layer], input_shape: Shape, dtype: DType, *, resume: bool
    ) -> Network:
        """Return the network of these layers, before it has parameters."""
        return Network(layers, self._make_loss(), input_shape, dtype)

    def _make_augmentation(self) -> Augmentation | None:
        """Return the augmentation of training mini-batches, or None."""
        return None

    def _labels_to_stratify(self, y: Matrix) -> np.ndarray | None:
        """Return the class labels by which to stratify, or None."""
        return None

    def _weigh_classes(
        self, y: Matrix, sample_weight: np.ndarray | None, dtype: DType
    ) -> np.ndarray | None:
        """Return the sample weights, which classifiers multiply by class weights."""
        return sample_weight

    def _learn_target_scale(self, rows: Rows, *, resume: bool) -> None:
        """Learn the mean and the scale of the training targets, in regressors only."""

    def _scale_y(self, encoded: np.ndarray, dtype: DType) -> Array:
        """Return encoded targets in the units and the dtype of the network."""
        if self._target_scale is None:
            return encoded
        return self._target_scale.standardize(encoded, dtype)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        # noise would make X dense
        tags.input_tags.sparse = not (self.input_noise or getattr(self, "augmentation", None))
        return tags


def _most_bytes() -> int:
    """What predictions may take beside their result."""
    return int(get_config()["working_memory"] * 2**20)
