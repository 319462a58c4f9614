"""User-defined activations."""

from typing import Protocol

import numpy as np

from skneural._network.array_types import Array
from skneural._network.layers.activations import ACTIVATIONS, Activation
from skneural._network.user_functions import (
    check_finite,
    check_slope,
    checked_result,
    read_only,
    steps,
)


class ElementwiseFunction(Protocol):
    """A value of `activation` that is not a name: a function and its derivative."""

    def f(self, x: Array) -> Array:
        """Return the function of every element of `x`, as an array of the same shape."""

    def df(self, x: Array) -> Array:
        """Return the derivative at every element of `x`, as an array of the same shape."""


class UserActivation(Activation):
    """``y = f(z)``, with the methods `f` and `df` of a user-defined object.

    Max pooling comes after it, because `f` may not be monotonically increasing. It runs on the
    NumPy engine.
    """

    def __init__(self, function: ElementwiseFunction) -> None:
        self.function = function

    def __repr__(self) -> str:
        return type(self.function).__name__

    @property
    def label(self) -> str:
        """Name of the layer in a summary."""
        return type(self.function).__name__

    def forward(self, z: Array, *, training: bool) -> Array:
        self.y = z
        x = read_only(z)
        if training:
            self.leading_slope()[...] = self._call("df", x)
        z[...] = self._call("f", x)
        return z

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array:
        dy *= self.leading_slope()
        return dy

    def _call(self, name: str, x: Array) -> Array:
        what = f"activation: what {name} of {self.function!r} returns"
        return checked_result(what, getattr(self.function, name)(x), x.shape)

    def check(self) -> None:
        """Check that the function is elementwise, and that the derivative is correct."""
        z = np.random.default_rng(0).normal(scale=2.0, size=(7, 3))
        step = steps(z)
        values, slope, above, below = (
            self._call(name, read_only(x))
            for name, x in (("f", z), ("df", z), ("f", z + step), ("f", z - step))
        )
        check_finite(f"activation: what f of {self.function!r} returns", values)
        check_finite(f"activation: what df of {self.function!r} returns", slope)
        places = np.char.mod("x = %.6g", z)
        what = f"activation: what df of {self.function!r} returns"
        check_slope(what, slope, above, below, step, places)


def activation_layer(activation: str | ElementwiseFunction) -> Activation:
    """Return the layer for an entry of `activation`."""
    if isinstance(activation, str):
        return ACTIVATIONS[activation]()
    return UserActivation(activation)
