"""Validation data of a fit: held out or given, and what is measured on them."""

import copy
import inspect
import math
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.model_selection import train_test_split

from skneural._data import named


def hold_out(n_samples, fraction, labels, seed):
    """Return the rows to train on and the rows to validate on, at least as many as classes.

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
    n_classes = 1 if labels is None else len(np.unique(labels))
    n_held_out = max(math.ceil(fraction * n_samples), n_classes, 2)
    if fraction * n_samples < 1 or n_samples - n_held_out < n_classes:
        raise ValueError(
            f"validation_fraction={fraction!r} of n_samples = {n_samples} is less than a row, "
            f"or leaves too few rows to train on beside the {n_held_out} to validate on. "
            "Change it, pass X_val and y_val, or set early_stopping=False."
        )
    with named("validation_fraction"):
        return train_test_split(
            np.arange(n_samples), test_size=n_held_out, stratify=labels, random_state=seed
        )


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

    def sample(self, n_rows, seed):
        """Return up to `n_rows` drawn rows, of those that have a weight."""
        weight = self.sample_weight
        rows = np.arange(len(self.encoded)) if weight is None else np.flatnonzero(weight)
        return self.take(np.random.default_rng(seed).permutation(rows)[:n_rows])


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
        self.takes_weights = not callable(scoring) or _takes_weights(scoring)
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
        weights = {}
        if rows.sample_weight is not None and self.takes_weights:
            weights["sample_weight"] = rows.sample_weight
        with named("scoring"):
            score = float(self.scorer(self.estimator, rows.X, rows.y, **weights))
        if math.isnan(score):
            raise ValueError(
                f"scoring={self.estimator.scoring!r} gave NaN for {len(rows.encoded)} rows of "
                "validation or training data. Pass more of them, or use another scorer."
            )
        return score


def _takes_weights(scorer):
    names = inspect.signature(scorer).parameters
    return "sample_weight" in names or any(p.kind is p.VAR_KEYWORD for p in names.values())
