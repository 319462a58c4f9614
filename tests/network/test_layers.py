"""Layers: tests of all of them, and of batch normalization, dropout and noise."""

import math
import tracemalloc

import numpy as np
import pytest
from _layers import DTYPES, TOLERANCE, bound, drawn, rows_shape
from _networks import ORACLE
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from skneural._engine.prediction import raw_prediction
from skneural._network.layers.activations import ACTIVATIONS
from skneural._network.layers.batch_norm import BatchNorm
from skneural._network.layers.conv import Conv2D
from skneural._network.layers.dense import Dense
from skneural._network.layers.dropout import Dropout
from skneural._network.layers.embedding import Embedding
from skneural._network.layers.flatten import Flatten
from skneural._network.layers.noise import GaussianNoise
from skneural._network.layers.pooling import AveragePool, GlobalAveragePool, MaxPool
from skneural._network.losses.regression import HalfSquaredError
from skneural._network.network import Network
from skneural._network.philox import Draws

LAYERS = {
    "dense": lambda: Dense(5),
    **ACTIVATIONS,
    "batch_norm": BatchNorm,
    "dropout": lambda: Dropout(0.4),
    "no_dropout": lambda: Dropout(0.0),
    "noise": lambda: GaussianNoise(0.5),
    "no_noise": lambda: GaussianNoise(0.0),
    "conv": lambda: Conv2D(4, 3, padding="same"),
    "conv_of_one_channel": lambda: Conv2D(4, (2, 3), strides=2, padding=1),
    "conv_of_signals": lambda: Conv2D(4, 3, dilation=2),
    "max_pool": MaxPool,
    "overlapping_max_pool": lambda: MaxPool(3, strides=2, padding=1),
    "average_pool": AveragePool,
    "overlapping_average_pool": lambda: AveragePool(3, 2, 1, count_padding=False),
    "global_average_pool": GlobalAveragePool,
    "flatten": Flatten,
    "embedding": lambda: Embedding([(2, 3), (2, 0), (1, 4)]),
    "relu_of_images": ACTIVATIONS["relu"],
    "batch_norm_of_images": BatchNorm,
}
IMAGES = ("pool", "conv", "flatten", "images")
INPUT_SHAPES = {name: (6, 4, 3) for name in LAYERS if name.endswith(IMAGES)}
INPUT_SHAPES |= {"conv_of_one_channel": (6, 4, 1), "conv_of_signals": (9, 3)}
EVERY_LAYER = pytest.mark.parametrize("name", LAYERS)


def make(name, n_samples, dtype=np.float64, draws=None, **kwargs):
    """Return a layer of the table, bound for this number of samples."""
    layer, shape = LAYERS[name](), INPUT_SHAPES.get(name, (6,))
    return bound(layer, rows_shape(n_samples, shape), dtype, draws, input_shape=shape, **kwargs)


def x_shape(name, n_samples):
    return rows_shape(n_samples, INPUT_SHAPES.get(name, (6,)))


@DTYPES
@EVERY_LAYER
def test_shape_and_dtype(name, dtype):
    layer = make(name, 8, dtype, Draws(0))
    for n_samples in (8, 3, 1, 8):
        x = drawn(x_shape(name, n_samples), dtype)
        y_shape = rows_shape(n_samples, layer.output_shape)
        y = layer.forward(x.copy(), training=True)
        assert y.shape == y_shape
        assert y.dtype == dtype
        dx = layer.backward(drawn(y.shape, dtype))
        if name == "embedding":  # always the first layer, which needs no gradient for x
            assert dx is None
        else:
            assert dx.shape == x.shape
            assert dx.dtype == dtype
        for array in layer.arrays["grads"].values():
            assert np.isfinite(array).all()
        y = layer.forward(x, training=False)
        assert y.shape == y_shape
        assert y.dtype == dtype


def test_an_embedding_needs_its_columns():
    with pytest.raises(ValueError, match=r"needs a column for each table, got 2 columns"):
        Embedding([(2, 3), (2, 0), (1, 4)]).build((2,))


@DTYPES
@EVERY_LAYER
def test_nothing_is_random_or_learnt_when_predicting(name, dtype):
    x = drawn(x_shape(name, 7), dtype)
    layer = make(name, 8, dtype, Draws(0))
    state = {key: array.copy() for key, array in layer.arrays["state"].items()}
    y = layer.forward(x.copy(), training=False).copy()
    np.testing.assert_array_equal(y, layer.forward(x.copy(), training=False))
    assert layer.arrays["state"].keys() == state.keys()
    for key, array in state.items():
        np.testing.assert_array_equal(array, layer.arrays["state"][key])
    without_draws = make(name, 8, dtype, predicting=True)
    np.testing.assert_array_equal(y, without_draws.forward(x.copy(), training=False))
    if name in ("dropout", "no_dropout", "noise", "no_noise"):
        np.testing.assert_array_equal(y, x)


@EVERY_LAYER
def test_both_dtypes_see_the_same_draws(name):
    outputs = []
    for dtype in (np.float64, np.float32):
        layer = make(name, 8, dtype, Draws(3))
        for n_samples in (8, 5, 8):
            x = drawn(x_shape(name, n_samples), np.float32)
            y = layer.forward(x.astype(dtype), training=True)
        outputs.append(y.copy())
    np.testing.assert_allclose(*outputs, rtol=1e-5, atol=1e-5)


@EVERY_LAYER
def test_a_layer_writes_on_its_input_only_where_activations_do(name):
    x = drawn(x_shape(name, 8))
    given = x.copy()
    layer = make(name, 8, draws=Draws(0))
    for training in (True, False):
        layer.forward(given, training=training)
        if name not in ACTIVATIONS and name != "relu_of_images":
            np.testing.assert_array_equal(given, x)


@DTYPES
@EVERY_LAYER
def test_nothing_of_a_batchs_size_is_allocated_after_the_first(name, dtype):
    # Ufuncs that broadcast or cast use a buffer of 8,192 elements: the batch is larger.
    input_shape = INPUT_SHAPES.get(name, (64,))
    most = 2**17 // math.prod(input_shape)
    shape = rows_shape(most, input_shape)
    layer = Dense(64) if name == "dense" else LAYERS[name]()
    layer = bound(layer, shape, dtype, Draws(0), input_shape=input_shape)
    x, dy = drawn(shape, dtype), drawn(rows_shape(most, layer.output_shape), dtype)
    work_x, work_dy = np.empty_like(x), np.empty_like(dy)

    def batch(n_samples):
        n_rows, n_outputs = n_samples * len(x) // most, n_samples * len(dy) // most
        work_x[:n_rows], work_dy[:n_outputs] = x[:n_rows], dy[:n_outputs]
        layer.forward(work_x[:n_rows], training=True)
        layer.backward(work_dy[:n_outputs])
        layer.forward(work_x[:n_rows], training=False)

    batch(most)
    for n_samples in (most, most - 48):
        tracemalloc.start()
        batch(n_samples)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < x.nbytes / 4


def pixel_rows(array, dtype):
    """Return images (n, c, h, w) of the oracle, or vectors, as rows."""
    array = np.array(array, dtype)
    return np.moveaxis(array, 1, -1).reshape(-1, array.shape[1])


@DTYPES
@pytest.mark.parametrize("key", ["2d_N_F", "4d_N_C_H_W"])
def test_batch_norm_oracle(key, dtype):
    table = ORACLE["c_batchnorm"]
    case = table[key]
    x = pixel_rows(case["x"], dtype)
    layer = bound(BatchNorm(table["momentum"], table["eps"]), x.shape, dtype)
    params, state, grads = (layer.arrays[kind] for kind in ("params", "state", "grads"))
    params["scale"][...], params["shift"][...] = case["gamma"], case["beta"]
    state["mean"][...], state["variance"][...] = 0, 1
    y = layer.forward(x, training=True)
    np.testing.assert_allclose(y, pixel_rows(case["y"], dtype), **TOLERANCE[dtype])
    y[...] = np.nan  # an activation may write on it
    dx = layer.backward(pixel_rows(case["grad_y"], dtype))
    np.testing.assert_allclose(dx, pixel_rows(case["grad_x"], dtype), **TOLERANCE[dtype])
    np.testing.assert_allclose(grads["scale"], case["grad_gamma"], **TOLERANCE[dtype])
    np.testing.assert_allclose(grads["shift"], case["grad_beta"], **TOLERANCE[dtype])
    np.testing.assert_allclose(state["mean"], case["running_mean_after"], **TOLERANCE[dtype])
    np.testing.assert_allclose(
        state["variance"], case["running_var_after_unbiased"], **TOLERANCE[dtype]
    )
    predicted = layer.forward(x, training=False)
    np.testing.assert_allclose(predicted, pixel_rows(case["eval_y"], dtype), **TOLERANCE[dtype])


def test_batch_norm_starts_from_the_identity():
    network = Network([BatchNorm(epsilon=0.0)], HalfSquaredError(), (3,), np.float64)
    network.init_params(np.random.default_rng(0))
    assert (network.n_params, network.n_weights, network.n_state) == (6, 0, 6)
    x = drawn((4, 3))
    np.testing.assert_array_equal(raw_prediction(network, x), x)


def test_batch_norm_has_the_constants_of_pytorch():
    """A feature that hardly varies tests epsilon, and the running mean tests momentum."""
    layer = bound(BatchNorm(), (4, 3))
    layer.arrays["params"]["scale"][...], layer.arrays["params"]["shift"][...] = 1, 0
    layer.arrays["state"]["mean"][...] = 0
    y = layer.forward(np.full((4, 3), 2.0) + 1e-3 * drawn((4, 1)), training=True)
    variance = 1e-6 * drawn((4, 1)).var()
    assert y.std() == pytest.approx(np.sqrt(variance / (variance + 1e-5)), rel=1e-6)
    assert layer.arrays["state"]["mean"] == pytest.approx(0.2, rel=1e-2)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_says_whether_it_ever_falls_and_is_ever_negative(name):
    layer = bound(ACTIVATIONS[name](), (801, 1))
    y = layer.forward(np.linspace(-4, 4, 801)[:, None], training=False)
    assert layer.never_falls == (np.diff(y, axis=0) >= 0).all()
    assert layer.never_negative == (y >= 0).all()


def test_flops_of_a_dense_layer():
    dense = Dense(10)
    dense.build((7,))
    assert dense.product_flops(3) == 2 * 3 * 7 * 10


@pytest.mark.parametrize(
    "name", ["dense", "embedding", "batch_norm", "conv", "max_pool", "average_pool"]
)
def test_the_gradient_for_x_is_left_out_if_nobody_asks(name):
    layer = make(name, 4)
    y = layer.forward(drawn(x_shape(name, 4)), training=True)
    assert layer.backward(drawn(y.shape), need_dx=False) is None


def test_batch_norm_of_one_row_and_of_equal_rows():
    layer = bound(BatchNorm(), (4, 3))
    before = {key: array.copy() for key, array in layer.arrays["state"].items()}
    for n_rows in (1, 4):
        y = layer.forward(np.full((n_rows, 3), 7.0), training=True)
        np.testing.assert_array_equal(y, [layer.arrays["params"]["shift"]] * n_rows)
        if n_rows == 1:
            assert not layer.backward(np.ones((1, 3))).any()
            for key, array in before.items():
                np.testing.assert_array_equal(array, layer.arrays["state"][key])
    expected = 0.9 * before["mean"] + 0.1 * 7
    np.testing.assert_allclose(layer.arrays["state"]["mean"], expected, rtol=1e-14)


def test_batch_norm_of_a_feature_far_from_zero():
    """The variance is computed from centered values, so nothing cancels in float32."""
    x = (1000 + drawn((64, 4))).astype(np.float32)
    layer = bound(BatchNorm(epsilon=0.0), x.shape, np.float32)
    layer.arrays["params"]["scale"][...], layer.arrays["params"]["shift"][...] = 1, 0
    y = layer.forward(x, training=True)
    exact = x.astype(np.float64)
    exact = (exact - exact.mean(axis=0)) / exact.std(axis=0)
    np.testing.assert_allclose(y, exact, atol=1e-4)


@DTYPES
@pytest.mark.parametrize("case", ORACLE["c_dropout_inverted"]["cases"].values())
def test_dropout_oracle(case, dtype):
    x = np.array(ORACLE["c_dropout_inverted"]["x"], dtype)
    n_draws, rate = 20_000, case["p_drop"]
    x_rows = np.tile(x, (n_draws, 1))
    layer = bound(Dropout(rate), x_rows.shape, dtype, Draws(0))
    y = layer.forward(x_rows, training=True).copy()
    dx = layer.backward(np.ones_like(y))
    scale = dtype(case["scale_of_kept"])
    # kept units are scaled exactly, and their gradients are; the others are zero
    kept = dx != 0
    np.testing.assert_array_equal(dx, np.where(kept, scale, 0))
    np.testing.assert_array_equal(y, np.where(kept, x * scale, 0))
    assert kept.all() if rate == 0 else 0 < kept.mean() < 1
    error = np.abs(y.mean(axis=0, dtype=np.float64) - case["expected_mean"])
    bound_of_error = 5 * np.sqrt(np.array(case["expected_var"]) / n_draws)
    assert (error <= bound_of_error + 1e-12).all()
    share, deviation = kept.mean(), np.sqrt(rate * (1 - rate) / kept.size)
    assert abs(share - (1 - rate)) <= 5 * deviation
    np.testing.assert_array_equal(layer.forward(x_rows, training=False), x_rows)


def test_every_batch_drops_other_units():
    draws = Draws(0)
    layer = bound(Dropout(0.5), (20, 30), draws=draws)
    x = np.ones((20, 30))
    first = layer.forward(x, training=True).copy()
    draws.step = 1
    assert (first != layer.forward(x, training=True)).mean() == pytest.approx(0.5, abs=0.1)


@DTYPES
def test_noise_has_the_deviation_asked_for(dtype):
    x = drawn((4000, 5), dtype)
    layer = bound(GaussianNoise(0.3), x.shape, dtype, Draws(0))
    noise = layer.forward(x, training=True) - x
    assert abs(noise.mean()) < 5 * 0.3 / np.sqrt(x.size)
    assert noise.std() == pytest.approx(0.3, rel=5 / np.sqrt(2 * x.size))
    dy = drawn(x.shape, dtype)
    np.testing.assert_array_equal(layer.backward(dy.copy()), dy)


def test_noise_needs_dense_input():
    x = sparse.csr_array(np.eye(4))
    layer = bound(GaussianNoise(0.3), x.shape, draws=Draws(0))
    with pytest.raises(ValueError, match=r"input_noise=0\.3 needs dense input"):
        layer.forward(x, training=True)
    assert layer.forward(x, training=False) is x
    assert bound(GaussianNoise(0.0), x.shape).forward(x, training=True) is x


def regularized_network(sizes, activation, epsilon, rate, std, rng):
    layers = [GaussianNoise(std)]
    for units in sizes[1:-1]:
        layers += [Dense(units), BatchNorm(epsilon=epsilon), ACTIVATIONS[activation]()]
        layers.append(Dropout(rate))
    layers.append(Dense(sizes[-1]))
    network = Network(layers, HalfSquaredError(), (sizes[0],), np.float64)
    network.init_params(rng)
    network.theta[...] = rng.normal(0, 0.5, network.n_params)
    return network


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    n_rows=st.integers(2, 8),
    hidden=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    activation=st.sampled_from(sorted(set(ACTIVATIONS) - {"relu", "leaky_relu"})),
    epsilon=st.sampled_from([1e-3, 1.0]),  # at 1e-5, steps may exceed a deviation
    rate=st.sampled_from([0.0, 0.5]),
    std=st.sampled_from([0.0, 0.2]),
    alpha=st.sampled_from([0.0, 0.3]),
    seed=st.integers(0, 2**32 - 1),
)
def test_gradient_of_drawn_networks(
    n_rows, hidden, activation, epsilon, rate, std, alpha, seed
):
    rng = np.random.default_rng(seed)
    network = regularized_network((3, *hidden, 2), activation, epsilon, rate, std, rng)
    x, y = rng.normal(size=(n_rows, 3)), rng.normal(size=(n_rows, 2))
    network.bind(10, Draws(seed))  # one step: the same units are dropped every time
    start = network.theta.copy()

    def loss_at(theta):
        network.theta[...] = theta
        return network.loss_and_grad(x, y, alpha=alpha)

    direction = rng.normal(size=network.n_params)
    direction /= np.linalg.norm(direction)
    loss_at(start)
    analytic, step = network.grad @ direction, 1e-5 * direction
    numeric = (loss_at(start + step) - loss_at(start - step)) / 2e-5
    assert abs(analytic - numeric) / max(1.0, abs(analytic)) < 1e-6
