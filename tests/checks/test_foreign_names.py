"""For parameter names of other libraries, the error names the equivalent in skneural."""

import inspect
import pickle

import numpy as np
import pytest
from _refusal import X, Y, make, refusal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneural import ConvNetClassifier, ConvNetRegressor, MLPClassifier, MLPRegressor

CLASSES = [MLPClassifier, MLPRegressor, ConvNetClassifier, ConvNetRegressor]
ALL = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)

# the parameter, a value of another library, and the words of the error
VALUES = [
    ("learning_rate", "adaptive", "Write schedule='adaptive'"),
    ("learning_rate", "constant", "Write schedule='constant'"),
    ("learning_rate", "0.01", "Write 0.01, without quotation marks"),
    ("activation", "sigmoid", "Write 'logistic'"),
    ("activation", "Swish", "Write 'silu'"),
    ("activation", "linear", "Write 'identity'"),
    ("activation", "LeakyReLU", "Write 'leaky_relu'"),
    ("activation", np.tanh, "Write 'tanh'"),
    ("solver", "Adam", "Write 'adam'"),
    ("solver", "RMSProp", "Write 'rmsprop'"),
    ("solver", "l-bfgs", "Write 'lbfgs'"),
    ("solver", "adma", "The closest name is 'adam'"),
    ("loss", "mse", "Write 'squared_error'"),
    ("schedule", "ReduceLROnPlateau", "Write 'adaptive'"),
    ("schedule", "Cosine", "Write 'cosine'"),
    ("weight_init", "xavier", "Write 'glorot'"),
    ("weight_init", "kaiming_normal", "Write 'he'"),
    ("dtype", np.float32, "Write 'float32'"),
    ("dtype", float, "Write 'float64'"),
    ("hidden_layer_sizes", "100", "Write 100, without quotation marks"),
    ("hidden_layer_sizes", "(64, 32)", "Write (64, 32), without quotation marks"),
    ("batch_size", "32", "Write 32, without quotation marks"),
    ("batch_size", "AUTO", "Write 'auto'"),
    ("patience", "inf", "Write None"),
    ("scoring", "acuracy", "The closest name is 'accuracy'"),
]
OWN_VALUES = [
    *((MLPClassifier, "loss", name, "Write 'log_loss'") for name in
      ("log", "crossentropy", "categorical_crossentropy", "BCELoss", "CrossEntropyLoss")),
    *((MLPRegressor, "loss", name, "Write 'absolute_error'") for name in ("mae", "L1Loss")),
    *((ConvNetClassifier, "pool", name, "Write 'average'") for name in ("avg", "mean")),
    (ConvNetClassifier, "pool", "MaxPool", "Write 'max'"),
    (ConvNetClassifier, "pool", "None", "Write None"),
    (ConvNetClassifier, "pool", ("max", "avg"), "Write 'average'"),
    (ConvNetClassifier, "padding", "SAME", "Write 'same'"),
    (ConvNetClassifier, "kernel_size", "3", "Write 3, without quotation marks"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("cls", "name", "value", "words"),
    [*((MLPClassifier, *row) for row in VALUES), (MLPRegressor, *VALUES[-12]), *OWN_VALUES],
    ids=str,
)
def test_a_value_is_called_otherwise_here(cls, name, value, words):
    own = make(cls, **{name: value})
    with refusal(own, name, repr(value[-1] if isinstance(value, tuple) else value), words):
        own.fit(X, Y)


@pytest.mark.parametrize("value", ["nope", "", None, "(1, 2)", "1 + ", [], b"Adam"], ids=repr)
def test_no_advice_where_nothing_is_known(value):
    for name in ("solver", "learning_rate"):
        with pytest.raises((TypeError, ValueError)) as info:
            make(MLPClassifier, **{name: value}).fit(X, Y)
        assert "Write" not in str(info.value)
        assert "closest" not in str(info.value)


KEYWORDS = {
    "learning_rate_init": "It is called learning_rate here",
    "lr": "It is called learning_rate here",
    "n_iter_no_change": "patience=11 is n_iter_no_change=10",
    "optimizer": "It is called solver here",
    "epochs": "It is called max_iter here",
    "validation_data": "Pass X_val and y_val to fit",
    "validation_split": "early_stopping=True and validation_fraction",
    "callbacks": "set_callbacks",
    "hidden_layer_size": "The closest name is hidden_layer_sizes",
}


@ALL
@pytest.mark.parametrize(("name", "words"), KEYWORDS.items(), ids=KEYWORDS)
def test_a_parameter_is_called_otherwise_here(cls, name, words):
    unexpected = rf"{cls.__name__}.__init__\(\) got an unexpected keyword argument '{name}'"
    with pytest.raises(TypeError, match=unexpected) as info:
        cls(**{name: 1})
    assert words in str(info.value)
    own = cls()
    with pytest.raises(ValueError, match=f"Invalid parameter '{name}'") as info:
        own.set_params(alpha=0.5, **{name: 1})
    assert words in str(info.value)
    assert own.alpha == cls().alpha


def test_a_search_says_what_a_parameter_is_called_here():
    pipeline = make_pipeline(StandardScaler(), MLPClassifier())
    grid = {"mlpclassifier__learning_rate_init": [0.1, 0.2]}
    with pytest.raises(ValueError, match="It is called learning_rate here"):
        GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, Y)


@pytest.mark.parametrize("name", ["filters", "kernel_size", "pool", "input_shape"])
def test_a_dense_network_says_who_has_filters(name):
    with pytest.raises(TypeError, match="ConvNetClassifier and ConvNetRegressor have it"):
        MLPClassifier(**{name: 3})


def test_class_weight_is_of_classifiers():
    with pytest.raises(TypeError, match="pass sample_weight to fit"):
        MLPRegressor(class_weight="balanced")


OF_FIT = {
    "validation_data": "Pass X_val and y_val to fit",
    "eval_set": "Pass X_val and y_val to fit",
    "epochs": "It is called max_iter here, a parameter of the estimator",
    "batch_size": "It is a parameter of the estimator",
    "validation_split": "early_stopping=True",
    "callbacks": "set_callbacks",
    "sample_weights": "The closest name is sample_weight",
    "nonsense": "unexpected",
}


@ALL
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(("name", "words"), OF_FIT.items(), ids=OF_FIT)
def test_an_argument_of_fit_is_called_otherwise_here(cls, method, name, words):
    own = make(cls)
    unexpected = rf"{cls.__name__}.{method}\(\) got an unexpected keyword argument '{name}'"
    with pytest.raises(TypeError, match=unexpected) as info:
        getattr(own, method)(X, Y, **{name: 1})
    assert words in str(info.value)


@ALL
def test_signatures_and_copies_are_as_ever(cls):
    own = make(cls)
    assert inspect.signature(cls).parameters.keys() == own.get_params(deep=False).keys()
    assert "X_val" in inspect.signature(own.fit).parameters
    assert "X_val" in inspect.signature(own.partial_fit).parameters
    for twin in (clone(own), pickle.loads(pickle.dumps(own))):
        assert twin.get_params() == own.get_params()
    with pytest.raises(TypeError, match="positional"):
        cls((3,), "relu")


def test_nested_parameters_are_set():
    from skneural.schedules import Step

    own = MLPClassifier(schedule=Step()).set_params(schedule__period=7, alpha=0.5)
    assert own.schedule.period == 7
    assert own.alpha == 0.5
