"""Benchmarks of predictions for MNIST 784-128-64-10: all rows at once, and row by row."""

from _data import mnist
from _harness import OURS, SKLEARN, SKORCH, TORCH, Work
from fits import Fit, contestants

FIT, CHUNK = Fit((784,), (128, 64), "sgd", 64), 1_000


def fitted(kind, X, y):
    """Return a model that was trained for one epoch on 1,000 rows."""
    return contestants(FIT)[kind](X[:1000], y[:1000])()


def all_rows(kind):
    def make(X, y):
        model = fitted(kind, X, y)
        return lambda: model.predict(X)

    return make


def all_rows_by_hand(X, y):
    import torch

    network, X = fitted(TORCH, X, y).eval(), torch.from_numpy(X)

    def predict():
        with torch.inference_mode():
            return torch.cat([network(x).argmax(1) for x in X.split(CHUNK)]).numpy()

    return predict


def row_by_row(kind):
    def make(X, y):
        model = fitted(kind, X, y)
        return lambda: [model.predict_proba(X[i : i + 1]) for i in range(len(X))]

    return make


def row_by_row_by_hand(X, y):
    import torch

    network = fitted(TORCH, X, y).eval()

    def predict():
        with torch.inference_mode():
            for i in range(len(X)):
                network(torch.from_numpy(X[i : i + 1])).softmax(1).numpy()

    return predict


def works(quick):
    kinds = OURS, SKLEARN, SKORCH
    n_rows, n_calls = (2_000, 20) if quick else (60_000, 1_000)
    yield Work(
        "predict",
        f"predict {n_rows:,} rows, MNIST 784-128-64-10",
        lambda: mnist(n_rows),
        {kind: all_rows(kind) for kind in kinds} | {TORCH: all_rows_by_hand},
        flops=n_rows * 2 * (784 * 128 + 128 * 64 + 64 * 10),
    )
    yield Work(
        "latency",
        "predict_proba of one row, MNIST 784-128-64-10",
        lambda: mnist(n_calls),
        {kind: row_by_row(kind) for kind in kinds} | {TORCH: row_by_row_by_hand},
        calls=n_calls,
        threads=(1,),
    )
