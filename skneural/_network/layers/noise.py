"""Noise on the input."""

import math

import numpy as np

from skneural._network import philox
from skneural._network.array_types import Array
from skneural._network.layers.base import Binding, Layer
from skneural._network.philox import Draws


class GaussianNoise(Layer):
    """``y = x + std * normal noise`` in training, ``y = x`` when predicting.

    For small `std`, this is Tikhonov regularization: it penalizes the slope of the network at
    the training samples. The noise depends only on the seed of the network, the step, the layer
    and the position in the mini-batch, and is always computed in float64: see
    `skneural._network.philox`. The input must be dense.

    Parameters
    ----------
    std : float
        Standard deviation of the noise. With 0 the layer is the identity.

    References
    ----------
    C. Bishop, Training with noise is equivalent to Tikhonov regularization, Neural
    Computation 7, 1995.
    """

    only_training = True
    draws: Draws  # while training

    def __init__(self, std: float) -> None:
        self.std = std

    def bind(self, binding: Binding) -> None:
        if not self.std or binding.grads is None:
            return
        self.draws, self.index = binding.draws, binding.index  # type: ignore[assignment]
        self.y = np.empty((binding.n_samples, math.prod(binding.input_shape)), binding.dtype)

    def forward(self, x: Array, *, training: bool) -> Array:
        if not (self.std and training):
            return x
        if not isinstance(x, np.ndarray):
            raise ValueError(
                f"input_noise={self.std!r} needs dense input, as noise leaves no zeros; "
                f"got {type(x).__name__}. Use input_noise=0 or a dense X."
            )
        rows = x.reshape(-1, self.y.shape[1])  # one per sample, not per pixel
        y = self.y[: len(rows)]
        for some, words in self.draws.chunks(self.index, *rows.shape):
            noise = philox.normals(words)[:, : rows.shape[1]]
            noise *= self.std
            np.add(rows[some], noise.astype(y.dtype), out=y[some])
        return y.reshape(x.shape)

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array:
        return dy
