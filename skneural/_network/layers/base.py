"""The contract of a layer."""

import math
from dataclasses import dataclass

import numpy as np

from skneural._network.array_types import Array, Arrays, Shape
from skneural._network.philox import Draws


@dataclass
class Binding:
    """What a layer is given to work with.

    Attributes
    ----------
    n_samples : int
        Number of samples of the largest batch to come.
    input_shape : tuple of int
        Shape of one sample as it comes to the layer.
    dtype : numpy dtype
        The dtype of all arrays.
    params, state : dict of str to ndarray
        Views into the flat vectors of parameters and of state.
    grads : dict of str to ndarray or None
        Views into the flat gradient; None when only predicting.
    draws : skneural._network.philox.Draws or None
        Random words for training batches; None when only predicting.
    index : int
        Place of the layer in the network, by which it asks for its words.
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
        """Shape of the largest batch: one row per sample, or one per pixel of each image."""
        *pixels, channels = self.input_shape
        return self.n_samples * math.prod(pixels), channels


class Layer:
    """One step of a network: forward stands beside backward.

    A layer is first described (`__init__`), then built (`build`), and is plain data until
    it is bound. `Network` binds a copy of it, so that the description itself never holds
    an array.

    Attributes
    ----------
    param_shapes : dict of str to tuple
        Shapes of the parameters, set by `build`. The one called ``"weight"`` is
        penalized; the others are not.
    state_shapes : dict of str to tuple
        Shapes of what the layer learns without a gradient (running statistics), set by
        `build`.
    """

    n_workspace = 0  # values that the layer needs for one sample beside its output
    param_shapes: dict[str, Shape] = {}
    state_shapes: dict[str, Shape] = {}
    only_training = False  # whether the layer does nothing when predicting

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self.param_shapes.get('weight', '')}"

    @property
    def label(self) -> str:
        """What a summary calls the layer."""
        return type(self).__name__

    def build(self, input_shape: Shape) -> Shape:
        """Set `param_shapes` and return the output shape, both without the batch axis."""
        return input_shape

    def product_flops(self, n_samples: int) -> int:
        """Floating-point operations of the largest matrix product on a batch."""
        return 0

    def init_params(self, params: Arrays, state: Arrays, rng: np.random.Generator) -> None:
        """Write initial values into dicts of arrays; draws come from `rng`."""

    def bind(self, binding: Binding) -> None:
        """Keep views of parameters and gradients and allocate the workspace."""

    def forward(self, x: Array, *, training: bool) -> Array:
        """Return the output for `x`: a borrowed view of the workspace, rows side by side."""
        raise TypeError(f"{type(self).__name__} does not define forward.")

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array | None:
        """Overwrite the parameters' gradients; return the loss's gradient for `x`.

        May destroy `dy`. Returns None when `need_dx` is False.
        """
        raise TypeError(f"{type(self).__name__} does not define backward.")
