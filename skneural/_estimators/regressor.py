"""What the regressors share: targets and predictions."""

from collections.abc import Callable
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import Tags

from skneural._checks.data import Matrix, check_numbers, check_sample_weight, named
from skneural._checks.foreign_names import explain_unknown_keywords
from skneural._checks.parameters import trains_in_parts
from skneural._engine.prediction import raw_prediction
from skneural._estimators.available_if import available_if
from skneural._estimators.target_fit import TargetFit, measure_target_fit
from skneural._estimators.target_scale import TargetScale
from skneural._network.array_types import Array, DType, Sparse
from skneural._network.losses.base import Loss
from skneural._network.losses.regression import REGRESSOR_LOSSES
from skneural._network.losses.user_loss import LossFunction, RowLoss, UserLoss
from skneural._network.network import Network
from skneural._training.default_scores import R2
from skneural._training.job import Job
from skneural._training.validation import Rows

# The squares of larger targets overflow, in R^2 if not before.
_LARGEST_TARGET = 1e140


class NeuralRegressorMixin(RegressorMixin):
    """Real targets in and out, one column or several."""

    delta: float
    loss: str | RowLoss | LossFunction
    normalize_y: bool
    quantile: float

    network_: Network
    _n_targets: int
    _target_scale: TargetScale | None
    _y_ndim: int

    _target_fit: TargetFit | None = None  # a TargetFit after `fit`; files do not keep it

    @available_if(trains_in_parts)
    @explain_unknown_keywords
    def partial_fit(
        self,
        X: ArrayLike | Sparse,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | Sparse | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch on a part of the data.

        Parameters
        ----------
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            A part of the training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Real targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, at least 0. A weight of 2 counts as a repeated sample.
        X_val : {array-like, CSR matrix} of shape (n_validation, n_features), default=None
            Validation data, to be scored after the epoch.
        y_val : array-like of shape (n_validation,) or (n_validation, n_outputs), default=None
            Targets of `X_val`.
        sample_weight_val : array-like of shape (n_validation,), default=None
            Weights of the samples in `X_val`, for validation loss and score.

        Returns
        -------
        self : estimator
            The estimator after one more epoch. After `fit`, or an earlier `partial_fit`, it
            continues with the same weights, optimizer, rate and order of samples. Only
            `fit` with ``warm_start=False`` discards the state of the optimizer. With
            ``normalize_y=True`` the first call determines `y_mean_` and `y_scale_`, and later
            calls keep them, so the targets of the first part should be representative.

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data are invalid, or if training diverges.
            The estimator is then as it was before the call.
        KeyboardInterrupt
            After Ctrl-C: the estimator is unchanged, so pass the same part again.
        """
        self._partial_fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))
        self._target_fit = None  # of an earlier fit
        return self

    def __setstate__(self, state: dict[str, object]) -> None:
        super().__setstate__({"normalize_y": False, **state})  # pickles of earlier versions

    @property
    def y_mean_(self) -> np.ndarray:
        """Mean that `normalize_y` subtracts from each output, 0 where it does not."""
        self._refuse_unfitted()
        scale = self._target_scale
        return np.zeros(self._n_targets) if scale is None else scale.mean

    @property
    def y_scale_(self) -> np.ndarray:
        """Scale that `normalize_y` divides each output by, 1 where it does not."""
        self._refuse_unfitted()
        scale = self._target_scale
        return np.ones(self._n_targets) if scale is None else scale.scale

    def _normalizes_y(self) -> bool:
        """Whether the parameters ask for targets in standardized units."""
        return bool(self.normalize_y) and self._make_loss().out_activation == "identity"

    def _encode_y(self, y: object, dtype: DType, *, resume: bool) -> Array:
        """Return targets of shape (n_samples, n_outputs), in float64 if they will be scaled."""
        unread = y
        y = check_numbers("y", unread, dtype)  # predictions have this dtype
        if self._normalizes_y():
            if y.dtype != np.float64:
                y = check_numbers("y", unread, np.float64)
            largest = np.abs(y).max()
            if largest > _LARGEST_TARGET:
                raise ValueError(
                    f"y must be within -{_LARGEST_TARGET:g} and {_LARGEST_TARGET:g} for "
                    f"normalize_y=True, got {largest:.3g}, whose square overflows. Divide y by "
                    "a constant."
                )
        smallest = self._make_loss().min_target
        if y.min() < smallest:
            raise ValueError(f"y must be >= {smallest} for loss={self.loss!r}, got {y.min()}.")
        n_outputs = 1 if y.ndim == 1 else y.shape[1]
        if not resume:
            self._y_ndim, self._n_targets = y.ndim, n_outputs
        if n_outputs != self._n_targets:
            raise ValueError(f"y must have {self._n_targets} columns, got {n_outputs}.")
        return y.reshape(-1, n_outputs)

    def _learn_target_scale(self, rows: Rows, *, resume: bool) -> None:
        if not resume:
            self._target_scale = None
            if self._normalizes_y():
                self._target_scale = TargetScale.of(rows.encoded, rows.sample_weight)
        elif self._normalizes_y() != (self._target_scale is not None):
            was = "standardized y" if self._target_scale is not None else "y as it is"
            raise ValueError(
                f"The network was trained on {was}, and normalize_y={self.normalize_y!r} with "
                f"loss={self.loss!r} would change that. Both stay as they are between calls of "
                "partial_fit, or of fit with warm_start=True; for a new network call fit with "
                "warm_start=False."
            )

    def _make_loss(self) -> Loss:
        if not isinstance(self.loss, str):
            return UserLoss(self.loss)
        own = {"huber": {"delta": float(self.delta)}, "quantile": {"quantile": self.quantile}}
        return REGRESSOR_LOSSES[self.loss](**own.get(self.loss, {}))

    def _measure_fit(self, job: Job) -> None:
        network = job.progress.network
        self._target_fit = measure_target_fit(
            network, job.X, job.y, job.sample_weight, self._target_scale
        )

    def _why_useless(self) -> str | None:
        return None if self._target_fit is None else self._target_fit.doubt

    def predict(self, X: ArrayLike | Sparse) -> np.ndarray:
        """Predict targets.

        Parameters
        ----------
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions, in the units of `y` and the dtype of the network.
        """
        y = self._computed(X, self._predict_checked)
        return y[:, 0] if self._y_ndim == 1 else y

    def _predict_checked(self, network: Network, X: Matrix, most_bytes: int) -> Array:
        return self._decode(network, raw_prediction(network, X, most_bytes))

    def _decode(self, network: Network, raw: Array) -> Array:
        """Turn raw predictions, in place, into predictions in the units of y."""
        y = network.loss.predict(raw, out=raw)
        return y if self._target_scale is None else self._target_scale.undo(y)

    def _quick_score(self, rows: Rows) -> Callable[[np.ndarray], float] | None:
        """Return `score` of some rows as a function of their raw predictions.

        None where a subclass predicts or scores in a way of its own.
        """
        own = type(self).predict, type(self).score
        if own != (NeuralRegressorMixin.predict, NeuralRegressorMixin.score):
            return None
        y = check_numbers("y", rows.y, np.float64)
        return R2(lambda raw: self._decode(self.network_, raw), y, rows.sample_weight)

    def score(
        self, X: ArrayLike | Sparse, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return the coefficient of determination R^2 of the predictions.

        Parameters
        ----------
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets. Of several columns the mean of R^2 is returned.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            At most 1; 0 is as good as predicting the mean of `y`.

        Raises
        ------
        ValueError, TypeError
            If X, `y` or weights are not finite numbers, are negative weights, or differ in
            their number of rows.
        """
        predicted = self.predict(X)
        y = check_numbers("y", y, np.float64)
        sample_weight = check_sample_weight(sample_weight, len(predicted), np.float64)
        with named("y"):
            return r2_score(y, predicted, sample_weight=sample_weight)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
