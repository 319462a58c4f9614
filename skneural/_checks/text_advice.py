"""Text in X where numbers are expected: which columns have it, and what to write instead."""

from collections.abc import Sequence
from typing import Any, cast

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.exceptions import DuplicateError

from skneural._checks.columns import Mask
from skneural._checks.data import shape_of

_LONG = 20  # letters on average: more than the names of categories have
_MOST_NAMES = 20  # a longer list would hide the rest of a message
ADVICE_FOR_DATES = " Encode dates as numbers, such as differences in days."


def text_advice(X: object, *, takes_tables: bool) -> str:
    """Return what to do with text or dates in X before a fit, as a sentence with a space."""
    names = text_columns(X)
    if not names:
        return ADVICE_FOR_DATES
    if _is_of_long_texts(X):
        return " Encode texts as numbers, for example with TfidfVectorizer."
    if not takes_tables:
        return " Encode categories as numbers, for example with OneHotEncoder."
    if nw.dependencies.is_into_dataframe(X):
        shown = ", ".join(map(repr, names[:_MOST_NAMES]))
        return f" Write categorical_features='from_dtype', for the columns with text: {shown}."
    return (
        " Pass X as a DataFrame, whose text columns are taken as categories; a transformer "
        "before the network gives one after set_output(transform='pandas'). Or write "
        f"categorical_features={_listed(names)}."
    )


def refuse_text_left_out(X: object, is_categorical: Mask) -> None:
    """Refuse text in columns of a table that `categorical_features` does not choose."""
    texts = text_columns(X)
    names = list(range(len(is_categorical)))
    if nw.dependencies.is_into_dataframe(X):
        names = nw.from_native(cast(Any, X), eager_only=True).columns
    chosen = [name for name, flag in zip(names, is_categorical, strict=True) if flag]
    left_out = [name for name in texts if name not in chosen]
    if left_out:
        needed = [name for name in names if name in {*chosen, *left_out}]
        raise ValueError(
            f"categorical_features must choose every column of X that has text, got a choice "
            f"without {', '.join(map(repr, left_out[:_MOST_NAMES]))}. Write "
            f"categorical_features={_listed(needed)}."
        )


def text_columns(X: object) -> Sequence[object]:
    """Return the names of the columns of X that have text, or their indices if it has none."""
    if nw.dependencies.is_into_dataframe(X):
        try:
            frame = nw.from_native(cast(Any, X), eager_only=True)
        except DuplicateError:  # equal names choose no column
            return []
        return [
            name
            for name, dtype in frame.schema.items()
            if not (dtype.is_numeric() or dtype.is_temporal() or dtype == nw.Boolean)
            and any(isinstance(entry, str) for entry in frame[name].to_list())
        ]
    if len(shape_of(X)) not in (1, 2):
        return []
    entries = np.asarray(X)
    if entries.dtype.kind not in "OUS":
        return []
    entries = np.asarray(X, dtype=object).reshape(len(entries), -1)
    return [
        j
        for j, column in enumerate(entries.T)
        if any(isinstance(entry, str | bytes) for entry in column)
    ]


def _is_of_long_texts(X: object) -> bool:
    """Whether X is one column of texts, such as sentences."""
    shape = shape_of(X)
    if len(shape) > 1 and shape[1] != 1:
        return False
    return float(np.mean([len(str(entry)) for entry in np.asarray(X).ravel()])) > _LONG


def _listed(names: Sequence[object]) -> str:
    shown = ", ".join(map(repr, names[:_MOST_NAMES]))
    return f"[{shown}{', ...' if len(names) > _MOST_NAMES else ''}]"
