"""A convolutional layer."""

import math

import numpy as np

from skneural._initializers import initialize
from skneural.layers._base import Layer
from skneural.layers._windows import place_windows, windows_label
from skneural.ops import _images
from skneural.ops._correlation import COLUMN_BYTES, Correlation
from skneural.ops._memo import Memo


class Conv2D(Layer):
    """``y[i, j] = sum over u, v of x[i * stride + u, j * stride + v] @ weight[u, v] + bias``.

    The kernel is not flipped (a cross-correlation). Signals ``(length, channels)`` are images
    of height 1.

    Parameters
    ----------
    filters : int
        Number of output channels.
    kernel_size : int or tuple of int
        Height and width of the kernels; one number for both, or for signals.
    strides : int or tuple of int, default=1
        Steps from window to window.
    padding : {"valid", "same"}, int or tuple of int, default="valid"
        Zeros around the image: none; as many as leave ``ceil(size / stride)`` windows, an odd
        one at the end; or a number for both sides of an axis.
    dilation : int or tuple of int, default=1
        Steps from pixel to pixel within a window.
    weight_init : {"he", "glorot", "lecun", "zeros"}, default="glorot"
        Scheme of the initial weights; biases start at zero.

    References
    ----------
    Y. LeCun et al., Gradient-based learning applied to document recognition, Proceedings of
    the IEEE 86, 1998.
    """

    row_by_row = True
    output_is_free = True

    def __init__(
        self, filters, kernel_size, strides=1, padding="valid", dilation=1, weight_init="glorot"
    ):
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding = padding
        self.dilation = dilation
        self.weight_init = weight_init

    @property
    def label(self):
        return f"Conv{self.n_axes}D {self.filters} of {windows_label(self)}"

    def __repr__(self):
        return (
            f"Conv2D({self.filters}, {self.kernel_size}, strides={self.strides}, "
            f"padding={self.padding!r}, dilation={self.dilation})"
        )

    def build(self, input_shape):
        self.windows = place_windows(
            self, input_shape, self.kernel_size, self.strides, self.padding, self.dilation
        )
        n_axes = self.n_axes = len(input_shape) - 1
        c = input_shape[-1]
        kernel = self.windows.size[-n_axes:]
        self.param_shapes = {"weight": (*kernel, c, self.filters), "bias": (self.filters,)}
        self.n_workspace = self.windows.output[1] * math.prod(kernel) * c  # see Correlation
        if self.windows.is_padded:
            self.n_workspace += math.prod(self.windows.padded) * c
        return (*self.windows.output[-n_axes:], self.filters)

    def init_params(self, params, state, rng):
        weight = params["weight"]
        area = math.prod(self.windows.size)
        fans = {"fan_in": area * weight.shape[-2], "fan_out": area * self.filters}
        initialize(weight, self.weight_init, rng, **fans)
        params["bias"][...] = 0

    def product_flops(self, n_samples):
        *kernel, filters = self.param_shapes["weight"]
        oh, ow = self.windows.output
        row = ow * math.prod(kernel)
        return 2 * filters * min(n_samples * oh * row, max(COLUMN_BYTES // 4, row))

    def bind(self, binding):
        self.ops, dtype = binding.ops, binding.dtype
        self.batch_shape = binding.batch_shape
        *lead, n_rows, c = self.batch_shape
        h, w, _ = self.windows.image
        area, n_images = math.prod(self.windows.size), n_rows // (h * w)
        n_outputs = n_images * math.prod(self.windows.output)
        self.models = list(np.ndindex(*lead))
        self.weight = binding.params["weight"].reshape(*lead, area * c, self.filters)
        self.bias = binding.params["bias"]
        self.y = self.ops.empty((*lead, n_outputs, self.filters), dtype)
        self.correlation = Correlation(self.windows, self.filters, n_images, dtype)
        self.views, self.views_back = Memo(), Memo()
        if binding.grads is not None:
            self.grad_weight = binding.grads["weight"].reshape(self.weight.shape)
            self.grad_bias = binding.grads["bias"]
            self.ones = np.ones(n_outputs, dtype)
            self.free_input = binding.free_input
            self.dx_is_bound = False

    def forward(self, x, *, training):
        h, w, _ = self.windows.image
        self.x = x
        n_outputs = x.shape[-2] // (h * w) * math.prod(self.windows.output)
        y = self.ops.leading_rows(self.y, n_outputs)
        for model, chunks in self.views(self._chunks, x, y):
            self.correlation.correlate(chunks, self.weight[model], self.bias[model])
        return y

    def _chunks(self, x, rows):
        """Each model, and how to go through its images and outputs."""
        images = _images.images(x, *self.windows.image[:2])
        return [(m, self.correlation.chunks(images[m], rows[m])) for m in self.models]

    def backward(self, dy, *, need_dx=True):
        # a product with ones sums the rows twice as fast as a reduction
        np.matmul(self.ones[: dy.shape[-2]], dy, out=self.grad_bias)
        if not need_dx:
            for model, chunks in self.views_back(self._chunks, self.x, dy):
                self.correlation.weight_gradient(chunks, self.grad_weight[model])
            return None
        if not self.dx_is_bound:  # The first layer of a network never needs it.
            self._bind_input_gradient()
        dx = self.x
        if not self.free_input:
            dx = self.ops.leading_rows(self.dx, self.x.shape[-2])
        if self.turned is None:
            self._gradients(dy, dx)
        else:
            self._gradients_by_turning(dy, dx)
        return dx

    def _bind_input_gradient(self):
        *_, n_rows, c = self.batch_shape
        h, w, _ = self.windows.image
        n_images, dtype = n_rows // (h * w), self.y.dtype
        if not self.free_input:
            self.dx = self.ops.empty(self.batch_shape, dtype)
        self.turned = self.windows.turned(self.filters)
        if self.turned is None:
            self.padded_dx = self.ops.empty((n_images, *self.windows.padded, c), dtype)
        else:
            self.turned = Correlation(self.turned, c, n_images, dtype)
            self.grad_turned = np.empty_like(self.weight[self.models[0]])
        self.dx_is_bound = True

    def _gradients(self, dy, dx):
        h, w, _ = self.windows.image
        for model, chunks in self.views_back(self._chunks, self.x, dy):
            self.correlation.weight_gradient(chunks, self.grad_weight[model])
            images = _images.images(dx[model], h, w)
            padded = self.padded_dx[: len(images)]
            padded[...] = 0
            self.correlation.add_to_windows(dy[model], self.weight[model], padded)
            images[...] = _images.middle(padded, self.windows)

    def _gradients_by_turning(self, dy, dx):
        """Correlate dy with the kernels turned by half a circle: what a pixel of x sees.

        The same windows of dy, multiplied with x, make the gradient of the turned kernels.
        """
        c = dx.shape[-1]
        for model, chunks in self.views_back(self._turned_chunks, dy, dx, self.x):
            weight = self.weight[model].reshape(-1, c, self.filters)
            grad = self.grad_weight[model].reshape(weight.shape)
            turned = weight[::-1].swapaxes(1, 2).reshape(-1, c)
            grad_turned = self.grad_turned.reshape(turned.shape)
            self.turned.correlate_and_gradient(chunks, turned, grad_turned)
            grad[...] = grad_turned.reshape(-1, self.filters, c)[::-1].swapaxes(1, 2)

    def _turned_chunks(self, dy, dx, x):
        """Each model, and how to go through the images of dy and the pixel rows of dx and x."""
        images = _images.images(dy, *self.windows.output)
        return [(m, self.turned.chunks(images[m], dx[m], x[m])) for m in self.models]
