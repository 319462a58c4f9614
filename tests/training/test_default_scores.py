"""Default scores of validation data: the same numbers as `score`, computed faster."""

import numpy as np
import pytest
from scipy import sparse

from skneural import ConvNetClassifier, MLPClassifier, MLPRegressor
from skneural._estimators import classifier, regressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4))
FIRST, SECOND = X[:, 0] + 0.5 * RNG.normal(size=120), X[:, 1] * X[:, 2]
CLASSES = np.digitize(FIRST, [-0.5, 0.5])
WEIGHT = RNG.integers(0, 3, 120) / 2.0
TEXT = np.array(["low", "middle", "high"])
ESTIMATORS = {"classifier": MLPClassifier, "regressor": MLPRegressor}
PROBLEMS = {
    "two classes": ("classifier", FIRST > 0, {}),
    "three classes": ("classifier", CLASSES, {}),
    "float32": ("classifier", CLASSES, {"dtype": "float32"}),
    "text": ("classifier", TEXT[CLASSES], {"class_weight": "balanced"}),
    "text as objects": ("classifier", TEXT.astype(object)[CLASSES], {}),
    "class weights": ("classifier", CLASSES, {"class_weight": {0: 0.0, 1: 3.0}}),
    "hinge": ("classifier", CLASSES, {"loss": "hinge", "alpha": 1e-4}),
    "multilabel": ("classifier", np.c_[FIRST > 0, SECOND > 0].astype(int), {}),
    "sparse multilabel": (
        "classifier",
        sparse.csr_array(np.c_[CLASSES > 0, CLASSES > 1] * 1),
        {},
    ),
    "columns of labels": ("classifier", np.c_[CLASSES, np.digitize(SECOND, [-1, 1])], {}),
    "columns of text": ("classifier", np.c_[TEXT[CLASSES], TEXT[1 * (SECOND > 0)]], {}),
    "one target": ("regressor", FIRST, {}),
    "a column": ("regressor", FIRST[:, None], {}),
    "targets in float32": ("regressor", 100 + FIRST, {"dtype": "float32"}),
    "three targets": ("regressor", np.c_[FIRST, 10 * SECOND, FIRST + SECOND], {}),
    "counts": ("regressor", CLASSES, {"loss": "poisson"}),
    "positive targets": ("regressor", np.exp(FIRST), {"loss": "gamma"}),
    "L-BFGS": ("regressor", FIRST, {"solver": "lbfgs"}),
}


def make(kind, **params):
    defaults = {"hidden_layer_sizes": (8,), "batch_size": 20, "learning_rate": 0.02}
    defaults |= {"max_iter": 8, "patience": None, "validation_fraction": 0.3, "random_state": 0}
    return ESTIMATORS[kind](**{**defaults, **params})


def by_score(estimator, x, y, sample_weight=None):
    """Return the scorer for which `scoring=None` stands."""
    return estimator.score(x, y, sample_weight)


def assert_same_scores(own, other):
    for name in ("score", "validation_score"):
        np.testing.assert_allclose(own.history_[name], other.history_[name], rtol=1e-13)
        assert {type(value) for value in own.history_[name]} == {float}  # not those of NumPy
    np.testing.assert_array_equal(own.network_.theta, other.network_.theta)  # of the best epoch


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
@pytest.mark.parametrize(("kind", "y", "params"), PROBLEMS.values(), ids=PROBLEMS)
def test_scores_are_those_of_the_score_method(kind, y, params, weight):
    own = make(kind, early_stopping=True, **params).fit(X, y, weight)
    slow = make(kind, early_stopping=True, scoring=by_score, **params).fit(X, y, weight)
    assert_same_scores(own, slow)
    assert np.ptp(own.validation_scores_) > 0  # else the test shows nothing
    # the rows of validation data that the user passes
    given = {"X_val": X[80:], "y_val": y[80:]}
    if weight is not None:
        given["sample_weight_val"] = weight[80:]
    own = make(kind, **params).fit(X[:80], y[:80], **given)
    slow = make(kind, scoring=by_score, **params).fit(X[:80], y[:80], **given)
    assert_same_scores(own, slow)
    weight_val = None if weight is None else weight[80:]
    expected = own.score(X[80:], y[80:], weight_val)
    assert own.best_validation_score_ == pytest.approx(expected, rel=1e-13)


def test_scores_of_images_and_of_partial_fit():
    images = X[:, :, None, None].reshape(-1, 2, 2, 1)
    settings = {"filters": 3, "max_iter": 3, "early_stopping": True, "random_state": 0}
    own = ConvNetClassifier(patience=None, **settings).fit(images, CLASSES)
    slow = ConvNetClassifier(patience=None, scoring=by_score, **settings)
    assert_same_scores(own, slow.fit(images, CLASSES))
    own, slow = make("classifier"), make("classifier", scoring=by_score)
    for part in (own, slow):
        for _ in range(3):
            part.partial_fit(X, CLASSES, [0, 1, 2], X_val=X[:30], y_val=CLASSES[:30])
    assert_same_scores(own, slow)


def test_the_epochs_do_not_pay_for_the_checks_of_score(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the scorer was asked")

    monkeypatch.setattr(classifier, "accuracy_score", refuse)
    monkeypatch.setattr(regressor, "r2_score", refuse)
    assert make("classifier", early_stopping=True).fit(X, CLASSES).n_iter_ == 8
    assert make("regressor", early_stopping=True).fit(X, FIRST).n_iter_ == 8


def test_a_subclass_with_a_score_or_a_prediction_of_its_own():
    class OwnScore(MLPClassifier):
        def score(self, X, y, sample_weight=None):
            return -0.5

    class Cautious(MLPClassifier):
        def predict(self, X):
            return np.zeros(len(X), int)

    class Rounded(MLPRegressor):
        def predict(self, X):
            return np.round(super().predict(X))

    settings = {"max_iter": 3, "patience": None, "random_state": 0}
    given = {"X_val": X[80:], "y_val": CLASSES[80:]}
    own = OwnScore(**settings).fit(X, CLASSES, **given)
    assert own.validation_scores_ == own.history_["score"] == [-0.5] * 3
    own = Cautious(**settings).fit(X, CLASSES, **given)
    assert own.validation_scores_ == [np.mean(CLASSES[80:] == 0)] * 3
    own = Rounded(**settings).fit(X, CLASSES, **given)
    assert own.best_validation_score_ == own.score(X[80:], CLASSES[80:])


def test_targets_whose_r2_is_a_convention():
    constant = np.c_[FIRST, np.ones(120)]
    given = {"X_val": X[80:], "y_val": constant[80:]}
    own = make("regressor").fit(X, constant, **given)
    slow = make("regressor", scoring=by_score).fit(X, constant, **given)
    assert_same_scores(own, slow)
    with (
        pytest.warns(UserWarning, match="less than two samples"),
        pytest.raises(ValueError, match="gave NaN for the 1 validation rows"),
    ):
        make("regressor").fit(X, FIRST, X_val=X[:1], y_val=FIRST[:1])


@pytest.mark.filterwarnings("ignore:.*scale of X:UserWarning")
def test_validation_predictions_that_are_not_finite():
    x = np.r_[X[80:], np.full((1, 4), 1e200), np.full((1, 4), -1e200)]
    own = make("regressor", loss="poisson", hidden_layer_sizes=())
    with pytest.raises(ValueError, match=r"scoring: .*infinity"):
        own.fit(X, CLASSES, X_val=x, y_val=CLASSES[78:])
