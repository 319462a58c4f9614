"""A fully connected layer."""

import math

import numpy as np

from skneural._initializers import initialize
from skneural.layers._base import Layer


class Dense(Layer):
    """``y = x @ weight + bias``.

    Parameters
    ----------
    units : int
        Number of outputs.
    weight_init : {"he", "glorot", "lecun", "zeros"}, default="glorot"
        Scheme of the initial weights; biases start at zero.
    """

    row_by_row = True

    def __init__(self, units, weight_init="glorot"):
        self.units = units
        self.weight_init = weight_init

    @property
    def label(self):
        return f"Dense {self.units}"

    def build(self, input_shape):
        (n_inputs,) = input_shape
        self.param_shapes = {"weight": (n_inputs, self.units), "bias": (self.units,)}
        return (self.units,)

    def init_params(self, params, state, rng):
        weight = params["weight"]
        n_inputs, n_outputs = weight.shape
        initialize(weight, self.weight_init, rng, fan_in=n_inputs, fan_out=n_outputs)
        params["bias"][...] = 0

    def product_flops(self, n_samples):
        return 2 * n_samples * math.prod(self.param_shapes["weight"])

    def bind(self, binding):
        self.ops = binding.ops
        self.weight = binding.params["weight"]
        self.weight_T = self.weight.swapaxes(-1, -2)
        self.bias = binding.params["bias"][..., None, :]
        self.batch_shape = binding.batch_shape
        self.y = self.ops.empty((*self.batch_shape[:-1], self.units), binding.dtype)
        if binding.grads is not None:
            self.grad_weight = binding.grads["weight"]
            self.grad_bias = binding.grads["bias"]
            self.ones = np.ones(self.batch_shape[-2], binding.dtype)
            self.dx = None

    def forward(self, x, *, training):
        y = self.ops.leading_rows(self.y, x.shape[-2])
        self.ops.matmul(x, self.weight, out=y)
        y += self.bias
        self.x = x
        return y

    def backward(self, dy, *, need_dx=True):
        self.ops.matmul_transposed(self.x, dy, out=self.grad_weight)
        # a product with ones sums the rows twice as fast as a reduction
        self.ops.matmul(self.ones[: dy.shape[-2]], dy, out=self.grad_bias)
        if not need_dx:
            return None
        if self.dx is None:  # The first layer of a network never needs it.
            self.dx = self.ops.empty(self.batch_shape, dy.dtype)
        dx = self.ops.leading_rows(self.dx, dy.shape[-2])
        return self.ops.matmul(dy, self.weight_T, out=dx)
