"""The compiled engine with failing system calls, forks, and data that are not finite."""

import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from _engine import NoInterrupt, make_job, training_of
from _random_jobs import random_job

from skneural import MLPClassifier, MLPRegressor
from skneural._engine import native, program
from skneural._engine.optimizers import SGD, Adam, RMSProp
from skneural._network.layers.activations import ACTIVATIONS
from skneural._network.layers.dense import Dense
from skneural._network.layers.embedding import Embedding
from skneural._network.losses.links import LinkedLoss
from skneural._network.losses.quantiles import QuantilesLoss
from skneural._network.losses.regression import REGRESSOR_LOSSES, HalfSquaredError
from skneural._network.network import Network

pytestmark = pytest.mark.skipif(native is None, reason="there is no compiled engine here")
SCRIPT = """
import os, sys
import numpy as np
from skneural import MLPClassifier
from skneural._engine import compiled, native

rng = np.random.default_rng(0)
X, y = rng.normal(size=(200, 20)), rng.integers(0, 3, 200)
made = []

class Recorded(native.Training):
    def __init__(self, *arguments):
        made.append(self.n_threads)

class Native:
    Samples, predict, Training = native.Samples, native.predict, Recorded

compiled.native = Native
compiled.team_size = lambda *arguments: 4

def fit(**more):
    settings = {"max_iter": 6, "patience": None, "random_state": 0, "dropout": 0.1}
    return MLPClassifier((30, 20), **{**settings, **more}).fit(X, y)

def bits(own):
    return own.network_.theta.tobytes() + own.predict_proba(X).tobytes()
"""


def in_process(code):
    """Run the script and more code in a new process, which must exit without an error."""
    command = [sys.executable, "-c", SCRIPT + code]
    return subprocess.run(command, check=True, timeout=120, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_where_no_thread_can_be_started_there_are_fewer():
    """There is no memory left for the stack of a thread."""
    in_process("""
import resource, sys
expected = bits(fit())
assert made[-1] == 4, made
if "limited" not in sys.argv:  # stacks are as large as the process was told when it began
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    resource.setrlimit(resource.RLIMIT_STACK, (1 << 26, hard))
    sys.stdout.flush()
    os.execv(sys.executable, [*sys.orig_argv, "limited"])
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * os.sysconf("SC_PAGE_SIZE") + (48 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
own = fit()
assert made[-1] == 1, made
assert bits(own) == expected
""")


FORK = """
children = []

def forks(estimator, X, y):
    forks.calls += 1
    if forks.calls == 3:
        children.append(os.fork())
        if not children[0]:
            in_child()
    return estimator.score(X, y)

forks.calls = 0

def end_of_child():
    _, status = os.waitpid(children[0], 0)
    return os.waitstatus_to_exitcode(status)
"""


@pytest.mark.slow
def test_a_fork_of_a_fit_goes_on():
    """The threads exist only in the parent; the forked process starts its own."""
    told = in_process(FORK + """
in_child = lambda: None
own = fit(scoring=forks, early_stopping=True)
if children[0]:
    assert end_of_child() == 0
    assert len(made) == 1
import hashlib
print(hashlib.sha256(bits(own)).hexdigest(), flush=True)
""")  # fmt: skip
    of_child, of_parent = told.stdout.split()
    assert of_child == of_parent


@pytest.mark.slow
def test_a_fork_of_a_fit_may_end():
    in_process(FORK + """
for leave in sys.exit, os._exit:
    children.clear()
    forks.calls = 0
    in_child = lambda: leave(7)
    fit(scoring=forks, early_stopping=True)
    assert end_of_child() == 7
""")  # fmt: skip


@pytest.fixture
def engines(monkeypatch):
    """Return a function that calls another one with each engine and returns both results."""

    def with_both(function):
        results = [function()]
        monkeypatch.setattr(program, "compile_program", lambda network: None)
        return [*results, function()]

    return with_both


TINY, HUGE = 5e-324, 1e300
X = np.random.default_rng(0).normal(size=(60, 5))


@pytest.mark.filterwarnings(r"ignore:\w+. X is far from mean 0")  # it is, on both engines
@pytest.mark.parametrize(
    "spoiled",
    [
        {"X": np.nan},
        {"X": np.inf},
        {"X": HUGE},
        {"y": np.nan},
        {"y": -np.inf},
        {"y": HUGE},
        {"sample_weight": np.nan},
        {"sample_weight": HUGE},
        {"coefs_init": HUGE},
        {"coefs_init": np.nan},
    ],
    ids=str,
)
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_numbers_that_are_too_large_give_the_same_error(spoiled, solver, engines):
    def message():
        data = {
            "X": X.copy(),
            "y": X[:, 0].copy(),
            "sample_weight": np.ones(60),
            "coefs_init": [np.full((5, 4), 0.1), np.full((4, 1), 0.1)],
        }
        for name, value in spoiled.items():
            array = data[name][0] if name == "coefs_init" else data[name]
            array.flat[3] = value
        own = MLPRegressor((4,), solver=solver, max_iter=3, patience=None, random_state=0)
        try:
            own.fit(data.pop("X"), data.pop("y"), **data)
        except ValueError as error:
            assert not hasattr(own, "network_")
            return str(error)
        assert "sample_weight" in spoiled, "of the others no fit may come"
        return own.loss_

    compiled, numpy = engines(message)
    assert "np.float" not in str(numpy)  # but plain numbers
    assert compiled == (numpy if isinstance(numpy, str) else pytest.approx(numpy, rel=1e-9))


@pytest.mark.parametrize("name", ["X", "y", "theta", "sample_weight"])
def test_denormals_are_numbers(name, engines):
    def results():
        rng = np.random.default_rng(1)
        data = {"X": X.copy(), "y": X[:, 0].copy(), "sample_weight": rng.uniform(0, 1, 60)}
        own = MLPRegressor((4,), max_iter=3, patience=None, random_state=0, warm_start=True)
        if name == "theta":
            own.fit(**data).network_.theta[::2] = TINY
        else:
            data[name][::2] = TINY
        return own.fit(**data).network_.theta

    compiled, numpy = engines(results)
    np.testing.assert_allclose(compiled, numpy, rtol=1e-9)


@pytest.mark.parametrize("max_grad_norm", [math.inf, 1e9])
@pytest.mark.parametrize("optimizer", [SGD(momentum=0.0), SGD(), RMSProp(epsilon=1.0)])
def test_weights_of_unused_units_do_not_become_subnormal(optimizer, max_grad_norm):
    """Operations with subnormal numbers are slower, on some CPUs by far."""
    layers = [Dense(8), ACTIVATIONS["relu"](), Dense(1)]
    network = Network(layers, HalfSquaredError(), X.shape[1:], np.float32)
    network.init_params(np.random.default_rng(0))
    network.params("bias")[0][...] = -100  # the output of relu is 0
    rows = X.astype(np.float32)
    settings = {"alpha": 1.0, "max_grad_norm": max_grad_norm}
    job = make_job(network, rows, rows[:, :1], optimizer=optimizer, batch_size=1, **settings)
    training = training_of("compiled", job)
    for _ in range(40):
        training.epoch(None, 0.1, NoInterrupt())
    training.close()
    assert_tiny_but_not_subnormal(network.params("weight")[0])


def test_moments_of_embeddings_without_gradient_do_not_become_subnormal():
    layers = [Embedding([(3, 2)]), Dense(8), ACTIVATIONS["relu"](), Dense(1)]
    network = Network(layers, HalfSquaredError(), (1,), np.float32)
    network.init_params(np.random.default_rng(0))
    network.params("bias")[0][...] = -100
    levels = (np.arange(60) % 3).astype(np.float32)[:, None]
    job = make_job(network, levels, levels, optimizer=Adam(), batch_size=1)
    moments, squares = (
        network.views(job.progress.optimizer_state[name])[0]["table0"]
        for name in ("first", "second")
    )
    moments[...], squares[...] = 1, 1
    training = training_of("compiled", job)
    for _ in range(46):
        training.epoch(None, 1e-6, NoInterrupt())
    training.close()
    assert_tiny_but_not_subnormal(moments)


def assert_tiny_but_not_subnormal(values):
    magnitude = np.abs(values)
    assert magnitude.max() < 1e-30
    assert ((magnitude == 0) | (magnitude >= np.finfo(np.float32).tiny)).all()


def spoiled_loss(engine, seed, place, value):
    """Return the loss of a job with one value replaced; None if there is nothing to replace."""
    job = random_job(np.random.default_rng(seed), np.float64)
    kinds = (*REGRESSOR_LOSSES.values(), LinkedLoss, QuantilesLoss)
    real_targets = isinstance(job.progress.network.loss, kinds)
    arrays = {
        "X": job.X if isinstance(job.X, np.ndarray) else job.X.data,
        "y": job.y if real_targets else None,
        "sample_weight": job.sample_weight,
        "theta": job.progress.network.theta,
    }
    array = arrays[place]
    if array is None or not array.size:
        return None
    array.flat[array.size // 2] = value
    training = training_of(engine, replace(job, batch_size=job.X.shape[0]))
    with np.errstate(all="ignore"):
        loss, _ = training.epoch(None, 0.01, NoInterrupt())
    training.close()
    return loss


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e200])
@pytest.mark.parametrize("place", ["X", "y", "sample_weight", "theta"])
def test_what_is_not_finite_reaches_the_loss(place, value):
    """As on NumPy, a network that has overflowed must not seem to learn."""
    n_losses = 0
    for seed in range(60):
        expected, found = (
            spoiled_loss(engine, seed, place, value) for engine in ("numpy", "compiled")
        )
        if expected is not None:
            n_losses += 1
            assert np.isfinite(found) == np.isfinite(expected), seed
            if np.isfinite(expected):
                assert found == pytest.approx(expected, rel=1e-9), seed
    assert n_losses > 10


@pytest.mark.filterwarnings(r"ignore:\w+. X is far from mean 0")  # it is, on both engines
def test_a_classifier_of_huge_numbers_diverges_alike(engines):
    def message():
        own = MLPClassifier((4,), max_iter=3, random_state=0, dtype="float32")
        with pytest.raises(ValueError, match="diverged after 0 epochs") as caught:
            own.fit(X * 3e38 / np.abs(X).max(), X[:, 0] > 0)
        return str(caught.value)

    compiled, numpy = engines(message)
    assert compiled == numpy


@pytest.mark.filterwarnings("ignore:.*X is far from mean 0")  # on purpose
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_adam_does_not_move_where_squares_of_the_gradient_are_infinite(dtype, engines):
    largest = np.finfo(dtype).max ** 0.6  # its square is infinite
    rows = np.ones((60, 19)) * np.where(np.arange(19) % 2, largest, 1)
    labels = np.arange(60) % 2

    def result():
        own = MLPClassifier((), dtype=dtype, alpha=1e-4, max_iter=3, random_state=0)
        start = {"coefs_init": [np.zeros((19, 1))], "intercepts_init": [np.full(1, 0.5)]}
        with np.errstate(over="ignore"):
            own.fit(rows, labels, sample_weight=1.0 + labels, **start)
        return own.coefs_[0]

    compiled, numpy = engines(result)
    np.testing.assert_allclose(compiled, numpy, rtol=1e-5, atol=1e-15)
    assert np.all(compiled[1::2] == pytest.approx(0, abs=1e-15))
    assert np.abs(compiled[::2]).min() > 1e-4


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_rows", [1, 3, 700])
def test_predictions_refuse_infinity_and_fill_nan_wherever_it_is(n_rows, dtype):
    own = MLPClassifier((4,), dtype=dtype, max_iter=1).fit(X, X[:, 0] > 0)
    rows = np.resize(X, (n_rows, 5)).astype(dtype)
    own.predict_proba(rows)
    for place in np.unique(np.linspace(0, rows.size - 1, 40).astype(int)):
        spoiled = rows.copy()
        spoiled.flat[place] = -np.inf
        with pytest.raises(ValueError, match="X contains infinity"):
            own.predict_proba(spoiled)
        spoiled.flat[place] = np.nan
        filled = rows.copy()
        filled.flat[place] = X[:, place % 5].mean()
        expected = own.predict_proba(filled)
        np.testing.assert_allclose(own.predict_proba(spoiled), expected, rtol=1e-5)


def test_predictions_take_numbers_whose_sum_is_infinite():
    own = MLPClassifier((4,), dtype="float32", max_iter=1, patience=np.inf)
    rows = np.full((9, 5), np.finfo(np.float32).max, np.float32)
    assert own.fit(X, X[:, 0] > 0).predict(rows).shape == (9,)
