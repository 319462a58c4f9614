"""The NumPy engine: what layers and losses need beyond plain ufuncs.

Every function works on the last two axes, so arrays may carry a leading model axis.
OUT arrays are write-only; all other arrays are read-only.
"""

import numpy as np
from scipy.linalg.blas import daxpy, saxpy

empty = np.empty
_SMALL = 1 << 14  # values
_AXPY = {np.dtype(np.float32): saxpy, np.dtype(np.float64): daxpy}


def leading_rows(buffer, n_rows):
    """The first `n_rows` rows of a workspace; the workspace itself when it is full."""
    return buffer if buffer.shape[-2] == n_rows else buffer[..., :n_rows, :]


def take_rows(x, rows, out=None):
    """Rows of `x` by index. CSR rows and rows without `out` come as a new array."""
    if out is None or type(x) is not np.ndarray:
        return x[rows]
    # Without `mode`, take checks every index against `out` through a buffer: 3x slower.
    return x.take(rows, axis=0, out=out, mode="clip")


def matmul(x, y, out):
    """`out = x @ y`; `x` is dense or CSR."""
    if type(x) is not np.ndarray:
        out[...] = x @ y
        return out
    # quicker to call; but it fills `out` with zeros first
    if y.ndim == 2 and x.size < _SMALL and out.size < _SMALL:
        return np.dot(x, y, out)
    return np.matmul(x, y, out=out)


def matmul_transposed(x, y, out):
    """`out = x.T @ y`, a weight gradient; `x` is dense or CSR."""
    return matmul(x.swapaxes(-1, -2) if type(x) is np.ndarray else x.T, y, out)


def inner(x, y):
    """The sum of the products of two vectors, or of each two of several."""
    return np.dot(x, y) if x.ndim == 1 else np.vecdot(x, y)


def add_scaled(target, x, factor):
    """`target += factor * x`, vectors, in one pass over memory where BLAS can."""
    if target.ndim == 1:
        _AXPY[target.dtype](x, target, target.size, factor)
    else:
        target += factor * x


def add_scaled_rows(targets, rows, factors, n):
    """`target += factor * row` for the first `n` entries of each vector of some lists.

    The bits are those of `add_scaled`, row by row. Arguments of BLAS by position take a third
    of the time: a row of 100 then costs no more than its share of a ufunc over all rows.
    """
    axpy = _AXPY[targets[0].dtype]
    for target, row, factor in zip(targets, rows, factors, strict=True):
        axpy(row, target, n, factor)


def logistic(z, out):
    """`out = 1 / (1 + exp(-z))`; `out` may be `z`."""
    np.multiply(z, -1, out=out)  # np.negative of NumPy 2.4 errs on one column of a wider array
    with np.errstate(over="ignore"):  # exp may reach infinity, and 1 / infinity is right
        np.exp(out, out=out)
    out += 1
    return np.reciprocal(out, out=out)


def row_max(z, scratch):
    """The largest value of each row, ``(..., n, 1)``; `scratch`, like `z`, is destroyed."""
    n_columns = z.shape[-1]
    if n_columns > 32 or not scratch.flags.c_contiguous:
        return np.maximum.reduce(z, axis=-1, keepdims=True)
    # short rows are faster as a few long columns: 5x for many, no slower for 32 of 10
    columns = scratch.reshape(n_columns, -1)
    columns[...] = z.reshape(-1, n_columns).T
    return np.maximum.reduce(columns, axis=0).reshape(*z.shape[:-1], 1)


def softmax(z, out):
    """`out = exp(z) / sum(exp(z))` over the last axis; `out` may be `z`."""
    np.subtract(z, np.maximum.reduce(z, axis=-1, keepdims=True), out=out)
    np.exp(out, out=out)
    out /= np.add.reduce(out, axis=-1, keepdims=True)
    return out
