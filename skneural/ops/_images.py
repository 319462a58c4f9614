"""Images as arrays: pixel rows seen as images, and the windows that slide over them.

Between layers a batch of images is a matrix of pixel rows, ``(..., n_images * h * w, c)``;
here it is ``(..., n_images, h, w, c)``, a view of it. `windows` is a
`skneural.layers._windows.Windows`.
"""

import math

import numpy as np
from numpy.lib.stride_tricks import as_strided


def images(rows, h, w):
    """Pixel rows as images."""
    *lead, n_rows, c = rows.shape
    return rows.reshape(*lead, n_rows // (h * w), h, w, c)


def leading(buffer, n_images):
    """The first images of a workspace."""
    return buffer[..., :n_images, :, :, :]


def middle(padded, windows):
    """The part of padded images that is not padding."""
    (top, left), (h, w, _) = windows.before, windows.image
    return padded[..., top : top + h, left : left + w, :]


def as_pixels(*arrays):
    """Images for copies of one into another: pixels as opaque elements take half the time."""
    pixel = np.dtype((np.void, arrays[0].shape[-1] * arrays[0].itemsize))
    return tuple(array.view(pixel) for array in arrays)


def copy(pairs):
    """Copy arrays: pairs of a target and a source."""
    for target, source in pairs:
        target[...] = source


def sliding(padded, windows):
    """All windows of some images: ``(n_images, rows, columns, height, width, c)``, a view."""
    image, row, pixel, channel = padded.strides
    (down, right), (low, wide) = windows.strides, windows.dilation
    shape = (len(padded), *windows.output, *windows.size, padded.shape[-1])
    strides = (image, row * down, pixel * right, row * low, pixel * wide, channel)
    return as_strided(padded, shape, strides)


def sliding_runs(padded, windows):
    """`sliding` for copying: pixels side by side are one opaque element, a third faster."""
    view = sliding(padded, windows)
    axis = 4 if windows.dilation[1] == 1 else 5  # from here on a window is contiguous
    run = np.dtype((np.void, math.prod(view.shape[axis:]) * view.itemsize))
    return np.ndarray(view.shape[:axis], run, padded, strides=view.strides[:axis])


def taps(padded, windows):
    """For each place in a window, row by row, a view of the pixels there in all windows."""
    (down, right), (oh, ow) = windows.strides, windows.output
    heights = [slice(u, u + down * (oh - 1) + 1, down) for u in range(windows.size[0])]
    widths = [slice(v, v + right * (ow - 1) + 1, right) for v in range(windows.size[1])]
    return [padded[..., rows, columns, :] for rows in heights for columns in widths]
