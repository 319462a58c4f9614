"""Pooling: one value for every window, channel by channel.

A tap is what stands at one place of all windows. Its pixels lie apart, so they are first
copied side by side: then every step is one operation on long rows.
"""

import math

import numpy as np

from skneural.layers._base import Layer
from skneural.layers._windows import place_windows, windows_label
from skneural.ops import _images

# What one step works on should stay in the second-level cache of a core.
_CHUNK_BYTES = 1 << 19


class _Pool(Layer):
    """What pools share.

    Subclasses have `_margin`, the value of padding; they say how `_join` adds a tap to those
    before, and which `_part` of the gradient goes back to it.
    """

    row_by_row = True
    output_is_free = True

    def __init__(self, pool_size=2, strides=None, padding=0):
        self.pool_size = pool_size
        self.strides = strides
        self.padding = padding

    @property
    def label(self):
        return f"{type(self).__name__} {windows_label(self)}"

    def __repr__(self):
        parts = f"{self.pool_size}, strides={self.strides}, padding={self.padding}"
        return f"{type(self).__name__}({parts})"

    def build(self, input_shape):
        strides = self.pool_size if self.strides is None else self.strides
        self.windows = place_windows(self, input_shape, self.pool_size, strides, self.padding)
        if any(2 * p > k for p, k in zip(self.windows.before, self.windows.size, strict=True)):
            raise ValueError(
                f"{self} would have windows of nothing but padding: padding must be at most "
                f"half of pool_size; got {self.padding!r}."
            )
        n_axes = self.n_axes = len(input_shape) - 1
        return (*self.windows.output[-n_axes:], input_shape[-1])

    def bind(self, binding):
        self.ops, dtype = binding.ops, binding.dtype
        *lead, n_rows, c = binding.batch_shape
        h, w, _ = self.windows.image
        oh, ow = self.windows.output
        n_images = n_rows // (h * w)
        self.y = self.ops.empty((*lead, n_images * oh * ow, c), dtype)
        output = math.prod(lead) * oh * ow * c
        self.chunk = max(1, min(n_images, _CHUNK_BYTES // (output * dtype.itemsize)))
        # flat, so that the part in use is contiguous whatever the number of images
        self.tap = self.ops.empty(self.chunk * output, dtype)
        padded = (*lead, self.chunk, *self.windows.padded, c)
        if self.windows.is_padded:
            self.padded = np.full(padded, self._margin, dtype)
        self.free_input = binding.free_input
        if binding.grads is not None:
            self.dx = None if self.free_input else self.ops.empty(binding.batch_shape, dtype)
            self.dx_padded = self.ops.empty(padded, dtype) if self.windows.is_padded else None

    def forward(self, x, *, training):
        h, w, _ = self.windows.image
        oh, ow = self.windows.output
        if self.free_input:
            self.dx = x
        images = _images.images(x, h, w)
        y = self.ops.leading_rows(self.y, images.shape[-4] * oh * ow)
        pooled = _images.images(y, oh, ow)
        for some in self._chunks(images.shape[-4]):
            self._pool(images[..., some, :, :, :], pooled[..., some, :, :, :], some, training)
        return y

    def _chunks(self, n_images):
        for start in range(0, n_images, self.chunk):
            yield slice(start, min(start + self.chunk, n_images))

    def _pool(self, images, pooled, some, training):
        if self.windows.is_padded:
            padded = _images.leading(self.padded, images.shape[-4])
            _images.middle(padded, self.windows)[...] = images
            images = padded
        tap = self.tap[: pooled.size].reshape(pooled.shape)
        first, *others = _images.taps(images, self.windows)
        _images.copy_pixels(first, pooled)
        for k, pixels in enumerate(others, start=1):
            _images.copy_pixels(pixels, tap)
            self._join(pooled, tap, k, some, training)

    def backward(self, dy, *, need_dx=True):
        if not need_dx:
            return None
        h, w, _ = self.windows.image
        dy = _images.images(dy, *self.windows.output)
        dx = self.ops.leading_rows(self.dx, dy.shape[-4] * h * w)
        images = _images.images(dx, h, w)
        for some in self._chunks(dy.shape[-4]):
            self._spread(dy[..., some, :, :, :], images[..., some, :, :, :], some)
        return dx

    def _spread(self, dy, images, some):
        padded, tile = images, self.windows.tile
        if self.windows.is_padded:
            padded = _images.leading(self.dx_padded, images.shape[-4])
        if not tile:
            padded[...] = 0
        for k, pixels in enumerate(_images.taps(padded, self.windows)):
            part = self._part(dy, k, some)
            if tile:
                _images.copy_pixels(part, pixels)
            else:
                pixels += part
        if self.windows.is_padded:
            images[...] = _images.middle(padded, self.windows)


class MaxPool(_Pool):
    """The largest value of every window.

    The gradient goes to where it was found: the first place, row by row, if there are
    several. What does not fill a window at the end is left over, padding is never chosen.

    Parameters
    ----------
    pool_size : int or tuple of int, default=2
        Height and width of the windows; one number for both, or for signals.
    strides : int or tuple of int, default=None
        Steps from window to window; None for `pool_size`.
    padding : int or tuple of int, default=0
        Pixels around the image, at most half of a window.
    """

    _margin = -np.inf

    def bind(self, binding):
        super().bind(binding)
        if binding.grads is None:
            return
        oh, ow = self.windows.output
        *lead, n_rows, c = self.y.shape
        dtype = np.min_scalar_type(math.prod(self.windows.size) - 1)
        # where in its window each maximum is
        self.places = self.ops.empty((*lead, n_rows // (oh * ow), oh, ow, c), dtype)
        self.candidates = self.ops.empty(self.tap.size, dtype)
        self.found = self.ops.empty(self.tap.size, bool)

    def forward(self, x, *, training):
        if training:
            self.places[...] = 0
        return super().forward(x, training=training)

    def _join(self, best, tap, k, some, training):
        if training:
            places = self.places[..., some, :, :, :]
            candidates = self.candidates[: best.size].reshape(best.shape)
            found = self.found[: best.size].reshape(best.shape)
            np.greater(tap, best, out=found)
            np.multiply(found.view(np.uint8), places.dtype.type(k), out=candidates)
            np.maximum(places, candidates, out=places)
        np.maximum(best, tap, out=best)

    def _part(self, dy, k, some):
        places = self.places[..., some, :, :, :]
        found = self.found[: dy.size].reshape(dy.shape)
        np.equal(places, places.dtype.type(k), out=found)
        return np.multiply(dy, found, out=self.tap[: dy.size].reshape(dy.shape))


class AveragePool(_Pool):
    """The mean of every window.

    Parameters
    ----------
    pool_size, strides, padding
        As for `MaxPool`.
    count_padding : bool, default=True
        Whether zeros of the padding count; else the mean is over pixels of the image.
    """

    _margin = 0.0

    def __init__(self, pool_size=2, strides=None, padding=0, count_padding=True):
        super().__init__(pool_size, strides, padding)
        self.count_padding = count_padding

    def __repr__(self):
        return f"{super().__repr__()[:-1]}, count_padding={self.count_padding})"

    def bind(self, binding):
        super().bind(binding)
        self.factor = 1 / math.prod(self.windows.size)
        if self.windows.is_padded and not self.count_padding:
            c = self.windows.image[-1]
            ones = np.zeros((1, *self.windows.padded, c), binding.dtype)
            _images.middle(ones, self.windows)[...] = 1
            self.factor = 1 / sum(_images.taps(ones, self.windows))

    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        images = _images.images(y, *self.windows.output)
        images *= self.factor
        return y

    def backward(self, dy, *, need_dx=True):
        images = _images.images(dy, *self.windows.output)
        images *= self.factor
        return super().backward(dy, need_dx=need_dx)

    def _join(self, total, tap, k, some, training):
        total += tap

    def _part(self, dy, k, some):
        return dy


class GlobalAveragePool(Layer):
    """The mean of every channel over all pixels of an image: ``(h, w, c)`` to ``(c,)``.

    References
    ----------
    M. Lin et al., Network in network, ICLR 2014.
    """

    row_by_row = True

    def build(self, input_shape):
        self.n_pixels = math.prod(input_shape[:-1])
        return input_shape[-1:]

    def bind(self, binding):
        self.ops, dtype = binding.ops, binding.dtype
        *lead, n_rows, c = binding.batch_shape
        self.y = self.ops.empty((*lead, n_rows // self.n_pixels, c), dtype)
        # a product sums the rows twice as fast as a reduction
        self.mean = np.full((1, self.n_pixels), 1 / self.n_pixels, dtype)
        if binding.grads is not None:
            self.dx = self.ops.empty(binding.batch_shape, dtype)

    def forward(self, x, *, training):
        y = self.ops.leading_rows(self.y, x.shape[-2] // self.n_pixels)
        pixels = x.reshape(*y.shape[:-1], self.n_pixels, y.shape[-1])
        np.matmul(self.mean, pixels, out=y[..., None, :])
        return y

    def backward(self, dy, *, need_dx=True):
        if not need_dx:
            return None
        dy *= 1 / self.n_pixels
        dx = self.ops.leading_rows(self.dx, dy.shape[-2] * self.n_pixels)
        dx.reshape(*dy.shape[:-1], self.n_pixels, dy.shape[-1])[...] = dy[..., None, :]
        return dx
