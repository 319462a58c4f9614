"""Check that `diagnose` finds nothing wrong with the default fits of the accuracy benchmark.

    python benchmarks/findings.py [--group held-out] [--only NAME ...]

`diagnose` is called with the training data of every default fit of skneural, on the prepared
data and on unprepared tables. Findings and warnings are printed, and the exit status is 0 if
there are none.
"""

import argparse
import sys
import warnings

import _tables
from _harness import allowed_threads
from accuracy import AS_THEY_ARE, estimator_for, n_splits, rows_of

OURS = "ours", "table"


def findings(method, name, split):
    """Fit one network, and return the findings of `diagnose` and the warnings of the fit."""
    from skneural import diagnose

    X_train, _, y_train, _ = rows_of(method, name, split)
    estimator = estimator_for(method, _tables.TABLES[name].task, split, X_train)
    with allowed_threads(1), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(X_train, y_train)
        found = [str(finding) for finding in diagnose(estimator, X_train)]
    return found + [str(warning.message) for warning in caught]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--group", choices=[*_tables.GROUPS, "all"], default="all")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=_tables.TABLES)
    args = parser.parse_args()
    names = args.only or _tables.names(None if args.group == "all" else args.group)
    n_fits = n_found = 0
    for name in names:
        X, y = _tables.load(name)
        methods = [m for m in OURS if m not in AS_THEY_ARE or _tables.is_mixed(X)]
        for method in methods:
            for split in range(n_splits(method, len(y))):
                found = findings(method, name, split)
                n_fits, n_found = n_fits + 1, n_found + len(found)
                for text in found:
                    print(f"{name}, {method}, split {split}: {text}")
    print(f"{n_found} findings and warnings in {n_fits} fits")
    sys.exit(n_found > 0)


if __name__ == "__main__":
    main()
