"""The batches of a fit: rows of its data, in order or gathered."""

import numpy as np
from scipy import sparse

from skneural.ops import _numpy as ops


class Batches:
    """The batches of some data; those of shuffled rows are gathered into one workspace.

    Parameters
    ----------
    X : ndarray or CSR of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_outputs)
    sample_weight : ndarray of shape (n_samples,) or None
    batch_size : int
    gather : bool
        Whether epochs come with an order of the rows.
    by_parts : bool, default=False
        Whether the rows of `X` are left to be gathered by the threads that work on them.
    """

    def __init__(self, X, y, sample_weight, batch_size, *, gather, by_parts=False):
        self.X, self.y, self.sample_weight = X, y, sample_weight
        self.batch_size, self.by_parts = batch_size, by_parts
        if gather:
            dense = not sparse.issparse(X)
            self.x_rows = np.empty((batch_size, *X.shape[1:]), X.dtype) if dense else None
            self.y_rows = np.empty((batch_size, *y.shape[1:]), y.dtype)

    def epoch(self, order=None):
        """Yield ``x, y, sample_weight`` of every batch; `order` is a permutation of rows."""
        n_samples = self.X.shape[0]
        for start in range(0, n_samples, self.batch_size):
            rows = slice(start, min(start + self.batch_size, n_samples))
            n_rows = rows.stop - start
            if order is None:
                x, y = self.X[rows], self.y[rows]
            else:
                rows = order[rows]
                x = None if self.x_rows is None else self.x_rows[:n_rows]
                if self.by_parts:
                    x = Shuffled(self.X, rows, x)
                else:
                    x = ops.take_rows(self.X, rows, x)
                y = ops.take_rows(self.y, rows, self.y_rows[:n_rows])
            yield x, y, None if self.sample_weight is None else self.sample_weight[rows]


class Shuffled:
    """Some rows of an array, gathered when a slice of them is asked for.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    rows : ndarray of shape (n_rows,)
        Where they stand.
    workspace : OUT ndarray of shape (n_rows, n_features)
        Where they go.
    """

    def __init__(self, X, rows, workspace):
        self.X, self.rows, self.workspace = X, rows, workspace

    def __getitem__(self, some):
        return ops.take_rows(self.X, self.rows[some], self.workspace[some])
