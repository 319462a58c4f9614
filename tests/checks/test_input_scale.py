"""Warnings about features that should be scaled, their advice, and diagnose."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_linnerud,
    load_wine,
    make_friedman1,
    make_friedman2,
)
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder, StandardScaler

from skneural import (
    ConvNetClassifier,
    ConvNetRegressor,
    MLPClassifier,
    MLPRegressor,
    diagnose,
)

MESSAGE = "X is far from mean 0 and standard deviation 1"
RNG = np.random.default_rng(0)
N = 300
NORMAL = RNG.normal(size=(N, 6))
BINARY = (NORMAL[:, 0] > 0).astype(int)
AGE = RNG.uniform(18, 80, N)
INCOME = RNG.lognormal(10.5, 0.6, N)
ONE_HOT = OneHotEncoder(sparse_output=False).fit_transform(RNG.integers(0, 20, (N, 5)))
INDICATOR = (np.arange(N) == 5).astype(float)
WORDS = sparse.csr_array(RNG.poisson(0.05, (N, 500)).astype(float))
DIGITS = load_digits()
DIABETES = load_diabetes()


def standardized(y):
    return (y - np.mean(y, axis=0)) / np.std(y, axis=0)


def make(cls=MLPClassifier, **params):
    defaults = {"max_iter": 1, "patience": np.inf, "random_state": 0}
    return cls(**{**defaults, **params})


def messages(method, X, y):
    """Return the warnings of a fit, all of which must be about the scale of X."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        method(X, y)
    assert all(MESSAGE in str(warning.message) for warning in caught)
    assert all(warning.category is UserWarning for warning in caught)
    return [str(warning.message) for warning in caught]


def warns(X, y, cls=MLPClassifier, **params):
    found = messages(make(cls, **params).fit, X, y)
    assert len(found) < 2
    return bool(found)


def friedman(make_data):
    X, y = make_data(N, random_state=0)
    return X, standardized(y)


# ------------------------------------------------------------------ which data should be scaled

# all lose clearly by it, as the table in the guide shows
UNSCALED = {
    "wine": (MLPClassifier, *load_wine(return_X_y=True)),
    "breast cancer": (MLPClassifier, *load_breast_cancer(return_X_y=True)),
    "age and income": (MLPClassifier, np.column_stack([AGE, INCOME]), BINARY),
    "a year": (MLPClassifier, np.column_stack([NORMAL, 1990 + np.arange(N) % 30]), BINARY),
    "a pH": (MLPClassifier, np.column_stack([NORMAL, 7 + 0.15 * NORMAL[:, 0]]), BINARY),
    "a rate": (MLPClassifier, np.column_stack([NORMAL, 0.03 + 0.01 * NORMAL[:, 0]]), BINARY),
    "the same year": (MLPClassifier, np.column_stack([NORMAL, np.full(N, 2024)]), BINARY),
    "all too small": (MLPClassifier, 0.01 * NORMAL, BINARY),
    "CSR counts": (MLPClassifier, sparse.csr_array(1000 * WORDS), BINARY),
    "overflow": (MLPClassifier, 1e200 * NORMAL, BINARY),
    "diabetes": (MLPRegressor, *load_diabetes(return_X_y=True, scaled=False)),
    "exercise": (MLPRegressor, *load_linnerud(return_X_y=True)),
    "friedman2": (MLPRegressor, *friedman(make_friedman2)),
    "digits of a regressor": (MLPRegressor, DIGITS.data, standardized(DIGITS.target)),
    "digits as images": (ConvNetClassifier, DIGITS.images, DIGITS.target),
}
# none loses by it
SCALED = {
    "iris": (MLPClassifier, *load_iris(return_X_y=True)),
    "digits": (MLPClassifier, DIGITS.data, DIGITS.target),
    "digits / 16": (MLPClassifier, DIGITS.data / 16, DIGITS.target),
    "one-hot": (MLPClassifier, ONE_HOT, BINARY),
    "one-hot and age": (MLPClassifier, np.column_stack([ONE_HOT, AGE]), BINARY),
    "binary": (MLPClassifier, (NORMAL > 0).astype(float), BINARY),
    "rare": (MLPClassifier, np.column_stack([NORMAL, INDICATOR, 1 - INDICATOR]), BINARY),
    "constants": (MLPClassifier, np.column_stack([NORMAL, np.full((N, 2), 7.0)]), BINARY),
    "PCA": (MLPClassifier, PCA().fit_transform(NORMAL[:, [0, 1, 2, 0]]), BINARY),
    "a dark pixel": (MLPClassifier, np.column_stack([NORMAL, 0.02 * INDICATOR]), BINARY),
    "only constants": (MLPClassifier, np.full((N, 2), 7.0), BINARY),
    "TF-IDF": (MLPClassifier, TfidfTransformer().fit_transform(WORDS), BINARY),
    "scaled CSR counts": (MLPClassifier, MaxAbsScaler().fit_transform(1000 * WORDS), BINARY),
    "a few rows": (MLPClassifier, 1000 * NORMAL[:9], BINARY[:9]),
    "scaled diabetes": (MLPRegressor, DIABETES.data, standardized(DIABETES.target)),
    "friedman1": (MLPRegressor, *friedman(make_friedman1)),
    "one-hot and age of a regressor": (
        MLPRegressor,
        np.column_stack([ONE_HOT, AGE]),
        NORMAL[:, 0],
    ),
    "images / 16": (ConvNetClassifier, DIGITS.images / 16, DIGITS.target),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize(("cls", "X", "y"), UNSCALED.values(), ids=UNSCALED)
def test_data_that_should_be_scaled(cls, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match=f"{cls.__name__}: {MESSAGE}"):
            make(cls).fit(X, y)


@pytest.mark.parametrize(("cls", "X", "y"), SCALED.values(), ids=SCALED)
def test_data_that_are_well_as_they_are(cls, X, y):
    assert not warns(X, y, cls)


@pytest.mark.parametrize("name", ["wine", "a rate", "all too small", "CSR counts"])
def test_the_line_to_write_ends_the_warning(name):
    _, X, y = UNSCALED[name]
    [message] = messages(make().fit, X, y)
    line = re.search(r"Write (make_pipeline\(.*\))\.$", message)[1]
    pipeline = eval(line.replace("...", "max_iter=1, patience=None"))
    assert not messages(pipeline.fit, X, y)


@pytest.mark.parametrize("name", ["wine", "breast cancer"])
def test_the_line_to_write_raises_the_score(name):
    _, X, y = UNSCALED[name]
    network = make(max_iter=50, batch_size=32)
    with pytest.warns(UserWarning, match=MESSAGE):
        raw = cross_val_score(network, X, y)
    scaled = cross_val_score(make_pipeline(StandardScaler(), network), X, y)
    assert scaled.mean() > raw.mean() + 0.02


# --------------------------------------------------------------------------- what is said


def test_the_worst_features_by_name_with_mean_and_standard_deviation():
    X, y = load_wine(return_X_y=True, as_frame=True)
    [message] = messages(make().fit, X, y)
    worst = ["proline", "magnesium", "alcalinity_of_ash"]
    described = [f"'{k}' (mean {X[k].mean():.3g}, standard deviation {X[k].std(ddof=0):.3g})"
                 for k in worst]  # fmt: skip
    assert f"Look at {described[0]}, {described[1]} and {described[2]}. Write" in message


def test_features_without_names_by_number():
    X = NORMAL.copy()
    X[:, 3] += 500
    [message] = messages(make().fit, X, BINARY)
    assert re.search(r"Look at feature 3 \(mean 500, standard deviation [\d.]+\)\. ", message)


def test_a_feature_that_is_too_small_beside_the_largest_one():
    X = NORMAL * [1, 1, 1, 1, 5, 1e-3]
    [message] = messages(make().fit, pd.DataFrame(X, columns=list("abcdef")), BINARY)
    assert re.search(r"Look at 'f' \(.*\), beside 'e' \(mean \S+, standard deviation", message)


def test_once_at_the_line_of_the_program():
    _, X, y = UNSCALED["wine"]
    network = make(max_iter=3)
    with pytest.warns(UserWarning, match=MESSAGE) as caught:
        network.fit(X, y)
    assert [warning.filename for warning in caught] == [__file__]
    with pytest.warns(UserWarning, match=MESSAGE) as caught:
        GridSearchCV(network, {"alpha": [0, 1]}, cv=2).fit(X, y)
    assert {warning.filename for warning in caught} == {__file__}


def test_before_training():
    own = make().fit(NORMAL, BINARY)
    theta = own.network_.theta.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match=MESSAGE):
            own.fit(1000 * NORMAL, BINARY)
    np.testing.assert_array_equal(own.network_.theta, theta)


def test_only_the_first_call_of_partial_fit_and_of_a_warm_start():
    X, y = 1000 * NORMAL, standardized(AGE)
    own, warm = make(MLPRegressor), make(MLPRegressor, warm_start=True)
    for n_warnings in (1, 0, 0):
        assert len(messages(own.partial_fit, X, y)) == n_warnings
        assert len(messages(warm.fit, X, y)) == n_warnings


# ------------------------------------------------------------- images, batch normalization


@pytest.mark.parametrize("n_channels", [1, 3])
def test_pixels_of_0_to_255(n_channels):
    images = np.repeat((DIGITS.images * 15.9).astype(np.uint8)[..., None], n_channels, axis=3)
    network = make(ConvNetClassifier, filters=(4,))
    [message] = messages(network.fit, images, DIGITS.target)
    assert message.endswith("Write X / 255.")
    assert not messages(network.fit, images / 255, DIGITS.target)
    images = images[..., 0] if n_channels == 1 else images
    assert messages(network.fit, images, DIGITS.target) == [message]


def test_channels_of_different_scales():
    signals = np.stack([400 + 50 * NORMAL, NORMAL], axis=2)
    network = make(ConvNetRegressor, filters=(4,), input_shape=(6, 2))
    [message] = messages(network.fit, signals, NORMAL[:, 0])
    assert "Look at channel 0 (mean 399, standard deviation 49.8). Write" in message
    scaled = eval(re.search(r"Write (.*)\.$", message)[1], {"X": signals})
    assert not messages(network.fit, scaled, NORMAL[:, 0])


def test_batch_normalization_takes_away_size_but_not_differences():
    assert not warns(1000 * NORMAL + 1e5, BINARY, batch_norm=True)
    assert warns(NORMAL * [1, 1, 1, 1, 1, 1e3], BINARY, batch_norm=True)
    assert warns(1000 * NORMAL, BINARY, batch_norm=True, hidden_layer_sizes=())


# -------------------------------------------------------------------------------- diagnose


@pytest.mark.parametrize("name", ["wine", "a pH", "CSR counts", "digits as images"])
def test_diagnose_finds_what_the_fit_has_warned_of(name):
    cls, X, y = UNSCALED[name]
    rows = slice(400)  # of so few both look at all
    own = make(cls)
    [message] = messages(own.fit, X[rows], y[rows])
    [finding] = [f for f in diagnose(own, X[rows]) if f.problem == "the input is not scaled"]
    assert message == f"{cls.__name__}: {finding.evidence} {finding.advice}"


HEALTHY = {
    "iris": load_iris,
    "wine": load_wine,
    "breast cancer": load_breast_cancer,
    "digits": load_digits,
    "diabetes": load_diabetes,
    "friedman1": lambda return_X_y: make_friedman1(500, noise=1.0, random_state=0),
    "friedman2": lambda return_X_y: make_friedman2(500, noise=50.0, random_state=0),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_is_said_of_a_healthy_fit(name):
    X, y = HEALTHY[name](return_X_y=True)
    is_real = y.dtype.kind == "f"
    network = make(
        MLPRegressor if is_real else MLPClassifier,
        **{"learning_rate": 3e-3, "schedule": "cosine", "max_iter": 50, "batch_size": 32},
    )
    pipeline = make_pipeline(StandardScaler(), network)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pipeline.fit(X, standardized(y) if is_real else y)
    assert diagnose(pipeline, X) == ()


def test_overfitting_after_the_epoch_that_was_kept_is_no_finding():
    """The validation loss rises, but the validation score stays as good as the training one."""
    X, y = load_breast_cancer(return_X_y=True)
    network = make(early_stopping=True, learning_rate=3e-3, max_iter=50, alpha=1e-4)
    pipeline = make_pipeline(StandardScaler(), network).fit(X, y)
    losses = pipeline[-1].history_["validation_loss"]
    assert losses[-1] > 1.3 * min(losses)
    assert diagnose(pipeline, X) == ()


def test_overfitting_of_the_epoch_that_was_kept():
    X = np.random.default_rng(0).normal(size=(150, 300))  # more features than rows
    own = make(early_stopping=True, validation_fraction=0.3, learning_rate=0.01, max_iter=20)
    [finding] = diagnose(own.fit(X, X[:, 0] > 0), X)
    assert finding.problem == "the network overfits"
    assert "whose weights were kept" in finding.evidence
    assert "early_stopping" not in finding.advice
