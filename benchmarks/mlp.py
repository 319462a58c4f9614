"""Fits of dense networks: MNIST, the digits, and rows of many words."""

from itertools import pairwise

import numpy as np
from _data import digits, mnist, text
from _harness import OURS, SKLEARN, SKORCH, TORCH, Work

RATES = {"sgd": 0.1, "adam": 1e-3}
PLAIN_SGD = {"momentum": 0.0, "nesterovs_momentum": False}


def ours(hidden, solver, batch_size, epochs):
    def make(X, y):
        from skneural import MLPClassifier

        return lambda: MLPClassifier(
            hidden,
            solver=solver,
            learning_rate=RATES[solver],
            batch_size=batch_size,
            max_iter=epochs,
            patience=np.inf,
            **PLAIN_SGD,
        ).fit(X, y)

    return make


def theirs(hidden, solver, batch_size, epochs):
    def make(X, y):
        from sklearn.neural_network import MLPClassifier

        return lambda: MLPClassifier(
            hidden,
            solver=solver,
            learning_rate_init=RATES[solver],
            batch_size=batch_size,
            max_iter=epochs,
            n_iter_no_change=epochs,
            **PLAIN_SGD,
        ).fit(X, y)

    return make


def by_torch(kind, n_inputs, hidden, solver, batch_size, epochs):
    def make(X, y):
        import _torch

        contestant = _torch.by_hand if kind == TORCH else _torch.by_skorch
        return contestant(
            lambda: _torch.dense(n_inputs, hidden),
            solver=solver,
            rate=RATES[solver],
            batch_size=batch_size,
            epochs=epochs,
        )(X, y)

    return make


def contestants(n_inputs, *settings):
    return {
        OURS: ours(*settings),
        SKLEARN: theirs(*settings),
        TORCH: by_torch(TORCH, n_inputs, *settings),
        SKORCH: by_torch(SKORCH, n_inputs, *settings),
    }


def step_flops(n_inputs, hidden, n_outputs=10):
    """Of the products for one row: forward, gradients of weights and of all inputs but X."""
    sizes = [n_inputs, *hidden, n_outputs]
    products = [2 * n * m for n, m in pairwise(sizes)]
    return 3 * sum(products) - products[0]


def works(quick):
    for hidden, n_rows in (((128, 64), 60_000), ((512, 256), 20_000)):
        n_rows = 300 if quick else n_rows
        for solver in RATES:
            for batch_size in (64, 256):
                units = "-".join(map(str, hidden))
                yield Work(
                    f"mnist-{units}-{solver}-{batch_size}",
                    f"MNIST 784-{units}-10, {solver}, batch {batch_size}, {n_rows:,} rows",
                    lambda n_rows=n_rows: mnist(n_rows),
                    contestants(784, hidden, solver, batch_size, 1),
                    flops=n_rows * step_flops(784, hidden),
                    memory=not quick or (hidden, solver, batch_size) == ((128, 64), "sgd", 64),
                )
    epochs = 2 if quick else 20
    yield Work(
        "digits",
        f"digits 64-64-10, sgd, batch 32, {epochs} epochs",
        digits,
        contestants(64, (64,), "sgd", 32, epochs),
        flops=epochs * 1797 * step_flops(64, (64,)),
    )
    shape = (400, 2_000) if quick else (20_000, 60_000)
    settings = (100,), "adam", 200, 1
    yield Work(
        "sparse",
        f"text-like CSR {shape[0]:,} x {shape[1]:,}, 100 units, adam, batch 200, 1 epoch",
        lambda: text(*shape),
        {OURS: ours(*settings), SKLEARN: theirs(*settings)},
        memory=not quick,
    )
