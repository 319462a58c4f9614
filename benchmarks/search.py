"""What surrounds fits: a search on two processes, and the import."""

import subprocess
import sys

import numpy as np
from _data import digits
from _harness import OURS, SKLEARN, SKORCH, TORCH, Work
from mlp import PLAIN_SGD

IMPORTS = {
    OURS: "from skneural import MLPClassifier",
    SKLEARN: "from sklearn.neural_network import MLPClassifier",
    TORCH: "import torch",
    SKORCH: "from skorch import NeuralNetClassifier",
}


def searching(kind, sizes, rates, epochs, folds):
    """A contestant: a grid of sizes and rates, on two processes."""

    def make(X, y):
        from sklearn.model_selection import GridSearchCV

        fixed = {"solver": "sgd", "batch_size": 32, **PLAIN_SGD}
        if kind == OURS:
            from skneural import MLPClassifier

            model = MLPClassifier(max_iter=epochs, patience=np.inf, **fixed)
            names = "hidden_layer_sizes", "learning_rate"
        elif kind == SKLEARN:
            from sklearn.neural_network import MLPClassifier

            model = MLPClassifier(max_iter=epochs, n_iter_no_change=epochs, **fixed)
            names = "hidden_layer_sizes", "learning_rate_init"
        else:
            import _torch

            settings = {"solver": "sgd", "rate": 0.1, "batch_size": 32, "epochs": epochs}
            model = _torch.skorch_classifier(_torch.dense, **settings)
            names = "module__hidden", "lr"
        grid = dict(zip(names, (sizes, rates), strict=True))
        search = GridSearchCV(model, grid, cv=folds, n_jobs=2, refit=False)
        return lambda: search.fit(X, y)

    return make


def importing(kind):
    """A contestant: a new interpreter that imports it."""

    def make():
        exec(IMPORTS[kind])  # whether it is installed
        return lambda: subprocess.run([sys.executable, "-c", IMPORTS[kind]], check=True)

    return make


def works(quick):
    sizes = [(16,), (32,), (64,), (128,), (64, 32), (128, 64)]
    rates, epochs, folds = [0.03, 0.1, 0.2, 0.3], 10, 5
    if quick:
        sizes, rates, epochs, folds = sizes[:1], rates[:2], 1, 2
    yield Work(
        "search",
        f"GridSearchCV on digits, {len(sizes) * len(rates)} candidates x {folds} folds, "
        f"n_jobs=2, batch 32, {epochs} epochs",
        digits,
        {
            kind: searching(kind, sizes, rates, epochs, folds)
            for kind in (OURS, SKLEARN, SKORCH)
        },
        threads=(1,),
    )
    yield Work(
        "import",
        "a new interpreter and the import",
        tuple,
        {kind: importing(kind) for kind in IMPORTS},
        threads=(1,),
    )
