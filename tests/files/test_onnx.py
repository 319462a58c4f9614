"""to_onnx: predictions of onnxruntime equal those of skneural."""

import numpy as np
import onnxruntime
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

import skneural
from skneural import ConvNetClassifier, ConvNetRegressor, MLPClassifier, MLPRegressor
from skneural._network.layers.activations import ACTIVATIONS

X, Y = load_digits(return_X_y=True)
X, Y = X[:200] / 16, Y[:200]
IMAGES = X.reshape(-1, 8, 8, 1)
TEXT = np.array([*"abcdefghi", "ten"])[Y]
LABELS = {
    "binary": Y > 4,
    "integers": Y,
    "uint8": Y.astype("uint8"),
    "text": TEXT,
    "binary text objects": np.array(["no", "yes"], dtype=object)[Y % 2],
    "indicator": (Y[:, None] >> np.arange(3)) & 1,
    "columns": np.column_stack([Y, Y % 3, Y % 2]),
    "mixed columns": np.array([[int(y), "even" if y % 2 else "odd"] for y in Y], dtype=object),
}


def make(cls=MLPClassifier, **params):
    defaults = {"hidden_layer_sizes": (12,), "batch_size": 20, "learning_rate": 0.01}
    more = {"max_iter": 4, "patience": None, "random_state": 0}
    return cls(**{**defaults, **more, **params})


def answers(own, x):
    """Return the outputs of onnxruntime, by name."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = skneural.to_onnx(own).SerializeToString()
    session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    x = np.reshape(x, (len(x), *own.network_.input_shape)).astype(own.network_.dtype)
    return dict(zip(names, session.run(names, {"X": x}), strict=True))


def assert_close(got, expected):
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("loss", ["log_loss", "squared_error", "hinge", "perceptron"])
@pytest.mark.parametrize("name", LABELS)
def test_every_kind_of_labels_and_loss(name, loss):
    own = make(loss=loss).fit(X, LABELS[name])
    got, what = answers(own, X), "probabilities" if own.loss[0] in "ls" else "scores"
    expected = own.predict_proba(X) if what == "probabilities" else own.decision_function(X)
    if "columns" in name:
        for k, column in enumerate(own.predict(X).T):
            assert got[f"label_{k}"].tolist() == column.tolist()
            assert_close(got[f"{what}_{k}"], expected[k])
    else:
        assert got["label"].tolist() == own.predict(X).tolist()
        assert_close(got[what], expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_and_dtype(activation, dtype):
    params = {"activation": activation, "dtype": dtype, "batch_norm": True, "dropout": 0.1}
    own = make(MLPRegressor, hidden_layer_sizes=(12, 8), input_noise=0.1, **params)
    assert_close(answers(own.fit(X, Y / 10), X)["prediction"], own.predict(X))
    own = make(ConvNetClassifier, filters=(3, 4), **params).fit(IMAGES, Y)
    assert_close(answers(own, X)["probabilities"], own.predict_proba(IMAGES))


@pytest.mark.parametrize("loss", skneural._network.losses.regression.REGRESSOR_LOSSES)
@pytest.mark.parametrize("shape", [(-1,), (-1, 1), (-1, 2)], ids=str)
@pytest.mark.parametrize("sizes", [(), (12, 5)], ids=str)
def test_every_loss_of_regressors(loss, shape, sizes):
    own = make(MLPRegressor, loss=loss, hidden_layer_sizes=sizes)
    y = Y[: 100 * max(shape[-1], 1)].reshape(shape) / 10
    own.fit(X[:100], y + 0.1 if loss == "gamma" else y)
    assert_close(answers(own, X)["prediction"], own.predict(X))


@pytest.mark.parametrize(
    "params",
    [
        {"kernel_size": ((3, 2), 5)}, {"strides": (2, 1)},
        {"padding": "valid", "pool": ("max", None)},
        {"padding": ((2, 0), 1)}, {"dilation": (2, 1)}, {"pool": None},
        {"pool": "average"}, {"pool": (None, "global_average")}, {"pool_size": ((3, 2), 2)},
        {"pool_size": 3, "pool_strides": 1}, {"strides": 3, "dilation": 2, "pool": None},
        {"activation": "gelu", "pool": ("max", "average"), "batch_norm": True},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("signal", [False, True])
def test_every_option_of_convolution_and_pooling(params, signal):
    if signal:
        flat = {k: v for k, v in params.items() if not str(v).startswith("((")}
        own = make(ConvNetRegressor, filters=(3, 4), input_shape=(32, 2), **flat)
    else:
        own = make(ConvNetRegressor, filters=(3, 4), input_shape=(8, 8, 1), **params)
    own.fit(X, Y / 10)
    assert_close(answers(own, X)["prediction"], own.predict(X))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(4, 8, 2), (2, 8, 4), (16, 4)], ids=str)
def test_several_channels(shape, dtype):
    params = {"filters": (3, 4), "batch_norm": True, "dropout": 0.1, "dtype": dtype}
    own = make(
        ConvNetClassifier, input_shape=shape, kernel_size=2, pool=("max", None), **params
    )
    assert_close(answers(own.fit(X, Y), X)["probabilities"], own.predict_proba(X))


def test_a_network_of_uint8_images_takes_float32():
    images = (IMAGES > 0.5).astype("uint8")
    own = make(ConvNetClassifier).fit(images, Y)
    model = skneural.to_onnx(own).SerializeToString()
    session = onnxruntime.InferenceSession(model)
    label, _ = session.run(None, {"X": images.astype("float32")})
    assert label.tolist() == own.predict(images).tolist()


def test_what_cannot_be_converted_is_refused(monkeypatch):
    with pytest.raises(NotFittedError):
        skneural.to_onnx(make())
    with pytest.raises(TypeError, match="estimator of skneural, got LinearRegression"):
        skneural.to_onnx(LinearRegression())
    with pytest.raises(TypeError, match=r"got Pipeline\. .*pipeline\[-1\].*register_skl2onnx"):
        skneural.to_onnx(make_pipeline(make()).fit(X, Y))
    own = make().fit(X, Y)
    own.network_.layers[1].__class__ = type("MyReLU", (ACTIVATIONS["relu"],), {})
    with pytest.raises(TypeError, match=r"does not support the layer MyReLU$"):
        skneural.to_onnx(own)
    own = make().fit(X, Y)
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(ImportError, match=r"needs onnx: pip install onnx$"):
        skneural.to_onnx(own)
