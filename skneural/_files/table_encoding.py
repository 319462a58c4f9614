"""Saving and loading the encoding of a table: its arrays and the types of its levels."""

from typing import Any

import numpy as np

from skneural._estimators.table import TableEncoding
from skneural._files.plain_values import codes_to_text, text_to_codes
from skneural._files.safetensors_file import Json, ModelFile, Section

_NUMBERS = ("mean", "shift", "scale")
_LARGEST_WIDTH = 2**16
_KINDS = {"U": "text", "i": "<i8", "f": "<f8"}


def describe_table(
    encoding: TableEncoding | None, arrays: dict[str, np.ndarray]
) -> list[Json] | None:
    """Return the types of the levels of all categories, and add the encoding to `arrays`."""
    if encoding is None:
        return None
    for name in (*_NUMBERS, "is_categorical", "has_indicator", "has_missing"):
        arrays[f"table.{name}"] = getattr(encoding, name)
    arrays["table.embedding_widths"] = encoding.embedding_widths
    for k, levels in enumerate(encoding.levels):
        is_text = levels.dtype.kind == "U"
        arrays[f"table.levels.{k}"] = text_to_codes(levels) if is_text else levels
    return [_KINDS[levels.dtype.kind] for levels in encoding.levels]


def read_table_encoding(
    file: ModelFile | Section, kinds: list[Any], n_inputs: int
) -> TableEncoding:
    """Return the encoding in a file after checking it, for a network with `n_inputs` inputs."""
    _, shape, _ = file.arrays["table.is_categorical"]
    if len(shape) != 1 or not isinstance(kinds, list):
        raise ValueError("the table has an invalid description")
    is_categorical = file.read("table.is_categorical", "|b1", shape)
    n_categories = int(is_categorical.sum())
    n_numbers = len(is_categorical) - n_categories
    mean, shift, scale = (file.read(f"table.{name}", "<f8", (n_numbers,)) for name in _NUMBERS)
    if not np.isfinite([mean, shift, scale]).all() or not (scale > 0).all():
        raise ValueError("means and scales of a table must be finite, and scales above 0")
    if len(kinds) != n_categories:
        raise ValueError(f"levels are needed for {n_categories} categories, got {len(kinds)}")
    encoding = TableEncoding(
        is_categorical,
        mean,
        shift,
        scale,
        file.read("table.has_indicator", "|b1", (n_numbers,)),
        tuple(_read_levels(file, k, kind) for k, kind in enumerate(kinds)),
        file.read("table.has_missing", "|b1", (n_categories,)),
        file.read("table.embedding_widths", "<i8", (n_categories,)),
    )
    _check_embeddings(encoding)
    if encoding.n_columns != n_inputs:
        raise ValueError(
            f"the table has {encoding.n_columns} columns, but the network has {n_inputs} inputs"
        )
    return encoding


def _check_embeddings(encoding: TableEncoding) -> None:
    widths = encoding.embedding_widths
    if widths.size and not 0 <= widths.min() <= widths.max() <= _LARGEST_WIDTH:
        raise ValueError(f"embedding_widths must be from 0 to {_LARGEST_WIDTH}, got {widths}")
    if not all(n_levels for n_levels, width in encoding.tables if width):
        raise ValueError("a category with an embedding must have levels")


def _read_levels(file: ModelFile | Section, k: int, kind: str) -> np.ndarray:
    name = f"table.levels.{k}"
    _, shape, _ = file.arrays[name]
    if kind == "text" and len(shape) == 2:
        levels = codes_to_text(file.read(name, "<u4", shape), name)
    elif kind in ("<i8", "<f8") and len(shape) == 1:
        levels = file.read(name, kind, shape)
    else:
        raise ValueError(f"{name} has an invalid description")
    distinct = np.unique(levels)
    is_finite = kind == "text" or np.isfinite(levels).all()
    if not is_finite or not np.array_equal(distinct, levels):
        raise ValueError(f"{name} must contain distinct levels in sorted order")
    return levels
