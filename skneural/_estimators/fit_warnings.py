"""Warnings of a fit: before training, of the data; after it, of how it ended."""

import math
from collections.abc import Sequence

from sklearn.exceptions import ConvergenceWarning

from skneural._checks.feature_scale import scale_doubt, unscaled_input
from skneural._checks.warn import warn
from skneural._estimators.estimator_protocol import Estimator
from skneural._estimators.preparation import Given
from skneural._estimators.table import number_columns
from skneural._training.job import Job
from skneural._training.validation import Validation


def warn_of_validation_data(estimator: Estimator, job: Job, given: Given) -> None:
    """Warn, before training, of validation data that are missing or on another scale."""
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
    """Warn, before training, of features that should be scaled."""
    encoding = estimator._table_encoding
    if encoding is not None and encoding.is_categorical.any():
        return  # its numbers have been standardized
    own = number_columns(encoding, job.X)
    unscaled = unscaled_input(estimator, job.progress.network, own)
    if unscaled:
        warn(f"{type(estimator).__name__}: {unscaled}")


def warn_of_failed_score(estimator: Estimator, validation: Validation | None) -> None:
    """Warn of a score that is NaN in the history because its scorer failed."""
    if validation is not None and validation.failure is not None:
        message = (
            f"{type(estimator).__name__}: scoring={estimator.scoring!r} failed "
            f"{validation.failure}. This score is only a record: it is NaN in history_ from "
            "then on, and nothing else depends on it."
        )
        warn(message)


def tell_of_interrupt(estimator: Estimator) -> None:
    """Raise or warn, as the user wants, after a fit that Ctrl-C has ended."""
    message = (
        f"{type(estimator).__name__}.fit was interrupted: the estimator is fitted with the "
        f"weights that it had reached, n_iter_={estimator.n_iter_}."
    )
    if estimator.on_interrupt == "raise":
        raise KeyboardInterrupt(message)
    warn(message, ConvergenceWarning)


def warn_of_doubtful_end(
    estimator: Estimator, losses: Sequence[float], doubt: str | None
) -> None:
    """Warn of a fit that ended without an error, but hardly where it should."""
    if not losses:  # max_iter=0: nothing was to be learned
        return
    first_loss = losses[0]
    # fewer epochs are a trial, of which nobody expects a good fit
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
