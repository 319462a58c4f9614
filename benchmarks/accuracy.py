"""Compare the accuracy of skneural with five other methods on 76 data sets.

    python benchmarks/accuracy.py [--methods ours boosting] [--group held-out] [--again ours]

Every method uses its default parameters. The results are appended to a file, with one line of
JSON per fit, and fits that are already in the file are not repeated. `_tables.py` lists the
packages that contain the data sets.
"""

import argparse
import json
import tempfile
import time
import warnings
from importlib import import_module, metadata
from pathlib import Path

import _standing
import _tables
import numpy as np
from _harness import allowed_threads
from _tables import DEVELOPMENT, GROUPS, REGRESSION, TABLES
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

try:
    from resource import RUSAGE_CHILDREN, getrusage
except ImportError:  # on Windows, where none of the methods starts processes
    getrusage = None

DEFAULT_RESULTS = Path(tempfile.gettempdir()) / "skneural-accuracy.jsonl"


def constant(task, seed):
    from sklearn.dummy import DummyClassifier, DummyRegressor

    return DummyRegressor() if task == REGRESSION else DummyClassifier()


def linear(task, seed):
    from sklearn.linear_model import LogisticRegression, RidgeCV

    if task == REGRESSION:
        return RidgeCV(alphas=np.logspace(-3, 3, 13))
    return LogisticRegression(max_iter=1_000)


def boosting(task, seed):
    from sklearn.ensemble import (
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
    )

    kinds = HistGradientBoostingRegressor, HistGradientBoostingClassifier
    return kinds[task != REGRESSION](random_state=seed)


def sklearn_mlp(task, seed):
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    return (MLPRegressor if task == REGRESSION else MLPClassifier)(random_state=seed)


def ours(task, seed):
    from skneural import MLPClassifier, MLPRegressor

    return (MLPRegressor if task == REGRESSION else MLPClassifier)(random_state=seed)


def eight(task, seed):
    from sklearn.ensemble import BaggingClassifier, BaggingRegressor

    bagging = BaggingRegressor if task == REGRESSION else BaggingClassifier
    return bagging(ours(task, None), n_estimators=8, bootstrap=False, random_state=seed)


def realmlp(task, seed):
    from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

    kind = RealMLP_TD_Regressor if task == REGRESSION else RealMLP_TD_Classifier
    return kind(device="cpu", n_threads=1, random_state=seed)


OURS = "skneural"
METHODS = {
    "constant": (constant, "scikit-learn"),
    "linear": (linear, "scikit-learn"),
    "boosting": (boosting, "scikit-learn"),
    "sklearn": (sklearn_mlp, "scikit-learn"),
    "ours": (ours, OURS),
    "eight": (eight, OURS),
    "realmlp": (realmlp, "pytabkit"),
    # on unprepared tables with categories or missing values
    "table": (ours, OURS),
    "boosting_table": (boosting, "scikit-learn"),
}
AS_THEY_ARE = "table", "boosting_table"


def version(method, label):
    """Return the version of a method's package, or `label` for skneural if it is given."""
    package = METHODS[method][1]
    if package == OURS:
        return label or import_module(OURS).__version__
    return metadata.version(package)


def rows_of(method, name, seed):
    """Return a split of a data set in the form that a method uses."""
    if method not in AS_THEY_ARE:
        return _tables.split(name, seed)
    X_train, X_test, y_train, y_test = _tables.split_as_is(name, seed)
    if method == "boosting_table":  # it accepts the dtype category, but no text
        return *_tables.as_categories(X_train, X_test), y_train, y_test
    return X_train, X_test, y_train, y_test


def estimator_for(method, task, seed, X):
    """Return the estimator of a method as a user would write it for these data."""
    estimator = METHODS[method][0](task, seed)
    # With categories, skneural scales the numbers itself.
    if method == "table" and not _tables.has_categories(X):
        return make_pipeline(StandardScaler(), estimator)
    return estimator


def n_splits(method, n_rows):
    """Return the number of splits; RealMLP has fewer, because its fits take much longer."""
    most = _tables.n_splits(n_rows)
    return min(most, 2 if n_rows <= 2_000 else 1) if method == "realmlp" else most


def cpu_seconds():
    """Return the CPU time of this process, its threads and its finished child processes."""
    children = getrusage(RUSAGE_CHILDREN) if getrusage else None
    return time.process_time() + (children.ru_utime + children.ru_stime if children else 0)


def measure(estimator, task, X_train, X_test, y_train, y_test):
    """Fit with one thread, and return the score, log-loss, CPU seconds and warnings."""
    with allowed_threads(1), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        start = cpu_seconds()
        estimator.fit(X_train, y_train)
        seconds = cpu_seconds() - start
        y_predicted = estimator.predict(X_test)
        loss = None
        if task != REGRESSION:
            loss = log_loss(y_test, estimator.predict_proba(X_test), labels=np.unique(y_train))
    score = r2_score if task == REGRESSION else accuracy_score
    return {
        "score": float(score(y_test, y_predicted)),
        "log_loss": loss if loss is None else float(loss),
        "seconds": seconds,
        "warnings": sorted({warning.category.__name__ for warning in caught}),
    }


def warm_up(method):
    """Fit a few rows, so that imports and first calls are not measured."""
    X = np.random.default_rng(0).normal(size=(64, 2))
    measure(METHODS[method][0](REGRESSION, 0), REGRESSION, X, X, X[:, 0], X[:, 0])


def key(record):
    return tuple(record[name] for name in ("data_set", "split", "method", "version"))


def read(path):
    """Return the records of a file by their keys; later records replace earlier ones."""
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return {key(record): record for record in map(json.loads, lines)}


def jobs(tables, methods, label, splits_at_most):
    """Yield records without results; the first split of all data sets comes first."""
    rows = {name: len(_tables.load(name)[1]) for name in tables}
    mixed = {name for name in tables if _tables.is_mixed(_tables.load(name)[0])}
    for split in range(splits_at_most):
        for name in sorted(tables, key=rows.get):
            for method in methods:
                takes = name in mixed or method not in AS_THEY_ARE
                if takes and split < n_splits(method, rows[name]):
                    yield {
                        "data_set": name,
                        "split": split,
                        "method": method,
                        "version": version(method, label),
                        "task": TABLES[name].task,
                        "n_rows": rows[name],
                    }


def run(path, todo):
    """Run the fits and append the results to the file; the scores are not printed."""
    warm = set()
    for job in todo:
        method, task = job["method"], job["task"]
        if method not in warm:
            warm_up(method)
            warm.add(method)
        data = rows_of(method, job["data_set"], job["split"])
        estimator = estimator_for(method, task, job["split"], data[0])
        record = job | {"n_features": data[0].shape[1]} | measure(estimator, task, *data)
        with path.open("a", encoding="utf-8") as file:
            print(json.dumps(record), file=file)
        print(f"{'  '.join(map(str, key(record)))}  {record['seconds']:.1f} s", flush=True)


def chosen(records, tables, label):
    """Yield the records of some data sets; those of skneural only if they have the label."""
    for record in records:
        ours_or_not = METHODS[record["method"]][1] != OURS or record["version"] == label
        if record["data_set"] in tables and ours_or_not:
            yield record


def installed(methods):
    for method in methods:
        try:
            METHODS[method][0](REGRESSION, 0)
        except ImportError as error:
            print(f"{method} is left out: {error}")
        else:
            yield method


def renew(page, group, text):
    """Replace the tables between the two comments with the name of the group in a page."""
    start, end = f"<!-- tables: {group} -->\n", f"<!-- end: {group} -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(start)
    after = rest.partition(end)[2]
    if not after:
        raise ValueError(f"{page} needs the lines {start.strip()} and {end} around the tables")
    page.write_text(f"{before}{start}\n{text}\n\n{end}{after}", encoding="utf-8")


def arguments():
    parser = argparse.ArgumentParser(
        prog="accuracy",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--group", choices=[*GROUPS, "all"], default=DEVELOPMENT)
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=TABLES, help="data sets")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument(
        "--again", nargs="+", choices=METHODS, default=[], help="methods to measure again"
    )
    parser.add_argument(
        "--label", help="label for the results of skneural; default: its version"
    )
    parser.add_argument(
        "--results", type=Path, default=DEFAULT_RESULTS, help="default: %(default)s"
    )
    parser.add_argument("--page", type=Path, help="Markdown page whose tables are updated")
    parser.add_argument("--picture", type=Path, help="file for a picture of the scores")
    parser.add_argument(
        "--no-tables", action="store_true", help="measure without showing results"
    )
    parser.add_argument("--quick", action="store_true", help="two data sets, one split")
    return parser.parse_args()


def main():
    args = arguments()
    label = args.label or version("ours", None)
    tables = args.only or _tables.names(None if args.group == "all" else args.group)
    if args.quick:
        tables = ["diabetes", "iris"]
    methods = list(installed(dict.fromkeys(["constant", *args.methods])))
    todo = jobs(tables, methods, label, 1 if args.quick else 5)
    done = read(args.results)
    run(
        args.results,
        [job for job in todo if job["method"] in args.again or key(job) not in done],
    )
    if args.no_tables:
        return
    standing = _standing.Standing(chosen(read(args.results).values(), tables, label))
    print(standing.text())
    if args.page:
        renew(args.page, args.group, standing.text())
    if args.picture:
        from _picture import draw

        draw(standing, args.picture)


if __name__ == "__main__":
    main()
