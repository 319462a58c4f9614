"""The examples, run as a user runs them: as scripts, from an empty folder."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

STUDY = Path(__file__).parents[1] / "examples" / "plot_architecture_study.py"

pytest.importorskip("matplotlib")


@pytest.fixture
def study(tmp_path):
    """Return a function that runs the study in tmp_path, warnings being errors there too."""

    def run(*args):
        return subprocess.run(
            [sys.executable, "-W", "error", STUDY, *map(str, args)],
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


@pytest.fixture(scope="module")
def module():
    """The script as a module: its functions are called without a new process."""
    spec = importlib.util.spec_from_file_location(STUDY.stem, STUDY)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def assert_one_line_error(done, *words):
    assert done.returncode != 0
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for word in words:
        assert str(word) in done.stderr


def printed_test_accuracy(done):
    return float(re.search(r"Test accuracy of the best: (\S+)", done.stdout)[1])


def assert_png(path):
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size > 10_000


def rows_of_table(done):
    """The table as a dict from hidden layers to its line."""
    lines = done.stdout.splitlines()
    return {line.partition(")")[0] + ")": line for line in lines if line.startswith("(")}


def test_study_of_the_digits(study, tmp_path):
    done = study("--folds", 2, "--epochs", 3, "--jobs", 1, "--output", "study.png")
    assert done.returncode == 0, done.stderr
    table = rows_of_table(done)
    assert list(table) == [
        "(64,)",
        "(128, 64)",
        "(256, 128, 64)",
        "(512, 64)",
        "(512, 256)",
    ]
    # accuracy and seconds as mean ± std, epochs, parameters
    cells = {name: line.partition(")")[2].split() for name, line in table.items()}
    assert cells["(128, 64)"][7] == "17,226"
    for row in cells.values():
        assert 0.5 < float(row[0]) <= 1
        assert row[6] == "3"
    best = [row for row in cells.values() if row[-1] == "best"]
    assert len(best) == 1
    assert float(best[0][0]) == max(float(row[0]) for row in cells.values())
    assert 0.85 < printed_test_accuracy(done) < 0.99
    assert "on 360 rows" in done.stdout
    assert_png(tmp_path / "study.png")
    assert "GridSearchCV - fit" not in done.stdout  # the progress bar goes to stderr


def test_study_of_own_data_on_two_cores(study, tmp_path):
    """Any npz file will do; a fifth of its rows is kept for the test."""
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
    assert_png(tmp_path / "architecture_study.png")


def test_study_without_rich(study, tmp_path):
    (tmp_path / "rich.py").write_text("raise ImportError")
    done = study("--folds", 2, "--epochs", 1)
    assert done.returncode == 0, done.stderr
    assert "rich" in done.stderr
    assert len(rows_of_table(done)) == 5


def test_study_without_matplotlib(study, tmp_path):
    (tmp_path / "matplotlib.py").write_text("raise ImportError")
    assert_one_line_error(study(), "matplotlib", "pip install")


def test_missing_file(study):
    assert_one_line_error(study("--data", "nowhere.npz"), "nowhere.npz", "no such file")


def test_missing_array(study, tmp_path):
    np.savez(tmp_path / "half.npz", X=np.zeros((4, 2)), labels=np.zeros(4))
    assert_one_line_error(study("--data", "half.npz"), "half.npz", "no array y", "labels")


def test_not_an_npz_file(module, tmp_path):
    (tmp_path / "notes.npz").write_text("1 2 3")
    with pytest.raises(SystemExit, match=r"^error: not an npz file: .*notes\.npz$"):
        module.main(["--data", f"{tmp_path}/notes.npz"])


def test_labels_that_do_not_fit_the_rows(module, tmp_path):
    np.savez(tmp_path / "odd.npz", X=np.zeros((4, 2)), y=np.zeros(3))
    with pytest.raises(SystemExit, match=r"^error: .*odd\.npz: y must be one label a row"):
        module.main(["--data", f"{tmp_path}/odd.npz"])


def test_folder_of_the_picture_is_checked_before_the_search(module, tmp_path):
    with pytest.raises(SystemExit, match=r"^error: no such folder: .*nowhere$"):
        module.main(["--output", f"{tmp_path}/nowhere/study.png"])


def test_mnist_keeps_its_own_test_rows(module, monkeypatch, tmp_path):
    """Whether the images come from a file or from OpenML."""
    np.savez_compressed(
        tmp_path / "mnist.npz", X=np.zeros((63_000, 28, 28), np.uint8), y=np.arange(63_000)
    )
    X, X_test, y, y_test = module.load_data(tmp_path / "mnist.npz", seed=0)
    assert (X.shape, X_test.shape) == ((60_000, 784), (3_000, 784))
    assert X.dtype == np.float32
    assert (y[-1], y_test[0]) == (59_999, 60_000)

    downloaded = np.zeros((70_000, 1)), np.arange(70_000)
    monkeypatch.setattr(module, "fetch_openml", lambda *args, **kwargs: downloaded)
    _, _, y, y_test = module.load_data("mnist", seed=0)
    assert (y[-1], y_test[0]) == (59_999, 60_000)


def test_no_download(module, monkeypatch):
    def unreachable(*args, **kwargs):
        raise OSError("the network is down")

    monkeypatch.setattr(module, "fetch_openml", unreachable)
    with pytest.raises(SystemExit, match=r"^error: the network is down$"):
        module.main(["--data", "mnist"])
