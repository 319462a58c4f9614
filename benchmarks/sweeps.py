"""Whole sweeps: the backend "skneural" against processes, ours and scikit-learn's.

    python benchmarks --only sweep

A grid search over rate and penalty, all fits of one structure. Contestants run in turn in one
process; ratios are medians of theirs / ours with the backend.
"""

import statistics
from functools import partial

import numpy as np
from _data import digits, mnist
from _harness import OURS, SKLEARN, Work, duration, in_turn

N_JOBS = 2
PROCESSES = f"{OURS}, n_jobs={N_JOBS}"
HEADER = [
    "sweep",
    'backend="skneural"',
    f"{PROCESSES} / it",
    f"{SKLEARN}, n_jobs={N_JOBS} / it",
]


def table_of(name):
    """Features of unit variance, as float32."""
    from sklearn import datasets

    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return ((X - X.mean(axis=0)) / X.std(axis=0)).astype(np.float32), y


def sweep(kind, hidden, candidates, folds, fixed):
    """A contestant: a grid search, ours with the backend or on processes."""

    def make(X, y):
        import joblib
        from sklearn.model_selection import GridSearchCV

        rates, alphas = candidates
        if kind == SKLEARN:
            from sklearn.neural_network import MLPClassifier

            own, rate = {"n_iter_no_change": 1000}, "learning_rate_init"
        else:
            from skneural import MLPClassifier

            own, rate = {"patience": np.inf}, "learning_rate"
        model = MLPClassifier(hidden, random_state=0, **fixed, **own)
        grid = {rate: rates, "alpha": alphas}
        search = GridSearchCV(model, grid, cv=folds, n_jobs=N_JOBS, refit=False)
        backend = "skneural" if kind == OURS else "loky"

        def run():
            with joblib.parallel_config(backend=backend):
                search.fit(X, y)

        return run

    return make


def works(quick):
    """The sweeps, largest stacks first."""
    rates, alphas, folds = [0.01, 0.03, 0.1, 0.2], [0.0, 1e-5, 1e-4, 1e-3, 1e-2, 0.1], 5
    few, n_rows = ([0.03, 0.1], [1e-4]), 20_000
    if quick:
        rates, alphas, folds, n_rows = rates[:2], alphas[:1], 2, 500
    sgd = {"solver": "sgd", "momentum": 0.0, "nesterovs_momentum": False}
    for name, data, hidden, candidates, batch_size, n_epochs in (
        ("digits", digits, (64,), (rates, alphas), 32, 20),
        ("cancer", partial(table_of, "breast_cancer"), (32,), (rates, alphas), 32, 50),
        ("wine", partial(table_of, "wine"), (32,), (rates, alphas), 32, 100),
        ("mnist", partial(mnist, n_rows), (128, 64), few, 64, 5),
    ):
        n_epochs = 1 if quick else n_epochs
        n_candidates = len(candidates[0]) * len(candidates[1])
        title = f"{name}, {n_candidates} candidates x {folds} folds"
        title += f", hidden {'-'.join(map(str, hidden))}, batch {batch_size}, {n_epochs} epochs"
        fixed = {"batch_size": batch_size, "max_iter": n_epochs, **sgd}
        contestants = {
            kind: sweep(kind, hidden, candidates, folds, fixed)
            for kind in (OURS, PROCESSES, SKLEARN)
        }
        yield Work(f"sweep-{name}", title, data, contestants, threads=(1,))


def print_table(chosen, rounds, quick, peak):
    """Print the table, a row a sweep as it is done."""
    print("|", " | ".join(HEADER), "|")
    print("|" + "---|" * len(HEADER), flush=True)
    for work in chosen:
        times = in_turn(work, 1 if quick else rounds, warm_up=not quick)
        ours = times[OURS, 1]
        cells = [work.title, duration(statistics.median(ours))]
        for peer in (PROCESSES, SKLEARN):
            pairs = [theirs / our for theirs, our in zip(times[peer, 1], ours, strict=True)]
            cells.append(f"{statistics.median(pairs):.2f}")
        print("|", " | ".join(cells), "|", flush=True)
