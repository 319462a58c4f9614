"""Depth and width as numbers: `n_hidden_layers` and `n_blocks`."""

import copy
import pickle
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
from _mutations import rewrite
from scipy.stats import randint
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skneural
from skneural import (
    ConvNetClassifier,
    ConvNetRegressor,
    MLPClassifier,
    MLPRegressor,
    study_report,
)
from skneural._files.save import plain_parameters

X, Y = load_digits(return_X_y=True)
X, Y = X[:150] / 16, Y[:150]
CONVNETS = (ConvNetClassifier, ConvNetRegressor)


def each(*classes):
    return pytest.mark.parametrize("cls", classes, ids=lambda cls: cls.__name__)


ALL = each(MLPClassifier, MLPRegressor, *CONVNETS)


def make(cls=MLPClassifier, **params):
    shape = {"input_shape": (8, 8, 1)} if cls in CONVNETS else {}
    if cls in CONVNETS and "n_blocks" not in params:
        shape["filters"] = 2
    return cls(**{**shape, "max_iter": 2, "random_state": 0, **params})


@ALL
@pytest.mark.parametrize("kind", [int, np.int64, np.uint8])
@pytest.mark.parametrize("depth", [0, 1, 3])
def test_one_size_and_a_depth_are_the_tuple(cls, kind, depth):
    own = make(cls, hidden_layer_sizes=kind(6), n_hidden_layers=kind(depth)).fit(X, Y)
    by_tuple = make(cls, hidden_layer_sizes=(6,) * depth).fit(X, Y)
    assert repr(own.network_) == repr(by_tuple.network_)
    np.testing.assert_array_equal(own.predict(X), by_tuple.predict(X))
    assert str(own.summary()) == str(by_tuple.summary())


@each(*CONVNETS)
@pytest.mark.parametrize("kind", [int, np.int64])
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_filters_and_a_number_of_blocks_are_the_tuple(cls, kind, depth):
    params = {"activation": ("relu",) * depth + ("tanh",), "hidden_layer_sizes": 5}
    own = make(cls, filters=kind(3), n_blocks=kind(depth), **params).fit(X, Y)
    by_tuple = make(cls, filters=(3,) * depth, **params).fit(X, Y)
    assert repr(own.network_) == repr(by_tuple.network_)
    np.testing.assert_array_equal(own.predict(X), by_tuple.predict(X))


@ALL
def test_without_a_depth_one_number_is_one_layer(cls):
    own = make(cls, hidden_layer_sizes=6, max_iter=0).fit(X, Y)
    assert repr(own.network_) == repr(make(cls, hidden_layer_sizes=(6,)).fit(X, Y).network_)
    width = 64 if cls in CONVNETS else 200
    default = make(cls, max_iter=0).fit(X, Y)
    by_tuple = make(cls, hidden_layer_sizes=(width,), max_iter=0).fit(X, Y)
    assert repr(default.network_) == repr(by_tuple.network_)


@ALL
def test_a_depth_alone_takes_the_default_width(cls):
    own = make(cls, n_hidden_layers=2, max_iter=0).fit(X, Y)
    width = 64 if cls in CONVNETS else 200
    assert [bias.shape for bias in own.intercepts_][-3:-1] == [(width,), (width,)]


@ALL
@pytest.mark.parametrize("depth", [0, 2, np.int64(2)])
@pytest.mark.parametrize("sizes", [(8, 4), [8, 4], np.array([8, 4]), (8, 8)], ids=repr)
def test_a_sequence_and_a_depth_are_refused(cls, sizes, depth):
    own = make(cls, hidden_layer_sizes=sizes, n_hidden_layers=depth)
    with pytest.raises(ValueError, match=r"^hidden_layer_sizes must be one integer") as caught:
        own.fit(X, Y)
    assert f"Write hidden_layer_sizes=8, n_hidden_layers={depth} or" in str(caught.value)
    assert f"hidden_layer_sizes=(8, {sizes[1]}), n_hidden_layers=None." in str(caught.value)
    with pytest.raises(ValueError, match=r"Write hidden_layer_sizes=\(\), n_hidden_layers=No"):
        own.set_params(hidden_layer_sizes=()).fit(X, Y)


@each(*CONVNETS)
def test_a_sequence_of_filters_and_a_number_of_blocks_are_refused(cls):
    message = r"filters must .*Write filters=16, n_blocks=3 or filters=\(16, 32\), n_blocks=No"
    with pytest.raises(ValueError, match=message):  # the default of filters
        make(cls, n_blocks=3).fit(X, Y)


@each(MLPClassifier, ConvNetRegressor)
def test_what_is_one_per_layer_counts_the_layers(cls):
    own = make(cls, hidden_layer_sizes=4, n_hidden_layers=3, activation=("relu", "tanh"))
    n_layers = "3 hidden layers" if cls is MLPClassifier else "4 blocks and hidden layers"
    with pytest.raises(ValueError, match=f"one for each of the {n_layers}, got 2"):
        own.fit(X, Y)


@ALL
def test_a_warm_start_may_write_the_same_network_otherwise(cls):
    own = make(cls, hidden_layer_sizes=(4, 4), warm_start=True).fit(X, Y)
    own.set_params(hidden_layer_sizes=4, n_hidden_layers=2).fit(X, Y)
    assert own.n_iter_ == 4
    with pytest.raises(ValueError, match="hidden_layer_sizes, n_hidden_layers, activation"):
        own.set_params(n_hidden_layers=3).fit(X, Y)


@ALL
def test_copies_pickles_files_and_onnx(cls, tmp_path):
    sio = pytest.importorskip("skops.io")
    params = {"filters": np.int64(2), "n_blocks": np.int64(2)} if cls in CONVNETS else {}
    own = make(cls, hidden_layer_sizes=np.int64(4), n_hidden_layers=np.int64(2), **params)
    own.fit(X, Y)
    skneural.save(own, tmp_path / "own")
    sio.dump(own, tmp_path / "own.skops")
    twins = [clone(own).fit(X, Y), copy.deepcopy(own), pickle.loads(pickle.dumps(own))]
    twins.append(skneural.load(tmp_path / "own"))
    twins.append(sio.load(tmp_path / "own.skops", trusted=skneural.SKOPS_TYPES))
    for twin in twins:
        assert twin.get_params() == own.get_params()
        np.testing.assert_array_equal(twin.predict(X), own.predict(X))
    session = onnxruntime.InferenceSession(skneural.to_onnx(own).SerializeToString())
    found = session.run(None, {"X": X.reshape(-1, *own.network_.input_shape)})[0]
    np.testing.assert_allclose(found.ravel(), own.predict(X), rtol=1e-5, atol=1e-5)


@ALL
def test_pickles_and_files_of_earlier_versions(cls, tmp_path):
    own = make(cls, hidden_layer_sizes=(4, 4)).fit(X, Y)
    state, params = own.__getstate__().copy(), plain_parameters(own)
    for name in {"n_hidden_layers", "n_blocks"} & params.keys():
        del state[name], params[name]
    twin = cls.__new__(cls)
    twin.__setstate__(state)
    rewrite(own, tmp_path / "early", params=params)
    for early in (twin, skneural.load(tmp_path / "early")):
        assert early.get_params() == own.get_params()
        np.testing.assert_array_equal(early.predict(X), own.predict(X))
        assert early.partial_fit(X, Y).n_iter_ == 3
        clone(early).fit(X, Y)


def searched(cls):
    """Search depth and width with SciPy's distributions, which return NumPy integers."""
    step = cls.__name__.lower()
    drawn = {"hidden_layer_sizes": randint(2, 30), "n_hidden_layers": randint(0, 4)}
    if cls in CONVNETS:
        drawn |= {"filters": randint(1, 5), "n_blocks": randint(1, 3)}
    return RandomizedSearchCV(
        make_pipeline(StandardScaler(), make(cls, hidden_layer_sizes=8, n_hidden_layers=1)),
        {f"{step}__{name}": values for name, values in drawn.items()},
        n_iter=6,
        cv=2,
        random_state=0,
    ).fit(X, Y)


@ALL
def test_a_randomized_search_and_its_report(cls, tmp_path):
    search = searched(cls)
    frame = study_report(search).to_frame()
    for params, n_parameters in zip(
        search.cv_results_["params"], frame["parameters"], strict=True
    ):
        fitted = clone(search.estimator).set_params(**params).fit(X, Y)[-1]
        assert n_parameters == fitted.network_.n_params
    assert frame["parameters"].nunique() > 3
    assert {"hidden_layer_sizes", "n_hidden_layers"} <= set(frame.columns)
    assert "n_hidden_layers" in study_report(search).to_html()
    skneural.save(search, tmp_path / "best")
    np.testing.assert_array_equal(
        skneural.load(tmp_path / "best").predict(X), search.predict(X)
    )


def test_a_report_of_a_search_that_keeps_its_candidates_in_trials():
    """Like those of OptunaSearchCV, the cv_results_ have no params."""
    search = searched(MLPClassifier)
    expected = study_report(search).to_frame()
    search.trials_ = [SimpleNamespace(params=p) for p in search.cv_results_["params"]]
    search.cv_results_ = {
        name: list(values)
        for name, values in search.cv_results_.items()
        if "_time" in name or "_test_" in name
    }
    assert study_report(search).to_frame().equals(expected)
