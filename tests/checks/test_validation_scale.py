"""Validation data are scaled by a Pipeline; unscaled validation data give a warning."""

import warnings

import numpy as np
import pytest
import sklearn
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skneural import ConvNetClassifier, MLPClassifier, MLPRegressor

MESSAGE = "X_val does not seem to be on the scale of X"
DATA = {
    "iris": load_iris(return_X_y=True),
    "breast cancer": load_breast_cancer(return_X_y=True),
    "digits": load_digits(return_X_y=True),
}


def make(cls=MLPClassifier, **params):
    defaults = {"hidden_layer_sizes": (8,), "max_iter": 1, "patience": None}
    return cls(**{**defaults, "random_state": 0, **params})


def warns_of_scale(network, X, y, X_val, y_val):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # many of these data are not scaled themselves: tests/checks/test_input_scale.py
        warnings.filterwarnings("ignore", r"\w+: X is far from mean 0", UserWarning)
        network.fit(X, y, X_val=X_val, y_val=y_val)
    assert all(MESSAGE in str(warning.message) for warning in caught)
    assert len(caught) < 2
    return bool(caught)


def test_a_pipeline_scales_the_validation_data():
    X, y = DATA["breast cancer"]
    X, X_val, y, y_val = train_test_split(X, y, random_state=0)
    with sklearn.config_context(enable_metadata_routing=True), warnings.catch_warnings():
        warnings.simplefilter("error")
        network = make(max_iter=20).set_fit_request(X_val=True, y_val=True)
        pipeline = make_pipeline(StandardScaler(), network, transform_input=["X_val"])
        pipeline.fit(X, y, X_val=X_val, y_val=y_val)
    scaler = StandardScaler().fit(X)
    alone = make(max_iter=20).fit(
        scaler.transform(X), y, X_val=scaler.transform(X_val), y_val=y_val
    )
    assert pipeline[-1].history_["validation_loss"] == alone.history_["validation_loss"]
    np.testing.assert_array_equal(pipeline[-1].network_.theta, alone.network_.theta)
    assert pipeline.score(X_val, y_val) == alone.best_validation_score_


def test_unscaled_validation_data_in_a_pipeline_warn_before_training():
    X, y = DATA["breast cancer"]
    pipeline = make_pipeline(StandardScaler(), make())
    given = {"mlpclassifier__X_val": X[:100], "mlpclassifier__y_val": y[:100]}
    advice = r'MLPClassifier: .*transform_input=\["X_val"\] and metadata routing'
    with pytest.warns(UserWarning, match=advice):
        pipeline.fit(X, y, **given)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match=MESSAGE):
            pipeline.fit(X[:200], y[:200], **given)
    assert pipeline[-1].history_["loss"]  # of the fit before: the second one has not begun


@pytest.mark.parametrize("scaler", [StandardScaler, MinMaxScaler])
@pytest.mark.parametrize("name", DATA)
def test_the_scale_of_real_data(name, scaler):
    X, y = DATA[name]
    X, X_val, y, y_val = train_test_split(X, y, random_state=0, stratify=y)
    transform = scaler().fit(X).transform
    assert warns_of_scale(make(), transform(X), y, X_val, y_val)
    assert warns_of_scale(make(), transform(X), y, X_val[:10], y_val[:10])
    assert not warns_of_scale(make(), X, y, X_val, y_val)
    for n_rows in (1, 10, len(X_val)):
        rows = transform(X_val[:n_rows])
        assert not warns_of_scale(make(), transform(X), y, rows, y_val[:n_rows])


def test_data_that_a_scaler_makes_larger():
    X, y = load_diabetes(return_X_y=True)
    y = StandardScaler().fit_transform(y[:, None])[:, 0]
    scaled = StandardScaler().fit_transform(X)
    assert warns_of_scale(make(MLPRegressor), scaled[:300], y[:300], X[300:], y[300:])
    assert warns_of_scale(make(MLPRegressor), X[:300], y[:300], scaled[300:], y[300:])
    assert not warns_of_scale(make(MLPRegressor), scaled[:300], y[:300], scaled[300:], y[300:])


def test_images():
    X, y = DATA["digits"]
    X = X.reshape(-1, 8, 8)
    network = ConvNetClassifier((4,), max_iter=1, patience=None, random_state=0)
    assert warns_of_scale(network, X[:500] / 16, y[:500], X[500:], y[500:])
    assert not warns_of_scale(network, X[:500] / 16, y[:500], X[500:] / 16, y[500:])


@pytest.mark.parametrize("seed", range(5))
def test_rows_of_one_source_do_not_warn(seed):
    """The data have heavy tails, rare columns, constants, and a sorted column."""
    rng = np.random.default_rng(seed)
    rare = sparse.random(300, 50, density=0.01, random_state=seed).toarray() > 0
    parts = [
        rng.lognormal(sigma=2, size=(300, 20)),
        rng.standard_cauchy(size=(300, 20)),
        rare,
        np.full((300, 30), 0.1),
    ]
    y = np.arange(300) % 2
    for columns in (np.hstack([*parts, np.arange(300)[:, None]]), *parts):
        for container in (np.asarray, sparse.csr_array):
            X = container(columns / max(1, np.abs(columns).max()))
            for n_rows in (1, 50, 150):
                rows, labels = X[300 - n_rows :], y[300 - n_rows :]
                assert not warns_of_scale(make(), X[:150], y[:150], rows, labels)


def test_sparse_rows():
    X = sparse.random(300, 100, density=0.05, random_state=0, format="csr")
    y = np.arange(300) % 2
    assert warns_of_scale(make(), X[:200], y[:200], 100 * X[200:], y[200:])
    assert warns_of_scale(make(), X[:200], y[:200], 0.01 * X[200:], y[200:])
    assert not warns_of_scale(make(), X[:200], y[:200], X[200:], y[200:])


def test_too_few_training_rows_to_tell():
    assert not warns_of_scale(make(), [[0.0], [1.0]], [0, 1], [[50.0], [60.0]], [0, 1])
