"""Dropout."""

import math

import numpy as np

from skneural.layers._base import Layer


class Dropout(Layer):
    """``y = x * mask / (1 - rate)`` in training, ``y = x`` when predicting.

    Every unit of every row is zero with probability `rate`, drawn anew for every batch;
    those kept are scaled up, so that the mean of `y` is `x`. The draws are float32 whatever
    the dtype, so that float32 and float64 networks drop the same units.

    Parameters
    ----------
    rate : float
        Share of dropped units, in [0, 1); at 0 the layer is the identity.

    References
    ----------
    N. Srivastava et al., Dropout: a simple way to prevent neural networks from
    overfitting, JMLR 15, 2014.
    """

    only_training = True

    def __init__(self, rate):
        self.rate = rate

    @property
    def label(self):
        return f"Dropout {self.rate:g}"

    def bind(self, binding):
        if not self.rate or binding.grads is None:
            return
        self.rng = binding.rng
        # flat, so that the part in use is contiguous whatever the number of rows
        size = math.prod(binding.batch_shape)
        self.y = np.empty(size, binding.dtype)
        self.kept = np.empty(size, bool)
        self.factor = np.empty(size, binding.dtype)

    def forward(self, x, *, training):
        if not (self.rate and training):
            return x
        y, kept, factor = self.y[: x.size], self.kept[: x.size], self.factor[: x.size]
        draws = self.y.view(np.float32)[: x.size]  # until y is written, its place is scratch
        self.rng.random(out=draws, dtype=np.float32)
        np.greater_equal(draws, self.rate, out=kept)
        # bools are converted on their own: within a product that takes twice as long
        np.copyto(factor, kept)
        factor *= 1 / (1 - self.rate)
        self.slope = factor.reshape(x.shape)
        return np.multiply(x, self.slope, out=y.reshape(x.shape))

    def backward(self, dy, *, need_dx=True):
        if self.rate:
            dy *= self.slope
        return dy
