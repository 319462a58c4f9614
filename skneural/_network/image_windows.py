"""Views of pixel rows as images, and of the sliding windows of these images.

Between layers, a mini-batch of images is a matrix of pixel rows, ``(n_images * h * w, c)``.
Here it is a view of shape ``(n_images, h, w, c)``. `windows` is a
`skneural._network.layers.windows.Windows`.
"""

from collections.abc import Iterator

from numpy.lib.stride_tricks import as_strided

from skneural._network.array_types import Array
from skneural._network.layers.windows import Windows


def images(rows: Array, h: int, w: int) -> Array:
    """Return pixel rows as images."""
    n_rows, c = rows.shape
    return rows.reshape(n_rows // (h * w), h, w, c)


def parts(n: int, size: int) -> Iterator[slice]:
    """Yield slices of length `size` that cover `n`; the last one may be shorter."""
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def middle(padded: Array, windows: Windows) -> Array:
    """Return padded images without their padding."""
    (top, left), (h, w, _) = windows.before, windows.image
    return padded[:, top : top + h, left : left + w]


def sliding(padded: Array, windows: Windows) -> Array:
    """Return all windows of images as a view (n_images, rows, columns, height, width, c)."""
    image, row, pixel, channel = padded.strides
    (down, right), (low, wide) = windows.strides, windows.dilation
    shape = (len(padded), *windows.output, *windows.size, padded.shape[-1])
    strides = (image, row * down, pixel * right, row * low, pixel * wide, channel)
    return as_strided(padded, shape, strides)


def taps(windows: Array) -> list[Array]:
    """Return the pixels at each position of the windows that `sliding` returns, row by row."""
    _, _, _, height, width, _ = windows.shape
    return [windows[:, :, :, u, v] for u in range(height) for v in range(width)]
