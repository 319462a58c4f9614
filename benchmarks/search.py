"""Benchmark of a grid search on two processes."""

from functools import partial

from _data import digits
from _harness import OURS, SKLEARN, SKORCH, Work
from fits import PLAIN_SGD, Fit


def searching(kind, sizes, rates, epochs, folds, X, y):
    """Return a function that runs a grid search over layer sizes and learning rates."""
    from sklearn.model_selection import GridSearchCV

    fixed = {"solver": "sgd", "batch_size": 32, "max_iter": epochs, **PLAIN_SGD}
    if kind == OURS:
        from skneural import MLPClassifier

        model = MLPClassifier(schedule="constant", patience=None, **fixed)
        names = "hidden_layer_sizes", "learning_rate"
    elif kind == SKLEARN:
        from sklearn.neural_network import MLPClassifier

        model = MLPClassifier(n_iter_no_change=epochs, **fixed)
        names = "hidden_layer_sizes", "learning_rate_init"
    else:
        import _torch

        model = _torch.skorch_classifier(Fit((64,), (64,), "sgd", 32, epochs))
        names = "module__hidden", "lr"
    grid = dict(zip(names, (sizes, rates), strict=True))
    search = GridSearchCV(model, grid, cv=folds, n_jobs=2, refit=False)
    return lambda: search.fit(X, y)


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
            kind: partial(searching, kind, sizes, rates, epochs, folds)
            for kind in (OURS, SKLEARN, SKORCH)
        },
        threads=(2,),  # one in each of two processes
    )
