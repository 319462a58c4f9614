"""Speed and memory of fits on a table with categories, compared with numeric data.

    python benchmarks/embeddings.py [--rows 100000] [--rounds 5]

The table has 20 numeric columns and 10 categories, one of them with 10,000 levels. It is
compared with 40 numeric columns, for networks of one hidden layer (the default) and of two. The
first lines show the seconds per epoch, the median ratio of the epoch times (numeric data
divided by the table, in alternating fits), and the seconds that `fit` takes apart from its
epochs. The last lines show the size of the one-hot matrix, dense and as CSR, and the peak
memory of a fit of the default network, measured with tracemalloc.
"""

import argparse
import statistics
import time
import tracemalloc
import warnings

import numpy as np
import pandas as pd
from sklearn.preprocessing import OneHotEncoder
from threadpoolctl import threadpool_limits

from skneural import MLPClassifier

LEVELS = 5, 5, 10, 10, 20, 20, 30, 50, 300, 10_000
SETTINGS = {
    "early_stopping": False,
    "max_iter": 2,
    "patience": None,
    "dtype": "float32",
    "random_state": 0,
}


def make_data(n_rows):
    """Return a table with categories, a matrix with 40 columns, and labels."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(n_rows, 40)).astype(np.float32)
    table = pd.DataFrame(numbers[:, :20]).add_prefix("number")
    for j, n_levels in enumerate(LEVELS):
        codes = rng.integers(0, n_levels, n_rows)
        table[f"category{j}"] = pd.Series(codes.astype(str), dtype="str")
    return table, numbers, numbers[:, 0] + rng.normal(size=n_rows) > 0


def measure(X, y, n_hidden_layers):
    """Return the seconds of the fastest epoch, and of the fit apart from its epochs."""
    start = time.perf_counter()
    network = MLPClassifier(n_hidden_layers=n_hidden_layers, **SETTINGS).fit(X, y)
    seconds = network.history_["seconds"]
    return min(seconds), time.perf_counter() - start - sum(seconds)


def peak(X, y):
    """Return the peak memory of a fit in MB."""
    tracemalloc.start()
    MLPClassifier(**SETTINGS).fit(X, y)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / 1e6


def compare(table, numbers, y, n_hidden_layers, n_rounds):
    """Print the times of alternating fits."""
    rounds = [
        (measure(table, y, n_hidden_layers), measure(numbers, y, n_hidden_layers))
        for _ in range(n_rounds)
    ]
    ratios = [other[0] / own[0] for own, other in rounds]
    own, other = ([statistics.median(r[k][i] for r in rounds) for i in (0, 1)] for k in (0, 1))
    print(
        f"{own[0]:.2f} s per epoch, {other[0]:.2f} s with numeric data, ratio "
        f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}); apart from "
        f"epochs {own[1]:.2f} s and {other[1]:.2f} s"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # fits do not converge within two epochs
    table, numbers, y = make_data(options.rows)
    for n_hidden_layers in (1, 2):
        for n_threads in (1, None):
            name = f"{n_hidden_layers} hidden, {n_threads or 'default'} threads"
            print(name, end=": ", flush=True)
            with threadpool_limits(n_threads):
                compare(table, numbers, y, n_hidden_layers, options.rounds)
    one_hot = OneHotEncoder(dtype=np.float32).fit_transform(table.iloc[:, 20:])
    width = 20 + one_hot.shape[1]
    csr = one_hot.data.nbytes + one_hot.indices.nbytes + one_hot.indptr.nbytes
    csr += 20 * options.rows * (4 + 4)
    print(f"one-hot matrix: dense {4e-6 * options.rows * width:.0f} MB, CSR {csr / 1e6:.0f} MB")
    print(
        f"peak memory of a fit: table {peak(table, y):.0f} MB, "
        f"numeric data {peak(numbers, y):.0f} MB"
    )


if __name__ == "__main__":
    main()
