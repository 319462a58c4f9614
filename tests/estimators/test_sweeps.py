"""Searches and ensembles in processes and threads give the same results as on one core."""

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_wine
from sklearn.ensemble import BaggingClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneural import ConvNetClassifier, MLPClassifier

X, Y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)
GRID = {"alpha": [1e-4, 1e-2, 1.0]}


def network(seed, **params):
    defaults = {"max_iter": 3, "patience": None, "batch_size": 16, "random_state": seed}
    return MLPClassifier((8,), **{**defaults, **params})


def scores(search):
    return search.fit(X, Y).cv_results_["mean_test_score"]


def search_in_search():
    return cross_val_score(GridSearchCV(network(0), GRID, cv=3), X, Y, cv=4)


TOOLS = {
    "GridSearchCV": lambda: scores(GridSearchCV(network(0, dropout=0.3), GRID, cv=4)),
    "a Pipeline": lambda: scores(
        GridSearchCV(
            make_pipeline(StandardScaler(), network(0, early_stopping=True)),
            {"mlpclassifier__solver": ["adam", "sgd", "lbfgs"]},
            cv=4,
        )
    ),
    "ConvNetClassifier": lambda: cross_val_score(
        ConvNetClassifier(4, input_shape=(13, 1), max_iter=2, patience=None, random_state=0),
        X,
        Y,
    ),
    "several estimators": lambda: scores(
        GridSearchCV(
            make_pipeline(network(0)),
            {"mlpclassifier": [network(0), LogisticRegression(), network(1)]},
        )
    ),
    "cross_val_predict": lambda: cross_val_predict(network(0), X, Y, method="predict_proba"),
    "BaggingClassifier": lambda: (
        BaggingClassifier(network(0), 6, random_state=0).fit(X, Y).predict_proba(X)
    ),
    "OneVsRestClassifier": lambda: OneVsRestClassifier(network(0)).fit(X, Y).predict_proba(X),
    "a search in a search": search_in_search,
}


@pytest.mark.parametrize("backend", ["loky", "threading"])
@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_every_tool_gives_the_same_in_parallel(tool, backend):
    expected = tool()
    with joblib.parallel_config(backend=backend, n_jobs=2):
        # a bagging ensemble sums its probabilities in another order
        np.testing.assert_allclose(tool(), expected, rtol=1e-12)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_an_error_reaches_its_candidate_alone(backend):
    grid = {"learning_rate": [1e-3, 1e200]}
    search = GridSearchCV(network(0, solver="sgd"), grid, cv=4, n_jobs=2, error_score=-1)
    with (
        joblib.parallel_config(backend=backend),
        pytest.warns(FitFailedWarning, match="4 fits failed out of a total of 8"),
    ):
        good, bad = scores(search)
    assert bad == -1 < good
    with joblib.parallel_config(backend=backend), pytest.raises(ValueError, match="diverged"):
        search.set_params(error_score="raise").fit(X, Y)


def test_the_backend_that_trained_sweeps_together_is_gone():
    with pytest.raises(ValueError, match="Invalid backend: skneural"):
        joblib.parallel_config(backend="skneural")
