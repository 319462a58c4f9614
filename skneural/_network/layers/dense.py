"""A fully connected layer."""

import math

import numpy as np

from skneural._network import array_operations as ops
from skneural._network.array_types import Array, Arrays, Rows, Shape
from skneural._network.initializers import initialize
from skneural._network.layers.base import Binding, Layer


class Dense(Layer):
    """``y = x @ weight + bias``.

    Parameters
    ----------
    units : int
        Number of outputs.
    weight_init : {"he", "glorot", "lecun", "zeros"}, default="glorot"
        Scheme of the initial weights. Biases are initially zero.
    """

    dx: Array | None

    def __init__(self, units: int, weight_init: str = "glorot") -> None:
        self.units = units
        self.weight_init = weight_init

    @property
    def label(self) -> str:
        return f"Dense {self.units}"

    def build(self, input_shape: Shape) -> Shape:
        (n_inputs,) = input_shape
        self.param_shapes = {"weight": (n_inputs, self.units), "bias": (self.units,)}
        return (self.units,)

    def init_params(self, params: Arrays, state: Arrays, rng: np.random.Generator) -> None:
        weight = params["weight"]
        n_inputs, n_outputs = weight.shape
        initialize(weight, self.weight_init, rng, fan_in=n_inputs, fan_out=n_outputs)
        params["bias"][...] = 0

    def product_flops(self, n_samples: int) -> int:
        return 2 * n_samples * math.prod(self.param_shapes["weight"])

    def bind(self, binding: Binding) -> None:
        self.weight = binding.params["weight"]
        self.bias = binding.params["bias"]
        self.batch_shape = binding.batch_shape
        self.y = np.empty((binding.n_samples, self.units), binding.dtype)
        if binding.grads is not None:
            self.grad_weight = binding.grads["weight"]
            self.grad_bias = binding.grads["bias"]
            self.ones = np.ones(binding.n_samples, binding.dtype)
            self.dx = None

    def forward(self, x: Rows, *, training: bool) -> Array:
        y = ops.matmul(x, self.weight, out=self.y[: x.shape[0]])
        y += self.bias
        self.x = x
        return y

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array | None:
        ops.matmul(self.x.T, dy, out=self.grad_weight)
        # a product with ones adds the rows twice as fast as a reduction
        ops.matmul(self.ones[: len(dy)], dy, out=self.grad_bias)
        if not need_dx:
            return None
        if self.dx is None:  # The first layer of a network does not need this gradient.
            self.dx = np.empty(self.batch_shape, dy.dtype)
        return ops.matmul(dy, self.weight.T, out=self.dx[: len(dy)])
