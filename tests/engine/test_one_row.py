"""Predictions of single rows reuse bound layers, without an effect on the results."""

import gc
import pickle
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits

from skneural import ConvNetClassifier, MLPClassifier

SETTINGS = {"max_iter": 2, "patience": None, "random_state": 0}


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


SIGNALS = {"input_shape": 64, **SETTINGS}


@pytest.fixture(params=[MLPClassifier((8,), **SETTINGS), ConvNetClassifier((4,), **SIGNALS)])
def fitted(request, digits):
    X, y = digits
    return request.param.set_params(warm_start=False).fit(X, y)


def test_single_rows_equal_all_rows(fitted, digits):
    X = digits[0][:50]
    singly = np.vstack([fitted.predict_proba(X[i : i + 1]) for i in range(50)])
    np.testing.assert_allclose(singly, fitted.predict_proba(X), rtol=1e-10)
    csr = sparse.csr_array(X)
    singly = np.vstack([fitted.predict_proba(csr[i : i + 1]) for i in range(50)])
    np.testing.assert_allclose(singly, fitted.predict_proba(X), rtol=1e-10)


def test_answers_are_not_overwritten(fitted, digits):
    X = digits[0]
    first = fitted.decision_function(X[:1])
    before = first.copy()
    fitted.decision_function(X[1:2])
    np.testing.assert_array_equal(first, before)


def test_row_follows_the_weights(fitted, digits):
    X, y = digits
    for change in (
        lambda: fitted.coefs_[0].__imul__(0.5),
        lambda: fitted.partial_fit(X, y),
        lambda: fitted.set_params(warm_start=True).fit(X, y),
        lambda: fitted.set_params(warm_start=False).fit(X[:100], y[:100]),
    ):
        before = fitted.predict_proba(X[:1])
        change()
        assert not np.array_equal(fitted.predict_proba(X[:1]), before)
        np.testing.assert_allclose(
            fitted.predict_proba(X[:1]), fitted.predict_proba(X[:2])[:1], rtol=1e-10
        )


def test_data_are_not_kept_alive(fitted):
    X = np.ones((10, 64))
    fitted.predict_proba(X[:1])
    alive = weakref.ref(X)
    del X
    gc.collect()
    assert alive() is None


def test_pickle_is_as_small_as_before(fitted, digits):
    X = digits[0]
    small = len(pickle.dumps(fitted))
    fitted.predict_proba(X[:1])
    assert len(pickle.dumps(fitted)) == small
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.predict_proba(X[:1]), fitted.predict_proba(X[:1]))


def test_threads_have_layers_of_their_own(fitted, digits):
    X = digits[0][:400]
    expected = [fitted.predict_proba(X[i : i + 1]) for i in range(400)]
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda i: fitted.predict_proba(X[i : i + 1]), range(400))
        np.testing.assert_array_equal(list(answers), expected)


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_bad_rows_are_refused_singly(fitted, bad, digits):
    X = digits[0][:1].copy()
    X[0, 3] = bad
    with pytest.raises(ValueError, match=r"X.*contains"):
        fitted.predict(X)
    with pytest.raises(ValueError, match="64"):
        fitted.predict(np.ones((1, 63)))


def test_large_values_are_allowed(fitted):
    """Their sum overflows, but the values are finite."""
    X = np.full((2, 64), 1e307)
    np.testing.assert_array_equal(fitted.predict(X[:1]), fitted.predict(X)[:1])
