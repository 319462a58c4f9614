"""`activations`: the outputs of the layers, compared with products of fitted weights."""

import numpy as np
import pytest
from _convnets import FLAT, IMAGES, classifier
from _convnets import Y as LABELS
from _refusal import CLASSES, X, Y, make, refusal
from scipy import sparse, special
from sklearn.exceptions import NotFittedError

from skneural import ConvNetClassifier, ConvNetRegressor, MLPClassifier, MLPRegressor

EVERY = (MLPClassifier, MLPRegressor, ConvNetClassifier, ConvNetRegressor)
ALL = pytest.mark.parametrize("cls", EVERY, ids=lambda cls: cls.__name__)
# how an estimator is made, its targets, and the function of its output layer
OUTPUTS = {
    "classes": (MLPClassifier, Y, {}, lambda z: special.softmax(z, axis=1)),
    "two classes": (MLPClassifier, Y > 0, {}, special.expit),
    "labels": (MLPClassifier, np.c_[Y > 0, Y > 1].astype(int), {}, special.expit),
    "hinge": (MLPClassifier, Y, {"loss": "hinge"}, np.asarray),
    "numbers": (MLPRegressor, np.c_[Y, -Y], {}, np.asarray),
    "counts": (MLPRegressor, Y, {"loss": "poisson"}, np.exp),
    "positive numbers": (MLPRegressor, Y + 1.0, {"loss": "gamma"}, np.exp),
}


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array], ids=["dense", "CSR"])
@pytest.mark.parametrize("kind", OUTPUTS)
def test_layers_of_a_dense_network(kind, convert):
    cls, y, params, link = OUTPUTS[kind]
    own = make(cls, hidden_layer_sizes=(5, 4), activation=("tanh", "relu"), **params).fit(X, y)
    (W1, W2, W3), (b1, b2, b3) = own.coefs_, own.intercepts_
    first = np.tanh(X @ W1 + b1)
    second = np.maximum(first @ W2 + b2, 0)
    expected = [first, second, link(second @ W3 + b3)]
    activations = own.activations(convert(X))
    assert len(activations) == len(own.coefs_)
    for layer, wanted in zip(activations, expected, strict=True):
        np.testing.assert_allclose(layer, wanted, rtol=1e-12, atol=1e-15)


@ALL
def test_the_last_layer_is_the_prediction(cls):
    own = make(cls).fit(X, Y)
    expected = own.predict_proba(X) if hasattr(own, "predict_proba") else own.predict(X)
    last = own.activations(X)[-1]
    if hasattr(own, "y_scale_"):
        last = last * own.y_scale_ + own.y_mean_
    np.testing.assert_allclose(last, np.reshape(expected, last.shape), rtol=1e-12)


@ALL
@pytest.mark.parametrize("n_rows", [1, 30_000])
def test_any_number_of_rows(cls, n_rows):
    own = make(cls).fit(X, Y)
    places = np.arange(n_rows) % len(X)
    for layer, expected in zip(own.activations(X[places]), own.activations(X), strict=True):
        np.testing.assert_allclose(layer, expected[places], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(
    "rows", [IMAGES, FLAT, sparse.csr_array(FLAT)], ids=["images", "flat", "CSR"]
)
@pytest.mark.parametrize("pool", ["max", "average", None])
def test_layers_of_a_convolutional_network(pool, rows):
    """The results are images, as the next block or the first dense layer receives them."""
    own = classifier(pool=pool, input_shape=(6, 6, 1), dropout=0.3).fit(FLAT, LABELS)
    first, second, dense, output = own.activations(rows)
    sides = (6, 6) if pool is None else (3, 1)
    assert first.shape == (45, sides[0], sides[0], 3)
    assert second.shape == (45, sides[1], sides[1], 4)
    W, b = own.coefs_[2], own.intercepts_[2]
    np.testing.assert_allclose(
        dense, np.maximum(second.reshape(45, -1) @ W + b, 0), rtol=1e-10, atol=1e-12
    )
    np.testing.assert_allclose(output, own.predict_proba(FLAT), rtol=1e-10)


def test_kernels_of_the_first_block():
    """Compare one value of the convolution with a computation by hand."""
    own = classifier(3, padding="valid", pool=None).fit(IMAGES, LABELS)
    first = own.activations(IMAGES)[0]
    window, kernel = IMAGES[:, 1:4, 2:5], own.coefs_[0][:, :, 0, 1]
    by_hand = np.maximum(np.sum(window * kernel, axis=(1, 2)) + own.intercepts_[0][1], 0)
    np.testing.assert_allclose(first[:, 1, 2, 1], by_hand, rtol=1e-10, atol=1e-12)


@ALL
def test_no_layer_changes_by_looking(cls):
    """A call changes neither the network nor X, and a later call does not change the result."""
    own, rows = make(cls, batch_norm=True).fit(X, Y), X.copy()
    before, state = own.activations(rows), own.network_.state.copy()
    kept = [layer.copy() for layer in before]
    own.activations(-rows)
    np.testing.assert_array_equal(rows, X)
    np.testing.assert_array_equal(own.network_.state, state)
    for layer, copy in zip(before, kept, strict=True):
        np.testing.assert_array_equal(layer, copy)


@ALL
def test_refusals(cls):
    own = make(cls)
    with refusal(own, "not fitted", error=NotFittedError):
        own.activations(X)
    classes = {"classes": CLASSES} if hasattr(own, "predict_proba") else {}
    own.partial_fit(X, Y, **classes)
    with refusal(own, "X has 2 features", "expecting 3 features"):
        own.activations(X[:, :2])
    with refusal(own, "infinity"):
        own.activations(np.full_like(X, np.inf))


def test_one_dtype():
    own = make(MLPClassifier).fit(X.astype(np.float32), Y)
    assert {layer.dtype for layer in own.activations(X)} == {np.dtype(np.float32)}
