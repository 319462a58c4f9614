"""Data of an estimator checked, and targets encoded: what comes in, as rows."""

import math
from typing import TypeGuard, cast

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_array, validate_data

from skneural._checks.data import (
    Matrix,
    advised,
    check_sample_weight,
    named,
    network_dtype,
    refuse_misread,
    refuse_unreadable,
    shape_of,
)
from skneural._estimators.estimator_protocol import Estimator
from skneural._network.array_types import DType
from skneural._training.validation import Rows


def _refuse_noise(estimator: Estimator) -> None:
    for name in ("input_noise", "augmentation"):
        if getattr(estimator, name, None):
            raise ValueError(
                f"{name} must be off for sparse X, got {getattr(estimator, name)!r}. It would "
                "make X dense; pass X.toarray() if that is what you want."
            )


def check_x(estimator: Estimator, X: object, name: str, dtype: DType) -> Matrix:
    """Check rows like those that the network has been fitted on."""
    if has_plain_rows(X, estimator, dtype) and _has_finite_sum(X):
        return X
    refuse_misread(name, X)
    with named(name), advised(lambda: estimator._shape_advice(shape_of(X), name)):
        rows = estimator._as_rows(X, name)
        if has_plain_rows(rows, estimator, dtype) and _has_finite_sum(rows):
            return rows
        return validate_data(estimator, rows, accept_sparse="csr", dtype=dtype, reset=False)


def has_plain_rows(X: object, estimator: Estimator, dtype: DType) -> TypeGuard[np.ndarray]:
    """Whether X needs no conversion, so that only its numbers are left to be checked.

    One row is checked ten times faster so.
    """
    return (
        type(X) is np.ndarray
        and X.dtype == dtype
        and X.ndim == 2
        and X.shape[0] > 0
        and X.shape[1] == estimator.n_features_in_
        and not hasattr(estimator, "feature_names_in_")
    )


def check_rows(
    estimator: Estimator,
    X: object,
    y: object,
    sample_weight: object,
    resume: bool,
    **encoding: object,
) -> Rows:
    """Check the data of a fit and encode the targets."""
    dtype = estimator.network_.dtype if resume else network_dtype(estimator.dtype, X)
    refuse_misread("X", X)
    refuse_unreadable("y", y)
    reset = not resume
    rows: Matrix
    targets: Matrix
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
        )
    if not sparse.issparse(rows):
        rows = np.asarray(rows)  # a memory map becomes a plain view: its slices are cheaper
    else:
        _refuse_noise(estimator)
    sample_weight = check_sample_weight(sample_weight, rows.shape[0], dtype)
    encoded = estimator._encode_y(targets, dtype, resume=resume, **encoding)
    weights = estimator._weigh_classes(targets, sample_weight, dtype, **encoding)
    # again: with class weights nothing but zeros may be left
    weights = check_sample_weight(weights, rows.shape[0], dtype)
    return Rows(rows, targets, encoded, weights)


def check_validation_rows(
    estimator: Estimator, X_val: object, y_val: object, weight_val: object, dtype: DType
) -> Rows:
    """Check rows to validate on, and encode their targets as those of the fit."""
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
            f"X_val and y_val must have as many rows, got {X.shape[0]} and {len(encoded)}."
        )
    with named("sample_weight_val"):
        weight = check_sample_weight(weight_val, len(encoded), dtype)
    return Rows(X, y, encoded, weight)


def _has_finite_sum(X: np.ndarray) -> bool:
    """Whether all entries are finite; where their sum overflows, others look at every entry."""
    with np.errstate(over="ignore", invalid="ignore"):
        return math.isfinite(X.sum())
