"""Training gives the same weights as scikit-learn's MLP where both should agree."""

import numpy as np
import pytest
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge
from sklearn.preprocessing import scale

import skneural as ours

DIGITS = load_digits()
X, Y = DIGITS.data[:300] / 16, DIGITS.target[:300]
SINE = np.sin(3 * X[:, 20:22]) + X[:, 10:12]
TASKS = {
    "multiclass": ("MLPClassifier", Y),
    "binary": ("MLPClassifier", Y > 4),
    "multilabel": ("MLPClassifier", (Y[:, None] >> np.arange(3)) & 1),
    "regression": ("MLPRegressor", SINE[:, 0]),
    "two outputs": ("MLPRegressor", SINE),
}
SOLVERS = {
    "sgd": {"momentum": 0.0, "nesterovs_momentum": False},
    "momentum": {"momentum": 0.9, "nesterovs_momentum": False},
    "nesterov": {"momentum": 0.9, "nesterovs_momentum": True},
}
COMMON = {
    "hidden_layer_sizes": (16, 8),
    "solver": "sgd",
    "alpha": 0.01,
    "batch_size": 32,
    "max_iter": 20,
    "shuffle": False,
}


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("task", TASKS)
def test_same_weights_after_20_epochs(task, solver, activation):
    name, y = TASKS[task]
    settings = {**COMMON, **SOLVERS[solver], "activation": activation}
    # scikit-learn's way to initial weights: one epoch at a rate that changes nothing
    peer = getattr(theirs, name)(
        learning_rate_init=1e-300,
        warm_start=True,
        random_state=0,
        n_iter_no_change=100,
        **settings,
    )
    with pytest.warns(ConvergenceWarning):
        peer.set_params(max_iter=1).fit(X, y)
    start = {
        "coefs_init": [coef.copy() for coef in peer.coefs_],
        "intercepts_init": [intercept.copy() for intercept in peer.intercepts_],
    }
    with pytest.warns(ConvergenceWarning):
        peer.set_params(max_iter=20, learning_rate_init=0.02).fit(X, y)
    own = getattr(ours, name)(
        learning_rate=0.02, schedule="constant", patience=None, **settings
    )
    if name == "MLPRegressor":
        own.set_params(normalize_y=False)
    own.fit(X, y, **start)
    for mine, his in zip(own.coefs_, peer.coefs_, strict=True):
        np.testing.assert_allclose(mine, his, rtol=1e-9, atol=1e-9)
    for mine, his in zip(own.intercepts_, peer.intercepts_, strict=True):
        np.testing.assert_allclose(mine, his, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(own.predict(X), peer.predict(X), rtol=1e-9, atol=1e-9)
    if task != "two outputs":  # there scikit-learn reports the mean over outputs
        np.testing.assert_allclose(own.loss_curve_, peer.loss_curve_[1:], rtol=1e-9)


def test_a_weight_of_two_equals_a_repeated_row():
    y = TASKS["multiclass"][1]
    weight = np.random.default_rng(0).integers(0, 4, len(X))
    own = ours.MLPClassifier((16,), batch_size=1000, max_iter=20, patience=None, random_state=0)
    weighted = clone(own).fit(X, y, sample_weight=weight)
    repeated = clone(own).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    np.testing.assert_allclose(
        weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-7, atol=1e-9
    )


def test_no_hidden_layer_is_a_ridge_regression():
    x, y = load_diabetes(return_X_y=True)
    x, y = scale(x[:, :4]), scale(y)
    ridge = Ridge(alpha=5.0).fit(x, y)
    linear = ours.MLPRegressor(
        (), solver="sgd", learning_rate=0.2, schedule="constant", alpha=5.0, batch_size=1000,
        max_iter=300, patience=None, normalize_y=False,
    ).fit(x, y)  # fmt: skip
    np.testing.assert_allclose(linear.coefs_[0][:, 0], ridge.coef_, rtol=1e-9)
    np.testing.assert_allclose(linear.predict(x), ridge.predict(x), rtol=1e-9)
