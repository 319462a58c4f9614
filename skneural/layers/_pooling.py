"""Pooling: one value for every window, channel by channel.

A tap is what stands at one place of all windows. Its pixels lie apart, so they are first
copied side by side: then every step is one operation on long rows.
"""

import math

import numpy as np

from skneural.layers._base import Layer
from skneural.layers._windows import place_windows, windows_label
from skneural.ops import _images
from skneural.ops._memo import Memo

# What one step works on should stay in the second-level cache of a core.
_CHUNK_BYTES = 1 << 19


class _Pool(Layer):
    """What pools share.

    Subclasses have `_margin`, the value of padding; they say how `_join` adds a tap to those
    before, which `_part` of the gradient goes back to it, and which `_records` that needs.
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
        self.views, self.views_back = Memo(), Memo()
        self.free_input = binding.free_input
        if binding.grads is not None:
            self.dx = None if self.free_input else self.ops.empty(binding.batch_shape, dtype)
            self.dx_padded = self.ops.empty(padded, dtype) if self.windows.is_padded else None

    def forward(self, x, *, training):
        h, w, _ = self.windows.image
        oh, ow = self.windows.output
        if self.free_input:
            self.dx = x
        y = self.ops.leading_rows(self.y, x.shape[-2] // (h * w) * oh * ow)
        for copies, pooled, tap, others, records in self.views(self._chunks, x, y):
            _images.copy(copies)
            for k, (of_tap, pixels) in enumerate(others, start=1):
                of_tap[...] = pixels
                self._join(pooled, tap, k, records if training else None)
        return y

    def _chunks(self, x, y):
        """How to go through some images after the other.

        For each chunk what to copy, the outputs, the place of one tap after the first, what to
        copy for each of these, and what is kept for the way back.
        """
        images = _images.images(x, *self.windows.image[:2])
        outputs = _images.images(y, *self.windows.output)
        chunks = []
        for some in self._parts(images.shape[-4]):
            source, pooled, copies = images[..., some, :, :, :], outputs[..., some, :, :, :], []
            if self.windows.is_padded:
                padded = _images.leading(self.padded, source.shape[-4])
                copies.append((_images.middle(padded, self.windows), source))
                source = padded
            first, *others = _images.taps(source, self.windows)
            copies.append(_images.as_pixels(pooled, first))
            tap = self.tap[: pooled.size].reshape(pooled.shape)
            others = [_images.as_pixels(tap, pixels) for pixels in others]
            chunks.append((copies, pooled, tap, others, self._records(some, pooled.shape)))
        return chunks

    def _parts(self, n_images):
        for start in range(0, n_images, self.chunk):
            yield slice(start, min(start + self.chunk, n_images))

    def backward(self, dy, *, need_dx=True):
        if not need_dx:
            return None
        h, w, _ = self.windows.image
        n_images = dy.shape[-2] // math.prod(self.windows.output)
        dx = self.ops.leading_rows(self.dx, n_images * h * w)
        for slopes, padded, taps, copies, records in self.views_back(self._chunks_back, dy, dx):
            if not self.windows.tile:
                padded[...] = 0
            for k, (pixels, part) in enumerate(taps):
                self._part(slopes, k, records)
                if self.windows.tile:
                    pixels[...] = part
                else:
                    pixels += part
            _images.copy(copies)
        return dx

    def _chunks_back(self, dy, dx):
        """How to go back: what arrives, where it goes, there tap by tap, and what to copy."""
        of_outputs = _images.images(dy, *self.windows.output)
        of_images = _images.images(dx, *self.windows.image[:2])
        chunks = []
        for some in self._parts(of_outputs.shape[-4]):
            slopes, images = of_outputs[..., some, :, :, :], of_images[..., some, :, :, :]
            padded, copies = images, []
            if self.windows.is_padded:
                padded = _images.leading(self.dx_padded, images.shape[-4])
                copies.append((images, _images.middle(padded, self.windows)))
            records = self._records(some, slopes.shape)
            part = slopes if records is None else records[-1]
            taps = [(pixels, part) for pixels in _images.taps(padded, self.windows)]
            if self.windows.tile:
                taps = [_images.as_pixels(*pair) for pair in taps]
            chunks.append((slopes, padded, taps, copies, records))
        return chunks

    def _records(self, some, shape):
        """What some images leave behind for the way back, and last the place for `_part`."""

    def _part(self, slopes, k, records):
        """Compute what goes back to tap k, unless it is all that arrives: without records."""


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
        self.places = None
        if binding.grads is None:
            return
        oh, ow = self.windows.output
        *lead, n_rows, c = self.y.shape
        dtype = np.min_scalar_type(math.prod(self.windows.size) - 1)
        # where in its window each maximum is
        self.places = self.ops.empty((*lead, n_rows // (oh * ow), oh, ow, c), dtype)
        self.candidates = self.ops.empty(self.tap.size, dtype)
        self.found = self.ops.empty(self.tap.size, bool)
        self.dtype_of_places = dtype.type

    def forward(self, x, *, training):
        if training:
            self.places[...] = 0
        return super().forward(x, training=training)

    def _records(self, some, shape):
        """Places of the maxima, and workspace to find them and what goes back to a tap."""
        if self.places is None:
            return None
        size = math.prod(shape)
        arrays = self.candidates, self.found, self.tap
        work = (array[:size].reshape(shape) for array in arrays)
        return self.places[..., some, :, :, :], *work

    def _join(self, best, tap, k, records):
        if records is not None:
            places, candidates, found, _ = records
            np.greater(tap, best, out=found)
            np.multiply(found.view(np.uint8), self.dtype_of_places(k), out=candidates)
            np.maximum(places, candidates, out=places)
        np.maximum(best, tap, out=best)

    def _part(self, slopes, k, records):
        places, _, found, part = records
        np.equal(places, self.dtype_of_places(k), out=found)
        np.multiply(slopes, found, out=part)


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

    def _join(self, total, tap, k, records):
        total += tap


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
