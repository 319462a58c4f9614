"""Fits beside a process that keeps all cores busy: by what factor each contestant slows down.

    python benchmarks --only busy

Every contestant may use all cores, runs alone and beside that process in turn, and is
compared with itself. A product on several threads waits for the slowest of them: beside
others that can cost far more than the share of the cores that is gone.
"""

import statistics
import subprocess
import sys
import warnings
from contextlib import contextmanager

import mlp
from _data import digits, mnist
from _harness import CONTESTANTS, CORES, Work, duration, seconds

HEADER = ["beside a busy process", *(f"{name}: alone, factor" for name in CONTESTANTS)]
_SPIN = """
import sys, threading, numpy as np, threadpoolctl
threadpoolctl.threadpool_limits(1)
def work():
    square = np.ones((500, 500), np.float32)
    while True:
        square @ square
for _ in range({cores}):
    threading.Thread(target=work, daemon=True).start()
print(flush=True)
sys.stdin.read()
"""


@contextmanager
def busy_cores():
    """A process with a thread a core, each of which multiplies without a pause."""
    command = [sys.executable, "-c", _SPIN.format(cores=CORES)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


def works(quick):
    """Fits with products that are small, and large enough for several threads."""
    n_rows, epochs = (300, 1) if quick else (20_000, 20)
    for name, title, data, settings in (
        ("digits", "digits 64-64-10, batch 32", digits, (64, (64,), "sgd", 32, epochs)),
        (
            "small",
            f"MNIST 784-128-64-10, batch 64, {n_rows:,} rows",
            lambda: mnist(n_rows),
            (784, (128, 64), "sgd", 64, 1),
        ),
        (
            "wide",
            f"MNIST 784-512-256-10, batch 256, {n_rows:,} rows",
            lambda: mnist(n_rows),
            (784, (512, 256), "sgd", 256, 1),
        ),
    ):
        yield Work(f"busy-{name}", title, data, mlp.contestants(*settings))


def print_table(chosen, rounds, quick, peak):
    """Print the table, a row a work as it is done."""
    print("|", " | ".join(HEADER), "|")
    print("|" + "---|" * len(HEADER), flush=True)
    for work in chosen:
        times = alone_and_beside(work, 1 if quick else rounds)
        cells = []
        for name in CONTESTANTS:
            pairs = times.get(name)
            if pairs is None:
                cells.append("not installed")
                continue
            alone = statistics.median(before for before, _ in pairs)
            factor = statistics.median(beside / before for before, beside in pairs)
            cells.append(f"{duration(alone)}, {factor:.2f}")
        print("|", " | ".join([work.title, *cells]), "|", flush=True)


def alone_and_beside(work, rounds):
    """For each contestant the seconds of every round: alone, and beside the busy process."""
    data, runs = work.data(), {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, make in work.contestants.items():
            try:
                runs[name] = make(*data)
            except ImportError:
                continue
            runs[name]()
        times = {name: [] for name in runs}
        for _ in range(rounds):
            alone = {name: seconds(run) for name, run in runs.items()}
            with busy_cores():
                for name, run in runs.items():
                    times[name].append((alone[name], seconds(run)))
    return times
