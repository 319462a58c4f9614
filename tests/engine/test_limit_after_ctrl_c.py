"""Ctrl-C at any moment restores the BLAS threads, and no fit stays counted as running."""

import contextlib
import itertools
import signal

import numpy as np
import pytest
from _ctrl_c import call_interrupted
from sklearn.datasets import load_digits
from threadpoolctl import ThreadpoolController, threadpool_limits

from skneural import MLPClassifier
from skneural._engine import blas_threads as _threads
from skneural._engine import threads as engine_threads

X, Y = load_digits(return_X_y=True)
X, Y = X[:40] / 16, Y[:40] % 3
LIMITING = {
    "_run",
    "_row_prediction",
    "raw_prediction",
    "layer_outputs",
}  # functions that do it


@pytest.fixture(autouse=True)
def two_threads():
    with threadpool_limits(2, user_api="blas"):
        yield


@pytest.fixture(autouse=True)
def pythons_own_handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def own():
    return MLPClassifier((4,), max_iter=1, patience=None, random_state=0)


@pytest.fixture(scope="module")
def fitted():
    fitted = own().fit(X, Y)
    fitted.network_._program = None  # only the NumPy engine has its predictions made by BLAS
    return fitted


def limits(frame):
    """Return whether a frame belongs to the limit of BLAS threads or to the count of fits."""
    name, file = frame.f_code.co_name, frame.f_code.co_filename
    if file == contextlib.__file__:
        name = frame.f_back.f_code.co_name
    return name in LIMITING or file in (_threads.__file__, engine_threads.__file__)


def press_everywhere(call, error=KeyboardInterrupt, times=1):
    """Press Ctrl-C at each instruction that concerns the limit, in a separate call for each."""
    pools = ThreadpoolController().select(user_api="blas").lib_controllers
    before = [pool.get_num_threads() for pool in pools]
    for place in itertools.count():
        try:
            pressed = call_interrupted(call, place, limits, times)
        except error:  # its traceback keeps all frames alive here, as sys.last_exc does later
            assert [pool.get_num_threads() for pool in pools] == before, place
            assert not any(pool.holders for pool in _threads._pools())
            assert not engine_threads._running
        else:
            assert not pressed, f"no exception came of Ctrl-C at place {place}"
            break
    assert place > 100


@pytest.mark.slow
def test_a_second_ctrl_c_in_a_fit():
    press_everywhere(lambda: own().fit(X, Y), times=2)


@pytest.mark.slow
def test_a_handler_of_the_user_that_raises_in_a_fit():
    def handle(number, frame):
        raise TimeoutError

    signal.signal(signal.SIGINT, handle)
    press_everywhere(lambda: own().fit(X, Y), TimeoutError)


@pytest.mark.parametrize(
    "call",
    [
        lambda own: own.predict(X[:1]),
        lambda own: own.predict(X),
        lambda own: own.activations(X),
    ],
)
def test_ctrl_c_in_a_prediction(call, fitted):
    expected = fitted.predict_proba(X)
    press_everywhere(lambda: call(fitted))
    np.testing.assert_array_equal(fitted.predict_proba(X), expected)
