"""Dropout."""

import math

import numpy as np

from skneural._network import philox
from skneural._network.array_types import Array
from skneural._network.layers.base import Binding, Layer
from skneural._network.philox import Draws


class Dropout(Layer):
    """``y = x * mask / (1 - rate)`` in training, ``y = x`` when predicting.

    Every unit of every row is set to zero with probability `rate`, at random for every
    mini-batch. The other units are scaled up, so that the mean of `y` is `x`. Which units are
    dropped depends only on the seed of the network, the step, the layer and the position in the
    mini-batch, not on the dtype: see `skneural._network.philox`.

    Parameters
    ----------
    rate : float
        Proportion of dropped units, in [0, 1). With 0 the layer is the identity.

    References
    ----------
    N. Srivastava et al., Dropout: a simple way to prevent neural networks from
    overfitting, JMLR 15, 2014.
    """

    only_training = True
    draws: Draws  # while training

    def __init__(self, rate: float) -> None:
        self.rate = rate

    @property
    def label(self) -> str:
        return f"Dropout {self.rate:g}"

    def bind(self, binding: Binding) -> None:
        if not self.rate or binding.grads is None:
            return
        self.draws, self.index = binding.draws, binding.index  # type: ignore[assignment]
        n_values = math.prod(binding.input_shape)
        self.factor = np.empty((binding.n_samples, n_values), binding.dtype)
        self.y = np.empty_like(self.factor)

    def forward(self, x: Array, *, training: bool) -> Array:
        if not (self.rate and training):
            return x
        rows = x.reshape(-1, self.y.shape[1])  # one per sample, not per pixel
        factor, y = self.factor[: len(rows)], self.y[: len(rows)]
        scale, smallest = factor.dtype.type(1 / (1 - self.rate)), philox.threshold(self.rate)
        for some, words in self.draws.chunks(self.index, *rows.shape):
            np.multiply(words[:, : rows.shape[1]] >= smallest, scale, out=factor[some])
        self.slope = factor.reshape(x.shape)
        return np.multiply(rows, factor, out=y).reshape(x.shape)

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array:
        if self.rate:
            dy *= self.slope
        return dy
