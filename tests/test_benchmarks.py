"""The benchmarks run: small, one round, against scikit-learn alone."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def test_quick_run_without_torch(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError")
    mnist = tmp_path / "mnist.npz"
    np.savez(mnist, X=np.ones((2_000, 28, 28), np.uint8), y=np.arange(2_000) % 10)
    paths = [str(tmp_path), str(BENCHMARKS.parent), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, BENCHMARKS, "--quick"],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            "SKNEURAL_MNIST": str(mnist),
        },
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    *_, fits, busy, steps, bare = (part.splitlines() for part in done.stdout.split("\n\n"))
    assert len(busy) == 2 + 3  # digits, small and wide
    assert sum("**" in line for line in steps) == 5  # networks
    assert len(bare) == 2 + 3  # mnist, wide, digits
    head, _, *rows = fits
    names = [cell.strip() for cell in head.split("|")]
    table = [dict(zip(names, map(str.strip, row.split("|")), strict=True)) for row in rows]
    assert {row["threads"] for row in table} >= {"1"}
    for row in table:
        assert row["scikit-learn / ours"] or row["work"].startswith(("ConvNet", "the same"))
        for peer in ("PyTorch / ours", "skorch / ours"):
            assert row[peer] in ("", "not installed")
    assert "(+" in table[0][names[-2]]  # memory of ours and theirs


def test_unknown_name_of_a_work():
    done = subprocess.run(
        [sys.executable, BENCHMARKS, "--only", "nothing"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "no work is called nothing; there are mnist-128-64-sgd-64, " in done.stderr
