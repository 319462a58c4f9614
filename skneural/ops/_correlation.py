"""Correlation of images with filters, by matrix products."""

import math

import numpy as np

from skneural.ops import _images

# What one product works on should stay in the second-level cache of a core.
COLUMN_BYTES = 1 << 20
# OpenBLAS multiplies up to this many multiply-adds without packing: a fifth faster.
_SMALL_PRODUCT = 1_000_000


class Correlation:
    """Workspace for correlating images with filters.

    The windows are copied side by side, as the rows of a matrix, which one product multiplies
    with all filters. That is done for a few images at a time, or for a few rows of windows of
    one large image, so that the matrix stays in the cache of a core; it is never larger than
    that, except that it has room for one row of windows. Nor are the padded images, but one.

    Parameters
    ----------
    windows : skneural.layers._windows.Windows
        Where the windows lie.
    filters : int
        Number of filters.
    n_images : int
        The most images to come.
    dtype : numpy dtype
        Of all arrays.

    References
    ----------
    K. Chellapilla et al., High performance convolutional neural networks for document
    processing, IWFHR 2006.
    """

    def __init__(self, windows, filters, n_images, dtype):
        self.windows, self.filters = windows, filters
        *_, c = windows.image
        oh, ow = windows.output
        values = math.prod(windows.size) * c
        small = _SMALL_PRODUCT // (oh * ow * values * filters)  # in images
        self.one_by_one = small == 1 and c > 1  # a product for each image
        room = COLUMN_BYTES // (dtype.itemsize * ow * values)  # in rows of windows
        self.rows = max(1, min(oh, room))
        padded = dtype.itemsize * math.prod(windows.padded) * c
        room = min(room // oh, COLUMN_BYTES // padded if windows.is_padded else room)
        self.images = max(1, min(n_images, room, small if small > 1 else room))
        self.columns = np.empty(self.images * self.rows * ow * values, dtype)
        self.sliding = _images.sliding_runs if c > 1 else _images.sliding
        if windows.is_padded:
            padded = np.zeros((self.images, *windows.padded, c), dtype)
            self.middle = _images.middle(padded, windows)
            self.padded_windows = self.sliding(padded, windows)
        self.products = None

    def _windows(self, images):
        """Yield windows, a few at a time, and where their results are among all."""
        oh, ow = self.windows.output
        windows = None if self.windows.is_padded else self.sliding(images, self.windows)
        for i in range(0, len(images), self.images):
            some = slice(i, min(i + self.images, len(images)))
            n_images = some.stop - i
            if windows is None:
                self.middle[:n_images] = images[some]
                found = self.padded_windows[:n_images]
            else:
                found = windows[some]
            for j in range(0, oh, self.rows):
                stop = min(j + self.rows, oh)
                first, last = i * oh + j, (some.stop - 1) * oh + stop
                yield found[:, j:stop], slice(first * ow, last * ow)

    def _columns(self, windows):
        """Copy windows side by side: matrices with a row for each, one for every product."""
        n_images, rows, ow, *_ = windows.shape
        columns = self.columns[: windows.nbytes // self.columns.itemsize]
        if self.windows.image[-1] > 1:
            columns.view(windows.dtype).reshape(windows.shape)[...] = windows
            n_products = n_images if self.one_by_one else 1
            return columns.reshape(n_products, n_images * rows * ow // n_products, -1)
        # a window of one channel has short rows: store the matrix by its long columns
        size = self.windows.size
        columns = columns.reshape(*size, n_images, rows, ow)
        columns[...] = windows[..., 0].transpose(3, 4, 0, 1, 2)
        return columns.reshape(1, math.prod(size), -1).swapaxes(1, 2)

    def _chunks(self, images, *rows):
        """Yield columns for some of the images, and the same part of arrays of pixel rows.

        All have the shape that a product needs: ``(n_products, n_rows, n_columns)``.
        """
        for windows, where in self._windows(images):
            columns = self._columns(windows)
            shape = (*columns.shape[:2], -1)
            yield columns, *(array[where].reshape(shape) for array in rows)

    def correlate(self, images, weight, out, bias=None):
        """Write the correlation of images with `weight`, a column a filter, into pixel rows."""
        if bias is not None:
            bias = np.tile(bias, self.windows.output[1])  # long rows are added faster
        for columns, part in self._chunks(images, out):
            np.matmul(columns, weight, out=part)
            if bias is not None:
                part = part.reshape(-1, bias.size)
                part += bias

    def weight_gradient(self, images, dy, out):
        """Write the gradient for `weight`, from that of the result in pixel rows."""
        out[...] = 0
        for columns, dy_part in self._chunks(images, dy):
            self._add_products(columns, dy_part, out)

    def correlate_and_gradient(self, images, weight, out, dy, weight_out):
        """`correlate` and `weight_gradient`, with the windows copied once.

        `out` may be `dy`.
        """
        weight_out[...] = 0
        for columns, part, dy_part in self._chunks(images, out, dy):
            self._add_products(columns, dy_part, weight_out)
            np.matmul(columns, weight, out=part)

    def _add_products(self, columns, rows, out):
        if self.products is None:  # predictions and correlations alone never need it
            n_products = self.images if self.one_by_one else 1
            self.products = np.empty((n_products, *out.shape), out.dtype)
            self.sum = np.empty(out.size, out.dtype)
            self.ones = np.ones(n_products, out.dtype)
        products = self.products[: len(columns)]
        np.matmul(columns.swapaxes(1, 2), rows, out=products)
        if len(products) > 1:
            ones = self.ones[: len(products)]
            products = np.matmul(ones, products.reshape(len(products), -1), out=self.sum)
        out += products.reshape(out.shape)

    def add_to_windows(self, dy, weight, padded):
        """Add ``weight @ dy`` to every window of padded images: the gradient for these."""
        c = self.windows.image[-1]
        all_windows = _images.sliding(padded, self.windows)
        # as a view it would make products a third slower
        weight = np.ascontiguousarray(weight.reshape(-1, c, self.filters).swapaxes(1, 2))
        oh, ow = self.windows.output
        for i in range(0, len(padded), self.images):
            stop = min(i + self.images, len(padded))
            for j in range(0, oh, self.rows):
                windows = all_windows[i:stop, j : j + self.rows]
                first = (i * oh + j) * ow
                part = dy[first : first + math.prod(windows.shape[:3])]
                parts = self.columns[: windows.size].reshape(len(weight), len(part), c)
                np.matmul(part, weight, out=parts)
                parts = parts.reshape(*self.windows.size, *windows.shape[:3], c)
                for place in np.ndindex(*self.windows.size):
                    pixels = windows[:, :, :, *place]
                    pixels += parts[place]
