"""Errors and warnings about unexpected shapes say what to write instead."""

import re

import numpy as np
import pytest
from _convnets import classifier, regressor
from _refusal import make, refusal

from skneural import MLPClassifier, MLPRegressor

Y = np.arange(20) % 2
RNG = np.random.default_rng(0)


def drawn(*shape):
    return RNG.normal(size=(20, *shape))


def separate(images):
    """Return an object array of images, as a loop that reads images may create it."""
    array = np.empty(len(images), dtype=object)
    array[:] = list(images)
    return array


def fitted(shape, **params):
    return classifier(filters=(2,), **params).fit(drawn(*shape), Y)


# ------------------------------------------------------------ errors, and the line to write

# the parameters, the shape of a sample, and the line that the error gives
BAD_FITS = {
    "channels first": ({}, (3, 32, 32), "np.moveaxis(X, 1, -1)"),
    "one channel first": ({}, (1, 28, 28), "np.moveaxis(X, 1, -1)"),
    "signals": ({}, (32, 2), "input_shape=(32, 2)"),
    "signals of one channel": ({}, (128, 1), "input_shape=(128, 1)"),
    "signals, channels first": ({}, (2, 32), "input_shape=(32, 2) and np.moveaxis(X, 1, -1)"),
    "images, told as signals": ({"input_shape": (8, 8)}, (8, 8, 1), "input_shape=(8, 8, 1)"),
    "colours, told as signals": ({"input_shape": (8, 8)}, (8, 8, 3), "input_shape=(8, 8, 3)"),
    "rows of colours": ({"input_shape": (8, 8)}, (192,), "input_shape=(8, 8, 3)"),
    "rows without colours": ({"input_shape": (8, 8, 3)}, (64,), "input_shape=(8, 8, 1)"),
    "told channels first": ({"input_shape": (3, 9, 8)}, (9, 8, 3), "input_shape=(9, 8, 3)"),
    "came channels first": (
        {"input_shape": (9, 8, 3)},
        (3, 9, 8),
        "np.moveaxis(X, 1, -1)",
    ),
    "signals came channels first": ({"input_shape": (9, 2)}, (2, 9), "np.moveaxis(X, 1, -1)"),
    "signals told channels first": ({"input_shape": (2, 9)}, (9, 2), "input_shape=(9, 2)"),
    "rows told channels first": (
        {"input_shape": (1, 8, 8)},
        (64,),
        "input_shape=(8, 8, 1) and np.moveaxis(X.reshape(-1, 1, 8, 8), 1, -1)",
    ),
}


@pytest.mark.parametrize("make_net", [classifier, regressor])
@pytest.mark.parametrize(("params", "shape", "line"), BAD_FITS.values(), ids=BAD_FITS)
def test_fit_says_what_to_write(make_net, params, shape, line):
    own = make_net(**params)
    with refusal(own, line, error=ValueError):
        own.fit(drawn(*shape), Y)
    with refusal(own, line, error=ValueError):
        own.partial_fit(
            drawn(*shape), Y, **({"classes": [0, 1]} if make_net is classifier else {})
        )


# the shape in fit, that of what came later, and the line
LATER = {
    "one image": ((8, 8), (8, 8), "X[None]"),
    "one image with its channel": ((8, 8), (8, 8, 1), "X[None]"),
    "one image of colours": ((8, 8, 3), (8, 8, 3), "X[None]"),
    "channels first": ((8, 8, 3), (20, 3, 8, 8), "np.moveaxis(X, 1, -1)"),
    "one channel first": ((8, 8), (20, 1, 8, 8), "np.moveaxis(X, 1, -1)"),
}


@pytest.mark.parametrize(("shape", "came", "line"), LATER.values(), ids=LATER)
def test_predict_says_what_to_write(shape, came, line):
    own = fitted(shape)
    with pytest.raises(ValueError, match="X") as info:
        own.predict(np.zeros(came))
    assert line in str(info.value)
    with pytest.raises(ValueError, match="X_val") as info:
        own.fit(drawn(*shape), Y, X_val=np.zeros(came), y_val=Y)
    assert line.replace("X", "X_val") in str(info.value)


def test_one_signal():
    own = fitted((12, 2), input_shape=(12, 2))
    with pytest.raises(ValueError, match=r"X has 2 features.*write X\[None\]"):
        own.predict(np.zeros((12, 2)))


def test_other_errors_get_no_advice_on_shapes():
    own = fitted((8, 8))
    for bad in (np.full((2, 8, 8), np.nan), np.full((2, 64), np.nan), np.ones((2, 63))):
        with pytest.raises(ValueError, match="X") as info:
            own.predict(bad)
        assert "write" not in str(info.value)


@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("convert", [np.asarray, np.ndarray.tolist])
def test_images_for_a_dense_network(cls, convert):
    own = make(cls)
    words = ["dim 3", cls.__name__, "X.reshape(len(X), -1)", "ConvNetClassifier"]
    with refusal(own, *words, error=ValueError):
        own.fit(convert(drawn(4, 4)), Y)
    own.fit(drawn(16), Y)
    with pytest.raises(ValueError, match=r"X\.reshape\(len\(X\), -1\)"):
        own.predict(convert(drawn(4, 4)))


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 1), (1, 16, 1)])
def test_one_image_for_a_dense_network(shape):
    own = make(MLPClassifier).fit(drawn(16), Y)
    with pytest.raises(ValueError, match=r"one sample: write X\.reshape\(1, -1\)"):
        own.predict(np.zeros(shape))
    with pytest.raises(ValueError, match="infinity") as info:  # one row, whose shape is right
        own.predict(np.full((1, 16), np.inf))
    assert "write" not in str(info.value)


# ------------------------------------------- what trains on the wrong axes in silence warns

DOUBTFUL = {
    "channels first": ({}, (3, 8, 8), "np.moveaxis(X, 1, -1)"),
    "channels first, wide": ({}, (3, 6, 9), "np.moveaxis(X, 1, -1)"),
    "signals": ({}, (32, 2), "input_shape=(32, 2)"),
    "signals of nine channels": ({}, (128, 9), "input_shape=(128, 9)"),
    "signals of one channel": ({}, (128, 1), "input_shape=(128, 1)"),
    "flat digits": ({}, (64,), "input_shape=(8, 8, 1)"),
    "flat colours": ({}, (192,), "input_shape=(8, 8, 3)"),
    "a pair": ({"input_shape": (8, 8)}, (64,), "input_shape=(8, 8, 1)"),
    "a pair for images": ({"input_shape": (8, 8)}, (8, 8), "input_shape=(8, 8, 1)"),
    "told channels first": ({"input_shape": (3, 8, 8)}, (3, 8, 8), "input_shape=(8, 8, 3)"),
}


@pytest.mark.parametrize(("params", "shape", "line"), DOUBTFUL.values(), ids=DOUBTFUL)
def test_doubtful_axes_warn_once(params, shape, line):
    own = classifier(pool=None, filters=(2,), **params)
    with pytest.warns(UserWarning, match="ConvNetClassifier") as caught:
        own.fit(drawn(*shape), Y)
    assert len(caught) == 1
    assert line in str(caught[0].message)
    own.set_params(warm_start=True).fit(drawn(*shape), Y)  # goes on without another
    own.partial_fit(drawn(*shape), Y).predict(drawn(*shape))


@pytest.mark.parametrize("shape", [(3, 8, 8), (32, 2, 1), (128, 1, 1), (64, 1), (192, 1)])
def test_input_shape_ends_the_doubt(shape):
    told = {"input_shape": shape} if shape != (3, 8, 8) else {"input_shape": (3, 6, 9)}
    own = classifier(pool=None, filters=(2,), **told)
    own.fit(drawn(*own.input_shape), Y)
    own.fit(drawn(np.prod(own.input_shape)), Y)


ORDINARY = [
    *((8, 8), (28, 20), (100, 40), (4, 4), (3, 3)),
    *((8, 8, 1), (32, 32, 3), (8, 8, 16), (2, 2, 5), (13,), (36,)),
]


@pytest.mark.parametrize("shape", ORDINARY, ids=str)
def test_ordinary_shapes_do_not_warn(shape):
    fitted(shape)


def test_a_warning_made_an_error_leaves_the_estimator_as_it_was():
    own = fitted((8, 8))
    before = dict(vars(own))
    with pytest.raises(UserWarning, match="Flat rows"):
        own.fit(drawn(64), Y)
    assert vars(own) == before


# -------------------------------------------------------------------------- arrays of arrays


@pytest.mark.parametrize("make_net", [classifier, regressor])
def test_images_in_an_array_of_arrays(make_net):
    images = drawn(8, 8)
    own = make_net(filters=(2,)).fit(images, Y)
    apart = {"np.stack(X)": separate(images), "np.stack(X.ravel())": separate(images)[:, None]}
    for line, X in apart.items():
        message = re.escape(f"an array of 20 arrays of shape (8, 8). Write {line}.")
        with pytest.raises(ValueError, match=message):
            own.predict(X)
        with pytest.raises(ValueError, match=message):
            own.fit(X, Y)
        np.testing.assert_array_equal(eval(line, {"np": np, "X": X}), images)
    np.testing.assert_array_equal(own.predict(list(images)), own.predict(images))


@pytest.mark.parametrize("container", [list, separate])
def test_images_of_different_shapes(container):
    images = container([*drawn(8, 8)[:19], np.zeros((8, 9))])
    own = fitted((8, 8))
    message = r"shapes \(8, 8\) and \(8, 9\)\. .*one shape, then write np\.stack\(X\)\."
    with pytest.raises(ValueError, match=message):
        own.fit(images, Y)
    with pytest.raises(ValueError, match=message):
        own.predict(images)
