"""`transform`: the activations of the last hidden layer as features for another model."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from _mutations import rewrite
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks, get_tags

import skneural
from skneural import ConvNetClassifier, ConvNetRegressor, MLPClassifier, MLPRegressor

X, Y = load_digits(return_X_y=True)
X, Y = X[:150] / 16, Y[:150]
WEIGHT = 1.0 + np.arange(len(Y)) % 3
CONVNETS = (ConvNetClassifier, ConvNetRegressor)


def each(*classes):
    return pytest.mark.parametrize("cls", classes, ids=lambda cls: cls.__name__)


ALL = each(MLPClassifier, MLPRegressor, *CONVNETS)


def make(cls=MLPClassifier, **params):
    shape = {"hidden_layer_sizes": (7, 5)}
    if cls in CONVNETS:
        shape |= {"filters": (2, 3), "input_shape": (8, 8, 1)}
    return cls(**{**shape, "max_iter": 3, "random_state": 0, **params})


def output_of(own, features):
    """Return the output layer's result, as from `decision_function` or `predict`."""
    raw = features @ own.coefs_[-1] + own.intercepts_[-1]
    if not is_classifier(own):
        raw = (raw * own.y_scale_ + own.y_mean_)[:, 0]
    return raw


def expected_output(own, x):
    return own.decision_function(x) if is_classifier(own) else own.predict(x)


NETWORKS = {
    "defaults": {},
    "dropout, batch norm": {"dropout": 0.3, "batch_norm": True},
    "noise": {"input_noise": 0.1},
    "tanh": {"activation": "tanh"},
    "one hidden layer": {"hidden_layer_sizes": 4},
    "no hidden layers": {"hidden_layer_sizes": ()},
    "no hidden layers, noise": {"hidden_layer_sizes": (), "input_noise": 0.1, "dropout": 0.2},
}


@ALL
@pytest.mark.parametrize("params", NETWORKS.values(), ids=NETWORKS)
def test_features_are_what_the_output_layer_takes(cls, params):
    own = make(cls, **params).fit(X, Y)
    features = own.transform(X)
    assert features.shape == (len(X), own.coefs_[-1].shape[0])
    np.testing.assert_allclose(output_of(own, features), expected_output(own, X), rtol=1e-9)
    if own.coefs_[1:]:
        last = own.activations(X)[-2]
        np.testing.assert_array_equal(features, last.reshape(len(X), -1))
    np.testing.assert_allclose(own.transform(X[:1]), features[:1], rtol=1e-9, atol=1e-14)


@ALL
def test_without_any_hidden_layer_the_features_are_x(cls):
    params = {"filters": ()} if cls in CONVNETS else {}
    own = make(cls, hidden_layer_sizes=(), **params).fit(X, Y)
    x = X.copy()
    features = own.transform(x)
    np.testing.assert_array_equal(features, x)
    features[:] = 0  # a later step may write on it
    assert x.any()
    assert own.get_feature_names_out().shape == (64,)


@each(MLPClassifier, MLPRegressor)
@pytest.mark.parametrize("sizes", [(7, 5), ()], ids=str)
def test_sparse_rows(cls, sizes):
    own = make(cls, hidden_layer_sizes=sizes).fit(sparse.csr_array(X), Y)
    features = own.transform(sparse.csr_array(X))
    assert sparse.issparse(features) == (not sizes)
    features = features.toarray() if sparse.issparse(features) else features
    np.testing.assert_allclose(features, own.transform(X), rtol=1e-12, atol=1e-14)


@each(*CONVNETS)
def test_images_and_flat_rows_have_the_same_features(cls):
    own = make(cls, hidden_layer_sizes=()).fit(X, Y)
    assert own.transform(X).shape == (len(X), 2 * 2 * 3)
    np.testing.assert_array_equal(own.transform(X.reshape(-1, 8, 8)), own.transform(X))


@ALL
@pytest.mark.parametrize("dtype", ["auto", "float32", "float64"])
@pytest.mark.parametrize("given", ["float32", "float64"])
def test_dtype_is_that_of_the_network(cls, dtype, given):
    own = make(cls, dtype=dtype)
    features = own.fit_transform(X.astype(given), Y)
    assert features.dtype == (given if dtype == "auto" else dtype)
    preserved = get_tags(own).transformer_tags.preserves_dtype
    assert (given in preserved) == (features.dtype == given)


@ALL
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_fit_transform_is_fit_and_then_transform(cls, solver):
    given = {"sample_weight": WEIGHT, "X_val": X[:30], "y_val": Y[:30]}
    own = make(cls, solver=solver).fit(X, Y, **given)
    other = make(cls, solver=solver)
    np.testing.assert_array_equal(other.fit_transform(X, Y, **given), own.transform(X))
    np.testing.assert_array_equal(other.network_.theta, own.network_.theta)
    assert not np.array_equal(make(cls, solver=solver).fit_transform(X, Y), own.transform(X))


@ALL
def test_not_before_fit_and_not_of_other_features(cls):
    own = make(cls)
    for call in (lambda: own.transform(X), own.get_feature_names_out):
        with pytest.raises(NotFittedError):
            call()
    own.fit(X, Y)
    with pytest.raises(ValueError, match="64"):
        own.transform(X[:, 1:])
    with pytest.raises(ValueError, match="X"):
        own.transform(np.full_like(X, np.inf))


@ALL
def test_checks_of_scikit_learn_that_check_estimator_leaves_out(cls):
    for name in (
        "check_transformer_get_feature_names_out",
        "check_transformer_get_feature_names_out_pandas",
        "check_set_output_transform",
        "check_set_output_transform_pandas",
        "check_set_output_transform_polars",
        "check_global_output_transform_pandas",
        "check_global_set_output_transform_polars",
    ):
        with warnings.catch_warnings():  # some predict on arrays after a fit on DataFrames
            warnings.filterwarnings("ignore", "X (has|does not have valid) feature names")
            getattr(estimator_checks, name)(cls.__name__, cls(max_iter=3, random_state=0))


@ALL
def test_names_and_data_frames(cls):
    own = make(cls).set_output(transform="pandas")
    x = pd.DataFrame(X, index=np.arange(len(X)) + 7).rename(columns="pixel_{}".format)
    frame = own.fit_transform(x, Y)
    names = [f"{cls.__name__.lower()}{i}" for i in range(5)]
    assert list(frame.columns) == list(own.get_feature_names_out()) == names
    assert list(frame.index) == list(x.index)
    assert type(clone(own).fit(x, Y).transform(x)) is pd.DataFrame
    assert type(own.set_output(transform="default").transform(x)) is np.ndarray


@ALL
def test_cross_validation_of_a_pipeline(cls):
    x, y = load_iris(return_X_y=True)
    shape = {"input_shape": (4, 1), "filters": 8} if cls in CONVNETS else {}
    network = make(cls, hidden_layer_sizes=(16, 8), max_iter=50, **shape)
    pipeline = make_pipeline(StandardScaler(), network, LogisticRegression())
    assert cross_val_score(pipeline, x, y).mean() > 0.93
    # it is the network that has learned: LogisticRegression has 8 features
    assert pipeline.fit(x, y)[-1].coef_.shape == (3, 8)
    expected = pipeline[-1].predict(pipeline[1].transform(pipeline[0].transform(x)))
    np.testing.assert_array_equal(pipeline.predict(x), expected)


def test_in_front_of_any_model_and_beside_other_transformers():
    network, regressor = make(max_iter=50), make(MLPRegressor, max_iter=50)
    for first, model in (
        (network, KNeighborsClassifier()),
        (regressor, Ridge()),
    ):
        assert make_pipeline(first, model).fit(X, Y).score(X, Y) > 0.5
    union = make_union(clone(network), make(ConvNetClassifier)).fit(X, Y)
    assert union.transform(X).shape == (len(X), 10)
    columns = ColumnTransformer([("network", network, [0, 1, 2, 3, 4, 5])]).fit(X, Y)
    assert list(columns.get_feature_names_out()) == [
        f"network__mlpclassifier{i}" for i in range(5)
    ]


def test_a_search_over_the_depth_of_the_features():
    pipeline = make_pipeline(make(hidden_layer_sizes=6), LogisticRegression())
    search = GridSearchCV(pipeline, {"mlpclassifier__n_hidden_layers": [0, 1, 2]}, cv=2)
    search.fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_the_last_step_of_a_pipeline_predicts_as_before():
    pipeline = make_pipeline(StandardScaler(), make()).fit(X, Y)
    assert is_classifier(pipeline)
    assert pipeline.predict(X).shape == Y.shape
    assert pipeline.transform(X).shape == (len(X), 5)


def test_metadata_reach_fit_by_routing():
    with sklearn.config_context(enable_metadata_routing=True):
        network = make().set_fit_request(sample_weight=True, X_val=True, y_val=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(
            scaler,
            network,
            LogisticRegression().set_fit_request(sample_weight=False),
            transform_input=["X_val"],
        )
        given = {"sample_weight": WEIGHT, "X_val": X[:30], "y_val": Y[:30]}
        pipeline.fit(X, Y, **given)
    scaler = StandardScaler().fit(X)
    alone = make().fit(scaler.transform(X), Y, **{**given, "X_val": scaler.transform(X[:30])})
    np.testing.assert_array_equal(pipeline[1].network_.theta, alone.network_.theta)
    assert len(pipeline[1].validation_scores_) == 3


@ALL
def test_pickles_files_and_set_output(cls, tmp_path):
    first = make(cls).set_output(transform="pandas")
    pipeline = make_pipeline(StandardScaler(), first, make(MLPRegressor)).fit(X, Y)
    skneural.save(pipeline, tmp_path / "own")
    for other in (pickle.loads(pickle.dumps(pipeline)), skneural.load(tmp_path / "own")):
        np.testing.assert_array_equal(other.predict(X), pipeline.predict(X))
        features = other[:-1].transform(X)  # warnings are errors: it predicts on names
        assert features.equals(pipeline[:-1].transform(X))
    # a pickle of an earlier version holds nothing of all this
    state = first.__getstate__().copy()
    del state["_sklearn_output_config"]
    early = cls.__new__(cls)
    early.__setstate__(state)
    x = pipeline[0].transform(X)
    np.testing.assert_array_equal(early.transform(x), first.transform(x))


def test_a_file_cannot_ask_for_another_output(tmp_path):
    own = make().fit(X, Y)
    for told in ({"transform": "nonsense"}, {"other": 1}, ["pandas"]):
        rewrite(own, tmp_path / "own", set_output=told)
        with pytest.raises(ValueError, match="cannot be loaded"):
            skneural.load(tmp_path / "own")


@ALL
@pytest.mark.parametrize("options", [None, {"zipmap": False}], ids=str)
def test_skl2onnx_refuses_what_its_graph_would_do_wrong(cls, options):
    skl2onnx = pytest.importorskip("skl2onnx")
    skneural.register_skl2onnx()
    pipeline = make_pipeline(StandardScaler(), make(cls), LogisticRegression()).fit(X, Y)
    with pytest.raises(ValueError, match=f"of a network, as of this {cls.__name__}: its"):
        skl2onnx.to_onnx(pipeline, X[:1].astype(np.float32), options=options)
