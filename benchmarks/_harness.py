"""Fair pairs: two contestants in turn, in one process, and the median of their ratios."""

import statistics
import time
import warnings
from contextlib import contextmanager

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits


def seconds(work):
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def pairs(ours, theirs, rounds):
    """Medians of both times and of the ratio theirs / ours, over rounds A B A B."""
    ours(), theirs()  # the first call pays for imports and caches
    times = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    return (
        statistics.median(own for own, _ in times),
        statistics.median(peer for _, peer in times),
        statistics.median(peer / own for own, peer in times),
    )


@contextmanager
def blas_threads(n_threads):
    """Allow BLAS this many threads, and silence what the peers warn of."""
    with threadpool_limits(n_threads), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def machine():
    """Describe the machine: BLAS, its threads, and the speed of a large product."""
    blas = next(lib for lib in threadpool_info() if lib["user_api"] == "blas")
    square = np.ones((2000, 2000), np.float32)
    with threadpool_limits(1):
        best = min(seconds(lambda: square @ square) for _ in range(5))
    return (
        f"{blas['internal_api']} {blas['version']} ({blas['architecture']}), "
        f"{blas['num_threads']} threads; one thread multiplies at "
        f"{2 * 2000**3 / best / 1e9:.0f} GFLOP/s in float32"
    )
