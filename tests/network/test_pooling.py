"""Pooling layers compared with the oracle and with loops; ties and padding."""

import numpy as np
import pytest
from _layers import DTYPES, TOLERANCE, bound, drawn, rows_shape
from _networks import ORACLE
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from skneural._network.layers import pooling as _pooling
from skneural._network.layers.pooling import AveragePool, GlobalAveragePool, MaxPool

TABLE = ORACLE["c_pool2d"]


def nhwc(array, dtype=np.float64):
    return np.ascontiguousarray(np.moveaxis(np.array(array, dtype), 1, -1))


def pooled(layer, x, dy=None):
    """Return output and input gradient of a pooling layer on images (n, h, w, c)."""
    shape = x.shape[1:]
    layer = bound(layer, rows_shape(len(x), shape), x.dtype, input_shape=shape)
    y = layer.forward(x.reshape(-1, shape[-1]), training=True).copy()
    y = y.reshape(len(x), *layer.output_shape)
    dy = drawn(y.shape) if dy is None else dy
    dx = layer.backward(dy.reshape(-1, shape[-1]).copy())
    return y, dx.reshape(x.shape)


@DTYPES
@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize("key", sorted(TABLE["max"].keys() | TABLE["avg"].keys()))
def test_oracle(kind, key, dtype):
    if key not in TABLE[kind]:
        assert key.endswith("excludepad")  # a matter of averages alone
        return
    case = TABLE[kind][key]
    geometry = case["kernel"], case["stride"], case["padding"]
    layer = (
        MaxPool(*geometry)
        if kind == "max"
        else AveragePool(*geometry, count_padding=case["count_include_pad"])
    )
    y, dx = pooled(layer, nhwc(TABLE["x"], dtype), nhwc(case["grad_y"], dtype))
    np.testing.assert_allclose(y, nhwc(case["y"]), **TOLERANCE[dtype])
    np.testing.assert_allclose(dx, nhwc(case["grad_x"]), **TOLERANCE[dtype])


@DTYPES
def test_global_average_oracle(dtype):
    case = TABLE["global_avg"]
    x = nhwc(TABLE["x"], dtype)
    y, dx = pooled(GlobalAveragePool(), x, np.array(case["grad_y"], dtype).reshape(2, 3))
    np.testing.assert_allclose(y, np.reshape(case["y"], (2, 3)), **TOLERANCE[dtype])
    np.testing.assert_allclose(dx, nhwc(case["grad_x"]), **TOLERANCE[dtype])


def test_ties_of_the_oracle():
    case = TABLE["max_ties_k2_stride2"]
    y, dx = pooled(MaxPool(2), nhwc(case["x"]), nhwc(case["grad_y"]))
    np.testing.assert_array_equal(y, nhwc(case["y"]))
    np.testing.assert_array_equal(dx, nhwc(case["grad_x"]))


def test_a_window_of_257_pixels_remembers_its_last_one():
    """Positions of maxima are stored in the smallest dtype that can count the pixels."""
    x = np.zeros((1, 257, 1))
    x[0, -1] = 1
    _, dx = pooled(MaxPool(257), x)
    assert np.flatnonzero(dx).tolist() == [256]


def looped(x, dy, size, strides, padding):
    """Compute max pooling with loops: the first maximum of a window, row by row."""
    around = [(p, p) for p in padding]
    padded = np.pad(x, ((0, 0), *around, (0, 0)), constant_values=-np.inf)
    dx, y = np.zeros_like(padded), np.empty_like(dy)
    for n, i, j, c in np.ndindex(*dy.shape):
        top, left = i * strides[0], j * strides[1]
        window = padded[n, top : top + size[0], left : left + size[1], c]
        row, column = divmod(int(window.argmax()), size[1])
        y[n, i, j, c] = window[row, column]
        dx[n, top + row, left + column, c] += dy[n, i, j, c]
    (top, left), (h, w) = padding, x.shape[1:3]
    return y, dx[:, top : top + h, left : left + w]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    sides=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    size=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    strides=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    n_values=st.sampled_from([1, 2, 3, 1000]),
    seed=st.integers(0, 2**32 - 1),
)
def test_max_pool_against_loops(sides, size, strides, padding, n_values, seed):
    """A small number of different values gives many ties."""
    assume(all(2 * p <= k for p, k in zip(padding, size, strict=True)))
    assume(all(n + 2 * p >= k for n, p, k in zip(sides, padding, size, strict=True)))
    rng = np.random.default_rng(seed)
    x = rng.integers(-n_values, n_values, (2, *sides, 3)).astype(float)
    layer = MaxPool(size, strides, padding)
    output_shape = layer.build(x.shape[1:])
    dy = rng.normal(size=(2, *output_shape))
    expected_y, expected_dx = looped(x, dy, size, strides, padding)
    y, dx = pooled(layer, x, dy)
    np.testing.assert_array_equal(y, expected_y)
    np.testing.assert_allclose(dx, expected_dx, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n_bytes", [1, 3000])
@pytest.mark.parametrize(
    "make",
    [
        lambda: MaxPool(2),
        lambda: MaxPool(3, strides=2, padding=1),
        lambda: AveragePool(3, strides=2, padding=1, count_padding=False),
    ],
)
def test_results_do_not_depend_on_how_many_images_are_pooled_at_once(
    make, n_bytes, monkeypatch
):
    x = drawn((7, 6, 8, 3))
    expected = pooled(make(), x)
    monkeypatch.setattr(_pooling, "_CHUNK_BYTES", n_bytes)
    for ours, theirs in zip(pooled(make(), x), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_an_activation_may_write_on_the_output():
    """The backward pass must not read the array that the forward pass returned."""
    x, dy = drawn((2, 4, 4, 3)), drawn((2 * 2 * 2, 3))
    layer = bound(MaxPool(2), (32, 3), input_shape=(4, 4, 3))
    gradients = []
    for spoil in (False, True):
        y = layer.forward(x.reshape(-1, 3), training=True)
        if spoil:
            y[...] = np.nan
        gradients.append(layer.backward(dy.copy()).copy())
    np.testing.assert_array_equal(*gradients)


def test_signals():
    x = np.array([3.0, 1.0, 4.0, 1.0, 5.0]).reshape(1, 5, 1)
    assert pooled(MaxPool(2), x)[0].ravel().tolist() == [3, 4]
    assert pooled(MaxPool(2, strides=1), x)[0].ravel().tolist() == [3, 4, 4, 5]
    assert pooled(AveragePool(2), x)[0].ravel().tolist() == [2, 2.5]
    assert pooled(GlobalAveragePool(), x)[0].item() == pytest.approx(2.8)


@pytest.mark.parametrize("pool", [MaxPool, AveragePool])
def test_impossible_pools(pool):
    with pytest.raises(ValueError, match=rf"{pool.__name__}\(4, .*does not fit on its input"):
        pool(4).build((8, 3, 2))
    with pytest.raises(ValueError, match="padding must be at most half of pool_size"):
        pool(2, padding=2).build((8, 8, 2))
