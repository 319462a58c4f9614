"""Scores on tables as they are, minus scores on the prepared data, on further splits.

    python benchmarks/tables_and_pipelines.py [--only grinnell votes] [--splits 16]

The splits are not those of `accuracy.py`. Each line shows the mean difference of the score (R²
or accuracy) of the default network on a data set, and its standard error.
"""

import argparse

import numpy as np
from _tables import TABLES
from accuracy import estimator_for, measure, rows_of

# where `accuracy.py` finds a lower score on the table
DATA_SETS = (
    *("chile", "credit", "oj", "wage", "sacramento", "titanic", "births", "grinnell"),
    *("votes", "lending", "cps", "deliveries", "email", "houses", "pupils", "arrests"),
)
FIRST_SEED = 100


def score(form, name, seed):
    task = TABLES[name].task
    X_train, X_test, y_train, y_test = rows_of(form, name, seed)
    network = estimator_for(form, task, seed, X_train)
    return measure(network, task, X_train, X_test, y_train, y_test)["score"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", default=DATA_SETS)
    parser.add_argument("--splits", type=int, default=16)
    options = parser.parse_args()
    for name in options.only:
        seeds = range(FIRST_SEED, FIRST_SEED + options.splits)
        gaps = [score("table", name, seed) - score("ours", name, seed) for seed in seeds]
        error = np.std(gaps, ddof=1) / np.sqrt(len(gaps))
        print(f"{name} {np.mean(gaps):+.4f} ± {error:.4f}", flush=True)


if __name__ == "__main__":
    main()
