"""Pipelines converted with skl2onnx: predictions of onnxruntime equal those of skneural."""

import sys

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import skl2onnx
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import skneural
from skneural import ConvNetClassifier, ConvNetRegressor, MLPClassifier, MLPRegressor

X, Y = load_digits(return_X_y=True)
X, Y = X[:200], Y[:200]
ALL = [MLPClassifier, MLPRegressor, ConvNetClassifier, ConvNetRegressor]
LABELS = {
    "binary": Y > 4,
    "integers": Y * 3 - 7,
    "uint8": Y.astype("uint8"),
    "whole floats": Y / 1.0,
    "text": np.array([*"abcdefghi", "ten"])[Y],
    "binary text objects": np.array(["no", "yes"], dtype=object)[Y % 2],
    "indicator": (Y[:, None] >> np.arange(3)) & 1,
}


@pytest.fixture(autouse=True, scope="module")
def registered():
    skneural.register_skl2onnx()


def make(cls, **params):
    sizes = {"hidden_layer_sizes": (12,), "batch_size": 20, "learning_rate": 0.01}
    if cls in (ConvNetClassifier, ConvNetRegressor):
        sizes |= {"filters": (3, 4), "input_shape": (8, 8, 1)}
    defaults = {"max_iter": 4, "patience": None, "random_state": 0}
    return make_pipeline(StandardScaler(), cls(**{**defaults, **sizes, **params}))


def answers(own, x=X, kind=FloatTensorType, **options):
    """Return the outputs of onnxruntime, by name."""
    if options:
        options = {"options": {id(own[-1]): options}}
    model = skl2onnx.to_onnx(own, initial_types=[("X", kind([None, 64]))], **options)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(model.SerializeToString(), settings, providers)
    names = [output.name for output in session.get_outputs()]
    dtype = {FloatTensorType: np.float32, DoubleTensorType: np.float64}.get(kind, np.int64)
    return dict(zip(names, session.run(names, {"X": x.astype(dtype)}), strict=True))


def assert_close(got, expected):
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", [FloatTensorType, DoubleTensorType, Int64TensorType])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cls", ALL)
def test_every_estimator_dtype_and_input(cls, dtype, kind):
    own = make(cls, dtype=dtype, batch_norm=True, dropout=0.1, activation="gelu").fit(X, Y)
    if cls in (MLPClassifier, ConvNetClassifier):
        got = answers(own, kind=kind, zipmap=False)
        assert got["label"].tolist() == own.predict(X).tolist()
        assert_close(got["probabilities"], own.predict_proba(X))
    else:
        [got] = answers(own, kind=kind).values()
        assert_close(got, own.predict(X)[:, None])


@pytest.mark.parametrize("loss", ["log_loss", "squared_error", "hinge", "perceptron"])
@pytest.mark.parametrize("name", LABELS)
def test_every_kind_of_labels_and_loss(name, loss):
    own = make(MLPClassifier, loss=loss).fit(X, LABELS[name])
    got = answers(own, zipmap=False)
    assert got["label"].tolist() == own.predict(X).tolist()
    if loss in ("log_loss", "squared_error"):
        assert_close(got["probabilities"], own.predict_proba(X))
    else:
        scores = own.decision_function(X)
        both = np.column_stack([-scores, scores]) if scores.ndim == 1 else scores
        assert_close(got["probabilities"], both)


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
@pytest.mark.parametrize("name", LABELS)
def test_dicts_and_columns_of_probabilities(name, loss):
    own = make(MLPClassifier, loss=loss).fit(X, LABELS[name])
    expected = answers(own, zipmap=False)["probabilities"]
    classes = own.classes_.tolist()
    dicts = answers(own)  # skl2onnx's default
    assert dicts["output_label"].tolist() == own.predict(X).tolist()
    got = [[row[label] for label in classes] for row in dicts["output_probability"]]
    assert_close(np.array(got, np.float32), expected)
    columns = list(answers(own, zipmap="columns").values())
    assert_close(np.column_stack(columns[1:]), expected)


def test_numbers_instead_of_labels():
    own = make(MLPClassifier).fit(X, LABELS["text"])
    got = answers(own, zipmap=False, nocl=True)
    assert own.classes_[got["label"]].tolist() == own.predict(X).tolist()


def test_the_labels_as_an_output():
    own = make(ConvNetClassifier).fit(X, LABELS["text"])
    got = answers(own, zipmap=False, output_class_labels=True)
    assert got["class_labels"].tolist() == own.classes_.tolist()


@pytest.mark.parametrize("loss", skneural._network.losses.regression.REGRESSOR_LOSSES)
@pytest.mark.parametrize("cls", [MLPRegressor, ConvNetRegressor])
def test_every_loss_of_regressors(cls, loss):
    least = 0.1 if loss == "gamma" else 0.0
    for y in (Y / 10 + least, np.c_[Y, Y % 3] / 10 + least):
        own = make(cls, loss=loss).fit(X, y)
        [got] = answers(own).values()
        assert_close(got, own.predict(X).reshape(len(X), -1))


@pytest.mark.parametrize(
    "params",
    [
        {"pool": ("average", None), "padding": "valid"}, {"pool": (None, "global_average")},
        {"strides": 2, "dilation": 2, "pool": None}, {"pool_size": 3, "pool_strides": 1},
        {"input_shape": (32, 2), "kernel_size": 5},
    ],
    ids=str,
)  # fmt: skip
def test_options_of_convolution_and_pooling(params):
    own = make(ConvNetRegressor, **params).fit(X, Y / 10)
    [got] = answers(own).values()
    assert_close(got, own.predict(X)[:, None])


def test_networks_deep_in_other_steps():
    scalers = ColumnTransformer(
        [("a", MinMaxScaler(), slice(0, 32)), ("b", StandardScaler(), slice(32, 64))]
    )
    own = make_pipeline(scalers, MLPClassifier((8,), max_iter=3, patience=None)).fit(X, Y)
    assert_close(answers(own, zipmap=False)["probabilities"], own.predict_proba(X))
    search = GridSearchCV(MLPRegressor(max_iter=2, patience=None), {"alpha": [0.1]}, cv=2)
    own = make_pipeline(MinMaxScaler(), search).fit(X, Y / 10)
    [got] = answers(own).values()
    assert_close(got, own.predict(X)[:, None])


def test_what_cannot_be_converted_is_refused(monkeypatch):
    own = make(MLPClassifier).fit(X, np.column_stack([Y, Y % 3]))
    with pytest.raises(ValueError, match=r"several columns of labels.*skneural\.to_onnx"):
        answers(own, zipmap=False)
    with pytest.raises(ValueError, match="target_opset must be >= 17, got 15"):
        skl2onnx.to_onnx(make(MLPRegressor).fit(X, Y), X[:1], target_opset=15)
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    with pytest.raises(ImportError, match=r"needs skl2onnx: pip install skl2onnx$"):
        skneural.register_skl2onnx()


def test_tables_with_categories_are_refused():
    table = pd.DataFrame({"size": X[:, 20], "digit": Y.astype(str)})
    for x, name in ((table, "digit"), (np.c_[X[:, 20], Y], "x1")):
        own = MLPClassifier((4,), max_iter=2, patience=None, categorical_features=[1]).fit(x, Y)
        for model in (own, make_pipeline(own)):
            with pytest.raises(
                ValueError, match=rf"categories '{name}',.*skneural\.to_onnx.*Hot"
            ):
                skl2onnx.to_onnx(model, x[:1])
