"""A layer that converts images to vectors."""

import math

from skneural._network.array_types import Array, Shape
from skneural._network.layers.base import Layer


class Flatten(Layer):
    """Return all pixels of an image, row by row, as the features of one sample (a view)."""

    def build(self, input_shape: Shape) -> Shape:
        self.n_channels = input_shape[-1]
        self.n_features = math.prod(input_shape)
        return (self.n_features,)

    def forward(self, x: Array, *, training: bool) -> Array:
        return x.reshape(-1, self.n_features)

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array:
        return dy.reshape(-1, self.n_channels)
