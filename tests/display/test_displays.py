"""Displays: the contents of their artists, and the conventions of scikit-learn."""

import inspect
import itertools
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skneural import (
    LearningRateDisplay,
    LossCurveDisplay,
    MLPClassifier,
    StudyDisplay,
    WeightsDisplay,
)

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

X, Y = load_digits(return_X_y=True)
X, Y = X[:200] / 16, Y[:200]
DISPLAYS = [LearningRateDisplay, LossCurveDisplay, StudyDisplay, WeightsDisplay]


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def network(**params):
    params = {"max_iter": 3, "patience": None, "random_state": 0, **params}
    params = {"schedule": "constant", **params}
    return MLPClassifier((9,), **params)


@pytest.fixture(scope="module")
def fitted():
    return network().fit(X, Y)


@pytest.fixture(scope="module")
def stopped():
    """Return a network with a falling learning rate whose fit early stopping has ended."""
    return network(
        early_stopping=True, patience=2, max_iter=200, decay=0.9, learning_rate=0.1
    ).fit(X, Y)


def grid_search(grid, search=GridSearchCV, **settings):
    return search(network(), grid, cv=2, **settings).fit(X, Y)


def make(display, fitted, **kwargs):
    """Return any display, created from its arguments."""
    if display is StudyDisplay:
        return StudyDisplay.from_search(grid_search({"alpha": [0.1, 0.2]}), **kwargs)
    data = (X, Y) if display is LearningRateDisplay else ()
    return display.from_estimator(fitted, *data, **kwargs)


@pytest.mark.parametrize("display", DISPLAYS)
def test_conventions_of_scikit_learn(display, fitted):
    made = make(display, fitted)
    assert isinstance(made, display)
    assert isinstance(made.ax_, plt.Axes)
    assert made.figure_ is made.ax_.figure
    for name in inspect.signature(display).parameters:
        assert hasattr(made, name)  # what it is made of can be looked at
    first = made.figure_
    assert made.plot() is made  # again, in a figure of its own
    assert made.figure_ is not first


@pytest.mark.parametrize("display", DISPLAYS)
def test_axes_of_ones_own(display, fitted):
    figure, (left, right) = plt.subplots(1, 2)
    made = make(display, fitted, ax=right)
    assert made.figure_ is figure
    assert made.ax_ is right
    assert not left.has_data()
    assert plt.get_fignums() == [figure.number]


def test_without_matplotlib():
    code = """
import inspect, sys
sys.modules["matplotlib"] = None
import skneural
data = {"history": {"loss": [1.0]}, "images": [[[[1.0]]]], "values": {"a": [1]},
        "mean_scores": [1.0], "std_scores": [0.0], "learning_rates": [1.0], "losses": [1.0]}
for name in sys.argv[1:]:
    cls = getattr(skneural, name)
    known = inspect.signature(cls).parameters
    display = cls(**{key: value for key, value in data.items() if key in known})
    maker = cls.from_search if name == "StudyDisplay" else cls.from_estimator
    rows = (None, None) if name == "LearningRateDisplay" else ()
    for method, args in (display.plot, ()), (maker, (None, *rows)):
        try:
            method(*args)
        except ImportError as error:
            print(error)
"""
    names = [display.__name__ for display in DISPLAYS]
    done = subprocess.run(
        [sys.executable, "-c", code, *names], capture_output=True, text=True, check=False
    )
    advice = "needs matplotlib: pip install matplotlib"
    for name in names:
        maker = "from_search" if name == "StudyDisplay" else "from_estimator"
        assert f"{name}.plot {advice}\n{name}.{maker} {advice}\n" in done.stdout


@pytest.mark.parametrize("display", [LossCurveDisplay, WeightsDisplay])
def test_estimators_that_will_not_do(display):
    with pytest.raises(NotFittedError, match=r"must be fitted.*MLPClassifier is not"):
        display.from_estimator(MLPClassifier())
    with pytest.raises(NotFittedError, match="must be fitted"):
        display.from_estimator(make_pipeline(MinMaxScaler(), MLPClassifier()))
    with pytest.raises(TypeError, match=r"estimator of skneural.*got LogisticRegression"):
        display.from_estimator(LogisticRegression())


# LossCurveDisplay


def test_loss_curve(fitted):
    display = LossCurveDisplay.from_estimator(fitted)
    assert list(display.lines_) == ["loss"]  # a constant rate is no curve
    (axes,) = display.axes_
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), fitted.loss_curve_)
    assert axes.get_ylabel() == "loss"
    assert axes.get_xlabel() == "epoch (3 of at most 3)"
    assert display.best_epoch_ is None


def test_curves_of_early_stopping(stopped):
    display = LossCurveDisplay.from_estimator(make_pipeline(MinMaxScaler(), stopped))
    labels = [axes.get_ylabel() for axes in display.axes_]
    assert labels == ["loss", "score", "learning rate"]
    for name, line in display.lines_.items():
        np.testing.assert_array_equal(line.get_ydata(), stopped.history_[name])
    assert {"loss", "validation_loss", "score", "validation_score", "learning_rate"} == set(
        display.lines_
    )
    assert display.ax_ is display.axes_[0]
    n_epochs = stopped.n_iter_
    assert n_epochs < 200
    assert display.axes_[-1].get_xlabel() == f"epoch ({n_epochs} of at most 200)"
    scores = np.array(stopped.validation_scores_)
    assert scores[display.best_epoch_ - 1] == scores.max()
    legend = [text.get_text() for text in display.axes_[1].get_legend().get_texts()]
    assert legend == ["training", "validation", f"best epoch: {display.best_epoch_}"]
    legend = [text.get_text() for text in display.axes_[0].get_legend().get_texts()]
    assert legend[:2] == ["training (with penalty)", "validation"]  # without the penalty
    place = display.axes_[1].collections[0].get_segments()[0]
    assert place[0][0] == display.best_epoch_


@pytest.mark.parametrize("bad", ["ax", 3, plt, ["a", "b", "c"], plt.subplots, np.zeros(3)])
def test_what_is_no_axes_is_refused_by_name(bad, fitted, monkeypatch):
    with pytest.raises(TypeError, match=r"^ax must be None, one matplotlib Axes or a seq.*got"):
        LossCurveDisplay.from_estimator(fitted, ax=bad)
    with pytest.raises(TypeError, match=r"^ax must be a matplotlib Axes or None.*axes\[0\]"):
        WeightsDisplay.from_estimator(fitted, ax=bad)
    with pytest.raises(TypeError, match=r"^ax must be a matplotlib Axes or None"):
        LearningRateDisplay.from_estimator(network(), "X is not looked at", Y, ax=bad)


@pytest.mark.parametrize("bad", [MLPClassifier, np.zeros(100), None])
def test_what_is_no_estimator_is_described_in_a_few_words(bad):
    for make in (LossCurveDisplay.from_estimator, StudyDisplay.from_search):
        with pytest.raises(TypeError, match=r"^(estimator|search) must be a fitted") as info:
            make(bad)
        words = {type: "the class MLPClassifier", np.ndarray: "of type ndarray"}
        assert words.get(type(bad), "None") in str(info.value)


def test_best_epoch_of_equal_scores_has_the_lower_loss():
    history = {
        "loss": [3.0, 2, 1, 1],
        "validation_loss": [3.0, 2, 1, 2],
        "validation_score": [0.5, 0.9, 0.9, 0.9],
    }
    assert LossCurveDisplay(history=history).plot().best_epoch_ == 3


def test_epochs_without_validation_data():
    """partial_fit may have been called with and without validation data."""
    clf = network()
    clf.partial_fit(X, Y, classes=np.unique(Y)).partial_fit(X, Y, X_val=X, y_val=Y)
    display = LossCurveDisplay.from_estimator(clf)
    assert display.best_epoch_ == 2
    assert np.isnan(display.lines_["validation_loss"].get_ydata()[0])


def test_lbfgs_has_no_rate():
    clf = network(solver="lbfgs").fit(X, Y)
    assert list(LossCurveDisplay.from_estimator(clf).lines_) == ["loss"]


def test_two_fits_in_the_same_axes(stopped):
    other = network(early_stopping=True, decay=0.5, max_iter=4).fit(X, Y)
    first = LossCurveDisplay.from_estimator(stopped, name="long")
    second = LossCurveDisplay.from_estimator(other, ax=first.axes_, name="short")
    assert second.figure_ is first.figure_
    legend = [text.get_text() for text in first.ax_.get_legend().get_texts()]
    kinds = "training (with penalty)", "validation"
    names = [f"{n}, {kind}" for n in ("long", "short") for kind in kinds]
    assert legend == names
    assert len({line.get_color() for line in first.ax_.lines}) == 4
    assert first.axes_[-1].get_xlabel() == "epoch"  # two fits: two ends
    with pytest.raises(ValueError, match="sequence of 3, got 1"):
        LossCurveDisplay.from_estimator(stopped, ax=[first.ax_])


def test_axes_are_divided(stopped):
    figure, ax = plt.subplots()
    display = LossCurveDisplay.from_estimator(stopped, ax=ax)
    assert len(display.axes_) == 3
    assert figure.axes == [ax, *display.axes_]
    assert not ax.axison
    ranges = [axes.get_xlim() for axes in display.axes_]
    assert len(set(ranges)) == 1
    free = figure.add_axes((0.1, 0.1, 0.5, 0.5))
    with pytest.raises(ValueError, match=r"cannot be divided into 3.*sequence of 3 Axes"):
        LossCurveDisplay.from_estimator(stopped, ax=free)
    assert free.axison


def test_style_of_the_lines(fitted):
    display = LossCurveDisplay.from_estimator(fitted, linewidth=7, color="k")
    assert display.lines_["loss"].get_linewidth() == 7
    assert display.lines_["loss"].get_color() == "k"


def test_curves_of_a_search():
    search = grid_search({"alpha": [0.1, 0.2]})
    display = LossCurveDisplay.from_estimator(search)
    assert display.history is search.best_estimator_.history_


# StudyDisplay


def tick_labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_one_number():
    search = grid_search({"learning_rate": [0.1, 0.001, 0.01]}, scoring="accuracy")
    display = StudyDisplay.from_search(search)
    points, _, (bars,) = display.errorbar_
    np.testing.assert_array_equal(points.get_xdata(), [0.1, 0.001, 0.01])
    mean, std = (search.cv_results_[f"{m}_test_score"] for m in ("mean", "std"))
    np.testing.assert_array_equal(points.get_ydata(), mean)
    lengths = [np.ptp(segment[:, 1]) for segment in bars.get_segments()]
    np.testing.assert_allclose(lengths, 2 * std)
    np.testing.assert_array_equal(display.line_.get_xdata(), [0.001, 0.01, 0.1])
    np.testing.assert_array_equal(display.line_.get_ydata(), mean[[1, 2, 0]])
    assert display.ax_.get_xscale() == "log"
    assert tick_labels(display.ax_.xaxis) == ["0.001", "0.01", "0.1"]
    assert display.ax_.get_xlabel() == "learning_rate"
    assert display.ax_.get_ylabel() == "accuracy, mean ± std"
    (best,) = display.ax_.get_legend().get_texts()
    assert best.get_text() == f"best: {search.best_score_:.4g}"
    assert display.im_ is display.text_ is display.scatter_ is None


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([16, 32, 64, 128], "linear"),
        ([16, 32, 64, 128, 256], "log"),
        ([0.1, 0.2, 0.3], "linear"),
        ([3, 1], "linear"),
    ],
)
def test_scale_of_numbers(values, scale):
    n = len(values)
    display = StudyDisplay(
        values={"size": values}, mean_scores=np.arange(n), std_scores=np.ones(n)
    ).plot()
    assert display.ax_.get_xscale() == scale
    np.testing.assert_array_equal(display.errorbar_[0].get_xdata(), values)


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([(64, 32), (64,), ()], ["(64, 32)", "(64,)", "()"]),
        (["relu", "tanh", "relu"], ["relu", "tanh"]),
        ([True, False, True], ["True", "False"]),
        (["auto", 32, None], ["auto", "32", "None"]),
        ([0, 1e-4, 1e-2], ["0", "0.0001", "0.01"]),  # no axis has room for these three
        ([5, 10, np.inf], ["5", "10", "inf"]),
        (["$x$", "<b>", "$"], ["$x$", "<b>", "$"]),  # no formulas
    ],
)
def test_categories(values, labels):
    display = StudyDisplay(
        values={"a": values}, mean_scores=[0.1, 0.2, 0.3], std_scores=[0.1] * 3
    ).plot()
    display.figure_.canvas.draw()
    # an escaped dollar sign is drawn, a bare one would begin a formula
    assert tick_labels(display.ax_.xaxis) == [text.replace("$", r"\$") for text in labels]
    places = [0, 1, 0] if len(labels) == 2 else [0, 1, 2]
    np.testing.assert_array_equal(display.errorbar_[0].get_xdata(), places)
    assert display.line_ is None  # nothing is between categories


def test_heat_map():
    grid = {"alpha": [0.1, 0.2], "activation": ["relu", "tanh", "logistic"]}
    search = grid_search(grid)
    display = StudyDisplay.from_search(search)
    mean, std = (search.cv_results_[f"{m}_test_score"] for m in ("mean", "std"))
    # the parameters in the order of scikit-learn: activation, alpha
    np.testing.assert_array_equal(display.im_.get_array(), mean.reshape(3, 2).T)
    assert tick_labels(display.ax_.xaxis) == ["relu", "tanh", "logistic"]
    assert tick_labels(display.ax_.yaxis) == ["0.1", "0.2"]
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("activation", "alpha")
    for i, (m, s) in enumerate(zip(mean, std, strict=True)):
        text = display.text_[i % 2, i // 2]
        words = f"{m:.4g}\n± {s:.2g}" + ("\nbest" if i == search.best_index_ else "")
        assert text.get_text() == words
        assert text.get_position() == (i // 2, i % 2)
    assert display.errorbar_ is display.scatter_ is None


def test_cells_show_their_best_candidate():
    values = {"a": [1, 1, 1, 2, 2], "b": ["x", "x", "y", "x", "y"]}
    display = StudyDisplay(
        values=values,
        mean_scores=[0.3, 0.2, 0.5, np.nan, 0.4],
        std_scores=np.zeros(5),
        others_vary=True,
    ).plot()
    cells = display.im_.get_array()
    assert cells.filled(-1).tolist() == [[0.3, -1], [0.5, 0.4]]
    assert display.text_[0, 1] is None  # failed
    assert len(display.ax_.texts) == 3


def test_scattered_candidates():
    rng = np.random.default_rng(0)
    values = {"alpha": list(10 ** rng.uniform(-5, 0, 20)), "beta": list(rng.random(20))}
    scores = rng.random(20)
    display = StudyDisplay(
        values=values, mean_scores=scores, std_scores=scores, best_index=int(scores.argmax())
    ).plot()
    assert display.im_ is None
    np.testing.assert_array_equal(
        display.scatter_.get_offsets(), np.transpose(list(values.values()))
    )
    np.testing.assert_array_equal(display.scatter_.get_array(), scores)
    assert display.ax_.get_xscale() == "log"
    (best,) = display.ax_.get_legend().get_texts()
    assert f"{scores.max():.4g}" in best.get_text()


@pytest.fixture(scope="module")
def three():
    return grid_search({"alpha": [0.1, 0.2], "beta_1": [0.8, 0.9], "batch_norm": [True, False]})


def test_chosen_parameters(three):
    mean = three.cv_results_["mean_test_score"]
    display = StudyDisplay.from_search(three, param="alpha")
    # an error bar for the best candidate of each value, small points for the others
    np.testing.assert_array_equal(display.errorbar_[0].get_xdata(), [0.1, 0.2])
    np.testing.assert_array_equal(np.sort(display.others_.get_xdata()), [0.1] * 3 + [0.2] * 3)
    np.testing.assert_array_equal(display.line_.get_ydata(), [mean[:4].max(), mean[4:].max()])
    display = StudyDisplay.from_search(three, param=["beta_1", "alpha"])
    assert display.im_.get_array().shape == (2, 2)
    assert display.ax_.get_xlabel() == "beta_1"
    best = three.best_params_
    cell = [0.1, 0.2].index(best["alpha"]), [0.8, 0.9].index(best["beta_1"])
    assert display.im_.get_array()[cell] == three.best_score_


def overlaps(labels):
    """Return whether two neighbouring texts in a picture overlap."""
    boxes = [label.get_window_extent() for label in labels if label.get_text()]
    return any(one.overlaps(other) for one, other in itertools.pairwise(boxes))


RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        (RANDOM.uniform(0.1, 0.9, 8), "linear"),
        (10 ** RANDOM.uniform(-4, -2.5, 8), "log"),
        (10 ** RANDOM.uniform(-4, -2.5, 30), "log"),
        (10 ** RANDOM.uniform(-6, 3, 30), "log"),
        (RANDOM.uniform(0.001, 0.002, 30), "linear"),
        (RANDOM.integers(10_000, 90_000, 30), "linear"),
        (RANDOM.uniform(0.01, 0.9, 20), "linear"),
        ([0.001, 0.01, 0.011], "linear"),
    ],
)
@pytest.mark.parametrize("inches", [3.2, 6.4])
def test_ticks_of_random_draws_do_not_overlap(values, scale, inches):
    n = len(values)
    for others in {}, {"b": RANDOM.random(n)}:
        display = StudyDisplay(
            values={"a": list(values), **others},
            mean_scores=RANDOM.random(n),
            std_scores=[0] * n,
        ).plot(plt.subplots(figsize=(inches, 3), layout="constrained")[1])
        display.figure_.canvas.draw()
        labels = display.ax_.get_xticklabels()
        assert display.ax_.get_xscale() == scale
        assert 2 <= len(labels) <= 10
        assert not overlaps(labels)
        assert not overlaps(display.ax_.get_yticklabels())


def test_many_categories_have_labels_as_far_as_there_is_room():
    display = StudyDisplay(
        values={"a": [f"setting {i}" for i in range(60)]},
        mean_scores=RANDOM.random(60),
        std_scores=[0] * 60,
    ).plot()
    labels = tick_labels(display.ax_.xaxis)
    assert labels[0] == "setting 0"
    assert 10 < len(labels) <= 30


def test_a_line_through_unrelated_draws_would_mislead():
    grid = {"alpha": [0.1, 0.2, 0.3, 0.4], "beta_1": [0.6, 0.7, 0.8, 0.9]}
    search = grid_search(grid, RandomizedSearchCV, n_iter=2, random_state=0)
    assert StudyDisplay.from_search(search, param="alpha").line_ is None


def test_names_of_a_pipeline():
    search = GridSearchCV(
        make_pipeline(MinMaxScaler(), network()), {"mlpclassifier__alpha": [0.1, 0.2]}, cv=2
    ).fit(X, Y)
    for param in (None, "alpha", "mlpclassifier__alpha", ["alpha"]):
        assert StudyDisplay.from_search(search, param=param).ax_.get_xlabel() == "alpha"


def test_halving():
    search = grid_search(
        {"alpha": [0.1, 0.2, 0.3]}, HalvingGridSearchCV, factor=3, random_state=0
    )
    display = StudyDisplay.from_search(search)
    assert display.ax_.get_ylabel() == "n_samples"
    assert StudyDisplay.from_search(search, param="alpha").ax_.get_xlabel() == "alpha"


def test_of_many_parameters_those_that_matter_most():
    grid = {"alpha": [0.1, 0.11, 0.12], "beta_1": [0.8, 0.9], "learning_rate": [1e-9, 0.01],
            "solver": ["adam", "sgd"]}  # fmt: skip
    scoring = {"penalty": lambda own, X, y: -own.alpha - 10 * own.beta_1 - own.learning_rate}
    search = grid_search(grid, scoring=scoring, refit="penalty")
    display = StudyDisplay.from_search(search)
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("alpha", "beta_1")
    assert display.im_.get_array().max() == search.best_score_
    with warnings.catch_warnings(action="ignore"):  # what failed makes no difference
        search = grid_search({**grid, "alpha": [0.1, -1]}, scoring=scoring, refit="penalty")
    display = StudyDisplay.from_search(search)
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("beta_1", "learning_rate")


def test_numbers_drawn_at_random_do_not_push_out_what_matters():
    """Each random value has one candidate, so its best and worst scores are far apart."""
    rng = np.random.default_rng(0)
    drawn = {name: rng.uniform(0.1, 0.9, 40).tolist() for name in ("alpha", "beta_1", "delta")}
    solver = [("adam", "sgd")[i % 2] for i in range(40)]
    noise = rng.normal(size=40)
    search = grid_search({"alpha": [0.1, 0.2]})
    search.cv_results_ = {
        "params": [
            {"alpha": a, "beta_1": b, "beta_2": c, "solver": s}
            for a, b, c, s in zip(*drawn.values(), solver, strict=True)
        ],
        # solver and alpha decide, and chance adds as much
        "mean_test_score": 2.0 * np.array([s == "adam" for s in solver])
        + 4.0 * np.array(drawn["alpha"])
        + noise,
        "std_test_score": np.ones(40),
        "mean_fit_time": np.ones(40),
        "std_fit_time": np.ones(40),
    }
    display = StudyDisplay.from_search(search)
    assert list(display.values) == ["alpha", "solver"]


@pytest.mark.parametrize("param", ["gamma", ["alpha", "gamma"], [], ["alpha"] * 3])
def test_wrong_parameters(three, param):
    words = r"param must be one or two .*'alpha', 'batch_norm', 'beta_1'.*got "
    with pytest.raises(ValueError, match=words + re.escape(repr(param))):
        StudyDisplay.from_search(three, param=param)


def test_names_of_parameters_are_text(three):
    with pytest.raises(TypeError, match=r"param must be the name of one parameter.*got 3"):
        StudyDisplay.from_search(three, param=3)


def test_unfitted_search():
    with pytest.raises(NotFittedError, match="GridSearchCV is not"):
        StudyDisplay.from_search(GridSearchCV(network(), {"alpha": [1]}))
    with pytest.raises(TypeError, match="GridSearchCV"):
        StudyDisplay.from_search(network())


# WeightsDisplay


def tile(display, row, column, height, width):
    """Return the pixels of one image in the mosaic."""
    top, left = row * (height + 1), column * (width + 1)
    return display.im_.get_array()[top : top + height, left : left + width]


def test_weights_of_squares(fitted):
    display = WeightsDisplay.from_estimator(fitted)
    assert display.images.shape == (9, 1, 8, 8)
    for unit in range(9):
        pixels = tile(display, unit // 3, unit % 3, 8, 8)
        np.testing.assert_array_equal(pixels, fitted.coefs_[0][:, unit].reshape(8, 8))
    assert display.im_.get_array().shape == (26, 26)
    assert display.im_.get_array().mask[8].all()  # the gap
    low, high = display.im_.get_clim()
    assert -low == high == np.abs(fitted.coefs_[0]).max()  # white is zero
    assert display.colorbar_.ax.get_ylabel() == "weight"


def test_weights_are_copied(fitted):
    display = WeightsDisplay.from_estimator(fitted)
    assert not np.shares_memory(display.images, fitted.network_.theta)


def test_shape_of_the_images(fitted):
    display = WeightsDisplay.from_estimator(fitted, image_shape=(4, 16), colorbar=False)
    np.testing.assert_array_equal(
        tile(display, 0, 1, 4, 16), fitted.coefs_[0][:, 1].reshape(4, 16)
    )
    assert display.colorbar_ is None
    display = WeightsDisplay.from_estimator(fitted, image_shape=(4, 4, 4))
    pixels = fitted.coefs_[0][:, 2].reshape(4, 4, 4)  # a row a unit, a column a channel
    np.testing.assert_array_equal(tile(display, 2, 3, 4, 4), pixels[:, :, 3])


def test_other_layers(fitted):
    display = WeightsDisplay.from_estimator(fitted, layer=1)
    assert display.images.shape == (10, 1, 3, 3)
    assert WeightsDisplay.from_estimator(fitted, layer=-1).images.shape == (10, 1, 3, 3)


class Filters(MLPClassifier):
    """An estimator that pretends to have convolutional layers."""

    @property
    def coefs_(self):
        rng = np.random.default_rng(0)
        return rng.normal(size=(3, 5, 2, 4)), rng.normal(size=(7, 2, 4))


def test_filters():
    clf = Filters((4,), max_iter=1, patience=None).fit(X, Y)
    display = WeightsDisplay.from_estimator(clf)
    assert display.images.shape == (4, 2, 3, 5)
    np.testing.assert_array_equal(tile(display, 3, 1, 3, 5), clf.coefs_[0][:, :, 1, 3])
    display = WeightsDisplay.from_estimator(clf, layer=1)  # of a 1-D convolution
    np.testing.assert_array_equal(tile(display, 3, 1, 1, 7)[0], clf.coefs_[1][:, 1, 3])
    with pytest.raises(ValueError, match=r"None for a convolutional layer.*\(3, 5\)"):
        WeightsDisplay.from_estimator(clf, image_shape=(3, 5))


@pytest.mark.parametrize(
    "shape", [(8,), (8, 9), (2, 2, 4, 4), (-8, -8), 64, "8x8", (0, 8), (8.0, 8.0)]
)
def test_wrong_shapes(fitted, shape):
    words = re.escape("(height, width)") + ".*product 64.*got " + re.escape(repr(shape))
    with pytest.raises(ValueError, match=words):
        WeightsDisplay.from_estimator(fitted, image_shape=shape)


def test_inputs_that_are_no_square(fitted):
    clf = network().fit(X[:, :60], Y)
    with pytest.raises(ValueError, match=r"image_shape must be given.*60 inputs"):
        WeightsDisplay.from_estimator(clf)


@pytest.mark.parametrize("layer", [2, -3, "first", 0.0, True])
def test_wrong_layers(fitted, layer):
    with pytest.raises(ValueError, match="layer must be an integer from 0 to 1, got"):
        WeightsDisplay.from_estimator(fitted, layer=layer)


def test_zero_weights():
    clf = network(weight_init="zeros", learning_rate=1e-9, dtype="float64").fit(X, Y)
    display = WeightsDisplay.from_estimator(clf)  # scaled by something above zero
    low, high = display.im_.get_clim()
    assert low < 0 < high
