"""Early stopping and validation data: the monitored score, stopping, and kept weights."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import balanced_accuracy_score, log_loss, mean_absolute_error
from sklearn.model_selection import GridSearchCV, train_test_split

from skneural import MLPClassifier, MLPRegressor

X, Y = load_digits(return_X_y=True)
X, X_VAL, Y, Y_VAL = train_test_split(X[:500] / 16, Y[:500], test_size=0.3, random_state=0)
VALIDATION = {"X_val": X_VAL, "y_val": Y_VAL}
BOTH = pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])


def best_epoch(own):
    """Return the first epoch with the highest score; in case of ties, with the lowest loss."""
    history = own.history_
    ranks = zip(
        history["validation_score"], np.negative(history["validation_loss"]), strict=True
    )
    return 1 + max(enumerate(ranks), key=lambda epoch: epoch[1])[0]


def make(cls=MLPClassifier, **params):
    defaults = {"hidden_layer_sizes": (20,), "batch_size": 32, "max_iter": 12}
    defaults |= {"schedule": "constant", "alpha": 1e-4}
    return cls(
        **{**defaults, "learning_rate": 0.02, "patience": None, "random_state": 0, **params}
    )


@BOTH
def test_the_best_weights_are_restored(cls):
    wrong = 9 - Y_VAL  # the more is learned, the worse is the score
    own = make(cls, max_iter=9).fit(X, Y, X_val=X_VAL, y_val=wrong)
    scores = own.validation_scores_
    assert len(scores) == own.n_iter_ == 9
    assert own.best_validation_score_ == max(scores) == own.score(X_VAL, wrong)
    assert scores[-1] < max(scores)  # else the test shows nothing
    best = make(cls, max_iter=best_epoch(own)).fit(X, Y)
    np.testing.assert_array_equal(own.network_.theta, best.network_.theta)


def test_running_statistics_are_restored_with_the_weights():
    own = make(batch_norm=True).fit(X, Y, **VALIDATION)
    assert own.score(X_VAL, Y_VAL) == own.best_validation_score_
    best = make(batch_norm=True, max_iter=best_epoch(own))
    np.testing.assert_array_equal(own.network_.state, best.fit(X, Y).network_.state)


def test_validation_data_change_nothing_but_the_choice():
    plain = make().fit(X, Y)
    own = make().fit(X, Y, **VALIDATION)
    assert own.loss_curve_ == plain.loss_curve_


def test_history_measures_the_network_of_each_epoch():
    own = make(max_iter=1).fit(X, Y, **VALIDATION)
    assert own.history_["validation_score"] == [own.score(X_VAL, Y_VAL)]
    assert own.history_["validation_loss"] == pytest.approx(
        [log_loss(Y_VAL, own.predict_proba(X_VAL))]
    )
    assert own.history_["score"][0] == pytest.approx(own.score(X, Y), abs=0.1)


def test_patience_watches_the_score():
    own = make(max_iter=200, patience=3, tol=0.0).fit(X, Y, **VALIDATION)
    assert own.n_iter_ < 200
    assert own.n_iter_ - best_epoch(own) == 3


def test_of_equal_scores_the_lower_validation_loss_is_better():
    own = make(scoring=lambda estimator, x, y: 1.0, max_iter=4, patience=3)
    with pytest.warns(ConvergenceWarning):  # a falling loss is worth patience
        own.fit(X, Y, **VALIDATION)
    losses = own.history_["validation_loss"]
    assert losses == sorted(losses, reverse=True)  # else the test shows nothing
    np.testing.assert_array_equal(own.network_.theta, make(max_iter=4).fit(X, Y).network_.theta)
    assert own.n_iter_ == 4


def test_training_stops_at_the_target_score():
    own = make(max_iter=200, target_score=0.8, patience=50).fit(X, Y, **VALIDATION)
    assert own.validation_scores_[-1] >= 0.8 > max(own.validation_scores_[:-1])


@pytest.mark.parametrize("weighted", [False, True])
def test_scorers_by_name_and_callable(weighted):
    weight = np.linspace(0, 2, len(Y_VAL)) if weighted else None
    own = make(scoring="balanced_accuracy")
    own.fit(X, Y, **VALIDATION, sample_weight_val=weight)
    expected = balanced_accuracy_score(Y_VAL, own.predict(X_VAL), sample_weight=weight)
    assert own.best_validation_score_ == pytest.approx(expected)

    def negative_error(estimator, x, y, sample_weight=None):
        return -mean_absolute_error(y, estimator.predict(x), sample_weight=sample_weight)

    own = make(MLPRegressor, scoring=negative_error)
    own.fit(X, Y, **VALIDATION, sample_weight_val=weight)
    assert own.best_validation_score_ == pytest.approx(
        negative_error(own, X_VAL, Y_VAL, weight)
    )


@BOTH
def test_early_stopping_holds_out_a_part(cls):
    own = make(cls, early_stopping=True, validation_fraction=0.2).fit(X, Y)
    assert own.t_ == 12 * 280  # of 350 rows
    again = make(cls, early_stopping=True, validation_fraction=0.2).fit(X, Y)
    np.testing.assert_array_equal(own.network_.theta, again.network_.theta)
    assert own.best_validation_score_ == max(own.validation_scores_)


def test_the_part_held_out_is_stratified_and_never_trained_on():
    y = np.r_[np.zeros(90, int), np.ones(10, int)]
    x = np.random.default_rng(0).normal(size=(100, 3))
    seen = []

    def score(estimator, x_rows, y_rows):
        seen.append((x_rows, y_rows))
        return 0.0

    make(early_stopping=True, validation_fraction=0.2, scoring=score, max_iter=1).fit(x, y)
    (held_out, labels), (train, _) = seen
    assert len(labels) == 20
    assert labels.sum() == 2
    assert not (train[:, None] == held_out[None]).all(axis=2).any()


def test_a_warm_start_holds_out_the_same_rows():
    seen = []

    def score(estimator, x_rows, y_rows):
        seen.append(x_rows)
        return 0.0

    own = make(early_stopping=True, warm_start=True, scoring=score, max_iter=1)
    own.fit(X, Y).fit(X, Y)
    np.testing.assert_array_equal(seen[0], seen[2])


@pytest.mark.parametrize("container", [sparse.csr_array, pd.DataFrame, list])
def test_kinds_of_input(container):
    columns = {"columns": [f"p{i}" for i in range(64)]} if container is pd.DataFrame else {}
    x, x_val = container(X, **columns), container(X_VAL, **columns)
    plain = make().fit(X, Y, **VALIDATION)
    own = make().fit(x, Y, X_val=x_val, y_val=list(Y_VAL))
    np.testing.assert_allclose(own.validation_scores_, plain.validation_scores_, atol=0.03)
    assert make(early_stopping=True).fit(x, Y).n_iter_ == 12


def test_targets_of_every_kind():
    labels = np.array(list("abcdefghij"))[Y]
    own = make().fit(X, labels, X_val=X_VAL, y_val=np.array(list("abcdefghij"))[Y_VAL])
    np.testing.assert_allclose(
        own.validation_scores_, make().fit(X, Y, **VALIDATION).validation_scores_
    )
    bits, bits_val = ((y[:, None] >> np.arange(3)) & 1 for y in (Y, Y_VAL))
    assert make().fit(X, bits, X_val=X_VAL, y_val=bits_val).best_validation_score_ > 0.5
    assert make(early_stopping=True).fit(X, bits).best_validation_score_ > 0.5
    two = make(MLPRegressor).fit(X, np.c_[Y, -Y], X_val=X_VAL, y_val=np.c_[Y_VAL, -Y_VAL])
    assert two.best_validation_score_ > 0.5
    few = Y_VAL < 3  # validation rows need not have every label
    assert make().fit(X, Y, X_val=X_VAL[few], y_val=Y_VAL[few]).n_iter_ == 12


def test_partial_fit_scores_and_goes_on():
    own = make()
    for _ in range(12):
        own.partial_fit(X, Y, classes=np.arange(10), **VALIDATION)
    whole = make().fit(X, Y, **VALIDATION)
    assert own.validation_scores_ == whole.validation_scores_
    np.testing.assert_array_equal(  # nothing is restored: each call is one epoch
        own.network_.theta, make().fit(X, Y).network_.theta
    )
    own.partial_fit(X, Y)
    assert np.isnan(own.validation_scores_[-1])
    assert own.best_validation_score_ == whole.best_validation_score_


def test_can_be_searched():
    search = GridSearchCV(make(early_stopping=True), {"validation_fraction": [0.1, 0.3]}, cv=2)
    assert search.fit(X, Y).best_score_ > 0.7


def test_verbose_shows_the_score(capsys):
    own = make(max_iter=1, verbose=True).fit(X, Y, **VALIDATION)
    assert capsys.readouterr().out == (
        f"Epoch 1, loss = {own.loss_:.3f}, validation score = {own.validation_scores_[0]:.4f}\n"
    )


BAD = {
    "X_val alone": ({}, {"X_val": X_VAL}, "X_val, y_val"),
    "y_val alone": ({}, {"y_val": Y_VAL}, "X_val, y_val"),
    "weights alone": ({}, {"sample_weight_val": np.ones(150)}, "sample_weight_val"),
    "other features": ({}, {"X_val": X_VAL[:, :5], "y_val": Y_VAL}, "X_val.*5 features.*64"),
    "unseen label": ({}, {"X_val": X_VAL, "y_val": Y_VAL + 1}, r"y_val.*\[10\].*not in"),
    "other length": ({}, {"X_val": X_VAL, "y_val": Y_VAL[1:]}, "y_val.*150 and 149"),
    "infinity": ({}, {"X_val": X_VAL + np.inf, "y_val": Y_VAL}, "X_val.*infinity"),
    "text": ({}, {"X_val": X_VAL.astype(str), "y_val": Y_VAL}, "X_val.*text"),
    "negative weights": ({}, {**VALIDATION, "sample_weight_val": -np.ones(150)}, "weight_val"),
    "target alone": ({"target_score": 0.9}, {}, "target_score=0.9 needs validation data"),
    "too small": (
        {"early_stopping": True, "validation_fraction": 0.001}, {}, "validation_fraction"
    ),
    "unknown scorer": ({"scoring": "nope"}, VALIDATION, "scoring='nope'.*'accuracy'"),
    "unknown and unused scorer": ({"scoring": "nope"}, {}, "scoring='nope'.*'accuracy'"),
    "NaN score": ({"scoring": lambda *_: np.nan}, VALIDATION, "scoring=.* gave NaN"),
    "failing scorer": ({"scoring": lambda *_: float("a")}, VALIDATION, "scoring: could not"),
}  # fmt: skip


@pytest.mark.parametrize(("params", "given", "message"), BAD.values(), ids=BAD)
def test_bad_validation_data(params, given, message):
    own = make(**params)
    before = vars(own).copy()
    with pytest.raises(ValueError, match=message):
        own.fit(X, Y, **given)
    assert vars(own) == before


@BOTH
def test_early_stopping_and_partial_fit_exclude_each_other(cls):
    message = "'partial_fit': .* Set early_stopping=False or 'auto', and pass X_val and y_val"
    with pytest.raises(AttributeError, match=message) as info:
        make(cls, early_stopping=True).partial_fit(X, Y, **VALIDATION)
    assert info.value.__cause__ is None
    assert not hasattr(make(cls, early_stopping=True), "partial_fit")
    assert hasattr(cls, "partial_fit")


def test_a_held_out_part_has_every_class_however_small_the_fraction():
    labels = []

    def score(estimator, x_rows, y_rows):
        labels.append(np.unique(y_rows))
        return 0.0

    few = np.r_[np.arange(30) % 10]
    own = make(early_stopping=True, validation_fraction=0.05, scoring=score, max_iter=1)
    own.fit(X[:30], few)
    assert own.t_ == 20
    np.testing.assert_array_equal(labels[0], np.arange(10))


def test_rows_held_out_without_any_weight():
    for weight in (np.r_[np.ones(5), np.zeros(345)], np.r_[np.zeros(349), 1]):
        own = make(MLPRegressor, early_stopping=True, validation_fraction=0.01)
        with pytest.raises(
            ValueError, match=r"sample_weight of all rows (held out|trained on)"
        ):
            own.fit(X, Y, weight)


def test_class_weights_enter_the_validation_score():
    weights = dict.fromkeys(range(10), 1.0) | {3: 0.0}
    seen = []

    def score(estimator, x_rows, y_rows, sample_weight):
        seen.append((y_rows, sample_weight))
        return 0.0

    make(early_stopping=True, class_weight=weights, scoring=score, max_iter=1).fit(X, Y)
    y_rows, sample_weight = seen[0]
    np.testing.assert_array_equal(sample_weight, y_rows != 3)


def test_columns_of_targets_must_agree():
    with pytest.raises(ValueError, match=r"y_val.*1 columns, got 2"):
        make(MLPRegressor).fit(X, Y, X_val=X_VAL, y_val=np.c_[Y_VAL, Y_VAL])


def test_a_stratified_split_needs_two_rows_a_class():
    x, y = X[:20], np.r_[np.zeros(19, int), 1]
    with pytest.raises(ValueError, match=r"validation_fraction.*least populated class"):
        make(early_stopping=True).fit(x, y)


def test_no_warning_when_a_target_ends_the_fit():
    own = clone(make(patience=50, target_score=0.0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert own.fit(X, Y, **VALIDATION).n_iter_ == 1


def test_a_scorer_without_sample_weight_is_not_given_any():
    own = make(scoring=lambda estimator, x, y: 1.0, class_weight="balanced", max_iter=1)
    own.fit(X, Y, **VALIDATION, sample_weight_val=np.ones(len(Y_VAL)))
    assert own.best_validation_score_ == 1.0


def test_a_fit_without_validation_data_leaves_no_scores():
    own = make(early_stopping=True).fit(X, Y).set_params(early_stopping=False).fit(X, Y)
    assert not hasattr(own, "validation_scores_")
    assert not hasattr(own, "best_validation_score_")


def test_a_warm_start_never_ends_worse_than_it_began():
    own = make(warm_start=True).fit(X, Y, **VALIDATION)
    theta = own.network_.theta.copy()
    own.set_params(learning_rate=5.0, max_iter=3).fit(X, Y, **VALIDATION)
    np.testing.assert_array_equal(own.network_.theta, theta)
    assert own.score(X_VAL, Y_VAL) == own.best_validation_score_


def test_training_rows_without_weight_are_not_scored():
    weight = np.zeros(len(Y))
    weight[::100] = 1.0
    own = make(max_iter=2)
    own.fit(X, Y, weight, X_val=X_VAL[:3], y_val=Y_VAL[:3])
    assert np.isfinite(own.history_["score"]).all()
