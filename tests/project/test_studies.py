"""The studies run as scripts from an empty folder, as a user runs them."""

import importlib
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytestmark = pytest.mark.slow

STUDIES = Path(__file__).parents[2] / "studies"

pytest.importorskip("matplotlib")


@pytest.fixture
def run_study(tmp_path):
    """Return a function that runs a study in tmp_path with warnings as errors."""

    def run(name, *args):
        return subprocess.run(
            [sys.executable, "-W", "error", STUDIES / name, *map(str, args)],
            cwd=tmp_path,
            # modules of tmp_path come before all others
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(
                    [str(tmp_path), os.environ.get("PYTHONPATH", "")]
                ),
                "PYTHONIOENCODING": "utf-8",
            },
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )

    return run


@pytest.fixture
def study(run_study):
    return partial(run_study, "architecture.py")


@pytest.fixture
def load(monkeypatch):
    """Return a function that imports a script, so that its functions can be called directly."""
    monkeypatch.syspath_prepend(STUDIES)
    return importlib.import_module


@pytest.fixture
def module(load):
    return load("architecture")


def assert_one_line_error(done, *words):
    assert done.returncode != 0
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for word in words:
        assert str(word) in done.stderr


def printed_test_accuracy(done):
    return float(re.search(r"Test accuracy of the best model: (\S+)", done.stdout)[1])


def assert_png(path):
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size > 10_000


def rows_of_table(done):
    """Return the table as a dict from hidden layers to lines."""
    lines = done.stdout.splitlines()
    return {line.partition(")")[0] + ")": line for line in lines if line.startswith("(")}


def test_study_of_the_digits(study, tmp_path):
    done = study("--folds", 2, "--epochs", 3, "--jobs", 1, "--output", "study.png")
    assert done.returncode == 0, done.stderr
    table = rows_of_table(done)
    sizes = ["(64,)", "(128, 64)", "(256, 128, 64)", "(512, 64)", "(512, 256)"]
    assert sorted(table) == sorted(sizes)
    # rank, accuracy and seconds as mean ± std, epochs, parameters
    cells = {name: line.partition(")")[2].split() for name, line in table.items()}
    assert cells["(128, 64)"][8] == "17,226"
    for row in cells.values():
        assert 0.5 < float(row[1]) <= 1
        assert row[7] == "3"
    best = [row for row in cells.values() if row[-1] == "best"]
    assert len(best) == 1
    scores = [float(row[1]) for row in cells.values()]
    assert scores == sorted(scores, reverse=True)  # the best candidate comes first
    assert float(best[0][1]) == scores[0]
    assert 0.85 < printed_test_accuracy(done) < 0.99
    assert "on 360 rows" in done.stdout
    assert_png(tmp_path / "study.png")
    lines = re.findall(r"^fit (\d+) of 10 done after \d+\.\d s$", done.stderr, re.MULTILINE)
    assert list(map(int, lines)) == [*range(1, 11)]


@pytest.mark.long
def test_study_of_own_data_on_two_cores(study, tmp_path):
    """Any npz file can be used; a fifth of its rows is the test set."""
    rng = np.random.default_rng(0)
    y = np.repeat(["cat", "dog", "owl"], 100)
    X = (
        rng.normal(size=(300, 2, 3))
        + 3 * (np.arange(3) == np.arange(300)[:, None] // 100)[:, None]
    )
    np.savez(tmp_path / "animals.npz", X=X, y=y)
    done = study("--data", "animals.npz", "--folds", 2, "--epochs", 5, "--jobs", 2)
    assert done.returncode == 0, done.stderr
    assert "animals, 240 rows" in done.stdout
    assert "(512, 256)" in rows_of_table(done)
    assert printed_test_accuracy(done) > 0.9
    assert "on 60 rows" in done.stdout
    assert done.stderr.count("of 10 done after") == 10  # by the processes that fit
    assert_png(tmp_path / "architecture_study.png")


class Search:
    def set_callbacks(self, callback):
        self.callback = callback
        return self


@pytest.mark.parametrize(
    ("in_a_terminal", "has_rich", "callback"),
    [(True, True, "ProgressBar"), (True, False, "PrintFits"), (False, True, "PrintFits")],
)
def test_progress_is_a_bar_in_a_terminal_and_lines_elsewhere(
    load, monkeypatch, in_a_terminal, has_rich, callback
):
    rich = SimpleNamespace(reconfigure=lambda stderr: None)
    monkeypatch.setitem(sys.modules, "rich", rich)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: in_a_terminal)
    common = load("_common")
    monkeypatch.setattr(common, "find_spec", lambda name: has_rich or None)
    assert type(common.show_progress(Search()).callback).__name__ == callback


def test_study_without_matplotlib(study, tmp_path):
    (tmp_path / "matplotlib.py").write_text("raise ImportError")
    assert_one_line_error(study(), "matplotlib", "pip install")


def test_missing_file(study):
    assert_one_line_error(study("--data", "nowhere.npz"), "nowhere.npz", "no such file")


def test_missing_array(module, tmp_path):
    np.savez(tmp_path / "half.npz", X=np.zeros((4, 2)), labels=np.zeros(4))
    with pytest.raises(SystemExit, match=r"^error: .*half\.npz.*no array y.*labels"):
        module.main(["--data", f"{tmp_path}/half.npz"])


def test_not_an_npz_file(module, tmp_path):
    (tmp_path / "notes.npz").write_text("1 2 3")
    with pytest.raises(SystemExit, match=r"^error: not an npz file: .*notes\.npz$"):
        module.main(["--data", f"{tmp_path}/notes.npz"])


def test_labels_that_do_not_fit_the_rows(module, tmp_path):
    np.savez(tmp_path / "odd.npz", X=np.zeros((4, 2)), y=np.zeros(3))
    with pytest.raises(SystemExit, match=r"^error: .*odd\.npz: y must have one label per row"):
        module.main(["--data", f"{tmp_path}/odd.npz"])


def test_folder_of_the_picture_is_checked_before_the_search(module, tmp_path):
    with pytest.raises(SystemExit, match=r"^error: no such folder: .*nowhere$"):
        module.main(["--output", f"{tmp_path}/nowhere/study.png"])


def test_mnist_keeps_its_own_test_rows(load, monkeypatch, tmp_path):
    """The images come from a file or from OpenML."""
    np.savez_compressed(
        tmp_path / "mnist.npz", X=np.zeros((63_000, 28, 28), np.uint8), y=np.arange(63_000)
    )
    common = load("_common")
    X, X_test, y, y_test = common.load_data(tmp_path / "mnist.npz", seed=0)
    assert (X.shape, X_test.shape) == ((60_000, 784), (3_000, 784))
    assert X.dtype == np.float32
    assert (y[-1], y_test[0]) == (59_999, 60_000)

    downloaded = np.zeros((70_000, 1)), np.arange(70_000)
    monkeypatch.setattr(common, "fetch_openml", lambda *args, **kwargs: downloaded)
    _, _, y, y_test = common.load_data("mnist", seed=0)
    assert (y[-1], y_test[0]) == (59_999, 60_000)


def test_no_download(load, module, monkeypatch):
    def unreachable(*args, **kwargs):
        raise OSError("the network is down")

    monkeypatch.setattr(load("_common"), "fetch_openml", unreachable)
    with pytest.raises(SystemExit, match=r"^error: the network is down$"):
        module.main(["--data", "mnist"])


def test_sine_by_relu(run_study, tmp_path):
    done = run_study("sine_by_relu.py", "--seeds", 3, "--epochs", 1000)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if re.match(r" +\d", line)]
    assert [int(row[0]) for row in rows] == [1, 2, 3, 8]
    for units, n_kinks, pieces, largest, _, least in (map(float, row) for row in rows):
        assert n_kinks <= units
        assert pieces == n_kinks + 1
        assert least < largest
    assert float(rows[-1][3]) < 0.05
    assert_png(tmp_path / "sine_by_relu.png")


@pytest.mark.long
def test_three_rectifiers_draw_a_sine(load):
    sine = load("sine_by_relu")
    networks = sine.by_loss(sine.fit(3, seed, epochs=3000) for seed in range(10))
    assert np.abs(sine.errors(networks[0])).max() < 0.04


@pytest.mark.parametrize(("n_pieces", "error"), [(1, 0.2586), (2, 0.0505), (4, 0.0206)])
def test_least_error_of_straight_pieces(load, n_pieces, error):
    """A linear program over the kinks of three ReLU units found 0.0207, only slightly more."""
    sine = load("sine_by_relu")
    assert sine.least_error(n_pieces) == pytest.approx(error, abs=1e-4)


def test_kinks_are_where_the_slope_changes(load):
    sine = load("sine_by_relu")
    network = sine.fit(3, seed=0, epochs=200)
    x = sine.X_DENSE.ravel()
    bends = np.abs(np.diff(network.predict(sine.X_DENSE), 2)) > 1e-9
    assert set(np.searchsorted(x, sine.kinks(network))) <= {
        i for at in np.flatnonzero(bends) for i in (at + 1, at + 2)
    }


@pytest.mark.long
def test_regularization_of_the_digits(run_study, tmp_path):
    small = ("--train", 400, "--seeds", 2, "--epochs", 8, "--jobs", 2)
    done = run_study("regularization.py", *small)
    assert done.returncode == 0, done.stderr
    assert "400 training, 80 validation and 360 test rows" in done.stdout
    # setting, training accuracy ± std, test accuracy ± std, epochs, seconds
    rows = re.findall(r"^(\w.+?) +(0\.\d+|1\.0+) ± \S+ +(\S+) ± \S+ +(\S+)", done.stdout, re.M)
    table = {name: [float(number) for number in numbers] for name, *numbers in rows}
    assert list(table) == [
        "plain",
        "L2",
        "dropout",
        "batch norm",
        "early stopping",
        "dropout + batch norm",
    ]
    for name, (training, test, epochs) in table.items():
        assert 0.85 < test < training <= 1
        assert epochs == 8 or name == "early stopping"
    assert_png(tmp_path / "regularization.png")


def test_regularization_asks_for_two_seeds(load, tmp_path):
    """The standard deviation of a single seed is not defined."""
    regularization = load("regularization")
    with pytest.raises(SystemExit, match=r"^error: --seeds must be at least 2"):
        regularization.main(["--seeds", "1", "--output", f"{tmp_path}/a.png"])


def test_rows_of_the_regularization_do_not_overlap(load):
    """With "all" five sixths of the other rows are used; the scaler is fitted on these."""
    regularization = load("regularization")
    args = regularization.parse_args(["--train", "all"])
    (X, y), (X_val, _), (X_test, _) = regularization.split(args)
    assert (len(X), len(X_val), len(X_test)) == (1197, 239, 360)
    assert len(np.unique(np.vstack([X, X_val, X_test]), axis=0)) == 1197 + 239 + 360
    ranges = np.ptp(X, axis=0)  # of a pixel: 0 where it is always white
    np.testing.assert_allclose(ranges, ranges.round(), atol=1e-6)
    assert len(np.unique(y)) == 10


@pytest.mark.long
def test_convnet_filters_of_the_digits(run_study, tmp_path):
    done = run_study("convnet_filters.py", "--epochs", 4, "--folds", 2, "--jobs", 2)
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^(\d+-\d+) +(\d) x \d +(\S+) ± (\S+)", done.stdout, re.M)
    assert [(filters, int(size)) for filters, size, _, _ in rows] == [
        (filters, size) for filters in ("8-16", "16-32", "32-64") for size in (3, 5)
    ]
    accuracies = [float(mean) for *_, mean, _ in rows]
    best = next(line for line in done.stdout.splitlines() if line.endswith("<- best"))
    assert f"{max(accuracies):.4f}" in best
    assert "Conv2D" in done.stdout  # the summary of the best
    (test,) = re.findall(r"Test accuracy of the best model: (\S+) on 360 rows", done.stdout)
    assert float(test) > 0.85
    assert_png(tmp_path / "convnet_filters.png")


def test_convnet_filters_need_square_images(load, tmp_path):
    np.savez(tmp_path / "a.npz", X=np.ones((20, 6)), y=np.arange(20) % 2)
    with pytest.raises(SystemExit, match="square images of one channel, got 6 pixels"):
        load("convnet_filters").main(
            ["--data", f"{tmp_path}/a.npz", "--output", f"{tmp_path}/a.png"]
        )
