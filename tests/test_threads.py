"""One BLAS thread while small products run, and the old setting afterwards."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.datasets import load_digits
from threadpoolctl import ThreadpoolController, threadpool_limits

from skneural import MLPClassifier
from skneural._threads import blas_threads_for


def blas_threads():
    libraries = ThreadpoolController().select(user_api="blas").info()
    return sorted(library["num_threads"] for library in libraries)


@pytest.fixture
def two_threads():
    with threadpool_limits(2, user_api="blas"):
        yield


@pytest.mark.usefixtures("two_threads")
def test_small_products_get_one_thread():
    before = blas_threads()
    with blas_threads_for(1e3):
        assert set(blas_threads()) == {1}
        with blas_threads_for(1e3):
            pass
        assert set(blas_threads()) == {1}
    assert blas_threads() == before


@pytest.mark.usefixtures("two_threads")
def test_setting_comes_back_after_an_error():
    before = blas_threads()
    with pytest.raises(RuntimeError), blas_threads_for(1e3):
        raise RuntimeError
    assert blas_threads() == before


@pytest.mark.usefixtures("two_threads")
def test_large_products_keep_their_threads_in_one_pool():
    before = blas_threads()
    with blas_threads_for(1e12):
        # SciPy's wheels bring a second pool, which would spin against the first
        assert blas_threads() == sorted([1] * (len(before) - 1) + [2])
    assert blas_threads() == before


@pytest.mark.usefixtures("two_threads")
def test_concurrent_fits_and_predictions_equal_serial_ones():
    X, y = load_digits(return_X_y=True)
    before = blas_threads()

    def fit(seed):
        own = MLPClassifier((8,), max_iter=3, patience=np.inf, random_state=seed)
        return own.fit(X, y).network_.theta

    serial = [fit(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        parallel = list(pool.map(fit, range(4)))
        np.testing.assert_array_equal(serial, parallel)
        shared = MLPClassifier((8,), max_iter=3, patience=np.inf, random_state=0).fit(X, y)
        expected = shared.predict_proba(X)
        for answer in pool.map(lambda _: shared.predict_proba(X), range(40)):
            np.testing.assert_array_equal(answer, expected)
    assert blas_threads() == before
