"""Random numbers of dropout and noise: their definition, and that they depend on it only."""

import hashlib
import math
import pickle
import subprocess
import sys

import numpy as np
import pytest
from _layers import DTYPES, bound
from numpy.testing import assert_array_equal
from sklearn.base import clone

import skneural
from skneural import ConvNetClassifier, MLPClassifier, MLPRegressor
from skneural._inspection.layer_measures import measure_layers
from skneural._network.layers.dropout import Dropout
from skneural._network.layers.noise import GaussianNoise
from skneural._network.philox import Draws, normals, threshold, words

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(50, 6)), RNG.integers(0, 3, 50)


def philox(key, counter):
    """Philox4x64-10 of Salmon et al. with Python integers: four words of 64 bits."""
    ones, (k0, k1), c = 2**64 - 1, key, list(counter)
    for _ in range(10):
        first, second = 0xD2E7470EE14C6C93 * c[0], 0xCA5A826395121157 * c[2]
        c = [second >> 64 ^ c[1] ^ k0, second & ones, first >> 64 ^ c[3] ^ k1, first & ones]
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & ones, (k1 + 0xBB67AE8584CAA73B) & ones
    return c


@pytest.mark.parametrize("n_columns", [1, 7, 8, 9, 30])
@pytest.mark.parametrize(
    ("seed", "step", "layer"), [(0, 0, 0), (2**64 - 1, 7, 3), (5, 10**12, 1)]
)
def test_every_word_can_be_computed_by_itself(seed, step, layer, n_columns):
    found, n_blocks = words(seed, step, layer, 5, n_columns), math.ceil(n_columns / 8)
    assert found.shape == (5, 8 * n_blocks)
    for row, column in np.ndindex(*found.shape):
        block = row * n_blocks + column // 8
        word = philox((seed, 0), (block + 1, step, layer, 0))[column % 8 // 2]
        assert found[row, column] == (word >> 32 if column % 2 else word & 2**32 - 1)


@pytest.mark.parametrize("shape", [(3, 5), (700, 33), (2, 9000)])
def test_words_are_those_of_numpy_however_they_are_cut(shape):
    n_blocks = math.ceil(shape[1] / 8)
    numpy = np.random.Philox(key=[9, 0], counter=[0, 2, 1, 0])
    expected = numpy.random_raw(shape[0] * n_blocks * 4).astype("<u8").view("<u4")
    assert_array_equal(words(9, 2, 1, *shape).ravel(), expected)


def test_a_row_does_not_depend_on_the_rows_of_its_batch():
    assert_array_equal(words(1, 2, 3, 400, 50)[:7], words(1, 2, 3, 7, 50))


def test_draws_of_layers_may_be_mixed():
    draws = Draws(3)
    zero, one = draws.chunks(0, 500, 40), draws.chunks(1, 500, 40)
    for (rows, first), (_, second) in zip(zero, one, strict=True):
        assert_array_equal(first, words(3, 0, 0, 500, 40)[rows])
        assert_array_equal(second, words(3, 0, 1, 500, 40)[rows])


def test_seed_step_and_layer_each_change_all_words():
    same = [words(*where, 40, 40) for where in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))]
    for i in range(4):
        for j in range(i):
            assert (same[i] != same[j]).mean() > 0.999


def test_the_smallest_word_that_dropout_keeps():
    assert [int(threshold(rate)) for rate in (0.0, 0.25, 0.5)] == [0, 2**30, 2**31]
    assert threshold(np.nextafter(1, 0)) == 2**32 - 1
    assert threshold(0.1).dtype == np.uint32


def test_normals_by_hand():
    w = np.array([[2**31, 2**30, 0, 2**32 - 1]], np.uint32)
    u = (w[0] + 0.5) / 2**32
    pairs = [(u[0], u[1]), (u[2], u[3])]
    by_hand = [
        math.sqrt(-2 * math.log(a)) * f(2 * math.pi * b)
        for a, b in pairs
        for f in (math.cos, math.sin)
    ]
    np.testing.assert_allclose(normals(w), [by_hand], rtol=1e-14)


def test_normals_have_the_moments_of_the_normal_distribution():
    z = normals(words(4, 0, 0, 2000, 100)).ravel()
    n = z.size
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((z**power).mean() - moment) < 5 * math.sqrt(variance / n)
    assert abs(np.corrcoef(z[::2], z[1::2])[0, 1]) < 5 / math.sqrt(n / 2)


@DTYPES
def test_dropout_follows_the_definition_on_images(dtype):
    """A row of random numbers belongs to a sample, with all its pixels and channels."""
    x = np.ones((4 * 6, 3), dtype)  # 4 images of 2 x 3 x 3
    layer = bound(Dropout(0.3), x.shape, dtype, Draws(8, 2), input_shape=(2, 3, 3))
    kept = words(8, 2, 0, 4, 18)[:, :18] >= threshold(0.3)
    expected = np.where(kept, dtype(1 / 0.7), 0).reshape(x.shape)
    assert_array_equal(layer.forward(x, training=True), expected)
    assert_array_equal(layer.backward(x.copy()), expected)


@DTYPES
def test_noise_follows_the_definition_on_an_odd_number_of_columns(dtype):
    x = np.zeros((300, 13), dtype)
    layer = bound(GaussianNoise(0.5), x.shape, dtype, Draws(8, 2))
    expected = 0.5 * normals(words(8, 2, 0, 300, 13))[:, :13]
    assert_array_equal(layer.forward(x, training=True), expected.astype(dtype))


FIT = {"max_iter": 3, "patience": None, "random_state": 0, "batch_size": 16}


def make(cls, **params):
    sizes = {"hidden_layer_sizes": (7,), "dropout": 0.4, "input_noise": 0.1}
    return cls(**{**FIT, **sizes, **params})


def restored_by_file(own, tmp_path):
    skneural.save(own, tmp_path / "own")
    return skneural.load(tmp_path / "own")


WAYS = {
    "pickle": lambda own, _: pickle.loads(pickle.dumps(own)),
    "file": restored_by_file,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor, ConvNetClassifier])
def test_a_copy_draws_as_the_original_does(cls, way, tmp_path):
    own = make(cls, warm_start=True).fit(X, Y)
    copy = WAYS[way](own, tmp_path)
    for estimator in (own, copy):
        estimator.partial_fit(X, Y)
        estimator.fit(X, Y)
    assert_array_equal(own.network_.theta, copy.network_.theta)
    assert own._progress.steps == copy._progress.steps == 7 * 4
    assert own._progress.seed == copy._progress.seed


def test_networks_have_seeds_of_their_own():
    own = make(MLPClassifier).fit(X, Y)
    seed = own._progress.seed
    assert 0 <= seed < 2**64
    assert own.partial_fit(X, Y)._progress.seed == seed
    assert clone(own).fit(X, Y)._progress.seed == seed  # by random_state
    assert clone(own).set_params(random_state=1).fit(X, Y)._progress.seed != seed


def test_batches_without_weight_are_counted():
    weight = np.ones(50)
    weight[:16] = 0  # the first of four batches
    own = make(MLPClassifier, shuffle=False, max_iter=1).fit(X, Y, weight)
    assert own._progress.steps == 4


def test_every_batch_of_a_fit_has_the_words_of_its_step():
    """With a learning rate of almost zero, only the noise makes the losses differ."""
    settings = {"shuffle": False, "learning_rate": 1e-12, "alpha": 0.0, "input_noise": 0.5}
    own = MLPRegressor((), normalize_y=False, **{**FIT, **settings})
    weight, bias, y = np.arange(6.0).reshape(6, 1), np.array([0.5]), Y.astype(float)
    own.fit(X, y, coefs_init=[weight], intercepts_init=[bias])
    for epoch, loss in enumerate(own.loss_curve_):
        total = 0.0
        for k, rows in enumerate(slice(i, min(i + 16, 50)) for i in range(0, 50, 16)):
            drawn = words(own._progress.seed, 4 * epoch + k, 0, len(X[rows]), 6)
            noisy = X[rows] + 0.5 * normals(drawn)[:, :6]
            total += np.sum((noisy @ weight[:, 0] + bias - y[rows]) ** 2) / 2
        assert loss == pytest.approx(total / 50, rel=1e-9)


def without_seed(own):
    """Return an estimator as pickled by versions without counter-based random numbers."""
    for name in ("seed", "steps"):
        vars(own._progress).pop(name)
    return pickle.loads(pickle.dumps(own))


def test_a_pickle_of_an_earlier_version_goes_on():
    own = make(MLPClassifier, warm_start=True).fit(X, Y)
    old = [without_seed(pickle.loads(pickle.dumps(own))) for _ in range(2)]
    one, other = (estimator.partial_fit(X, Y) for estimator in old)
    assert_array_equal(one.network_.theta, other.network_.theta)
    assert one._progress.steps == 4
    assert one._progress.seed != own._progress.seed  # the next of its generator


def test_measures_of_layers_repeat_themselves():
    network = make(MLPClassifier).fit(X, Y).network_
    y = np.eye(3)[Y]
    first, second = (measure_layers(network, X, y) for _ in range(2))
    assert [m.grad_norm for m in first] == [m.grad_norm for m in second]


def test_another_process_draws_the_same_bits():
    code = (
        "from skneural._network.philox import normals, words; import hashlib; "
        "print(hashlib.sha256(normals(words(7, 1, 2, 60, 90)).tobytes() "
        "+ words(7, 1, 2, 60, 90).tobytes()).hexdigest())"
    )
    here = hashlib.sha256(
        normals(words(7, 1, 2, 60, 90)).tobytes() + words(7, 1, 2, 60, 90).tobytes()
    ).hexdigest()
    there = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert there.strip() == here
