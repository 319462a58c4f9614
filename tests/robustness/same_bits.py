"""The same seed gives the same bits in every process, and no global generator changes.

    python tests/robustness/same_bits.py [--processes 3]

Ten fits of all four estimators, with dropout, early stopping, augmentation, sparse rows and
L-BFGS, and a search are compared by their digests: in several processes with different hash
seeds, and in searches with the backends loky, threading and multiprocessing and n_jobs of 1 and
2. Predictions of a network that is large enough for several threads may differ by at most 1e-7
between 1 and 2 BLAS threads, set by the environment or by threadpool_limits. The states of
`numpy.random` and `random` are compared before and after every fit. The script takes about two
minutes. `tests/project/test_robustness.py` contains a short run.
"""

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
from scipy import sparse
from sklearn.model_selection import GridSearchCV, cross_val_predict
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parents[1]))
from _interrupted import FITS, X, Y, digest, estimator

from skneural import MLPClassifier, MLPRegressor

BOUND = 1e-7


def global_generators():
    kind, keys, *place = np.random.get_state()  # noqa: NPY002
    return kind, keys.tobytes(), place, random.getstate()


def fits():
    """Return the digests of some fits by name; no global generator may change."""
    warnings.simplefilter("ignore")
    before, digests = global_generators(), {}
    for name in FITS:
        digests[name] = digest(estimator(name).fit(X, Y))
    rows = sparse.csr_array(X)
    more = {
        "sparse": (estimator("dense"), rows, Y),
        "L-BFGS": (MLPRegressor(solver="lbfgs", max_iter=20, random_state=0), X, Y / 10),
        "text": (estimator("dense", schedule="cosine"), X, Y.astype(str)),
        "columns": (estimator("dense"), X, np.c_[Y, Y % 3]),
        "RandomState": (estimator("dense", random_state=np.random.RandomState(3)), X, Y),
    }
    for name, (own, x, y) in more.items():
        theta = own.fit(x, y).network_.theta
        digests[name] = hashlib.sha256(theta.tobytes()).hexdigest()
    assert global_generators() == before, "a global generator has moved"
    return digests


def search(n_jobs=None, backend="loky"):
    """Return the digest of a search and of cross-validated predictions."""
    before = global_generators()
    own = MLPClassifier((16,), max_iter=4, patience=None, dropout=0.1, random_state=0)
    grid = GridSearchCV(own, {"alpha": [1e-4, 1.0], "batch_size": [16, 64]}, cv=2)
    with joblib.parallel_config(backend, n_jobs=n_jobs):
        grid.fit(X, Y)
        out = cross_val_predict(own, X, Y, method="predict_proba", cv=3)
    told = grid.cv_results_["mean_test_score"].tobytes() + out.tobytes()
    assert global_generators() == before, "a global generator has moved"
    return hashlib.sha256(told + grid.best_estimator_.network_.theta.tobytes()).hexdigest()


def large():
    """Predict with a network whose products are large enough for several BLAS threads."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 500))
    own = MLPRegressor((800,), max_iter=4, patience=None, random_state=0)
    return own.fit(x, np.tanh(x[:, :3])).predict(x)


def child(what, **env):
    """Return the output of a separate process."""
    command = [sys.executable, __file__, f"--{what}"]
    env = {**os.environ, **env}
    told = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
    return json.loads(told.stdout)


def across_blas_threads():
    """Return the largest difference between predictions with 1 and 2 BLAS threads."""
    answers = [np.array(child("large", OPENBLAS_NUM_THREADS=str(n))) for n in (1, 2)]
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, user_api="blas"):
            answers.append(large())
    return max(np.abs(answer - answers[0]).max() for answer in answers)


def main():
    if len(sys.argv) == 2 and sys.argv[1] in ("--fits", "--search", "--large"):
        answer = {"--fits": fits, "--search": search, "--large": lambda: large().tolist()}
        print(json.dumps(answer[sys.argv[1]]()))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=3)
    n_processes = parser.parse_args().processes
    expected = fits()
    seeds = ["random", *map(str, range(n_processes - 1))]
    for seed in seeds:
        assert child("fits", PYTHONHASHSEED=seed) == expected, f"hash seed {seed}"
        assert child("search", PYTHONHASHSEED=seed) == search(), f"hash seed {seed}"
    alone = search()
    runs = [(b, n) for b in ("loky", "threading", "multiprocessing") for n in (1, 2)]
    for backend, n_jobs in runs:
        assert search(n_jobs, backend) == alone, f"{backend}, n_jobs={n_jobs}"
    difference = across_blas_threads()
    print(
        f"same bits: {len(expected)} fits and a search in {len(seeds)} more processes with "
        f"other hash seeds, {len(runs)} searches of other backends and n_jobs; global "
        f"generators untouched; at most {difference:.1e} apart across BLAS threads"
    )
    if difference > BOUND:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
