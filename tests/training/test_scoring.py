"""`scoring`: a score that cannot decide never ends a fit, and is never silently ignored."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.model_selection import GridSearchCV

import skneural
from skneural import MLPClassifier, MLPRegressor

X = np.random.RandomState(0).randn(1000, 4)
RARE = np.random.RandomState(1).permutation(1000) < 30
VALIDATION = {"X_val": X[:40], "y_val": np.arange(40) % 2}

QUIET = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def make(cls=MLPClassifier, **params):
    return cls(**{"hidden_layer_sizes": (8,), "max_iter": 3, "random_state": 0, **params})


@QUIET
@pytest.mark.parametrize("scoring", ["roc_auc", "neg_log_loss", "average_precision"])
def test_scorers_that_need_both_classes_with_a_rare_class(scoring):
    """Of 30 rows of the rare class, 3 are held out, and as many are compared."""
    own = make(early_stopping=True, scoring=scoring)
    search = GridSearchCV(own, {"alpha": [0.0, 0.1]}, scoring=scoring, error_score="raise")
    search.fit(X, RARE)
    for seed in range(10):
        own = clone(own).set_params(random_state=seed).fit(X, RARE)
        assert np.isfinite(own.history_["score"]).all()
        assert np.isfinite(own.history_["validation_score"]).all()


@QUIET
def test_scorers_that_need_every_class():
    y = np.digitize(X[:, 0], [-1.8, 1.8])  # 3 or 4 % of the rows are at either end
    own = make(early_stopping=True, scoring="roc_auc_ovr").fit(X, y)
    assert np.isfinite(own.history_["score"]).all()


@QUIET
def test_training_rows_are_compared_in_the_proportions_of_their_classes():
    seen = []

    def score(estimator, x_rows, y_rows):
        seen.append(y_rows)
        return 0.0

    make(early_stopping=True, scoring=score, max_iter=1).fit(X, RARE)
    held_out, compared = seen
    assert len(held_out) == len(compared) == 100
    assert held_out.sum() == 3
    assert 3 <= compared.sum() <= 4
    # three validation rows, and still each of ten classes
    y = np.arange(1000) % 10
    make(scoring=score, max_iter=1).fit(X, y, X_val=X[:3], y_val=y[:3])
    np.testing.assert_array_equal(np.unique(seen[3]), np.arange(10))
    # rows without weight are not compared
    make(scoring=score, max_iter=1).fit(X, RARE, ~RARE * 1.0, X_val=X[:40], y_val=RARE[:40])
    assert not seen[5].any()


def scorer_that_fails_on(n_rows):
    """A scorer that fails for this many rows."""

    def score(estimator, x_rows, y_rows):
        if len(y_rows) == n_rows:
            raise ValueError(f"not {n_rows} of all numbers")
        return float(np.mean(estimator.predict(x_rows) == y_rows))

    return score


def test_a_scorer_that_fails_on_training_rows_leaves_nan_and_one_warning():
    """There are 12 training rows and 3 validation rows with 12 classes."""
    y = np.arange(1000) % 12
    given = {"X_val": X[:3], "y_val": y[:3]}
    own = make(scoring=scorer_that_fails_on(12), patience=None)
    with pytest.warns(UserWarning, match="scoring=.*failed on 12 training rows") as caught:
        own.fit(X, y, **given)
    (warning,) = caught
    assert "(ValueError: not 12 of all numbers). This score is NaN in history_" in str(
        warning.message
    )
    assert warning.filename == __file__
    assert np.isnan(own.history_["score"]).all()
    assert np.isfinite(own.history_["validation_score"]).all()
    plain = make(patience=None).fit(X, y, **given)
    np.testing.assert_array_equal(own.network_.theta, plain.network_.theta)


def test_a_warning_made_an_error_finds_a_fitted_estimator():
    y = np.arange(1000) % 12
    own = make(scoring=scorer_that_fails_on(12), patience=None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="failed on 12 training rows"):
            own.fit(X, y, X_val=X[:3], y_val=y[:3])
    assert own.n_iter_ == 3


def test_a_scorer_that_fails_on_validation_rows_ends_the_fit():
    own = make(scoring=scorer_that_fails_on(40))
    with pytest.raises(ValueError, match="scoring: not 40 of all numbers"):
        own.fit(X, np.arange(1000) % 2, **VALIDATION)
    assert not hasattr(own, "network_")


def test_a_scorer_that_warns_and_returns_nan_is_not_asked_again():
    """All training rows with a positive weight are of one class."""
    y = np.arange(1000) % 2
    own = make(scoring="roc_auc", patience=None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        own.fit(X, y, 1.0 * (y == 0), **VALIDATION)
    assert [warning.category for warning in caught] == [UndefinedMetricWarning]
    assert np.isnan(own.history_["score"]).all()
    assert np.isfinite(own.history_["validation_score"]).all()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_scores_of_partial_fit_are_only_recorded():
    own = make(scoring="roc_auc")
    own.partial_fit(X, np.zeros(1000), classes=[0, 1], **VALIDATION)  # a part with one class
    own.partial_fit(X, RARE, X_val=X[:40], y_val=np.zeros(40))  # validation rows with one
    assert np.isnan(own.history_["score"]).tolist() == [True, False]
    assert np.isnan(own.history_["validation_score"]).tolist() == [False, True]
    assert own.best_validation_score_ == own.validation_scores_[0]
    assert own.n_iter_ == 2


def test_a_scorer_that_fails_in_partial_fit():
    """For an adaptive rate, an epoch with an unknown score is not one without progress."""
    own = make(scoring=scorer_that_fails_on(40), schedule="adaptive", patience=1)
    for _ in range(2):
        with pytest.warns(UserWarning, match="failed on 40 (training|validation) rows") as all_:
            own.partial_fit(X, np.arange(1000) % 2, classes=[0, 1], **VALIDATION)
        (warning,) = all_
        assert warning.filename == __file__
    assert np.isnan(own.validation_scores_).all()
    assert np.isnan(own.best_validation_score_)
    assert np.ptp(own.history_["learning_rate"]) == 0


@pytest.mark.parametrize(
    ("cls", "scoring"), [(MLPClassifier, "roc_auc"), (MLPRegressor, "neg_mean_absolute_error")]
)
def test_scoring_without_validation_data_warns(cls, scoring):
    own = make(cls, scoring=scoring, patience=None)
    message = f"{cls.__name__}: scoring='{scoring}' has no effect.*early_stopping=True, or pass"
    with pytest.warns(UserWarning, match=message) as caught:
        own.fit(X, RARE)
    assert [warning.filename for warning in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="has no effect"):
            clone(own).fit(X, RARE)
        own.set_params(early_stopping=True).fit(X, RARE)
        own.set_params(early_stopping=False).fit(X, RARE, X_val=X[:40], y_val=RARE[:40])
        own.partial_fit(X, RARE)  # some of its calls may well be scored, and others not


@QUIET
def test_a_fit_that_warned_is_the_fit_without_scoring():
    plain = make().fit(X, RARE)
    with pytest.warns(UserWarning, match="has no effect"):
        own = make(scoring="roc_auc").fit(X, RARE)
    np.testing.assert_array_equal(own.network_.theta, plain.network_.theta)


def test_a_program_beside_the_package_is_not_taken_for_it():
    """The path may begin like that of the package: /x/skneural_demo.py and /x/skneural."""
    path = f"{Path(skneural.__file__).parent}_demo.py"
    fit = compile("make(scoring='accuracy', patience=None).fit(X, RARE)", path, "exec")
    with pytest.warns(UserWarning, match="has no effect") as caught:
        exec(fit, globals())
    assert {warning.filename for warning in caught} == {path}
