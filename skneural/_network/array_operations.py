"""Operations of layers and losses that are not single ufuncs.

OUT arrays are write-only; all other arrays are read-only.
"""

from typing import TypeVar

import numpy as np
from scipy import sparse
from scipy.linalg.blas import daxpy, saxpy

from skneural._network.array_types import Array, DType, Order, Rows, Sparse

Taken = TypeVar("Taken", Array, Rows)

_SMALL = 1 << 14  # values
_CACHE_LINE = 64  # bytes
_AXPY = {np.dtype(np.float32): saxpy, np.dtype(np.float64): daxpy}


def aligned_empty(size: int, dtype: DType) -> Array:
    """Return a vector that begins at a cache line, so that fewer loads need two of them."""
    n_bytes = size * np.dtype(dtype).itemsize
    memory = np.empty(n_bytes + _CACHE_LINE, np.uint8)
    first = -memory.ctypes.data % _CACHE_LINE
    return memory[first : first + n_bytes].view(dtype)


def zeros_like(vector: Array) -> Array:
    """Return a vector of zeros that begins at a cache line."""
    zeros = aligned_empty(vector.size, vector.dtype)
    zeros[...] = 0
    return zeros


def take_rows(x: Taken, rows: Order, out: Array | None = None) -> Taken:
    """Return the rows of `x` with these indices, in `out` if it is given and `x` is dense."""
    if out is None or type(x) is not np.ndarray:
        return x[rows]
    # Without `mode`, take checks every index against `out` through a buffer: 3x slower.
    return x.take(rows, axis=0, out=out, mode="clip")


def matmul(
    x: Array | Sparse | sparse.csc_array | sparse.csc_matrix, y: Array, out: Array
) -> Array:
    """`out = x @ y`; `x` is dense or sparse."""
    if type(x) is not np.ndarray:
        out[...] = x @ y
        return out
    # faster to call, but it fills `out` with zeros first
    if x.size < _SMALL and out.size < _SMALL:
        return np.dot(x, y, out)
    return np.matmul(x, y, out=out)


def add_scaled(target: Array, x: Array, factor: float) -> None:
    """`target += factor * x` for vectors, in one pass over memory."""
    _AXPY[target.dtype](x, target, target.size, factor)


def logistic(z: Array, out: Array) -> Array:
    """`out = 1 / (1 + exp(-z))`; `out` may be `z`."""
    np.multiply(z, -1, out=out)  # np.negative of NumPy 2.4 is wrong for single columns
    with np.errstate(over="ignore"):  # exp may be infinite, and 1 / infinity is correct
        np.exp(out, out=out)
    out += 1
    return np.reciprocal(out, out=out)


def softmax(z: Array, out: Array) -> Array:
    """`out = exp(z) / sum(exp(z))` of every row; `out` may be `z`."""
    np.subtract(z, np.maximum.reduce(z, axis=1, keepdims=True), out=out)
    np.exp(out, out=out)
    out /= np.add.reduce(out, axis=1, keepdims=True)
    return out
