"""Augmentation: changes of training batches, their random numbers, and what is unchanged."""

import numpy as np
import pytest
from _convnets import FLAT, SIGNALS, X, Y, classifier, regressor, theta
from scipy import sparse

from skneural._training.augmentation import Augmentation

BOTH = pytest.mark.parametrize("make", [classifier, regressor])
ROW = np.arange(1, 31.0)  # an image of 5x6 pixels, or a signal of length 15 with two channels


def augmented(options, shape=(5, 6, 1), n_samples=400, seed=0):
    rows = np.tile(ROW, (n_samples, 1))
    out = Augmentation(options, shape)(rows, np.random.default_rng(seed))
    np.testing.assert_array_equal(rows, np.tile(ROW, (n_samples, 1)))
    assert out.shape == rows.shape
    return out.reshape(n_samples, *shape).copy()


def moved(image, *steps):
    """Shift `image` by this many pixels along every axis and fill with zeros, the slow way."""
    out = np.zeros_like(image)
    for place in np.ndindex(*image.shape[:-1]):
        source = tuple(i - step for i, step in zip(place, steps, strict=True))
        inside = zip(source, image.shape[:-1], strict=True)
        if all(0 <= i < length for i, length in inside):
            out[place] = image[source]
    return out


def kinds(images):
    """Return the different arrays as bytes, with their counts."""
    found = {}
    for image in images:
        found[image.tobytes()] = found.get(image.tobytes(), 0) + 1
    return found


@pytest.mark.parametrize("shift", [1, 2])
def test_every_shift_of_up_to_n_pixels_comes_as_often(shift):
    image, steps = ROW.reshape(5, 6, 1), range(-shift, shift + 1)
    expected = {moved(image, a, b).tobytes() for a in steps for b in steps}
    found = kinds(augmented({"shift": shift}, n_samples=100 * len(expected)))
    assert found.keys() == expected
    assert 60 < min(found.values()) <= max(found.values()) < 140


def test_signals_and_channels_are_moved_along():
    signal = ROW.reshape(15, 2)
    expected = {moved(signal, a).tobytes() for a in (-2, -1, 0, 1, 2)}
    assert kinds(augmented({"shift": 2}, (15, 2))).keys() == expected
    image = ROW.reshape(3, 5, 2)
    expected = {moved(image, a, b).tobytes() for a in (-1, 0, 1) for b in (-1, 0, 1)}
    assert kinds(augmented({"shift": 1}, (3, 5, 2))).keys() == expected


@pytest.mark.parametrize("shape", [(5, 6, 1), (3, 5, 2), (15, 2)], ids=str)
def test_every_other_image_is_mirrored(shape):
    image = ROW.reshape(shape)
    mirror = image[..., ::-1, :]  # the width, or the length of a signal
    found = kinds(augmented({"horizontal_flip": True}, shape))
    assert found.keys() == {image.tobytes(), mirror.tobytes()}
    assert 150 < found[image.tobytes()] < 250


def test_noise_has_its_standard_deviation():
    noise = augmented({"gaussian_noise": 0.5}) - ROW.reshape(5, 6, 1)
    assert noise.std() == pytest.approx(0.5, rel=0.03)
    assert abs(noise.mean()) < 0.02
    # every pixel of every image has a draw of its own
    assert len(np.unique(noise)) > 0.99 * noise.size


def test_shift_flip_and_noise_together():
    options = {"shift": 1, "horizontal_flip": True, "gaussian_noise": 0.01}
    image = ROW.reshape(5, 6, 1)
    forms = [(image, image[:, ::-1])[i] for i in (0, 1)]
    expected = {
        moved(form, a, b).tobytes() for form in forms for a in (-1, 0, 1) for b in (-1, 0, 1)
    }
    assert kinds(augmented(options).round() + 0.0).keys() == expected  # -0 becomes 0


@pytest.mark.parametrize("options", [{"shift": 0}, {"horizontal_flip": False}, {}], ids=str)
def test_options_that_are_off_change_nothing(options):
    np.testing.assert_array_equal(
        augmented(options), np.tile(ROW, (400, 1)).reshape(-1, 5, 6, 1)
    )


def test_batches_of_changing_size():
    own = Augmentation({"shift": 1, "gaussian_noise": 0.1}, (5, 6, 1))
    rng = np.random.default_rng(0)
    for n_samples in (4, 8, 3, 8):
        rows = np.tile(ROW, (n_samples, 1))
        assert np.abs(own(rows, rng)).sum(axis=1).min() > ROW.sum() / 2


# --------------------------------------------------------------------------- in the estimator

SETTINGS = [
    {"shift": 1},
    {"horizontal_flip": True},
    {"gaussian_noise": 0.2},
    {"shift": 2, "horizontal_flip": True, "gaussian_noise": 0.1},
    lambda images, rng: images + rng.normal(size=(len(images), 1, 1, 1)),
]
AUGMENTATIONS = pytest.mark.parametrize(
    "augmentation", SETTINGS, ids=[*map(str, SETTINGS[:4]), "callable"]
)


@BOTH
@AUGMENTATIONS
@pytest.mark.parametrize("shuffle", [True, False])
def test_training_alone_is_changed_by_draws_of_the_seed(make, augmentation, shuffle):
    params = {"augmentation": augmentation, "shuffle": shuffle}
    given, rows = X.copy(), FLAT.copy()
    own = make(**params).fit(given, Y)
    own.partial_fit(given, Y)
    own.predict(given)
    np.testing.assert_array_equal(given, X)
    again = make(input_shape=(6, 6, 1), **params).fit(rows, Y).partial_fit(rows, Y)
    np.testing.assert_array_equal(rows, FLAT)
    np.testing.assert_array_equal(theta(own), theta(again))
    np.testing.assert_array_equal(own.predict(X), own.predict(X))
    plain = make(shuffle=shuffle).fit(X, Y).partial_fit(X, Y)
    assert not np.array_equal(theta(own), theta(plain))
    # predicting changes nothing in the images: the same weights, the same numbers
    plain.network_.theta[...] = theta(own)
    np.testing.assert_array_equal(own.predict(X), plain.predict(X))


@BOTH
def test_weights_order_dropout_and_split_are_drawn_as_without_it(make):
    params = {"dropout": 0.3, "early_stopping": True, "max_iter": 3}
    usual = make(**params).fit(X, Y)

    def draws_but_changes_nothing(images, rng):
        rng.normal(size=100)
        return images

    for augmentation in (draws_but_changes_nothing, {"shift": 0, "gaussian_noise": 0.0}):
        own = make(augmentation=augmentation, **params).fit(X, Y)
        np.testing.assert_array_equal(theta(own), theta(usual))


def test_each_epoch_has_new_draws():
    seen = []

    def watch(images, rng):
        seen.append(rng.integers(2**60))
        return images

    own = classifier(augmentation=watch, max_iter=3).fit(X, Y)
    assert len(set(seen)) == len(seen) == 9
    own.partial_fit(X, Y)  # goes on
    assert len(set(seen)) == len(seen) == 12
    own.fit(X, Y)  # starts anew
    assert seen[12:] == seen[:9]
    own.set_params(random_state=1).fit(X, Y)
    assert not set(seen[-9:]) & set(seen[:12])


@pytest.mark.parametrize(
    ("x", "shape"),
    [(X, (6, 6, 1)), (SIGNALS, (12, 2)), (FLAT, (36, 1))],
    ids=["images", "signals", "flat rows"],
)
def test_a_callable_gets_images_and_its_own_copy(x, shape):
    shapes = []

    def blank(images, rng):
        shapes.append((*images.shape, images.dtype))
        images[...] = 0  # may be written on
        return images

    given = x.copy()
    own = classifier(augmentation=blank, shuffle=False, max_iter=1, batch_size=40,
                     input_shape=None if x is X else shape).fit(given, Y)  # fmt: skip
    assert shapes == [(40, *shape, np.float64), (5, *shape, np.float64)]
    np.testing.assert_array_equal(given, x)
    assert own.loss_ == pytest.approx(classifier(max_iter=1, batch_size=40, shuffle=False,
        input_shape=None if x is X else shape).fit(0 * x, Y).loss_)  # fmt: skip


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float16, bool, ">f8"])
def test_a_callable_may_return_another_kind_of_numbers(dtype):
    rounded = np.abs(X).round()
    usual = classifier().fit(rounded > 0, Y)
    own = classifier(augmentation=lambda images, rng: images.astype(dtype))
    np.testing.assert_array_equal(theta(own.fit(rounded > 0, Y)), theta(usual))
    own = classifier(augmentation=lambda images, rng: images.astype(dtype).tolist())
    np.testing.assert_array_equal(theta(own.fit(rounded > 0, Y)), theta(usual))


def test_validation_rows_are_not_augmented():
    val = {"X_val": X[30:], "y_val": Y[30:]}
    own = classifier(augmentation={"gaussian_noise": 5.0}).fit(X[:30], Y[:30], **val)
    best = np.argmax(own.validation_scores_)
    assert own.score(X[30:], Y[30:]) == pytest.approx(own.validation_scores_[best])


def test_float32_stays_float32():
    params = {"augmentation": {"shift": 1, "gaussian_noise": 0.1}}
    own = classifier(**params).fit(X.astype(np.float32), Y)
    assert own.network_.dtype == np.float32
    double = classifier(**params).fit(X, Y)
    np.testing.assert_allclose(theta(own), theta(double), rtol=1e-3, atol=1e-4)


# --------------------------------------------------------------------------------- refusals


def raises(images, rng):
    raise RuntimeError("lost")


BAD_RETURNS = {
    "fewer images": (lambda images, rng: images[1:], ["(16, 6, 6, 1)", "(15, 6, 6, 1)"]),
    "other pixels": (lambda images, rng: images[:, 1:], ["(16, 6, 6, 1)", "(16, 5, 6, 1)"]),
    "no channels": (lambda images, rng: images[..., 0], ["(16, 6, 6, 1)", "(16, 6, 6)"]),
    "nothing": (lambda images, rng: None, ["(16, 6, 6, 1)", "object"]),
    "text": (lambda images, rng: images.astype(str), ["<U"]),
    "complex": (lambda images, rng: images + 1j, ["complex128"]),
    "NaN": (lambda images, rng: images * np.nan, ["NaN"]),
    "one inf": (lambda images, rng: np.where(images == images.max(), np.inf, images), ["inf"]),
}


@BOTH
@pytest.mark.parametrize(("function", "words"), BAD_RETURNS.values(), ids=BAD_RETURNS)
def test_a_callable_that_returns_something_else(make, function, words):
    own = make(augmentation=function)
    before = dict(vars(own))
    with pytest.raises(ValueError, match="augmentation must return") as info:
        own.fit(X, Y)
    assert [word for word in words if word not in str(info.value)] == []
    assert vars(own) == before
    fitted = make().fit(X, Y).set_params(augmentation=function)
    weights, before = theta(fitted).copy(), dict(vars(fitted))
    with pytest.raises(ValueError, match="augmentation must return"):
        fitted.partial_fit(X, Y)
    assert all(vars(fitted)[name] is value for name, value in before.items())
    np.testing.assert_array_equal(theta(fitted), weights)


def test_an_error_of_the_callable_comes_through():
    with pytest.raises(RuntimeError, match="lost"):
        classifier(augmentation=raises).fit(X, Y)


@pytest.mark.parametrize("shift", [6, 10**9])
def test_a_shift_out_of_the_image(shift):
    own = classifier(augmentation={"shift": shift})
    with pytest.raises(ValueError, match=rf"augmentation\['shift'\].*\(6, 6, 1\), got {shift}"):
        own.fit(X, Y)
    assert not hasattr(own, "network_")


@BOTH
def test_lbfgs_refuses_it(make):
    for augmentation in ({"shift": 1}, raises):
        with pytest.raises(ValueError, match="augmentation must be None for solver='lbfgs'"):
            make(solver="lbfgs", augmentation=augmentation).fit(X, Y)


@BOTH
def test_sparse_rows_are_refused_by_name(make):
    own = make(input_shape=(6, 6, 1), augmentation={"shift": 1})
    with pytest.raises(ValueError, match=r"augmentation must be off for sparse X, got \{'shif"):
        own.fit(sparse.csr_array(FLAT), Y)
    assert not own.__sklearn_tags__().input_tags.sparse
    np.testing.assert_array_equal(own.fit(X, Y).predict(sparse.csr_array(FLAT)), own.predict(X))
