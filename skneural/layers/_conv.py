"""A convolutional layer."""

import math

import numpy as np

from skneural._initializers import initialize
from skneural.layers._base import Layer
from skneural.layers._windows import place_windows
from skneural.ops import _images

# What one product works on should stay in the second-level cache of a core.
_COLUMN_BYTES = 1 << 20
# OpenBLAS multiplies up to this many multiply-adds without packing: a fifth faster.
_SMALL_PRODUCT = 1_000_000


class Conv2D(Layer):
    """``y[i, j] = sum over u, v of x[i * stride + u, j * stride + v] @ weight[u, v] + bias``.

    The kernel is not flipped (a cross-correlation). Signals ``(length, channels)`` are images
    of height 1. The windows are copied side by side as the rows of a matrix, which one
    product multiplies with all filters [2]_; a few images at a time, or a few rows of one
    large image, so that the matrix stays in the cache of a core.

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
    .. [1] Y. LeCun et al., Gradient-based learning applied to document recognition,
       Proceedings of the IEEE 86, 1998.
    .. [2] K. Chellapilla et al., High performance convolutional neural networks for document
       processing, IWFHR 2006.
    """

    def __init__(
        self, filters, kernel_size, strides=1, padding="valid", dilation=1, weight_init="glorot"
    ):
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding = padding
        self.dilation = dilation
        self.weight_init = weight_init

    def __repr__(self):
        return (
            f"Conv2D({self.filters}, {self.kernel_size}, strides={self.strides}, "
            f"padding={self.padding!r}, dilation={self.dilation})"
        )

    def build(self, input_shape):
        self.windows = place_windows(
            self, input_shape, self.kernel_size, self.strides, self.padding, self.dilation
        )
        n_axes, c = len(input_shape) - 1, input_shape[-1]
        kernel = self.windows.size[-n_axes:]
        self.param_shapes = {"weight": (*kernel, c, self.filters), "bias": (self.filters,)}
        return (*self.windows.output[-n_axes:], self.filters)

    def init_params(self, params, state, rng):
        weight = params["weight"]
        area = math.prod(self.windows.size)
        fans = {"fan_in": area * weight.shape[-2], "fan_out": area * self.filters}
        initialize(weight, self.weight_init, rng, **fans)
        params["bias"][...] = 0

    def bind(self, binding):
        self.ops, dtype = binding.ops, binding.dtype
        self.batch_shape = binding.batch_shape
        *lead, n_rows, c = self.batch_shape
        h, w, _ = self.windows.image
        oh, ow = self.windows.output
        area = math.prod(self.windows.size)
        n_images = n_rows // (h * w)
        self.models = list(np.ndindex(*lead))
        self.weight = binding.params["weight"].reshape(*lead, area, c, self.filters)
        self.bias = binding.params["bias"]
        self.y = self.ops.empty((*lead, n_images * oh * ow, self.filters), dtype)
        self.padded_shape = (*lead, n_images, *self.windows.padded, c)
        if self.windows.is_padded:
            self.padded = np.zeros(self.padded_shape, dtype)
        row = ow * area * c  # columns of one row of windows
        products = oh * row * self.filters
        self.chunk = _chunk(oh, row, products, dtype)
        self.by_image = 2 * products > _SMALL_PRODUCT and c > 1
        self.chunk_dx = _chunk(oh, row, products // area, dtype)
        n_columns = row * max(math.prod(self.chunk), math.prod(self.chunk_dx))
        self.columns = self.ops.empty(n_columns, dtype)
        if binding.grads is not None:
            self.grad_weight = binding.grads["weight"].reshape(*lead, area * c, self.filters)
            self.grad_bias = binding.grads["bias"]
            parts = (self.chunk[0], area * c, self.filters)
            self.parts = self.ops.empty(parts, dtype)
            self.part = self.ops.empty(parts[1:], dtype)
            self.ones = np.ones(n_images * oh * ow, dtype)
            self.dx = None

    def _chunks(self, n_images, chunk):
        """Yield slices of images, of their rows of windows, and of the rows of y."""
        oh, ow = self.windows.output
        images, rows = chunk
        for i in range(0, n_images, images):
            some = slice(i, min(i + images, n_images))
            for j in range(0, oh, rows):
                stop = min(j + rows, oh)
                first, last = i * oh + j, (some.stop - 1) * oh + stop
                yield some, slice(j, stop), slice(first * ow, last * ow)

    def _columns(self, windows):
        """Copy windows side by side: a matrix with a row for each, or one for each image."""
        n_images, rows, ow, *_ = windows.shape
        columns = self.columns[: windows.nbytes // self.columns.itemsize]
        if self.windows.image[-1] > 1:
            columns.view(windows.dtype).reshape(windows.shape)[...] = windows
            n_products = n_images if self.by_image else 1
            return columns.reshape(n_products, n_images * rows * ow // n_products, -1)
        # a window of one channel has short rows: store the matrix by its long columns
        size = self.windows.size
        columns = columns.reshape(*size, n_images, rows, ow)
        columns[...] = windows[..., 0].transpose(3, 4, 0, 1, 2)
        return columns.reshape(1, math.prod(size), -1).swapaxes(1, 2)

    def forward(self, x, *, training):
        h, w, c = self.windows.image
        oh, ow = self.windows.output
        n_images = x.shape[-2] // (h * w)
        y = self.ops.leading_rows(self.y, n_images * oh * ow)
        images = _images.images(x, h, w)
        self.x = []  # the windows of every model
        for model in self.models:
            padded = images[model]
            if self.windows.is_padded:
                padded = self.padded[model][:n_images]
                _images.middle(padded, self.windows)[...] = images[model]
            sliding = _images.sliding_runs if c > 1 else _images.sliding
            windows = sliding(padded, self.windows)
            self.x.append(windows)
            weight = self.weight[model].reshape(-1, self.filters)
            bias = np.tile(self.bias[model], ow)
            for some, rows, out in self._chunks(n_images, self.chunk):
                part = y[model][out]
                columns = self._columns(windows[some, rows])
                np.matmul(columns, weight, out=part.reshape(*columns.shape[:2], self.filters))
                part = part.reshape(-1, bias.size)  # long rows are added faster
                part += bias
        return y

    def backward(self, dy, *, need_dx=True):
        for model, windows in zip(self.models, self.x, strict=True):
            grad = self.grad_weight[model]
            grad[...] = 0
            for some, rows, out in self._chunks(len(windows), self.chunk):
                columns = self._columns(windows[some, rows])
                dy_part = dy[model][out].reshape(*columns.shape[:2], self.filters)
                parts = self.parts[: len(columns)]
                np.matmul(columns.swapaxes(1, 2), dy_part, out=parts)
                grad += np.add.reduce(parts, axis=0, out=self.part)
        # a product with ones sums the rows twice as fast as a reduction
        np.matmul(self.ones[: dy.shape[-2]], dy, out=self.grad_bias)
        return self._input_gradient(dy, len(windows)) if need_dx else None

    def _input_gradient(self, dy, n_images):
        """Add the gradient of every window to the pixels that it covers."""
        h, w, c = self.windows.image
        if self.dx is None:  # The first layer of a network never needs it.
            self.padded_dx = self.ops.empty(self.padded_shape, dy.dtype)
            self.dx = _images.rows(self.padded_dx)
            if self.windows.is_padded:
                self.dx = self.ops.empty(self.batch_shape, dy.dtype)
        dx = self.ops.leading_rows(self.dx, n_images * h * w)
        for model in self.models:
            padded = self.padded_dx[model][:n_images]
            padded[...] = 0
            windows = _images.sliding(padded, self.windows)
            # as a view it would make products a third slower
            weight_T = np.ascontiguousarray(self.weight[model].swapaxes(-1, -2))
            for some, rows, out in self._chunks(n_images, self.chunk_dx):
                covered = windows[some, rows]
                dy_part = dy[model][out]
                shape = (len(weight_T), len(dy_part), c)
                parts = self.columns[: covered.size].reshape(shape)
                np.matmul(dy_part, weight_T, out=parts)
                parts = parts.reshape(*self.windows.size, *covered.shape[:3], c)
                for place in np.ndindex(*self.windows.size):
                    pixels = covered[:, :, :, *place]
                    pixels += parts[place]
            if self.windows.is_padded:
                _images.images(dx[model], h, w)[...] = _images.middle(padded, self.windows)
        return dx

    def product_flops(self, n_samples):
        rows = min(n_samples, self.chunk[0]) * self.chunk[1] * self.windows.output[1]
        return 2 * rows * math.prod(self.param_shapes["weight"])


def _chunk(oh, row_columns, image_products, dtype):
    """How many images, and rows of their windows, to take at once."""
    room = _COLUMN_BYTES // (dtype.itemsize * row_columns)  # in rows of windows
    if room < oh:
        return 1, max(1, room)
    small = _SMALL_PRODUCT // image_products
    return min(room // oh, small if small > 1 else room), oh
