"""
Intervals with guaranteed coverage
==================================

A network that is trained on few samples fits them better than new samples, so fewer new
targets than intended lie between its predicted quantiles. Conformal prediction uses held-out
samples to widen the intervals. MAPIE (``pip install mapie``) does this for any estimator. It
takes one estimator per quantile, in the order lower, upper, median. MAPIE 1.6 calls every
fitted estimator with a row of zeros, which is an error if the network was fitted on a table
with text columns. For such a table use ``CrossConformalRegressor``, which fits clones itself.
"""

import numpy as np
from mapie.regression import ConformalizedQuantileRegressor, SplitConformalRegressor
from sklearn.base import clone

from skneural import MLPRegressor

rng = np.random.default_rng(0)
x = rng.uniform(-2, 2, (6300, 1))
y = 20 + 5 * np.sin(2 * x[:, 0]) + (2.2 + x[:, 0]) * (rng.gamma(2, size=6300) - 2)
(x, x_held_out, x_test), (y, y_held_out, y_test) = (np.split(a, [300, 1300]) for a in (x, y))


def inside(low, high):
    """Return the share of the test samples within the intervals, as text."""
    return f"{np.mean((low <= y_test) & (y_test <= high)):.1%} inside the intervals"


network = MLPRegressor((32, 32), loss="quantile", max_iter=100, random_state=0)
networks = [clone(network).set_params(quantile=q).fit(x, y) for q in (0.05, 0.95, 0.5)]
print("the networks alone:", inside(networks[0].predict(x_test), networks[1].predict(x_test)))

conformal = ConformalizedQuantileRegressor(networks, confidence_level=0.9, prefit=True)
conformal.conformalize(x_held_out, y_held_out)
_, intervals = conformal.predict_interval(x_test)
print("with MAPIE:", inside(*intervals[:, :, 0].T))

# intervals of the same width around the predictions of any regressor
mean = MLPRegressor((32, 32), max_iter=100, random_state=0)
conformal = SplitConformalRegressor(mean, confidence_level=0.9, prefit=False)
conformal.fit(x, y).conformalize(x_held_out, y_held_out)
_, intervals = conformal.predict_interval(x_test)
print("with MAPIE, intervals of one width:", inside(*intervals[:, :, 0].T))
