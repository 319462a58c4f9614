"""Useless fits: the warning after fit, and the findings of diagnose."""

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneural import ConvNetRegressor, MLPClassifier, MLPRegressor, diagnose

X, Y = load_diabetes(return_X_y=True)
X = StandardScaler().fit_transform(X)
UNSCALED = "the targets are not scaled"
UNLEARNED = "one output is learned and another one is not"


def make(cls=MLPRegressor, **params):
    defaults = {"hidden_layer_sizes": (32,), "max_iter": 30, "patience": None}
    defaults |= {"learning_rate": 1e-3, "schedule": "constant", "batch_size": 200}
    return cls(**{**defaults, "random_state": 0, **params})


def as_it_is(**params):
    """A network whose targets are not scaled."""
    return make(normalize_y=False, **params)


def problems(estimator, x=X):
    return [finding.problem for finding in diagnose(estimator, x)]


# -------------------------------------------------------------------- a fit of no use


@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile"])
def test_targets_that_are_not_scaled(loss, factor):
    own = as_it_is(loss=loss)
    with pytest.warns(ConvergenceWarning, match="constant.*Set normalize_y=True") as caught:
        own.fit(X, factor * Y)
    assert len(caught) == 1
    assert own.score(X, factor * Y) < 0
    found = problems(own)
    assert found[0] == UNSCALED
    assert "Set normalize_y=True" in diagnose(own, X)[0].advice
    assert (
        problems(own.set_params(normalize_y=True, learning_rate=0.01).fit(X, factor * Y)) == []
    )


def test_the_warning_and_the_finding_name_means_and_standard_deviations():
    rows, targets = X[:200], Y[:200]  # all of so few rows are measured
    with pytest.warns(ConvergenceWarning) as caught:
        own = as_it_is().fit(rows, targets)
    predicted = own.predict(rows)
    words = (
        f"y has mean {targets.mean():.3g} and standard deviation {targets.std():.3g}, the "
        f"predictions {predicted.mean():.3g} and {predicted.std():.3g}."
    )
    assert words in str(caught[0].message)
    assert words in diagnose(own, rows)[0].evidence


def test_one_warning_when_the_epochs_run_out_as_well():
    with pytest.warns(ConvergenceWarning, match="worse than a constant.*max_iter=30") as caught:
        as_it_is(patience=20).fit(X, Y)
    assert len(caught) == 1


def test_scaled_targets_need_more_epochs_or_another_rate():
    with pytest.warns(ConvergenceWarning, match="Train for more epochs, or with another"):
        own = make(learning_rate=1e-9).fit(X, (Y - Y.mean()) / Y.std())
    assert UNSCALED not in problems(own)


def test_a_few_epochs_are_a_trial():
    """These fits end without a warning, but diagnose finds what is wrong with them."""
    assert UNSCALED in problems(as_it_is(max_iter=3).fit(X, Y))


def test_silent_where_the_targets_were_scaled_or_learned_anyway():
    by_hand = TransformedTargetRegressor(
        as_it_is(learning_rate=0.01), transformer=StandardScaler()
    )
    for own in (by_hand, make(learning_rate=0.01)):
        for y in (Y, Y / 1000, np.column_stack([Y, Y / 1000])):
            assert problems(own.fit(X, y)) == []
    learned = as_it_is(learning_rate=0.01, batch_size=32, max_iter=100)
    assert problems(learned.fit(X, Y)) == []


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile"])
def test_silent_where_there_is_nothing_to_learn(loss):
    """A fit as good as a constant is not worse than one, also with very skewed targets."""
    y = np.random.default_rng(0).lognormal(size=len(X))
    own = make(loss=loss, hidden_layer_sizes=(), learning_rate=0.05, max_iter=300, quantile=0.9)
    assert UNSCALED not in problems(own.fit(X, y))


def test_a_quantile_is_compared_with_that_quantile():
    """The median is a bad prediction of the 0.9 quantile."""
    y = np.random.default_rng(0).normal(size=len(X))
    own = make(loss="quantile", quantile=0.9, hidden_layer_sizes=(), learning_rate=1e-9)
    with pytest.warns(ConvergenceWarning, match="worse than a constant"):
        own.fit(X, y, coefs_init=[np.zeros((X.shape[1], 1))])


def test_a_regressor_with_a_logit_link_has_no_classes():
    y = (Y - Y.min()) / np.ptp(Y)
    own = make(link="logit", output_range=(0, 1), activation="relu").fit(X, y)
    own.coefs_[-1][...] = np.abs(own.coefs_[-1])
    own.intercepts_[-1][...] = 1
    assert "the output can answer one class only" not in problems(own)


def test_losses_with_a_log_link_and_constant_targets_are_left_alone():
    for loss in ("poisson", "gamma"):
        assert UNSCALED not in problems(make(loss=loss).fit(X, Y))
    constant = make().fit(X, np.full(len(X), 1000.0))
    assert UNSCALED not in problems(constant)


def test_rows_without_weight_do_not_count():
    weight = np.where(np.arange(len(X)) % 2, 1.0, 0.0)
    y = np.where(weight, (Y - Y.mean()) / Y.std(), 1e6)
    assert problems(make(learning_rate=0.01).fit(X, y, weight)) == []


def test_images():
    images = X[:, :9].reshape(-1, 3, 3)
    own = ConvNetRegressor((4,), max_iter=10, patience=None, normalize_y=False, random_state=0)
    with pytest.warns(ConvergenceWarning, match="Set normalize_y=True"):
        own.fit(images, Y)
    assert UNSCALED in problems(own, images)


def test_partial_fit_forgets_what_fit_has_measured():
    own = as_it_is(max_iter=3).fit(X, Y)
    assert UNSCALED in problems(own)
    own.partial_fit(X, Y)
    assert UNSCALED not in problems(own)


# ----------------------------------------------------------------- one of two outputs


def test_one_of_two_outputs_learned():
    noise = np.random.default_rng(0).normal(size=len(X))
    y = np.column_stack([noise, X[:, 2]])
    own = make(hidden_layer_sizes=(), learning_rate=0.01, max_iter=100).fit(X, y)
    [finding] = diagnose(own, X)
    assert finding.problem == UNLEARNED
    assert r2_score(y[:, 1], own.predict(X)[:, 1]) > 0.9
    assert "% of column 1 of y" in finding.evidence
    assert "% of column 0," in finding.evidence
    assert problems(own.fit(X, X[:, :2])) == []


# ------------------------------------------------------------------- constant answers


def test_constant_predictions_of_a_regressor():
    own = make(hidden_layer_sizes=(), learning_rate=1e-9, max_iter=3)
    own.fit(X, X[:, 2], coefs_init=[np.zeros((10, 1))])
    assert problems(own) == ["the predictions are constant"]


def test_constant_predictions_of_a_classifier():
    rare = np.arange(len(X)) < 10
    own = make(MLPClassifier, max_iter=5, hidden_layer_sizes=()).fit(X, rare, rare * 1e-9 + 1)
    own.coefs_[0][...] *= 1e-3
    own.intercepts_[0][...] = -1.0
    [finding] = diagnose(own, X)
    assert finding.problem == "the predictions are constant"
    assert "are predicted as False" in finding.evidence
    assert "class_weight='balanced'" in finding.advice
    assert finding.problem not in problems(own, X[:40])  # so few rows may be of one class
    own.intercepts_[0][...] = 0.0
    assert finding.problem not in problems(own)


# -------------------------------------------------------------------- one-hot targets


def test_one_hot_targets():
    digits, labels = load_digits(return_X_y=True)
    digits, one_hot = digits[:400] / 16, np.eye(10, dtype=int)[labels[:400]]
    own = make(MLPClassifier, learning_rate=0.01).fit(digits, one_hot)
    [finding] = diagnose(own, digits)
    assert finding.problem == "one-hot targets are taken for a multilabel problem"
    assert "exactly one 1 in its 10 columns" in finding.evidence
    assert problems(own.fit(digits, one_hot.argmax(axis=1)), digits) == []
    one_hot[0, :2] = 1  # a row with two labels: multilabel indeed
    assert problems(own.fit(digits, one_hot), digits) == []


def test_finds_the_network_in_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), as_it_is())
    own = TransformedTargetRegressor(pipeline, func=np.negative, inverse_func=np.negative)
    with pytest.warns(ConvergenceWarning, match="Set normalize_y=True"):
        own.fit(X, Y)
    assert problems(own)[0] == UNSCALED
