"""The default scores of the estimators, computed from raw predictions for fixed rows.

`score` checks its arguments and predicts, which takes longer than an epoch on a small data set.
The same rows are scored after every epoch, so everything that depends only on them is computed
once. The scores are equal to those of `accuracy_score` and `r2_score`.
"""

from collections.abc import Callable

import numpy as np


class Accuracy:
    """The proportion of rows whose labels are all predicted correctly.

    Parameters
    ----------
    decode : callable
        Converts raw predictions, or encoded labels, to labels.
    encoded : ndarray of shape (n_samples, n_outputs)
        The true labels, encoded for the network.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights of the rows.
    """

    def __init__(
        self,
        decode: Callable[[np.ndarray], np.ndarray],
        encoded: np.ndarray,
        sample_weight: np.ndarray | None,
    ) -> None:
        self.decode = decode
        self.labels = decode(encoded)
        self.sample_weight = _in_float64(sample_weight)

    def __call__(self, raw_prediction: np.ndarray) -> float:
        """Return the accuracy of the raw predictions of the rows."""
        right = self.decode(raw_prediction) == self.labels
        if right.ndim == 2:
            right = right.all(axis=1)
        if self.sample_weight is None:
            return float(np.count_nonzero(right) / len(right))
        return float(np.average(right, weights=self.sample_weight))


class R2:
    """The coefficient of determination, or its mean over several outputs.

    Parameters
    ----------
    predict : callable
        Converts raw predictions to predicted targets.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        The true targets, in float64.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights of the rows.
    """

    def __init__(
        self,
        predict: Callable[[np.ndarray], np.ndarray],
        y: np.ndarray,
        sample_weight: np.ndarray | None,
    ) -> None:
        self.predict = predict
        self.y = y.reshape(len(y), -1)
        self.sample_weight = _in_float64(sample_weight)
        mean = np.average(self.y, axis=0, weights=self.sample_weight)
        self.spread = self._sum_of_squares(self.y - mean)

    def __call__(self, raw_prediction: np.ndarray) -> float:
        """Return R^2 of the raw predictions of the rows.

        It is not finite if a prediction is not finite or if an output is constant, for which
        `r2_score` returns a value by convention.
        """
        errors = self.y - self.predict(raw_prediction).reshape(self.y.shape)
        explained = 1 - self._sum_of_squares(errors) / self.spread
        return float(np.add.reduce(explained)) / len(explained)

    def _sum_of_squares(self, errors: np.ndarray) -> np.ndarray:
        squares = errors**2
        if self.sample_weight is not None:
            squares = self.sample_weight[:, None] * squares
        return np.add.reduce(squares, axis=0)


def _in_float64(sample_weight: np.ndarray | None) -> np.ndarray | None:
    return None if sample_weight is None else sample_weight.astype(np.float64)
