"""Predictions in many threads, searches inside searches, and a test for memory leaks.

    python tests/robustness/threads.py [--predictions 10000] [--searches 54] [--cycles 1000]

* Each of 8 threads makes `--predictions` predictions with the same estimators, for one row and
  many rows, dense and sparse. Every result must have the bits of a result computed before.
* Searches run inside parallel calls, for every pair of the backends loky, threading and
  multiprocessing. Each pair runs in a process that must end within five minutes, with the
  results of a search that was run alone.
* `--cycles` cycles of fit, predict, copy and delete, after 300 cycles to warm up, must use less
  than 1 MB of additional memory, and no additional file descriptors or threads.

The script takes five to ten minutes. `tests/project/test_robustness.py` contains short runs.
"""

import argparse
import gc
import itertools
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np
from scipy import sparse
from sklearn.model_selection import GridSearchCV

sys.path.insert(0, str(Path(__file__).parents[1]))
from _convnets import X as IMAGES
from _interrupted import X, Y

from skneural import ConvNetClassifier, MLPClassifier, MLPRegressor

BACKENDS = ("loky", "threading", "multiprocessing")
SECONDS = 300


def make(cls, **params):
    sizes = {"hidden_layer_sizes": (16,), "filters": (3, 4)}
    known = cls().get_params()
    sizes = {name: size for name, size in sizes.items() if name in known}
    defaults = {"batch_size": 32, "max_iter": 3, "patience": None, "random_state": 0}
    return cls(**{**defaults, **sizes, **params})


def predictors():
    """Return functions that predict, with the estimators and data of all threads."""
    dense = make(MLPClassifier, activation="gelu").fit(X, Y)
    values = make(MLPRegressor, batch_norm=True, dtype="float32").fit(X, np.c_[Y, -Y])
    images = make(ConvNetClassifier).fit(IMAGES, np.arange(len(IMAGES)) % 3)
    rows = sparse.csr_array(X)
    return [
        lambda: dense.predict_proba(X[7:8]),
        lambda: dense.predict_proba(X[9:10]),
        lambda: dense.predict_log_proba(X[:50]),
        lambda: dense.predict_proba(rows[:31]),
        lambda: values.predict(X[3:4]),
        lambda: values.predict(X[::3]),
        lambda: images.predict_proba(IMAGES[:1]),
        lambda: images.decision_function(IMAGES[5:12]),
    ]


def threads_predict(n_predictions, n_threads=8):
    """Predict in threads, and return the number of wrong results."""
    calls = predictors()
    expected = [call().tobytes() for call in calls]
    barrier = threading.Barrier(n_threads)

    def work(k):
        barrier.wait()
        wrong = 0
        for i in range(n_predictions):
            # seven of eight are of one row: there the layers are kept from call to call
            which = (i + k) % 8 if i % 8 == 0 else (0, 1, 4, 6)[(i + k) % 4]
            wrong += calls[which]().tobytes() != expected[which]
        return wrong

    with ThreadPoolExecutor(n_threads) as pool:
        return sum(pool.map(work, range(n_threads)))


def search(seed, backend=None):
    """Return the scores of a small search, with parallel fits if there is a backend."""
    own = make(MLPClassifier, random_state=seed)
    grid = GridSearchCV(own, {"alpha": [1e-4, 1.0]}, cv=2, n_jobs=2 if backend else None)
    with joblib.parallel_config(backend or "sequential"):
        return grid.fit(X, Y).cv_results_["mean_test_score"].tolist()


def nested(outer, inner, n_searches):
    """Run searches with the inner backend, two at once in the outer one, in a process."""
    tasks = (joblib.delayed(search)(seed, inner) for seed in range(n_searches))
    found = joblib.Parallel(n_jobs=2, backend=outer)(tasks)
    assert found == [search(seed) for seed in range(n_searches)]


def nested_searches(n_searches, pairs=None):
    """Run searches in searches, one process per pair of backends; return their number."""
    pairs = list(pairs or itertools.product(BACKENDS, BACKENDS))
    each = -(-n_searches // len(pairs))
    # a worker that may have no children says so and goes on alone
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore"}
    for outer, inner in pairs:
        command = [sys.executable, __file__, "--nested", outer, inner, str(each)]
        subprocess.run(command, check=True, timeout=SECONDS, env=quiet)
    return each * len(pairs)


def resident():
    """Return the memory of this process in bytes."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def opened():
    """Return the numbers of file descriptors and threads of this process."""
    return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))


def cycle(i):
    cls, x = ((MLPClassifier, X), (MLPRegressor, X), (ConvNetClassifier, IMAGES))[i % 3]
    y = np.arange(len(x)) % 3
    own = make(cls, random_state=i % 7, max_iter=1, warm_start=i % 2 == 0).fit(x, y)
    own.partial_fit(x, y)
    own.predict(x)
    own.predict(x[:1])
    pickle.loads(pickle.dumps(own)).predict(x[:2])


def growth(n_cycles, n_warm=300):
    """Return the growth of memory, descriptors and threads over cycles after a warm-up."""
    for i in range(n_warm):
        cycle(i)
    memory, before = resident(), opened()
    for i in range(n_cycles):
        cycle(i)
    after = opened()
    return resident() - memory, after[0] - before[0], after[1] - before[1]


def main():
    if sys.argv[1:2] == ["--nested"]:
        _, _, outer, inner, n_searches = sys.argv
        nested(outer, inner, int(n_searches))
        return
    if sys.argv[1:2] == ["--growth"]:
        print(*growth(int(sys.argv[2])))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--predictions", type=int, default=10_000, help="of each of 8 threads")
    parser.add_argument("--searches", type=int, default=54)
    parser.add_argument("--cycles", type=int, default=1000)
    args = parser.parse_args()
    wrong = threads_predict(args.predictions)
    print(f"8 threads x {args.predictions} predictions: {wrong} mismatches", flush=True)
    n_searches = nested_searches(args.searches)
    print(f"{n_searches} nested parallel searches: no deadlock", flush=True)
    # a process of its own: the pools of the searches are not to be counted
    command = [sys.executable, __file__, "--growth", str(args.cycles)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    memory, descriptors, threads = map(int, told.split())
    print(
        f"threads: {wrong} mismatches in 8 x {args.predictions}; {n_searches} nested searches "
        f"ended; {args.cycles} cycles took {memory:,} bytes, {descriptors} descriptors, "
        f"{threads} threads"
    )
    if wrong or memory > 10**6 or descriptors or threads:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
