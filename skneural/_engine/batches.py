"""The mini-batches of a fit, as slices of the data or as copies of shuffled rows."""

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from skneural._network import array_operations as ops
from skneural._network.array_types import Array, Order, Rows


class Batches:
    """The mini-batches of the data; shuffled rows are copied to a workspace.

    Parameters
    ----------
    X : ndarray or CSR of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_outputs)
    sample_weight : ndarray of shape (n_samples,) or None
    batch_size : int
    gather : bool
        Whether epochs are called with an order of the rows.
    """

    def __init__(
        self, X: Rows, y: Array, sample_weight: Array | None, batch_size: int, *, gather: bool
    ) -> None:
        self.X, self.y, self.sample_weight = X, y, sample_weight
        self.batch_size = batch_size
        if gather:
            dense = not sparse.issparse(X)
            self.x_rows = np.empty((batch_size, *X.shape[1:]), X.dtype) if dense else None
            self.y_rows = np.empty((batch_size, *y.shape[1:]), y.dtype)

    def epoch(self, order: Order | None = None) -> Iterator[tuple[Rows, Array, Array | None]]:
        """Yield ``x, y, sample_weight`` of every mini-batch; `order` contains row indices."""
        n_samples = self.X.shape[0] if order is None else len(order)
        for start in range(0, n_samples, self.batch_size):
            rows: slice | Order
            rows = slice(start, min(start + self.batch_size, n_samples))
            n_rows = rows.stop - start
            x: Rows
            if order is None:
                x, y = self.X[rows], self.y[rows]
            else:
                rows = order[rows]
                place = None if self.x_rows is None else self.x_rows[:n_rows]
                x = ops.take_rows(self.X, rows, place)
                y = ops.take_rows(self.y, rows, self.y_rows[:n_rows])
            yield x, y, None if self.sample_weight is None else self.sample_weight[rows]
