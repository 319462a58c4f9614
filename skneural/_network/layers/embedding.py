"""Embeddings of categories."""

from collections.abc import Iterable

import numpy as np

from skneural._network.array_types import Array, Arrays, Order, Shape
from skneural._network.initializers import initialize
from skneural._network.layers.base import Binding, Layer


class Embedding(Layer):
    """Replaces level codes by learned vectors or one-hot columns.

    The last columns of the input contain level codes. The output consists of the other columns,
    unchanged, the learned vectors, and the one-hot columns. A code that is out of range, such
    as -1, gives zeros. Only the vectors of levels that occur in a mini-batch have a gradient; a
    step leaves the other vectors unchanged. This is the first layer of a network, so it does
    not compute the gradient with respect to its input.

    Parameters
    ----------
    tables : iterable of (int, int)
        Number of levels and length of the vectors, for each column of codes. A length of 0
        stands for one-hot columns.

    References
    ----------
    C. Guo and F. Berkhahn, Entity embeddings of categorical variables, arXiv:1604.06737, 2016.
    """

    updates_rows = True

    def __init__(self, tables: Iterable[tuple[int, int]]) -> None:
        self.tables = tuple((int(n_levels), int(width)) for n_levels, width in tables)

    def __repr__(self) -> str:
        return f"Embedding{self.tables}"

    @property
    def label(self) -> str:
        n_embedded = sum(width > 0 for _, width in self.tables)
        n_one_hot = len(self.tables) - n_embedded
        parts = [f"embedding of {n_embedded}"] if n_embedded else []
        parts += [f"one-hot of {n_one_hot}"] if n_one_hot else []
        return ", ".join(parts).capitalize()

    def build(self, input_shape: Shape) -> Shape:
        (n_inputs,) = input_shape
        self.n_passed = n_inputs - len(self.tables)
        if self.n_passed < 0:
            raise ValueError(f"{self!r} needs a column for each table, got {n_inputs} columns.")
        self.param_shapes = {
            f"table{k}": table for k, table in enumerate(self.tables) if table[1]
        }
        self.outputs = []  # the columns of the output for each column of codes
        vector, one_hot = self.n_passed, self.n_passed + sum(width for _, width in self.tables)
        for n_levels, width in self.tables:
            if width:
                self.outputs.append(slice(vector, vector + width))
                vector += width
            else:
                self.outputs.append(slice(one_hot, one_hot + n_levels))
                one_hot += n_levels
        self.n_outputs = one_hot
        return (self.n_outputs,)

    def init_params(self, params: Arrays, state: Arrays, rng: np.random.Generator) -> None:
        # The expected squared norm of a row is 1, as for one-hot columns.
        for table in params.values():
            initialize(table, "lecun", rng, fan_in=table.shape[1], fan_out=1)

    def bind(self, binding: Binding) -> None:
        self.values = binding.params
        self.y = np.empty((binding.n_samples, self.n_outputs), binding.dtype)
        if binding.grads is not None:
            self.grads = binding.grads
            self.levels: dict[str, Order] = {}
            for name, grad in binding.grads.items():
                grad[...] = 0
                self.levels[name] = np.empty(0, np.intp)

    def forward(self, x: Array, *, training: bool) -> Array:
        y = self.y[: len(x)]
        y[:, : self.n_passed] = x[:, : self.n_passed]
        self.codes = []
        for k, (n_levels, width) in enumerate(self.tables):
            codes, own = x[:, self.n_passed + k], y[:, self.outputs[k]]
            rows = np.flatnonzero((codes >= 0) & (codes < n_levels))
            levels = codes[rows].astype(np.intp)
            own[...] = 0
            if width:
                own[rows] = self.values[f"table{k}"][levels]
            else:
                own[rows, levels] = 1
            self.codes.append((rows, levels))
        return y

    def backward(self, dy: Array, *, need_dx: bool = True) -> None:
        for k, (rows, levels) in enumerate(self.codes):
            name = f"table{k}"
            if name in self.grads:
                grad = self.grads[name]
                grad[self.levels[name]] = 0
                np.add.at(grad, levels, dy[rows, self.outputs[k]])
                self.levels[name] = np.unique(levels)

    def touched_rows(self) -> dict[str, Order]:
        return self.levels
