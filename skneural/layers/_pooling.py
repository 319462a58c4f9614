"""Pooling: one value for every window, channel by channel.

Windows are rectangles, so a pool goes across and then down: width + height steps rather than
width * height. A tap is what stands at one place of all windows, as one strided view.
"""

import math

import numpy as np

from skneural.layers._base import Layer
from skneural.layers._windows import place_windows
from skneural.ops import _images


class _Pool(Layer):
    """What pools share: padding, and one step along each axis.

    Subclasses have `_margin`, the value of padding, and the steps `_pool` and `_unpool`.
    """

    def __init__(self, pool_size=2, strides=None, padding=0):
        self.pool_size = pool_size
        self.strides = strides
        self.padding = padding

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
        n_axes = len(input_shape) - 1
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
        if binding.grads is not None:
            self.dx_padded = self.ops.empty((*lead, n_images, hp, wp, c), dtype)
            if self.windows.is_padded:
                self.dx = self.ops.empty(binding.batch_shape, dtype)

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
        self._pool(_images.taps_across(images, self.windows), across, 1, training)
        down = _images.taps_down(across, self.windows)
        self._pool(down, _images.images(y, oh, ow), 0, training)
        return y

    def backward(self, dy, *, need_dx=True):
        if not need_dx:
            return None
        h, w, _ = self.windows.image
        dy = _images.images(dy, *self.windows.output)
        # whoever took what forward made is done with it, so its place can be used again
        across = _images.leading(self.across, self.n_images)
        padded = _images.leading(self.dx_padded, self.n_images)
        self._unpool(dy, across, _images.taps_down(across, self.windows), 0)
        self._unpool(across, padded, _images.taps_across(padded, self.windows), 1)
        if not self.windows.is_padded:
            return _images.rows(padded)
        dx = self.ops.leading_rows(self.dx, self.n_images * h * w)
        _images.images(dx, h, w)[...] = _images.middle(padded, self.windows)
        return dx

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
        self.share = [
            None if self._tiles(axis) else self.ops.empty(beats.shape[1:], binding.dtype)
            for axis, beats in enumerate(self.beats)
        ]

    def _pool(self, taps, out, axis, training):
        best = taps[0]
        for k, tap in enumerate(taps[1:]):
            if training:
                np.greater(tap, best, out=_images.leading(self.beats[axis][k], self.n_images))
            best = np.maximum(best, tap, out=out)
        if best is not out:
            out[...] = best

    def _unpool(self, dy, target, taps, axis):
        """Hand `dy` back from the last place to the first; destroys `dy`."""
        tiles = self._tiles(axis)
        if not tiles:
            target[...] = 0
        for k in range(len(taps) - 1, 0, -1):
            beats = _images.leading(self.beats[axis][k - 1], self.n_images)
            if tiles:
                share = np.multiply(dy, beats, out=taps[k])
            else:
                share = _images.leading(self.share[axis], self.n_images)
                np.multiply(dy, beats, out=share)
                taps[k] += share
            dy -= share
        if tiles:
            taps[0][...] = dy
        else:
            taps[0] += dy


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

    def _pool(self, taps, out, axis, training):
        out[...] = taps[0]
        for tap in taps[1:]:
            out += tap
        if axis == 0:
            out *= self.factor

    def _unpool(self, dy, target, taps, axis):
        if axis == 0:
            dy *= self.factor
        if self._tiles(axis):
            for tap in taps:
                tap[...] = dy
        else:
            target[...] = 0
            for tap in taps:
                tap += dy


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
