"""Checks of data: X, targets and weights, by name, before any work."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol, TypeGuard, cast

import numpy as np
from numpy.typing import DTypeLike
from scipy import sparse
from sklearn.utils.validation import check_array

# X once it has been checked
Matrix = np.ndarray | sparse.csr_array | sparse.csr_matrix


@contextmanager
def named(*names: str) -> Iterator[None]:
    """Let errors of the block say which argument is meant; keep casts from warning."""
    try:
        with np.errstate(all="ignore"):
            yield
    except (TypeError, ValueError, OverflowError) as error:  # integers beyond the floats
        is_named = set(names) & set(re.findall(r"\w+", str(error)))
        if is_named and not isinstance(error, OverflowError):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{', '.join(names)}: {error}") from error


@contextmanager
def advised(advise: Callable[[], str]) -> Iterator[None]:
    """Add to a ValueError of the block what `advise` returns: what to write instead, or ""."""
    try:
        yield
    except ValueError as error:
        advice = advise()
        if not advice:
            raise
        between = "\n" if "\n" in str(error) else " "  # after the table of a network
        raise ValueError(f"{error}{between}{advice}") from error


def shape_of(X: object) -> tuple[int, ...]:
    """Return the shape of an array, a frame or nested lists; () of anything else."""
    if not isinstance(X, list | tuple):
        return tuple(getattr(X, "shape", ()))
    try:
        return np.shape(X)
    except ValueError:  # ragged
        return ()


def refuse_lazy(name: str, values: object) -> None:
    """Refuse a table of polars or narwhals that is not in memory, and say how to load it."""
    if type(values).__name__ == "LazyFrame":
        raise TypeError(
            f"{name} must be an array or a table in memory, got a LazyFrame. Pass "
            f"{name}.collect()."
        )


def refuse_unreadable(name: str, values: object) -> None:
    """Refuse masks, which NumPy drops, and indices that lead SciPy out of its memory."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise ValueError(
            f"{name} must not have masked values, got {np.ma.count_masked(values)} of them. "
            "Fill them, for example with SimpleImputer after values.filled(np.nan)."
        )
    if not sparse.issparse(values):
        return
    with named(name):
        matrix = cast(sparse.csr_array, values)  # or of another format
        parts: dict[str, tuple[str, ...]] = {"coo": ("data", "coords")}
        parts |= dict.fromkeys(("csr", "csc", "bsr"), ("data", "indices", "indptr"))
        if matrix.format in parts:
            arrays = tuple(getattr(matrix, part) for part in parts[matrix.format])
            checked = type(matrix)(arrays, shape=matrix.shape)  # values itself stays as it is
            if matrix.format != "coo":
                checked.check_format(full_check=True)


def refuse_misread(
    name: str, values: object, advise: Callable[[object], str] = lambda values: ""
) -> None:
    """Refuse what NumPy or SciPy would turn into other numbers without a word.

    `advise` returns what to write instead of text or dates.
    """
    refuse_unreadable(name, values)
    if sparse.issparse(values):
        return
    _refuse_separate_arrays(name, values)
    if _holds_dates_or_text(values):
        raise ValueError(f"{name} must hold numbers, got dates, times or text.{advise(values)}")


def refuse_missing_in_sparse(name: str, values: object) -> None:
    """Refuse NaN in a sparse matrix, for an estimator that takes it in a dense one."""
    if not sparse.issparse(values):
        return
    n_missing = int(np.isnan(cast(sparse.csr_array, values).data).sum())
    if n_missing:
        raise ValueError(
            f"{name} must not have missing values if it is sparse, got NaN in {n_missing} "
            "entries: they are replaced by the mean, with a column that marks them, in dense "
            "arrays and DataFrames only. Put SimpleImputer() before the network in a Pipeline, "
            f"or pass {name}.toarray() or a DataFrame."
        )


def _refuse_separate_arrays(name: str, values: object) -> None:
    """Refuse an array of arrays, such as images read one by one, and say how to join them."""
    flat = ""
    if not isinstance(values, list):
        if not hasattr(values, "dtype") or _kind(values.dtype) != "O":  # frames have dtypes
            return
        values = np.asarray(values)
        if values.shape[1:] == (1,):
            values, flat = values.ravel(), ".ravel()"
        if values.ndim != 1:
            return
    if len(values) == 0 or not all(isinstance(entry, np.ndarray) for entry in values):
        return
    shapes = list(dict.fromkeys(entry.shape for entry in values))
    if len(shapes) > 1:
        raise ValueError(
            f"{name} must hold samples of one shape, got arrays of shapes {shapes[0]} and "
            f"{shapes[1]}. Bring them to one shape, then write np.stack({name}{flat})."
        )
    if not isinstance(values, list):  # a list of equal arrays is read as one array
        raise ValueError(
            f"{name} must hold numbers, got an array of {len(values)} arrays of shape "
            f"{shapes[0]}. Write np.stack({name}{flat})."
        )


def _holds_dates_or_text(values: object) -> bool:
    values = values.to_native() if hasattr(values, "to_native") else values  # of narwhals
    dtypes = _distinct_dtypes(values)
    kinds = set(map(_kind, dtypes))
    if not kinds.isdisjoint("mMUST"):
        return True
    return "O" in kinds and any(map(_is_date_or_text, _types_of_entries(values)))


class _Frame(Protocol):
    """A table with a dtype for each column."""

    dtypes: Iterable[np.dtype]  # polars has its own


class _Columns(Protocol):
    """The columns of a frame of pandas, by their numbers."""

    def __getitem__(self, places: tuple[slice, list[int]]) -> object: ...


class _PandasFrame(_Frame, Protocol):
    """A frame of pandas."""

    iloc: _Columns


def _is_frame(values: object) -> TypeGuard[_Frame]:
    return hasattr(values, "columns") and hasattr(values, "dtypes")


def _is_pandas_frame(values: object) -> TypeGuard[_PandasFrame]:
    return hasattr(values, "iloc") and hasattr(values, "columns")


def _distinct_dtypes(values: object) -> set[object]:
    """Return the dtypes of an array or a frame: a few, however many columns there are."""
    if _is_frame(values):
        return set(values.dtypes)
    return {getattr(values, "dtype", None)}


def _kind(dtype: object) -> str:
    """Return the kind of a dtype, as NumPy's; "O" where only the entries can tell."""
    # polars, whose frames convert dates to numbers
    if hasattr(dtype, "is_temporal") and hasattr(dtype, "is_numeric"):
        return "M" if dtype.is_temporal() else "f" if dtype.is_numeric() else "O"
    return getattr(dtype, "kind", "O")


def _types_of_entries(values: object) -> set[type]:
    """Return the types of the entries; of a frame only of columns whose dtype cannot tell."""
    if _is_pandas_frame(values):
        unclear = [i for i, dtype in enumerate(values.dtypes) if _kind(dtype) == "O"]
        values = values.iloc[:, unclear]
    elif hasattr(values, "__array__"):  # such as a Table of pyarrow
        with suppress(TypeError):  # dates and numbers have no dtype in common
            values = np.asarray(values)
            if values.dtype != object:
                return {values.dtype.type}
    try:
        entries = np.asarray(values, dtype=object).ravel()
    except ValueError:  # ragged lists: the conversion to numbers will say so
        return set()
    return set(map(type, entries))


def _is_date_or_text(entry_type: type) -> bool:
    # dates, times and periods of any library can be formatted; durations have seconds
    known = str | bytes | np.datetime64 | np.timedelta64
    return (
        issubclass(entry_type, known)
        or hasattr(entry_type, "strftime")
        or hasattr(entry_type, "total_seconds")
    )


def network_dtype(dtype: str, X: object) -> np.dtype:
    """The dtype to compute in: `dtype` itself or, for "auto", the one that X suggests.

    float64 and wide integers stay exact in float64; float32, float16, booleans and
    integers of up to 16 bits (such as the pixels of an image) stay exact in float32.
    """
    if dtype != "auto":
        return np.dtype(dtype)
    try:
        if _is_frame(X):
            own = np.result_type(*X.dtypes)
        elif hasattr(X, "dtype") and not hasattr(X, "columns"):
            own = np.dtype(X.dtype)
        else:  # such as lists
            return np.dtype(np.float64)
    except (AttributeError, TypeError):  # columns without a NumPy dtype
        return np.dtype(np.float64)
    return np.dtype(np.float32 if np.can_cast(own, np.float32) else np.float64)


def check_numbers(name: str, values: object, dtype: DTypeLike) -> np.ndarray:
    """Return `values`, an argument called `name`, as a finite array of `dtype`."""
    refuse_misread(name, values)
    with named(name):
        return check_array(
            values, dtype=dtype, order="C", ensure_2d=False, allow_nd=True, input_name=name
        )


def check_sample_weight(
    sample_weight: object, n_samples: int, dtype: DTypeLike
) -> np.ndarray | None:
    """Return the weights as an array of `dtype`, or None."""
    if sample_weight is None:
        return None
    sample_weight = check_numbers("sample_weight", sample_weight, dtype)
    if sample_weight.shape != (n_samples,):
        raise ValueError(
            f"sample_weight must have shape ({n_samples},), one weight per row of X, got "
            f"shape {sample_weight.shape}."
        )
    if sample_weight.min() < 0:
        raise ValueError(f"sample_weight must be >= 0, got {sample_weight.min()}.")
    if not sample_weight.any():
        raise ValueError("sample_weight must have a positive entry, got only zeros.")
    return sample_weight


def check_start(
    name: str, arrays: Iterable[object], shapes: list[tuple[int, ...]], dtype: DTypeLike
) -> list[np.ndarray]:
    """Return arrays of given shapes, such as `coefs_init`."""
    try:
        arrays = list(arrays)
    except TypeError:
        raise TypeError(f"{name} must be arrays of shapes {shapes}, got {arrays!r}.") from None
    checked = [check_numbers(name, array, dtype) for array in arrays]
    if [array.shape for array in checked] != shapes:
        raise ValueError(
            f"{name} must be arrays of shapes {shapes}, got shapes "
            f"{[array.shape for array in checked]}."
        )
    return checked
