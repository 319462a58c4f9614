"""Fits in stacks: what a fit costs alone, beside others in one network, and in two threads.

    python benchmarks --only stacks

Without all that surrounds a fit in a search. The last column trains two stacks at once, in two
threads, and says how many times as fast that is as one after the other.
"""

import statistics
import threading
from dataclasses import dataclass

import mlp
import numpy as np
from _data import digits, mnist
from _harness import allowed_threads, seconds
from sweeps import table_of

WIDTHS = (8, 32, 64)
AT_ONCE = 32
HEADER = ["fits, ms each", "alone", *(f"stacks of {n}" for n in WIDTHS), "two threads"]


@dataclass
class Stacks:
    """Fits of one network."""

    name: str
    title: str
    data: object
    settings: dict
    widths: tuple = WIDTHS


def works(quick):
    """Networks of the sweeps, with plain SGD; the digits with Adam in float64, too."""
    sgd = {"solver": "sgd", "batch_size": 32, **mlp.PLAIN_SGD}
    epochs = 1 if quick else 20
    for name, title, data, hidden, more in (
        ("wine", "wine 13-32-3", lambda: table_of("wine"), (32,), sgd),
        ("cancer", "cancer 30-32-1", lambda: table_of("breast_cancer"), (32,), sgd),
        ("digits", "digits 64-64-10", digits, (64,), sgd),
        (
            "adam",
            "the same, adam, float64",
            digits,
            (64,),
            {"batch_size": 32, "dtype": "float64"},
        ),
    ):
        settings = {"hidden_layer_sizes": hidden, "max_iter": epochs, **more}
        widths = (2,) if quick else WIDTHS
        yield Stacks(f"stacks-{name}", f"{title}, {epochs} epochs", data, settings, widths)
    settings = {**sgd, "batch_size": 64, "hidden_layer_sizes": (128, 64), "max_iter": 1}
    n_rows = 300 if quick else 4_800
    title = f"MNIST 784-128-64-10, {n_rows:,} rows, 1 epoch"
    yield Stacks(
        "stacks-mnist", title, lambda: mnist(n_rows), settings, (2,) if quick else (8,)
    )


def print_table(chosen, rounds, quick, peak):
    """Print the table, a row a network."""
    print("|", " | ".join(HEADER), "|")
    print("|" + "---|" * len(HEADER), flush=True)
    for work in chosen:
        X, y = work.data()
        widths = {1: [], **{n: [] for n in work.widths}}
        gains = []
        with allowed_threads(1):
            for _ in range(1 if quick else rounds):
                for n, times in widths.items():
                    jobs = prepared(work.settings, X, y, n)
                    times.append(seconds(lambda jobs=jobs: trained(jobs)) / n)
                gains.append(gain_of_two_threads(work, X, y))
        cells = [f"{1e3 * statistics.median(times):.1f}" for times in widths.values()]
        cells += [""] * (1 + len(WIDTHS) - len(cells))
        print("|", " | ".join([work.title, *cells, f"{statistics.median(gains):.2f}"]), "|")


def prepared(settings, X, y, n_jobs):
    """Jobs as `fit` makes them: seeds and penalties differ, rows are five folds."""
    from skneural import MLPClassifier

    folds = [np.flatnonzero(np.arange(len(X)) % 5 != k) for k in range(5)]
    jobs = []
    for i in range(n_jobs):
        own = MLPClassifier(patience=np.inf, random_state=i, alpha=1e-4 * i, **settings)
        rows = folds[i % 5]
        given = None, None, None
        jobs.append(own._prepare(X[rows], y[rows], None, resume=False, given=given))
    return jobs


def trained(jobs):
    """Train jobs as one stack; a single one as `fit` does."""
    from skneural import _stack, _training
    from skneural._watch import Watch

    if len(jobs) == 1:
        _training.train(jobs[0], Watch(verbose=False))
    else:
        _stack.train_stack(jobs, [Watch(verbose=False)] * len(jobs))


def gain_of_two_threads(work, X, y):
    """How many times as fast two stacks at once are as one after the other."""
    n_jobs = min(AT_ONCE, max(work.widths))
    one, two, three, four = (prepared(work.settings, X, y, n_jobs) for _ in range(4))
    in_turn = seconds(lambda: [trained(one), trained(two)])
    threads = [threading.Thread(target=trained, args=(jobs,)) for jobs in (three, four)]

    def at_once():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return in_turn / seconds(at_once)
