"""Warnings about the data before training, and about the result after it."""

import math
from collections.abc import Sequence

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skneural._checks.feature_scale import scale_doubt, unscaled_input
from skneural._checks.warn import warn
from skneural._estimators.estimator_protocol import Estimator
from skneural._estimators.preparation import Given
from skneural._estimators.table import number_columns
from skneural._training.job import Job
from skneural._training.validation import Validation

_FEWEST_ROWS = 50  # fewer rows may well have a level each
_SHARE_OF_IDENTIFIERS = 0.9


def warn_of_validation_data(estimator: Estimator, job: Job, given: Given) -> None:
    """Warn, before training, if validation data are missing or have another scale."""
    X_val, _, _ = given
    message = None
    if job.validation is None and estimator.scoring is not None:
        message = (
            f"scoring={estimator.scoring!r} has no effect without validation data. Set "
            "early_stopping=True, or pass X_val and y_val to fit."
        )
    elif X_val is not None and job.validation is not None:
        x, x_val = (
            number_columns(estimator._table_encoding, rows)
            for rows in (job.X, job.validation.validation.X)
        )
        message = scale_doubt(x, x_val) if x.shape[1] else None
    if message:
        warn(f"{type(estimator).__name__}: {message}")


def warn_of_scale(estimator: Estimator, job: Job) -> None:
    """Warn, before training, about features that should be scaled."""
    encoding = estimator._table_encoding
    if encoding is not None and encoding.is_categorical.any():
        return  # the numbers of such a table have been standardized
    own = number_columns(encoding, job.X)
    unscaled = unscaled_input(estimator, job.progress.network, own)
    if unscaled:
        warn(f"{type(estimator).__name__}: {unscaled}")


def warn_of_identifiers(estimator: Estimator, job: Job, given: Given) -> None:
    """Warn, before training, of columns of text that are different in almost every row."""
    encoding = estimator._table_encoding
    n_rows = job.X.shape[0]
    if job.validation is not None and given[0] is None:  # the rows held out
        n_rows += job.validation.validation.encoded.shape[0]
    if encoding is None or n_rows < _FEWEST_ROWS:
        return
    names = getattr(estimator, "feature_names_in_", range(len(encoding.is_categorical)))
    found = [
        f"{names[j]!r} ({len(levels):,} levels)"
        for j, levels in zip(
            np.flatnonzero(encoding.is_categorical), encoding.levels, strict=True
        )
        if levels.dtype.kind == "U" and len(levels) > _SHARE_OF_IDENTIFIERS * n_rows
    ]
    if found:
        warn(
            f"{type(estimator).__name__}: almost every row of X has a level of its own in "
            f"{', '.join(found)}, as in a column of names or identifiers. Nothing that is "
            "learned of a level helps for other rows: leave such columns out of X."
        )


def warn_of_failed_score(estimator: Estimator, validation: Validation | None) -> None:
    """Warn about a score that is NaN in the history because its scorer failed."""
    if validation is not None and validation.failure is not None:
        message = (
            f"{type(estimator).__name__}: scoring={estimator.scoring!r} failed "
            f"{validation.failure}. This score is NaN in history_ from then on. Nothing else "
            "depends on it."
        )
        warn(message)


def tell_of_interrupt(estimator: Estimator) -> None:
    """Raise KeyboardInterrupt or warn, depending on `on_interrupt`."""
    message = (
        f"{type(estimator).__name__}.fit was interrupted: the estimator is fitted with the "
        f"weights it had reached, and n_iter_={estimator.n_iter_}."
    )
    if estimator.on_interrupt == "raise":
        raise KeyboardInterrupt(message)
    warn(message, ConvergenceWarning)


def warn_of_doubtful_end(
    estimator: Estimator, losses: Sequence[float], doubt: str | None
) -> None:
    """Warn if a fit ended without an error, but probably with a bad result."""
    if not losses:  # max_iter=0, without any training
        return
    first_loss = losses[0]
    # with fewer epochs, nobody expects a good fit
    useless = estimator._why_useless() if len(losses) >= 10 else None
    doubt = None if estimator.patience in (None, math.inf) else doubt
    if estimator.loss_ - first_loss > 9 * abs(first_loss):
        unscaled = "X and y need" if estimator._target_scale is None else "X needs"
        message = (
            f"The training loss rose from {first_loss:.3g} to {estimator.loss_:.3g}: "
            f"learning_rate={estimator.learning_rate!r} may be too high, or {unscaled} "
            "scaling."
        )
    elif useless or doubt:
        message = " ".join(filter(None, (useless, doubt)))
    else:
        return
    warn(f"{type(estimator).__name__}: {message}", ConvergenceWarning)
