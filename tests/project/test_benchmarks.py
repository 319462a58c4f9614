"""The benchmarks run with small data, one round, and scikit-learn as the only peer."""

import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.long

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
PEERS = ("scikit-learn", "PyTorch", "skorch", "JAX")


def run_benchmarks(*arguments, **environment):
    return subprocess.run(
        [sys.executable, BENCHMARKS, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )


def read_table(text):
    """Return one dict per row, with the names of the columns as keys."""
    head, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in text)
    return [dict(zip(head, row, strict=True)) for row in rows]


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("peers")
    for name in ("torch", "jax"):
        (folder / f"{name}.py").write_text("raise ImportError")
    mnist = folder / "mnist.npz"
    np.savez(mnist, X=np.ones((2_000, 28, 28), np.uint8), y=np.arange(2_000) % 10)
    paths = [str(folder), str(BENCHMARKS.parent), os.environ.get("PYTHONPATH", "")]
    done = run_benchmarks(
        "--quick", PYTHONPATH=os.pathsep.join(paths), SKNEURAL_MNIST=str(mnist)
    )
    assert done.returncode == 0, done.stderr
    return [read_table(part.splitlines()) for part in done.stdout.split("\n\n")[1:]]


def test_every_work_is_compared_with_scikit_learn_where_it_can_be(tables):
    for row in tables[0]:
        assert row["skneural"]
        assert bool(row["scikit-learn / ours"]) != row["benchmark"].startswith("ConvNet")


def test_goals_stand_beside_the_ratios(tables):
    first = tables[0][0]
    ratio, relation, goal = first["scikit-learn / ours"].split()
    assert relation == ("≥" if float(ratio) >= 2.4 else "<")
    assert goal == "2.4"
    assert first["of SGEMM peak"].endswith(("< 80", "≥ 80"))


def test_peers_that_are_not_installed_are_named(tables):
    for row in tables[0]:
        for peer in PEERS[1:]:
            assert row[f"{peer} / ours"] in ("", "not installed")
        assert not row["JAX compiles for"]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_of_a_process_is_compared(tables):
    (row,) = (row for row in tables[0] if row["benchmark"].startswith("process memory"))
    megabytes, unit = row["skneural"].split()
    assert unit == "MB"
    assert 50 < float(megabytes) < 1_000


def test_fits_that_share_the_cores(tables):
    assert len(tables[1]) == 6  # three networks beside a busy process, and in two threads
    for row in tables[1]:
        assert row["skneural: alone, factor"].split()[-2] in "≤>"
        assert row["PyTorch: alone, factor"] == "not installed"


def test_unknown_name_of_a_work():
    done = run_benchmarks("--only", "nothing")
    assert done.returncode == 2
    assert (
        "no benchmark name contains nothing; the names are mnist-sgd, mnist-adam, "
        in done.stderr
    )


def test_the_chart_of_speed_shows_the_figures_of_the_table(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(BENCHMARKS)
    speed_chart = import_module("speed_chart")
    ratios = speed_chart.read_ratios(speed_chart.PAGE.read_text("utf-8"))
    shown = [
        f"{name} {time:.2f}" for row in speed_chart.TITLES for name, time in ratios[row].items()
    ]
    assert len(shown) > 10
    speed_chart.draw(ratios, tmp_path / "speed.svg")
    for path in (speed_chart.PICTURE, tmp_path / "speed.svg"):
        labels = re.findall(r">(\S+ \d+\.\d\d)</text>", path.read_text("utf-8"))
        assert sorted(labels) == sorted([*shown, *["skneural 1.00"] * len(speed_chart.TITLES)])
