"""The windows of a convolution in the order of the max pool behind it."""

import math

import numpy as np

# What one product works on should stay in the second-level cache of a core.
COLUMN_BYTES = 1 << 19
# What images with their padding may take; one always may
_PADDED_BYTES = 1 << 23


class Tiles:
    """Windows on images of few channels as the columns of matrices, tap by tap of a pool.

    A pool whose windows do not overlap takes the largest of a few values, its taps. Here the
    windows of a convolution that become the first tap come first, then those that become the
    second: to pool what a product makes of them is to compare long rows.

    Windows of few channels are short. The images are laid out side by side, value by value,
    so that a value of all images is copied at once. A chunk is a few rows of outputs.

    Parameters
    ----------
    windows, pool : skneural.layers._windows.Windows
        Of the convolution, and of the pool, which has a tile an output.
    n_images : int
        The most images to come.
    dtype : numpy dtype
        Of all arrays.

    Attributes
    ----------
    size : int
        The most outputs of the pool in a chunk, counted without channels.
    """

    def __init__(self, windows, pool, n_images, dtype):
        self.windows, self.pool = windows, pool
        *_, c = windows.image
        oh, ow = pool.output
        self.n_values = math.prod(windows.size) * c
        row = math.prod(pool.size) * ow * self.n_values  # values of a row of outputs
        room = max(1, COLUMN_BYTES // (row * dtype.itemsize))  # in rows of outputs
        image = math.prod(windows.padded) * c * dtype.itemsize
        self.images = max(1, min(n_images, room, _PADDED_BYTES // image))
        self.rows = min(oh, room // self.images)
        self.size = self.images * self.rows * ow
        self.padded = np.zeros((*windows.padded, c, self.images), dtype)
        self.columns = np.empty(self.images * self.rows * row, dtype)

    def chunks(self, images):
        """Say how to work on a few rows of outputs after the other.

        Returns
        -------
        chunks : list of tuple
            What to copy, the columns that stand there when that is done, a matrix a tap, and
            which of the pool's outputs they make. Matrices have shape ``(n_outputs,
            n_values)``, and outputs are in the order ``(rows, columns, images)``.
        """
        (oh, _), chunks = self.pool.output, []
        for i in range(0, len(images), self.images):
            some = slice(i, min(i + self.images, len(images)))
            windows, copies = self._laid_out(images[some])
            for j in range(0, oh, self.rows):
                rows = slice(j, min(j + self.rows, oh))
                columns, copy = self._columns(windows[..., rows, :])
                chunks.append(([*copies, copy], columns, (some, rows)))
                copies = []
        return chunks

    def _laid_out(self, images):
        """Return windows on some images side by side, and what to copy to lay them out so.

        Windows are a view ``(*size, c, *taps, rows, columns)``, of which an element is one
        value of all images.
        """
        (top, left), (h, w, c), n_images = self.windows.before, self.windows.image, len(images)
        middle = self.padded[top : top + h, left : left + w, :, :n_images]
        copies = [(middle, images.transpose(1, 2, 3, 0))]
        row, pixel, channel, _ = self.padded.strides
        (down, right), (low, wide) = self.windows.strides, self.windows.dilation
        row_step, column_step = row * down, pixel * right
        strides = (row * low, pixel * wide, channel, row_step, column_step)
        strides += row_step * self.pool.strides[0], column_step * self.pool.strides[1]
        shape = (*self.windows.size, c, *self.pool.size, *self.pool.output)
        values = np.dtype((np.void, n_images * self.padded.itemsize))
        return np.ndarray(shape, values, self.padded, strides=strides), copies

    def _columns(self, windows):
        columns = self.columns[: windows.size * windows.itemsize // self.columns.itemsize]
        target = columns.view(windows.dtype).reshape(windows.shape)
        n_taps = math.prod(self.pool.size)
        return columns.reshape(self.n_values, n_taps, -1).transpose(1, 2, 0), (target, windows)
