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
        self.y = binding.ops.empty(size, binding.dtype)
        self.kept = binding.ops.empty(size, bool)
        self.factor = binding.ops.empty(size, binding.dtype)

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


class StackedDropout(Layer):
    """`Dropout` over a leading model axis: a rate and a generator of its own for each model.

    Each model draws what it would draw alone, also where batches of unequal length stand
    side by side.

    Parameters
    ----------
    rates : sequence of float
        For each model.
    rngs : sequence of numpy.random.Generator
        Where the draws of each model come from.
    row_counts : list of int
        How many rows of the batch are those of each model; read in every `forward`.
    """

    only_training = True

    def __init__(self, rates, rngs, row_counts):
        self.rates = rates
        self.rngs = rngs
        self.row_counts = row_counts

    def build(self, input_shape):
        self.pixels = math.prod(input_shape[:-1])
        return input_shape

    def bind(self, binding):
        self.ops = binding.ops
        # float32 and zeros: what no model draws must be a number, too
        self.draws = np.zeros(binding.batch_shape, np.float32)
        self.kept = self.ops.empty(binding.batch_shape, bool)
        self.y = self.ops.empty(binding.batch_shape, binding.dtype)
        self.factor = self.ops.empty(binding.batch_shape, binding.dtype)
        column = (len(self.rates), 1, 1)
        self.thresholds = np.array(self.rates, np.float32).reshape(column)
        factors = [1 / (1 - rate) for rate in self.rates]
        self.scale = np.array(factors, binding.dtype).reshape(column)

    def forward(self, x, *, training):
        arrays = self.draws, self.kept, self.factor, self.y
        draws, kept, factor, y = (self.ops.leading_rows(a, x.shape[-2]) for a in arrays)
        for rng, n_rows, of_model in zip(self.rngs, self.row_counts, draws, strict=True):
            rng.random(out=of_model[: n_rows * self.pixels], dtype=np.float32)
        np.greater_equal(draws, self.thresholds, out=kept)
        np.copyto(factor, kept)
        factor *= self.scale
        self.slope = factor
        return np.multiply(x, factor, out=y)

    def backward(self, dy, *, need_dx=True):
        dy *= self.slope
        return dy
