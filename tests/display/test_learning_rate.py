"""LearningRateDisplay: the range test, the suggested rate, and the picture."""

import copy
import re
import warnings

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skneural import ConvNetClassifier, LearningRateDisplay, MLPClassifier, MLPRegressor
from skneural._inspection.rate_range import range_test

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

from_estimator = LearningRateDisplay.from_estimator
X, Y = load_digits(return_X_y=True)
X = X / 16
DATA = {
    "digits": (MinMaxScaler(), MLPClassifier, load_digits(return_X_y=True)),
    "diabetes": (StandardScaler(), MLPRegressor, load_diabetes(return_X_y=True)),
}
ONE_EPOCH = {"min_rate": 1e-4, "max_rate": 1e-1, "n_steps": 50}


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def network(**params):
    return MLPClassifier((16,), random_state=0).set_params(**params)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("name", DATA)
def test_suggested_rate_trains_well(name, solver, engine):
    """A fit with the suggested rate is about as good as the best over six decades of rates."""
    scaler, cls, data = DATA[name]
    X, X_test, y, y_test = train_test_split(*data, random_state=0)
    own = cls((64,), solver=solver, max_iter=10, random_state=0)
    pipeline = make_pipeline(scaler, own)
    suggested = from_estimator(pipeline, X, y).suggested_rate_

    def score(rate):
        own.set_params(learning_rate=rate)
        with warnings.catch_warnings(action="ignore"):
            try:
                return pipeline.fit(X, y).score(X_test, y_test)
            except ValueError:  # diverged
                return -np.inf

    scores = {rate: score(rate) for rate in np.geomspace(1e-5, 10, 7)}
    best = max(scores.values())
    assert score(suggested) > best - 0.1
    good = [rate for rate in scores if scores[rate] > best - 0.05]
    assert min(good) / 10 <= suggested <= max(good) * 10
    assert min(scores.values()) < best - 0.5  # so that the bounds say something


def test_both_engines_find_the_same_losses(monkeypatch):
    rates = np.geomspace(1e-5, 1e-1, 60)
    own = network(dropout=0.2, batch_norm=True)
    compiled = range_test(own, X, Y, rates)
    monkeypatch.setattr("skneural._engine.program.compile_program", lambda network: None)
    np.testing.assert_allclose(range_test(own, X, Y, rates), compiled, rtol=1e-8)


def test_losses_are_those_of_training_step_by_step():
    """Return the losses of the first epoch, from one `partial_fit` per batch at its rate."""
    rates = np.geomspace(1e-3, 1e-2, 4)
    own = network(batch_size=50, alpha=0.0, shuffle=False)
    losses = range_test(own, X[:200], Y[:200], rates)
    rows = np.random.default_rng(0)
    by_hand = network(batch_size=50, alpha=0.0, shuffle=False, schedule="constant")
    first = copy.deepcopy(by_hand).set_params(learning_rate=1e-12)
    first.partial_fit(X[:1], Y[:1], classes=np.unique(Y))
    order = copy.deepcopy(first._progress.rngs["shuffle"]).permutation(200)
    assert len(set(order)) == 200
    for k, rate in enumerate(rates):
        rows = order[50 * k : 50 * (k + 1)]
        by_hand.set_params(learning_rate=rate)
        by_hand.partial_fit(X[rows], Y[rows], classes=np.unique(Y))
        assert losses[k] == pytest.approx(by_hand.loss_, rel=1e-9)


def test_estimator_is_as_it_was():
    own = network(early_stopping=True, schedule="step", random_state=np.random.RandomState(3))
    before = repr(own.get_params()), own.random_state.get_state()[1].tolist()
    from_estimator(own, X, Y, **ONE_EPOCH)
    assert before == (repr(own.get_params()), own.random_state.get_state()[1].tolist())
    assert not hasattr(own, "network_")
    fitted = network(max_iter=1).fit(X, Y)
    theta = fitted.network_.theta.copy()
    from_estimator(fitted, X, Y, **ONE_EPOCH)
    np.testing.assert_array_equal(fitted.network_.theta, theta)


def test_schedule_and_rate_of_the_estimator_have_no_effect():
    own = network(schedule="exponential", decay=0.1, learning_rate=5.0, max_iter=1)
    own.set_params(shuffle=False, early_stopping=True, patience=1)
    losses = from_estimator(own, X, Y, **ONE_EPOCH).losses
    np.testing.assert_array_equal(losses, from_estimator(network(), X, Y, **ONE_EPOCH).losses)


def test_wrappers():
    raw, y = X * 16, Y.astype(float)
    losses = from_estimator(network(), X, Y, **ONE_EPOCH).losses
    pipeline = make_pipeline(MinMaxScaler((0, 1)), network())
    scaled = MinMaxScaler().fit_transform(raw)
    expected = from_estimator(network(), scaled, Y, **ONE_EPOCH).losses
    np.testing.assert_array_equal(
        from_estimator(pipeline, raw, Y, **ONE_EPOCH).losses, expected
    )
    search = GridSearchCV(network(max_iter=1), {"alpha": ["auto"]}, cv=2).fit(X, Y)
    search.best_estimator_.set_params(max_iter=50)
    np.testing.assert_array_equal(from_estimator(search, X, Y, **ONE_EPOCH).losses, losses)
    reg = MLPRegressor((8,), normalize_y=False, random_state=0)
    wrapped = TransformedTargetRegressor(
        make_pipeline(reg), func=np.log1p, inverse_func=np.expm1
    )
    np.testing.assert_array_equal(
        from_estimator(wrapped, X, y, **ONE_EPOCH).losses,
        from_estimator(reg, X, np.log1p(y), **ONE_EPOCH).losses,
    )


def test_images():
    images = X[:300].reshape(-1, 8, 8)
    own = ConvNetClassifier(4, hidden_layer_sizes=(), learning_rate=0.1, random_state=0)
    display = from_estimator(own, images, Y[:300])
    assert 1e-4 < display.suggested_rate_ < 1


@pytest.mark.parametrize(
    "params",
    [{"solver": "sgd", "momentum": 0.0}, {"solver": "sgd", "activation": "identity"}],
    ids=str,
)
def test_diverging_loss_ends_the_run(params, engine):
    """The test ends without a message, and the picture shows only finite losses."""
    X, y = load_diabetes(return_X_y=True)
    own = MLPRegressor((50, 50, 50), alpha=0.2, random_state=0, dtype="float32", **params)
    with warnings.catch_warnings(action="error"), np.errstate(all="warn"):
        display = from_estimator(own, StandardScaler().fit_transform(X), y, max_rate=1e6)
        display.figure_.canvas.draw()
    assert len(display.losses) == len(display.learning_rates) < 200
    for line in display.line_, display.points_:
        assert np.isfinite(line.get_ydata()).all()
    assert display.losses.max() <= 4 * display.losses[:10].max()
    assert display.suggested_rate_ < display.learning_rates[-1] / 10


def test_losses_that_end_with_infinity(engine):
    """A step so large that the next loss is not finite."""
    X, y = load_diabetes(return_X_y=True)
    own = MLPRegressor((9,), solver="sgd", loss="poisson", random_state=0)
    with warnings.catch_warnings(action="error"):
        display = from_estimator(own, StandardScaler().fit_transform(X), y)
    assert len(display.losses) < 200
    assert np.isfinite(display.losses).all()


def test_rows_without_weight_are_left_out(engine):
    weights = {label: float(label == 2) for label in range(10)}
    own = network(class_weight=weights, batch_size=4)
    assert np.isfinite(from_estimator(own, X, Y, **ONE_EPOCH).losses).all()


def test_picture():
    display = from_estimator(network(), X, Y)
    assert len(display.losses) <= 200
    assert display.ax_.get_xscale() == "log"
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == (
        "learning rate",
        "training loss",
    )
    np.testing.assert_array_equal(display.line_.get_xdata(), display.learning_rates)
    np.testing.assert_array_equal(display.line_.get_ydata(), display.smoothed_losses_)
    np.testing.assert_array_equal(display.points_.get_ydata(), display.losses)
    lowest = display.learning_rates[display.smoothed_losses_.argmin()]
    assert display.suggested_rate_ == pytest.approx(lowest / 10)
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == ["smoothed", f"suggested rate: {display.suggested_rate_:.2g}"]
    assert display.ax_.lines[-1].get_xdata()[0] == display.suggested_rate_


def test_smoothed_losses():
    """A constant stays constant, and a line stays a line except near its ends."""
    rates = np.geomspace(1e-6, 1, 121)
    flat = LearningRateDisplay(learning_rates=rates, losses=np.ones(121)).plot()
    np.testing.assert_allclose(flat.smoothed_losses_, 1)
    line = LearningRateDisplay(learning_rates=rates, losses=np.log10(rates)).plot()
    np.testing.assert_allclose(
        line.smoothed_losses_[30:-30], np.log10(rates)[30:-30], atol=1e-3
    )


def test_loss_that_does_not_fall():
    display = LearningRateDisplay(learning_rates=[1e-3, 1e-2, 1e-1], losses=[1.0, 2, 3]).plot()
    assert display.suggested_rate_ is None
    assert len(display.ax_.get_legend().get_texts()) == 1


def test_two_in_the_same_axes():
    first = from_estimator(network(), X, Y, name="adam")
    second = from_estimator(network(solver="sgd"), X, Y, name="sgd", ax=first.ax_, linewidth=5)
    legend = [text.get_text() for text in first.ax_.get_legend().get_texts()]
    assert legend[::2] == ["adam", "sgd"]
    assert first.line_.get_color() != second.line_.get_color() == second.points_.get_color()
    assert second.line_.get_linewidth() == 5
    assert second.suggested_rate_ > first.suggested_rate_


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"min_rate": 0}, "min_rate must be a number > 0, got 0"),
        ({"min_rate": "1e-3"}, "min_rate must be a number > 0, got '1e-3'"),
        ({"max_rate": 1e-7}, "max_rate must be a number > 1e-06, got 1e-07"),
        ({"max_rate": np.inf}, "max_rate must be a number > 1e-06, got inf"),
        ({"n_steps": 9}, "n_steps must be an integer >= 10, got 9"),
        ({"n_steps": 20.0}, "n_steps must be an integer >= 10, got 20.0. Write 20"),
    ],
)
def test_wrong_settings(settings, words):
    with pytest.raises((TypeError, ValueError), match=re.escape(words)):
        from_estimator(network(), X, Y, **settings)


def test_wrong_estimators_and_data():
    with pytest.raises(TypeError, match=r"must be an estimator of skneural.*got LogisticReg"):
        from_estimator(LogisticRegression(), X, Y)
    with pytest.raises(TypeError, match=r"must be an estimator of skneural.*got Pipeline"):
        from_estimator(make_pipeline(MinMaxScaler(), LogisticRegression()), X, Y)
    with pytest.raises(ValueError, match=r"solver='adam'; solver='lbfgs' has none"):
        from_estimator(network(solver="lbfgs"), X, Y)
    with pytest.raises(ValueError, match="alpha must be"):
        from_estimator(network(alpha=-1.0), X, Y)
    with pytest.raises(ValueError, match="X contains infinity"):
        from_estimator(network(), np.full_like(X, np.inf), Y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        from_estimator(network(), X, Y[:-1])
    with pytest.warns(UserWarning, match="StandardScaler"):
        from_estimator(network(), X * 1000, Y, **ONE_EPOCH)


def test_loss_that_is_infinite_at_once():
    own = MLPRegressor((9,), normalize_y=False, random_state=0)
    with pytest.raises(ValueError, match=r"not finite at min_rate=1e-06.*too large"):
        from_estimator(own, X, Y * 1e200)
