"""The table of a network: output shape, parameters and memory of each layer."""

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from skneural._network.array_types import DType, Shape
from skneural._network.layers.base import Layer
from skneural._network.layers.flatten import Flatten

_HEADER = ("layer", "output shape", "parameters", "training batch", "prediction")


@dataclass(frozen=True)
class LayerSummary:
    """One row of the table.

    Attributes
    ----------
    name : str
        The layer, and the elementwise layers that follow it.
    output_shape : tuple of int
        Shape of its output for one sample.
    n_params : int
        Number of parameters: weights, biases, scales and shifts.
    training_bytes, prediction_bytes : int
        Bytes of the output for one mini-batch, in training including its gradient (except for
        the input, which has none). 0 for `Flatten`, which copies nothing.
    """

    name: str
    output_shape: Shape
    n_params: int
    training_bytes: int
    prediction_bytes: int


class Summary:
    """The layers of a network as a table, which can be printed or shown in a notebook.

    Activations, dropout and noise work in place, so they are in the row of the layer before.

    Parameters
    ----------
    layers : list of Layer
        Layers that have been built.
    shapes : list of tuple of int
        The input shape of every layer, and the output shape of the last.
    dtype : numpy dtype
        Type of the arrays.
    batch_size : int
        Number of samples per mini-batch.

    Attributes
    ----------
    rows : list of LayerSummary
        One row for the input, then one row per layer.
    n_params : int
        Number of parameters of all layers.
    note : str
        A sentence below the table, if there is anything to say.
    """

    note: str = ""

    def __init__(
        self,
        layers: Sequence[Layer],
        shapes: Sequence[Shape],
        dtype: DType,
        batch_size: int,
    ) -> None:
        self.dtype, self.batch_size = np.dtype(dtype), batch_size
        n_bytes = self._n_bytes(shapes[0])
        self.rows = [LayerSummary("input", tuple(shapes[0]), 0, n_bytes, n_bytes)]
        for layer, before, shape in zip(layers, shapes, shapes[1:], strict=False):
            n_params = sum(map(math.prod, layer.param_shapes.values()))
            n_bytes = 0 if isinstance(layer, Flatten) else self._n_bytes(shape)
            row = LayerSummary(layer.label, tuple(shape), n_params, 2 * n_bytes, n_bytes)
            if not n_params and shape == before:
                last = self.rows.pop()
                row = replace(last, name=f"{last.name}, {row.name}")
            self.rows.append(row)
        self.n_params = sum(row.n_params for row in self.rows)

    def _n_bytes(self, shape: Shape) -> int:
        return self.batch_size * math.prod(shape) * self.dtype.itemsize

    def _cells(self) -> Iterator[tuple[str, ...]]:
        """Return the cells of the table as text, row by row."""
        yield _HEADER
        for row in self.rows:
            yield (
                row.name,
                " x ".join(map(str, row.output_shape)),
                f"{row.n_params:,}",
                readable_bytes(row.training_bytes),
                readable_bytes(row.prediction_bytes),
            )
        totals = [
            readable_bytes(sum(getattr(row, kind) for row in self.rows))
            for kind in ("training_bytes", "prediction_bytes")
        ]
        yield ("total", "", f"{self.n_params:,}", *totals)

    @property
    def _footer(self) -> str:
        size = f"in {self.dtype.name}, for a batch of {self.batch_size:,}"
        return f"{size}. {self.note}" if self.note else size

    def __str__(self) -> str:
        cells = list(self._cells())
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(
                [cells[0].ljust(widths[0])]
                + [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
            ).rstrip()
            for cells in cells
        ]
        return "\n".join([*lines, self._footer])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        lines = ["<table>"]
        for i, cells in enumerate(self._cells()):
            tag = "td" if i else "th"
            lines.append(
                "<tr>" + "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in cells) + "</tr>"
            )
        return "\n".join([*lines, "</table>", f"<p>{self._footer}</p>"])


def readable_bytes(n_bytes: int) -> str:
    """Return a number of bytes with a unit and up to four digits, such as ``"11.8 MiB"``."""
    if n_bytes >= 1 << 80:  # very large sizes are too large even for a float
        return "over 2**80 B"
    size = float(n_bytes)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:,.1f} PiB"
