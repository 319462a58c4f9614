"""Validation data of a fit, and their scores."""

import copy
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.model_selection import train_test_split

from skneural._checks.data import Matrix, named
from skneural._engine.prediction import raw_prediction
from skneural._network.network import Network


def hold_out(
    n_samples: int, fraction: float, labels: np.ndarray | None, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows for training and for validation, at least as many as there are classes.

    Parameters
    ----------
    n_samples : int
        Number of rows.
    fraction : float
        Proportion of the rows that are used for validation.
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
            f"validation_fraction={fraction!r} of n_samples = {n_samples} is less than one "
            f"sample, or leaves too few samples for training beside the {n_held_out} for "
            "validation. Change it, pass X_val and y_val, or set early_stopping=False."
        )
    with named("validation_fraction"):
        return train_test_split(
            np.arange(n_samples), test_size=n_held_out, stratify=labels, random_state=seed
        )


@dataclass
class Rows:
    """Rows of X, with the original targets and those encoded for the network."""

    X: Matrix
    y: Matrix  # sparse only for a label indicator matrix
    encoded: np.ndarray
    sample_weight: np.ndarray | None
    # their score as a function of raw predictions
    quick_score: Callable[[np.ndarray], float] | None = None

    @property
    def n_weighted(self) -> int:
        """Number of rows that have a weight."""
        weight = self.sample_weight
        return len(self.encoded) if weight is None else int(np.count_nonzero(weight))

    def take(self, rows: np.ndarray) -> "Rows":
        """Return the rows with these indices."""
        weight = None if self.sample_weight is None else self.sample_weight[rows]
        return Rows(self.X[rows], self.y[rows], self.encoded[rows], weight)

    def sample(self, n_rows: int, seed: int, labels: np.ndarray | None = None) -> "Rows":
        """Return up to `n_rows` randomly chosen rows, of those that have a weight.

        With `labels`, one per row, classes keep their proportions, and every class has a row
        even if that makes more than `n_rows`.
        """
        weight = self.sample_weight
        rows = np.arange(len(self.encoded)) if weight is None else np.flatnonzero(weight)
        rows = np.random.default_rng(seed).permutation(rows)
        if labels is not None:
            shares = _share_of_class_before(labels[rows])
            rows = rows[np.argsort(shares, kind="stable")]
            n_rows = max(n_rows, int(np.count_nonzero(shares == 0)))
        return self.take(rows[:n_rows])


def _share_of_class_before(labels: np.ndarray) -> np.ndarray:
    """Return, for every row, the proportion of the rows of its class that precede it."""
    _, classes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    by_class = np.argsort(classes, kind="stable")
    firsts = np.cumsum(counts) - counts
    ranks = np.empty(len(labels))
    ranks[by_class] = np.arange(len(labels)) - firsts[classes[by_class]]
    return ranks / counts[classes]


class Scored(Protocol):
    """An estimator whose networks are scored."""

    scoring: object
    network_: Network
    n_features_in_: int
    _table_encoding: object

    def _quick_score(self, rows: Rows) -> Callable[[np.ndarray], float] | None: ...


class Validation:
    """Scores a network on validation rows, and on as many training rows.

    Parameters
    ----------
    estimator : estimator
        The estimator. A copy of it is scored with the current network.
    scoring : str, callable or None
        The scorer, as in scikit-learn.
    training, validation : Rows
        The rows to be scored.
    decides : bool
        Whether the validation score determines when the fit ends and which weights it keeps,
        so that a fit cannot continue without it. Other scores are only recorded.

    Attributes
    ----------
    failed : set of str
        The kinds of rows for which a score that is only recorded was NaN or raised an error.
    failure : str or None
        The message of the first such error.
    """

    def __init__(
        self,
        estimator: Scored,
        scoring: str | Callable[..., float] | None,
        training: Rows,
        validation: Rows,
        *,
        decides: bool,
    ) -> None:
        self.estimator = copy.copy(estimator)
        vars(self.estimator).pop("feature_names_in_", None)  # rows are encoded arrays by now
        self.estimator._table_encoding = None
        self.estimator.n_features_in_ = training.X.shape[1]
        self.scorer = check_scoring(self.estimator, scoring=scoring)
        self.takes_weights = not callable(scoring) or _takes_weights(scoring)
        self.training, self.validation = training, validation
        if scoring is None:
            for rows in (training, validation):
                rows.quick_score = self.estimator._quick_score(rows)
        self.decides = decides
        self.failed: set[str] = set()
        self.failure: str | None = None

    def measure(self, network: Network) -> dict[str, float]:
        """Return a dict of the scores and the validation loss, for the history."""
        self.estimator.network_ = network
        rows = self.validation
        with np.errstate(all="ignore"):
            raw = raw_prediction(network, rows.X)
            loss = network.loss.loss_gradient(
                rows.encoded, raw, rows.sample_weight, gradient_out=np.empty_like(raw)
            )
            validation_score, score = _quick_score(rows, raw), None
            if self.training.quick_score is not None:
                score = _quick_score(self.training, raw_prediction(network, self.training.X))
        if validation_score is None:
            validation_score = self._validation_score()  # first, as it may end the fit
        if score is None:
            score = self._recorded_score(self.training, "training")
        return {
            "score": score,
            "validation_loss": float(loss),
            "validation_score": validation_score,
        }

    def _validation_score(self) -> float:
        rows = self.validation
        if not self.decides:
            return self._recorded_score(rows, "validation")
        with named("scoring"):
            score = self._score(rows)
        if math.isnan(score):
            raise ValueError(
                f"scoring={self.estimator.scoring!r} gave NaN for the {len(rows.encoded)} "
                "validation rows. Pass more of them, or use another scorer."
            )
        return score

    def _recorded_score(self, rows: Rows, kind: str) -> float:
        """Return a score that is only recorded, or NaN if the scorer has failed before."""
        if kind in self.failed:  # it would fail, and warn, after every epoch
            return math.nan
        score = math.nan
        try:
            score = self._score(rows)
        except Exception as error:
            reason = f"on {len(rows.encoded)} {kind} rows ({type(error).__name__}: {error})"
            self.failure = self.failure or reason
        if math.isnan(score):
            self.failed.add(kind)
        return score

    def _score(self, rows: Rows) -> float:
        weights = {}
        if rows.sample_weight is not None and self.takes_weights:
            weights["sample_weight"] = rows.sample_weight
        return float(self.scorer(self.estimator, rows.X, rows.y, **weights))


def _quick_score(rows: Rows, raw: np.ndarray) -> float | None:
    """Return the score of raw predictions, or None if the scorer has to compute it.

    It is also None if it would not be finite, because the scorer then raises a better error.
    """
    score = math.nan if rows.quick_score is None else rows.quick_score(raw)
    return score if math.isfinite(score) else None


def _takes_weights(scorer: Callable[..., float]) -> bool:
    names = inspect.signature(scorer).parameters
    return "sample_weight" in names or any(p.kind is p.VAR_KEYWORD for p in names.values())
