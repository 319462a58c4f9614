"""Validation data of a fit: held out or given, and what is measured on them."""

import copy
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.model_selection import train_test_split

from skneural._data import named


def hold_out(n_samples, fraction, labels, seed):
    """Return the rows to train on and the rows to validate on.

    Parameters
    ----------
    n_samples : int
        Number of rows.
    fraction : float
        Share of the rows to validate on.
    labels : ndarray of shape (n_samples,) or None
        Class labels to stratify by.
    seed : int
        Seed of the split.

    Returns
    -------
    training, validation : ndarray of int
    """
    with named("validation_fraction"):
        training, validation = train_test_split(
            np.arange(n_samples), test_size=fraction, stratify=labels, random_state=seed
        )
    if len(validation) < 2:
        raise ValueError(
            f"validation_fraction={fraction!r} of {n_samples} rows leaves "
            f"{len(validation)} to validate on, and at least 2 are needed. Raise it, or "
            "pass X_val and y_val."
        )
    return training, validation


@dataclass
class Rows:
    """Some rows, with targets as they came and as the network takes them."""

    X: object
    y: np.ndarray
    encoded: np.ndarray
    sample_weight: np.ndarray | None

    def take(self, rows):
        """Return the rows of these numbers."""
        weight = None if self.sample_weight is None else self.sample_weight[rows]
        return Rows(self.X[rows], self.y[rows], self.encoded[rows], weight)


class Validation:
    """Measures a network on validation rows, and on as many training rows.

    Parameters
    ----------
    estimator : estimator
        Whose scorer is used; a copy of it takes the network of the moment.
    scoring : str, callable or None
        The scorer, as everywhere in scikit-learn.
    training, validation : Rows
        What is scored.
    """

    def __init__(self, estimator, scoring, training, validation):
        self.estimator = copy.copy(estimator)
        vars(self.estimator).pop("feature_names_in_", None)  # rows are arrays by now
        self.scorer = check_scoring(self.estimator, scoring=scoring)
        self.training, self.validation = training, validation

    def measure(self, network):
        """Return a dict of the scores and the validation loss, for the history."""
        self.estimator.network_ = network
        rows = self.validation
        raw = network.raw_prediction(rows.X)
        loss = network.loss.loss_gradient(
            rows.encoded, raw, rows.sample_weight, gradient_out=np.empty_like(raw)
        )
        return {
            "score": self._score(self.training),
            "validation_loss": float(loss),
            "validation_score": self._score(rows),
        }

    def _score(self, rows):
        weights = {} if rows.sample_weight is None else {"sample_weight": rows.sample_weight}
        return float(self.scorer(self.estimator, rows.X, rows.y, **weights))
