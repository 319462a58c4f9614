"""The base class of the regressors: targets and predictions."""

from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.metrics import d2_pinball_score, r2_score
from sklearn.utils import Tags

from skneural._checks.data import Matrix, check_numbers, check_sample_weight, named
from skneural._checks.foreign_names import explain_unknown_keywords
from skneural._engine.prediction import raw_prediction
from skneural._estimators.available_if import available_if, trains_in_parts
from skneural._estimators.links import (
    Range,
    check_link,
    link_of,
    linked,
    ranges_of_network,
    refuse_negative_targets,
    refuse_targets_out_of_range,
)
from skneural._estimators.target_fit import TargetFit, measure_target_fit
from skneural._estimators.target_scale import TargetScale
from skneural._network.array_types import Array, DType, Sparse
from skneural._network.losses.base import Loss
from skneural._network.losses.quantiles import QuantilesLoss
from skneural._network.losses.regression import REGRESSOR_LOSSES
from skneural._network.losses.user_loss import LossFunction, RowLoss, UserLoss
from skneural._network.network import Network
from skneural._training.default_scores import R2
from skneural._training.job import Job
from skneural._training.validation import Rows

# The squares of larger targets overflow, at the latest in R^2.
_LARGEST_TARGET = 1e140


class NeuralRegressorMixin(RegressorMixin):
    """Scaling and checking of real targets, in one or several columns."""

    delta: float
    link: str
    loss: str | RowLoss | LossFunction
    normalize_y: bool
    output_range: Sequence[float] | None
    quantile: float | Sequence[float]

    network_: Network
    _n_targets: int
    _target_scale: TargetScale | None
    _y_ndim: int

    _target_fit: TargetFit | None = None  # a TargetFit after `fit`, which is not saved in files
    _output_range: Range | None = None  # range of the predictions after a fit with link="logit"

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
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            A part of the training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Real targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights, at least 0. A weight of 2 has the effect of a repeated sample.
        X_val : {array-like, sparse matrix, DataFrame}, default=None
            Validation data of shape (n_validation, n_features), scored after the epoch.
        y_val : array-like of shape (n_validation,) or (n_validation, n_outputs), default=None
            Targets of `X_val`.
        sample_weight_val : array-like of shape (n_validation,), default=None
            Weights of the samples in `X_val`, for the validation loss and score.

        Returns
        -------
        self : estimator
            The estimator after one more epoch. After `fit`, or an earlier `partial_fit`, it
            continues with the same weights, optimizer, rate and order of samples. Only
            `fit` with ``warm_start=False`` discards the state of the optimizer. With
            ``normalize_y=True``, the first call determines `y_mean_` and `y_scale_`, and later
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
        self._target_fit = None  # from an earlier fit
        return self

    def __setstate__(self, state: dict[str, object]) -> None:
        # estimators in pickles without this parameter were trained on unscaled y
        super().__setstate__({"normalize_y": False, **state})

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_link(self.loss, self.link, self.output_range)
        if np.ndim(self.quantile) and self.loss != "quantile":
            raise ValueError(
                f"loss must be 'quantile' for several quantiles, got loss={self.loss!r} with "
                f"quantile={self.quantile!r}. Write loss='quantile'."
            )

    @property
    def y_mean_(self) -> np.ndarray:
        """Mean that `normalize_y` subtracts from each output, or 0."""
        self._refuse_unfitted()
        scale = self._target_scale
        return np.zeros(self._n_targets) if scale is None else scale.mean

    @property
    def y_scale_(self) -> np.ndarray:
        """Scale by which `normalize_y` divides each output, or 1."""
        self._refuse_unfitted()
        scale = self._target_scale
        return np.ones(self._n_targets) if scale is None else scale.scale

    def _normalizes_y(self) -> bool:
        """Return whether the network is trained on targets in its own units."""
        if not isinstance(self.loss, str):
            return bool(self.normalize_y) and not UserLoss(self.loss).has_link
        return bool(self.normalize_y) and self.loss != "poisson"

    def _measure_target_scale(
        self, y: np.ndarray, sample_weight: np.ndarray | None
    ) -> TargetScale | None:
        """Return the scale of the targets for training, or None if they are not scaled."""
        if not self._normalizes_y():
            return None
        if link_of(self.loss, self.link) == "log":
            return TargetScale.of_positive(y, sample_weight)
        return TargetScale.of(y, sample_weight)

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
        self._refuse_targets_out_of_range(y)
        n_targets = 1 if y.ndim == 1 else y.shape[1]
        if n_targets > 1 and self._given_quantiles() is not None:
            raise ValueError(
                f"y must have one column for several quantiles, got {n_targets} with "
                f"quantile={self.quantile!r}. Fit one estimator per column of y, or use one "
                "quantile for all columns."
            )
        if not resume:
            self._y_ndim, self._n_targets = y.ndim, n_targets
            self._output_range = self._given_range()
        if n_targets != self._n_targets:
            raise ValueError(f"y must have {self._n_targets} columns, got {n_targets}.")
        return y.reshape(-1, n_targets)

    def _scale_y(self, encoded: np.ndarray, dtype: DType) -> Array:
        """Return encoded targets in the units of the network, with one column per output."""
        scaled = super()._scale_y(encoded, dtype)
        return (
            scaled if scaled.shape[1] == self._n_outputs else scaled.repeat(self._n_outputs, 1)
        )

    @property
    def _n_outputs(self) -> int:
        """Return the number of outputs of a network with these parameters."""
        quantiles = self._given_quantiles()
        return self._n_targets if quantiles is None else len(quantiles)

    def _given_quantiles(self) -> tuple[float, ...] | None:
        """Return the quantiles if `quantile` is a sequence, or None."""
        if isinstance(self.quantile, Sequence | np.ndarray) and self.loss == "quantile":
            return tuple(map(float, self.quantile))
        return None

    def _refuse_targets_out_of_range(self, y: np.ndarray) -> None:
        """Check that the loss and the link are defined for the targets."""
        loss, smallest = self._make_loss(), y.min()
        is_open = loss.excludes_min_target
        if smallest < loss.min_target or (is_open and smallest == loss.min_target):
            sign = ">" if is_open else ">="
            raise ValueError(
                f"y must be {sign} {loss.min_target} for loss={self.loss!r}, got {smallest}."
            )
        if self.output_range is not None:
            refuse_targets_out_of_range(y, self.output_range)
        elif self.link == "log":
            refuse_negative_targets(y)

    def _learn_target_scale(self, rows: Rows, *, resume: bool) -> None:
        if not resume:
            self._target_scale = self._measure_target_scale(rows.encoded, rows.sample_weight)
        elif self._normalizes_y() != (self._target_scale is not None):
            was = "standardized y" if self._target_scale is not None else "unscaled y"
            raise ValueError(
                f"The network was trained on {was}, and normalize_y={self.normalize_y!r} with "
                f"loss={self.loss!r} would change that. Both must not change between calls of "
                "partial_fit, or of fit with warm_start=True. To train a new network, call fit "
                "with warm_start=False."
            )
        else:
            self._refuse_another_link()

    def _refuse_another_link(self) -> None:
        """Raise an error if the network was trained with another link."""
        was, new = self.out_activation_, self._make_loss().out_activation
        change = ""
        if was != new:
            change = f"out_activation_={was!r} would become {new!r}"
        elif self._output_range != self._given_range():
            change = f"output_range={self._output_range} would become {self._given_range()}"
        if change:
            raise ValueError(
                f"The network was trained with another link: {change}. loss, link and "
                "output_range must not change it between calls of partial_fit, or of fit with "
                "warm_start=True. To train a new network, call fit with warm_start=False."
            )

    def _make_loss(self) -> Loss:
        if not isinstance(self.loss, str):
            return UserLoss(self.loss)
        quantiles = self._given_quantiles()
        if quantiles is not None:
            return QuantilesLoss(quantiles)
        own: dict[str, dict[str, object]] = {
            "huber": {"delta": float(self.delta)},
            "quantile": {"quantile": self.quantile},
        }
        loss = REGRESSOR_LOSSES[self.loss](**own.get(self.loss, {}))
        ranges = ranges_of_network(self._given_range(), self._target_scale)
        return linked(loss, link_of(self.loss, self.link), ranges)

    def _given_range(self) -> Range | None:
        """Return the parameter `output_range` as plain Python numbers."""
        if self.output_range is None:
            return None
        low, high = map(float, self.output_range)
        return low, high

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
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,), (n_samples, n_outputs) or (n_samples, n_quantiles)
            Predictions in the units of `y` and the dtype of the network. With several
            quantiles, there is one column per quantile, and no value is smaller than the one
            before.
        """
        y = self._computed(X, self._predict_checked)
        several = isinstance(self.network_.loss, QuantilesLoss)
        return y[:, 0] if self._y_ndim == 1 and not several else y

    def _predict_checked(self, network: Network, X: Matrix, most_bytes: int) -> Array:
        return self._decode(network, raw_prediction(network, X, most_bytes))

    def _decode(self, network: Network, raw: Array) -> Array:
        """Convert raw predictions, in place, to predictions in the units of y."""
        y = network.loss.predict(raw, out=raw)
        if self._target_scale is not None:
            y = self._target_scale.undo(y)
        if self._output_range is not None:  # rounding may have exceeded the range
            np.clip(y, *self._output_range, out=y)
        return y

    def _quick_score(self, rows: Rows) -> Callable[[np.ndarray], float] | None:
        """Return a function that computes `score` from raw predictions.

        It is None for subclasses that override `predict` or `score`.
        """
        own = type(self).predict, type(self).score
        if own != (NeuralRegressorMixin.predict, NeuralRegressorMixin.score):
            return None
        if self._given_quantiles() is not None:
            return None
        y = check_numbers("y", rows.y, np.float64)
        return R2(lambda raw: self._decode(self.network_, raw), y, rows.sample_weight)

    def score(
        self, X: ArrayLike | Sparse, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return the coefficient of determination R^2, or D^2 for several quantiles.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True targets. With several columns, the mean of their R^2 is returned.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.

        Returns
        -------
        score : float
            The score, at most 1. A score of 0 is as good as predicting the mean of `y`. For
            several quantiles, it is the mean of their `sklearn.metrics.d2_pinball_score`, and
            0 is as good as predicting the quantiles of `y`.

        Raises
        ------
        ValueError, TypeError
            If X, `y` or the weights are invalid, or if they have different numbers of rows.
        """
        predicted = self.predict(X)
        y = check_numbers("y", y, np.float64)
        sample_weight = check_sample_weight(sample_weight, len(predicted), np.float64)
        loss = self.network_.loss
        with named("y"):
            if not isinstance(loss, QuantilesLoss):
                return r2_score(y, predicted, sample_weight=sample_weight)
            scores = [
                d2_pinball_score(y, column, sample_weight=sample_weight, alpha=quantile)
                for quantile, column in zip(loss.quantiles, predicted.T, strict=True)
            ]
            return float(np.mean(scores))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = self._given_quantiles() is None
        return tags
