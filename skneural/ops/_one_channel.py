"""Correlation of images of one channel, such as the input of a network often is."""

import math

import numpy as np

from skneural.ops._correlation import Correlation

# The windows of a whole batch are kept up to here.
_KEPT_BYTES = 1 << 22


class OneChannelCorrelation(Correlation):
    """`Correlation` where copying the windows costs more than multiplying them.

    So the windows of `correlate` are kept for `weight_gradient`, if there is room, and they
    have a column of ones more: the bias is then part of both products.
    """

    def __init__(self, windows, filters, n_images, dtype):
        super().__init__(windows, filters, n_images, dtype)
        n_columns = math.prod(windows.size) + 1
        per_image = self.rows * windows.output[1] * n_columns
        whole = self.rows == windows.output[0]
        self.keeps = whole and n_images * per_image * dtype.itemsize <= _KEPT_BYTES
        self.columns = np.empty((n_images if self.keeps else self.images) * per_image, dtype)
        self.kept = None  # the images whose columns are there, and where they are
        self.matrix = np.empty((n_columns, filters), dtype)  # weights and then the bias
        self.product = np.empty_like(self.matrix)

    def _new_columns(self, images):
        """Copy windows side by side; yield a matrix and where its results are, as often."""
        start = 0
        for windows, where in self._windows(images):
            n_images, rows, ow, *_ = windows.shape
            stop = start + (math.prod(self.windows.size) + 1) * n_images * rows * ow
            columns = self.columns[start:stop].reshape(-1, *windows.shape[:3])
            taps = columns[:-1].reshape(*self.windows.size, n_images, rows, ow)
            taps[...] = windows[..., 0].transpose(3, 4, 0, 1, 2)
            columns[-1] = 1
            start = stop if self.keeps else 0
            yield columns.reshape(len(columns), -1).T, where

    def correlate(self, images, weight, out, bias=None):
        self.matrix[:-1], self.matrix[-1] = weight, 0 if bias is None else bias
        parts = []
        for columns, where in self._new_columns(images):
            np.matmul(columns, self.matrix, out=out[where])
            parts.append((columns, where))
        self.kept = (images, parts) if self.keeps else None

    def weight_gradient(self, images, dy, out, bias_out):
        if self.kept is not None and self.kept[0] is images:
            parts = self.kept[1]
        else:
            self.kept, parts = None, self._new_columns(images)
        self.matrix[...] = 0
        for columns, where in parts:
            self.matrix += np.matmul(columns.T, dy[where], out=self.product)
        out[...], bias_out[...] = self.matrix[:-1], self.matrix[-1]

    def add_to_windows(self, dy, weight, padded):
        self.kept = None  # what follows writes over the columns
        super().add_to_windows(dy, weight, padded)
