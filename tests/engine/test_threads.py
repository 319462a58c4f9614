"""Small products run with one BLAS thread, and the setting is restored afterwards."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_digits
from threadpoolctl import ThreadpoolController, threadpool_limits

from skneural import MLPClassifier
from skneural._engine import blas_threads as _threads
from skneural._engine.blas_threads import blas_threads_for


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
        own = MLPClassifier((8,), max_iter=3, patience=None, random_state=seed)
        return own.fit(X, y).network_.theta

    serial = [fit(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        parallel = list(pool.map(fit, range(4)))
        np.testing.assert_array_equal(serial, parallel)
        shared = MLPClassifier((8,), max_iter=3, patience=None, random_state=0).fit(X, y)
        expected = shared.predict_proba(X)
        for answer in pool.map(lambda _: shared.predict_proba(X), range(40)):
            np.testing.assert_array_equal(answer, expected)
    assert blas_threads() == before


@pytest.mark.usefixtures("two_threads")
def test_a_second_thread_is_limited_and_restores_what_the_first_has_limited():
    """threadpoolctl alone would only respect the main thread, which has set threads first."""
    before, seen = blas_threads(), []

    def limited():
        with blas_threads_for(1e3):
            seen.append(blas_threads())

    thread = threading.Thread(target=limited)
    thread.start()
    thread.join()
    assert set(seen[0]) == {1}
    begun, release = threading.Event(), threading.Event()

    def outlasting():
        with blas_threads_for(1e3):
            begun.set()
            release.wait()

    thread = threading.Thread(target=outlasting)
    with blas_threads_for(1e3):
        thread.start()
        begun.wait()
    assert set(blas_threads()) == {1}
    release.set()
    thread.join()
    assert blas_threads() == before


X, Y = load_digits(return_X_y=True)
X, Y = X[:200] / 16, Y[:200]


def theta(seed, nested=False):
    """Return the weights of one fit, or of several fits in threads or processes."""
    if nested:
        jobs = (joblib.delayed(theta)(seed + k) for k in range(2))
        return np.concatenate(joblib.Parallel(n_jobs=2)(jobs))
    own = MLPClassifier((8,), max_iter=2, patience=None, random_state=seed)
    return own.fit(X, Y).network_.theta


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_every_backend_of_joblib_gives_the_same_bits(backend, nested):
    expected = [theta(2 * seed, nested=nested) for seed in range(3)]
    jobs = (joblib.delayed(theta)(2 * seed, nested=nested) for seed in range(3))
    with joblib.parallel_config(backend=backend):
        got = joblib.Parallel(n_jobs=2)(jobs)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_after_a_fit_can_fit_and_predict():
    own = MLPClassifier((8,), max_iter=2, patience=None, random_state=0).fit(X, Y)
    expected = own.predict_proba(X)
    own.predict(X[:1])
    child = os.fork()
    if not child:
        code = 1
        try:
            same = np.array_equal(own.predict_proba(X), expected)
            code = int(not (same and np.array_equal(theta(0), own.network_.theta)))
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert status == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_waits_until_no_thread_is_setting_the_limit():
    """A lock that another thread holds during a fork would stay locked in the child."""
    for pool in _threads._pools():
        pool.lock.acquire()
        threading.Timer(0.1, pool.lock.release).start()
        child = os.fork()
        if not child:
            os._exit(0 if pool.lock.acquire(timeout=5) else 1)
        _, status = os.waitpid(child, 0)
        assert status == 0
        assert not pool.lock.locked()
