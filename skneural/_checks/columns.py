"""Columns of a table: which of them are categories, and what they hold."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from numbers import Integral, Real
from typing import Any, TypeAlias, cast

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.validation import check_array

from skneural._checks.data import named, refuse_misread, shape_of

# What a category is known by, whatever library the table is of; None is a missing value.
Level: TypeAlias = str | float | None
Mask: TypeAlias = NDArray[np.bool_]

_CATEGORIES = (nw.Categorical, nw.Enum)


class CategoryColumn:
    """A column of categories.

    Parameters
    ----------
    label : str
        What messages call it, such as ``"column 'city' of X"``.
    levels : list
        The level of every distinct value, and of every category that the dtype declares.
    places : ndarray of int of shape (n_samples,)
        Place of the value of every row in `levels`.
    """

    def __init__(self, label: str, levels: list[Level], places: NDArray[np.intp]) -> None:
        self.label, self.levels, self.places = label, levels, places

    @classmethod
    def of(
        cls,
        label: str,
        distinct: list[object],
        places: NDArray[np.intp],
        declared: Sequence[object] = (),
    ) -> "CategoryColumn":
        """Return a column of distinct values, and of categories that its dtype declares.

        `places` has the place of the value of every row, and -1 for missing values.
        """
        values = list(dict.fromkeys([*distinct, *declared]))
        present = [value for value in values if not _is_missing(value)]
        types = {_type_of_level(value) for value in present}
        if len(types) > 1:
            names = sorted({type(value).__name__ for value in present})
            raise ValueError(
                f"{label} must hold values of one type, got {' and '.join(names)}. Make all of "
                "them text, for example with astype(str)."
            )
        levels = [None if _is_missing(value) else _level_of(value) for value in values]
        if (places < 0).any():
            places = np.where(places < 0, len(levels), places)
            levels.append(None)
        return cls(label, levels, places)

    @property
    def kind(self) -> str | None:
        """Whether it holds "text" or "numbers"; None if all values are missing."""
        present = [level for level in self.levels if level is not None]
        return ("text" if isinstance(present[0], str) else "numbers") if present else None

    def levels_of_rows(self, is_counted: Mask | None) -> set[Level]:
        """Return the levels of the rows that count; None if a value is missing there."""
        places = self.places if is_counted is None else self.places[is_counted]
        counts = np.bincount(places, minlength=len(self.levels))
        return {self.levels[i] for i in np.flatnonzero(counts)}

    def codes(self, code_of: Callable[[Level], float]) -> NDArray[np.float64]:
        """Return the code of every row, from the code of its level."""
        return np.array([code_of(level) for level in self.levels], np.float64)[self.places]


def _is_missing(value: object) -> bool:
    """Whether a value is None, NaN, or what pandas has for them."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating | Decimal) and math.isnan(value)


def _type_of_level(value: object) -> type:
    """The type of a value, where all numbers have one type."""
    if isinstance(value, str):
        return str
    return float if isinstance(value, Real | Decimal | np.bool_) else type(value)


def _level_of(value: object) -> str | float:
    """Return a number as int or float, and any other value as text."""
    if isinstance(value, str):
        return value
    if isinstance(value, Integral | np.bool_):
        return int(value)
    return float(value) if isinstance(value, Real | Decimal) else str(value)


def categorical_columns(X: object, categorical_features: object) -> Mask | None:
    """Return which columns of X are categories, or None if none are.

    Parameters
    ----------
    X : {array-like, dataframe} of shape (n_samples, n_features)
        A table, not checked yet.
    categorical_features : array-like, "from_dtype" or None
        The parameter of this name.

    Returns
    -------
    is_categorical : ndarray of bool of shape (n_features,), or None
    """
    if categorical_features is None:
        return None
    if isinstance(categorical_features, str):
        mask = _categories_by_dtype(X)
    else:
        mask = _categories_by_choice(X, np.asarray(categorical_features))
    return mask if mask is not None and mask.any() else None


def _categories_by_dtype(X: object) -> Mask | None:
    if not _is_frame(X):
        return None
    native = nw.to_native(cast(Any, X), pass_through=True)
    if nw.dependencies.is_pandas_dataframe(native):
        return _categories_of_pandas(native)
    dtypes = _frame_of(X).schema.dtypes()
    return np.array([dtype in (*_CATEGORIES, nw.String) for dtype in dtypes])


def _categories_of_pandas(frame: Any) -> Mask:
    """Look at dtypes first: most columns of most frames are numbers, and there may be many."""
    mask = np.zeros(frame.shape[1], dtype=bool)
    others = [i for i, dtype in enumerate(frame.dtypes) if dtype.kind == "O"]
    objects = [i for i in others if str(frame.dtypes.iloc[i]) == "object"]
    typed = [i for i in others if i not in objects]
    if typed:
        dtypes = _frame_of(frame.iloc[:0, typed]).schema.dtypes()
        mask[typed] = [dtype in (*_CATEGORIES, nw.String) for dtype in dtypes]
    if objects:
        entries = frame.iloc[:, objects].to_numpy(dtype=object)
        if str in map(type, entries.ravel()):
            mask[objects] = [str in map(type, column) for column in entries.T]
    return mask


def _categories_by_choice(X: object, chosen: np.ndarray) -> Mask | None:
    if chosen.size == 0:
        return None
    if sparse.issparse(X):
        raise ValueError(
            "categorical_features must be 'from_dtype' or None for sparse X, whose columns are "
            f"numbers, got {chosen.tolist()}."
        )
    refuse_other_than_tables("X", X)
    n_features = shape_of(X)[1]
    mask = np.zeros(n_features, dtype=bool)
    if chosen.dtype.kind == "b":
        if chosen.shape != (n_features,):
            raise ValueError(
                "categorical_features must have one entry per column of X if it is a boolean "
                f"mask: X has {n_features} columns, got shape {chosen.shape}."
            )
        return chosen
    if chosen.dtype.kind in "iu":
        if chosen.min() < 0 or chosen.max() >= n_features:
            raise ValueError(
                f"categorical_features must be within 0 and {n_features - 1}, as X has "
                f"{n_features} columns, got {chosen.tolist()}."
            )
        mask[chosen] = True
        return mask
    if not _is_frame(X):
        raise ValueError(
            f"categorical_features={chosen.tolist()} are names, and X has none. Pass indices "
            "or a boolean mask, or X as a dataframe."
        )
    names = list(_frame_of(X).columns)
    for name in chosen.tolist():
        if name not in names:
            raise ValueError(
                f"categorical_features has {name!r}, which is no column of X. Its columns are "
                f"{', '.join(map(repr, names))}."
            )
        mask[names.index(name)] = True
    return mask


def refuse_other_than_tables(name: str, X: object) -> None:
    """Raise ValueError if X is not two-dimensional, such as a single row, sparse or empty."""
    shape = shape_of(X)
    if len(shape) != 2 or sparse.issparse(X):
        advice = f" Pass {name}.toarray()." if sparse.issparse(X) else ""
        if len(shape) == 1:
            advice = (
                " To pass a single row or column of a DataFrame, write table.iloc[[0]] or "
                "table[['name']]."
            )
        raise ValueError(
            f"{name} must be a DataFrame or a two-dimensional dense array, got "
            f"{type(X).__name__}{f' of shape {shape}' if shape else ''}.{advice}"
        )
    if shape[0] == 0:
        raise ValueError(
            f"{name}: Found array with 0 sample(s) (shape={shape}) while a minimum of 1 is "
            "required."
        )


def read_table(
    X: object, is_categorical: Mask, name: str, advice: str
) -> tuple[np.ndarray, list[CategoryColumn]]:
    """Return the numbers of a table as a matrix, with NaN where they miss, and its categories.

    Parameters
    ----------
    X : {array-like, dataframe} of shape (n_samples, n_features)
    is_categorical : ndarray of bool of shape (n_features,)
    name : str
        What X is called.
    advice : str
        What a message adds about text or dates in a column of numbers.

    Returns
    -------
    numbers : ndarray of shape (n_samples, n_numbers)
        In float64. Infinity has been refused.
    categories : list of CategoryColumn
    """
    if _is_frame(X):
        frame = _frame_of(X)
        labels = [f"column {column!r} of {name}" for column in frame.columns]
        numbers = _numbers(
            lambda columns: frame[:, columns].to_native(),
            ~is_categorical,
            labels,
            advice,
            len(frame),
        )
        return numbers, [
            _category_of_frame(frame[:, int(j)], labels[j])
            for j in np.flatnonzero(is_categorical)
        ]
    array = X if isinstance(X, np.ndarray) else np.array(X, dtype=object)
    labels = [f"column {j} of {name}" for j in range(array.shape[1])]
    numbers = _numbers(
        lambda columns: array[:, columns], ~is_categorical, labels, advice, len(array)
    )
    categories = []
    for j in np.flatnonzero(is_categorical):
        with _hashing(labels[j]):
            numbered = _numbered(array[:, j].tolist())
        categories.append(CategoryColumn.of(labels[j], *numbered))
    return numbers, categories


def _category_of_frame(column: nw.Series[Any], label: str) -> CategoryColumn:
    native = column.to_native()
    with _hashing(label):
        if nw.dependencies.is_pandas_series(native):
            places, distinct = native.factorize()
            # dictionaries of pyarrow in pandas are categories without this attribute
            declared = list(getattr(native.dtype, "categories", []))
            return CategoryColumn.of(label, distinct.tolist(), places, declared)
        is_declared = column.dtype in _CATEGORIES
        declared = column.cat.get_categories().to_list() if is_declared else []
        try:
            array = column.to_arrow()
        except ImportError:  # polars has no need of pyarrow
            return CategoryColumn.of(label, *_numbered(column.to_list()), declared)
    if not hasattr(array, "indices"):
        array = array.dictionary_encode()
    # signed first: indices of polars are not, and -1 stands for missing values
    places = array.indices.cast("int64").fill_null(-1).to_numpy().astype(np.intp)
    return CategoryColumn.of(label, array.dictionary.to_pylist(), places, declared)


def _numbered(values: list[object]) -> tuple[list[object], NDArray[np.intp]]:
    """Return the distinct values, and the place of every value among them."""
    numbers = {value: i for i, value in enumerate(dict.fromkeys(values))}
    return list(numbers), np.fromiter(map(numbers.__getitem__, values), np.intp, len(values))


@contextmanager
def _hashing(label: str) -> Iterator[None]:
    """Name the column whose values, such as lists, cannot be hashed."""
    try:
        yield
    except TypeError as error:
        raise ValueError(f"{label} must hold categories, such as text: {error}.") from None


def _numbers(
    part: Callable[[list[int]], object],
    is_number: Mask,
    labels: list[str],
    advice: str,
    n_rows: int,
) -> np.ndarray:
    columns = np.flatnonzero(is_number).tolist()
    if not columns:
        return np.empty((n_rows, 0))
    try:
        return _as_numbers(part(columns))
    except (TypeError, ValueError):
        parts = []  # one by one, because a message names one, and all may have no common dtype
        for j in columns:
            refuse_misread(labels[j], part([j]), lambda _: advice)
            with named(labels[j]):
                parts.append(_as_numbers(part([j])))
        return np.hstack(parts)


def _as_numbers(values: object) -> np.ndarray:
    refuse_misread("X", values)
    return check_array(values, dtype=np.float64, ensure_all_finite="allow-nan", input_name="X")


def _is_frame(X: object) -> bool:
    return nw.dependencies.is_into_dataframe(X)


def _frame_of(X: object) -> nw.DataFrame[Any]:
    return nw.from_native(cast(Any, X), eager_only=True)
