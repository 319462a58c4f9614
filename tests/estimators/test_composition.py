"""The estimators in scikit-learn's meta-estimators and searches, copied, saved and shown."""

import copy
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    StackingRegressor,
)
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    cross_val_predict,
    cross_validate,
    learning_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import shuffle

from skneural import MLPClassifier, MLPRegressor

# four measures of three kinds of iris; ten of patients, of which the third is the body mass
X, Y = shuffle(*load_iris(return_X_y=True), random_state=0)
X = (X - X.mean(axis=0)) / X.std(axis=0)
X_REG, Y_REG = load_diabetes(return_X_y=True)
X_REG, Y_REG = X_REG[:200] / X_REG.std(), (Y_REG[:200] - Y_REG.mean()) / Y_REG.std()
LABELS = np.column_stack([Y == 0, Y > 0, X[:, 0] > 0]).astype(int)  # multilabel
TARGETS = np.column_stack([Y_REG, -2 * Y_REG, X_REG[:, 2]])  # multi-output


def classifier(sizes=(16,), **params):
    defaults = {"learning_rate": 0.02, "schedule": "constant", "batch_size": 30, "max_iter": 15}
    return MLPClassifier(sizes, **{**defaults, "patience": None, "random_state": 0, **params})


def regressor(sizes=(16,), **params):
    defaults = {"learning_rate": 0.01, "schedule": "constant", "batch_size": 30, "max_iter": 30}
    return MLPRegressor(sizes, **{**defaults, "patience": None, "random_state": 0, **params})


BOTH = pytest.mark.parametrize(
    ("make", "x", "y"),
    [(classifier, X, Y), (regressor, X_REG, Y_REG)],
    ids=["MLPClassifier", "MLPRegressor"],
)


def test_learns_by_itself():
    assert classifier().fit(X, Y).score(X, Y) > 0.95
    assert regressor().fit(X_REG, Y_REG).score(X_REG, Y_REG) > 0.5


def test_pipeline_with_scaler():
    raw = X * [1, 1e3, 1e-3, 1] + 1e3
    pipe = make_pipeline(StandardScaler(), classifier()).fit(raw, Y)
    assert pipe.score(raw, Y) > 0.95
    assert pipe.predict_proba(raw).shape == (150, 3)
    pipe.set_params(mlpclassifier__hidden_layer_sizes=())
    assert pipe.fit(raw, Y)[-1].n_layers_ == 2


def test_pipeline_with_one_hot_encoded_text():
    frame = pd.DataFrame({"kind": np.array(["a", "b", "c"])[Y], "width": X[:, 0]})
    columns = make_column_transformer((OneHotEncoder(), ["kind"]), remainder="passthrough")
    assert make_pipeline(columns, classifier()).fit(frame, Y).score(frame, Y) == 1


@pytest.fixture(scope="module")
def search():
    grid = {
        "hidden_layer_sizes": [(), (8,), (8, 4)],
        "activation": ["relu", "tanh"],
        "learning_rate": [0.02, 1e-6],
    }
    return GridSearchCV(classifier(max_iter=8), grid, cv=3).fit(X, Y)


def test_grid_search_finds_what_learns(search):
    assert search.best_score_ > 0.9
    assert search.best_params_["learning_rate"] == 0.02
    assert search.score(X, Y) > 0.9
    slow = search.cv_results_["param_learning_rate"] == 1e-6
    scores = search.cv_results_["mean_test_score"]
    assert scores[slow].mean() < scores[~slow].mean() - 0.2


def test_grid_search_has_the_same_scores_in_two_processes(search):
    parallel = clone(search).set_params(n_jobs=2).fit(X, Y)
    for split in range(3):
        name = f"split{split}_test_score"
        np.testing.assert_array_equal(parallel.cv_results_[name], search.cv_results_[name])
    assert parallel.best_params_ == search.best_params_
    np.testing.assert_array_equal(parallel.predict_proba(X), search.predict_proba(X))


def test_grid_search_over_numpy_values():
    # np.linspace and np.array are what people write; their entries are NumPy scalars
    grid = {
        "hidden_layer_sizes": np.array([4, 8]),
        "activation": np.array(["relu", "tanh"]),
        "learning_rate": np.array([0.01, 0.02], np.float32),
        "shuffle": np.array([True, False]),
        "batch_size": np.array([20, 30]),
    }
    search = GridSearchCV(classifier(max_iter=2), grid, cv=2, error_score="raise").fit(X, Y)
    assert search.best_score_ > 0.5


@pytest.mark.parametrize(
    ("name", "value"),
    [("patience", np.float64(np.inf)), ("batch_size", np.str_("auto"))],
)
def test_special_values_may_be_numpy_scalars(name, value):
    # what ParameterGrid makes of np.array([np.inf]) and np.array(["auto"])
    assert classifier(max_iter=100, **{name: value}).fit(X, Y).score(X, Y) > 0.9


def test_halving_search_over_samples():
    grid = {"hidden_layer_sizes": [(), (8,), (16,)], "learning_rate": [0.02, 1e-6]}
    search = HalvingGridSearchCV(classifier(), grid, min_resources=40, cv=3, random_state=0)
    search.fit(X, Y)
    assert search.n_resources_ == [40, 120]
    assert search.best_params_["learning_rate"] == 0.02
    assert search.score(X, Y) > 0.9


def test_halving_search_over_epochs():
    grid = {"hidden_layer_sizes": [(), (8,), (16,)], "learning_rate": [0.02, 1e-6]}
    search = HalvingGridSearchCV(
        classifier(), grid, resource="max_iter", min_resources=5, max_resources=15, cv=3
    ).fit(X, Y)
    assert search.n_resources_ == [5, 15]
    assert search.best_estimator_.n_iter_ == 15
    assert search.best_params_["learning_rate"] == 0.02


def test_cross_validate_with_several_scorers():
    scoring = ["accuracy", "neg_log_loss", "roc_auc_ovr"]
    result = cross_validate(classifier(), X, Y, scoring=scoring, cv=3, return_estimator=True)
    assert result["test_accuracy"].mean() > 0.9
    assert result["test_neg_log_loss"].mean() > -0.3
    assert result["test_roc_auc_ovr"].mean() > 0.95
    assert [own.n_iter_ for own in result["estimator"]] == [15, 15, 15]
    weights = [own.coefs_[0] for own in result["estimator"]]
    assert not np.shares_memory(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[1])


def test_cross_validate_a_regressor():
    scoring = ["r2", "neg_mean_absolute_error"]
    result = cross_validate(regressor((), max_iter=20), X_REG, Y_REG, scoring=scoring, cv=3)
    assert result["test_r2"].mean() > 0.3
    assert result["test_neg_mean_absolute_error"].mean() > -0.7


def test_cross_val_predict_probabilities():
    proba = cross_val_predict(classifier(), X, Y, cv=3, method="predict_proba")
    assert proba.shape == (150, 3)
    assert log_loss(Y, proba) < 0.3


def test_learning_curve_by_partial_fit():
    sizes, _, scores = learning_curve(
        classifier(batch_size=5),
        X,
        Y,
        train_sizes=[20, 60, 100],
        cv=3,
        exploit_incremental_learning=True,
    )
    assert list(sizes) == [20, 60, 100]
    assert scores[-1].mean() > max(0.8, scores[0].mean() - 0.01)


def test_calibrated_classifier():
    calibrated = CalibratedClassifierCV(classifier(), cv=3).fit(X[:100], Y[:100])
    proba = calibrated.predict_proba(X[100:])
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert calibrated.score(X[100:], Y[100:]) > 0.85
    assert log_loss(Y[100:], proba) < 0.5


def test_stacking_classifier():
    members = [("net", classifier()), ("linear", LogisticRegression())]
    stack = StackingClassifier(members, final_estimator=classifier(()), cv=3).fit(X, Y)
    assert stack.score(X, Y) > 0.9
    assert stack.transform(X).shape == (150, 6)


def test_stacking_regressor():
    members = [("net", regressor()), ("linear", LinearRegression())]
    stack = StackingRegressor(members, cv=3).fit(X_REG, Y_REG)
    assert stack.score(X_REG, Y_REG) > 0.5
    assert stack.predict(X_REG).shape == (200,)


def test_bagging_classifier():
    bag = BaggingClassifier(classifier(), n_estimators=3, random_state=0).fit(X, Y)
    assert bag.score(X, Y) > 0.9
    assert len({own.coefs_[0].tobytes() for own in bag.estimators_}) == 3


def test_boosting():
    boost = AdaBoostClassifier(classifier(), n_estimators=3, random_state=0).fit(X, Y)
    assert boost.score(X, Y) > 0.9


def test_one_versus_rest():
    several = OneVsRestClassifier(classifier()).fit(X, Y)
    assert several.score(X, Y) > 0.9
    assert several.predict_proba(X).shape == (150, 3)
    assert [own.n_outputs_ for own in several.estimators_] == [1, 1, 1]


def test_multi_output_classifier_of_text():
    y = np.column_stack([np.array(["a", "b", "c"])[Y], np.where(X[:, 0] > 0, "long", "short")])
    multi = MultiOutputClassifier(classifier()).fit(X, y)
    assert (multi.predict(X) == y).mean(axis=0).min() > 0.9
    assert [proba.shape for proba in multi.predict_proba(X)] == [(150, 3), (150, 2)]


def test_multi_output_regressor():
    multi = MultiOutputRegressor(regressor()).fit(X_REG, TARGETS)
    assert multi.predict(X_REG).shape == (200, 3)
    assert multi.score(X_REG, TARGETS) > 0.5


def test_transformed_target():
    own = TransformedTargetRegressor(regressor(), transformer=StandardScaler())
    assert own.fit(X_REG, 1e4 + 1e3 * Y_REG).score(X_REG, 1e4 + 1e3 * Y_REG) > 0.5


def test_permutation_importance_finds_the_informative_feature():
    own = regressor((8,)).fit(X_REG, X_REG[:, 2] ** 2)
    importances = permutation_importance(own, X_REG, X_REG[:, 2] ** 2, random_state=0)
    assert importances.importances_mean.argmax() == 2
    assert importances.importances_mean[2] > 0.5


# Every row stands twice, with either label: the weights alone decide which is learnt.
X_TWICE = np.vstack([X, X])
Y_TWICE = np.repeat([0, 1], len(X))


@pytest.mark.parametrize("label", [0, 1])
def test_routed_weights_decide_in_a_pipeline(label):
    weights = np.where(label == Y_TWICE, 1.0, 0.1)
    with sklearn.config_context(enable_metadata_routing=True):
        own = classifier(max_iter=5).set_fit_request(sample_weight=True)
        pipe = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), own)
        pipe.fit(X_TWICE, Y_TWICE, sample_weight=weights)
        assert (pipe.predict(X) == label).all()


@pytest.mark.parametrize("label", [0, 1])
def test_routed_weights_decide_in_a_search(label):
    weights = np.where(label == Y_TWICE, 1.0, 0.1)
    with sklearn.config_context(enable_metadata_routing=True):
        own = classifier(max_iter=5).set_fit_request(sample_weight=True)
        own.set_score_request(sample_weight=True)
        search = GridSearchCV(own, {"hidden_layer_sizes": [(), (4,)]}, cv=3)
        search.fit(X_TWICE, Y_TWICE, sample_weight=weights)
        assert (search.predict(X) == label).all()
        assert search.best_score_ > 0.85  # 10 / 11 with weights, 1 / 2 without


def test_weights_that_were_not_requested_are_refused():
    with sklearn.config_context(enable_metadata_routing=True):
        pipe = make_pipeline(StandardScaler(), classifier())
        with pytest.raises(ValueError, match="sample_weight"):
            pipe.fit(X, Y, sample_weight=np.ones(len(Y)))


COPIES = {
    "pickle": lambda own, path: pickle.loads(pickle.dumps(own)),
    "deepcopy": lambda own, path: copy.deepcopy(own),
    "joblib": lambda own, path: joblib.load(joblib.dump(own, path / "own.joblib")[0]),
    "mapped": lambda own, path: joblib.load(
        joblib.dump(own, path / "own.joblib")[0], mmap_mode="r"
    ),
}


def probabilities_or_targets(own, x):
    return own.predict_proba(x) if hasattr(own, "predict_proba") else own.predict(x)


@BOTH
@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("make_copy", COPIES.values(), ids=COPIES)
def test_a_copy_predicts_and_trains_on_bit_for_bit(make, x, y, solver, make_copy, tmp_path):
    own = make(solver=solver, max_iter=3).fit(x, y)
    twin = make_copy(own, tmp_path)
    assert vars(twin).keys() == vars(own).keys()
    for epoch in range(3):
        a, b = probabilities_or_targets(own, x), probabilities_or_targets(twin, x)
        np.testing.assert_array_equal(a, b, err_msg=f"after {epoch} more epochs")
        own.partial_fit(x, y)
        twin.partial_fit(x, y)
    assert own.loss_curve_ == twin.loss_curve_
    assert own.n_iter_ == twin.n_iter_ == 6


@BOTH
@pytest.mark.parametrize("kind", ["pickle", "deepcopy", "joblib"])
def test_a_copy_has_weights_of_its_own(make, x, y, kind, tmp_path):
    own = make(max_iter=1).fit(x, y)
    twin = COPIES[kind](own, tmp_path)
    before = probabilities_or_targets(own, x)
    for weight in twin.coefs_:  # documented as writable views into the network
        weight[...] = 0
    np.testing.assert_array_equal(probabilities_or_targets(own, x), before)
    assert np.ptp(probabilities_or_targets(twin, x), axis=0).max() == 0


def test_an_unfitted_estimator_copies():
    for make_copy in (copy.deepcopy, lambda own: pickle.loads(pickle.dumps(own))):
        assert make_copy(classifier()).get_params() == classifier().get_params()


@BOTH
def test_clone_is_unfitted_and_equal(make, x, y):
    own = make((8, 4), activation=["relu", "tanh"], max_iter=2).fit(x, y)
    twin = clone(own)
    assert twin.get_params() == own.get_params()
    assert vars(twin).keys() == own.get_params().keys()
    with pytest.raises(NotFittedError):
        twin.predict(x)
    np.testing.assert_array_equal(twin.fit(x, y).coefs_[0], own.coefs_[0])


def test_fit_leaves_the_parameters_alone():
    sizes, activations = [8, 4], ["relu", "tanh"]
    own = classifier(sizes, activation=activations, max_iter=1).fit(X, Y)
    assert own.hidden_layer_sizes is sizes
    assert own.activation is activations
    assert (sizes, activations) == ([8, 4], ["relu", "tanh"])


@BOTH
def test_data_frame(make, x, y):
    frame = pd.DataFrame(x, columns=[f"measure {i}" for i in range(x.shape[1])])
    own = make(max_iter=3).fit(frame, pd.Series(y))
    assert list(own.feature_names_in_) == list(frame.columns)
    assert own.n_features_in_ == x.shape[1]
    np.testing.assert_array_equal(own.predict(frame), make(max_iter=3).fit(x, y).predict(x))
    with pytest.raises(ValueError, match="feature names"):
        own.predict(frame[frame.columns[::-1]])
    with pytest.raises(ValueError, match="feature names"):
        own.partial_fit(frame[frame.columns[::-1]], y)
    with pytest.warns(UserWarning, match="feature names"):
        own.predict(x)


def test_data_frame_of_mixed_number_columns():
    frame = pd.DataFrame(X, columns=list("abcd")).assign(e=Y, f=Y > 1)
    frame["g"] = pd.array(Y, dtype="Int64")
    own = classifier().fit(frame, Y)
    assert own.coefs_[0].dtype == np.float64
    assert own.score(frame, Y) == 1


@BOTH
@pytest.mark.parametrize("make_sparse", [sparse.csr_array, sparse.csr_matrix, sparse.coo_array])
def test_sparse_equals_dense(make, x, y, make_sparse):
    x = np.where(np.abs(x) > 0.7, x, 0)
    of_dense, of_sparse = make().fit(x, y), make().fit(make_sparse(x), y)
    for own in (of_dense, of_sparse):
        for given in (x, make_sparse(x)):
            np.testing.assert_allclose(
                probabilities_or_targets(own, given),
                probabilities_or_targets(of_dense, x),
                rtol=0,
                atol=1e-10,
            )
    assert of_sparse.score(x, y) > 0.4


@BOTH
def test_text_and_html_representation(make, x, y):
    own = make((7, 3), max_iter=1)
    assert "<span>Not fitted</span>" in own._repr_html_()
    own.fit(x, y)
    assert repr(own).startswith(type(own).__name__ + "(")
    assert "hidden_layer_sizes=(7, 3)" in repr(own)
    html = own._repr_html_()
    assert type(own).__name__ in html
    assert "<span>Fitted</span>" in html
    names = {type(own).__name__: type(own), "inf": np.inf}
    assert eval(repr(own), names).get_params() == own.get_params()


def test_multilabel_dense_and_sparse_y():
    own = classifier(max_iter=30).fit(X, LABELS)
    assert own.predict(X).shape == own.predict_proba(X).shape == (150, 3)
    assert np.isin(own.predict(X), [0, 1]).all()
    np.testing.assert_array_equal(own.predict(X), own.predict_proba(X) > 0.5)
    assert own.score(X, LABELS) > 0.8  # all three labels of a row right
    assert own.out_activation_ == "logistic"
    of_sparse = classifier(max_iter=30).fit(X, sparse.csr_array(LABELS))
    np.testing.assert_array_equal(of_sparse.predict_proba(X), own.predict_proba(X))
    np.testing.assert_array_equal(own.partial_fit(X, LABELS).classes_, [0, 1, 2])


def test_multi_output_regression():
    own = regressor().fit(X_REG, TARGETS)
    assert own.predict(X_REG).shape == (200, 3)
    assert own.n_outputs_ == 3
    assert own.score(X_REG, TARGETS) > 0.5
    single = regressor().fit(X_REG, TARGETS[:, 0])
    assert single.predict(X_REG).shape == (200,)


LABEL_KINDS = {
    "text": np.array(["setosa", "versicolor", "virginica"]),
    "objects": np.array(["setosa", "versicolor", "virginica"], dtype=object),
    "far apart": np.array([-5, 3, 1000]),
    "floats": np.array([-1.0, 2.0, 7.0]),
    "unsorted": np.array(["c", "a", "b"]),
}


@pytest.mark.parametrize("names", LABEL_KINDS.values(), ids=LABEL_KINDS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_labels_of_any_kind(names, n_classes):
    few = n_classes > Y
    x, y = X[few], names[Y[few]]
    own = classifier().fit(x, y)
    np.testing.assert_array_equal(own.classes_, np.unique(y))
    assert own.predict(x).dtype == y.dtype
    assert own.score(x, y) > 0.9
    np.testing.assert_array_equal(
        own.classes_[own.predict_proba(x).argmax(axis=1)], own.predict(x)
    )
    assert (own.partial_fit(x[:5], y[:5]).predict(x) == y).mean() > 0.9
    assert (classifier().fit(x, list(y)).predict(x) == own.classes_[0]).any()


def test_boolean_labels():
    own = classifier().fit(X, Y == 0)
    assert own.predict(X).dtype == bool
    assert own.score(X, Y == 0) > 0.95


def test_a_column_of_labels_warns_and_is_flattened():
    with pytest.warns(DataConversionWarning, match="column-vector y"):
        own = classifier(max_iter=3).fit(X, Y[:, None])
    assert own.predict(X).shape == (150,)
    flat = classifier(max_iter=3).fit(X, Y)
    np.testing.assert_array_equal(own.predict_proba(X), flat.predict_proba(X))


def test_a_column_of_targets_stays_a_column():
    own = regressor(max_iter=3).fit(X_REG, Y_REG[:, None])
    assert own.predict(X_REG).shape == (200, 1)
    flat = regressor(max_iter=3).fit(X_REG, Y_REG)
    np.testing.assert_array_equal(own.predict(X_REG)[:, 0], flat.predict(X_REG))


@BOTH
@pytest.mark.parametrize("shuffle_rows", [True, False])
def test_read_only_memory_map(make, x, y, shuffle_rows, tmp_path):
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    x_map = np.load(tmp_path / "x.npy", mmap_mode="r")
    y_map = np.load(tmp_path / "y.npy", mmap_mode="r")
    own = make(max_iter=3, shuffle=shuffle_rows).fit(x_map, y_map)
    plain = make(max_iter=3, shuffle=shuffle_rows).fit(x, y)
    np.testing.assert_array_equal(own.predict(x_map), plain.predict(x))
    own.partial_fit(x_map, y_map)
    np.testing.assert_array_equal(own.predict(x), plain.partial_fit(x, y).predict(x))


@BOTH
def test_fit_and_predict_leave_their_input_alone(make, x, y):
    weights = np.linspace(0, 2, len(y))
    x_given, y_given, weights_given = x.copy(), y.copy(), weights.copy()
    own = make(max_iter=2, shuffle=False).fit(x_given, y_given, weights_given)
    own.partial_fit(x_given, y_given, sample_weight=weights_given)
    own.predict(x_given)
    np.testing.assert_array_equal(x_given, x)
    np.testing.assert_array_equal(y_given, y)
    np.testing.assert_array_equal(weights_given, weights)
