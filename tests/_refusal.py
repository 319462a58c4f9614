"""Helpers for tests of bad input: expect an error, and check that nothing has changed."""

import copy
import re
from contextlib import contextmanager

import numpy as np
import pytest

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 3))
Y = np.arange(24) % 3  # three classes, and as good as any targets
CLASSES = [0, 1, 2]
NAN, INF = np.nan, np.inf


def make(estimator_class, **params):
    defaults = {"hidden_layer_sizes": (4,), "max_iter": 2, "batch_size": 8}
    if "filters" in estimator_class().get_params():
        defaults["filters"] = (2, 3)
    return estimator_class(**{**defaults, "patience": None, "random_state": 0, **params})


def outputs(own, x):
    return own.predict_proba(x) if hasattr(own, "predict_proba") else own.predict(x)


def go_on(own, make, x, y):
    """Restore the parameters of `make` and train for one more epoch."""
    own.set_params(**make(type(own)).get_params()).partial_fit(x, y)
    return outputs(own, x), own.loss_curve_, own.n_iter_, own.t_


@contextmanager
def refusal(own, *words, error=(ValueError, TypeError), make=make, data=(X, Y)):
    """Expect an error whose message contains all the words and which leaves `own` unchanged.

    The attributes must be the same objects as before. If `own` was fitted, its predictions and
    further training must have the same bits as those of a copy without the error.
    """
    before = dict(vars(own))
    twin = copy.deepcopy(own) if "network_" in before else None
    with pytest.raises(error) as info:
        yield
    for word in words:
        pattern = rf"\b{word}\b" if word in ("X", "y") else re.escape(word)
        assert re.search(pattern, str(info.value)), f"{word!r} is not in: {info.value}"
    assert vars(own).keys() == before.keys()
    assert all(vars(own)[name] is value for name, value in before.items())
    if twin:
        np.testing.assert_array_equal(outputs(own, data[0]), outputs(twin, data[0]))
        np.testing.assert_equal(go_on(own, make, *data), go_on(twin, make, *data))


def fit_is_refused(cls, x, y, sample_weight=None, *, words, **params):
    """Expect that `fit` raises an error on new, fitted and warm-started estimators."""
    own = make(cls, **params)
    with refusal(own, *words):
        own.fit(x, y, sample_weight)
    for warm_start in (False, True):
        own = make(cls, **params).fit(X, Y).set_params(warm_start=warm_start)
        with refusal(own, *words):
            own.fit(x, y, sample_weight)
