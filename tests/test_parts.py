"""Batches in parts, each in a thread: the numbers of the whole, and no thread left."""

import threading
from contextlib import nullcontext
from functools import partial

import numpy as np
import pytest
from _callbacks import Callback
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from threadpoolctl import ThreadpoolController, threadpool_limits

from skneural import ConvNetClassifier, MLPClassifier, MLPRegressor, _network, _threads
from skneural._crew import Crew
from skneural._losses import HalfSquaredError, LogisticCrossEntropy, SoftmaxCrossEntropy
from skneural._network import Network
from skneural._threads import allowed_threads, blas_threads_for, one_thread
from skneural.layers._activations import ACTIVATIONS
from skneural.layers._batch_norm import BatchNorm
from skneural.layers._conv import Conv2D
from skneural.layers._dense import Dense
from skneural.layers._dropout import Dropout
from skneural.layers._flatten import Flatten
from skneural.layers._pooling import AveragePool, MaxPool

X, Y = load_digits(return_X_y=True)
X = X / 16


pytestmark = pytest.mark.usefixtures("no_part_is_left")


@pytest.fixture
def small_parts(monkeypatch):
    """Networks of the tests are worth a second thread, on whatever machine."""
    monkeypatch.setattr(_network, "_PART_FLOPS", 1.0)
    monkeypatch.setattr(_network, "_PART_FLOPS_A_PARAMETER", 0.0)
    with threadpool_limits(2, user_api="blas"):
        yield


@st.composite
def drawn(draw):
    """A network, a batch in its room, and the number of parts."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_outputs = draw(st.integers(2, 4))
    loss = draw(st.sampled_from([HalfSquaredError, LogisticCrossEntropy, SoftmaxCrossEntropy]))
    activation = ACTIVATIONS[draw(st.sampled_from(list(ACTIVATIONS)))]
    shape, layers = (draw(st.integers(1, 5)),), []
    if draw(st.booleans()):
        shape = (draw(st.integers(4, 7)), draw(st.integers(4, 7)), draw(st.integers(1, 5)))
        pool = draw(st.sampled_from([MaxPool, AveragePool]))
        layers = [Conv2D(draw(st.integers(1, 3)), 3), pool(2), activation(), Flatten()]
    layers += [Dense(draw(st.integers(1, 6))), activation(), Dense(n_outputs)]
    network = Network(layers, loss(), shape, np.float64)
    network.init_params(rng)
    room = draw(st.integers(1, 12))
    n_rows = draw(st.integers(1, room))
    y = np.eye(n_outputs)[rng.integers(0, n_outputs, n_rows)]
    weights = None
    if draw(st.booleans()):  # a part may have none
        weights = rng.integers(0, 2, n_rows).astype(float)
        weights[rng.integers(n_rows)] = 2.0
    batch = rng.normal(size=(n_rows, *shape)), y, weights
    return network, room, batch, draw(st.integers(2, 4))


@given(drawn(), st.sampled_from([0.0, 0.1]))
@settings(max_examples=150, deadline=None)
def test_loss_and_gradient_are_those_of_the_whole(case, alpha):
    network, room, batch, n_parts = case
    network.bind(room)
    loss, grad = network.loss_and_grad(*batch, alpha), network.grad.copy()
    network.release()
    network.bind(room, n_parts=n_parts)
    try:
        for _ in range(2):  # nothing stays behind in the workspace
            assert_allclose(network.loss_and_grad(*batch, alpha), loss, rtol=1e-12)
            assert_allclose(network.grad, grad, rtol=1e-10, atol=1e-14)
    finally:
        network.release()


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize(
    "make",
    [
        lambda: MLPClassifier((20, 10), solver="sgd"),
        lambda: MLPClassifier((20,), early_stopping=True, class_weight="balanced"),
        lambda: ConvNetClassifier((3,), hidden_layer_sizes=(8,), input_shape=(8, 8, 1)),
        lambda: ConvNetClassifier((3,), input_shape=(8, 8, 1), augmentation={"shift": 1}),
        lambda: MLPClassifier((20,), shuffle=False),
        lambda: MLPRegressor((20,), max_grad_norm=0.1),
    ],
)
def test_fits_agree_and_repeat_themselves(make):
    settings = {"max_iter": 3, "patience": np.inf, "random_state": 0, "batch_size": 50}
    one, again = (make().set_params(**settings).fit(X, Y) for _ in range(2))
    with threadpool_limits(1, user_api="blas"):
        whole = make().set_params(**settings).fit(X, Y)
    assert_array_equal(one.network_.theta, again.network_.theta)
    assert (one.network_.theta != whole.network_.theta).any()  # in their last digits
    assert_allclose(one.network_.theta, whole.network_.theta, rtol=1e-6, atol=1e-9)
    assert_allclose(one.loss_curve_, whole.loss_curve_, rtol=1e-9)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize(
    ("work", "helping"), [("loss_and_grad", {1}), ("raw_prediction", {0, 1})]
)
def test_blas_has_one_thread_throughout_a_fit_by_parts(work, helping, monkeypatch):
    """Also to predict between epochs: threads of BLAS spin for a while after a product."""

    def noted(self, *args, **kwargs):
        libraries = ThreadpoolController().select(user_api="blas").info()
        helpers = [t for t in threading.enumerate() if t.name == "skneural-part"]
        told.append((len(helpers), {library["num_threads"] for library in libraries}))
        return method(self, *args, **kwargs)

    monkeypatch.setattr(_threads, "_LARGE_PRODUCT", 1e-9)  # BLAS might have two
    told, method = [], getattr(Network, work)
    monkeypatch.setattr(Network, work, noted)
    MLPClassifier((4,), max_iter=1, patience=np.inf, early_stopping=True).fit(X, Y)
    assert {n_helpers for n_helpers, _ in told} == helping  # 0: the last look at the network
    assert all(n_threads == {1} for _, n_threads in told)


@pytest.mark.usefixtures("small_parts")
def test_a_fit_without_threads_of_its_own(monkeypatch):
    """Where the system has no more threads a fit is that of one thread."""

    def start(thread):
        raise RuntimeError("can't start new thread")

    make = partial(MLPClassifier, (4,), max_iter=2, patience=np.inf, random_state=0)
    with threadpool_limits(1, user_api="blas"):
        whole = make().fit(X, Y)
    monkeypatch.setattr(threading.Thread, "start", start)
    assert_array_equal(make().fit(X, Y).network_.theta, whole.network_.theta)


def network_of(*layers):
    return Network([*layers, Dense(3)], HalfSquaredError(), (20,), np.float64)


def test_what_has_one_part():
    large = 10**9  # rows
    assert network_of(Dense(5)).n_parts(large, 4) == 4
    assert network_of(Dense(5)).n_parts(large, 1) == 1
    assert network_of(Dense(5)).n_parts(64, 4) == 1
    # every part reads all weights and adds a gradient: no less than 32 rows
    assert network_of(Dense(10**4)).n_parts(64, 16) == 1
    assert network_of(Dense(10**5)).n_parts(96, 16) == 2
    # statistics of the batch, and draws from one generator
    assert network_of(Dense(5), BatchNorm()).n_parts(large, 4) == 1
    assert network_of(Dense(5), Dropout(0.5)).n_parts(large, 4) == 1


def test_as_many_threads_as_blas_may_have():
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, user_api="blas"):
            assert allowed_threads() == n_threads
            with blas_threads_for(0):  # by another fit, say
                assert allowed_threads() == n_threads
            with one_thread():  # a task of a sweep, say
                assert allowed_threads() == 1
            assert allowed_threads() == n_threads


def test_a_limit_of_the_system_leaves_fewer_parts(monkeypatch):
    def start(thread):
        raise RuntimeError("can't start new thread")

    network = network_of(Dense(5))
    network.init_params(np.random.default_rng(0))
    monkeypatch.setattr(threading.Thread, "start", start)
    network.bind(8, n_parts=3)
    assert np.isfinite(network.loss_and_grad(np.ones((8, 20)), np.ones((8, 3))))
    network.release()


def test_an_interrupt_while_parts_begin_leaves_no_thread():
    class Interrupted(list):
        def __iter__(self):
            yield self[0]
            raise KeyboardInterrupt

    crew, done = Crew(2), []
    helpers, crew.helpers = crew.helpers, Interrupted(crew.helpers)
    with pytest.raises(KeyboardInterrupt):
        crew.run([lambda: done.append(0), lambda: done.append(1), lambda: done.append(2)])
    crew.helpers = helpers
    crew.close()
    assert done == [1]


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("error", [KeyboardInterrupt, ArithmeticError])
def test_an_error_in_a_fit_ends_its_threads(error):
    class Fails(Callback):
        def on_fit_task_end(self, estimator, context):
            raise error

    with pytest.raises(error):
        MLPClassifier((4,), max_iter=2, patience=np.inf).set_callbacks(Fails()).fit(X, Y)


@pytest.mark.parametrize("place", [0, 1])
def test_an_error_in_a_part_waits_for_the_others(place):
    crew, done = Crew(1), []

    def works():
        done.append(1)

    def fails():
        raise ArithmeticError

    order = [works, works]
    order[place] = fails
    try:
        for _ in range(2):
            with pytest.raises(ArithmeticError):
                crew.run(order)
        crew.run([works, works])  # goes on as before
    finally:
        crew.close()
    assert len(done) == 4


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("quiet", [True, False])
def test_divergence_is_an_error_and_no_warning(quiet, recwarn):
    with (
        nullcontext() if quiet else np.errstate(all="warn"),
        pytest.raises(ValueError, match="diverged"),
    ):
        MLPClassifier((9,), solver="sgd", learning_rate=1e200, max_iter=3).fit(X, Y)
    assert not [str(w.message) for w in recwarn if w.category is RuntimeWarning]
