"""Thousands of damaged and mutated files: each raises a ValueError or has valid contents.

    python tests/robustness/model_files.py [--damaged 500] [--mutated 1000]

Damaged models and checkpoints, which are cut off or have flipped bits, must never be loaded,
and no fit may resume from them. Mutated files have a correct checksum. They may be loaded if
the changed value is valid, such as another learning rate. They must not run code, raise
anything except ValueError, write a file, or use more memory than twice the size of the file
plus eight megabytes for its header. The counts are for each of the four estimators and for a
Pipeline with a ColumnTransformer. scikit-learn checks its parameters when they are used.
Loaded Pipelines therefore also predict, and may raise one of the usual errors. The script
takes some minutes. `tests/files/test_persistence.py`, `test_persistence_refusals.py` and
`test_checkpoint.py` run a few hundred cases.
"""

import argparse
import os
import sys
import tempfile
import tracemalloc
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

sys.path.insert(0, str(Path(__file__).parents[1]))
from _interrupted import FITS, fit
from _mutations import damaged, mutated, strangers
from _pipelines import FRAME, Y, mixed_columns

import skneural

ESTIMATORS = {
    "MLPClassifier": {"hidden_layer_sizes": (300, 200), "schedule": "cosine"},
    "MLPRegressor": {"solver": "sgd", "random_state": np.random.RandomState(0)},
    "ConvNetClassifier": {"batch_norm": True, "dropout": 0.1, "input_shape": (8, 8, 1)},
    "ConvNetRegressor": {"augmentation": {"shift": 1}, "input_shape": (64, 1)},
}


def use(estimator):
    """Summarize a network, or predict with a Pipeline, whose parameters may be wrong."""
    if hasattr(estimator, "summary"):
        estimator.summary()
        return
    with suppress(ValueError, TypeError, LookupError, AttributeError):
        estimator.predict(FRAME)


def outcome(path, data):
    """Load the bytes; return "refused" or "loaded", and the peak memory."""
    path.write_bytes(data)
    tracemalloc.start()
    try:
        use(skneural.load(path))
        result = "loaded"
    except ValueError as error:
        if str(path) not in str(error):  # not from the checks of files
            raise
        result = "refused"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert not os.getenv("SKNEURAL_PAYLOAD"), "a payload has run"
    assert os.listdir(path.parent) == [path.name]
    return result, peak


def files_of(path, data, change, n_files):
    """Load many files; return how many were refused and loaded, and the most extra memory."""
    counts, beyond = {"refused": 0, "loaded": 0}, 0
    for seed in range(n_files):
        bad = change(data, np.random.default_rng(seed))
        result, peak = outcome(path, bad)
        counts[result] += bad != data
        beyond = max(beyond, peak - 2 * len(bad))
    assert beyond < 2**23, beyond
    return counts, beyond


def checkpoints(path, n_files):
    """Damage checkpoints; neither `load` nor a resumed fit may accept them."""
    refused = 0
    for name in FITS:
        fit(name, path, max_iter=2)
        data = path.read_bytes()
        for seed in range(n_files // len(FITS)):
            path.write_bytes(damaged(data, np.random.default_rng(seed)))
            for read in (lambda n=name: fit(n, path, max_iter=2), lambda: skneural.load(path)):
                try:
                    read()
                except ValueError as error:
                    if f"{path} cannot be loaded: it" not in str(error):
                        raise
                else:
                    raise AssertionError(f"{name}, {seed}: a damaged checkpoint was read")
            refused += 1
        path.unlink()
    return refused


def fitted(X, y):
    """Return the saved models by name."""
    own = {}
    for name, params in ESTIMATORS.items():
        params = {"max_iter": 2, "patience": None, "random_state": 0, **params}
        own[name] = getattr(skneural, name)(**params, warm_start=True).fit(X, y)
    return {**own, "Pipeline": mixed_columns(warm_start=True).fit(FRAME, Y)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--damaged", type=int, default=500, help="of each model")
    parser.add_argument("--mutated", type=int, default=1000, help="of each model")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    X, y = load_digits(return_X_y=True)
    path = Path(tempfile.mkdtemp()) / "model.skneural"
    for name, data in strangers().items():
        result, peak = outcome(path, data)
        assert result == "refused", name
        assert peak < 2 * len(data) + 2**23, name
    n_damaged = n_mutated = n_loaded = most = 0
    for name, own in fitted(X[:200] / 16, y[:200]).items():
        skneural.save(own, path)
        data = path.read_bytes()
        counts, _ = files_of(path, data, damaged, args.damaged)
        assert not counts["loaded"], name
        n_damaged += counts["refused"]
        counts, beyond = files_of(path, data, mutated, args.mutated)
        n_mutated, n_loaded = n_mutated + sum(counts.values()), n_loaded + counts["loaded"]
        most = max(most, beyond)
        print(f"{name}, {len(data):,} bytes, mutated: {counts}", flush=True)
    path.unlink()
    n_checkpoints = checkpoints(path, args.damaged)
    print(
        f"model files: {len(strangers())} of strangers, {n_damaged} damaged models and "
        f"{n_checkpoints} damaged checkpoints refused; of {n_mutated} mutated ones {n_loaded} "
        f"loaded, at most {most:,} bytes beyond twice the file"
    )


if __name__ == "__main__":
    main()
