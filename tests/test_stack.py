"""Jobs trained as one stack: each ends as it would alone."""

import copy
import math
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from skneural import ConvNetClassifier, ConvNetRegressor, MLPClassifier, MLPRegressor
from skneural import _stack, _training
from skneural._watch import Watch

RNG = np.random.default_rng(0)
CENTERS = RNG.normal(size=(3, 6))
LABELS = np.arange(62) % 3
X = CENTERS[LABELS] + RNG.normal(scale=0.8, size=(62, 6))
WEIGHTS = RNG.uniform(0.2, 3, 62)
GAPS = WEIGHTS * (RNG.random(62) < 0.5)
TARGETS = {
    "classes": (MLPClassifier, LABELS),
    "two classes": (MLPClassifier, LABELS > 0),
    "labels": (MLPClassifier, np.column_stack([LABELS > 0, LABELS < 2, X[:, 0] > 0]) * 1),
    "columns": (MLPClassifier, np.column_stack([LABELS, LABELS % 2])),
    "number": (MLPRegressor, X[:, 0] - np.abs(X[:, 1])),
    "numbers": (MLPRegressor, np.abs(X[:, :2])),
    "images": (ConvNetClassifier, LABELS),
    "image numbers": (ConvNetRegressor, X[:, 0]),
}
SILENT = Watch(verbose=False)


def job(target, fold=None, weights=None, warm=False, **params):
    """A prepared fit on the rows outside of a fold; a warm one goes on from another."""
    kind, y = TARGETS[target]
    if "image" in target:
        conv = {"filters": (2, 3), "input_shape": (2, 3, 1), "pool_size": (1, 2)}
        params = {**conv, **params}
    params = {"hidden_layer_sizes": (5,), "batch_size": 16, "random_state": 0, **params}
    rows = np.arange(62) % 5 != fold
    weights = None if weights is None else weights[rows]
    own = kind(**params, warm_start=warm)
    if warm:
        own.set_params(max_iter=2, early_stopping=False, target_score=None)
        own.set_params(patience=np.inf).fit(X[::-1], y[::-1])
        own.set_params(**params)
    own._check_parameters()
    prepared = own._prepare(X[rows], y[rows], weights, resume=warm)
    prepared.estimator = own
    return prepared


def alone(own):
    try:
        return _training.train(own, SILENT)
    except Exception as error:
        return error


def stacked(jobs):
    """Train jobs in stacks; return their outcomes."""
    outcomes, groups = {}, {}
    for place, own in enumerate(jobs):
        groups.setdefault(_stack.stack_key(own, SILENT), []).append(place)
    for key, places in groups.items():
        assert key is not None
        group = _stack.train_stack([jobs[i] for i in places], [SILENT] * len(places))
        outcomes.update(zip(places, group, strict=True))
    return [outcomes[place] for place in range(len(jobs))], len(groups)


def check_equal(makers, n_stacks=None):
    """Train what the makers make alone and in stacks, and compare all that is left."""
    single, together = [make() for make in makers], [make() for make in makers]
    expected = [alone(own) for own in single]
    outcomes, found = stacked(together)
    assert n_stacks is None or found == n_stacks
    for a, b, outcome, want in zip(single, together, outcomes, expected, strict=True):
        assert type(outcome) is type(want)
        assert str(outcome) == str(want)
        check_same_end(a, b)
    return single, together


def check_same_end(a, b):
    p, q = a.progress, b.progress
    exact = a.progress.network.dtype == np.float64
    close = {"rtol": 1e-11, "atol": 1e-12} if exact else {"rtol": 1e-4, "atol": 1e-5}
    np.testing.assert_allclose(q.network.theta, p.network.theta, **close)
    np.testing.assert_allclose(q.network.state, p.network.state, **close)
    assert (q.epochs, q.samples, q.stalls, b.ended) == (p.epochs, p.samples, p.stalls, a.ended)
    assert q.best_loss == pytest.approx(p.best_loss, rel=1e-9 if exact else 1e-4)
    assert q.history.keys() == p.history.keys()
    for name in p.history.keys() - {"seconds"}:
        loose = {"rtol": 1e-9, "atol": 1e-11} if exact else {"rtol": 1e-3, "atol": 1e-4}
        np.testing.assert_allclose(q.history[name], p.history[name], **loose)
        assert all(type(value) is float for value in q.history[name])
    assert q.optimizer_state.keys() == p.optimizer_state.keys()
    for name, value in p.optimizer_state.items():
        assert type(q.optimizer_state[name]) is type(value)
        np.testing.assert_allclose(q.optimizer_state[name], value, **close)
    for name, rng in p.rngs.items():
        assert q.rngs[name].bit_generator.state == rng.bit_generator.state
    assert b.convergence.stalled == a.convergence.stalled
    for array in (q.network.theta, q.network.state, *q.optimizer_state.values()):
        assert not isinstance(array, np.ndarray) or array.base is None
    assert not hasattr(q.network, "grad")


COMMON = {
    "target": st.sampled_from([name for name in TARGETS]),
    "solver": st.sampled_from(["sgd", "adam", "adamw", "rmsprop", "adagrad"]),
    "dtype": st.sampled_from(["float64", "float64", "float32"]),
    "activation": st.sampled_from(["relu", "tanh", "logistic", "gelu", "elu"]),
    "hidden_layer_sizes": st.sampled_from([(5,), (), (4, 3)]),
    "batch_size": st.sampled_from([16, 9, "auto"]),
    "batch_norm": st.booleans(),
    "drops": st.booleans(),
}
OWN = {
    "random_state": st.integers(0, 3),
    "learning_rate": st.floats(1e-4, 0.1),
    "schedule": st.sampled_from(["constant", "cosine", "invscaling", "adaptive"]),
    "decay": st.sampled_from([1.0, 0.9]),
    "alpha": st.sampled_from([0.0, 1e-4, 0.5]),
    "l1_ratio": st.sampled_from([0.0, 0.3]),
    "momentum": st.sampled_from([0.0, 0.5, 0.9]),
    "nesterovs_momentum": st.booleans(),
    "beta_1": st.sampled_from([0.9, 0.5]),
    "beta_2": st.sampled_from([0.999, 0.9]),
    "epsilon": st.sampled_from([1e-8, 1e-3]),
    "rho": st.sampled_from([0.99, 0.8]),
    "dropout": st.floats(0.01, 0.8),
    "tol": st.sampled_from([1e-4, 0.05]),
    "patience": st.sampled_from([1, 2, np.inf]),
    "max_iter": st.integers(1, 6),
    "max_grad_norm": st.sampled_from([None, 0.1, 1.0]),
    "shuffle": st.booleans(),
    "early_stopping": st.booleans(),
    "target_score": st.sampled_from([None, 0.6]),
    "fold": st.sampled_from([None, 0, 1, 2, 3]),
    "weights": st.sampled_from([None, None, WEIGHTS, GAPS]),
    "warm": st.booleans(),
}


@given(st.fixed_dictionaries(COMMON), st.lists(st.fixed_dictionaries(OWN), min_size=2, max_size=6))
@settings(max_examples=80, deadline=None)
def test_drawn_jobs_end_as_alone(common, members):
    common = dict(common)
    drops = common.pop("drops")

    def maker(member):
        params = {**common, **member}
        if not drops:
            params["dropout"] = 0.0
        if not params["early_stopping"]:
            params["target_score"] = None
        if params["solver"] == "adamw":
            params["l1_ratio"] = 0.0
        return lambda: job(**params)

    check_equal([maker(member) for member in members])
