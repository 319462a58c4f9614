"""save and load of scikit-learn's estimators with networks: the same bits, no code runs."""

import os
import subprocess
import sys

import numpy as np
import pytest
import sklearn
from _pipelines import (
    DICTS,
    DOCUMENTS,
    FRAME,
    INTEGERS,
    NUMBERS,
    OBJECTS,
    TEXT,
    WITH_GAPS,
    Y,
    again,
    assert_same_predictions,
    mixed_columns,
    network,
)
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA, FastICA, IncrementalPCA, TruncatedSVD
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.feature_selection import (
    GenericUnivariateSelect,
    SelectFdr,
    SelectFpr,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
    VarianceThreshold,
    f_regression,
    mutual_info_classif,
)
from sklearn.frozen import FrozenEstimator
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)
from sklearn.random_projection import GaussianRandomProjection

import skneural
from skneural import MLPClassifier, MLPRegressor
from skneural._files.sklearn_classes import _MODULE_OF

STEPS = [
    *((step, NUMBERS) for step in (
        Binarizer(threshold=0.5), FrozenEstimator(StandardScaler().fit(NUMBERS)),
        FunctionTransformer(np.log1p, np.expm1), FunctionTransformer(),
        KBinsDiscretizer(quantile_method="averaged_inverted_cdf"), MaxAbsScaler(),
        MinMaxScaler(), Normalizer(), PolynomialFeatures(3), PowerTransformer(),
        QuantileTransformer(n_quantiles=10), RobustScaler(), RobustScaler(with_scaling=False),
        SplineTransformer(), SplineTransformer(extrapolation="periodic"), StandardScaler(),
        StandardScaler(with_mean=False, with_std=False), PCA(2), PCA(0.9, whiten=True),
        IncrementalPCA(2), TruncatedSVD(2), FastICA(2), FastICA(whiten=False),
        GaussianRandomProjection(2), Nystroem(n_components=5), RBFSampler(n_components=5),
        GenericUnivariateSelect(mode="k_best", param=2), SelectFdr(alpha=0.99),
        SelectFpr(alpha=0.99), SelectFwe(alpha=0.99), SelectKBest(mutual_info_classif, k=2),
        SelectKBest(f_regression, k=2), SelectPercentile(), VarianceThreshold(),
        make_union(StandardScaler(), PCA(2)), StandardScaler().set_output(transform="pandas"),
    )),
    *((step, WITH_GAPS) for step in (
        SimpleImputer(add_indicator=True), SimpleImputer(strategy="constant", fill_value=0),
        KNNImputer(add_indicator=True), OneHotEncoder(max_categories=4),
    )),
    *((step, OBJECTS) for step in (
        OneHotEncoder(), OneHotEncoder(sparse_output=False, dtype=np.float32),
        OneHotEncoder(min_frequency=20, handle_unknown="infrequent_if_exist"),
        OneHotEncoder(max_categories=2, drop="first"), OneHotEncoder(drop=["b", "x", 1]),
        OneHotEncoder(drop="if_binary", max_categories=2),
        OrdinalEncoder(encoded_missing_value=-1, min_frequency=20),
    )),
    *((step, TEXT) for step in (
        OneHotEncoder(), OneHotEncoder(categories=[["a", "bb", "ccc", "d\u00e9"]] * 2),
        OrdinalEncoder(), TargetEncoder(cv=2),
    )),
    (OneHotEncoder(drop="first"), INTEGERS),
    *((step, DOCUMENTS) for step in (
        CountVectorizer(), HashingVectorizer(n_features=64),
        TfidfVectorizer(ngram_range=(1, 2), stop_words=["w1"]),
        make_pipeline(CountVectorizer(vocabulary={"w1", "w2"}), TfidfTransformer()),
    )),
    (DictVectorizer(), DICTS),
]  # fmt: skip


@pytest.mark.parametrize(("step", "x"), STEPS, ids=range(len(STEPS)))
def test_every_step_before_a_network(step, x, tmp_path):
    own = make_pipeline(step, network()).fit(x, Y)
    twin = again(own, tmp_path)
    assert_same_predictions(twin, own, x)
    assert repr(twin) == repr(own)
    assert vars(twin[0]).keys() == vars(own[0]).keys()
    twin[-1].partial_fit(twin[:-1].transform(x), Y)
    own[-1].partial_fit(own[:-1].transform(x), Y)
    assert_same_predictions(twin, own, x)


def test_every_class_is_tried():
    tried = {type(step).__name__ for step, _ in STEPS} | {
        "ColumnTransformer", "FeatureUnion", "MissingIndicator", "Pipeline", "TfidfTransformer",
        "TransformedTargetRegressor", "make_column_selector",
    }  # fmt: skip
    assert tried == set(_MODULE_OF)


def test_unknown_and_infrequent_categories_after_loading(tmp_path):
    encoder = OneHotEncoder(min_frequency=20, handle_unknown="infrequent_if_exist")
    own = make_pipeline(encoder, network()).fit(OBJECTS, Y)
    twin = again(own, tmp_path)
    rows = np.array([["new", "new", 9], ["b", None, 2]], dtype=object)
    np.testing.assert_array_equal(twin.predict_proba(rows), own.predict_proba(rows))
    assert list(twin[0].get_feature_names_out()) == list(own[0].get_feature_names_out())
    columns = own[0].transform(rows)
    np.testing.assert_array_equal(
        twin[0].inverse_transform(columns), own[0].inverse_transform(columns)
    )


IN_A_NEW_PROCESS = """
import sys
import pandas as pd
import skneural

pipe = skneural.load(sys.argv[1])
frame = pd.read_pickle(sys.argv[2])
sys.stdout.buffer.write(pipe.predict_proba(frame).tobytes())
pipe[-1].fit(pipe[:-1].transform(frame), frame["text"])
sys.stdout.buffer.write(pipe.predict_proba(frame).tobytes())
"""


def test_columns_in_a_new_process_to_the_bit(tmp_path):
    own = mixed_columns(warm_start=True).fit(FRAME, FRAME["text"])
    skneural.save(own, tmp_path / "own.skneural")
    FRAME.to_pickle(tmp_path / "frame")
    told = subprocess.run(
        [sys.executable, "-c", IN_A_NEW_PROCESS, "own.skneural", "frame"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.path.dirname(skneural.__path__[0])},
        capture_output=True, check=True,
    )  # fmt: skip
    expected = own.predict_proba(FRAME).tobytes()
    own[-1].fit(own[:-1].transform(FRAME), FRAME["text"])
    assert told.stdout == expected + own.predict_proba(FRAME).tobytes()


@pytest.mark.parametrize(
    "params",
    [
        {"func": np.log1p, "inverse_func": np.expm1},
        {"transformer": QuantileTransformer(n_quantiles=10)},
    ],
)
def test_a_transformed_target(params, tmp_path):
    regressor = make_pipeline(StandardScaler(), network(MLPRegressor))
    own = TransformedTargetRegressor(regressor, **params).fit(NUMBERS, Y + 1.5)
    assert_same_predictions(again(own, tmp_path), own, NUMBERS)


def test_a_search_is_saved_by_its_best_estimator(tmp_path):
    pipe, grid = make_pipeline(StandardScaler(), network()), {"alpha": [0.1, 1]}
    search = GridSearchCV(pipe, {"mlpclassifier__alpha": [0.1, 1]}, cv=2).fit(NUMBERS, Y)
    twin = again(search, tmp_path)
    assert_same_predictions(twin, search.best_estimator_, NUMBERS)
    inside = make_pipeline(StandardScaler(), GridSearchCV(network(), grid, cv=2))
    twin = again(inside.fit(NUMBERS, Y), tmp_path)
    assert type(twin[-1]) is MLPClassifier
    assert_same_predictions(twin, inside, NUMBERS)
    alone = GridSearchCV(network(), grid, cv=2).fit(NUMBERS, Y)
    assert_same_predictions(again(alone, tmp_path), alone.best_estimator_, NUMBERS)
    search = GridSearchCV(network(), grid, cv=2, refit=False).fit(NUMBERS, Y)
    with pytest.raises(TypeError, match=r"got GridSearchCV.*refit=True"):
        skneural.save(search, tmp_path / "own.skneural")


def test_metadata_requests_are_left_out(tmp_path):
    with sklearn.config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=True)
        own = make_pipeline(scaler, network()).fit(NUMBERS, Y)
        twin = again(own, tmp_path)
        assert_same_predictions(twin, own, NUMBERS)
        assert "_metadata_request" not in vars(twin[0])


def test_a_matrix_keeps_its_layout(tmp_path):
    """The rounding of BLAS depends on the memory layout."""
    own = make_pipeline(PCA(2), network()).fit(NUMBERS, Y)
    for columns in (np.asfortranarray(own[0].components_), np.arange(15.0).reshape(3, 5).T[:2]):
        own[0].components_ = columns
        twin = again(own, tmp_path)
        np.testing.assert_array_equal(twin[0].components_, columns)
        assert twin[0].components_.flags.f_contiguous


def test_a_long_vocabulary(tmp_path):
    words = [" ".join(f"word{k}" for k in range(i, 90_000, 90)) for i in range(90)]
    own = make_pipeline(TfidfVectorizer(), network()).fit(words, Y)
    twin = again(own, tmp_path)
    assert twin[0].vocabulary_ == own[0].vocabulary_
    assert_same_predictions(twin, own, words)
