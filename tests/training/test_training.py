"""Fits epoch by epoch: warm starts, stopping, initial weights and seeds."""

import hashlib
import io
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss

from skneural import MLPClassifier, MLPRegressor
from skneural._training.convergence import Convergence

X, Y = load_digits(return_X_y=True)
X, Y = X[:250] / 16, Y[:250]
CLASSES = np.arange(10)


def classifier(**params):
    defaults = {"hidden_layer_sizes": (12,), "batch_size": 32, "max_iter": 3}
    defaults |= {"learning_rate": 1e-3, "schedule": "constant", "alpha": 1e-4}
    return MLPClassifier(**{**defaults, "patience": None, "random_state": 0, **params})


def test_learns_the_digits():
    own = classifier(max_iter=30, learning_rate=0.01).fit(X, Y)
    assert own.score(X, Y) > 0.99
    assert own.n_iter_ == len(own.loss_curve_) == 30
    assert own.t_ == 30 * len(X)
    assert own.loss_ == own.loss_curve_[-1] < own.loss_curve_[0] / 5
    assert own.best_loss_ == min(own.loss_curve_)
    assert (own.n_layers_, own.n_outputs_, own.out_activation_) == (3, 10, "softmax")


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_three_partial_fits_equal_one_fit(solver, shuffle, dtype):
    own = classifier(solver=solver, shuffle=shuffle, dtype=dtype, decay=0.9)
    whole = clone(own).fit(X, Y)
    for _ in range(3):
        own.partial_fit(X, Y, classes=CLASSES)
    np.testing.assert_array_equal(own.network_.theta, whole.network_.theta)
    assert own.loss_curve_ == whole.loss_curve_
    assert (own.n_iter_, own.t_) == (whole.n_iter_, whole.t_)


def test_partial_fit_of_a_regressor_equals_fit():
    own = MLPRegressor((8,), schedule="constant", alpha=1e-4, max_iter=3, random_state=0)
    whole = clone(own).fit(X, Y)
    for _ in range(3):
        own.partial_fit(X, Y)
    np.testing.assert_array_equal(own.predict(X), whole.predict(X))


def test_partial_fit_goes_on_after_fit():
    own = classifier(max_iter=2, decay=0.5, warm_start=True).fit(X, Y)
    own.partial_fit(X, Y)
    np.testing.assert_array_equal(
        own.predict_proba(X), classifier(max_iter=3, decay=0.5).fit(X, Y).predict_proba(X)
    )


def test_after_a_fit_without_warm_start_only_the_optimizer_starts_anew():
    own = classifier(max_iter=2, decay=0.5, solver="sgd", momentum=0.9).fit(X, Y)
    warm = clone(own).set_params(warm_start=True).fit(X, Y)
    warm._progress.optimizer_state["velocity"][...] = 0
    for estimator in (own, warm):
        estimator.partial_fit(X, Y)
    np.testing.assert_array_equal(own.network_.theta, warm.network_.theta)
    assert own.history_["learning_rate"] == [1e-3, 5e-4, 2.5e-4]


def test_warm_start_goes_on_and_cold_start_does_not():
    long = classifier(max_iter=6).fit(X, Y)
    warm = classifier(max_iter=3, warm_start=True).fit(X, Y).fit(X, Y)
    np.testing.assert_array_equal(warm.network_.theta, long.network_.theta)
    assert warm.n_iter_ == 6
    cold = classifier(max_iter=3).fit(X, Y).fit(X, Y)
    assert cold.n_iter_ == 3
    np.testing.assert_array_equal(
        cold.network_.theta, classifier(max_iter=3).fit(X, Y).network_.theta
    )


def test_momentum_may_be_switched_on_between_calls():
    own = classifier(solver="sgd", momentum=0.0, warm_start=True).fit(X, Y)
    assert own.set_params(momentum=0.9).fit(X, Y).n_iter_ == 6


def test_patience_counts_epochs_without_improvement():
    # at this rate the loss never falls by 1 once it is below 1
    own = classifier(max_iter=50, patience=4, tol=1.0).fit(X, Y)
    curve = np.array(own.loss_curve_)
    best_before = np.minimum.accumulate(np.r_[np.inf, curve[:-1]])
    improved = curve < best_before - 1.0
    assert own.n_iter_ < 50
    assert not improved[-4:].any()
    assert improved[-5]


def test_max_iter_warns_unless_patience_never_ends_a_fit():
    with pytest.warns(ConvergenceWarning, match="max_iter=3.*set patience=None"):
        classifier(patience=10).fit(X, Y)
    own = classifier(patience=None).fit(X, Y)  # warnings are errors here
    infinite = classifier(patience=np.inf).fit(X, Y)  # as earlier versions said it
    assert own.n_iter_ == infinite.n_iter_ == 3


def test_without_patience_all_epochs_run():
    own = classifier(patience=None, tol=10.0, max_iter=30).fit(X, Y)
    assert own.n_iter_ == 30


def test_a_rising_loss_is_warned_of():
    own = MLPRegressor(
        (8,), solver="sgd", learning_rate=0.001, schedule="constant", batch_size=200,
        max_iter=4, normalize_y=False, random_state=0,
    )  # fmt: skip
    with pytest.warns(ConvergenceWarning, match="loss rose from .*learning_rate=0.001"):
        own.fit(X, 1e4 * Y)


def test_convergence_counts_from_the_lowest_loss():
    convergence = Convergence(patience=3, tol=0.1)
    stalled = []
    for loss in (1.0, 0.5, 0.9, 0.45, 0.8, 0.3, 0.3, 0.25, 0.35):
        convergence.update(loss)
        stalled.append(convergence.stalled)
    assert stalled == [0, 0, 1, 2, 3, 0, 1, 2, 3]
    assert convergence.reached


@pytest.mark.parametrize(
    ("solver", "change"),
    [
        ("adam", {"beta_1": 0.5}), ("adam", {"beta_2": 0.9}), ("adam", {"epsilon": 0.1}),
        ("sgd", {"momentum": 0.5}), ("sgd", {"nesterovs_momentum": False}),
        ("sgd", {"alpha": 1.0}), ("adam", {"learning_rate": 0.1}), ("sgd", {"decay": 0.5}),
        ("adam", {"batch_size": 16}), ("adam", {"weight_init": "lecun"}),
        ("adam", {"activation": "tanh"}), ("adam", {"shuffle": False}),
    ],
)  # fmt: skip
def test_every_parameter_reaches_the_network(solver, change):
    usual = classifier(solver=solver).fit(X, Y).network_.theta
    changed = classifier(solver=solver, **change).fit(X, Y).network_.theta
    assert np.abs(changed - usual).max() > 1e-6


def test_loss_curve_is_the_weighted_mean_of_the_batches():
    """With a learning rate near 0, the mean over batches is the mean over rows."""
    weight = np.random.default_rng(0).uniform(0, 3, len(X))
    own = classifier(max_iter=1, learning_rate=1e-12, alpha=0.0)
    own.fit(X, Y, sample_weight=weight)
    assert own.loss_ == pytest.approx(
        log_loss(Y, own.predict_proba(X), sample_weight=weight), rel=1e-8
    )


def test_loss_includes_the_penalty():
    own = classifier(max_iter=1, learning_rate=1e-12, alpha=7.0, batch_size=1000).fit(X, Y)
    penalty = 7.0 / 2 * sum((coef**2).sum() for coef in own.coefs_) / len(X)
    expected = log_loss(Y, own.predict_proba(X)) + penalty
    assert own.loss_ == pytest.approx(expected, rel=1e-8)


def test_given_weights_start_the_optimizer_anew():
    zeros = {
        "coefs_init": [np.zeros((64, 12)), np.zeros((12, 10))],
        "intercepts_init": [np.zeros(12), np.zeros(10)],
    }
    one_step = {"max_iter": 1, "batch_size": 1000, "learning_rate": 0.1}
    warm = classifier(warm_start=True).fit(X, Y).set_params(**one_step).fit(X, Y, **zeros)
    assert not warm.coefs_[0].any()  # its gradient is zero, and old moments are forgotten
    assert warm.intercepts_[1].any()


def test_probability_of_the_first_class_does_not_round_to_zero():
    own = classifier(dtype="float64").fit(X, Y > 4)
    for coef in own.coefs_:
        coef *= 10
    p, log_p = own.predict_proba(X), own.predict_log_proba(X)
    assert log_p.min() < -37  # 1 - p would be exactly 0 there
    np.testing.assert_allclose(np.log(p), log_p, rtol=1e-10, atol=1e-14)


def test_decay_multiplies_the_rate_after_every_epoch():
    """Gradient descent on all rows without a penalty is easily computed by hand."""
    x, y = X[:40, 20:23], Y[:40] / 10
    own = MLPRegressor(
        (), solver="sgd", momentum=0.0, learning_rate=0.1, schedule="constant",
        decay=0.5, alpha=0.0, batch_size=40, max_iter=4, patience=None, shuffle=False,
        normalize_y=False,
    ).fit(x, y, coefs_init=[np.ones((3, 1))])  # fmt: skip
    weight, bias = np.ones(3), 0.0
    for rate in (0.1, 0.05, 0.025, 0.0125):
        residual = x @ weight + bias - y
        weight, bias = weight - rate * residual @ x / 40, bias - rate * residual.mean()
    np.testing.assert_allclose(own.coefs_[0][:, 0], weight, rtol=1e-12)
    np.testing.assert_allclose(own.intercepts_[0], bias, rtol=1e-12)


def test_starts_from_given_weights():
    taught = classifier(max_iter=20, learning_rate=0.01).fit(X, Y)
    own = classifier(max_iter=1, learning_rate=1e-12, random_state=7)
    own.fit(X, Y, coefs_init=taught.coefs_, intercepts_init=taught.intercepts_)
    np.testing.assert_allclose(own.predict_proba(X), taught.predict_proba(X), atol=1e-8)


def test_weights_are_views_of_the_network():
    own = classifier().fit(X, Y)
    own.coefs_[0][...] = 0
    own.coefs_[1][...] = 0
    own.intercepts_[1][...] = np.arange(10)
    assert (own.predict(X) == 9).all()
    with pytest.raises(TypeError):
        own.coefs_[0] = np.zeros((64, 12))  # would be lost without a word


def test_zero_weights_never_break_their_symmetry():
    own = classifier(weight_init="zeros", max_iter=20, learning_rate=0.05).fit(X, Y)
    assert not own.coefs_[0].any()
    assert (own.predict(X) == own.predict(X)[0]).all()


@pytest.mark.parametrize(
    ("weight_init", "activation", "variances"),
    [
        ("auto", "relu", (2 / 300, 2 / 500)),
        ("auto", "tanh", (2 / 500, 2 / 210)),
        ("he", "tanh", (2 / 300, 2 / 200)),
        ("glorot", "relu", (2 / 500, 2 / 210)),
        ("lecun", "relu", (1 / 300, 1 / 200)),
    ],
)
def test_variance_of_initial_weights(weight_init, activation, variances):
    own = classifier(
        hidden_layer_sizes=(200,), weight_init=weight_init, activation=activation,
        learning_rate=1e-12, max_iter=1,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    own.fit(rng.normal(size=(20, 300)), np.arange(20) % 10)
    if (weight_init, activation) == ("auto", "relu"):
        variances = (2 / 300, 2 / 210)  # He before the rectifier, Glorot before softmax
    for coef, variance in zip(own.coefs_, variances, strict=True):
        assert coef.var() == pytest.approx(variance, rel=0.1)
    assert all(np.abs(intercept).max() < 1e-9 for intercept in own.intercepts_)


def test_activation_per_layer():
    both = classifier(hidden_layer_sizes=(6, 5), activation=("tanh", "relu")).fit(X, Y)
    hidden = np.tanh(X @ both.coefs_[0] + both.intercepts_[0])
    hidden = np.maximum(hidden @ both.coefs_[1] + both.intercepts_[1], 0)
    np.testing.assert_allclose(
        both.decision_function(X), hidden @ both.coefs_[2] + both.intercepts_[2], rtol=1e-10
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("float32", "float32"), ("float64", "float64"), ("float16", "float32"),
        ("uint8", "float32"), ("int16", "float32"), ("bool", "float32"),
        ("int32", "float64"), ("int64", "float64"), ("uint32", "float64"),
    ],
)  # fmt: skip
def test_dtype_follows_x(given, expected):
    own = classifier().fit((16 * X).astype(given), Y)
    assert own.network_.dtype == expected
    assert all(coef.dtype == expected for coef in own.coefs_)
    assert own.predict_proba(X.astype("float64")).dtype == expected


def test_dtype_follows_a_dataframe():
    frame = pd.DataFrame(X, columns=[f"pixel {i}" for i in range(64)])
    assert classifier().fit(frame, Y).network_.dtype == "float64"
    assert classifier().fit(frame.astype("float32"), Y).network_.dtype == "float32"


def test_seed_gives_the_same_network_in_both_dtypes():
    single = classifier(dtype="float32", max_iter=1, learning_rate=1e-12).fit(X, Y)
    double = classifier(dtype="float64", max_iter=1, learning_rate=1e-12).fit(X, Y)
    np.testing.assert_allclose(single.coefs_[0], double.coefs_[0], rtol=1e-6, atol=1e-7)


SCRIPT = """
import hashlib, numpy as np
from sklearn.datasets import load_digits
from skneural import MLPClassifier
X, y = load_digits(return_X_y=True)
own = MLPClassifier((12,), max_iter=3, patience=None, random_state=5).fit(X / 16, y)
print(hashlib.sha256(own.network_.theta.tobytes()).hexdigest())
"""


def test_same_seed_same_bits_in_another_process():
    x, y = load_digits(return_X_y=True)
    own = MLPClassifier((12,), max_iter=3, patience=None, random_state=5).fit(x / 16, y)
    here = hashlib.sha256(own.network_.theta.tobytes()).hexdigest()
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=True)
    assert run.stdout.decode().strip() == here


def test_random_states():
    def theta(random_state):
        return classifier(random_state=random_state).fit(X, Y).network_.theta

    np.testing.assert_array_equal(
        theta(np.random.RandomState(3)), theta(np.random.RandomState(3))
    )
    assert (theta(None) != theta(None)).any()
    assert (theta(0) != theta(1)).any()
    state = np.random.RandomState(3)
    assert (theta(state) != theta(state)).any()  # a RandomState moves on


def test_global_generator_is_untouched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    classifier(random_state=None).fit(X, Y)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_verbose_prints_a_line_an_epoch(capsys):
    own = classifier(verbose=True).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(" = ")[0] for line in lines] == [
        f"Epoch {i}, loss" for i in range(1, own.n_iter_ + 1)
    ]
    printed = [line.partition(" = ")[2] for line in lines]
    assert {len(number.lstrip("0.").replace(".", "")) for number in printed} == {4}  # digits
    np.testing.assert_allclose([float(n) for n in printed], own.loss_curve_, rtol=5e-4)


def test_verbose_is_not_kept_back_where_the_output_is_a_file(monkeypatch):
    file = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(file)))
    classifier(verbose=True, max_iter=2).fit(X, Y)
    assert file.getvalue().count(b"Epoch") == 2


def test_batch_of_zero_weights_teaches_nothing():
    weight = np.ones(len(X))
    weight[32:64] = 0  # one whole batch
    own = classifier(shuffle=False).fit(X, Y, sample_weight=weight)
    without = classifier(shuffle=False).fit(X[weight > 0], Y[weight > 0])
    np.testing.assert_array_equal(own.predict_proba(X), without.predict_proba(X))


@pytest.mark.parametrize("y", [Y, Y % 2, (Y[:, None] >> np.arange(3)) & 1], ids=np.shape)
def test_probabilities_are_never_0_or_1_and_their_logarithms_finite(y):
    own = classifier().fit(X, y)
    for x in (X, 1e4 * X):
        p, log_p = own.predict_proba(x), own.predict_log_proba(x)
        assert p.min() > 0
        assert p.max() < 1
        assert log_p.max() <= 0
        np.testing.assert_allclose(log_p, np.log(p), atol=1e-15)
    assert p.min() == np.finfo(float).tiny  # else the test shows nothing


def test_predicts_in_chunks_as_at_once():
    own = classifier().fit(X, Y)
    many = np.tile(X, (40, 1))  # more rows than one chunk of the cache holds
    np.testing.assert_allclose(
        own.predict_proba(many), np.tile(own.predict_proba(X), (40, 1)), rtol=1e-12
    )


def test_a_target_is_reached_by_the_very_score():
    convergence = Convergence(patience=10, tol=0.0, target=-1.0)
    convergence.update(-0.99)
    assert not convergence.reached_target
    convergence.update(-1.0)
    assert convergence.reached_target


def test_the_norm_on_record_is_that_of_the_last_gradient():
    """A bound that is never reached is checked in every step, and changes nothing."""
    X = np.random.default_rng(0).normal(size=(50, 3))
    params = {"batch_size": 20, "max_iter": 3, "patience": None, "random_state": 0}
    plain, bounded = (
        MLPRegressor((4,), max_grad_norm=bound, **params).fit(X, X[:, 0])
        for bound in (None, 1e9)
    )
    assert plain.history_["grad_norm"] == bounded.history_["grad_norm"]
