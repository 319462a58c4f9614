"""joblib's dask backend on a cluster in this process, and partial_fit with dask."""

import joblib
import numpy as np
import pytest
from dask import delayed
from distributed import Client, LocalCluster
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneural import ConvNetClassifier, MLPClassifier, MLPRegressor

X, Y = load_digits(return_X_y=True)
X, Y = X[:300] / 16, Y[:300]


@pytest.fixture(scope="module")
def client():
    options = {"processes": False, "n_workers": 1, "threads_per_worker": 2}
    with (
        LocalCluster(**options, dashboard_address=None, protocol="inproc://") as cluster,
        Client(cluster) as client,
    ):
        yield client


def make(cls, **params):
    shape = {"filters": 3, "input_shape": (8, 8, 1)} if cls is ConvNetClassifier else {}
    defaults = {"max_iter": 3, "patience": None, "batch_size": 50, "random_state": 0}
    return cls(**{"hidden_layer_sizes": (12,), **shape, **defaults, **params})


@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor, ConvNetClassifier])
def test_a_grid_search_has_the_same_scores(cls, client):
    pipe = make_pipeline(StandardScaler(), make(cls))
    search = GridSearchCV(pipe, {f"{cls.__name__.lower()}__alpha": [1e-4, 1.0]}, cv=3)
    expected = search.fit(X, Y).cv_results_["mean_test_score"]
    with joblib.parallel_config(backend="dask"):
        scores = search.fit(X, Y).cv_results_["mean_test_score"]
    np.testing.assert_array_equal(scores, expected)


def learn(own, x, y):
    return own.partial_fit(
        x, y, **({"classes": range(10)} if own.__class__ is not MLPRegressor else {})
    )


@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor, ConvNetClassifier])
def test_parts_one_after_another_on_a_worker(cls, client):
    """Train as dask-ml's Incremental does: the model moves from task to task."""
    parts = [(X[start : start + 100], Y[start : start + 100]) for start in (0, 100, 200)]
    plain = make(cls)
    for x, y in parts:
        learn(plain, x, y)
    own = delayed(make(cls))
    for x, y in parts:
        own = delayed(learn)(own, delayed(x), delayed(y))
    own = client.compute(own).result()
    assert own.n_iter_ == 3
    np.testing.assert_array_equal(own.predict(X), plain.predict(X))


def test_a_model_predicts_on_the_workers(client):
    own = make(MLPClassifier).fit(X, Y)
    model = client.scatter(own)
    answers = client.gather(
        [client.submit(lambda m, x: m.predict_proba(x), model, x) for x in np.split(X, 5)]
    )
    np.testing.assert_array_equal(
        np.concatenate(answers), np.concatenate([own.predict_proba(x) for x in np.split(X, 5)])
    )
