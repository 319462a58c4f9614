"""A first convolution and its max pool, trained in one go: the same as one after the other."""

import itertools
import math

import numpy as np
import pytest
from _layers import TOLERANCE, drawn
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from skneural import ConvNetClassifier
from skneural._losses import SoftmaxCrossEntropy
from skneural._network import Network
from skneural.layers._activations import ReLU
from skneural.layers._batch_norm import BatchNorm
from skneural.layers._conv import Conv2D
from skneural.layers._dense import Dense
from skneural.layers._flatten import Flatten
from skneural.layers._noise import GaussianNoise
from skneural.layers._pooled_conv import PooledConv2D
from skneural.layers._pooling import AveragePool, MaxPool
from skneural.ops import _tiles
from skneural.ops._taps import find_largest, rounds_of, spread

PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))


def network(layers, shape, dtype=np.float64, lead=()):
    built = Network([*layers, Flatten(), Dense(3)], SoftmaxCrossEntropy(), shape, dtype)
    built.init_params(np.random.default_rng(0))
    built.theta = drawn((*lead, built.n_params), dtype)
    built.state = np.zeros((*lead, built.n_state), dtype)
    return built


def is_joined(built):
    built.bind(2)
    return any(isinstance(layer, PooledConv2D) for layer in built._passes[0].layers)


def results(built, batches):
    """Loss and gradient of some batches; predictions for all rows of the last and for one."""
    built.bind(max(x.shape[-4] for x, _ in batches))
    values = []
    for x, y in batches:
        values += [built.loss_and_grad(x, y), built.grad.copy()]
    if built.theta.ndim == 1:
        x, _ = batches[-1]
        values += [built.raw_prediction(x), built.raw_prediction(x[:1])]
    return values


def apart(built, batches, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(PooledConv2D, "joins", lambda conv, pool: False)
        return results(built, batches)


def assert_same(built, batches, monkeypatch):
    expected = apart(built, batches, monkeypatch)
    for ours, theirs in zip(results(built, batches), expected, strict=True):
        scale = max(np.abs(theirs).max(), 1e-20)  # a loss may be 0
        np.testing.assert_allclose(ours / scale, theirs / scale, **TOLERANCE[built.dtype.type])


def batch(n_images, shape, dtype=np.float64, lead=()):
    """Few different values, as in drawings: then there are ties."""
    x = drawn((*lead, n_images, *shape), dtype, seed=n_images).round()
    return x, np.eye(3, dtype=dtype)[np.arange(n_images) % 3] + np.zeros((*lead, 1, 1), dtype)


@given(
    outputs=PAIRS,
    pool=PAIRS,
    kernel=PAIRS,
    strides=PAIRS,
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilation=st.integers(1, 2),
    channels=st.integers(1, 4),
    n_images=st.integers(1, 9),
    n_bytes=st.sampled_from([1, 500, 2000, 1 << 19]),
    lead=st.sampled_from([(), (2,)]),
    dtype=st.sampled_from([np.float64, np.float32]),
)
@settings(deadline=None, max_examples=80)
def test_equal_to_both_layers(
    outputs, pool, kernel, strides, padding, dilation, channels, n_images, n_bytes, lead, dtype
):
    windows = zip(outputs, pool, kernel, strides, padding, strict=True)
    sizes = [(o * p - 1) * s + (k - 1) * dilation + 1 - 2 * z for o, p, k, s, z in windows]
    assume(min(sizes) > 0)
    shape = (*sizes, channels)
    layers = [Conv2D(3, kernel, strides, padding, dilation), MaxPool(pool), ReLU()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_tiles, "COLUMN_BYTES", n_bytes)
        built = network(layers, shape, dtype, lead)
        assert is_joined(built)
        sizes = (n_images, max(1, n_images - 2))
        assert_same(built, [batch(n, shape, dtype, lead) for n in sizes], patch)


@pytest.mark.parametrize("noise", [[], [GaussianNoise(0.0)]])
def test_the_first_convolution_alone_is_joined(noise):
    second = [Conv2D(2, 3, padding=1), MaxPool(2)]
    built = network([*noise, Conv2D(3, 3, padding=1), MaxPool(2), *second], (8, 8, 1))
    built.bind(1, np.random.default_rng(0))
    kinds = [type(layer) for layer in built._passes[0].layers if isinstance(layer, Conv2D)]
    assert kinds == [PooledConv2D, Conv2D]
    assert [layer.label for layer in built.layers[len(noise) :][:2]] == [
        "Conv2D 3 of 3x3",
        "MaxPool 2x2, strides 2x2",
    ]


@pytest.mark.parametrize(
    "layers",
    [
        [Conv2D(2, 3), BatchNorm(), MaxPool(2)],
        [Conv2D(2, 3), AveragePool(2)],
        [Conv2D(2, 3), MaxPool(2, strides=1)],
        [Conv2D(2, 3), MaxPool(3)],  # 8 pixels: two are left over
        [Conv2D(2, 3), MaxPool(2, padding=1)],
        [Conv2D(2, 3)],
    ],
)
def test_what_stays_apart(layers):
    assert not is_joined(network(layers, (10, 10, 1)))


def test_many_channels_stay_apart():
    assert not is_joined(network([Conv2D(2, 3), MaxPool(2)], (10, 10, 5)))


def test_signals(monkeypatch):
    built = network([Conv2D(3, 3, padding=1), MaxPool(2)], (12, 2))
    assert is_joined(built)
    x = drawn((5, 12, 2))
    y = np.eye(3)[np.arange(5) % 3]
    built.bind(5)
    grad = (built.loss_and_grad(x, y), built.grad.copy())[1]
    monkeypatch.setattr(PooledConv2D, "joins", lambda conv, pool: False)
    built.bind(5)
    built.loss_and_grad(x, y)
    np.testing.assert_allclose(grad, built.grad, rtol=1e-10, atol=1e-13)


def test_what_is_looked_at_layer_by_layer_is_not_joined():
    """The output of the convolution itself, before the pool."""
    X, y = drawn((20, 6, 6, 1)), np.arange(20) % 2
    model = ConvNetClassifier((2,), hidden_layer_sizes=(), max_iter=1, patience=np.inf)
    outputs = model.fit(X, y).network_.layer_outputs(X, {0})
    assert outputs[0].shape == (20 * 36, 2)


def test_the_workspace_is_bounded():
    built = network([Conv2D(32, 5), MaxPool(2)], (64, 64, 3), np.float32)
    built.bind(256)
    one_row_of_an_image = 4 * 30 * 75 * 4
    tiles = built._passes[0].layers[0].tiles
    assert tiles.columns.nbytes <= max(_tiles.COLUMN_BYTES, one_row_of_an_image)


@pytest.mark.parametrize("size", [(2, 2), (1, 3), (3, 1), (2, 3)])
def test_of_equal_taps_the_first_is_the_largest(size):
    """Row by row, as for a pool on its own."""
    n_taps = math.prod(size)
    values = np.array(list(itertools.product([0.0, 1.0], repeat=n_taps))).T  # all there are
    taps, won = values.reshape(*size, -1).copy(), np.empty((n_taps - 1, 2**n_taps), bool)
    find_largest(rounds_of(taps, won))
    np.testing.assert_array_equal(taps[0, 0], values.max(axis=0))
    taps[0, 0] = 7
    spread(rounds_of(taps, won))
    first = values.argmax(axis=0) == np.arange(n_taps)[:, None]
    np.testing.assert_array_equal(taps.reshape(n_taps, -1), 7 * first)
