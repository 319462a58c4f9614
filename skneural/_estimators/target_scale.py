"""Converting regression targets to standardized units, and predictions to the units of y."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from skneural._network.array_types import Array, DType


@dataclass(frozen=True)
class TargetScale:
    """Mean and scale of the targets that a network was first trained on.

    Attributes
    ----------
    mean, scale : ndarray of shape (n_outputs,)
        Mean and scale in float64. The scale is the standard deviation, or 1 if all targets are
        equal. For targets that are only divided, the mean is 0, and the scale is the mean of
        the targets.
    """

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Self:
        """Return the scale of targets in float64, one row per sample."""
        y, weight = _rows_with_weight(y, sample_weight)
        mean = _mean(y, weight)
        residuals = y - mean
        largest = np.abs(residuals).max(axis=0)
        largest[largest == 0] = 1
        residuals /= largest  # the squares of tiny residuals would be 0
        scale = largest * np.sqrt(np.average(residuals**2, axis=0, weights=weight))
        scale[scale == 0] = 1
        return cls(mean, scale)

    @classmethod
    def of_positive(cls, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Self:
        """Return the scale that divides non-negative float64 targets by their mean."""
        scale = _mean(*_rows_with_weight(y, sample_weight))
        scale[scale == 0] = 1
        return cls(np.zeros_like(scale), scale)

    def standardize(self, y: np.ndarray, dtype: DType) -> Array:
        """Return float64 targets in the units and the dtype of the network."""
        with np.errstate(over="ignore"):  # later targets may have another scale
            return ((y - self.mean) / self.scale).astype(dtype)

    def undo(self, prediction: np.ndarray) -> np.ndarray:
        """Return predictions of the network in the units of y, in the dtype they had."""
        y = prediction * self.scale  # in float64, whatever the network computes in
        y += self.mean
        return y if y.dtype == prediction.dtype else y.astype(prediction.dtype)


def _rows_with_weight(
    y: np.ndarray, sample_weight: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the targets that have a weight, and their weights in float64."""
    if sample_weight is None:
        return y, None
    weighted = sample_weight > 0
    weight = sample_weight[weighted].astype(np.float64)
    return y[weighted], weight / weight.max()  # the sum of large weights must not overflow


def _mean(y: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """Return the weighted mean of each column."""
    mean = np.average(y, axis=0, weights=weight)
    # The first sum may have a large rounding error if y is far from 0. With this second step
    # the mean of equal targets is exact, and all their residuals are 0.
    return mean + np.average(y - mean, axis=0, weights=weight)
