"""The loss of several quantiles of one target."""

from collections.abc import Sequence

import numpy as np

from skneural._network.array_types import Array
from skneural._network.losses.classification import MultiHead
from skneural._network.losses.regression import PinballLoss


class QuantilesLoss(MultiHead):
    """The sum of the pinball losses of several quantiles, with one column per quantile.

    Predictions are sorted, so that they never cross. This never makes them worse: the sum of
    the pinball losses is not larger with sorted columns.

    Parameters
    ----------
    quantiles : sequence of float
        The quantiles in increasing order.

    Attributes
    ----------
    quantiles : tuple of float
        The parameter.

    References
    ----------
    V. Chernozhukov, I. Fernandez-Val and A. Galichon, Quantile and probability curves without
    crossing, Econometrica 78, 2010.
    """

    def __init__(self, quantiles: Sequence[float]) -> None:
        self.quantiles = tuple(map(float, quantiles))
        super().__init__([PinballLoss(q) for q in self.quantiles], [1] * len(self.quantiles))

    @property
    def middle(self) -> int:
        """The column of the quantile that is nearest to the median."""
        return int(np.argmin(np.abs(np.subtract(self.quantiles, 0.5))))

    def predict(self, raw_prediction: Array, *, out: Array) -> Array:
        if out is not raw_prediction:
            out[...] = raw_prediction
        out.sort(axis=1)
        return out
