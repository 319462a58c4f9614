"""Noise on the input."""

import math

import numpy as np

from skneural.layers._base import Layer


class GaussianNoise(Layer):
    """``y = x + std * normal noise`` in training, ``y = x`` when predicting.

    For small `std` this is Tikhonov regularization: it penalizes the slope of the network
    at the training rows. The draws are float32 whatever the dtype, so that float32 and
    float64 networks see the same noise. Input must be dense.

    Parameters
    ----------
    std : float
        Standard deviation of the noise; at 0 the layer is the identity.

    References
    ----------
    C. Bishop, Training with noise is equivalent to Tikhonov regularization, Neural
    Computation 7, 1995.
    """

    only_training = True

    def __init__(self, std):
        self.std = std

    def bind(self, binding):
        if not self.std or binding.grads is None:
            return
        self.rng = binding.rng
        # flat, so that the part in use is contiguous whatever the number of rows
        self.y = np.empty(math.prod(binding.batch_shape), binding.dtype)
        is_float32 = self.y.dtype == np.float32
        self.noise = self.y if is_float32 else np.empty(self.y.size, np.float32)

    def forward(self, x, *, training):
        if not (self.std and training):
            return x
        if not isinstance(x, np.ndarray):
            raise ValueError(
                f"input_noise={self.std!r} needs dense input, as noise leaves no zeros; "
                f"got {type(x).__name__}. Use input_noise=0 or a dense X."
            )
        noise = self.noise[: x.size]
        self.rng.standard_normal(out=noise, dtype=np.float32)
        noise *= self.std
        return np.add(x, noise.reshape(x.shape), out=self.y[: x.size].reshape(x.shape))

    def backward(self, dy, *, need_dx=True):
        return dy
