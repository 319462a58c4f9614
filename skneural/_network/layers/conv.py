"""A convolutional layer."""

import math
from collections.abc import Iterator

import numpy as np

from skneural._network import image_windows
from skneural._network.array_types import Array, Arrays, Shape
from skneural._network.initializers import initialize
from skneural._network.layers.base import Binding, Layer
from skneural._network.layers.windows import Padding, PerAxis, place_windows, windows_label

# What the windows that are multiplied at once may take; one row of windows always may
COLUMN_BYTES = 1 << 20


class Conv2D(Layer):
    """``y[i, j] = sum over u, v of x[i * stride + u, j * stride + v] @ weight[u, v] + bias``.

    The kernel is not flipped (a cross-correlation). Signals ``(length, channels)`` are images
    of height 1.

    Parameters
    ----------
    filters : int
        Number of output channels.
    kernel_size : int or tuple of int
        Height and width of the kernels, or one number for both, or for signals.
    strides : int or tuple of int, default=1
        Distance between neighbouring windows.
    padding : {"valid", "same"}, int or tuple of int, default="valid"
        Number of zeros around the image. ``"valid"`` adds none. ``"same"`` adds as many as give
        ``ceil(size / stride)`` windows, with an odd one at the end. A number is used for both
        sides of an axis.
    dilation : int or tuple of int, default=1
        Distance between neighbouring pixels of a window.
    weight_init : {"he", "glorot", "lecun", "zeros"}, default="glorot"
        Scheme of the initial weights. Biases are initially zero.

    Notes
    -----
    The windows of a few images are copied to the rows of a matrix, which is multiplied by all
    filters at once. Large images are processed a few rows of windows at a time, so that the
    matrix does not need more than `COLUMN_BYTES`.

    References
    ----------
    K. Chellapilla et al., High performance convolutional neural networks for document
    processing, IWFHR 2006.
    Y. LeCun et al., Gradient-based learning applied to document recognition, Proceedings of
    the IEEE 86, 1998.
    """

    dx: Array | None  # None until a backward pass needs it

    def __init__(
        self,
        filters: int,
        kernel_size: PerAxis,
        strides: PerAxis = 1,
        padding: Padding = "valid",
        dilation: PerAxis = 1,
        weight_init: str = "glorot",
    ) -> None:
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding = padding
        self.dilation = dilation
        self.weight_init = weight_init

    @property
    def label(self) -> str:
        return f"Conv{self.n_axes}D {self.filters} of {windows_label(self)}"

    def __repr__(self) -> str:
        return (
            f"Conv2D({self.filters}, {self.kernel_size}, strides={self.strides}, "
            f"padding={self.padding!r}, dilation={self.dilation})"
        )

    def build(self, input_shape: Shape) -> Shape:
        self.windows = place_windows(
            self, input_shape, self.kernel_size, self.strides, self.padding, self.dilation
        )
        n_axes = self.n_axes = len(input_shape) - 1
        c = input_shape[-1]
        kernel = self.windows.size[-n_axes:]
        self.param_shapes = {"weight": (*kernel, c, self.filters), "bias": (self.filters,)}
        self.n_workspace = self.windows.output[1] * math.prod(kernel) * c  # see `bind`
        if self.windows.is_padded:
            self.n_workspace += math.prod(self.windows.padded) * c
        return (*self.windows.output[-n_axes:], self.filters)

    def init_params(self, params: Arrays, state: Arrays, rng: np.random.Generator) -> None:
        weight = params["weight"]
        area = math.prod(self.windows.size)
        fans = {"fan_in": area * weight.shape[-2], "fan_out": area * self.filters}
        initialize(weight, self.weight_init, rng, **fans)
        params["bias"][...] = 0

    def product_flops(self, n_samples: int) -> int:
        *kernel, filters = self.param_shapes["weight"]
        oh, ow = self.windows.output
        row = ow * math.prod(kernel)
        return 2 * filters * min(n_samples * oh * row, max(COLUMN_BYTES // 4, row))

    def bind(self, binding: Binding) -> None:
        windows, dtype = self.windows, binding.dtype
        (oh, ow), c = windows.output, windows.image[-1]
        area = math.prod(windows.size)
        self.weight = binding.params["weight"].reshape(area * c, self.filters)
        self.bias = binding.params["bias"]
        self.y = np.empty((binding.n_samples, oh, ow, self.filters), dtype)
        # number of images per matrix, and number of rows of windows of a single image
        room = COLUMN_BYTES // (ow * area * c * dtype.itemsize)
        room_padded = COLUMN_BYTES // (math.prod(windows.padded) * c * dtype.itemsize)
        self.n_images = max(1, min(binding.n_samples, room // oh, room_padded))
        self.n_rows = max(1, min(oh, room))
        self.columns = np.empty(self.n_images * self.n_rows * ow * area * c, dtype)
        if windows.is_padded:
            self.padded = np.zeros((self.n_images, *windows.padded, c), dtype)
        if binding.grads is not None:
            self.grad_weight = binding.grads["weight"].reshape(self.weight.shape)
            self.grad_bias = binding.grads["bias"]
            self.product = np.empty_like(self.weight)
            self.ones = np.ones(binding.n_samples * oh * ow, dtype)
            self.batch_shape, self.dx = binding.batch_shape, None

    def forward(self, x: Array, *, training: bool) -> Array:
        self.x = image_windows.images(x, *self.windows.image[:2])
        y = self.y[: len(self.x)]
        for some, windows in self._some_images(self.x):
            for rows in self._some_rows():
                out = y[some, rows].reshape(-1, self.filters)
                np.matmul(self._columns(windows[:, rows]), self.weight, out=out)
        ow = self.windows.output[1]
        long_rows = y.reshape(-1, ow * self.filters)  # faster than adding pixel by pixel
        long_rows += np.tile(self.bias, ow)
        return y.reshape(-1, self.filters)

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array | None:
        # a product with ones adds the rows twice as fast as a reduction
        np.matmul(self.ones[: len(dy)], dy, out=self.grad_bias)
        self.grad_weight[...] = 0
        if need_dx:
            self._begin_dx()
        dy = image_windows.images(dy, *self.windows.output)
        for some, windows in self._some_images(self.x):
            for rows in self._some_rows():
                slopes = dy[some, rows].reshape(-1, self.filters)
                np.matmul(self._columns(windows[:, rows]).T, slopes, out=self.product)
                self.grad_weight += self.product
            if need_dx:
                self._add_dx(dy, some)
        dx = self.dx if need_dx else None
        return None if dx is None else dx[: len(dy)].reshape(-1, self.batch_shape[1])

    def _begin_dx(self) -> None:
        if self.dx is None:  # The first layer of a network does not need this gradient.
            h, w, c = self.windows.image
            self.dx = np.empty((self.batch_shape[0] // (h * w), h, w, c), self.y.dtype)
            self.dx_padded = np.empty((self.n_images, *self.windows.padded, c), self.y.dtype)
        area, c = math.prod(self.windows.size), self.windows.image[-1]
        # one matrix per position in a window, because products with a view would be slower
        weight = self.weight.reshape(area, c, self.filters).swapaxes(1, 2)
        self.weight_by_place = np.ascontiguousarray(weight)

    def _add_dx(self, dy: Array, some: slice) -> None:
        """Add the gradients of the windows of some images for each pixel."""
        padded = self.dx_padded[: some.stop - some.start]
        padded[...] = 0
        windows = image_windows.sliding(padded, self.windows)
        for rows in self._some_rows():
            part = windows[:, rows]
            slopes = dy[some, rows].reshape(-1, self.filters)
            # the columns are no longer needed
            by_place = self.columns[: part.size].reshape(-1, len(slopes), part.shape[-1])
            np.matmul(slopes, self.weight_by_place, out=by_place)
            for pixels, products in zip(image_windows.taps(part), by_place, strict=True):
                pixels += products.reshape(pixels.shape)
        self.dx[some] = image_windows.middle(padded, self.windows)  # type: ignore[index]

    def _some_images(self, x: Array) -> Iterator[tuple[slice, Array]]:
        """Yield the slices of images that are processed at once, and all of their windows."""
        for some in image_windows.parts(len(x), self.n_images):
            images = x[some]
            if self.windows.is_padded:
                images = self.padded[: len(images)]
                image_windows.middle(images, self.windows)[...] = x[some]
            yield some, image_windows.sliding(images, self.windows)

    def _some_rows(self) -> Iterator[slice]:
        """Yield the slices of rows of windows that are multiplied at once."""
        return image_windows.parts(self.windows.output[0], self.n_rows)

    def _columns(self, windows: Array) -> Array:
        """Copy windows to a matrix with one row per window."""
        columns = self.columns[: windows.size]
        columns.reshape(windows.shape)[...] = windows
        return columns.reshape(-1, len(self.weight))
