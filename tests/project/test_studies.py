"""The studies among the examples: what their texts say is what their numbers say."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor
from sklearn.metrics import log_loss

from skneural import MLPClassifier

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "examples"

plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Return a function that runs an example: its results and what it prints."""
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.syspath_prepend(EXAMPLES)
    get_reusable_executor().shutdown()  # processes of an earlier test do not know that path

    def run(name, *args):
        picture = tmp_path / "picture.png"
        results = importlib.import_module(f"plot_{name}").main(
            [*map(str, args), "--output", str(picture)]
        )
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert picture.stat().st_size > 10_000
        printed = capsys.readouterr().out
        assert printed.startswith("digits, 1,437 training and 360 test rows\n")
        return results, printed

    yield run
    plt.close("all")


def scores(search, name="score"):
    return search.cv_results_[f"mean_test_{name}"]


def test_learning_rate(run):
    search, printed = run("learning_rate", "--jobs", 2)
    accuracy = scores(search)
    assert accuracy[0] < 0.3
    assert (accuracy[-2:] < 0.2).all()
    assert 0.03 < search.best_params_["mlpclassifier__learning_rate"] < 3
    assert "0.001" in printed
    assert "best" in printed
    rates = [line.get_label() for line in plt.gcf().axes[1].lines]
    assert rates == ["rate 0.001, training", "rate 1, training", "rate 10, training"]


def test_batch_size(run):
    search, _ = run("batch_size")
    assert (np.diff(scores(search)) < 0).all()
    ends = [line.get_ydata()[-1] for line in plt.gcf().axes[2].lines]
    assert ends == sorted(ends)


def test_schedules(run):
    curves, printed = run("schedules", "--folds", 2)
    rates = {name: np.array(curve["learning_rate"]) for name, curve in curves.items()}
    losses = {name: np.array(curve["loss"]) for name, curve in curves.items()}
    assert np.ptp(rates.pop("constant")) == 0
    assert all(rate[-1] < 0.25 * rate.max() for rate in rates.values())
    last = losses.pop("constant")[-5:]
    assert np.ptp(last) > 0.01
    assert all(loss[-1] < 0.5 * last.min() for loss in losses.values())
    assert (np.diff(losses["cosine restarts"]) > 0.05).sum() >= 2  # at its two restarts
    accuracies = [
        float(line.split("±")[0].split()[-1])
        for line in printed.splitlines()
        if line.endswith("2,410") or line.endswith("best")
    ]
    assert len(accuracies) == 10
    assert accuracies[0] == min(accuracies)


def test_optimizers(run):
    search, _ = run("optimizers", "--folds", 2)
    module = importlib.import_module("plot_optimizers")
    best = module.best_rates(search)
    assert best["sgd"] > 3 * best["adam"]
    table = scores(search).reshape(len(module.RATES), len(module.SOLVERS))
    assert np.ptp(table.max(axis=0)) < 0.03
    assert (np.ptp(table, axis=0) > 0.1).all()
    labels = [line.get_label() for line in plt.gcf().axes[1].lines]
    assert labels == [*(f"{name}, rate {rate:g}" for name, rate in best.items()), "lbfgs"]


def test_activations(run):
    (norms, search), _ = run("activations")
    assert norms["logistic"][0] < 0.005 * norms["logistic"][-1]
    assert (np.diff(norms["logistic"]) > 0).all()
    for name in "tanh", "relu":
        assert 0.3 < norms[name][0] / norms[name][-1] < 3
    logistic, tanh, relu = scores(search, "accuracy")
    assert logistic < 0.2
    assert min(tanh, relu) > 0.9


def test_gradient_norms_are_those_of_finite_differences(run):
    """The step that the activations study takes shows the gradient of the mean loss."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 3)), np.arange(20) % 3
    network = MLPClassifier((4,), solver="sgd", alpha=0.0, activation="tanh", random_state=0)
    norms = importlib.import_module("plot_activations").gradient_norms(network, X, y)
    network.set_params(learning_rate=1e-12, batch_size=20).partial_fit(X, y, classes=range(3))
    for weights, norm in zip(network.coefs_, norms, strict=True):
        slopes = []
        for place in np.ndindex(weights.shape):
            sides = []
            for step in 1e-5, -2e-5:
                weights[place] += step
                sides.append(log_loss(y, network.predict_proba(X)))
            weights[place] += 1e-5
            slopes.append((sides[0] - sides[1]) / 2e-5)
        assert np.linalg.norm(slopes) == pytest.approx(norm, rel=1e-5)


def test_losses(run):
    (curves, search), _ = run("losses")
    assert curves["log_loss"][4] > 0.9
    assert curves["squared_error"][-1] < curves["log_loss"][0]
    by_rate = scores(search).reshape(3, 2)
    assert by_rate[0, 0] > by_rate[0, 1] + 0.03
    assert by_rate[-1, 0] == pytest.approx(by_rate[-1, 1], abs=0.02)


def test_initial_weights(run):
    results, _ = run("initial_weights")
    last = {name: deviations[-1] for name, (_, deviations) in results.items()}
    assert 0.5 < last["he"] < 2
    assert last["too small"] < last["glorot"] < 0.3
    assert last["too large"] > 10
    losses = {name: network.loss_curve_ for name, (network, _) in results.items()}
    assert np.ptp(losses["zeros"]) < 0.01
    assert losses["too small"][5] > 0.95 * losses["too small"][0]
    assert losses["too large"][0] > 5
    assert losses["he"][-1] < 1.2 * min(curve[-1] for curve in losses.values())


def test_overfitting(run):
    (curve, history, augmented), _ = run("overfitting", "--folds", 2)
    training, test = curve.train_scores.mean(axis=1), curve.test_scores.mean(axis=1)
    assert training[0] < 0.4
    assert test[0] < 0.4
    assert training[-1] == 1
    assert test[-1] < 0.95
    losses = np.array(history["validation_loss"])
    assert losses.argmin() < 20
    assert losses[-1] > 1.1 * losses.min()
    assert history["loss"][-1] < 0.01
    as_they_are, moved = np.array([rows.mean(axis=0)[1:] for rows in augmented.values()]).T
    assert np.ptp(as_they_are) < 0.03
    assert moved[2] > 0.8 > 0.6 > max(moved[:2])


def test_convolution(run):
    (networks, (X, y)), printed = run("convolution")
    np.testing.assert_allclose(networks["by hand"].predict(X), y, rtol=1e-13)
    assert np.abs(networks["learned"].predict(X) - y).max() < 0.01
    kernels = networks["learned"].coefs_[0][:, 0]
    np.testing.assert_allclose(kernels.sum(axis=0), 0, atol=0.02)  # zero on even ground
    assert kernels[0, 0] * kernels[0, 1] < 0  # one for up, one for down
    assert "by hand" in printed


def test_convnet_against_mlp(run):
    accuracies, printed = run("convnet_against_mlp", "--folds", 2, "--jobs", 2)
    (mlp, mlp_moved), (conv, conv_moved) = (rows.mean(axis=0) for rows in accuracies.values())
    assert mlp == pytest.approx(conv, abs=0.02)
    assert conv_moved > mlp_moved + 0.1
    assert "33,738" in printed
    assert "13,706" in printed
    lines = plt.gcf().axes[0].lines
    assert [line.get_label() for line in lines] == ["MLP", "ConvNet"]
    dense, convolutional = (line.get_ydata()[0] for line in lines)
    assert convolutional < dense


def test_class_imbalance(run):
    search, printed = run("class_imbalance")
    assert "51 of 1,344 training rows" in printed
    balanced, recall, precision, accuracy = (
        scores(search, name)
        for name in ("balanced_accuracy", "recall", "precision", "accuracy")
    )
    assert search.best_params_ == {"mlpclassifier__class_weight": "balanced"}
    assert (np.diff(recall) > 0).all()
    assert (np.diff(precision[1:]) < 0).all()
    assert accuracy[0] > 0.95
    assert recall[0] < 0.2
    assert balanced.argmax() not in (0, 4)


def test_out_of_core(run):
    (megabytes, accuracy, at_once), _ = run("out_of_core", "--copies", 40_000)
    assert megabytes["partial_fit"] < 0.2 * megabytes["the file"]
    assert megabytes["fit"] > megabytes["the file"]
    assert accuracy[-1] == pytest.approx(at_once, abs=0.05)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--folds", "1"), "--folds must be at least 2"),
        (("--epochs", "0"), "--epochs at least 1"),
        (("--data", "nowhere.npz"), r"no such file: nowhere\.npz"),
    ],
)
def test_wrong_options(run, args, message):
    with pytest.raises(SystemExit, match=f"^error: .*{message}"):
        run("learning_rate", *args)


def test_own_data_and_fewer_rows(run, tmp_path, monkeypatch, capsys):
    """Labels may be words; `--rows` limits the training."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    y = np.repeat(["cat", "dog", "owl"], 60)
    X = rng.normal(size=(180, 6)) + 3 * (np.arange(6) == np.arange(180)[:, None] // 60)
    np.savez("animals.npz", X=X, y=y)
    module = importlib.import_module("plot_activations")
    args = ["--data", "animals.npz", "--rows", "90", "--epochs", "2", "--output", "a.png"]
    module.main(args)
    assert capsys.readouterr().out.startswith("animals, 90 training and 36 test rows")
