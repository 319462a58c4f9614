"""The contract of a layer."""

import math
from dataclasses import dataclass

import numpy as np

from skneural._network.array_types import Array, Arrays, Order, Shape
from skneural._network.philox import Draws


@dataclass
class Binding:
    """The arrays and settings that a layer receives in `bind`.

    Attributes
    ----------
    n_samples : int
        Number of samples in the largest mini-batch.
    input_shape : tuple of int
        Shape of one sample in the input of the layer.
    dtype : numpy dtype
        The dtype of all arrays.
    params, state : dict of str to ndarray
        Views of the flat vectors of parameters and of state.
    grads : dict of str to ndarray or None
        Views of the flat gradient, or None for predictions.
    draws : skneural._network.philox.Draws or None
        Random words for training, or None for predictions.
    index : int
        Index of the layer in the network, which determines its random words.
    """

    n_samples: int
    input_shape: Shape
    dtype: np.dtype[np.floating]
    params: Arrays
    state: Arrays
    grads: Arrays | None = None
    draws: Draws | None = None
    index: int = 0

    @property
    def batch_shape(self) -> tuple[int, int]:
        """Shape of the largest mini-batch, with one row per sample, or per pixel of images."""
        *pixels, channels = self.input_shape
        return self.n_samples * math.prod(pixels), channels


class Layer:
    """One step of a network, with its forward and its backward pass.

    A layer is first described (`__init__`), then built (`build`), and contains only plain data
    until it is bound. `Network` binds a copy of it, so that the description itself never
    contains an array.

    Attributes
    ----------
    param_shapes : dict of str to tuple
        Shapes of the parameters, set by `build`. The one called ``"weight"`` is
        penalized; the others are not.
    state_shapes : dict of str to tuple
        Shapes of the arrays that the layer learns without a gradient (running statistics), set
        by `build`.
    """

    n_workspace = 0  # number of values stored per sample in addition to the output
    param_shapes: dict[str, Shape] = {}
    state_shapes: dict[str, Shape] = {}
    only_training = False  # whether the layer has no effect on predictions
    updates_rows = False  # whether a step changes only some rows of its parameters

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self.param_shapes.get('weight', '')}"

    @property
    def label(self) -> str:
        """Name of the layer in a summary."""
        return type(self).__name__

    def build(self, input_shape: Shape) -> Shape:
        """Set `param_shapes` and return the output shape, both without the batch axis."""
        return input_shape

    def product_flops(self, n_samples: int) -> int:
        """Return the floating-point operations of the largest product on a mini-batch."""
        return 0

    def init_params(self, params: Arrays, state: Arrays, rng: np.random.Generator) -> None:
        """Write initial values into dicts of arrays, with random numbers from `rng`."""

    def bind(self, binding: Binding) -> None:
        """Keep views of parameters and gradients and allocate the workspace."""

    def forward(self, x: Array, *, training: bool) -> Array:
        """Return the output for `x`, which is a C-contiguous view of the workspace."""
        raise TypeError(f"{type(self).__name__} does not define forward.")

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array | None:
        """Overwrite the gradients of the parameters; return the gradient with respect to `x`.

        It may overwrite `dy`, and returns None if `need_dx` is False.
        """
        raise TypeError(f"{type(self).__name__} does not define backward.")

    def touched_rows(self) -> dict[str, Order]:
        """Return which rows of each parameter the last gradient is for, if it `updates_rows`.

        The gradient of all other rows is zero.
        """
        return {}
