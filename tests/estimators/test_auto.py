"""The meaning of "auto" for early stopping, the schedule and the batch size."""

import inspect

import numpy as np
import pytest

import skneural
from skneural import ConvNetClassifier, ConvNetRegressor, MLPClassifier, MLPRegressor
from skneural._estimators.auto_parameters import MANY_SAMPLES, auto_batch_size
from skneural.schedules import Cosine

MANY = MANY_SAMPLES + 1
RNG = np.random.default_rng(0)
X = RNG.normal(size=(MANY, 2))
Y = (X[:, 0] + RNG.normal(size=MANY) > 0).astype(int)
FEW = X[:60], Y[:60]
BOTH = pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])


def make(cls=MLPClassifier, **params):
    defaults = {"hidden_layer_sizes": (4,), "batch_size": 500, "max_iter": 2}
    return cls(**{**defaults, "patience": None, "random_state": 0, **params})


def assert_same_fit(own, other):
    np.testing.assert_array_equal(own.network_.theta, other.network_.theta)
    np.testing.assert_equal(own.history_.keys(), other.history_.keys())


# early_stopping


@BOTH
def test_many_rows_are_stopped_early(cls):
    own = make(cls, early_stopping="auto").fit(X, Y)
    assert len(own.validation_scores_) == 2
    assert_same_fit(own, make(cls, early_stopping=True).fit(X, Y))


@BOTH
def test_fewer_rows_are_all_trained_on(cls):
    own = make(cls, early_stopping="auto").fit(X[1:], Y[1:])
    assert not hasattr(own, "validation_scores_")
    assert_same_fit(own, make(cls, early_stopping=False).fit(X[1:], Y[1:]))


def test_rows_without_weight_do_not_count():
    weight = np.r_[0.0, np.ones(MANY - 1)]
    own = make(early_stopping="auto").fit(X, Y, weight)
    assert_same_fit(own, make(early_stopping=False).fit(X, Y, weight))


def test_given_validation_data_are_used_on_any_number_of_rows():
    given = {"X_val": X[60:90], "y_val": Y[60:90]}
    for x, y in (FEW, (X, Y)):
        own = make(early_stopping="auto").fit(x, y, **given)
        assert own.t_ == 2 * len(x)
        assert_same_fit(own, make(early_stopping=False).fit(x, y, **given))


@BOTH
def test_partial_fit_holds_nothing_out(cls):
    classes = {"classes": [0, 1]} if cls is MLPClassifier else {}
    own = make(cls, early_stopping="auto").partial_fit(X, Y, **classes)
    assert own.t_ == MANY
    assert_same_fit(own, make(cls, early_stopping=False).partial_fit(X, Y, **classes))


def test_a_class_of_one_row_cannot_be_split():
    y = np.r_[2, Y[1:]]
    own = make(early_stopping="auto").fit(X, y)
    assert_same_fit(own, make(early_stopping=False).fit(X, y))


def test_lbfgs_ends_by_its_gradient():
    own = make(early_stopping="auto", solver="lbfgs").fit(X, Y)
    assert_same_fit(own, make(early_stopping=False, solver="lbfgs").fit(X, Y))


def test_a_target_score_on_few_rows():
    own = make(early_stopping="auto", target_score=0.5)
    message = (
        "target_score=0.5 needs.*early_stopping='auto' holds out none of 60 rows. Pass X_val"
    )
    with pytest.raises(ValueError, match=message):
        own.fit(*FEW)
    assert own.fit(X, Y).n_iter_ == 1
    with pytest.raises(ValueError, match=f"none of {MANY} rows. Pass X_val"):
        own.partial_fit(X, Y)


# schedule


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_fit_that_begins_anew_has_a_cosine(solver):
    own = make(schedule="auto", solver=solver, max_iter=5)
    cosine = make(schedule="cosine", solver=solver, max_iter=5).fit(*FEW)
    assert_same_fit(own.fit(*FEW), cosine)
    assert_same_fit(own.partial_fit(*FEW).fit(*FEW), cosine)
    expected = [0.001 * Cosine()(epoch, max_iter=5) for epoch in range(5)]
    own.set_params(learning_rate=0.001).fit(*FEW)
    np.testing.assert_allclose(own.history_["learning_rate"], expected)


def test_a_warm_start_continues_at_a_constant_rate():
    own = make(schedule="auto", learning_rate=0.01, max_iter=4, warm_start=True).fit(*FEW)
    np.testing.assert_allclose(own.history_["learning_rate"][::2], [0.01, 0.005])
    for _ in range(2):
        theta = own.network_.theta.copy()
        own.fit(*FEW)
        assert own.history_["learning_rate"][-4:] == [0.01] * 4
        assert (own.network_.theta != theta).any()


def test_partial_fit_has_a_constant_rate():
    own = make(schedule="auto", learning_rate=0.01, decay=0.5, max_iter=3)
    for _ in range(5):
        own.partial_fit(*FEW, classes=[0, 1])
    np.testing.assert_allclose(own.history_["learning_rate"], 0.01 * 0.5 ** np.arange(5))
    own.fit(*FEW).partial_fit(*FEW)
    assert own.history_["learning_rate"][-1] == 0.01 * 0.5**3


def test_lbfgs_has_no_rate():
    own = make(schedule="auto", solver="lbfgs").fit(*FEW)
    assert_same_fit(own, make(schedule="constant", solver="lbfgs").fit(*FEW))


# batch_size


@pytest.mark.parametrize("n_samples", [1, 7, 60, 1000, MANY])
def test_the_batch_size_follows_the_number_of_rows(n_samples):
    size = auto_batch_size(n_samples)
    assert type(size) is int
    assert 1 <= size <= n_samples
    assert size <= auto_batch_size(n_samples + 1)
    own = make(MLPRegressor, batch_size="auto").fit(X[:n_samples], Y[:n_samples])
    other = make(MLPRegressor, batch_size=size).fit(X[:n_samples], Y[:n_samples])
    assert_same_fit(own, other)
    assert str(own.summary()) == str(other.summary())


# alpha


@pytest.mark.parametrize(
    ("cls", "penalty"), [(MLPClassifier, 3 / 60), (MLPRegressor, 2 / 60**0.75)]
)
@pytest.mark.parametrize("batch_size", [7, 60])
def test_the_penalty_counts_the_less_the_more_samples_there_are(cls, penalty, batch_size):
    """In the first epoch; `test_adaptive_penalty` is about the next ones."""
    params = {"batch_size": batch_size, "max_iter": 1}
    own = make(cls, alpha="auto", **params).fit(*FEW)
    assert_same_fit(own, make(cls, alpha=penalty * batch_size, **params).fit(*FEW))
    # one step without the penalty, to see that there is one
    assert (own.network_.theta != make(cls, alpha=0.0, **params).fit(*FEW).network_.theta).any()


def test_rows_held_out_are_not_trained_on():
    own = make(alpha="auto", early_stopping=True, batch_size=6).fit(*FEW)
    assert_same_fit(own, make(alpha=18 / 54, early_stopping=True, batch_size=6).fit(*FEW))


def test_weights_that_add_up_to_1_do_not_strengthen_the_penalty():
    own = make(alpha="auto", solver="lbfgs").fit(*FEW)
    weighted = make(alpha="auto", solver="lbfgs").fit(*FEW, np.full(60, 1 / 60))
    np.testing.assert_allclose(weighted.network_.theta, own.network_.theta, rtol=1e-6)
    twice = make(alpha="auto", solver="lbfgs").fit(*FEW, np.full(60, 2.0))
    repeated = make(alpha="auto", solver="lbfgs").fit(*(np.repeat(a, 2, axis=0) for a in FEW))
    np.testing.assert_allclose(twice.network_.theta, repeated.network_.theta, rtol=1e-6)


@BOTH
def test_the_whole_penalty_of_lbfgs(cls):
    own = make(cls, alpha="auto", solver="lbfgs").fit(*FEW)
    assert_same_fit(own, make(cls, alpha=3.0, solver="lbfgs").fit(*FEW))


def test_partial_fit_knows_no_number_of_samples():
    own = make(alpha="auto").partial_fit(X[:1], Y[:1], classes=[0, 1])
    assert_same_fit(own, make(alpha=1e-4).partial_fit(X[:1], Y[:1], classes=[0, 1]))


def test_adamw_has_a_decay():
    own, other = make(alpha="auto", solver="adamw"), make(alpha=0.01, solver="adamw")
    assert_same_fit(own.fit(*FEW), other.fit(*FEW))
    assert_same_fit(own.partial_fit(*FEW), other.partial_fit(*FEW))


def test_alpha_is_a_number_or_auto():
    with pytest.raises(TypeError, match="alpha must be 'auto' or a number"):
        make(alpha="automatic").fit(*FEW)


# The defaults of all estimators


def test_the_estimators_have_the_same_defaults():
    of_blocks = {"filters", "hidden_layer_sizes", "loss"}  # and the loss is that of the targets
    defaults = {}
    for name in ("MLPClassifier", "MLPRegressor", "ConvNetClassifier", "ConvNetRegressor"):
        for parameter in inspect.signature(getattr(skneural, name)).parameters.values():
            defaults.setdefault(parameter.name, set()).add(parameter.default)
    assert {name for name, values in defaults.items() if len(values) > 1} <= of_blocks
    own = [cls().get_params() for cls in (ConvNetClassifier, ConvNetRegressor)]
    for name in own[0].keys() & own[1].keys() - {"loss"}:
        assert own[0][name] == own[1][name]
