"""Bad images raise an error with the expected shape and leave the estimator unchanged."""

import datetime
import re
from functools import partial

import _refusal
import numpy as np
import pandas as pd
import pytest
from _convnets import DEFAULTS, FLAT, IMAGES, SIGNALS, X, Y, classifier, regressor
from scipy import sparse
from sklearn.exceptions import NotFittedError

BOTH = pytest.mark.parametrize("make", [classifier, regressor])
NAN, INF = np.nan, np.inf
# what was fitted on these images goes on with them
refusal = partial(_refusal.refusal, make=lambda cls: cls(**DEFAULTS), data=(X, Y))


def predicting(own):
    names = ("predict", "predict_proba", "predict_log_proba", "decision_function")
    return [getattr(own, name) for name in names if hasattr(own, name)]


def with_entry(value, dtype=None):
    x = X.astype(dtype or X.dtype)
    x[5, 1, 2, 0] = value
    return x


BAD_X = {
    "NaN": (with_entry(NAN), ["X", "NaN"]),
    "inf": (with_entry(INF), ["X", "infinity"]),
    "NaN without channels": (with_entry(NAN)[..., 0], ["X", "NaN"]),
    "NaN in lists": (with_entry(NAN).tolist(), ["X", "NaN"]),
    "float32 NaN": (with_entry(NAN, np.float32), ["X", "NaN"]),
    "None entry": (with_entry(None, object), ["X", "NaN"]),
    "text": (X.astype(str), ["X", "text"]),
    "lists of text": (X.astype(str).tolist(), ["X", "numbers"]),
    "dates": (np.zeros(X.shape, "M8[D]"), ["X", "dates"]),
    "date entry": (with_entry(datetime.date(2020, 1, 1), object), ["X", "numbers"]),
    "complex": (X + 1j, ["Complex"]),
    "None": (None, ["array"]),
    "number": (3.0, ["2D array"]),
    "no images": (X[:0], ["0 sample(s)"]),
    "one dimension": (FLAT[:, 0], ["2D array"]),
    "ragged": ([X[0]] * 44 + [X[0][:3]], ["X", "one shape", "np.stack"]),
    "ragged lists": ([X[0].tolist()] * 44 + [[[[1.0]]]], ["inhomogeneous"]),
    "array of arrays": (np.array([*X[:44], X[0][:3], 0], object)[:45], ["X"]),
    "a name": ("images", ["X", "numbers"]),
}


@BOTH
@pytest.mark.parametrize(("x", "words"), BAD_X.values(), ids=BAD_X)
def test_bad_images(make, x, words):
    own = make()
    with refusal(own, *words):
        own.fit(x, Y)
    own.fit(X, Y)
    with refusal(own, *words):
        own.fit(x, Y)
    with refusal(own, *words):
        own.partial_fit(x, Y)
    for predict in predicting(own):
        with refusal(own, *words):
            predict(x)
    if x is None:
        words = ["passed together"]
    with refusal(own, *("X_val" if word == "X" else word for word in words)):
        own.fit(X, Y, X_val=x, y_val=Y)


FIVE = X[..., None]
# of a network fitted on 6x6x1, or on signals (12, 2): what came
OTHER_SHAPES = {
    "smaller": X[:, :5],
    "wider": np.zeros((45, 6, 7, 1)),
    "three channels": np.repeat(X, 3, axis=-1),
    "no channels, smaller": IMAGES[:, :5],
    "channels first": np.moveaxis(np.repeat(X, 2, axis=-1), -1, 1),
    "five dimensions": FIVE,
    "five dimensions as lists": FIVE.tolist(),
    "as many values": X.reshape(45, 4, 9, 1),
    "as many values without channels": X.reshape(45, 9, 4),
    "one image": X[0],
    "no pixels": X[:, :0],
}


@BOTH
@pytest.mark.parametrize("x", OTHER_SHAPES.values(), ids=OTHER_SHAPES)
def test_images_of_another_shape_than_in_fit(make, x):
    own = make().fit(X, Y)
    shape = np.shape(x)
    words = ["images (height, width, channels) of shape (6, 6, 1)", "36 features", f"{shape}"]
    for predict in predicting(own):
        with refusal(own, "X must contain", *words, error=ValueError):
            predict(x)
    with refusal(own, "X must contain", *words, error=ValueError):
        own.score(x, Y)
    with refusal(own, "X must contain", *words, error=ValueError):
        own.partial_fit(x, Y)
    with refusal(own, "X_val must contain", *words, error=ValueError):
        own.partial_fit(X, Y, X_val=x, y_val=Y)
    own.set_params(warm_start=True)
    with refusal(own, "X must contain", *words, error=ValueError):
        own.fit(x, Y)


def test_signals_of_another_shape_than_in_fit():
    own = classifier(input_shape=(12, 2)).fit(SIGNALS, Y)
    for x in (SIGNALS[:, :11], SIGNALS[..., :1], SIGNALS[..., None], SIGNALS.swapaxes(1, 2)):
        words = rf"signals \(length, channels\) of shape \(12, 2\).*{re.escape(str(x.shape))}"
        with pytest.raises(ValueError, match=words):
            own.predict(x)


@BOTH
@pytest.mark.parametrize(
    "convert", [np.asarray, sparse.csr_array, pd.DataFrame], ids=["dense", "CSR", "frame"]
)
def test_flat_rows_of_another_length(make, convert):
    own = make().fit(X, Y)
    for x in (FLAT[:, :35], np.hstack([FLAT, FLAT]), IMAGES[0]):
        words = [f"X has {x.shape[1]} features", "expecting 36 features"]
        for predict in predicting(own):
            with refusal(own, *words, error=ValueError):
                predict(convert(x))
        with refusal(own, *words, error=ValueError):
            own.partial_fit(convert(x), Y[: len(x)])


# ---------------------------------------------------------------------------- input_shape

WRONG_SHAPES = {
    "flat rows": (FLAT, (6, 5, 1), "(36,)"),
    "flat rows of other signals": (FLAT, (6, 5), "(36,)"),
    "flat rows, a number": (FLAT, 35, "(36,)"),
    "images": (X, (5, 6, 1), "(6, 6, 1)"),
    "images with too few channels": (X, (6, 6, 3), "(6, 6, 1)"),
    "images of as many values": (X, (4, 9, 1), "(6, 6, 1)"),
    "images as signals": (X, (6, 6), "(6, 6, 1)"),
    "images without channels": (IMAGES, (6, 6, 3), "(6, 6)"),
    "signals": (SIGNALS, (12, 3), "(12, 2)"),
    "signals as images": (SIGNALS, (12, 2, 3), "(12, 2)"),
    "five dimensions": (FIVE, (6, 6, 1), "(6, 6, 1, 1)"),
    "CSR": (sparse.csr_array(FLAT), (6, 5, 1), "(36,)"),
    "frame": (pd.DataFrame(FLAT), (6, 5, 1), "(36,)"),
    "lists": (X.tolist(), (6, 5, 1), "(6, 6, 1)"),
}


@BOTH
@pytest.mark.parametrize(("x", "shape", "came"), WRONG_SHAPES.values(), ids=WRONG_SHAPES)
def test_input_shape_that_is_not_that_of_x(make, x, shape, came):
    full = (shape, 1) if isinstance(shape, int) else shape
    words = [f"input_shape={shape!r}", f"of shape {full}", f"{np.prod(full)} features", came]
    own = make(input_shape=shape)
    with refusal(own, *words, error=ValueError):
        own.fit(x, Y)
    fitted = make().fit(X, Y).set_params(input_shape=shape)
    with refusal(fitted, *words, error=ValueError):
        fitted.fit(x, Y)


@BOTH
def test_five_dimensions_without_input_shape(make):
    own = make()
    with refusal(own, "X must contain images", "Got 5 dimensions", error=ValueError):
        own.fit(FIVE, Y)


@BOTH
@pytest.mark.parametrize("shape", [(4, 9, 1), (36, 1), (36,), 36, (12, 3)], ids=str)
def test_another_input_shape_later(make, shape):
    own = make().fit(X, Y).set_params(input_shape=shape)
    words = ["input_shape must stay (6, 6, 1)", f"got {shape}"]
    with refusal(own, *words, error=ValueError):
        own.partial_fit(FLAT, Y)
    own = make(warm_start=True).fit(X, Y).set_params(input_shape=shape)
    with refusal(own, *words, error=ValueError):
        own.fit(FLAT, Y)
    own.set_params(input_shape=np.array([6, 6, 1])).fit(FLAT, Y)  # that is the same


@BOTH
@pytest.mark.parametrize(
    "change",
    [{"filters": (3, 5)}, {"filters": 3}, {"kernel_size": 1}, {"strides": 2, "pool_size": 1},
     {"padding": 1, "kernel_size": 1}, {"dilation": 2}, {"pool": "average"}, {"pool": None},
     {"pool_size": 1}, {"pool_strides": 1}, {"batch_norm": True}, {"activation": "tanh"}],
    ids=str,
)  # fmt: skip
def test_going_on_with_other_blocks(make, change):
    own = make(warm_start=True).fit(X, Y).set_params(**change)
    words = ["This would change the network", "filters", "warm_start=True", "partial_fit"]
    with refusal(own, *words, error=ValueError):
        own.fit(X, Y)
    own = make().fit(X, Y).set_params(**change)
    with refusal(own, *words, error=ValueError):
        own.partial_fit(X, Y)
    own.set_params(**change).fit(X, Y)  # without warm_start it is a new network


# ---------------------------------------------------------------------- blocks and their input

BAD_FITS = {
    "a pair for signals": (
        {"kernel_size": ((3, 5), 3), "input_shape": (36, 1)},
        ["one number for its size or one per axis", "(3, 5)"],
    ),
    "a pair of padding for signals": (
        {"padding": ((1, 1), 1), "input_shape": (36, 1)},
        ["padding", "(1, 1)"],
    ),
    "activations": ({"activation": ("relu", "tanh")}, ["3 blocks and hidden layers", "got 2"]),
    "dropout": ({"dropout": (0.1, 0.2)}, ["3 blocks and hidden layers", "got 2"]),
    "too small": ({"pool_size": 3, "input_shape": (6, 6, 1)}, ["MaxPool(3,", "(2, 2, 4)"]),
}


@BOTH
@pytest.mark.parametrize(("params", "words"), BAD_FITS.values(), ids=BAD_FITS)
def test_blocks_that_do_not_fit(make, params, words):
    own = make(**params)
    with refusal(own, *words, error=ValueError):
        own.fit(FLAT, Y)
    fitted = make().fit(X, Y).set_params(**params)
    with refusal(fitted, *words, error=ValueError):
        fitted.fit(FLAT, Y)


@BOTH
def test_y_and_weights_of_another_length(make):
    own = make().fit(X, Y)
    with refusal(own, "[45, 44]", error=ValueError):
        own.fit(X, Y[:44])
    with refusal(own, "sample_weight must have shape (45,)", "(44,)", error=ValueError):
        own.fit(X, Y, sample_weight=np.ones(44))
    with refusal(own, "sample_weight must have shape (45,)", "(45, 6, 6)", error=ValueError):
        own.fit(X, Y, sample_weight=IMAGES)
    with refusal(own, "y", "dim 4", error=ValueError):
        own.fit(X, X)
    with refusal(
        own, "X_val and y_val must have the same number of rows", "45 and 44", error=ValueError
    ):
        own.fit(X, Y, X_val=X, y_val=Y[:44])


@BOTH
def test_not_fitted(make):
    own = make(input_shape=(6, 6, 1))
    for method in [*predicting(own), lambda x: own.score(x, Y)]:
        with refusal(own, "not fitted", error=NotFittedError):
            method(X)
    for name in ("coefs_", "input_shape_", "network_"):
        assert not hasattr(own, name)


@BOTH
@pytest.mark.filterwarnings(r"ignore:\w+. X is far from mean 0")  # it is, and diverges
@pytest.mark.parametrize("x", [X * 1e300, (X * 1e30).astype(np.float32)], ids=["64", "32"])
def test_images_too_large_diverge(make, x):
    own = make().fit(X, Y).set_params(max_iter=20, solver="sgd")
    with refusal(own, "diverged", "largest |X|", error=ValueError):
        own.fit(x, Y)
