"""Encoding of tables: numbers, missing indicators, and level codes."""

import math
from collections.abc import Callable
from typing import cast

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import sparse
from sklearn.utils import assert_all_finite

from skneural._checks.columns import CategoryColumn, Level, Mask
from skneural._checks.data import Matrix
from skneural._estimators.target_scale import TargetScale

# A category with more levels gets an embedding instead of one-hot columns.
MOST_ONE_HOT_LEVELS = 64
_MOST_LEVELS = 2**24  # float32 represents all integers up to this number exactly
_ROWS_PER_SUM = 4096  # longer sums in float32 would lose digits
# In a table with categories, standardized numbers are clipped to this many standard deviations
# from the mean, so that a wrong entry cannot spoil a prediction. docs/accuracy.md compares
# several bounds.
FARTHEST = 8.0
# The code of an unknown level of a category of two levels, whose codes are 0 and 1.
UNKNOWN_OF_TWO = 0.5


def embedding_width(n_levels: int) -> int:
    """Return the length of the embedding vectors of a category; 0 if it is one-hot encoded."""
    if n_levels <= MOST_ONE_HOT_LEVELS:
        return 0
    return min(16, round(1.6 * n_levels**0.25))


class TableEncoding:
    """Encoding of X as a numeric matrix, learned from the data of the first fit.

    The matrix has these columns, in this order: the numeric columns of X; one missing indicator
    for each numeric column that had missing values; one column for each category of two levels,
    with 0 for the first level, 1 for the second, and 0.5 for an unknown level; and one column
    for each other category, which contains the code of the level, or -1 for an unknown level.
    The first layer of the network, an `Embedding`, replaces the codes by one-hot columns or
    learned vectors.

    Parameters
    ----------
    is_categorical : ndarray of bool of shape (n_features,)
        Which columns of X are categories. The others are numeric.
    mean : ndarray of shape (n_numbers,)
        Mean of each numeric column over the training rows. It replaces missing values.
    shift, scale : ndarray of shape (n_numbers,)
        Each number is replaced by ``(number - shift) / scale``, clipped to the range from
        ``-FARTHEST`` to ``FARTHEST``. Without categories, shift is 0, scale is 1, and nothing
        is clipped.
    has_indicator : ndarray of bool of shape (n_numbers,)
        Which numeric columns had missing values in the training rows.
    levels : tuple of ndarray
        The sorted levels of each category, either text or numbers.
    has_missing : ndarray of bool of shape (n_categories,)
        Which categories have a level for missing values. It comes after the other levels.
    embedding_widths : ndarray of int64 of shape (n_categories,)
        Length of the embedding vectors of each category; 0 for a one-hot encoded category.

    Attributes
    ----------
    is_identity : bool
        Whether rows without missing values are left unchanged.
    is_binary : ndarray of bool of shape (n_categories,)
        Which categories have a single column of 0 and 1, because they have two levels.
    category_order : list of int
        Indices of the categories in the order of their columns.
    """

    def __init__(
        self,
        is_categorical: Mask,
        mean: NDArray[np.float64],
        shift: NDArray[np.float64],
        scale: NDArray[np.float64],
        has_indicator: Mask,
        levels: tuple[np.ndarray, ...] = (),
        has_missing: Mask | None = None,
        embedding_widths: NDArray[np.int64] | None = None,
    ) -> None:
        self.is_categorical = is_categorical
        self.mean, self.shift, self.scale = mean, shift, scale
        self.has_indicator = has_indicator
        self.levels = levels
        self.has_missing = np.zeros(0, dtype=bool) if has_missing is None else has_missing
        self.embedding_widths = (
            np.zeros(0, np.int64) if embedding_widths is None else embedding_widths
        )
        # Every prediction uses these attributes.
        self.is_identity = not (is_categorical.any() or has_indicator.any())
        self.is_binary: Mask = (np.array(self.n_levels, np.int64) == 2) & ~self.is_embedded
        self.category_order: list[int] = np.argsort(~self.is_binary, kind="stable").tolist()

    @property
    def n_numbers(self) -> int:
        """Number of numeric columns."""
        return len(self.mean)

    @property
    def n_columns(self) -> int:
        """Number of columns of the matrix."""
        return self._n_numeric + len(self.levels)

    @property
    def _n_numeric(self) -> int:
        """Number of numeric columns and missing indicators."""
        return self.n_numbers + int(self.has_indicator.sum())

    @property
    def is_embedded(self) -> Mask:
        """Which categories have an embedding."""
        return self.embedding_widths > 0

    @property
    def n_levels(self) -> list[int]:
        """Number of levels of each category, including the level for missing values."""
        return [
            len(levels) + int(more)
            for levels, more in zip(self.levels, self.has_missing, strict=True)
        ]

    @property
    def tables(self) -> list[tuple[int, int]]:
        """Number of levels and length of the vectors, which is 0 for one-hot columns.

        There is an entry for each category of more or less than two levels.
        """
        pairs = zip(self.n_levels, self.embedding_widths.tolist(), strict=True)
        return [
            pair for pair, is_binary in zip(pairs, self.is_binary, strict=True) if not is_binary
        ]

    @property
    def embedded_columns(self) -> list[int]:
        """Indices of the columns of X that have an embedding, in increasing order."""
        return np.flatnonzero(self.is_categorical)[self.is_embedded].tolist()

    def names(self, features: list[str]) -> list[str]:
        """Return the names of the inputs of the first weights, from the column names of X."""
        numbers = [features[j] for j in np.flatnonzero(~self.is_categorical)]
        names = [*numbers]
        names += [f"missingindicator_{numbers[j]}" for j in np.flatnonzero(self.has_indicator)]
        columns = np.flatnonzero(self.is_categorical)

        def of_levels(k: int) -> list[str]:
            levels = [*self.levels[k].tolist(), *(["nan"] if self.has_missing[k] else [])]
            return [f"{features[columns[k]]}_{level}" for level in levels]

        names += [of_levels(k)[1] for k in np.flatnonzero(self.is_binary).tolist()]
        for j, width in zip(columns, self.embedding_widths, strict=True):
            names += [f"{features[j]}_embedding{i}" for i in range(width)]
        for k in np.flatnonzero(~self.is_embedded & ~self.is_binary).tolist():
            names += of_levels(k)
        return names

    @property
    def widest(self) -> tuple[int, int]:
        """Index of the column of X with the most levels, and its number of levels."""
        k = int(np.argmax(self.n_levels))
        return int(np.flatnonzero(self.is_categorical)[k]), self.n_levels[k]

    def encode_numbers(self, X: Matrix) -> Matrix:
        """Return the matrix for an X without categories; X itself if nothing changes."""
        if sparse.issparse(X):
            if not self.has_indicator.any():
                return X
            parts = X.data, X.indices, X.indptr  # the missing indicators are all zero
            return type(X)(parts, shape=(X.shape[0], self.n_columns))
        missing = np.isnan(X)
        if self.is_identity and not missing.any():
            return X
        encoded = np.empty((len(X), self.n_columns), X.dtype)
        self._put_numbers(encoded, X, missing)
        return encoded

    def encode(
        self, numbers: np.ndarray, categories: list[CategoryColumn], dtype: DTypeLike
    ) -> np.ndarray:
        """Return the matrix for a table with categories."""
        first = np.empty((len(numbers), self._n_numeric))
        self._put_numbers(first, numbers, np.isnan(numbers))
        encoded = np.empty((len(numbers), self.n_columns), dtype)
        encoded[:, : self._n_numeric] = first
        for place, k in enumerate(self.category_order, start=self._n_numeric):
            self._check_kind(k, categories[k])
            encoded[:, place] = categories[k].codes(self._codes(k))
        return encoded

    def _put_numbers(self, encoded: np.ndarray, numbers: np.ndarray, missing: Mask) -> None:
        """Write the numbers and the missing indicators to the first columns of the matrix."""
        own = encoded[:, : self.n_numbers]
        own[...] = numbers
        np.copyto(own, self.mean.astype(own.dtype), where=missing)
        if self.is_categorical.any():
            own -= self.shift
            own /= self.scale
            np.clip(own, -FARTHEST, FARTHEST, out=own)
        encoded[:, self.n_numbers : self._n_numeric] = missing[:, self.has_indicator]

    def _codes(self, k: int) -> Callable[[Level], float]:
        """Return a function that maps a level of category `k` to its code."""
        known: dict[Level, float] = {
            level: i for i, level in enumerate(self.levels[k].tolist())
        }
        other = self.other_code(k)
        if self.levels[k].dtype.kind != "f":
            return lambda level: known.get(level, other)
        return lambda level: other if level is None else known.get(float(level), other)

    def other_code(self, k: int) -> float:
        """Return the code of missing values and of unknown levels of category `k`."""
        if self.has_missing[k]:
            return len(self.levels[k])
        return UNKNOWN_OF_TWO if self.is_binary[k] else -1

    def _check_kind(self, k: int, column: CategoryColumn) -> None:
        """Raise ValueError for text if `fit` had numbers, and for numbers if it had text."""
        was = "text" if self.levels[k].dtype.kind == "U" else "numbers"
        if column.kind not in (None, was) and len(self.levels[k]):
            raise ValueError(
                f"{column.label} must hold {was}, as in fit, got {column.kind}. Encode it as "
                "in fit."
            )


def number_columns(encoding: TableEncoding | None, matrix: Matrix) -> Matrix:
    """Return the columns of an encoded matrix that contain the numeric columns of X."""
    if encoding is None or encoding.is_identity:
        return matrix
    return matrix[:, : encoding.n_numbers]


def learn_numbers(X: Matrix, weight: np.ndarray | None) -> tuple[TableEncoding, Matrix]:
    """Return the encoding of an X without categories, and the encoded matrix.

    Raises
    ------
    ValueError
        If X contains infinity, or if X is sparse and contains NaN.
    """
    no_flags: Mask = np.zeros(X.shape[1], dtype=bool)
    shift, scale = np.zeros(X.shape[1]), np.ones(X.shape[1])
    mean = _quick_mean(X, weight)
    if np.isfinite(mean).all():
        return TableEncoding(no_flags, mean, shift, scale, no_flags), X
    assert_all_finite(X, allow_nan=not sparse.issparse(X), input_name="X")
    has_indicator: Mask = no_flags
    if not sparse.issparse(X):
        with np.errstate(over="ignore"):
            mean = np.array([_scale_of(column, weight).mean[0] for column in X.T])
        counted = X if weight is None else X[weight > 0]
        has_indicator = np.asarray(np.isnan(counted).any(axis=0))
    mean[~np.isfinite(mean)] = 0  # where the sum of a column overflows
    encoding = TableEncoding(no_flags, mean, shift, scale, has_indicator)
    return encoding, encoding.encode_numbers(X)


def learn_table(
    is_categorical: Mask,
    numbers: np.ndarray,
    categories: list[CategoryColumn],
    weight: np.ndarray | None,
    *,
    declared: bool,
) -> TableEncoding:
    """Return the encoding of a table with categories.

    Parameters
    ----------
    is_categorical : ndarray of bool of shape (n_features,)
    numbers : ndarray of shape (n_samples, n_numbers)
        The numeric columns, with NaN for missing values.
    categories : list of CategoryColumn
    weight : ndarray of shape (n_samples,) or None
        Sample weights. Rows with weight 0 are ignored.
    declared : bool
        Whether to include the categories of a categorical dtype that do not occur in the rows,
        because later rows may have them.
    """
    is_counted = None if weight is None else weight > 0
    scales = [_scale_of(column, weight) for column in numbers.T]
    mean = np.array([scale.mean[0] for scale in scales])
    scale = np.array([scale.scale[0] for scale in scales])
    counted = numbers if is_counted is None else numbers[is_counted]
    missing = np.isnan(counted)
    # columns of zeros and ones need no scaling
    is_flag = (missing | (counted == 0) | (counted == 1)).all(axis=0)
    found = [column.levels_of_rows(is_counted) for column in categories]
    if declared:
        found = [
            seen | (set(column.levels) - {None})
            for seen, column in zip(found, categories, strict=True)
        ]
    for column, levels in zip(categories, found, strict=True):
        if len(levels) > _MOST_LEVELS:
            raise ValueError(
                f"{column.label} must have at most {_MOST_LEVELS:,} levels, got "
                f"{len(levels):,}. Join rare levels, or leave the column out."
            )
        _refuse_wide_numbers(column.label, levels)
    return TableEncoding(
        is_categorical,
        mean,
        np.where(is_flag, 0.0, mean),
        np.where(is_flag, 1.0, scale),
        missing.any(axis=0),
        tuple(_sorted_levels(levels - {None}) for levels in found),
        np.array([None in levels for levels in found], dtype=bool),
        np.array([embedding_width(len(levels)) for levels in found], np.int64),
    )


def _refuse_wide_numbers(label: str, levels: set[Level]) -> None:
    """Raise ValueError if a level is infinite, or an integer that int64 cannot represent."""
    for level in levels:
        if isinstance(level, int):
            is_wide = not -(2**63) <= level < 2**63
        else:
            is_wide = isinstance(level, float) and math.isinf(level)
        if is_wide:
            raise ValueError(
                f"{label} must hold finite numbers, and no integers beyond those of int64, got "
                f"{level}. Make them text, for example with astype(str)."
            )


def _sorted_levels(levels: set[Level]) -> np.ndarray:
    """Return the sorted levels as an array of text, integers or floats."""
    if any(isinstance(level, float) for level in levels):  # other levels may become equal
        return np.unique(np.array(list(levels), dtype=np.float64))
    ordered = sorted(cast(set[int], levels))  # or all levels are text
    is_text = bool(ordered) and isinstance(ordered[0], str)
    return np.array(ordered, dtype=str if is_text else np.int64)


def _scale_of(column: np.ndarray, weight: np.ndarray | None) -> TargetScale:
    """Return the mean and standard deviation of the values of a column, ignoring NaN."""
    present = ~np.isnan(column)
    if weight is not None:
        present &= weight > 0
        weight = weight[present]
    if not present.any():
        return TargetScale(np.zeros(1), np.ones(1))
    return TargetScale.of(column[present, None].astype(np.float64), weight)


def _quick_mean(X: Matrix, weight: np.ndarray | None) -> NDArray[np.float64]:
    """Return the mean of each column, which is not finite if a value is not finite.

    The means therefore show whether all values are finite. Computing them takes no longer than
    the check of scikit-learn.
    """
    weight = np.ones(X.shape[0], X.dtype) if weight is None else weight / weight.max()
    total = np.zeros(X.shape[1])
    n_rows = X.shape[0] if sparse.issparse(X) else _ROWS_PER_SUM
    with np.errstate(all="ignore"):
        for start in range(0, X.shape[0], n_rows):
            rows = slice(start, start + n_rows)
            total += weight[rows] @ X[rows]
        return total / weight.sum(dtype=np.float64)
