"""Measurement of the benchmarks: times of all libraries in turn, ratios and memory."""

import os
import statistics
import subprocess
import sys
import time
import warnings
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

CONTESTANTS = ("skneural", "scikit-learn", "PyTorch", "skorch", "JAX")
OURS, SKLEARN, TORCH, SKORCH, JAX = CONTESTANTS
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
THREADS = tuple(range(1, min(CORES, 2) + 1))
ONE_JAX_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


@dataclass
class Work:
    """A benchmark that several libraries run.

    `contestants` maps the name of each library to a function. It is called with the arrays that
    `data` returns, and returns the function to measure. It imports its library itself, so that
    libraries that are not installed can be left out, and so that the measured memory is that of
    one library.
    """

    name: str
    title: str
    data: object
    contestants: dict
    flops: float = 0  # floating-point operations of all matrix products in one call
    calls: int = 1  # number of repetitions in one call of the measured function
    threads: tuple = THREADS
    unit: str = "s"  # or "MB", if the measured function returns megabytes


def seconds(run):
    """Return the wall time of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


@contextmanager
def allowed_threads(n_threads):
    """Limit BLAS and PyTorch to this number of threads, and silence all warnings."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(n_threads)
    with threadpool_limits(n_threads), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def in_turn(work, rounds, quick):
    """Return the measurements of each library in every round, by name and number of threads.

    There are `rounds + 1` rounds. The first one is a warm-up, which fills the caches and lets
    JAX compile.
    """
    data, runs = work.data(), {}
    with ExitStack() as children:
        for name, make in work.contestants.items():
            try:
                if name == JAX and work.unit == "s":
                    for n_threads in work.threads:
                        child = children.enter_context(Child(work, name, n_threads, quick))
                        runs[name, n_threads] = child.seconds
                    continue
                with allowed_threads(1):
                    run = make(*data)
            except ImportError:
                continue
            measure = partial(seconds, run) if work.unit == "s" else run
            runs |= {(name, n_threads): measure for n_threads in work.threads}
        measured = {key: [] for key in runs}
        for _ in range(rounds + 1):
            for (name, n_threads), measure in runs.items():
                with allowed_threads(n_threads):
                    time.sleep(
                        0.05
                    )  # until idle threads of the last measurement no longer spin
                    measured[name, n_threads].append(measure())
    return measured


class Child:
    """A library in a separate process, which runs the benchmark on request."""

    def __init__(self, work, name, n_threads, quick):
        command = [sys.executable, Path(__file__).parent, "--serve", work.name, name]
        # JAX reads the limits when it starts, so each number of threads needs its own process.
        limits = {name: str(n_threads) for name in ("NPROC", "OMP_NUM_THREADS")}
        limits |= {"XLA_FLAGS": ONE_JAX_THREAD} if n_threads == 1 else {}
        self.process = subprocess.Popen(
            [*command, *(["--quick"] if quick else [])],
            env=os.environ | limits,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self.answer() != "ready":
            self.__exit__()
            raise ImportError(f"{name} is not installed, or failed with the error above")

    def answer(self):
        return self.process.stdout.readline().strip()

    def run(self):
        """Run the benchmark once, and return the seconds and the peak memory in megabytes."""
        print(file=self.process.stdin, flush=True)
        return tuple(map(float, self.answer().split()))

    def seconds(self):
        return self.run()[0]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.communicate()


def serve(work, name):
    """Run the benchmark once for every line of standard input, as `Child` requests."""
    warnings.simplefilter("ignore")
    data = work.data()
    try:
        run = work.contestants[name](*data)
    except ImportError:
        return
    n_bytes = sum(array.nbytes for array in data)
    print("ready", flush=True)
    for _ in sys.stdin:
        if PEAKS:
            PEAKS[0].write_text("5")  # resets the peak
        elapsed = seconds(run)
        peak = int(PEAKS[1].read_text().split("VmHWM:")[1].split()[0]) * 1024 if PEAKS else 0
        print(elapsed, (peak - n_bytes) / 1e6, flush=True)


# Files of Linux that reset and show the peak memory of this process.
PEAKS = [Path("/proc/self/clear_refs"), Path("/proc/self/status")]
PEAKS = PEAKS if PEAKS[0].exists() else []


def rows(work, measured, peaks, goal):
    """Yield the rows of the table for a benchmark, one per number of threads.

    `goal(what, n_threads)` returns the minimum ratio for a library, or the minimum share of the
    SGEMM peak, or None if there is no goal.
    """
    for n_threads in work.threads:
        ours = measured[OURS, n_threads][1:]
        own = statistics.median(ours)
        share = 100 * work.flops / own / peaks[n_threads]
        cells = [beside_goal(share, goal("peak", n_threads), "{:.0f} %")] if share else [""]
        for peer in CONTESTANTS[1:]:
            # Each library uses its fastest number of threads, up to `n_threads`.
            runs = [
                run[1:]
                for (name, n), run in measured.items()
                if name == peer and n <= n_threads
            ]
            best = min(runs, key=statistics.median, default=())
            pairs = [theirs / our for theirs, our in zip(best, ours, strict=False)]
            missing = "not installed" if peer in work.contestants else ""
            wanted = goal(peer, n_threads)
            cells.append(beside_goal(statistics.median(pairs), wanted) if pairs else missing)
        first, *others = measured.get((JAX, n_threads), [0])
        compiled = work.unit == "s" and others
        cells.append(f"{first - statistics.median(others):.1f} s" if compiled else "")
        amount = duration(own / work.calls) if work.unit == "s" else f"{own:.0f} MB"
        yield work.title, str(n_threads), amount, *cells


def beside_goal(value, goal, form="{:.2f}"):
    """Format a value, followed by its goal if there is one."""
    if goal is None:
        return form.format(value)
    return f"{form.format(value)} {'≥' if round(value, 2) >= goal else '<'} {goal:g}"


def duration(time):
    """Format a time in seconds, milliseconds or microseconds."""
    for unit, factor in (("s", 1), ("ms", 1e3)):
        if time * factor >= 1:
            return f"{time * factor:.3g} {unit}"
    return f"{time * 1e6:.0f} us"


def print_table(header, lines):
    """Print a table. Each row is printed as soon as it has been measured."""
    print("|", " | ".join(header), "|")
    print("|" + "---|" * len(header), flush=True)
    for line in lines:
        print("|", " | ".join(line), "|", flush=True)


def machine():
    """Return the speed of a large product by number of threads, and a line of text about it."""
    blas = next(lib for lib in threadpool_info() if lib["user_api"] == "blas")
    square, peaks = np.ones((2000, 2000), np.float32), {}
    for n_threads in THREADS:
        with allowed_threads(n_threads):
            best = min(seconds(lambda: square @ square) for _ in range(5))
        peaks[n_threads] = 2 * 2000**3 / best
    speeds = ", ".join(f"{peak / 1e9:.0f} GFLOP/s on {n}" for n, peak in peaks.items())
    load = f"; load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return peaks, (
        f"{CORES} cores, {blas['internal_api']} {blas['version']} ({blas['architecture']}); "
        f"SGEMM: {speeds}{load}."
    )
