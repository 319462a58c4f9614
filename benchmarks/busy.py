"""How much slower fits become when they share the cores with other work.

    python benchmarks --only busy pair

In the first benchmark, another process keeps all cores busy, and every library may use two
threads. A product on several threads waits for the slowest thread, so a fit can become slower
by far more than its share of the cores. In the second benchmark, two fits run in two Python
threads with one core each. Together they take as long as one fit if they release the GIL. Every
library is compared with itself.
"""

import statistics
import subprocess
import sys
import threading
from contextlib import contextmanager
from functools import partial

from _data import digits, mnist
from _goals import MOST
from _harness import CONTESTANTS, CORES, JAX, THREADS, Work, allowed_threads, duration, seconds
from fits import Fit, contestants

PEERS = [name for name in CONTESTANTS if name != JAX]
HEADER = ["fits that share the cores", *(f"{name}: alone, factor" for name in PEERS)]
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
    """Run a process with one thread per core, all of which multiply without a pause."""
    command = [sys.executable, "-c", _SPIN.format(cores=CORES)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


def beside_busy_process(runs):
    """Return the seconds of every library while another process keeps all cores busy."""
    with busy_cores():
        return {name: seconds(run) for name, (run, _) in runs.items()}


def in_two_threads(runs):
    """Return the seconds of two simultaneous fits for every library."""

    def both(pair):
        threads = [threading.Thread(target=run) for run in pair]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return {name: seconds(partial(both, pair)) for name, pair in runs.items()}


def works(quick):
    """Yield fits with small products, and with products large enough for several threads."""
    n_rows, epochs = (300, 1) if quick else (20_000, 20)
    dense = partial(mnist, n_rows)
    networks = {
        "digits": ("digits 64-64-10", digits, Fit((64,), (64,), "sgd", 32, epochs)),
        "mnist": ("MNIST 784-128-64-10", dense, Fit((784,), (128, 64), "sgd", 64)),
        "wide": ("MNIST 784-512-256-10", dense, Fit((784,), (512, 256), "sgd", 256)),
    }
    for kind, what, n_threads in (
        ("busy", "beside a busy process", THREADS[-1]),
        ("pair", "in two Python threads", 1),
    ):
        for name, (title, data, fit) in networks.items():
            title = f"{title}, batch {fit.batch_size}, {what}"
            makers = contestants(fit, PEERS)
            yield Work(f"{kind}-{name}", title, data, makers, threads=(n_threads,))


def lines(chosen, rounds):
    """Yield the rows of the table."""
    for work in chosen:
        kind = work.name.partition("-")[0]
        cells = []
        for name, pairs in alone_and_shared(work, kind, rounds).items():
            if not pairs:
                cells.append("not installed")
                continue
            alone = statistics.median(before for before, _ in pairs)
            factor = statistics.median(shared / before for before, shared in pairs)
            cell = f"{duration(alone)}, {factor:.2f}"
            if name == CONTESTANTS[0]:
                cell += f" {'≤' if round(factor, 2) <= MOST[kind] else '>'} {MOST[kind]}"
            cells.append(cell)
        yield work.title, *cells


def alone_and_shared(work, kind, rounds):
    """Return the seconds alone and with shared cores, of every library in every round."""
    data, runs = work.data(), {}
    shared = {"busy": beside_busy_process, "pair": in_two_threads}[kind]
    times = {name: [] for name in work.contestants}
    with allowed_threads(*work.threads):
        for name, make in work.contestants.items():
            try:
                runs[name] = make(*data), make(*data)
            except ImportError:
                continue
            runs[name][0]()
        for _ in range(rounds):
            alone = {name: seconds(run) for name, (run, _) in runs.items()}
            for name, time in shared(runs).items():
                times[name].append((alone[name], time))
    return times
