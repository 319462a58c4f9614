"""Training time of skneural's MLPClassifier against scikit-learn's, as ratios.

    python benchmarks/mlp.py [--mnist PATH.npz] [--rounds 5]

Same data, batches, solver, dtype and threads allowed, in turn in one process.
An epoch of MNIST 784-128-64-10 (SGD, batch 64) needs the data: an .npz file with X and y,
named by --mnist or the environment variable SKNEURAL_MNIST. A fit of the digits
(1,440 x 64, 64-64-10, SGD, batch 32, 20 epochs) always runs.
"""

import argparse
import os

import numpy as np
from _harness import blas_threads, machine, pairs
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier as TheirClassifier

from skneural import MLPClassifier

PLAIN_SGD = {"solver": "sgd", "momentum": 0.0, "nesterovs_momentum": False}


def both(X, y, epochs, **settings):
    """One function that fits ours, and one that fits theirs, on the same data."""

    def ours():
        MLPClassifier(
            learning_rate=0.1, patience=np.inf, max_iter=epochs, **PLAIN_SGD, **settings
        ).fit(X, y)

    def theirs():
        TheirClassifier(
            learning_rate_init=0.1,
            n_iter_no_change=epochs,
            max_iter=epochs,
            **PLAIN_SGD,
            **settings,
        ).fit(X, y)

    return ours, theirs


def workloads(mnist):
    X, y = load_digits(return_X_y=True)
    X = (X[:1440] / 16).astype(np.float32)
    yield (
        "digits 64-64-10, fit of 20 epochs",
        both(X, y[:1440], epochs=20, hidden_layer_sizes=(64,), batch_size=32),
    )
    if mnist:
        data = np.load(mnist)
        X = data["X"][:60000].reshape(60000, -1).astype(np.float32) / 255
        yield (
            "MNIST 784-128-64-10, fit of 2 epochs",
            both(X, data["y"][:60000], epochs=2, hidden_layer_sizes=(128, 64), batch_size=64),
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", default=os.environ.get("SKNEURAL_MNIST"))
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    print(machine())
    print(f"{'work':38} {'threads':>7} {'ours':>9} {'theirs':>9} {'theirs / ours':>13}")
    for name, (ours, theirs) in workloads(args.mnist):
        for n_threads in sorted({1, os.cpu_count()}):
            with blas_threads(n_threads):
                own, peer, ratio = pairs(ours, theirs, args.rounds)
            print(f"{name:38} {n_threads:7} {own:8.3f}s {peer:8.3f}s {ratio:13.2f}")
    if not args.mnist:
        print("No MNIST: name its .npz file with --mnist or SKNEURAL_MNIST.")


if __name__ == "__main__":
    main()
