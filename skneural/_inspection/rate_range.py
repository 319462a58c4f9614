"""The learning-rate range test: a short fit whose rate increases with every mini-batch."""

from collections.abc import Iterator
from contextlib import closing

import numpy as np
from sklearn.base import BaseEstimator, clone

from skneural._engine.blas_threads import blas_threads_for
from skneural._engine.threads import counted
from skneural._estimators.base import BaseNeuralNetwork
from skneural._estimators.fit_warnings import warn_of_scale
from skneural._estimators.preparation import prepare
from skneural._inspection.find_network import described, inner_path, network_path
from skneural._training.epochs import make_training
from skneural._training.job import Job
from skneural._training.reporting import Reporting

_FIRST_BATCHES = 10  # the largest of their losses is that of an untrained network
_HIGHEST_RISE = 4  # times that loss: training has diverged


def range_test(
    estimator: BaseEstimator, X: object, y: object, learning_rates: np.ndarray
) -> np.ndarray:
    """Train a clone with one mini-batch per rate, and return the loss of every mini-batch.

    Parameters
    ----------
    estimator : estimator
        An estimator of skneural, a Pipeline that ends in one, or a fitted search over them.
    X, y : array-like
        The arguments of `fit` of the estimator.
    learning_rates : ndarray of shape (n_steps,)
        The rates, in ascending order.

    Returns
    -------
    losses : ndarray
        The loss of each mini-batch before the update. There are fewer losses than rates if
        training diverges: they end before the first one that is not finite, or more than four
        times the largest of the first ten.
    """
    estimator = clone(getattr(estimator, "best_estimator_", estimator), safe=False)
    network, path = network_path(estimator)
    if network is None:
        raise TypeError(
            "estimator must be an estimator of skneural, or a Pipeline that ends in one, got "
            f"{described(estimator)}."
        )
    network._check_parameters()
    if network.solver == "lbfgs":
        raise ValueError(
            "estimator must have a solver with a learning rate, such as solver='adam'; "
            "solver='lbfgs' has none."
        )
    network.set_params(early_stopping=False, target_score=None, scoring=None, shuffle=True)
    test = _RangeTest(network, learning_rates)
    whole = estimator.set_params(**{path: test}) if path else test
    fitted, _ = inner_path(whole.fit(X, y), _RangeTest)
    assert fitted is not None  # it was put there
    return fitted.losses_


class _RangeTest(BaseEstimator):
    """Replaces the network in a Pipeline or another estimator that fits it."""

    def __init__(self, network: BaseNeuralNetwork, learning_rates: np.ndarray) -> None:
        self.network = network
        self.learning_rates = learning_rates

    def fit(self, X: object, y: object) -> "_RangeTest":
        job = prepare(self.network, X, y, None, resume=False)
        warn_of_scale(self.network, job)
        limit = blas_threads_for(job.progress.network.product_flops(job.batch_size))
        count = counted()
        with closing(limit), limit, closing(count), count:
            self.losses_ = np.array(list(_losses(job, self.learning_rates)))
        return self

    def predict(self, X: object) -> np.ndarray:
        """Raise an error; TransformedTargetRegressor requires the method but never calls it."""
        raise TypeError("a range test predicts nothing.")


def _losses(job: Job, learning_rates: np.ndarray) -> Iterator[float]:
    """Yield the loss of a batch before its step, for one rate after the other."""
    reporting = Reporting(False)
    first: list[float] = []
    with closing(make_training(job)) as training:
        for rows, rate in zip(_batches(job), learning_rates, strict=False):
            loss, _ = training.epoch(rows, float(rate), reporting)
            assert loss is not None  # without a test for Ctrl-C
            if len(first) < _FIRST_BATCHES:
                first.append(loss)
            highest = max(first)
            if not loss <= highest + (_HIGHEST_RISE - 1) * abs(highest):  # also if it is NaN
                return
            yield loss


def _batches(job: Job) -> Iterator[np.ndarray]:
    """Yield the row numbers of whole batches, in a new random order after every epoch."""
    rows = np.arange(job.X.shape[0])
    if job.sample_weight is not None:  # that of the classes: batches of weight 0 have no loss
        rows = np.flatnonzero(job.sample_weight)
    size = min(job.batch_size, len(rows))
    starts = range(0, len(rows) - size + 1, size)
    while True:
        order = job.progress.rngs["shuffle"].permutation(rows)
        yield from (order[start : start + size] for start in starts)
