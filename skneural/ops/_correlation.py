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
        self.long_bias = np.empty((ow, filters), dtype)  # long rows are added faster
        self.products = None

    def chunks(self, images, *rows):
        """Say how to work on a few images after the other, or on a few rows of windows.

        Parameters
        ----------
        images : ndarray of shape (n_images, h, w, c)
        *rows : ndarray of shape (n_images * oh * ow, n_columns)
            Results, or gradients of them, in pixel rows.

        Returns
        -------
        chunks : list of tuple
            What to copy, the matrices of windows that stand side by side when that is done, a
            row for each, and the same part of each of the arrays of pixel rows. They have the
            shape that a product needs, ``(n_products, n_rows, n_columns)``.
        """
        oh, ow = self.windows.output
        windows = None if self.windows.is_padded else self.sliding(images, self.windows)
        chunks = []
        for i in range(0, len(images), self.images):
            some, copies = slice(i, min(i + self.images, len(images))), []
            if windows is None:
                n_images = some.stop - i
                copies.append((self.middle[:n_images], images[some]))
                found = self.padded_windows[:n_images]
            else:
                found = windows[some]
            for j in range(0, oh, self.rows):
                stop = min(j + self.rows, oh)
                where = slice((i * oh + j) * ow, ((some.stop - 1) * oh + stop) * ow)
                columns, copy = self._columns(found[:, j:stop])
                parts = (array[where].reshape(*columns.shape[:2], -1) for array in rows)
                chunks.append(([*copies, copy], columns, *parts))
                copies = []
        return chunks

    def _columns(self, windows):
        """Windows side by side: matrices with a row for each, and what to copy for them."""
        n_images, rows, ow, *_ = windows.shape
        columns = self.columns[: windows.nbytes // self.columns.itemsize]
        if self.windows.image[-1] > 1:
            target = columns.view(windows.dtype).reshape(windows.shape)
            n_products = n_images if self.one_by_one else 1
            columns = columns.reshape(n_products, n_images * rows * ow // n_products, -1)
            return columns, (target, windows)
        # a window of one channel has short rows: store the matrix by its long columns
        size = self.windows.size
        target = columns.reshape(*size, n_images, rows, ow)
        columns = columns.reshape(1, math.prod(size), -1).swapaxes(1, 2)
        return columns, (target, windows[..., 0].transpose(3, 4, 0, 1, 2))

    def correlate(self, chunks, weight, bias=None):
        """Write the correlation of images with `weight`, a column a filter, into pixel rows."""
        if bias is not None:
            self.long_bias[...] = bias
            bias = self.long_bias.reshape(-1)
        for copies, columns, part in chunks:
            _images.copy(copies)
            np.matmul(columns, weight, out=part)
            if bias is not None:
                part = part.reshape(-1, bias.size)
                part += bias

    def weight_gradient(self, chunks, out):
        """Write the gradient for `weight`, from that of the result in pixel rows."""
        out[...] = 0
        for copies, columns, dy_part in chunks:
            _images.copy(copies)
            self._add_products(columns, dy_part, out)

    def correlate_and_gradient(self, chunks, weight, weight_out):
        """`correlate` and `weight_gradient`, with the windows copied once.

        The first array of pixel rows is for the result, the second has the gradient; they may
        be the same one.
        """
        weight_out[...] = 0
        for copies, columns, part, dy_part in chunks:
            _images.copy(copies)
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
