"""Works and how they are measured: contestants in turn, medians, ratios, memory."""

import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

OURS, SKLEARN, TORCH, SKORCH = CONTESTANTS = ("skneural", "scikit-learn", "PyTorch", "skorch")
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@dataclass
class Work:
    """Something that several contestants do.

    `contestants` has a function for each name that takes what `data` returns and gives
    the function to be timed. What it needs is imported inside it: one that is not
    installed is left out, and memory is that of its own libraries.
    """

    name: str
    title: str
    data: Callable
    contestants: dict
    flops: float = 0  # of all matrix products in a call
    calls: int = 1  # how often the timed function does the work
    threads: tuple = tuple(sorted({1, CORES}))
    memory: bool = False


def seconds(run):
    """Wall time of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


@contextmanager
def allowed_threads(n_threads):
    """Allow BLAS and PyTorch so many threads, and silence what the peers warn of."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(n_threads)
    with threadpool_limits(n_threads), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def in_turn(work, rounds, warm_up):
    """Seconds of every round, for each contestant and number of threads, A B A B."""
    data, runs = work.data(), {}
    for name, make in work.contestants.items():
        try:
            with allowed_threads(1):
                run = make(*data)
        except ImportError:
            continue
        runs |= {(name, n_threads): run for n_threads in work.threads}
    times = {key: [] for key in runs}
    for i in range(rounds + warm_up):
        for (name, n_threads), run in runs.items():
            with allowed_threads(n_threads):
                time.sleep(0.05)  # threads of the run before spin for a while
                elapsed = seconds(run)
            if i >= warm_up:  # the first round pays for imports and caches
                times[name, n_threads].append(elapsed)
    return times


def rows(work, times, megabytes, peaks):
    """Table rows, one a number of threads: our time and share of the peak, then ratios."""
    for n_threads in work.threads:
        ours = times[OURS, n_threads]
        own = statistics.median(ours)
        share = f"{100 * work.flops / own / peaks[n_threads]:.0f} %" if work.flops else ""
        ratios = []
        for peer in CONTESTANTS[1:]:
            # each peer with the number of threads, up to this one, that suits it best
            runs = [run for (name, n), run in times.items() if name == peer and n <= n_threads]
            best = min(runs, key=statistics.median, default=())
            pairs = [theirs / our for theirs, our in zip(best, ours, strict=False)]
            missing = "not installed" if peer in work.contestants else ""
            ratios.append(f"{statistics.median(pairs):.2f}" if pairs else missing)
        memory = megabytes if n_threads == work.threads[0] else ""
        title = work.title if n_threads == work.threads[0] else "the same"
        yield title, str(n_threads), duration(own / work.calls), share, *ratios, memory


def duration(time):
    """Seconds in a unit that suits them."""
    for unit, factor in (("s", 1), ("ms", 1e3)):
        if time * factor >= 1:
            return f"{time * factor:.3g} {unit}"
    return f"{time * 1e6:.0f} us"


def peak_of_this_process(work, name):
    """Most megabytes beyond the data while a contestant runs, and what the run added."""
    data = work.data()
    n_bytes = sum(
        sum(part.nbytes for part in (array.data, array.indices, array.indptr))
        if hasattr(array, "indptr")
        else array.nbytes
        for array in data
    )
    with allowed_threads(1):
        run = work.contestants[name](*data)
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        before = _peak()
        run()
    return (_peak() - n_bytes) / 1e6, (_peak() - before) / 1e6


def _peak():
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def peak_memory(work, names, quick):
    """Megabytes of each contestant, in a process of its own; Linux only."""
    if not (work.memory and Path("/proc/self/clear_refs").exists()):
        return ""
    peaks = []
    for name in names:
        command = [sys.executable, Path(__file__).parent, "--peak-of", work.name, name]
        done = subprocess.run(
            [*command, *(["--quick"] if quick else [])],
            capture_output=True,
            text=True,
            check=True,
        )
        peaks.append(done.stdout.strip())
    return " / ".join(peaks)


def machine():
    """The speed of a large product by number of threads, and a line about the machine."""
    blas = next(lib for lib in threadpool_info() if lib["user_api"] == "blas")
    square, peaks = np.ones((2000, 2000), np.float32), {}
    for n_threads in sorted({1, CORES}):
        with allowed_threads(n_threads):
            best = min(seconds(lambda: square @ square) for _ in range(5))
        peaks[n_threads] = 2 * 2000**3 / best
    speeds = ", ".join(f"{peak / 1e9:.0f} GFLOP/s on {n}" for n, peak in peaks.items())
    load = f"; load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return peaks, (
        f"{CORES} cores, {blas['internal_api']} {blas['version']} ({blas['architecture']}); "
        f"SGEMM: {speeds}{load}."
    )
