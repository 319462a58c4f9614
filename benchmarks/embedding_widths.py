"""Accuracy with several lengths of embeddings, and bounds for one-hot columns.

    python benchmarks/embedding_widths.py [--splits 5]

Each line is one rule: the number of levels above which a category has an embedding, and the
length of its vectors as a multiple of the fourth root of the number of levels. It shows the
mean score (R² or accuracy) over the splits of each data set with many levels, and the mean
difference to the first rule with its standard error. The data are those of `accuracy.py`.
"""

import argparse

import _tables
import numpy as np
from accuracy import estimator_for, measure, rows_of

from skneural._estimators import table

DATA_SETS = "ames", "bikeshare", "hotels", "sacramento", "customers", "lending"
# the number of levels, the factor of the length, and the greatest length
RULES = (64, 1.6, 16), (8, 1.6, 16), (32, 1.6, 16), (128, 1.6, 16), (64, 1.0, 16), (64, 2.5, 32)


def width_of(most_one_hot, factor, most):
    """Return a function of the number of levels, for `skneural._estimators.table`."""

    def width(n_levels):
        return 0 if n_levels <= most_one_hot else min(most, round(factor * n_levels**0.25))

    return width


def scores(name, n_splits):
    """Return the scores of the default network on the table as it is, one per split."""
    task = _tables.TABLES[name].task
    found = []
    for seed in range(n_splits):
        X_train, X_test, y_train, y_test = rows_of("table", name, seed)
        network = estimator_for("table", task, seed, X_train)
        found.append(measure(network, task, X_train, X_test, y_train, y_test)["score"])
    return np.array(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=5)
    options = parser.parse_args()
    first = {}
    for rule in RULES:
        table.embedding_width = width_of(*rule)
        print("more than {} levels, factor {}, at most {}:".format(*rule), flush=True)
        for name in DATA_SETS:
            own = scores(name, options.splits)
            difference = own - first.setdefault(name, own)
            error = difference.std(ddof=1) / np.sqrt(len(own))
            print(f"    {name} {own.mean():.4f}, {difference.mean():+.4f} ± {error:.4f}")


if __name__ == "__main__":
    main()
