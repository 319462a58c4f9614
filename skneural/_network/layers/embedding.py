"""Embeddings of categories."""

from collections.abc import Iterable

import numpy as np

from skneural._network.array_types import Array, Arrays, Order, Shape
from skneural._network.initializers import initialize
from skneural._network.layers.base import Binding, Layer


class Embedding(Layer):
    """Replaces level codes by learned vectors, one per level.

    The last columns of the input contain level codes. Each of these columns has a table with
    one vector per level. The output consists of the other columns, unchanged, followed by one
    row of each table. A code that is out of range, such as -1, gives the zero vector, as an
    unknown level does in one-hot columns. Only the rows of levels that occur in a mini-batch
    have a gradient; a step leaves the other rows unchanged.

    Parameters
    ----------
    tables : iterable of (int, int)
        Number of levels and length of the vectors, for each table.

    References
    ----------
    C. Guo and F. Berkhahn, Entity embeddings of categorical variables, arXiv:1604.06737, 2016.
    """

    updates_rows = True
    dx: Array | None

    def __init__(self, tables: Iterable[tuple[int, int]]) -> None:
        self.tables = tuple((int(n_levels), int(width)) for n_levels, width in tables)

    def __repr__(self) -> str:
        return f"Embedding{self.tables}"

    @property
    def label(self) -> str:
        return f"Embedding of {len(self.tables)}"

    def build(self, input_shape: Shape) -> Shape:
        (n_inputs,) = input_shape
        self.n_passed = n_inputs - len(self.tables)
        if self.n_passed < 0:
            raise ValueError(f"{self!r} needs a column for each table, got {n_inputs} columns.")
        self.param_shapes = {f"table{k}": table for k, table in enumerate(self.tables)}
        return (self.n_passed + sum(width for _, width in self.tables),)

    def init_params(self, params: Arrays, state: Arrays, rng: np.random.Generator) -> None:
        # The expected squared norm of a row is 1, as for one-hot columns.
        for table in params.values():
            initialize(table, "lecun", rng, fan_in=table.shape[1], fan_out=1)

    def bind(self, binding: Binding) -> None:
        self.values = list(binding.params.values())
        self.batch_shape = binding.batch_shape
        n_outputs = self.n_passed + sum(width for _, width in self.tables)
        self.y = np.empty((binding.n_samples, n_outputs), binding.dtype)
        if binding.grads is not None:
            self.grads, self.dx = binding.grads, None
            self.levels: dict[str, Order] = {}
            for name, grad in binding.grads.items():
                grad[...] = 0
                self.levels[name] = np.empty(0, np.intp)

    def forward(self, x: Array, *, training: bool) -> Array:
        y, start = self.y[: len(x)], self.n_passed
        y[:, :start] = x[:, :start]
        self.codes = []
        for codes, table in zip(x[:, start:].T, self.values, strict=True):
            is_known = (codes >= 0) & (codes < len(table))
            levels = np.where(is_known, codes, 0).astype(np.intp)
            stop = start + table.shape[1]
            y[:, start:stop] = np.where(is_known[:, None], table[levels], 0)
            self.codes.append((is_known, levels))
            start = stop
        return y

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array | None:
        start = self.n_passed
        for (name, grad), (is_known, levels) in zip(
            self.grads.items(), self.codes, strict=True
        ):
            stop = start + grad.shape[1]
            grad[self.levels[name]] = 0
            np.add.at(grad, levels[is_known], dy[is_known, start:stop])
            self.levels[name] = np.unique(levels[is_known])
            start = stop
        if not need_dx:
            return None
        if self.dx is None:  # the first layer of a network never needs it
            self.dx = np.empty(self.batch_shape, dy.dtype)
        dx = self.dx[: len(dy)]
        dx[:, : self.n_passed] = dy[:, : self.n_passed]
        dx[:, self.n_passed :] = 0  # level codes have no gradient
        return dx

    def touched_rows(self) -> dict[str, Order]:
        return self.levels
