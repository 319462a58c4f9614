"""Comparing the fit of a regression network to its training targets with a constant."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skneural._checks.data import Matrix
from skneural._engine.prediction import raw_prediction
from skneural._estimators.target_scale import TargetScale
from skneural._network.losses.base import Loss
from skneural._network.losses.quantiles import QuantilesLoss
from skneural._network.network import Network

SCALE_TARGETS = (
    "Set normalize_y=True, which trains on y scaled to mean 0 and standard deviation 1."
)
NEW_SCALE = (
    "normalize_y scales y by the mean and standard deviation of the first fit, which differ "
    "much from those of these rows. If y has changed since, call fit with warm_start=False. If "
    "a few targets are much larger than the others, train on their logarithm."
)
_N_ROWS = 200  # enough for a mean and a standard deviation, and quickly predicted


@dataclass(frozen=True)
class TargetFit:
    """Statistics of targets and predictions of some training rows, in the network's units.

    Every array has one entry per output.

    Attributes
    ----------
    mean, spread : ndarray of shape (n_outputs,)
        Mean and standard deviation of the targets.
    predicted_mean, predicted_spread : ndarray of shape (n_outputs,)
        Mean and standard deviation of the predictions.
    explained : ndarray of shape (n_outputs,)
        Proportion of the loss of the best constant prediction that the network removes: 1 for
        exact predictions, 0 for predictions as good as a constant, and negative for worse
        ones. With the squared error it is R^2. NaN for constant targets.
    target_scale : TargetScale or None
        The scale by which targets were converted to the network's units, if any.
    """

    mean: np.ndarray
    spread: np.ndarray
    predicted_mean: np.ndarray
    predicted_spread: np.ndarray
    explained: np.ndarray
    target_scale: TargetScale | None = None  # pickles of earlier versions have none

    @property
    def is_scaled(self) -> NDArray[np.bool_]:
        """Mask of the outputs whose targets have about mean 0 and standard deviation 1."""
        return (np.abs(self.mean) <= 3) & (self.spread >= 1 / 3) & (self.spread <= 3)

    @property
    def is_worse_than_constant(self) -> NDArray[np.bool_]:
        """Mask of the outputs that a constant would predict better."""
        return self.explained < -0.05  # may be due to chance with 200 rows

    @property
    def doubt(self) -> str | None:
        """The reason why the fit is useless, in sentences, or None."""
        if not self.is_worse_than_constant.any():
            return None
        k = int(np.nanargmin(self.explained))
        advice = "Train for more epochs, or with another learning_rate."
        if not self.is_scaled[k]:
            advice = self.scaling_advice
        return (
            "The predictions are worse than a constant such as the mean of y: "
            f"{self.describe(k)}. {advice}"
        )

    @property
    def scaling_advice(self) -> str:
        """Advice for outputs where `is_scaled` is false."""
        return SCALE_TARGETS if self.target_scale is None else NEW_SCALE

    def describe(self, k: int) -> str:
        """Describe the mean and standard deviation of targets and predictions of output `k`."""
        name = "y" if len(self.mean) == 1 else f"column {k} of y"
        means, spreads = self.mean, self.spread_of_y
        predicted_means, predicted_spreads = self.predicted_mean, self.predicted_spread
        if self.target_scale is not None:
            means, predicted_means = map(self.target_scale.undo, (means, predicted_means))
            predicted_spreads = predicted_spreads * self.target_scale.scale
        return (
            f"{name} has mean {means[k]:.3g} and standard deviation {spreads[k]:.3g}, the "
            f"predictions {predicted_means[k]:.3g} and {predicted_spreads[k]:.3g}"
        )

    @property
    def spread_of_y(self) -> np.ndarray:
        """Standard deviation of the targets in the units of y."""
        return self.spread * (1 if self.target_scale is None else self.target_scale.scale)


def measure_target_fit(
    network: Network,
    X: Matrix,
    y: np.ndarray,
    sample_weight: np.ndarray | None,
    target_scale: TargetScale | None = None,
) -> TargetFit | None:
    """Return the TargetFit of up to 200 random training rows.

    Targets are in the units of the network, in which its loss is defined. Returns None for
    losses whose link is not the identity, because their value alone does not show whether a
    fit is good, and for user-defined losses, which may need all outputs of a row at once. Of
    several quantiles, only the one nearest to the median is used.
    """
    if network.loss.out_activation != "identity" or not network.loss.is_separable:
        return None
    rows = random_rows(len(y), sample_weight)
    y = y[rows].astype(np.float64)
    weight = None if sample_weight is None else sample_weight[rows].astype(np.float64)
    with np.errstate(all="ignore"):  # the squares of a diverging fit may overflow
        predicted, loss = raw_prediction(network, X[rows]).astype(np.float64), network.loss
        if isinstance(loss, QuantilesLoss):
            middle = [loss.middle]
            loss.predict(predicted, out=predicted)
            y, predicted, loss = y[:, middle], predicted[:, middle], loss.heads[loss.middle]
        own = _column_losses(loss, y, predicted, weight)
        # the mean is the best constant for the squared error, a quantile for the others
        constants = (
            np.average(y, axis=0, weights=weight),
            np.quantile(y, getattr(loss, "quantile", 0.5), axis=0),
        )
        of_constants = [
            _column_losses(loss, y, np.broadcast_to(constant, y.shape), weight)
            for constant in constants
        ]
        lowest = np.min(of_constants, axis=0)
        return TargetFit(
            mean=y.mean(axis=0),
            spread=y.std(axis=0),
            predicted_mean=predicted.mean(axis=0),
            predicted_spread=predicted.std(axis=0),
            explained=np.where(np.ptp(y, axis=0) > 0, 1 - own / lowest, np.nan),
            target_scale=target_scale,
        )


def random_rows(n_samples: int, sample_weight: np.ndarray | None) -> np.ndarray:
    """Return the indices of up to 200 rows with positive weights, always the same ones."""
    rng = np.random.default_rng(0)
    if sample_weight is not None:
        rows = np.flatnonzero(sample_weight)
        return rng.choice(rows, _N_ROWS) if len(rows) > _N_ROWS else rows
    # avoids an array of all indices, of which there may be millions
    return (
        rng.integers(n_samples, size=_N_ROWS) if n_samples > _N_ROWS else np.arange(n_samples)
    )


def _column_losses(
    loss: Loss, y: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None
) -> np.ndarray:
    gradient = np.empty((len(y), 1))
    return np.array(
        [
            loss.loss_gradient(y[:, [k]], predicted[:, [k]], weight, gradient_out=gradient)
            for k in range(y.shape[1])
        ]
    )
