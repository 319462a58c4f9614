"""Activations: elementwise functions, in place on the output of the layer before.

Each class contains the forward and the backward pass. If the derivative can be computed from
the output, only the output is kept; `gelu` and `silu` keep the derivative.
"""

import math

import numpy as np
from scipy.special import ndtr

from skneural._network import array_operations as ops
from skneural._network.array_types import Array
from skneural._network.layers.base import Binding, Layer

_LEAK = 0.01


class Activation(Layer):
    """An elementwise function. `forward` writes on its input, `backward` on `dy`."""

    # the meaning of weight_init="auto"; "he" is for rectifiers, which pass on half of a signal
    weight_init = "glorot"
    never_falls = False  # max pooling may then come before it, with the same output
    never_negative = False  # of the output
    slope: np.ndarray  # of truth values where those are enough
    y: Array

    def bind(self, binding: Binding) -> None:
        self.slope = np.empty(binding.batch_shape, binding.dtype)

    def leading_slope(self) -> np.ndarray:
        """Return the workspace for the derivative, with the rows of the current mini-batch."""
        return self.slope[: len(self.y)]


class Identity(Activation):
    """``y = z``."""

    never_falls = True

    def bind(self, binding: Binding) -> None:
        pass

    def forward(self, z: Array, *, training: bool) -> Array:
        return z

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array:
        return dy


class Logistic(Activation):
    """``y = 1 / (1 + exp(-z))``."""

    never_falls = True
    never_negative = True

    def forward(self, z: Array, *, training: bool) -> Array:
        self.y = ops.logistic(z, out=z)
        return z

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array:
        slope = np.subtract(1, self.y, out=self.leading_slope())
        slope *= self.y
        dy *= slope
        return dy


class Tanh(Activation):
    """``y = tanh(z)``."""

    never_falls = True

    def forward(self, z: Array, *, training: bool) -> Array:
        self.y = np.tanh(z, out=z)
        return z

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array:
        slope = np.multiply(self.y, self.y, out=self.leading_slope())
        np.subtract(1, slope, out=slope)
        dy *= slope
        return dy


class ReLU(Activation):
    """``y = max(z, 0)``; the slope at 0 is 0."""

    weight_init = "he"
    never_falls = True
    never_negative = True

    def bind(self, binding: Binding) -> None:
        if binding.grads is not None:
            self.slope = np.empty(binding.batch_shape, bool)

    def forward(self, z: Array, *, training: bool) -> Array:
        self.y = np.maximum(z, 0, out=z)
        return z

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array:
        dy *= np.greater(self.y, 0, out=self.leading_slope())
        return dy


class LeakyReLU(Activation):
    """``y = z`` where ``z > 0``, else ``0.01 z``."""

    weight_init = "he"
    never_falls = True

    def forward(self, z: Array, *, training: bool) -> Array:
        self.y = z
        leak = np.multiply(z, _LEAK, out=self.leading_slope())
        return np.maximum(z, leak, out=z)

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array:
        slope = np.greater(self.y, 0, out=self.leading_slope(), casting="unsafe")
        np.maximum(slope, _LEAK, out=slope)
        dy *= slope
        return dy


class ELU(Activation):
    """``y = z`` where ``z > 0``, else ``exp(z) - 1``."""

    weight_init = "he"
    never_falls = True

    def forward(self, z: Array, *, training: bool) -> Array:
        self.y = z
        below = np.minimum(z, 0, out=self.leading_slope())
        np.expm1(below, out=below)
        return np.maximum(z, below, out=z)

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array:
        slope = np.minimum(self.y, 0, out=self.leading_slope())
        slope += 1
        dy *= slope
        return dy


class Softplus(Activation):
    """``y = log(1 + exp(z))``."""

    weight_init = "he"
    never_falls = True
    never_negative = True

    def forward(self, z: Array, *, training: bool) -> Array:
        self.y = z
        tail = np.abs(z, out=self.leading_slope())
        np.negative(tail, out=tail)
        np.exp(tail, out=tail)
        np.log1p(tail, out=tail)
        np.maximum(z, 0, out=z)
        z += tail
        return z

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array:
        # logistic(z) = 1 - exp(-softplus(z))
        slope = np.negative(self.y, out=self.leading_slope())
        np.expm1(slope, out=slope)
        np.negative(slope, out=slope)
        dy *= slope
        return dy


class SiLU(Activation):
    """``y = z * logistic(z)``."""

    weight_init = "he"

    def bind(self, binding: Binding) -> None:
        super().bind(binding)
        self.scratch = np.empty(binding.batch_shape, binding.dtype)

    def forward(self, z: Array, *, training: bool) -> Array:
        self.y = z
        slope = ops.logistic(z, out=self.leading_slope())
        z *= slope
        if training:  # slope = s + y (1 - s)
            y_s = self.scratch[: len(z)]
            np.multiply(z, slope, out=y_s)
            slope += z
            slope -= y_s
        return z

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array:
        dy *= self.leading_slope()
        return dy


class GELU(SiLU):
    """``y = z * Phi(z)``, with Phi the normal distribution function (the exact form)."""

    def forward(self, z: Array, *, training: bool) -> Array:
        self.y = z
        slope = ndtr(z, out=self.leading_slope())
        if not training:
            z *= slope
            return z
        # slope = Phi(z) + z phi(z), where phi is the normal density
        z_phi = self.scratch[: len(z)]
        np.multiply(z, z, out=z_phi)
        z_phi *= -0.5
        np.exp(z_phi, out=z_phi)
        z_phi *= z
        z_phi *= 1 / math.sqrt(2 * math.pi)
        z *= slope
        slope += z_phi
        return z


ACTIVATIONS: dict[str, type[Activation]] = {
    "identity": Identity,
    "logistic": Logistic,
    "tanh": Tanh,
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "elu": ELU,
    "gelu": GELU,
    "silu": SiLU,
    "softplus": Softplus,
}
