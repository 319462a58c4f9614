"""Checking the data of an estimator, and encoding the targets."""

import math
from functools import partial
from typing import TypeGuard, cast

import numpy as np
from scipy import sparse
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import check_array, check_X_y, validate_data

from skneural._checks.columns import (
    CategoryColumn,
    Mask,
    categorical_columns,
    read_table,
    refuse_other_than_tables,
)
from skneural._checks.data import (
    Matrix,
    advised,
    check_sample_weight,
    named,
    network_dtype,
    refuse_lazy,
    refuse_misread,
    refuse_missing_in_sparse,
    refuse_unreadable,
    shape_of,
)
from skneural._checks.text_advice import ADVICE_FOR_DATES, refuse_text_left_out, text_advice
from skneural._estimators.estimator_protocol import Estimator
from skneural._estimators.table import TableEncoding, learn_numbers, learn_table
from skneural._network.array_types import DType
from skneural._training.validation import Rows

_AS_BEFORE = " Pass numbers, as before."


def _refuse_noise(estimator: Estimator) -> None:
    for name in ("input_noise", "augmentation"):
        if getattr(estimator, name, None):
            raise ValueError(
                f"{name} must be off for sparse X, got {getattr(estimator, name)!r}, because "
                "it would make X dense. Pass X.toarray() if there is enough memory."
            )


def check_x(estimator: Estimator, X: object, name: str, dtype: DType) -> Matrix:
    """Check rows for a fitted network, and encode a table."""
    if has_plain_rows(X, estimator, dtype) and _has_finite_sum(X):
        return X
    refuse_lazy(name, X)
    encoding = estimator._table_encoding
    if encoding is not None and encoding.is_categorical.any():
        refuse_unreadable(name, X)
        refuse_other_than_tables(name, X)
        with named(name):
            validate_data(estimator, X, skip_check_array=True, reset=False)
            table = read_table(X, encoding.is_categorical, name, " Pass numbers, as in fit.")
            return encoding.encode(*table, dtype)
    refuse_misread(name, X, lambda _: " Pass numbers, as in fit." if name == "X" else "")
    with named(name), advised(lambda: estimator._shape_advice(shape_of(X), name)):
        rows = estimator._as_rows(X, name)
        if has_plain_rows(rows, estimator, dtype) and _has_finite_sum(rows):
            return rows
        rows = validate_data(
            estimator,
            rows,
            accept_sparse="csr",
            dtype=dtype,
            reset=False,
            ensure_all_finite=True if encoding is None else "allow-nan",
        )
        return rows if encoding is None else _encode_numbers(encoding, rows)


def has_plain_rows(X: object, estimator: Estimator, dtype: DType) -> TypeGuard[np.ndarray]:
    """Return whether X needs no conversion, so that only its values have to be checked.

    This makes the check of a single row ten times faster.
    """
    return (
        type(X) is np.ndarray
        and X.dtype == dtype
        and X.ndim == 2
        and X.shape[0] > 0
        and X.shape[1] == estimator.n_features_in_
        and not hasattr(estimator, "feature_names_in_")
        and (estimator._table_encoding is None or estimator._table_encoding.is_identity)
    )


def _encode_numbers(encoding: TableEncoding, X: Matrix) -> Matrix:
    if sparse.issparse(X):
        refuse_missing_in_sparse("X", X)
        assert_all_finite(X, input_name="X")
    return encoding.encode_numbers(X)


def check_rows(
    estimator: Estimator,
    X: object,
    y: object,
    sample_weight: object,
    resume: bool,
    *,
    in_parts: bool = False,
    **encoding: object,
) -> Rows:
    """Check the data of a fit, encode the targets and, where it is needed, a table."""
    refuse_lazy("X", X)
    dtype = estimator.network_.dtype if resume else network_dtype(estimator.dtype, X)
    is_categorical = _categorical_columns(estimator, X, resume)
    refuse_unreadable("y", y)
    rows: Matrix
    targets: Matrix
    if is_categorical is None:
        rows, targets = _check_matrix(estimator, X, y, dtype, reset=not resume)
    else:
        numbers, categories, targets = _check_table(
            estimator, X, y, is_categorical, reset=not resume
        )
        rows = numbers
    sample_weight = check_sample_weight(sample_weight, rows.shape[0], dtype)
    encoded = estimator._encode_y(targets, dtype, resume=resume, **encoding)
    weights = estimator._weigh_classes(targets, sample_weight, dtype, **encoding)
    # once more, because all products with class weights may be 0
    weights = check_sample_weight(weights, rows.shape[0], dtype)
    with named("X"):
        if is_categorical is None:
            rows = _filled(estimator, rows, weights, resume)
        else:
            table = estimator._table_encoding
            if table is None or not resume:
                table = learn_table(
                    is_categorical, numbers, categories, weights, declared=in_parts
                )
                estimator._table_encoding = table
            rows = table.encode(numbers, categories, dtype)
    return Rows(rows, targets, encoded, weights)


def _categorical_columns(estimator: Estimator, X: object, resume: bool) -> Mask | None:
    """Return which columns are categories, in this fit or in the fit that it continues."""
    if not estimator._takes_tables:
        return None
    if not resume:
        with named("X", "categorical_features"):
            return categorical_columns(X, getattr(estimator, "categorical_features", None))
    encoding = estimator._table_encoding
    if encoding is None or not encoding.is_categorical.any():
        return None
    return encoding.is_categorical


def _check_matrix(
    estimator: Estimator, X: object, y: object, dtype: DType, *, reset: bool
) -> tuple[Matrix, Matrix]:
    """Check an X of numbers, except for missing values and infinity, and y."""
    advise = partial(text_advice, takes_tables=estimator._takes_tables)
    refuse_misread("X", X, advise if reset else lambda _: _AS_BEFORE)
    with (
        named("X", "y"),
        advised(lambda: estimator._shape_advice(shape_of(X), "X", reset=reset)),
    ):
        rows, targets = validate_data(
            estimator,
            estimator._as_rows(X, "X", reset=reset),
            y,
            accept_sparse="csr",
            dtype=dtype,
            order="C",
            multi_output=True,
            reset=reset,
            ensure_all_finite=not estimator._takes_tables,
        )
    if not sparse.issparse(rows):
        rows = np.asarray(rows)  # a memory map becomes a plain view, whose slices are cheaper
    else:
        _refuse_noise(estimator)
    return rows, targets


def _check_table(
    estimator: Estimator, X: object, y: object, is_categorical: Mask, *, reset: bool
) -> tuple[np.ndarray, list[CategoryColumn], Matrix]:
    """Check a table with categories; return its numbers and its categories, and y."""
    refuse_unreadable("X", X)
    refuse_other_than_tables("X", X)
    if reset and not isinstance(getattr(estimator, "categorical_features", None), str):
        refuse_text_left_out(X, is_categorical)  # "from_dtype" leaves none out
    with named("X", "y"):
        validate_data(estimator, X, y, skip_check_array=True, reset=reset)
        advice = ADVICE_FOR_DATES if reset else _AS_BEFORE
        numbers, categories = read_table(X, is_categorical, "X", advice)
        numbers, targets = check_X_y(
            numbers,
            y,
            dtype=np.float64,
            multi_output=True,
            ensure_all_finite="allow-nan",
            ensure_min_features=0,
            estimator=estimator,
        )
    return numbers, categories, targets


def _filled(estimator: Estimator, X: Matrix, weight: np.ndarray | None, resume: bool) -> Matrix:
    """Return X with its missing values replaced if the estimator accepts them."""
    if not estimator._takes_tables:
        return X
    refuse_missing_in_sparse("X", X)
    if not resume:
        estimator._table_encoding, X = learn_numbers(X, weight)
        return X
    encoding = estimator._table_encoding
    as_it_is = encoding is None or encoding.is_identity
    if as_it_is and not sparse.issparse(X) and _has_finite_sum(X):
        return X
    assert_all_finite(X, allow_nan=encoding is not None, input_name="X")
    return X if encoding is None else _encode_numbers(encoding, X)


def check_validation_rows(
    estimator: Estimator, X_val: object, y_val: object, weight_val: object, dtype: DType
) -> Rows:
    """Check validation data, and encode their targets like those of the fit."""
    X = check_x(estimator, X_val, "X_val", dtype)
    refuse_unreadable("y_val", y_val)
    with named("y_val"):
        if hasattr(y_val, "toarray"):
            y = cast(Matrix, y_val)
        else:
            y = check_array(y_val, dtype=None, ensure_2d=False, input_name="y_val")
        encoded = estimator._encode_y(y, dtype, resume=True, **estimator._same_labels)
    if X.shape[0] != len(encoded):
        raise ValueError(
            "X_val and y_val must have the same number of rows, got "
            f"{X.shape[0]} and {len(encoded)}."
        )
    with named("sample_weight_val"):
        weight = check_sample_weight(weight_val, len(encoded), dtype)
    return Rows(X, y, encoded, weight)


def _has_finite_sum(X: np.ndarray) -> bool:
    """Return whether the sum is finite, and so all entries; if not, each must be checked."""
    with np.errstate(over="ignore", invalid="ignore"):
        return math.isfinite(X.sum())
