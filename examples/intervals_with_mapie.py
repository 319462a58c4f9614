"""
Intervals that MAPIE makes wide enough
======================================

A network that is trained on few rows fits them better than new ones, so fewer of the new
targets than intended lie between its quantiles. Conformal prediction looks at rows that were
held out, and widens the interval by what they need. MAPIE (``pip install mapie``) does that for
any estimator of scikit-learn.

It wants an estimator for each of the two quantiles and the median. `Column` makes one from a
column of the network that has been fitted on all three at once. The second part needs no
quantiles: MAPIE makes intervals of one width around the predictions of any regressor.
"""

import numpy as np
from mapie.regression import ConformalizedQuantileRegressor, SplitConformalRegressor
from sklearn.base import BaseEstimator, RegressorMixin

from skneural import MLPRegressor


# %%
# The rows
# --------
# A wave whose noise grows with `x`: few rows to train on, and some for MAPIE.
def make_rows(n_samples, seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, (n_samples, 1))
    noise = rng.gamma(2, size=n_samples) - 2
    return x, 20 + 5 * np.sin(2 * x[:, 0]) + (2.2 + x[:, 0]) * noise


# %%
# One column as an estimator
# --------------------------
class Column(RegressorMixin, BaseEstimator):
    """Predicts one of the quantiles of a fitted network."""

    def __init__(self, network, number):
        self.network = network
        self.number = number

    @property
    def n_features_in_(self):
        """Number of features; MAPIE takes it for the sign of a fitted estimator."""
        return self.network.n_features_in_

    def fit(self, X, y):
        """Return the estimator: its network has been fitted already."""
        return self

    def predict(self, X):
        """Predict the quantile."""
        return self.network.predict(X)[:, self.number]


def inside(low, high, y):
    """The share of the targets within the intervals, and their mean width."""
    return (
        f"{np.mean((low <= y) & (y <= high)):.1%} inside, mean width {np.mean(high - low):.1f}"
    )


# %%
# The intervals
# -------------
def main():
    x, y = make_rows(300, seed=0)
    x_held_out, y_held_out = make_rows(1000, seed=1)
    x_test, y_test = make_rows(5000, seed=2)
    network = MLPRegressor((32, 32), loss="quantile", quantile=[0.05, 0.5, 0.95])
    network.set_params(max_iter=100, random_state=0).fit(x, y)
    low, _, high = network.predict(x_test).T
    print("network alone:    ", inside(low, high, y_test))

    # in MAPIE's order: the lower quantile, the upper one, the median
    columns = [Column(network, number) for number in (0, 2, 1)]
    conformal = ConformalizedQuantileRegressor(columns, confidence_level=0.9, prefit=True)
    conformal.conformalize(x_held_out, y_held_out)
    _, intervals = conformal.predict_interval(x_test)
    print("with MAPIE:       ", inside(intervals[:, 0, 0], intervals[:, 1, 0], y_test))

    mean = MLPRegressor((32, 32), max_iter=100, random_state=0)
    one_width = SplitConformalRegressor(mean, confidence_level=0.9, prefit=False)
    one_width.fit(x, y).conformalize(x_held_out, y_held_out)
    _, intervals = one_width.predict_interval(x_test)
    print("MAPIE, one width: ", inside(intervals[:, 0, 0], intervals[:, 1, 0], y_test))


if __name__ == "__main__":
    main()
