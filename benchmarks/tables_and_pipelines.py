"""Scores on tables as they are, minus scores on the prepared data, on further splits.

    python benchmarks/tables_and_pipelines.py [--only grinnell votes] [--splits 16]

The splits are not those of `accuracy.py`, and there are more, because the differences are
small. Each line shows the mean difference of the score (R² or accuracy) of the default network
on a data set with categories or missing values, and its standard error. The last lines name the
data sets on which the difference is more than two standard errors.
"""

import argparse

import numpy as np
from _standing import EQUAL
from _tables import TABLES, is_mixed, load
from accuracy import estimator_for, measure, rows_of

FIRST_SEED = 100


def score(form, name, seed):
    task = TABLES[name].task
    X_train, X_test, y_train, y_test = rows_of(form, name, seed)
    network = estimator_for(form, task, seed, X_train)
    return measure(network, task, X_train, X_test, y_train, y_test)["score"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=TABLES, help="data sets")
    parser.add_argument("--splits", type=int, default=16)
    options = parser.parse_args()
    names = options.only or [name for name in TABLES if is_mixed(load(name)[0])]
    differences = {}
    for name in names:
        seeds = range(FIRST_SEED, FIRST_SEED + options.splits)
        gaps = [score("table", name, seed) - score("ours", name, seed) for seed in seeds]
        mean, error = np.mean(gaps), np.std(gaps, ddof=1) / np.sqrt(len(gaps))
        differences[name] = mean / error if abs(mean) > EQUAL else 0.0
        print(f"{name} {mean:+.4f} ± {error:.4f}", flush=True)
    lower = [name for name, ratio in differences.items() if ratio < -2]
    higher = [name for name, ratio in differences.items() if ratio > 2]
    print(f"lower: {len(lower)} of {len(names)} ({', '.join(lower)})")
    print(f"higher: {len(higher)} of {len(names)} ({', '.join(higher)})")


if __name__ == "__main__":
    main()
