"""Convolutions compared with the oracle, with loops and by hand, alone and in networks."""

import math

import numpy as np
import pytest
from _layers import DTYPES, TOLERANCE, bound, drawn, rows_shape
from _networks import ORACLE
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.signal import correlate

from skneural._engine.prediction import raw_prediction
from skneural._network.layers import conv as _conv
from skneural._network.layers.activations import ACTIVATIONS
from skneural._network.layers.batch_norm import BatchNorm
from skneural._network.layers.conv import Conv2D
from skneural._network.layers.dense import Dense
from skneural._network.layers.flatten import Flatten
from skneural._network.layers.pooling import AveragePool, GlobalAveragePool, MaxPool
from skneural._network.losses.classification import SoftmaxCrossEntropy
from skneural._network.losses.regression import HalfSquaredError
from skneural._network.network import Network


def bound_conv(layer, images, dtype=np.float64):
    """Return a layer bound for images (n, h, w, c) or signals (n, length, c)."""
    shape = images.shape[1:]
    return bound(layer, rows_shape(len(images), shape), dtype, input_shape=shape)


def as_rows(images):
    return images.reshape(-1, images.shape[-1])


def nhwc(array, dtype):
    return np.ascontiguousarray(np.moveaxis(np.array(array, dtype), 1, -1))


@DTYPES
@pytest.mark.parametrize("key", ORACLE["c_conv2d"]["cases"])
def test_oracle(key, dtype):
    table = ORACLE["c_conv2d"]
    case = table["cases"][key]
    x, dy = nhwc(table["x"], dtype), nhwc(case["grad_y"], dtype)
    settings = {name: case[name] for name in ("padding", "dilation")}
    layer = bound_conv(Conv2D(4, 3, strides=case["stride"], **settings), x, dtype)
    params, grads = layer.arrays["params"], layer.arrays["grads"]
    params["weight"][...] = np.transpose(table["w"], (2, 3, 1, 0))
    params["bias"][...] = table["b"]
    y = layer.forward(as_rows(x), training=True)
    np.testing.assert_allclose(y, as_rows(nhwc(case["y"], dtype)), **TOLERANCE[dtype])
    dx = layer.backward(as_rows(dy))
    np.testing.assert_allclose(dx, as_rows(nhwc(case["grad_x"], dtype)), **TOLERANCE[dtype])
    expected = np.transpose(case["grad_w"], (2, 3, 1, 0))
    np.testing.assert_allclose(grads["weight"], expected, **TOLERANCE[dtype])
    np.testing.assert_allclose(grads["bias"], case["grad_b"], **TOLERANCE[dtype])


def looped(x, weight, bias, strides, padding, dilation):
    """Compute a convolution with loops; `padding` is (before, after) for both axes."""
    kh, kw, _, filters = weight.shape
    padded = np.pad(x, ((0, 0), *padding, (0, 0)))
    steps = (kh - 1) * dilation[0] + 1, (kw - 1) * dilation[1] + 1
    shape = [
        (n - s) // t + 1 for n, s, t in zip(padded.shape[1:], steps, strides, strict=False)
    ]
    y = np.empty((len(x), *shape, filters))
    for i, j in np.ndindex(*shape):
        top, left = i * strides[0], j * strides[1]
        rows = slice(top, top + steps[0], dilation[0])
        columns = slice(left, left + steps[1], dilation[1])
        y[:, i, j] = np.tensordot(padded[:, rows, columns], weight, 3) + bias
    return y


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    sides=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    kernel=pairs,
    strides=pairs,
    dilation=pairs,
    padding=st.sampled_from(["valid", "same", 0, 1, 2, (0, 2), (3, 1)]),
    channels=st.integers(1, 3),
    filters=st.integers(1, 3),
)
def test_against_loops(sides, kernel, strides, dilation, padding, channels, filters):
    x = drawn((2, *sides, channels))
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    if padding == "same":  # the rule of TensorFlow
        outputs = [math.ceil(n / s) for n, s in zip(sides, strides, strict=True)]
        total = [
            max((o - 1) * s + span - n, 0)
            for o, s, span, n in zip(outputs, strides, spans, sides, strict=True)
        ]
        around = [(zeros // 2, zeros - zeros // 2) for zeros in total]
    else:
        each = 0 if padding == "valid" else padding
        each = each if isinstance(each, tuple) else (each, each)
        around = [(zeros, zeros) for zeros in each]
    sides_padded = [n + sum(zeros) for n, zeros in zip(sides, around, strict=True)]
    assume(all(n >= span for n, span in zip(sides_padded, spans, strict=True)))
    layer = bound_conv(Conv2D(filters, kernel, strides, padding, dilation), x)
    params = layer.arrays["params"]
    expected = looped(x, params["weight"], params["bias"], strides, around, dilation)
    assert layer.output_shape == expected.shape[1:]
    for _ in range(2):  # the margins of the workspace stay zero
        y = layer.forward(as_rows(x), training=True)
        np.testing.assert_allclose(y, as_rows(expected), rtol=1e-12, atol=1e-12)
        layer.backward(drawn(y.shape))


def test_against_scipy():
    x = drawn((1, 20, 30, 5))
    layer = bound_conv(Conv2D(1, (4, 7)), x)
    params = layer.arrays["params"]
    expected = correlate(x[0], params["weight"][..., 0], "valid") + params["bias"]
    y = layer.forward(as_rows(x), training=True)
    np.testing.assert_allclose(y, expected.reshape(-1, 1), rtol=1e-12)


def conv_results(x):
    """Return output and gradients of a convolution, and the size of its columns."""
    layer = bound_conv(Conv2D(3, 3, strides=2, padding=1), x)
    y = layer.forward(as_rows(x), training=True).copy()
    dx = layer.backward(drawn(y.shape)).copy()
    return [y, dx, *layer.arrays["grads"].values()], layer.columns.size


@pytest.mark.parametrize("n_bytes", [1, 1000, 10_000, 100_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_results_do_not_depend_on_chunks(n_bytes, channels, monkeypatch):
    """The limits allow for one row of an image, a few rows, a whole image, and all images."""
    x = drawn((5, 9, 8, channels))
    expected, _ = conv_results(x)
    monkeypatch.setattr(_conv, "COLUMN_BYTES", n_bytes)
    chunked, size = conv_results(x)
    assert size * 8 <= max(n_bytes, 4 * 9 * channels * 8)  # or one row of windows
    for ours, theirs in zip(chunked, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


def test_the_columns_of_a_large_image_are_bounded():
    layer = Conv2D(64, 5)
    image = np.ones((1, 220, 220, 128), np.float32)
    layer = bound_conv(layer, image, np.float32)
    one_row = 216 * 25 * 128 * 4
    assert layer.columns.nbytes <= max(1 << 20, one_row)


def test_flops_of_the_largest_product():
    """Columns of two small images fit into one product; those of a large one do not."""
    small, large = Conv2D(16, 3, padding="same"), Conv2D(64, 5)
    small.build((28, 28, 1))
    large.build((220, 220, 128))
    assert small.product_flops(2) == 2 * (2 * 28 * 28) * 9 * 16
    assert large.product_flops(1) == large.product_flops(9) == 2 * 216 * (25 * 128) * 64


X = np.array([0.5, -1.0, 2.0, 3.0, -0.5])


def signal_network(kernel, layers):
    """Return a bound network for one signal of five values."""
    layers = [Conv2D(1, len(kernel)), *layers, Flatten()]
    network = Network(layers, HalfSquaredError(), (5, 1), np.float64)
    network.init_params(np.random.default_rng(0))
    network.theta[...] = [*kernel, 0.25]
    network.bind(1)
    return network


def test_signal_by_hand():
    """o1 = w1 x1 + w2 x2 + b, o2 = w1 x2 + w2 x3 + b, ... and dL/dw_k = sum of do_i x_(i+k)."""
    w1, w2 = 2.0, -3.0
    o = [w1 * X[i] + w2 * X[i + 1] + 0.25 for i in range(4)]
    network = signal_network([w1, w2], [])
    assert network.output_shape == (4,)
    t = np.array([[1.0, 0.0, -1.0, 0.5]])
    x = X.reshape(1, 5, 1)
    np.testing.assert_allclose(raw_prediction(network, x), [o], rtol=1e-14)
    network.loss_and_grad(x, t)
    do = o - t[0]
    by_hand = [do @ X[:4], do @ X[1:], do.sum()]
    np.testing.assert_allclose(network.grad, by_hand, rtol=1e-14)


def test_signal_and_average_pool_by_hand():
    """p1 = (o1 + o2) / 2, p2 = (o3 + o4) / 2: each output has half of the slope."""
    w1, w2 = 2.0, -3.0
    o = np.array([w1 * X[i] + w2 * X[i + 1] + 0.25 for i in range(4)])
    network = signal_network([w1, w2], [AveragePool(2)])
    p, t = np.array([o[:2].mean(), o[2:].mean()]), np.array([1.0, -2.0])
    x = X.reshape(1, 5, 1)
    np.testing.assert_allclose(raw_prediction(network, x), [p], rtol=1e-14)
    network.loss_and_grad(x, t[None])
    do = np.repeat(p - t, 2) / 2
    by_hand = [do @ X[:4], do @ X[1:], do.sum()]
    np.testing.assert_allclose(network.grad, by_hand, rtol=1e-14)


def test_signal_and_max_pool_by_hand():
    """Only the larger output of a pair has a gradient."""
    w1, w2 = 2.0, -3.0  # o = 4.25, -7.75, -4.75, 7.75
    network = signal_network([w1, w2], [MaxPool(2)])
    p, t = np.array([4.25, 7.75]), np.array([1.0, -2.0])
    x = X.reshape(1, 5, 1)
    np.testing.assert_allclose(raw_prediction(network, x), [p], rtol=1e-14)
    network.loss_and_grad(x, t[None])
    dp = p - t
    by_hand = [dp[0] * X[0] + dp[1] * X[3], dp[0] * X[1] + dp[1] * X[4], dp.sum()]
    np.testing.assert_allclose(network.grad, by_hand, rtol=1e-14)


def test_signal_with_a_kernel_of_four_by_hand():
    kernel = np.array([1.0, -2.0, 0.5, 3.0])
    o = np.array([kernel @ X[:4], kernel @ X[1:]]) + 0.25
    network = signal_network(kernel, [])
    t = np.array([0.5, 1.5])
    x = X.reshape(1, 5, 1)
    np.testing.assert_allclose(raw_prediction(network, x), [o], rtol=1e-14)
    network.loss_and_grad(x, t[None])
    do = o - t
    by_hand = [*(do[0] * X[:4] + do[1] * X[1:]), do.sum()]
    np.testing.assert_allclose(network.grad, by_hand, rtol=1e-14)


def oracle_layer(name):
    """Return a layer from its name in the oracle, such as "conv2d 64@5x5"."""
    kind, *words = name.split()
    if kind == "conv2d":
        filters, size = words[0].split("@")
        return Conv2D(int(filters), tuple(map(int, size.split("x"))))
    if kind == "maxpool":
        return MaxPool(tuple(map(int, words[0].split("x"))), strides=int(words[2]))
    return Flatten() if kind == "flatten" else Dense(int(words[0]))


@pytest.mark.parametrize("key", ["net1", "net2"])
def test_layer_table(key):
    """Check shapes and numbers of parameters of two large networks, without arrays."""
    table = ORACLE["d_network_shapes"][key]
    c, *sides = table["input_CHW"]
    shape, total = (*sides, c), 0
    for row in table["layers"]:
        layer = oracle_layer(row["layer"])
        shape = layer.build(shape)
        c, *sides = row["output_shape_CHW"]
        assert shape == (*sides, c)
        n_params = sum(map(math.prod, layer.param_shapes.values()))
        assert n_params == row["params"]
        total += n_params
    assert total == table["total_params"]


@pytest.mark.parametrize("shape", [(4, 9, 2), (9, 2)])
def test_kernel_larger_than_the_image(shape):
    with pytest.raises(ValueError, match=r"Conv2D\(3, 5, .*does not fit on its input of shape"):
        Conv2D(3, 5, dilation=3).build(shape)
    assert Conv2D(3, 5, padding="same", dilation=3).build(shape) == (*shape[:-1], 3)


def test_impossible_shapes():
    with pytest.raises(ValueError, match="needs images of shape"):
        Conv2D(3, 5).build((7,))
    with pytest.raises(ValueError, match="one number for its size or one per axis"):
        Conv2D(3, (2, 2)).build((9, 2))


def test_initial_weights():
    """fan_in and fan_out of a convolution count the pixels of its kernel."""
    network = Network([Conv2D(8, (3, 5))], HalfSquaredError(), (9, 9, 1), np.float64)
    network.init_params(np.random.default_rng(0))
    (weight,), (bias,) = network.params("weight"), network.params("bias")
    limit = math.sqrt(6 / (15 * 1 + 15 * 8))
    assert 0.95 * limit < np.abs(weight).max() <= limit
    assert not bias.any()
    assert (network.n_weights, network.n_params) == (120, 128)


def test_another_geometry_is_another_network():
    """A warm start compares the descriptions of networks."""
    layers = [Conv2D(2, 3), Conv2D(2, 3, 2), Conv2D(2, 3, 1, 1), Conv2D(2, 3, 1, 0, 2)]
    layers += [MaxPool(2), MaxPool(3), MaxPool(2, 1), AveragePool(2), AveragePool(2, 1, 1)]
    layers += [AveragePool(2, 1, 1, count_padding=False)]
    assert len({repr(layer) for layer in layers}) == len(layers)


def conv_network(shape, blocks, head, loss, rng):
    layers = []
    for filters, geometry, norm, activation, pool in blocks:
        layers.append(Conv2D(filters, **geometry))
        layers += [BatchNorm(epsilon=0.1)] if norm else []
        layers += [] if pool is None else [pool()]
        layers.append(ACTIVATIONS[activation]())
    layers += [head(), Dense(3)]
    network = Network(layers, loss(), shape, np.float64)
    network.init_params(rng)
    network.theta[...] = rng.normal(0, 0.5, network.n_params)
    return network


POOLS = [
    None,
    lambda: MaxPool(2),
    lambda: MaxPool((2, 3), strides=1, padding=(0, 1)),
    lambda: MaxPool(3, strides=2, padding=1),
    lambda: AveragePool(2, padding=1),
    lambda: AveragePool(3, strides=2, padding=1, count_padding=False),
]
blocks = st.tuples(
    st.integers(1, 3),
    st.fixed_dictionaries(
        {
            "kernel_size": pairs,
            "strides": st.sampled_from([1, 1, 2, (1, 2), (2, 1)]),
            "padding": st.sampled_from(["same", "valid", 1, (2, 1)]),
            "dilation": st.sampled_from([1, 1, 2]),
        }
    ),
    st.booleans(),
    st.sampled_from(["tanh", "relu", "softplus"]),
    st.sampled_from(POOLS),
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    n_images=st.integers(2, 5),
    shape=st.tuples(st.integers(6, 10), st.integers(6, 10), st.integers(1, 3)),
    blocks=st.lists(blocks, min_size=1, max_size=2),
    head=st.sampled_from([Flatten, GlobalAveragePool]),
    loss=st.sampled_from([HalfSquaredError, SoftmaxCrossEntropy]),
    weighted=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_gradient_of_drawn_networks(n_images, shape, blocks, head, loss, weighted, seed):
    rng = np.random.default_rng(seed)
    try:
        network = conv_network(shape, blocks, head, loss, rng)
    except ValueError:
        assume(False)
    x = rng.normal(size=(n_images, *shape))
    y = np.eye(3)[rng.integers(0, 3, n_images)]
    weight = rng.uniform(0.1, 3, n_images) if weighted else None
    network.bind(n_images + 2)
    network.loss_and_grad(x, y, weight, alpha=0.1)
    direction = rng.normal(size=network.n_params)
    direction /= np.linalg.norm(direction)
    analytic = network.grad @ direction
    start, errors = network.theta.copy(), []
    # a kink of relu or max may lie between two points, hardly between both pairs
    for step in (1e-5, 1e-6):
        losses = []
        for sign in (1, -1):
            network.theta[...] = start + sign * step * direction
            losses.append(network.loss_and_grad(x, y, weight, alpha=0.1))
        numeric = (losses[0] - losses[1]) / (2 * step)
        errors.append(abs(analytic - numeric) / max(1.0, abs(analytic)))
    assert min(errors) < 1e-6


def test_predictions_do_not_depend_on_how_many_come_together():
    rng = np.random.default_rng(0)
    block = (4, {"kernel_size": 3}, True, "relu", POOLS[1])
    network = conv_network((12, 12, 1), [block], Flatten, HalfSquaredError, rng)
    x = drawn((150, 12, 12, 1))
    together = raw_prediction(network, x)
    for rows in (slice(0, 1), slice(7, 90)):
        np.testing.assert_allclose(raw_prediction(network, x[rows]), together[rows], rtol=1e-12)


@pytest.mark.parametrize("strides", [1, 2])
def test_every_batch_counts_by_itself_wherever_it_lies(strides):
    """A bound network is used for batches of other rows and sizes, at other addresses."""
    layers = [Conv2D(4, 3, padding="same"), MaxPool(2), ACTIVATIONS["relu"]()]
    layers += [Conv2D(3, 3, strides=strides, padding=1), MaxPool(2, 1, 1), AveragePool(2)]
    layers += [Flatten(), Dense(3)]
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 10, 10, 1)), np.eye(3)[rng.integers(0, 3, 40)]
    room = X[:9].copy()

    def network():
        network = Network(layers, SoftmaxCrossEntropy(), (10, 10, 1), np.float64)
        network.init_params(np.random.default_rng(1))
        network.bind(9)
        return network

    kept = network()
    parts = [(0, 9, 1), (9, 9, 1), (18, 4, 1), (22, 9, 1), (4, 9, 0), (31, 4, 1)]
    for start, n, copied in parts * 2:
        rows = x = X[start : start + n]
        if copied:
            x = room[:n]
            x[...] = rows
        new = network()
        loss = kept.loss_and_grad(x, y[start : start + n])
        assert loss == new.loss_and_grad(rows.copy(), y[start : start + n])
        np.testing.assert_array_equal(kept.grad, new.grad)
