"""The compiled engine agrees with the NumPy engine on randomly generated networks."""

import numpy as np
import pytest
from _random_jobs import random_job
from sklearn.base import clone

from skneural import MLPRegressor
from skneural._engine import native, prediction
from skneural._engine.compiled import CompiledTraining, predict
from skneural._engine.program import program_of
from skneural._engine.reference import ReferenceTraining

pytestmark = pytest.mark.skipif(native is None, reason="there is no compiled engine here")
TOLERANCE = {
    np.float64: {"rtol": 1e-10, "atol": 1e-10},
    np.float32: {"rtol": 1e-4, "atol": 1e-4},
}
DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32])


class NoInterrupt:
    interrupted = False


@pytest.fixture
def threads(monkeypatch):
    """Set the number of threads of the compiled engine, also for small networks."""

    def set_threads(n):
        monkeypatch.setattr("skneural._engine.compiled.team_size", lambda *args: n)

    return set_threads


def compiled_training(job):
    assert program_of(job.progress.network) is not None
    return CompiledTraining(program_of(job.progress.network), job)


def trained(make_training, seed, dtype):
    """Return all results of one epoch of a random job, by name."""
    rng = np.random.default_rng(seed)
    job = random_job(rng, dtype)
    order = rng.permutation(job.X.shape[0]) if job.shuffle else None
    training = make_training(job)
    with np.errstate(all="ignore"):
        loss, norm = training.epoch(order, 0.01, NoInterrupt())
    training.close()
    progress = job.progress
    network = progress.network
    measured = {"loss": loss, "norm": norm, "theta": network.theta, "state": network.state}
    return measured | progress.optimizer_state | {"steps_": progress.steps}, job


def assert_same_numbers(seed, dtype):
    expected, reference_job = trained(ReferenceTraining, seed, dtype)
    found, job = trained(compiled_training, seed, dtype)
    message = f"seed {seed}: {job.progress.network!r}, {job.optimizer}, {job.batch_size}"
    for name, values in expected.items():
        np.testing.assert_allclose(
            found[name], values, **TOLERANCE[dtype], err_msg=f"{name} of {message}"
        )
    network = reference_job.progress.network
    program, network._program = program_of(network), None
    expected = prediction.raw_prediction(network, job.X)
    found, is_finite = predict(program, network, job.X, 10_000)
    assert is_finite
    np.testing.assert_allclose(found, expected, **TOLERANCE[dtype], err_msg=message)


@DTYPES
@pytest.mark.parametrize("block", range(10))
def test_an_epoch_is_that_of_the_numpy_engine(block, dtype, threads):
    for seed in range(50 * block, 50 * block + 50):
        threads(1 + seed % 4)
        assert_same_numbers(seed, dtype)


@pytest.mark.parametrize("seed", range(0, 200, 4))
def test_the_bits_do_not_depend_on_the_number_of_threads(seed, threads):
    threads(1)
    expected, _ = trained(compiled_training, seed, np.float32)
    for n in (2, 3, 5, 17):
        threads(n)
        found, _ = trained(compiled_training, seed, np.float32)
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values, err_msg=name)


@DTYPES
def test_loss_and_gradient_of_all_rows(dtype, threads):
    for seed in range(60):
        threads(1 + seed % 4)
        results = []
        for make_training in (ReferenceTraining, compiled_training):
            job = random_job(np.random.default_rng(seed), dtype)
            job.batch_size = job.X.shape[0]
            training = make_training(job)
            before = job.progress.network.theta.copy()
            loss, gradient = training.loss_and_gradient()
            results.append((loss, gradient.copy()))
            np.testing.assert_array_equal(job.progress.network.theta, before)
            training.close()
        for expected, found in zip(*results, strict=True):
            np.testing.assert_allclose(found, expected, **TOLERANCE[dtype])


@DTYPES
def test_a_small_last_batch_of_a_wide_network(dtype, monkeypatch):
    """More of it is packed than of a batch of more than 1024 rows."""
    X = np.random.default_rng(0).normal(size=(2100, 4)).astype(dtype)
    own = MLPRegressor((100,), batch_size=1100, max_iter=2, patience=None, random_state=0)
    own.fit(X, X[:, 0])
    monkeypatch.setattr("skneural._engine.program.compile_program", lambda network: None)
    twin = clone(own).fit(X, X[:, 0])
    np.testing.assert_allclose(own.predict(X), twin.predict(X), **TOLERANCE[dtype])
