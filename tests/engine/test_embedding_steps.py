"""Embeddings and one-hot columns in both engines: gradients, and steps that change few rows."""

import json
from pathlib import Path

import numpy as np
import pytest
from _engine import NoInterrupt, loss_and_gradient, make_job, raw_prediction, training_of
from hypothesis import given, settings
from hypothesis import strategies as st
from test_engine_oracle import ENGINES

from skneural._engine import native
from skneural._engine.optimizers import SGD, AdaGrad, Adam, AdamW, RMSProp
from skneural._network.layers.activations import ACTIVATIONS
from skneural._network.layers.dense import Dense
from skneural._network.layers.embedding import Embedding
from skneural._network.losses.regression import HalfSquaredError
from skneural._network.network import Network

ORACLE = json.loads((Path(__file__).parents[1] / "data" / "embeddings.json").read_text())
OPTIMIZERS = {
    "sgd": lambda n: SGD(momentum=0.0),
    "momentum": lambda n: SGD(momentum=0.9),
    "adam": lambda n: Adam(epsilon=1e-14),
    "adamw": lambda n: AdamW(decay=0.1, n_weights=n),
    "adagrad": lambda n: AdaGrad(epsilon=1e-10),
    "rmsprop": lambda n: RMSProp(),
}


def make_network(tables, n_numbers, rng, dtype=np.float64):
    layers = [Embedding(tables), Dense(4), ACTIVATIONS["tanh"](), Dense(2)]
    network = Network(layers, HalfSquaredError(), (n_numbers + len(tables),), dtype)
    network.init_params(rng)
    network.theta[...] = rng.normal(0, 0.5, network.n_params)
    return network


def make_data(tables, n_numbers, rng, n_rows=30, dtype=np.float64):
    """Return numbers and levels, from -1 (unknown) to one more than the last level."""
    levels = [rng.integers(-1, n_levels + 1, n_rows) for n_levels, _ in tables]
    x = np.column_stack([rng.normal(size=(n_rows, n_numbers)), *levels]).astype(dtype)
    return x, rng.normal(size=(n_rows, 2)).astype(dtype)


@ENGINES
@pytest.mark.parametrize("name", ORACLE["after"])
def test_steps_are_those_of_pytorch_with_sparse_gradients(engine, name):
    x, y, table = (np.array(ORACLE[key]) for key in ("x", "y", "table"))
    network = Network([Embedding([table.shape]), Dense(1)], HalfSquaredError(), (2,), "float64")
    network.init_params(np.random.default_rng(0))
    embedding, dense = network.views(network.theta)
    embedding["table0"][...], dense["weight"][...] = table, ORACLE["weight"]
    optimizer = OPTIMIZERS[name](network.n_weights)
    job = make_job(network, x, y, optimizer=optimizer, batch_size=ORACLE["batch_size"])
    training = training_of(engine, job)
    training.epoch(None, ORACLE["rate"], NoInterrupt())
    training.close()
    after = ORACLE["after"][name]
    np.testing.assert_allclose(embedding["table0"], after["table"], rtol=1e-10)
    np.testing.assert_allclose(dense["weight"], after["weight"], rtol=1e-10)
    np.testing.assert_allclose(dense["bias"], after["bias"], rtol=1e-10)


@ENGINES
@pytest.mark.parametrize("max_norm", [np.inf, 1e-3])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_changes_only_the_rows_of_its_batch(engine, name, max_norm):
    rng = np.random.default_rng(0)
    tables = [(6, 3), (40, 2), (5, 0)]
    network = make_network(tables, 2, rng)
    x, y = make_data(tables, 2, rng)
    optimizer = OPTIMIZERS[name](network.n_weights)
    job = make_job(network, x, y, optimizer=optimizer, max_grad_norm=max_norm, alpha=0.1)
    state = job.progress.optimizer_state
    training = training_of(engine, job)
    training.epoch(None, 0.01, NoInterrupt())  # so that there is a state
    job.X[:, 2] = np.where(x[:, 2] >= 3, 2, x[:, 2])
    job.X[:, 3] = np.where(x[:, 3] >= 9, 7, x[:, 3])
    training.close()
    vectors = [network.theta, *(value for value in state.values() if np.ndim(value))]
    before = [vector.copy() for vector in vectors]
    training = training_of(engine, job)
    training.epoch(None, 0.01, NoInterrupt())
    training.close()
    for old, new in zip(before, vectors, strict=True):
        tables_of = zip(*(network.views(v)[0].values() for v in (old, new)), strict=True)
        for k, (old_table, new_table) in enumerate(tables_of):
            changed = np.flatnonzero((old_table != new_table).any(axis=1))
            occurring = np.unique(job.X[:, 2 + k])
            assert changed.tolist() == occurring[occurring >= 0].tolist()


@ENGINES
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    tables=st.lists(st.tuples(st.integers(1, 40), st.integers(0, 20)), min_size=1, max_size=4),
    n_numbers=st.integers(0, 5),
    weighted=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_vectors_are_one_hot_columns_times_their_table(
    engine, tables, n_numbers, weighted, seed
):
    """Compare predictions and gradients with the chain rule.

    The vectors come first, then the one-hot columns without a table, for which the identity
    stands here.
    """
    rng = np.random.default_rng(seed)
    network = make_network(tables, n_numbers, rng)
    x, y = make_data(tables, n_numbers, rng)
    weight = rng.uniform(0.5, 2, len(x)) if weighted else None
    embedding, *parts = network.views(network.theta)
    columns = [x[:, :n_numbers]]
    columns += [x[:, [n_numbers + k]] == np.arange(n) for k, (n, _) in enumerate(tables)]
    one_hot = np.hstack(columns).astype(float)
    layers = [Dense(4), ACTIVATIONS["tanh"](), Dense(2)]
    twin = Network(layers, HalfSquaredError(), one_hot.shape[1:], np.float64)
    twin.init_params(rng)
    first, _, last = twin.views(twin.theta)
    order = sorted(range(len(tables)), key=lambda k: tables[k][1] == 0)
    sizes = [tables[k][1] or tables[k][0] for k in order]
    passed, *rows = np.split(parts[0]["weight"], n_numbers + np.cumsum([0, *sizes[:-1]]))
    rows = dict(zip(order, rows, strict=True))
    products = [
        embedding.get(f"table{k}", np.eye(n)) @ rows[k] for k, (n, _) in enumerate(tables)
    ]
    first["weight"][...] = np.vstack([passed, *products])
    for own, other in ((first, parts[0]), (last, parts[2])):
        own["bias"][...] = other["bias"]
    last["weight"][...] = parts[2]["weight"]
    found = raw_prediction(engine, network, x)
    expected = raw_prediction(engine, twin, one_hot)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)
    loss, gradient = loss_and_gradient(engine, make_job(network, x, y, weight))
    expected_loss, of_twin = loss_and_gradient(engine, make_job(twin, one_hot, y, weight))
    assert loss == pytest.approx(expected_loss, rel=1e-12)
    slopes = np.split(
        twin.views(of_twin)[0]["weight"], n_numbers + np.cumsum([0, *(n for n, _ in tables)])
    )
    found, dense, *_ = network.views(gradient)
    for k, (_, width) in enumerate(tables):
        if width:
            expected = slopes[1 + k] @ rows[k].T
            np.testing.assert_allclose(found[f"table{k}"], expected, rtol=0, atol=1e-10)
    own = np.vstack([slopes[1 + k] for k in order if not tables[k][1]] or [np.empty((0, 4))])
    of_one_hot = dense["weight"][len(dense["weight"]) - len(own) :]
    np.testing.assert_allclose(of_one_hot, own, rtol=0, atol=1e-10)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@settings(max_examples=5, deadline=None, derandomize=True)
@given(
    n_levels=st.lists(st.integers(1, 150), min_size=1, max_size=4),
    n_units=st.integers(1, 300),
    batch_size=st.integers(4, 100),
    seed=st.integers(0, 2**32 - 1),
)
@pytest.mark.skipif(native is None, reason="there is no compiled engine here")
def test_steps_of_many_one_hot_columns_are_those_of_numpy(
    optimizer, l1_ratio, n_levels, n_units, batch_size, seed
):
    def steps(engine):
        rng = np.random.default_rng(seed)
        tables = [(n, 0) for n in n_levels]
        layers = [Embedding(tables), Dense(n_units), ACTIVATIONS["tanh"](), Dense(2)]
        network = Network(layers, HalfSquaredError(), (1 + len(tables),), np.float64)
        network.init_params(rng)
        x, y = make_data(tables, 1, rng, n_rows=200)
        training = training_of(
            engine,
            make_job(
                network,
                x,
                y,
                optimizer=OPTIMIZERS[optimizer](network.n_weights),
                batch_size=batch_size,
                alpha=0.3,
                l1_ratio=l1_ratio,
            ),
        )
        loss, norm = training.epoch(None, 0.001, NoInterrupt())
        training.close()
        return loss, norm, network.theta

    for found, expected in zip(steps("compiled"), steps("numpy"), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)


@ENGINES
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    tables=st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=1, max_size=3),
    n_numbers=st.integers(0, 3),
    alpha=st.sampled_from([0.0, 0.3]),
    seed=st.integers(0, 2**32 - 1),
)
def test_gradient_against_finite_differences(engine, tables, n_numbers, alpha, seed):
    rng = np.random.default_rng(seed)
    network = make_network(tables, n_numbers, rng)
    x, y = make_data(tables, n_numbers, rng, n_rows=8)
    start, direction = network.theta.copy(), rng.normal(size=network.n_params)
    direction /= np.linalg.norm(direction)

    def at(distance):
        network.theta[...] = start + distance * direction
        return loss_and_gradient(engine, make_job(network, x, y, alpha=alpha))

    analytic = at(0)[1] @ direction
    numeric = (at(1e-5)[0] - at(-1e-5)[0]) / 2e-5
    assert abs(analytic - numeric) / max(1.0, abs(analytic)) < 1e-6


@ENGINES
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_that_no_level_has_are_zeros(engine, dtype):
    rng = np.random.default_rng(0)
    network = make_network([(6, 3), (6, 0)], 1, rng, dtype)
    codes = [-1, 6, -0.5, 2**24, -(2.0**40), np.finfo(dtype).max, 5.5]
    x = np.column_stack([np.zeros(len(codes)), codes, codes]).astype(dtype)
    embedded = x @ np.zeros((3, 10), dtype)  # a row of zeros for each
    embedded[-1, 1:4] = network.views(network.theta)[0]["table0"][5]
    embedded[-1, 9] = 1
    weight, bias = network.params("weight"), network.params("bias")
    expected = np.tanh(embedded @ weight[0] + bias[0]) @ weight[1] + bias[1]
    np.testing.assert_allclose(raw_prediction(engine, network, x), expected, rtol=1e-5)
    if engine == "compiled":  # which looks at numbers before Python has seen that they are bad
        bad = np.array([[0, bad, bad] for bad in (np.nan, np.inf, -np.inf)], dtype)
        found = raw_prediction(engine, network, bad)
        np.testing.assert_array_equal(found, raw_prediction(engine, network, x[:3]))
