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
from skneural.layers._dense import Dense

X, Y = load_digits(return_X_y=True)
X = X / 16
PARAMS = {"max_iter": 1, "patience": np.inf, "random_state": 0}


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert not [t for t in threading.enumerate() if t.name == "skneural-part"]


@pytest.fixture
def many_chunks(monkeypatch):
    """Predictions of the tests are worth threads, on whatever machine, in chunks of 50 rows."""
    monkeypatch.setattr(_prediction, "_THREAD_FLOPS", 1.0)
    monkeypatch.setattr(_prediction, "_CHUNK_BYTES", 1)
    monkeypatch.setattr(_prediction, "_CHUNK_MOST", 100 * 50 * 8)


@pytest.fixture
def threads(monkeypatch):
    """The threads in which dense layers have worked."""
    seen, forward = [], Dense.forward

    def noted(self, x, *, training):
        seen.append(threading.get_ident())
        time.sleep(0.001)  # time for others to take a chunk
        return forward(self, x, training=training)

    monkeypatch.setattr(Dense, "forward", noted)
    return seen


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
    own.set_params(**PARAMS, dtype=dtype).fit(X, Y)
    predict = getattr(own, "predict_proba", own.predict)
    for n_threads in (1, 2, 3):
        threads.clear()
        with threadpool_limits(n_threads, user_api="blas"):
            answer = predict(X)
        assert len(set(threads)) == n_threads
        if n_threads == 1:
            alone = answer
        assert_array_equal(answer, alone)


def test_few_rows_have_one_thread(threads):
    own = MLPClassifier((20,), **PARAMS).fit(X, Y)
    threads.clear()
    with threadpool_limits(2, user_api="blas"):
        own.predict(X)
    assert set(threads) == {threading.get_ident()}


@pytest.mark.usefixtures("many_chunks")
def test_sparse_rows_have_one_thread(threads):
    own = MLPClassifier((20,), **PARAMS).fit(X, Y)
    threads.clear()
    with threadpool_limits(2, user_api="blas"):
        own.predict(sparse.csr_array(X))
    assert set(threads) == {threading.get_ident()}


@pytest.mark.usefixtures("many_chunks")
def test_threads_share_the_working_memory(monkeypatch):
    own = MLPClassifier((20,), **PARAMS).fit(X, Y)
    sizes, bound_layers = [], type(own.network_).bound_layers

    def noted(self, batch_size, *args, **kwargs):
        sizes.append(batch_size)
        return bound_layers(self, batch_size, *args, **kwargs)

    monkeypatch.setattr(type(own.network_), "bound_layers", noted)
    row_bytes = sum(np.prod(shape) for shape in own.network_.input_shapes) * 8
    with (
        threadpool_limits(2, user_api="blas"),
        config_context(working_memory=30 * row_bytes / 2**20),
    ):
        own.predict(X)
    assert max(sizes) == 15


@pytest.mark.usefixtures("many_chunks")
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("where", ["here", "there"])
def test_an_error_ends_all_threads_soon(error, where, monkeypatch):
    own = MLPClassifier((20,), **PARAMS).fit(X, Y)
    forward, n_calls = Dense.forward, []

    def fails(self, x, *, training):
        n_calls.append(1)
        time.sleep(0.002)
        if (threading.current_thread() is threading.main_thread()) == (where == "here"):
            raise error
        return forward(self, x, training=training)

    monkeypatch.setattr(Dense, "forward", fails)
    with threadpool_limits(2, user_api="blas"), pytest.raises(error):
        own.predict(X)
    assert len(n_calls) < 10
    monkeypatch.setattr(Dense, "forward", forward)
    assert own.predict(X).shape == Y.shape  # goes on as before


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
    assert all(n_threads == {1} for n_threads in told)
