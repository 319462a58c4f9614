"""Pooling: one value per window and channel.

A tap consists of the pixels at one position of all windows. The forward pass of a pooling layer
combines all taps to one value, and the backward pass gives each tap its part of the gradient.
"""

import math
from collections.abc import Callable

import numpy as np

from skneural._network import image_windows
from skneural._network.array_types import Array, Shape
from skneural._network.layers.base import Binding, Layer
from skneural._network.layers.windows import PerAxis, place_windows, windows_label

# The images that are pooled at once should fit into the second-level cache of a core.
_CHUNK_BYTES = 1 << 19


class _Pool(Layer):
    """Base class of max and average pooling.

    Subclasses define `_margin`, the value of the padding; `_join`, which combines the k-th tap
    of some images with the taps before it; and `_part`, its part of the gradient.
    """

    _margin: float
    _join: Callable[[Array, Array, int, slice, bool], None]
    _part: Callable[[Array, int, slice], Array]

    def __init__(
        self, pool_size: PerAxis = 2, strides: PerAxis | None = None, padding: PerAxis = 0
    ) -> None:
        self.pool_size = pool_size
        self.strides = strides
        self.padding = padding

    @property
    def label(self) -> str:
        return f"{type(self).__name__} {windows_label(self)}"

    def __repr__(self) -> str:
        parts = f"{self.pool_size}, strides={self.strides}, padding={self.padding}"
        return f"{type(self).__name__}({parts})"

    def build(self, input_shape: Shape) -> Shape:
        strides = self.pool_size if self.strides is None else self.strides
        self.windows = place_windows(self, input_shape, self.pool_size, strides, self.padding)
        if any(2 * p > k for p, k in zip(self.windows.before, self.windows.size, strict=True)):
            raise ValueError(
                f"{self} would have windows that contain only padding: padding must be at most "
                f"half of pool_size; got {self.padding!r}."
            )
        n_axes = self.n_axes = len(input_shape) - 1
        return (*self.windows.output[-n_axes:], input_shape[-1])

    def bind(self, binding: Binding) -> None:
        dtype, n_samples = binding.dtype, binding.n_samples
        *_, c = self.windows.image
        self.y = np.empty((n_samples, *self.windows.output, c), dtype)
        padded = *self.windows.padded, c
        room = _CHUNK_BYTES // (math.prod(padded) * dtype.itemsize)  # in images
        self.n_images = max(1, min(n_samples, room))
        self.tap = np.empty((self.n_images, *self.y.shape[1:]), dtype)
        if self.windows.is_padded:
            self.padded = np.full((self.n_images, *padded), self._margin, dtype)
        if binding.grads is not None:
            self.dx = np.empty((n_samples, *self.windows.image), dtype)
            if self.windows.is_padded:
                self.dx_padded = np.empty_like(self.padded)

    def forward(self, x: Array, *, training: bool) -> Array:
        x = image_windows.images(x, *self.windows.image[:2])
        for some in image_windows.parts(len(x), self.n_images):
            images, y = x[some], self.y[some]
            if self.windows.is_padded:
                images = self.padded[: len(images)]
                image_windows.middle(images, self.windows)[...] = x[some]
            first, *others = image_windows.taps(image_windows.sliding(images, self.windows))
            y[...] = first
            for k, pixels in enumerate(others, start=1):
                tap = self.tap[: len(images)]
                tap[...] = pixels  # contiguous, which makes the rest faster
                self._join(y, tap, k, some, training)
        return self.y[: len(x)].reshape(-1, self.y.shape[-1])

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array | None:
        if not need_dx:
            return None
        dy = image_windows.images(dy, *self.windows.output)
        for some in image_windows.parts(len(dy), self.n_images):
            dx = padded = self.dx[some]
            if self.windows.is_padded:
                padded = self.dx_padded[: len(dx)]
            padded[...] = 0
            for k, pixels in enumerate(
                image_windows.taps(image_windows.sliding(padded, self.windows))
            ):
                pixels += self._part(dy[some], k, some)
            if self.windows.is_padded:
                dx[...] = image_windows.middle(padded, self.windows)
        return self.dx[: len(dy)].reshape(-1, self.dx.shape[-1])


class MaxPool(_Pool):
    """The largest value of every window.

    The gradient is passed to the position of this value, or to the first one, row by row, if
    there are several. Pixels at the end that do not fill a window are ignored, and padding is
    never the largest value.

    Parameters
    ----------
    pool_size : int or tuple of int, default=2
        Height and width of the windows, or one number for both, or for signals.
    strides : int or tuple of int, default=None
        Distance between neighbouring windows; None means `pool_size`.
    padding : int or tuple of int, default=0
        Number of pixels around the image, at most half of a window.
    """

    _margin = -np.inf

    def bind(self, binding: Binding) -> None:
        super().bind(binding)
        if binding.grads is not None:
            dtype = np.min_scalar_type(math.prod(self.windows.size) - 1)
            # the position of each maximum in its window
            self.places = np.zeros(self.y.shape, dtype)
            self.candidates = np.empty(self.tap.shape, dtype)
            self.found = np.empty(self.tap.shape, bool)

    def forward(self, x: Array, *, training: bool) -> Array:
        if training:
            self.places[...] = 0
        return super().forward(x, training=training)

    def _join(self, best: Array, tap: Array, k: int, some: slice, training: bool) -> None:
        if training:
            found, places = self.found[: len(tap)], self.places[some]
            candidates = self.candidates[: len(tap)]
            np.greater(tap, best, out=found)
            np.multiply(found, places.dtype.type(k), out=candidates)
            np.maximum(places, candidates, out=places)
        np.maximum(best, tap, out=best)

    def _part(self, dy: Array, k: int, some: slice) -> Array:
        found = np.equal(self.places[some], k, out=self.found[: len(dy)])
        return np.multiply(dy, found, out=self.tap[: len(dy)])


class AveragePool(_Pool):
    """The mean of every window.

    Parameters
    ----------
    pool_size, strides, padding
        The same as for `MaxPool`.
    count_padding : bool, default=True
        Whether the mean includes the zeros of the padding.
    """

    _margin = 0.0
    factor: float | Array

    def __init__(
        self,
        pool_size: PerAxis = 2,
        strides: PerAxis | None = None,
        padding: PerAxis = 0,
        count_padding: bool = True,
    ) -> None:
        super().__init__(pool_size, strides, padding)
        self.count_padding = count_padding

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, count_padding={self.count_padding})"

    def bind(self, binding: Binding) -> None:
        super().bind(binding)
        self.factor = 1 / math.prod(self.windows.size)
        if self.windows.is_padded and not self.count_padding:
            ones = np.zeros((1, *self.windows.padded, 1), binding.dtype)
            image_windows.middle(ones, self.windows)[...] = 1
            self.factor = 1 / sum(image_windows.taps(image_windows.sliding(ones, self.windows)))

    def forward(self, x: Array, *, training: bool) -> Array:
        y = super().forward(x, training=training)
        images = image_windows.images(y, *self.windows.output)
        images *= self.factor
        return y

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array | None:
        images = image_windows.images(dy, *self.windows.output)
        images *= self.factor
        return super().backward(dy, need_dx=need_dx)

    def _join(self, total: Array, tap: Array, k: int, some: slice, training: bool) -> None:
        total += tap

    def _part(self, dy: Array, k: int, some: slice) -> Array:
        return dy


class GlobalAveragePool(Layer):
    """The mean of every channel over all pixels of an image: ``(h, w, c)`` to ``(c,)``.

    References
    ----------
    M. Lin et al., Network in network, ICLR 2014.
    """

    def build(self, input_shape: Shape) -> Shape:
        self.n_pixels = math.prod(input_shape[:-1])
        return input_shape[-1:]

    def bind(self, binding: Binding) -> None:
        c = binding.input_shape[-1]
        self.y = np.empty((binding.n_samples, c), binding.dtype)
        # a product adds the rows twice as fast as a reduction
        self.mean = np.full((1, self.n_pixels), 1 / self.n_pixels, binding.dtype)
        if binding.grads is not None:
            self.dx = np.empty((binding.n_samples, self.n_pixels, c), binding.dtype)

    def forward(self, x: Array, *, training: bool) -> Array:
        pixels = x.reshape(-1, self.n_pixels, x.shape[-1])
        y = self.y[: len(pixels)]
        np.matmul(self.mean, pixels, out=y[:, None])
        return y

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array | None:
        if not need_dx:
            return None
        dy *= 1 / self.n_pixels
        dx = self.dx[: len(dy)]
        dx[...] = dy[:, None]
        return dx.reshape(-1, dy.shape[-1])
