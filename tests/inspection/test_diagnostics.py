"""diagnose finds constructed problems of networks, and Diagnostics records the layers."""

import copy
import tracemalloc

import numpy as np
import pytest
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
)
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneural import (
    ConvNetClassifier,
    Diagnostics,
    DiagnosticsDisplay,
    MLPClassifier,
    MLPRegressor,
    diagnose,
)

X, Y = load_digits(return_X_y=True)
X, Y = X[:400] / 16, Y[:400]


def make(cls=MLPClassifier, **params):
    defaults = {"hidden_layer_sizes": (32,), "batch_size": 32, "max_iter": 30}
    defaults |= {"learning_rate": 1e-3, "schedule": "constant"}
    return cls(**{**defaults, "patience": None, "random_state": 0, **params})


def problems(estimator, x=X):
    return [finding.problem for finding in diagnose(estimator, x)]


# ------------------------------------------------------------------------------- diagnose


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer, load_digits])
@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
def test_silent_on_healthy_networks(load, activation):
    x, y = load(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), make(activation=activation, learning_rate=0.003))
    assert problems(pipeline.fit(x, y), x) == []


def test_silent_on_a_healthy_regressor_and_convolutional_network():
    x, y = load_diabetes(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), make(MLPRegressor, learning_rate=0.01))
    assert problems(pipeline.fit(x, y), x) == []
    images = X.reshape(-1, 8, 8)
    assert problems(make(ConvNetClassifier, filters=(8,)).fit(images, Y), images) == []


def test_unscaled_input():
    with pytest.warns(UserWarning, match="X is far from mean 0"):
        own = make().fit(1000 * X, Y)
    assert "the input is not scaled" in problems(own, 1000 * X)
    x = X * np.where(np.arange(64) == 20, 500.0, 1.0) / 500  # one feature drowns the others
    with pytest.warns(UserWarning, match="X is far from mean 0"):
        own = make().fit(x, Y)
    assert "the input is not scaled" in problems(own, x)


def test_dead_rectifiers():
    own = make().fit(X, Y)
    own.intercepts_[0][...] = -100.0
    assert problems(own) == ["a whole layer is dead"]
    own.intercepts_[0][20:] = 1.0
    assert problems(own) == ["many units are dead"]
    assert "62% of the rectifiers of layer 1: Dense 32, ReLU" in str(diagnose(own, X)).replace(
        "\n  ", " "
    )


def test_units_that_the_penalty_has_reduced_to_zero():
    own = make().fit(X, Y)
    own.intercepts_[0][:24] = -1.0
    own.coefs_[0][:, :24] = 1e-9
    assert problems(own) == []  # the others are enough
    own.intercepts_[0][:31] = -1.0
    own.coefs_[0][:, :31] = 1e-9
    assert problems(own) == ["almost all units are unused"]
    assert "96.9% of the rectifiers of layer 1" in diagnose(own, X)[0].evidence


@pytest.mark.parametrize("activation", ["logistic", "tanh"])
def test_saturated_sigmoid(activation):
    own = make(activation=activation, learning_rate=0.01).fit(X, Y)
    assert problems(own) == []
    own.coefs_[0][...] *= 1000
    assert problems(own) == ["a sigmoid is saturated"]


def test_vanishing_gradients():
    own = make(hidden_layer_sizes=(20,) * 6, activation="logistic", max_iter=3).fit(X, Y)
    assert "gradients vanish toward the input" in problems(own)
    deep = make(hidden_layer_sizes=(20,) * 6, learning_rate=0.003).fit(X, Y)
    assert problems(deep) == []


@pytest.mark.parametrize("sign", [1, -1])
def test_a_rectifier_before_a_sigmoid_that_can_answer_one_class_only(sign):
    own = make(learning_rate=0.003).fit(X, Y > 4)
    assert problems(own) == []
    own.coefs_[-1][...] = sign * np.abs(own.coefs_[-1])
    own.intercepts_[-1][...] = sign
    assert problems(own) == ["the output can predict one class only"]
    assert len(np.unique(own.predict(X))) == 1
    word = "second" if sign > 0 else "first"
    assert f"the prediction is the {word} class for" in diagnose(own, X)[0].evidence


def test_rate_too_high():
    """Each step of this linear model overshoots by a little more than the previous one."""
    x, y = np.array([[-1.0], [1.0]] * 8), np.array([-1.0, 1.0] * 8)
    exact = {"hidden_layer_sizes": (), "solver": "sgd", "momentum": 0.0, "alpha": 0.0}
    own = make(MLPRegressor, **exact, batch_size=16, max_iter=15)
    for rate in (0.5, 1.0, 1.9):  # from 2 on it diverges
        assert problems(own.set_params(learning_rate=rate).fit(x, y), x) == []
    with pytest.warns(ConvergenceWarning, match="worse than a constant"):
        own.set_params(learning_rate=2.05).fit(x, y, coefs_init=[[[0.0]]])
    assert "the learning rate is too high" in problems(own, x)
    assert "learning_rate=2.05" in str(diagnose(own, x))


@pytest.mark.parametrize("seed", range(4))
def test_a_rate_that_ruins_a_network_is_to_be_lowered(seed):
    """Whether its layers die or its loss stays high depends on rounding errors."""
    own = make(solver="sgd", hidden_layer_sizes=(64, 32), random_state=seed)
    pipeline = make_pipeline(StandardScaler(), own)
    for rate, is_too_high in ((0.05, False), (0.5, True)):
        pipeline.set_params(mlpclassifier__learning_rate=rate).fit(X, Y)
        assert ("Lower learning_rate" in str(diagnose(pipeline, X))) == is_too_high


def test_rate_too_low():
    assert problems(make(learning_rate=1e-6).fit(X, Y)) == ["the learning rate is too low"]


def test_overfitting():
    labels = np.random.default_rng(0).integers(0, 10, len(Y))  # nothing to be learnt
    own = make(max_iter=100).fit(X[:300], labels[:300], X_val=X[300:], y_val=labels[300:])
    assert problems(own) == ["the network overfits"]


def test_overfitting_that_cannot_be_seen_is_a_note():
    with_validation = make().fit(X[:300], Y[:300], X_val=X[300:], y_val=Y[300:])
    assert diagnose(with_validation, X).notes == ()
    (note,) = diagnose(make().fit(X, Y), X).notes
    assert "Overfitting was not examined" in note
    assert "pass X_val and y_val to fit" in note
    assert diagnose(make(max_iter=0).fit(X, Y), X).notes == ()  # nothing was learned


@pytest.mark.parametrize("labels", ["binary", "multiclass", "multilabel", "columns"])
def test_a_fit_at_chance_level(labels):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2000, 10)), rng.integers(0, 3, (2000, 2))
    y = {"binary": y[:, 0] > 0, "multiclass": y[:, 0], "multilabel": y > 1, "columns": y}[
        labels
    ]
    own = make(hidden_layer_sizes=(8,), max_iter=10)
    assert problems(own.fit(x, y), x) == ["the predictions are no better than a constant"]
    with_labels = np.c_[x, (y[..., None] == np.arange(3)).reshape(len(x), -1)]
    assert problems(own.fit(with_labels, y), with_labels) == []


def test_a_regressor_at_chance_level():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5000, 5)), rng.normal(size=5000)
    own = make(MLPRegressor, hidden_layer_sizes=(4,), max_iter=5)
    assert problems(own.fit(x, y), x) == ["the predictions are no better than a constant"]


def test_a_noisy_loss_close_to_zero_is_no_high_rate():
    x, y = load_breast_cancer(return_X_y=True)
    own = make(hidden_layer_sizes=(64, 64), dropout=0.2, alpha=0.0, max_iter=150)
    own.set_params(learning_rate=3e-3)
    pipeline = make_pipeline(StandardScaler(), own).fit(x, y)
    losses = np.array(own.loss_curve_)
    assert np.mean(np.diff(losses) > 0) > 0.3  # it is noisy,
    assert losses[75:].mean() > 2 * losses.min()  # by more than its lowest value
    assert problems(pipeline, x) == []


@pytest.mark.parametrize("hidden", [(32,), (64, 32)])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_penalty_that_pulls_all_weights_to_zero_has_one_piece_of_advice(activation, hidden):
    own = make(hidden_layer_sizes=hidden, activation=activation, learning_rate=3e-3)
    (finding,) = diagnose(own.set_params(alpha=30.0).fit(X, Y), X)
    assert finding.problem == "alpha is too high"
    assert "alpha=30.0" in finding.evidence
    assert finding.advice.startswith("Lower alpha")
    assert problems(own.set_params(alpha=0.3).fit(X, Y)) == []


def test_what_it_takes_and_leaves_alone():
    x = X * np.where(np.arange(64) == 20, 1.0, 1e-3)
    with pytest.warns(UserWarning, match="X is far from mean 0"):
        own = make(batch_norm=True, dropout=0.2).fit(x, Y)
    before = copy.deepcopy(own)
    from_search = GridSearchCV(make_pipeline(StandardScaler(), make()), {}, cv=2).fit(X, Y)
    assert problems(from_search) == []
    assert len(diagnose(own, x)) > 0
    np.testing.assert_array_equal(own.network_.theta, before.network_.theta)
    np.testing.assert_array_equal(own.network_.state, before.network_.state)
    with pytest.raises(TypeError, match="estimator of skneural"):
        diagnose(LogisticRegression().fit(X, Y), X)
    with pytest.raises(NotFittedError):
        diagnose(make(), X)
    with pytest.raises(ValueError, match="features"):
        diagnose(make().fit(X, Y), X[:, :3])


def test_pipelines_of_any_depth():
    own = make(hidden_layer_sizes=(16,), learning_rate=0.003)
    assert problems(make_pipeline(own).fit(X, Y)) == []
    nested = make_pipeline("passthrough", make_pipeline(StandardScaler(), own))
    assert problems(nested.fit(1000 * X, Y), 1000 * X) == []


def test_silent_on_global_pooling_of_large_images():
    images = np.random.default_rng(0).normal(size=(40, 64, 64))
    pools = (None, "global_average")
    own = ConvNetClassifier((4, 8), pool=pools, max_iter=1, patience=None, random_state=0)
    assert "gradients vanish toward the input" not in problems(own.fit(images, Y[:40]), images)


def test_large_images_take_bounded_memory():
    images = np.random.default_rng(0).normal(size=(500, 48, 48)).astype(np.float32)
    params = {"filters": (32, 32), "pool": None, "hidden_layer_sizes": (), "batch_size": 4}
    own = ConvNetClassifier(**params, max_iter=1, patience=None).fit(images[:20], Y[:20])
    tracemalloc.start()
    diagnose(own, images)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * 2**26


def test_prints_words():
    healthy = make().fit(X, Y)
    assert str(diagnose(healthy, X)).startswith("Nothing wrong was found.\nOverfitting was")
    (finding,) = diagnose(make(learning_rate=1e-6).fit(X, Y), X)
    text = str(diagnose(make(learning_rate=1e-6).fit(X, Y), X))
    assert text.startswith(f"* {finding.problem}: ")
    assert max(map(len, text.splitlines())) <= 88
    assert finding.advice.split()[0] in text


# ------------------------------------------------------------------------- the callback


def test_records_a_number_a_layer_and_epoch():
    diagnostics = Diagnostics(n_samples=50)
    own = make(
        hidden_layer_sizes=(16, 8, 8), activation=("relu", "tanh", "gelu"), max_iter=4
    ).set_callbacks(diagnostics)
    own.fit(X, Y)
    assert diagnostics.layers_ == [
        "1: Dense 16, ReLU", "2: Dense 8, Tanh", "3: Dense 8, GELU", "4: Dense 10"
    ]  # fmt: skip
    history = {name: np.array(values) for name, values in diagnostics.history_.items()}
    assert {array.shape for array in history.values()} == {(4, 4)}
    assert (history["grad_norm"] > 0).all()
    assert np.isnan(history["update_ratio"][0]).all()
    assert (history["update_ratio"][1:] > 0).all()
    assert np.isfinite(history["dead_share"]).all(axis=0).tolist() == [True] + [False] * 3
    saturated = np.isfinite(history["saturated_share"]).all(axis=0)
    assert saturated.tolist() == [False, True, False, False]


def test_gradient_and_update_are_those_of_the_fit():
    diagnostics = Diagnostics(n_samples=10**6)
    plain = {"hidden_layer_sizes": (8,), "solver": "sgd", "momentum": 0.0, "alpha": 0.0}
    own = make(**plain, batch_size=len(X), max_iter=2, shuffle=False, learning_rate=0.1)
    own.set_callbacks(diagnostics).fit(X, Y)
    one = make(**plain, batch_size=len(X), max_iter=1, shuffle=False, learning_rate=0.1)
    one.fit(X, Y)
    # the step of the second epoch is rate times the gradient after the first
    steps = [np.linalg.norm(a - b) for a, b in zip(own.coefs_, one.coefs_, strict=True)]
    np.testing.assert_allclose(0.1 * np.array(diagnostics.history_["grad_norm"][0]), steps)
    norms = [np.linalg.norm(weight) for weight in one.coefs_]
    ratios = np.array(steps) / norms
    np.testing.assert_allclose(diagnostics.history_["update_ratio"][1], ratios)


def test_changes_nothing_and_starts_anew_with_every_fit():
    diagnostics = Diagnostics()
    own = make(batch_norm=True, dropout=0.3, max_iter=3).set_callbacks(diagnostics)
    plain = make(batch_norm=True, dropout=0.3, max_iter=3).fit(X, Y)
    np.testing.assert_array_equal(own.fit(X, Y).network_.theta, plain.network_.theta)
    own.fit(X, Y)
    assert len(diagnostics.history_["grad_norm"]) == 3


@pytest.mark.parametrize("n_samples", [0, 2.5, "many"])
def test_bad_n_samples(n_samples):
    with pytest.raises((ValueError, TypeError), match="n_samples must be an integer >= 1"):
        Diagnostics(n_samples=n_samples)


# -------------------------------------------------------------------------- the display


def test_display_has_a_panel_a_measure_and_a_line_a_layer():
    pytest.importorskip("matplotlib").use("Agg")
    diagnostics = Diagnostics()
    own = make(hidden_layer_sizes=(8, 8), activation=("relu", "tanh"), max_iter=3)
    own.set_callbacks(diagnostics).fit(X, Y)
    display = DiagnosticsDisplay.from_callback(diagnostics)
    labels = [axes.get_ylabel() for axes in display.axes_]
    assert labels == ["gradient norm", "update / weights", "dead share", "saturated share"]
    for name, lines in display.lines_.items():
        assert [line.get_label() for line in lines] == diagnostics.layers_
        drawn = np.transpose([line.get_ydata() for line in lines])
        np.testing.assert_array_equal(drawn, diagnostics.history_[name])
    assert display.ax_ is display.axes_[0]
    assert display.figure_ is display.ax_.figure
    display.figure_.draw_without_rendering()
    legend = display.ax_.get_legend().get_window_extent()
    assert legend.y0 >= display.ax_.get_window_extent().y1 - 1  # over no curve
    assert (display.axes_[-1].get_xticks() % 1 == 0).all()
    with pytest.raises(ValueError, match="a fit has used"):
        DiagnosticsDisplay.from_callback(Diagnostics())
    with pytest.raises(
        TypeError, match=r"diagnostics must be a Diagnostics.*got MLPClassifier"
    ):
        DiagnosticsDisplay.from_callback(own)
