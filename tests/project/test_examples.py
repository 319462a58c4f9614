"""The examples run after a download, and their texts agree with their numbers."""

import ast
import re
import runpy
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import log_loss

from skneural import MLPClassifier

pytestmark = pytest.mark.long

FOLDER = Path(__file__).parents[2] / "examples"
EXAMPLES = {
    path.stem.removeprefix("plot_"): path for path in sorted(FOLDER.glob("*/plot_*.py"))
}

plt = pytest.importorskip("matplotlib.pyplot")

Run = Callable[[str], dict[str, Any]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Return a function that runs a copy of an example in a new folder."""
    plt.switch_backend("agg")
    plt.close("all")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.chdir(tmp_path)

    def run(name: str) -> dict[str, Any]:
        variables = runpy.run_path(shutil.copy(EXAMPLES[name], tmp_path))
        assert plt.get_fignums(), "the example has no picture"
        return variables

    yield run
    plt.close("all")


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_a_short_flat_script(name: str) -> None:
    text = EXAMPLES[name].read_text("utf-8")
    assert len(text.splitlines()) <= 60
    statements = ast.parse(text).body
    assert not [node for node in statements if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert "if __name__" not in text
    assert "picture shows" in ast.get_docstring(ast.parse(text))
    assert f"test_{name}" in globals(), "no test reads the numbers of this example"


def scores(search: Any, name: str = "score") -> np.ndarray:
    return search.cv_results_[f"mean_test_{name}"]


def test_learning_rate(run: Run) -> None:
    search = run("learning_rate")["search"]
    accuracy = scores(search)
    assert accuracy[0] < 0.3
    assert (accuracy[-2:] < 0.2).all()
    assert (accuracy[4:7] > 0.9).all()  # a range of a factor of ten
    labels = [line.get_label() for line in plt.gcf().axes[0].lines]
    best = search.best_params_["mlpclassifier__learning_rate"]
    assert labels == [
        f"rate {rate}, training (with penalty)" for rate in ("0.001", f"{best:g}", "10")
    ]


def test_batch_size(run: Run) -> None:
    assert (np.diff(scores(run("batch_size")["search"])) < 0).all()
    losses = [line.get_ydata() for line in plt.figure(2).axes[0].lines]
    assert len(losses) == 5
    assert [loss[-1] for loss in losses] == sorted(loss[-1] for loss in losses)


def test_schedules(run: Run) -> None:
    variables = run("schedules")
    rates, losses = (
        {name: np.array(history[key]) for name, history in variables["histories"].items()}
        for key in ("learning_rate", "loss")
    )
    assert np.ptp(rates.pop("constant")) == 0
    assert all(rate[-1] < 0.25 * rate.max() for rate in rates.values())
    last = losses.pop("constant")[-5:]
    assert np.ptp(last) > 0.003
    assert all(loss[-1] < 0.6 * last.min() for loss in losses.values())
    assert (np.diff(losses["cosine with restarts"]) > 0.02).sum() >= 2  # at its two restarts
    constant, *others = variables["accuracies"].values()
    assert constant < min(others)
    assert np.ptp(others) < 0.02


def test_optimizers(run: Run) -> None:
    variables = run("optimizers")
    best = variables["best_rates"]
    assert best["sgd"] == pytest.approx(10 * best["adam"])
    table = variables["scores"]
    assert np.ptp(table.max(axis=0)) < 0.03
    assert (np.ptp(table, axis=0) > 0.1).all()
    labels = [line.get_label() for line in plt.gcf().axes[0].lines]
    assert labels == [*(f"{name}, rate {rate:g}" for name, rate in best.items()), "lbfgs"]


def test_activations(run: Run) -> None:
    norms = run("activations")["norms"]
    assert norms["logistic"][0] < 0.005 * norms["logistic"][-1]
    assert (np.diff(norms["logistic"]) > 0).all()
    for name in "tanh", "relu":
        assert 0.3 < norms[name][0] / norms[name][-1] < 3
    sigmoid, tanh, relu = (line.get_ydata() for line in plt.gcf().axes[0].lines)
    assert sigmoid[-1] > np.log(10)  # the loss of guessing among ten classes
    assert max(tanh[-1], relu[-1]) < 0.2 * sigmoid[-1]


def test_the_step_of_the_activations_example_is_the_gradient() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 3)), np.arange(20) % 3
    network = MLPClassifier((4,), activation="tanh", solver="sgd", alpha=0.0, batch_size=20)
    network.set_params(momentum=0.0, nesterovs_momentum=False, random_state=0)
    network.set_params(learning_rate=1e-12).partial_fit(X, y, classes=range(3))
    before = [weights.copy() for weights in network.coefs_]
    step = clone(network).set_params(learning_rate=1.0).partial_fit(X, y, classes=range(3))
    for weights, old, new in zip(network.coefs_, before, step.coefs_, strict=True):
        for place in np.ndindex(weights.shape):
            sides = []
            for change in 1e-5, -2e-5:
                weights[place] += change
                sides.append(log_loss(y, network.predict_proba(X)))
            weights[place] = old[place]
            slope = (sides[0] - sides[1]) / 2e-5
            assert slope == pytest.approx((old - new)[place], abs=1e-6)


def test_losses(run: Run) -> None:
    curves = run("losses")["curves"]
    assert curves["log_loss"][4] > 0.9
    assert curves["squared_error"][-1] < curves["log_loss"][0]


def test_initial_weights(run: Run) -> None:
    variables = run("initial_weights")
    last = {name: deviations[-1] for name, deviations in variables["deviations"].items()}
    losses = variables["losses"]
    assert 0.5 < last["He"] < 2
    assert last["zeros"] == 0
    assert last["half of He"] < last["Glorot"] < 0.3
    assert last["twice He"] > 10
    assert np.ptp(losses["zeros"]) < 0.01
    assert losses["twice He"][0] > 5


def test_sine_by_relu(run: Run) -> None:
    errors = run("sine_by_relu")["errors"]
    assert list(errors) == [1, 2, 3, 8]
    assert list(errors.values()) == sorted(errors.values(), reverse=True)
    assert errors[3] < 0.04
    titles = [ax.get_title() for ax in plt.gcf().axes]
    assert titles == [f"{units} hidden unit{'s' * (units > 1)}" for units in errors]


def test_architecture_study(run: Run) -> None:
    search = run("architecture_study")["search"]
    assert (scores(search) > 0.95).all()
    # all within the standard deviation of the best
    assert np.ptp(scores(search)) < 2 * search.cv_results_["std_test_score"].max()


def test_overfitting(run: Run) -> None:
    variables = run("overfitting")
    training, test = (
        getattr(variables["curve"], f"{rows}_scores").mean(axis=1) for rows in ("train", "test")
    )
    assert max(training[0], test[0]) < 0.5
    assert training[-1] == 1
    assert test[-1] < 0.95
    losses = np.array(variables["history"]["validation_loss"])
    assert losses.argmin() < 25
    assert losses[-1] > 1.05 * losses.min()
    assert variables["history"]["loss"][-1] < 0.01


def test_regularization(run: Run) -> None:
    variables = run("regularization")
    assert np.mean(variables["training"]["none"]) == 1
    test = {name: np.mean(accuracies) for name, accuracies in variables["test"].items()}
    assert min(test, key=test.get) == "early stopping"
    assert max(test.values()) - min(test.values()) < 0.03


def test_augmentation(run: Run) -> None:
    as_they_are, shifted = np.transpose(list(run("augmentation")["accuracies"].values()))
    assert np.ptp(as_they_are) < 0.03
    assert shifted[2] > 0.2 + max(shifted[:2])


def test_convolution(run: Run) -> None:
    variables = run("convolution")
    kernels = variables["kernels"]
    assert variables["error"] < 0.01
    np.testing.assert_allclose(kernels.sum(axis=1), 0, atol=0.02)  # zero on a constant signal
    assert kernels[0, 0] * kernels[1, 0] < 0  # one for rising, one for falling


def test_convnet_filters(run: Run) -> None:
    search = run("convnet_filters")["search"]
    assert len(scores(search)) == 6
    assert scores(search).min() > 0.9


def test_convnet_against_mlp(run: Run) -> None:
    variables = run("convnet_against_mlp")
    (mlp, mlp_shifted), (conv, conv_shifted) = variables["accuracies"].values()
    assert mlp == pytest.approx(conv, abs=0.02)
    assert conv_shifted > mlp_shifted + 0.1
    dense, convolutional = (net.network_.n_params for net in variables["networks"].values())
    assert convolutional < dense / 2
    first = {
        name: curve.test_scores.mean(axis=1)[0] for name, curve in variables["curves"].items()
    }
    assert first["ConvNet"] < first["MLP"]


def test_class_imbalance(run: Run) -> None:
    variables = run("class_imbalance")
    assert 1 / variables["y"].mean() == pytest.approx(20, abs=1)
    balanced, recall, precision, accuracy = (
        scores(variables["search"], name) for name in variables["names"]
    )
    assert variables["search"].best_params_ == {"class_weight": "balanced"}
    assert (np.diff(recall) > 0).all()
    assert (np.diff(precision) < 0).all()
    assert accuracy[0] > 0.95
    assert recall[0] < 0.2
    assert balanced.argmax() not in (0, 4)


def test_out_of_core(run: Run) -> None:
    variables = run("out_of_core")
    assert variables["peak"] < 0.2 * variables["size"]
    assert variables["accuracies"][-1] > 0.95
    assert not variables["path"].exists()


def test_quantiles(run: Run) -> None:
    variables = run("quantiles")
    assert len(variables["quantiles"]) == 5
    np.testing.assert_allclose(variables["coverage"], variables["quantiles"], atol=0.03)


def test_hidden_features(run: Run) -> None:
    accuracies = run("hidden_features")["accuracies"]
    assert min(accuracies.values()) > 0.9
    on_pixels, on_features = (
        accuracies["LogisticRegression", of] for of in ("pixels", "features")
    )
    assert on_features > on_pixels


def test_intervals_with_mapie(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("mapie")
    runpy.run_path(str(FOLDER / "regression" / "intervals_with_mapie.py"))
    before, after, _ = map(float, re.findall(r"(\d\d\.\d)%", capsys.readouterr().out))
    assert after == pytest.approx(90, abs=1.5)
    assert abs(after - 90) < abs(before - 90)


def test_tables(run: Run) -> None:
    scores = run("tables")["scores"]
    assert scores["MLPClassifier"] == sorted(scores["MLPClassifier"])
    for own, other in zip(*scores.values(), strict=True):
        assert own > other - 0.02
