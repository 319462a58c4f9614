"""Pooling: one value for every window, channel by channel.

Windows are rectangles, so a pool goes across and then down: width + height steps rather than
width * height. A tap is what stands at one place of all windows, as one strided view.
"""

import math

import numpy as np

from skneural.layers._base import Layer
from skneural.layers._windows import place_windows, windows_label
from skneural.ops import _images


class _Pool(Layer):
    """What pools share: padding, and one step along each axis.

    Subclasses have `_margin`, the value of padding, and say how `_join` adds a tap to what
    is there already and which `_part` of the gradient goes back to it.
    """

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
        hp, wp = self.windows.padded
        oh, ow = self.windows.output
        n_images = n_rows // (h * w)
        self.y = self.ops.empty((*lead, n_images * oh * ow, c), dtype)
        self.across = self.ops.empty((*lead, n_images, hp, ow, c), dtype)
        if self.windows.is_padded:
            self.padded = np.full((*lead, n_images, hp, wp, c), self._margin, dtype)
        self.scratch = self.ops.empty(self.across.size, dtype)
        if binding.grads is not None:
            self.dx_padded = self.ops.empty((*lead, n_images, hp, wp, c), dtype)
            if self.windows.is_padded:
                self.dx = self.ops.empty(binding.batch_shape, dtype)

    def scratch_like(self, array):
        """A part of the scratch, contiguous whatever the number of images."""
        return self.scratch[: array.size].reshape(array.shape)

    def forward(self, x, *, training):
        h, w, _ = self.windows.image
        oh, ow = self.windows.output
        images = _images.images(x, h, w)
        self.n_images = n_images = images.shape[-4]
        y = self.ops.leading_rows(self.y, n_images * oh * ow)
        if self.windows.is_padded:
            padded = _images.leading(self.padded, n_images)
            _images.middle(padded, self.windows)[...] = images
            images = padded
        across = _images.leading(self.across, n_images)
        taps = _images.taps_across(images, self.windows)
        _images.copy_pixels(taps[0], across)
        for k in range(1, len(taps)):
            # pixels that lie apart are read once, by the cheapest way
            tap = self.scratch_like(across)
            _images.copy_pixels(taps[k], tap)
            self._join(across, tap, 1, k, training)
        down = _images.images(y, oh, ow)
        taps = _images.taps_down(across, self.windows)
        _images.copy_pixels(taps[0], down)
        for k in range(1, len(taps)):
            self._join(down, taps[k], 0, k, training)
        return y

    def backward(self, dy, *, need_dx=True):
        if not need_dx:
            return None
        h, w, _ = self.windows.image
        # whoever took what forward made is done with it, so its place can be used again
        across = _images.leading(self.across, self.n_images)
        padded = _images.leading(self.dx_padded, self.n_images)
        dy = _images.images(dy, *self.windows.output)
        self._spread(dy, across, _images.taps_down(across, self.windows), 0)
        self._spread(across, padded, _images.taps_across(padded, self.windows), 1)
        if not self.windows.is_padded:
            return _images.rows(padded)
        dx = self.ops.leading_rows(self.dx, self.n_images * h * w)
        _images.images(dx, h, w)[...] = _images.middle(padded, self.windows)
        return dx

    def _spread(self, dy, target, taps, axis):
        """Hand `dy` back to the taps, views of `target`, from the last to the first."""
        tiles = self._tiles(axis)
        if not tiles:
            target[...] = 0
        for k in range(len(taps) - 1, -1, -1):
            part = self._part(dy, axis, k)
            if tiles:
                _images.copy_pixels(part, taps[k])
            else:
                taps[k] += part

    def _tiles(self, axis):
        """Whether each pixel belongs to exactly one window, along one axis."""
        size, step = self.windows.size[axis], self.windows.strides[axis]
        return step == size and step * self.windows.output[axis] == self.windows.padded[axis]


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
        *lead, n_images, hp, ow, c = self.across.shape
        heights = (self.windows.output[0], hp)
        # for every place in a window but the first, whether it beats all before it
        self.beats = [
            self.ops.empty((size - 1, *lead, n_images, height, ow, c), bool)
            for size, height in zip(self.windows.size, heights, strict=True)
        ]

    def _join(self, best, tap, axis, k, training):
        if training:
            np.greater(tap, best, out=_images.leading(self.beats[axis][k - 1], self.n_images))
        np.maximum(best, tap, out=best)

    def _part(self, dy, axis, k):
        """What reaches tap `k`: `dy` where it beat those before; `dy` keeps the rest."""
        if k == 0:
            return dy
        beats = _images.leading(self.beats[axis][k - 1], self.n_images)
        part = np.multiply(dy, beats, out=self.scratch_like(dy))
        dy -= part
        return part


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
        (kh, kw), c = self.windows.size, binding.batch_shape[-1]
        self.factor = 1 / (kh * kw)
        if self.windows.is_padded and not self.count_padding:
            ones = np.zeros((1, *self.windows.padded, c), binding.dtype)
            _images.middle(ones, self.windows)[...] = 1
            counts = _images.sliding(ones, self.windows).sum(axis=(3, 4))
            self.factor = 1 / counts[0]

    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        images = _images.images(y, *self.windows.output)
        images *= self.factor
        return y

    def backward(self, dy, *, need_dx=True):
        images = _images.images(dy, *self.windows.output)
        images *= self.factor
        return super().backward(dy, need_dx=need_dx)

    def _join(self, total, tap, axis, k, training):
        total += tap

    def _part(self, dy, axis, k):
        return dy


class GlobalAveragePool(Layer):
    """The mean of every channel over all pixels of an image: ``(h, w, c)`` to ``(c,)``.

    References
    ----------
    M. Lin et al., Network in network, ICLR 2014.
    """

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
