"""Convolutional estimators: input formats, layers of the blocks, and parity with an MLP."""

import numpy as np
import pandas as pd
import pytest
from _convnets import FLAT, IMAGES, SIGNALS, X, Y, classifier, regressor, theta
from scipy import sparse

from skneural import ConvNetClassifier, MLPClassifier, MLPRegressor
from skneural._network.layers.activations import ACTIVATIONS
from skneural._network.layers.conv import Conv2D
from skneural._network.layers.dense import Dense
from skneural._network.layers.flatten import Flatten
from skneural._network.layers.pooling import AveragePool, MaxPool
from skneural._network.losses.regression import HalfSquaredError
from skneural._network.network import Network

BOTH = pytest.mark.parametrize("make", [classifier, regressor])


def memory_map(array, path):
    np.save(path / "x.npy", array)
    return np.load(path / "x.npy", mmap_mode="r")


def spread(array):
    """Return the same numbers as every other element of a larger array."""
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]))
    wide[..., ::2] = array
    return wide[..., ::2]


FORMS = {
    "without channels": lambda path: IMAGES,
    "flat": lambda path: FLAT,
    "lists": lambda path: X.tolist(),
    "lists without channels": lambda path: IMAGES.tolist(),
    "list of arrays": lambda path: list(X),
    "frame of flat rows": lambda path: pd.DataFrame(FLAT),
    "CSR": lambda path: sparse.csr_array(FLAT),
    "CSC matrix": lambda path: sparse.csc_matrix(FLAT),
    "memory map": lambda path: memory_map(X, path),
    "flat memory map": lambda path: memory_map(FLAT, path),
    "Fortran order": lambda path: np.asfortranarray(X),
    "flat, Fortran order": lambda path: np.asfortranarray(FLAT),
    "every other pixel": lambda path: spread(IMAGES),
    "flat, every other": lambda path: spread(FLAT),
    "backwards": lambda path: np.ascontiguousarray(X[:, ::-1, ::-1])[:, ::-1, ::-1],
    "big-endian": lambda path: X.astype(">f8"),
    "read-only": lambda path: np.frombuffer(X.tobytes()).reshape(X.shape),
}


@BOTH
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_same_images_in_another_form_give_the_same_bits(make, form, shuffle, tmp_path):
    same = form(tmp_path)
    usual = make(shuffle=shuffle).fit(X, Y)
    own = make(shuffle=shuffle, input_shape=(6, 6, 1)).fit(same, Y)
    assert (own.input_shape_, own.n_features_in_) == ((6, 6, 1), 36)
    np.testing.assert_array_equal(theta(own), theta(usual))
    np.testing.assert_array_equal(own.predict(same), usual.predict(X))
    np.testing.assert_array_equal(usual.predict(same), usual.predict(X))
    np.testing.assert_array_equal(
        theta(own.partial_fit(same, Y)), theta(usual.partial_fit(X, Y))
    )


@BOTH
def test_signals_have_their_shape_or_come_as_flat_rows(make):
    own = make(input_shape=(12, 2)).fit(SIGNALS, Y)
    assert own.input_shape_ == (12, 2)
    assert [coef.shape for coef in own.coefs_[:2]] == [(3, 2, 3), (3, 3, 4)]
    of_rows = make(input_shape=[12, 2]).fit(SIGNALS.reshape(45, 24), Y)
    np.testing.assert_array_equal(theta(of_rows), theta(own))
    np.testing.assert_array_equal(own.predict(SIGNALS.reshape(45, 24)), own.predict(SIGNALS))
    # (n, 12, 2) without input_shape are images of one channel
    with pytest.warns(UserWarning, match=r"signals of 12 steps"):
        assert make(pool=None).fit(SIGNALS, Y).input_shape_ == (12, 2, 1)


@BOTH
def test_flat_rows_without_input_shape_are_signals_of_one_channel(make):
    own = make().fit(FLAT, Y)
    assert own.input_shape_ == (36, 1)
    for shape in (36, (36,), (36, 1), np.array([36, 1])):
        told = make(input_shape=shape).fit(FLAT, Y)
        np.testing.assert_array_equal(theta(told), theta(own))
    with_channel = make(input_shape=(36, 1)).fit(FLAT[..., None], Y)
    np.testing.assert_array_equal(theta(with_channel), theta(own))


@BOTH
@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_short_flat_rows_are_pooled_no_further_than_they_are_long(make, length):
    own = make((3, 4, 5)).fit(FLAT[:, :length], Y)
    shapes = [row.output_shape for row in own.summary().rows]
    assert shapes[-4] == (1, 5)
    assert np.isfinite(own.predict(FLAT[:, :length])).all()


@BOTH
@pytest.mark.parametrize("channels", [2, 3])
def test_images_of_several_channels(make, channels):
    rng = np.random.default_rng(1)
    colours = rng.normal(size=(45, 5, 7, channels))
    own = make().fit(colours, Y)
    assert own.input_shape_ == (5, 7, channels)
    assert own.coefs_[0].shape == (3, 3, channels, 3)
    np.testing.assert_array_equal(own.predict(colours.reshape(45, -1)), own.predict(colours))


@BOTH
def test_images_of_bytes_become_float32(make):
    pixels = np.random.default_rng(0).integers(0, 9, (45, 6, 6), dtype=np.uint8)
    own = make().fit(pixels, Y)
    assert own.network_.dtype == np.float32
    of_floats = make().fit(pixels.astype(np.float32), Y)
    np.testing.assert_array_equal(theta(own), theta(of_floats))
    assert make(dtype="float64").fit(pixels, Y).predict(pixels).dtype != np.float32


@BOTH
def test_float32_and_float64_are_one_network(make):
    single, double = make().fit(X.astype(np.float32), Y), make().fit(X, Y)
    assert (theta(single).dtype, theta(double).dtype) == (np.float32, np.float64)
    np.testing.assert_allclose(theta(single), theta(double), rtol=1e-3, atol=1e-5)


# -------------------------------------------------------------------------------- blocks


def test_a_stack_of_blocks():
    """conv 9x9 - ReLU - conv 7x7 stride 2 - conv 5x5 - ReLU - max pool - conv 3x3 stride 2."""
    images = np.random.default_rng(0).normal(size=(6, 20, 20, 1))
    own = ConvNetClassifier(
        (2, 3, 4, 5),
        kernel_size=(9, 7, 5, 3),
        strides=(1, 2, 1, 2),
        activation=("relu", "identity", "relu", "identity", "tanh"),
        pool=(None, None, "max", None),
        hidden_layer_sizes=(7,),
        max_iter=1,
        patience=None,
    ).fit(images, np.arange(6) % 2)
    assert [coef.shape for coef in own.coefs_] == [
        *((9, 9, 1, 2), (7, 7, 2, 3), (5, 5, 3, 4), (3, 3, 4, 5), (45, 7), (7, 1)),
    ]
    assert [(row.name, row.output_shape) for row in own.summary().rows[1:]] == [
        ("Conv2D 2 of 9x9, ReLU", (20, 20, 2)),
        ("Conv2D 3 of 7x7, strides 2x2, Identity", (10, 10, 3)),
        ("Conv2D 4 of 5x5", (10, 10, 4)),
        ("MaxPool 2x2, strides 2x2, ReLU", (5, 5, 4)),
        ("Conv2D 5 of 3x3, strides 2x2, Identity", (3, 3, 5)),
        ("Flatten", (45,)),
        ("Dense 7, Tanh", (7,)),
        ("Dense 1", (1,)),
    ]


@pytest.mark.parametrize(
    ("params", "shapes"),
    [
        ({"kernel_size": ((3, 5), (3, 3)), "padding": "valid", "pool": None},
         [(4, 3, 3), (2, 1, 4)]),
        ({"kernel_size": np.array([[3, 5], [1, 2]]), "padding": "valid", "pool": None},
         [(4, 3, 3), (4, 2, 4)]),
        ({"dilation": 2, "padding": "valid", "pool": None, "kernel_size": 2},
         [(4, 5, 3), (2, 3, 4)]),
        ({"dilation": ((1, 3), (2, 1)), "padding": "valid", "pool": None, "kernel_size": 2},
         [(5, 4, 3), (3, 3, 4)]),
        ({"padding": (2, (0, 1)), "pool": None}, [(8, 9, 3), (6, 9, 4)]),
        ({"padding": ("same", "valid"), "pool": None}, [(6, 7, 3), (4, 5, 4)]),
        ({"strides": (2, (1, 3)), "pool": None}, [(3, 4, 3), (3, 2, 4)]),
        ({"pool": "average"}, [(3, 3, 3), (1, 1, 4)]),
        ({"pool": ("average", "global_average")}, [(3, 3, 3), (4,)]),
        ({"pool_size": np.int64(3)}, [(2, 2, 3), None]),
        ({"pool_size": (3, 2), "pool_strides": (1, None)}, [(4, 5, 3), (2, 2, 4)]),
        ({"pool_size": ((1, 3), 2), "pool_strides": ((2, 1), 1)}, [(3, 5, 3), (2, 4, 4)]),
    ],
    ids=str,
)  # fmt: skip
def test_shapes_of_blocks(params, shapes):
    """Images have (6, 7) pixels; the expected shapes after each block are computed by hand."""
    images = np.random.default_rng(0).normal(size=(8, 6, 7, 1))
    if shapes[1] is None:
        with pytest.raises(ValueError, match=r"MaxPool.* does not fit on its input"):
            classifier(**params).fit(images, Y[:8])
        params, shapes = {**params, "filters": 3}, shapes[:1]
    own = classifier(**params).fit(images, Y[:8])
    rows = [row.output_shape for row in own.summary().rows]
    assert [shape for shape in shapes if shape not in rows] == []
    assert own.coefs_[len(shapes)].shape[0] == np.prod(shapes[-1])
    assert np.isfinite(own.predict_proba(images)).all()


def test_a_network_without_blocks_is_dense():
    own = classifier(()).fit(X, Y)
    assert [coef.shape for coef in own.coefs_] == [(36, 6), (6, 3)]


def test_numbers_of_numpy_make_the_same_network():
    plain = classifier(kernel_size=(3, 5), pool_size=2, strides=1, warm_start=True)
    plain.fit(X, Y)
    plain.set_params(
        kernel_size=np.array([3, 5]), pool_size=np.int64(2), strides=np.array([1, 1]),
        padding=np.array(["same", "same"]), pool=np.str_("max"),
        filters=np.array([3, 4]), input_shape=np.array([6, 6, 1]),
    )  # fmt: skip
    assert plain.fit(X, Y).n_iter_ == 4


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("pool", ["max", "average"])
def test_pooling_first_gives_what_pooling_last_gives(activation, pool):
    """Blocks compute convolution, activation and pooling, in whatever order it is done."""
    own = classifier(activation=activation, pool=pool, pool_size=3, pool_strides=1).fit(X, Y)
    pools = {"max": MaxPool, "average": AveragePool}
    layers = []
    for filters in (3, 4):
        layers += [Conv2D(filters, 3, padding="same"), ACTIVATIONS[activation]()]
        layers.append(pools[pool](3, 1))
    layers += [Flatten(), Dense(6), ACTIVATIONS[activation](), Dense(3)]
    by_hand = Network(layers, HalfSquaredError(), (6, 6, 1), np.float64)
    network = own.network_
    network.loss = HalfSquaredError()
    y = np.eye(3)[Y]
    by_hand.theta, by_hand.state = theta(own).copy(), own.network_.state
    for net in (network, by_hand):
        net.bind(45)
    assert network.loss_and_grad(FLAT, y) == pytest.approx(by_hand.loss_and_grad(FLAT, y))
    np.testing.assert_allclose(network.grad, by_hand.grad, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("activation", "first"),
    [("relu", "MaxPool"), ("tanh", "MaxPool"), ("gelu", "GELU"), ("silu", "SiLU")],
)
def test_pooling_goes_first_only_where_that_changes_nothing(activation, first):
    own = classifier(3, activation=activation).fit(X, Y)
    assert type(own.network_.layers[1]).__name__ == first


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_a_kernel_of_the_whole_image_is_a_dense_layer(solver, dtype):
    """The same weights in an MLP stay equal during training."""
    images = np.random.default_rng(0).normal(size=(45, 4, 5, 2)).astype(dtype)
    rows = images.reshape(45, 40)
    rng = np.random.default_rng(1)
    start = [rng.normal(0, 0.3, size) for size in [(40, 7), (7, 5), (5, 3)]]
    common = {
        "solver": solver, "activation": "tanh", "max_iter": 10, "batch_size": 16,
        "patience": None, "random_state": 0, "tol": 0,
    }  # fmt: skip
    dense = MLPClassifier((7, 5), **common).fit(rows, Y, coefs_init=start)
    kernel = [start[0].reshape(4, 5, 2, 7), *start[1:]]
    own = ConvNetClassifier(
        7, kernel_size=((4, 5),), padding="valid", pool=None, hidden_layer_sizes=5, **common
    ).fit(images, Y, coefs_init=kernel)
    tolerance = 1e-10 if dtype == np.float64 else 1e-4
    for mine, other in zip(own.coefs_, dense.coefs_, strict=True):
        np.testing.assert_allclose(
            mine.reshape(other.shape), other, rtol=tolerance, atol=tolerance
        )
    np.testing.assert_allclose(own.loss_curve_, dense.loss_curve_, rtol=tolerance)


def test_a_kernel_of_the_whole_signal_is_a_dense_layer():
    rng = np.random.default_rng(1)
    start = [rng.normal(0, 0.3, size) for size in [(24, 7), (7, 1)]]
    common = {"max_iter": 9, "patience": None, "random_state": 0}
    common |= {"learning_rate": 1e-3, "schedule": "constant", "alpha": 1e-4}
    common |= {"batch_size": "auto"}
    dense = MLPRegressor(7, **common).fit(SIGNALS.reshape(45, 24), Y, coefs_init=start)
    own = regressor(
        7, kernel_size=12, padding="valid", pool=None, hidden_layer_sizes=(),
        input_shape=(12, 2), **common,
    ).fit(SIGNALS, Y, coefs_init=[start[0].reshape(12, 2, 7), start[1]])  # fmt: skip
    np.testing.assert_allclose(own.predict(SIGNALS), dense.predict(SIGNALS.reshape(45, 24)),
                               rtol=1e-10)  # fmt: skip


def test_starts_from_given_kernels():
    taught = classifier(max_iter=5).fit(X, Y)
    own = classifier(max_iter=1, learning_rate=1e-12, random_state=7)
    own.fit(X, Y, coefs_init=taught.coefs_, intercepts_init=taught.intercepts_)
    np.testing.assert_allclose(own.predict_proba(X), taught.predict_proba(X), atol=1e-9)
    with pytest.raises(ValueError, match=r"coefs_init must be arrays of shapes \[\(3, 3, 1, 3"):
        own.fit(X, Y, coefs_init=[coef.T for coef in taught.coefs_])
