"""Gradients of the compiled engine, compared with finite differences of its losses."""

import itertools
import math

import numpy as np
import pytest
from _engine import loss_and_gradient, make_job
from _random_jobs import COMPILED_ACTIVATIONS
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse
from test_gradients import LOSSES, drawn_loss, hidden_layer, targets

from skneural._engine import native
from skneural._engine.program import _LOSS_NUMBERS
from skneural._network.layers.activations import ACTIVATIONS
from skneural._network.layers.batch_norm import BatchNorm
from skneural._network.layers.conv import Conv2D
from skneural._network.layers.dense import Dense
from skneural._network.layers.dropout import Dropout
from skneural._network.layers.flatten import Flatten
from skneural._network.layers.noise import GaussianNoise
from skneural._network.layers.pooling import AveragePool, GlobalAveragePool, MaxPool
from skneural._network.losses.classification import MultiHead, SoftmaxCrossEntropy
from skneural._network.losses.regression import HalfSquaredError
from skneural._network.network import Network

pytestmark = pytest.mark.skipif(native is None, reason="there is no compiled engine here")

COMPILED_LOSSES = [loss for loss in LOSSES if loss in _LOSS_NUMBERS]


def check_gradient(layers, loss, shape, X, y, seed, weight=None, alpha=0.0, l1_ratio=0.0):
    """Compare the gradient along a random direction with five-point finite differences.

    If there is a kink between the points, the differences for two step sizes disagree even for
    a correct gradient. Such examples are skipped.
    """
    rng = np.random.default_rng(seed)
    network = Network(layers, loss, shape, np.float64)
    network.init_params(rng)
    start = rng.normal(0, 0.5, network.n_params)
    direction = rng.normal(size=network.n_params)
    direction /= np.linalg.norm(direction)

    def at(distance):
        network.theta[...] = start + distance * direction
        job = make_job(network, X, y, weight, alpha=alpha, l1_ratio=l1_ratio)
        return loss_and_gradient("compiled", job)

    analytic = at(0)[1] @ direction
    numeric = []
    for step in (3e-5, 1e-5):
        near, far = (at(d)[0] - at(-d)[0] for d in (step, 2 * step))
        numeric.append((8 * near - far) / (12 * step))
    # losses are rounded at 1e-16, so differences cannot tell more of a tiny gradient
    scale = max(1e-3, abs(analytic))
    assume(abs(numeric[0] - numeric[1]) < 1e-6 * scale)
    assert abs(analytic - numeric[0]) < 1e-6 * scale


@pytest.mark.parametrize("kind", [*COMPILED_LOSSES, MultiHead], ids=lambda kind: kind.__name__)
@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    n_rows=st.integers(1, 40),
    n_inputs=st.integers(1, 40),
    as_sparse=st.booleans(),
    noise=st.sampled_from([0.0, 0.3]),
    hidden=st.lists(hidden_layer(COMPILED_ACTIVATIONS), max_size=3),
    n_outputs=st.integers(1, 20),
    weighted=st.booleans(),
    alpha=st.sampled_from([0.0, 0.3]),
    l1_ratio=st.sampled_from([0.0, 0.4, 1.0]),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_dense_networks(
    kind,
    n_rows,
    n_inputs,
    as_sparse,
    noise,
    hidden,
    n_outputs,
    weighted,
    alpha,
    l1_ratio,
    seed,
    data,
):
    loss, n_outputs = drawn_loss(kind, n_outputs, data.draw, COMPILED_LOSSES)
    layers = [GaussianNoise(noise)] * bool(noise and not as_sparse)
    for units, activation, batch_norm, dropout in hidden:
        layers += [Dense(units)] + [BatchNorm(epsilon=0.1)] * batch_norm
        layers += [ACTIVATIONS[activation]()] + [Dropout(dropout)] * bool(dropout)
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_inputs))
    if as_sparse:
        X = sparse.csr_array(np.where(rng.random(X.shape) < 0.5, 0, X))
    y = targets(loss, (n_rows, n_outputs), rng)
    weight = rng.uniform(0.1, 3, n_rows) if weighted else None
    layers.append(Dense(n_outputs))
    check_gradient(layers, loss, (n_inputs,), X, y, seed, weight, alpha, l1_ratio)


SIDES = st.tuples(st.integers(1, 3), st.integers(1, 3))
CONVOLUTIONS = st.builds(
    Conv2D,
    st.integers(1, 18),
    SIDES,
    strides=SIDES,
    padding=st.one_of(st.sampled_from(["same", "valid"]), SIDES),
    dilation=SIDES,
)
POOLS = st.one_of(
    st.builds(MaxPool, SIDES, st.one_of(st.none(), SIDES)),
    st.builds(MaxPool, st.just((2, 3)), SIDES, st.just((1, 1))),
    st.builds(AveragePool, SIDES, st.one_of(st.none(), SIDES)),
    st.builds(AveragePool, st.just((3, 2)), SIDES, st.just((1, 1)), st.booleans()),
)
BLOCKS = st.tuples(
    CONVOLUTIONS,
    st.booleans().map(lambda norm: [BatchNorm(epsilon=0.1)] * norm),
    st.one_of(st.just([]), POOLS.map(lambda pool: [pool])),
    st.sampled_from(sorted(COMPILED_ACTIVATIONS)).map(lambda name: [ACTIVATIONS[name]()]),
    st.booleans().map(lambda drops: [Dropout(0.4)] * drops),
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    loss=st.sampled_from([HalfSquaredError, SoftmaxCrossEntropy]),
    n_images=st.integers(1, 20),
    shape=st.one_of(
        st.tuples(st.integers(3, 9), st.integers(3, 9), st.integers(1, 3)),
        st.tuples(st.integers(3, 12), st.integers(1, 3)),
    ),
    blocks=st.lists(BLOCKS, min_size=1, max_size=2),
    end=st.sampled_from([Flatten, GlobalAveragePool]),
    as_sparse=st.booleans(),
    weighted=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_convolutional_networks(loss, n_images, shape, blocks, end, as_sparse, weighted, seed):
    layers = []
    for convolution, *others in blocks:
        if len(shape) == 2:
            convolution, *others = of_signals([convolution, *others])
        layers += [convolution, *itertools.chain(*others)]
    layers += [end(), Dense(3)]
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_images, math.prod(shape)))
    if as_sparse:
        X = sparse.csr_array(np.where(rng.random(X.shape) < 0.5, 0, X))
    y = np.eye(3)[rng.integers(0, 3, n_images)]
    weight = rng.uniform(0.1, 3, n_images) if weighted else None
    try:
        Network(layers, loss(), shape, np.float64)
    except ValueError:  # windows that do not fit on what is left of the image
        assume(False)
    check_gradient(layers, loss(), shape, X, y, seed, weight, alpha=0.1)


def of_signals(block):
    """Return the layers of a block with the first number of each pair."""
    convolution, norm, pools, *others = block
    names = "filters", "kernel_size", "strides", "padding", "dilation"
    convolution = Conv2D(*firsts(convolution, names))
    pools = [type(pool)(*firsts(pool, ("pool_size", "strides", "padding"))) for pool in pools]
    return [convolution, norm, pools, *others]


def firsts(layer, names):
    """Return the attributes of a layer, with the first number of each pair."""
    values = [getattr(layer, name) for name in names]
    return [value[0] if isinstance(value, tuple) else value for value in values]
