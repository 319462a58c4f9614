"""Many rows are predicted in threads: the same bits, and no thread left."""

import threading
import time

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.datasets import load_digits
from threadpoolctl import ThreadpoolController, threadpool_limits

from skneural import ConvNetClassifier, MLPClassifier, MLPRegressor, _prediction, _threads
from skneural._crew import Crew
from skneural._network import Network
from skneural.layers._dense import Dense

X, Y = load_digits(return_X_y=True)
X = X / 16
PARAMS = {"max_iter": 1, "patience": np.inf, "random_state": 0}


pytestmark = pytest.mark.usefixtures("no_part_is_left")


@pytest.fixture
def many_chunks(monkeypatch):
    """Predictions of the tests are worth threads, on whatever machine, in many chunks."""
    monkeypatch.setattr(_prediction, "_THREAD_FLOPS", 1.0)
    monkeypatch.setattr(_prediction, "_CHUNK_BYTES", 1)
    monkeypatch.setattr(_prediction, "_CHUNK_MOST", 40_000)  # 20 to 100 rows


class Threads:
    """The threads in which dense layers work; each waits until there are `expected`."""

    def __init__(self):
        self.seen, self.expected = set(), 1

    def note(self):
        self.seen.add(threading.get_ident())
        end = time.monotonic() + 60
        while len(self.seen) < self.expected and time.monotonic() < end:
            time.sleep(0.001)


@pytest.fixture
def threads(monkeypatch):
    threads, forward = Threads(), Dense.forward

    def noted(self, x, *, training):
        threads.note()
        return forward(self, x, training=training)

    monkeypatch.setattr(Dense, "forward", noted)
    return threads


@pytest.mark.usefixtures("many_chunks")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "own",
    [
        MLPClassifier((20,), batch_norm=True, dropout=0.5),
        MLPRegressor((20, 10)),
        ConvNetClassifier((3,), hidden_layer_sizes=(8,), input_shape=(8, 8, 1)),
    ],
    ids=lambda own: type(own).__name__,
)
def test_the_same_bits_in_any_number_of_threads(own, dtype, threads):
    with threadpool_limits(1, user_api="blas"):
        own.set_params(**PARAMS, dtype=dtype).fit(X, Y)
    predict = getattr(own, "predict_proba", own.predict)
    for n_threads in (1, 2, 3):
        threads.seen, threads.expected = set(), n_threads
        with threadpool_limits(n_threads, user_api="blas"):
            answer = predict(X)
        assert len(threads.seen) == n_threads
        if n_threads == 1:
            alone = answer
        assert_array_equal(answer, alone)


def test_few_rows_have_one_thread(threads):
    own = MLPClassifier((20,), **PARAMS).fit(X, Y)
    threads.seen.clear()
    with threadpool_limits(2, user_api="blas"):
        own.predict(X)
    assert threads.seen == {threading.get_ident()}


@pytest.mark.usefixtures("many_chunks")
def test_sparse_rows_have_one_thread(threads):
    own = MLPClassifier((20,), **PARAMS).fit(X, Y)
    threads.seen.clear()
    with threadpool_limits(2, user_api="blas"):
        own.predict(sparse.csr_array(X))
    assert threads.seen == {threading.get_ident()}


@pytest.mark.usefixtures("many_chunks")
@pytest.mark.parametrize(("chunks", "n_threads"), [(1.9, 1), (2, 2)])
def test_threads_share_the_working_memory(chunks, n_threads, threads, monkeypatch):
    """Where two chunks do not fit there is one thread, whose chunks are as large."""
    own = MLPClassifier((20,), **PARAMS).fit(X, Y)
    sizes, bound_layers = [], Network.bound_layers

    def noted(self, batch_size, *args, **kwargs):
        sizes.append(batch_size)
        return bound_layers(self, batch_size, *args, **kwargs)

    monkeypatch.setattr(Network, "bound_layers", noted)
    monkeypatch.setattr(_prediction, "_CHUNK_MOST", 30 * 8 * (64 + 20 + 20))  # 30 rows
    threads.seen, threads.expected = set(), n_threads
    memory = chunks * 30 * 8 * (64 + 20 + 20) / 2**20
    with threadpool_limits(2, user_api="blas"), config_context(working_memory=memory):
        own.predict(X)
    assert sizes == n_threads * [30]
    assert len(threads.seen) == n_threads


@pytest.mark.usefixtures("many_chunks")
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("fails_here", [True, False])
def test_an_error_ends_all_threads_soon(error, fails_here, monkeypatch):
    own = MLPClassifier((20,), **PARAMS).fit(X, Y)
    rows = np.tile(X, (50, 1))  # of many seconds, as a thread may wait for a core for one
    forward, failed, n_calls = Dense.forward, threading.Event(), []

    def fails(self, x, *, training):
        n_calls.append(1)
        if (threading.current_thread() is threading.main_thread()) == fails_here:
            failed.set()
            raise error
        assert failed.wait(60)
        time.sleep(0.01)
        return forward(self, x, training=training)

    monkeypatch.setattr(Dense, "forward", fails)
    with threadpool_limits(2, user_api="blas"), pytest.raises(error):
        own.predict(rows)
    assert len(n_calls) < 500  # of more than 1,700, 2 for each chunk of up to 100 rows
    monkeypatch.setattr(Dense, "forward", forward)
    assert own.predict(X).shape == Y.shape  # goes on as before


def test_an_interrupt_while_threads_start_leaves_none(monkeypatch):
    def start(thread):
        if len(started) == 1:
            raise KeyboardInterrupt
        started.append(thread)
        start_thread(thread)

    started, start_thread = [], threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(KeyboardInterrupt):
        Crew(2)
    assert len(started) == 1


@pytest.mark.usefixtures("many_chunks")
def test_blas_has_one_thread_beside_ours(monkeypatch):
    monkeypatch.setattr(_threads, "_LARGE_PRODUCT", 1e-9)  # BLAS might have two
    own = MLPClassifier((20,), **PARAMS).fit(X, Y)
    told, forward = [], Dense.forward

    def noted(self, x, *, training):
        libraries = ThreadpoolController().select(user_api="blas").info()
        told.append({library["num_threads"] for library in libraries})
        return forward(self, x, training=training)

    monkeypatch.setattr(Dense, "forward", noted)
    with threadpool_limits(2, user_api="blas"):
        own.predict(X)
    assert told
    assert all(n_threads == {1} for n_threads in told)
