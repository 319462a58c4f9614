"""Solvers, schedules, losses, regularization and class weights of the estimators."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import PoissonRegressor, QuantileRegressor
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.utils.class_weight import compute_sample_weight

from skneural import MLPClassifier, MLPRegressor
from skneural.schedules import SCHEDULES, Cosine, Step

X, Y = load_digits(return_X_y=True)
X, Y = X[:250] / 16, Y[:250]
CLASSES = np.arange(10)
SOLVERS = ["sgd", "adam", "adamw", "rmsprop", "adagrad"]


def make(cls=MLPClassifier, **params):
    defaults = {"hidden_layer_sizes": (12,), "batch_size": 32, "max_iter": 3}
    defaults |= {"schedule": "constant", "alpha": 1e-4}
    return cls(**{**defaults, "patience": None, "random_state": 0, **params})


@pytest.mark.parametrize(
    "params",
    [
        *({"solver": solver} for solver in SOLVERS),
        *({"schedule": schedule} for schedule in SCHEDULES if schedule != "adaptive"),
        {"schedule": "adaptive", "patience": 2},
        *({"loss": loss} for loss in ("squared_error", "hinge", "perceptron")),
        {"schedule": Cosine(warmup=2)}, {"dropout": 0.3}, {"batch_norm": True},
        {"input_noise": 0.2}, {"max_grad_norm": 0.1}, {"alpha": 1.0, "l1_ratio": 0.5},
        {"dropout": (0.5, 0.1), "batch_norm": True, "hidden_layer_sizes": (12, 8)},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:.*before patience=2 ended")  # adaptive needs a patience
def test_three_partial_fits_equal_one_fit_and_a_pickle_goes_on(params):
    own = make(**params)
    whole = clone(own).fit(X, Y)
    for _ in range(3):
        own = pickle.loads(pickle.dumps(own.partial_fit(X, Y, classes=CLASSES)))
    np.testing.assert_array_equal(own.network_.theta, whole.network_.theta)
    np.testing.assert_array_equal(own.network_.state, whole.network_.state)
    np.testing.assert_array_equal(own.decision_function(X), whole.decision_function(X))


@pytest.mark.parametrize(
    "params",
    [
        *({"solver": solver, "learning_rate": 0.01} for solver in SOLVERS[1:4]),
        {"solver": "sgd", "learning_rate": 0.1}, {"solver": "adagrad", "learning_rate": 0.1},
        *({"loss": loss} for loss in ("squared_error", "hinge", "perceptron")),
        {"dropout": 0.2}, {"batch_norm": True}, {"input_noise": 0.1}, {"max_grad_norm": 1.0},
        {"schedule": "cosine"}, {"schedule": "linear"},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("binary", [False, True])
def test_learns_the_digits(params, binary):
    y = Y > 4 if binary else Y
    own = make(hidden_layer_sizes=(50,), max_iter=60, **{"learning_rate": 0.01, **params})
    assert own.fit(X, y).score(X, y) > 0.97


def test_history_has_an_entry_an_epoch():
    own = make(schedule=Step(period=2), learning_rate=0.4, decay=0.5, max_iter=4).fit(X, Y)
    history = own.history_
    assert history["learning_rate"] == pytest.approx([0.4, 0.2, 0.05, 0.025])
    assert history["loss"] == own.loss_curve_
    assert {name: len(values) for name, values in history.items()} == dict.fromkeys(
        ("learning_rate", "loss", "grad_norm", "seconds"), 4
    )
    assert min(history["grad_norm"] + history["seconds"]) > 0


def test_adaptive_divides_the_rate_by_five_when_patience_runs_out():
    own = make(schedule="adaptive", patience=2, tol=10.0, max_iter=100, solver="sgd")
    rates = np.array(own.set_params(learning_rate=0.01).fit(X, Y).history_["learning_rate"])
    assert own.n_iter_ < 100
    expected = 0.01 / 5.0 ** np.arange(7)
    np.testing.assert_allclose(np.unique(rates)[::-1], expected)
    assert rates[-1] <= 1e-6 < rates[-3]


def test_parameters_of_a_schedule_can_be_searched():
    search = GridSearchCV(make(schedule=Step()), {"schedule__period": [1, 100]}, cv=2)
    search.fit(X, Y)
    assert search.best_params_ == {"schedule__period": 100}  # the other ends at half the rate


def test_a_bad_schedule_is_refused_by_fit():
    with pytest.raises(ValueError, match="period must be an integer >= 1, got 0"):
        make(schedule=Step(period=0)).fit(X, Y)


def test_a_warm_start_goes_on_with_the_schedule():
    own = make(schedule="linear", warm_start=True, learning_rate=0.1).fit(X, Y).fit(X, Y)
    np.testing.assert_allclose(
        own.history_["learning_rate"], 0.1 * np.array([1, 2 / 3, 1 / 3, 1 / 2, 1 / 3, 1 / 6])
    )


def test_adamw_decays_weights_without_a_penalty():
    own = make(solver="adamw", alpha=0.5, learning_rate=1e-9, max_iter=1, batch_size=1000)
    without = clone(own).set_params(alpha=0.0).fit(X, Y)
    own.set_params(learning_rate=1e-3).fit(X, Y)
    fresh = clone(own).set_params(alpha=0.0).fit(X, Y)
    for decayed, plain, start in zip(own.coefs_, fresh.coefs_, without.coefs_, strict=True):
        np.testing.assert_allclose(decayed, plain - 1e-3 * 0.5 * start, atol=1e-8)
    np.testing.assert_array_equal(own.intercepts_[0], fresh.intercepts_[0])
    assert own.loss_ == pytest.approx(log_loss(Y, without.predict_proba(X)), rel=1e-6)


def test_adamw_has_no_l1_penalty():
    with pytest.raises(ValueError, match="l1_ratio must be 0 for solver='adamw'"):
        make(solver="adamw", l1_ratio=0.5).fit(X, Y)


def test_l1_penalty_makes_weights_small_and_few():
    settings = {"hidden_layer_sizes": (), "max_iter": 200, "alpha": 20.0, "schedule": "linear"}
    ridge = make(**settings, learning_rate=0.01).fit(X, Y).coefs_[0]
    lasso = make(**settings, learning_rate=0.01, l1_ratio=1.0).fit(X, Y).coefs_[0]
    assert np.mean(np.abs(lasso) < 1e-3) > 0.5 > np.mean(np.abs(ridge) < 1e-3)


def test_clipping_bounds_the_first_step():
    one_step = {"solver": "sgd", "momentum": 0.0, "max_iter": 1, "batch_size": 1000}
    start = make(**one_step, learning_rate=1e-12).fit(X, Y).network_.theta
    own = make(**one_step, learning_rate=1.0, max_grad_norm=0.01).fit(X, Y)
    assert own.history_["grad_norm"][0] > 0.01  # before it was clipped
    assert np.linalg.norm(own.network_.theta - start) == pytest.approx(0.01, rel=1e-6)


@pytest.mark.parametrize("params", [{"dropout": 0.5}, {"input_noise": 1.0}])
def test_predictions_use_neither_dropout_nor_noise(params):
    own = make(**params).fit(X, Y)
    np.testing.assert_array_equal(own.predict_proba(X), own.predict_proba(X))
    plain = make().fit(X, Y)
    assert (own.network_.theta != plain.network_.theta).any()
    hidden = np.maximum(X @ own.coefs_[0] + own.intercepts_[0], 0)
    logits = hidden @ own.coefs_[1] + own.intercepts_[1]
    np.testing.assert_allclose(own.decision_function(X), logits, rtol=1e-9, atol=1e-9)


def test_rate_of_dropout_may_change_between_calls():
    params = {"dropout": 0.5, "learning_rate": 0.02, "max_iter": 30}
    own = make(**params).fit(X, Y)
    own.set_params(dropout=0.0).partial_fit(X, Y)
    plain = make(**params).fit(X, Y)
    plain.partial_fit(X, Y)
    assert own.loss_ < 0.8 * plain.loss_  # half of the units no longer miss


def test_batch_norm_predicts_by_running_statistics():
    own = make(batch_norm=True, max_iter=30).fit(X, Y)
    whole = own.predict_proba(X)
    np.testing.assert_allclose(own.predict_proba(X[:1]), whole[:1], rtol=1e-9)
    own.network_.state[...] += 1  # the statistics are part of the model
    assert np.abs(own.predict_proba(X) - whole).max() > 1e-3


def test_input_noise_refuses_sparse_x():
    with pytest.raises(ValueError, match="input_noise must be off for sparse X"):
        make(input_noise=0.5).fit(sparse.csr_array(X), Y)


@pytest.mark.parametrize("class_weight", ["balanced", {0: 5.0, 3: 0.0}])
def test_class_weights_are_sample_weights(class_weight):
    y = Y % 4
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    own = make(class_weight=class_weight).fit(X, y, sample_weight=weight)
    by_hand = weight * compute_sample_weight(class_weight, y)
    expected = make().fit(X, y, sample_weight=by_hand)
    np.testing.assert_allclose(own.predict_proba(X), expected.predict_proba(X), rtol=1e-9)


def test_balanced_class_weights_need_all_of_y():
    own = make(class_weight="balanced")
    with pytest.raises(ValueError, match="class_weight='balanced' needs all of y"):
        own.partial_fit(X, Y, classes=CLASSES)
    own.set_params(class_weight={0: 2.0}).partial_fit(X, Y, classes=CLASSES)


@pytest.mark.parametrize("loss", ["hinge", "perceptron"])
def test_losses_without_probabilities_say_so(loss):
    own = make(loss=loss).fit(X, Y)
    for method in ("predict_proba", "predict_log_proba"):
        assert not hasattr(own, method)
    with pytest.raises(AttributeError) as refused:
        own.predict_proba(X)
    assert f"loss='{loss}' has no probabilities" in str(refused.value)


def test_probabilities_of_the_squared_error_are_consistent():
    for y in (Y, Y > 4):
        own = make(loss="squared_error").fit(X, y)
        p = own.predict_proba(X)
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-9)
        np.testing.assert_array_equal(own.classes_[p.argmax(axis=1)], own.predict(X))
        np.testing.assert_allclose(own.predict_log_proba(X), np.log(p), rtol=1e-9, atol=1e-12)


def linear_fit(loss, x, y, **params):
    """Return a linear model, trained on full batches until it has converged."""
    own = MLPRegressor(
        (), loss=loss, alpha=0.0, learning_rate=0.05, schedule="cosine", batch_size=10**6,
        max_iter=3000, patience=None, random_state=0, **params,
    )  # fmt: skip
    return own.fit(x, y)


def test_poisson_equals_poisson_regression():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3))
    y = rng.poisson(np.exp(x @ [0.5, -0.3, 0.2] + 0.4))
    own = linear_fit("poisson", x, y)
    peer = PoissonRegressor(alpha=0, tol=1e-10, max_iter=1000).fit(x, y)
    np.testing.assert_allclose(own.coefs_[0][:, 0], peer.coef_, atol=1e-4)
    np.testing.assert_allclose(own.predict(x), peer.predict(x), rtol=1e-4)
    assert own.out_activation_ == "exp"
    with pytest.raises(ValueError, match=r"y must be >= 0\.0 for loss='poisson', got -1"):
        own.fit(x, y - 1.0)


@pytest.mark.parametrize("quantile", [0.2, 0.5, 0.9])
def test_quantile_equals_quantile_regression(quantile):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 2))
    y = x @ [1.0, -2.0] + rng.normal(size=400)
    own = linear_fit("quantile", x, y, quantile=quantile)
    peer = QuantileRegressor(quantile=quantile, alpha=0).fit(x, y)
    np.testing.assert_allclose(own.predict(x), peer.predict(x), atol=0.02)
    assert np.mean(y < own.predict(x)) == pytest.approx(quantile, abs=0.02)
    if quantile == 0.5:
        median = linear_fit("absolute_error", x, y)
        np.testing.assert_allclose(own.predict(x), median.predict(x), atol=0.02)


def test_huber_lies_between_squared_and_absolute_error():
    x = np.zeros((101, 1))
    y = np.r_[np.zeros(90), np.full(11, 10.0)]
    assert linear_fit("squared_error", x, y).predict(x)[0] == pytest.approx(y.mean(), abs=1e-3)
    # slopes balance: 90 z = 11 delta
    for delta in (1.0, 2.0):
        own = linear_fit("huber", x, y, delta=delta, normalize_y=False)
        assert own.predict(x)[0] == pytest.approx(11 * delta / 90, abs=1e-3)


@pytest.mark.parametrize("smallest", [0.0, -0.5])
def test_gamma_refuses_targets_that_are_not_positive(smallest):
    own = make(MLPRegressor, loss="gamma")
    with pytest.raises(ValueError, match=rf"y must be > 0\.0 for loss='gamma', got {smallest}"):
        own.fit(X, np.maximum(Y, smallest) if smallest == 0 else Y + smallest)
    assert not hasattr(own, "network_")
    own.fit(X, Y + 1.0)
    assert own.out_activation_ == "exp"
    assert own.predict(X).min() > 0
    with pytest.raises(ValueError, match=r"y must be > 0\.0 for loss='gamma', got 0"):
        own.fit(X, Y + 1.0, X_val=X, y_val=Y)


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "quantile", "poisson"])
def test_regression_losses_with_several_outputs(loss):
    y = np.c_[Y, 10.0 - Y]
    own = make(MLPRegressor, loss=loss, hidden_layer_sizes=(50,), max_iter=150)
    own.set_params(learning_rate=0.01).fit(X, y)
    assert own.predict(X).shape == y.shape
    assert own.score(X, y) > 0.9


def test_weights_that_leave_nothing_to_learn_from_are_refused():
    y, weight = Y % 2, (Y % 2).astype(float)
    with pytest.raises(ValueError, match="sample_weight must have a positive entry"):
        make(class_weight={0: 1.0, 1: 0.0}).fit(X, y, sample_weight=weight)


@pytest.mark.parametrize("solver", ["rmsprop", "adagrad"])
def test_a_pickle_carries_no_workspace_of_the_solver(solver):
    size = {s: len(pickle.dumps(make(solver=s).fit(X, Y))) for s in (solver, "sgd")}
    assert size[solver] - size["sgd"] < 200  # one vector each, as large as the weights


def test_class_weights_of_a_part_of_the_data():
    """A batch need not contain every class that has a weight."""
    own = make(class_weight={2: 5.0})
    own.partial_fit(X, Y, classes=np.arange(10))
    few = Y < 2
    own.partial_fit(X[few], Y[few])
    weights = np.where(Y == 2, 5.0, 1.0)
    plain = make().partial_fit(X, Y, classes=np.arange(10), sample_weight=weights)
    plain.partial_fit(X[few], Y[few])
    np.testing.assert_array_equal(own.predict_proba(X), plain.predict_proba(X))
    only = dict.fromkeys(range(10), 0.0) | {0: 1.0}
    with pytest.raises(ValueError, match=r"class_weight=.* gives every sample in y a weight"):
        make(class_weight=only).fit(X, Y).partial_fit(X[Y == 1], Y[Y == 1])


def test_batch_norm_needs_batches_of_two():
    with pytest.raises(ValueError, match="batch_size must be at least 2 with batch_norm=True"):
        make(batch_norm=True, batch_size=1).fit(X, Y)
