"""Convolutional estimators in scikit-learn's pipelines, searches and meta-estimators."""

import copy

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from _convnets import FLAT, IMAGES, X, Y, classifier, regressor, theta
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.callback import ProgressBar
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_digits
from sklearn.ensemble import BaggingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.model_selection import (
    GridSearchCV,
    cross_val_predict,
    cross_validate,
    learning_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

BOTH = pytest.mark.parametrize("make", [classifier, regressor])
DIGITS, LABELS = load_digits(return_X_y=True)
DIGITS, LABELS = DIGITS[:400], LABELS[:400]


def as_images(rows):
    """Reshape flat rows to square images with one channel."""
    side = int(np.sqrt(rows.shape[1]))
    return rows.reshape(-1, side, side, 1)


def of_digits(**params):
    return classifier(
        **{"hidden_layer_sizes": 16, "max_iter": 10, "learning_rate": 0.01, **params}
    )


@BOTH
def test_pipeline_that_makes_images(make):
    pipe = make_pipeline(StandardScaler(), FunctionTransformer(as_images), make())
    pipe.fit(FLAT, Y)
    assert pipe[-1].input_shape_ == (6, 6, 1)
    by_hand = make().fit(as_images(StandardScaler().fit_transform(FLAT)), Y)
    np.testing.assert_array_equal(theta(pipe[-1]), theta(by_hand))
    assert pipe.score(FLAT, Y) == by_hand.score(as_images(pipe[0].transform(FLAT)), Y)
    told = make_pipeline(StandardScaler(), make(input_shape=(6, 6, 1))).fit(FLAT, Y)
    np.testing.assert_array_equal(theta(told[-1]), theta(by_hand))


@BOTH
def test_cross_validate_in_two_processes(make):
    pipe = make_pipeline(FunctionTransformer(as_images), make(augmentation={"shift": 1}))
    alone = cross_validate(pipe, FLAT, Y, cv=3)
    parallel = cross_validate(pipe, FLAT, Y, cv=3, n_jobs=2, return_estimator=True)
    np.testing.assert_array_equal(parallel["test_score"], alone["test_score"])
    assert parallel["estimator"][0][-1].input_shape_ == (6, 6, 1)
    images = cross_validate(make(augmentation={"shift": 1}), X, Y, cv=3)
    np.testing.assert_array_equal(images["test_score"], alone["test_score"])


def test_cross_val_predict_on_images():
    proba = cross_val_predict(classifier(), IMAGES, Y, cv=3, method="predict_proba")
    of_rows = cross_val_predict(
        classifier(input_shape=(6, 6, 1)), FLAT, Y, cv=3, method="predict_proba"
    )
    np.testing.assert_array_equal(proba, of_rows)


def test_grid_search_over_filters_and_kernels_of_the_digits():
    pipe = make_pipeline(MinMaxScaler(), of_digits(input_shape=(8, 8, 1)))
    grid = {
        "convnetclassifier__filters": [(4,), (4, 8)],
        "convnetclassifier__kernel_size": [1, 3],
    }
    search = GridSearchCV(pipe, grid, cv=2, error_score="raise").fit(DIGITS, LABELS)
    assert search.best_score_ > 0.75
    assert search.best_params_["convnetclassifier__kernel_size"] == 3
    best = search.best_estimator_[-1]
    assert best.coefs_[0].shape == (3, 3, 1, 4)
    assert best.input_shape_ == (8, 8, 1)
    again = clone(search).set_params(n_jobs=2).fit(DIGITS, LABELS)
    for name in ("split0_test_score", "split1_test_score"):
        np.testing.assert_array_equal(search.cv_results_[name], again.cv_results_[name])


def test_grid_search_over_what_stands_in_blocks():
    grid = {
        "pool_size": np.array([1, 2]),  # NumPy's integers
        "pool": ["max", "average", ("average", None)],
        "padding": ["same", 2],
        "dilation": [1, (1, 2)],
        "augmentation": [None, {"shift": 1}],
    }
    search = GridSearchCV(classifier(max_iter=1), grid, cv=2, error_score="raise").fit(X, Y)
    assert len(search.cv_results_["params"]) == 48


def test_calibrated_classifier():
    for own, x in ((classifier(max_iter=5), IMAGES), (classifier(input_shape=(6, 6, 1)), FLAT)):
        calibrated = CalibratedClassifierCV(own, cv=3).fit(x, Y)
        np.testing.assert_allclose(calibrated.predict_proba(x).sum(axis=1), 1)


def test_permutation_importance_of_flat_rows():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 16))
    own = regressor(8, input_shape=(4, 4, 1), max_iter=40, learning_rate=0.02, pool=None)
    own.fit(x, 3 * x[:, 5])
    importances = permutation_importance(own, x, 3 * x[:, 5], random_state=0)
    assert importances.importances_mean.argmax() == 5
    assert importances.importances_mean[5] > 0.5


def test_meta_estimators():
    bag = BaggingClassifier(classifier(input_shape=(6, 6, 1)), n_estimators=2, random_state=0)
    assert bag.fit(FLAT, Y).predict(FLAT).shape == (45,)
    own = TransformedTargetRegressor(regressor(), transformer=StandardScaler()).fit(IMAGES, Y)
    assert own.predict(IMAGES).shape == (45,)
    sizes, _, scores = learning_curve(
        classifier(), X, Y, train_sizes=[10, 30], cv=3, exploit_incremental_learning=True
    )
    assert (list(sizes), scores.shape) == ([10, 30], (2, 3))


def test_weights_routed_through_a_search():
    """Every image occurs twice, with either label; the weights decide which one is learned."""
    x, y = np.concatenate([X, X]), np.repeat([0, 1], 45)
    with sklearn.config_context(enable_metadata_routing=True):
        own = classifier(max_iter=10).set_fit_request(sample_weight=True)
        own.set_score_request(sample_weight=True)
        search = GridSearchCV(own, {"filters": [2, (2, 3)]}, cv=2)
        search.fit(x, y, sample_weight=np.where(y, 1.0, 0.05))
        assert (search.predict(X) == 1).all()


PARAMS = {
    "filters": [3, 5],
    "kernel_size": ((3, 5), 3),
    "pool": ["max", None],
    "padding": ["same", 1],
    "input_shape": [6, 6, 1],
    "augmentation": {"shift": 1},
}


@BOTH
def test_clone_and_parameters(make):
    given = copy.deepcopy(PARAMS)
    own = make(**given).fit(X, Y)
    assert all(getattr(own, name) is value for name, value in given.items())
    assert given == PARAMS
    twin = clone(own)
    assert twin.get_params() == own.get_params()
    assert vars(twin).keys() == own.get_params().keys()
    with pytest.raises(NotFittedError):
        twin.predict(X)
    np.testing.assert_array_equal(theta(twin.fit(X, Y)), theta(own))
    twin.set_params(**clone(make()).get_params()).fit(X, Y)
    np.testing.assert_array_equal(theta(twin), theta(make().fit(X, Y)))
    for text in (repr(own), own._repr_html_()):
        assert type(own).__name__ in text


@BOTH
@pytest.mark.parametrize("mmap_mode", [None, "r"])
def test_a_file_predicts_bit_for_bit(make, mmap_mode, tmp_path):
    own = make(batch_norm=True).fit(X, Y)
    twin = joblib.load(joblib.dump(own, tmp_path / "own.joblib")[0], mmap_mode=mmap_mode)
    np.testing.assert_array_equal(twin.predict(IMAGES), own.predict(IMAGES))
    np.testing.assert_array_equal(theta(twin.partial_fit(X, Y)), theta(own.partial_fit(X, Y)))


@BOTH
def test_names_of_features(make):
    frame = pd.DataFrame(FLAT, columns=[f"pixel {i}" for i in range(36)])
    own = make(input_shape=(6, 6, 1)).fit(frame, Y)
    assert list(own.feature_names_in_) == list(frame.columns)
    np.testing.assert_array_equal(own.predict(frame), make().fit(X, Y).predict(X))
    with pytest.raises(ValueError, match="feature names"):
        own.predict(frame[frame.columns[::-1]])


@BOTH
def test_predictions_from_many_threads(make):
    own = make().fit(X, Y)
    expected = own.predict(X)
    jobs = (joblib.delayed(own.predict)(X) for _ in range(8))
    for result in joblib.Parallel(n_jobs=4, prefer="threads")(jobs):
        np.testing.assert_array_equal(result, expected)


@BOTH
def test_progress_bar(make, capsys):
    own = make().set_callbacks(ProgressBar()).fit(X, Y)
    assert f"{type(own).__name__} - fit" in capsys.readouterr().out
    np.testing.assert_array_equal(theta(own), theta(make().fit(X, Y)))
    search = GridSearchCV(make(), {"kernel_size": [1, 3]}, cv=2)
    search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(X, Y)
    assert "GridSearchCV - fit" in capsys.readouterr().out
