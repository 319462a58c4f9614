"""Thousands of damaged and mutated model files: each is refused by a ValueError or loads.

    python tests/robustness/model_files.py [--files 1000]

A damaged file (cut off, or with flipped bits) must never load. A mutated one, by a stranger
who writes a right checksum, may load if what was changed is allowed, such as a learning rate;
it must run no code, raise nothing but ValueError, and never take more than twice the file
beyond a few megabytes for its header. `tests/test_persistence.py` runs a few hundred.
"""

import argparse
import os
import sys
import tempfile
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

sys.path.insert(0, str(Path(__file__).parents[1]))
from _mutations import damaged, mutated, strangers

import skneural

ESTIMATORS = {
    "MLPClassifier": {"hidden_layer_sizes": (300, 200), "schedule": "cosine"},
    "MLPRegressor": {"solver": "sgd", "random_state": np.random.RandomState(0)},
    "ConvNetClassifier": {"batch_norm": True, "dropout": 0.1, "input_shape": (8, 8, 1)},
    "ConvNetRegressor": {"augmentation": {"shift": 1}, "input_shape": (64, 1)},
}


def outcome(path, data):
    """Load the bytes; return "refused" or "loaded" and the peak of memory."""
    path.write_bytes(data)
    tracemalloc.start()
    try:
        skneural.load(path).summary()
        result = "loaded"
    except ValueError:
        result = "refused"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    if os.getenv("SKNEURAL_PAYLOAD"):
        raise SystemExit("a payload has run")
    return result, peak


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1000, help="of each kind and estimator")
    n_files = parser.parse_args().files
    warnings.simplefilter("ignore")
    X, y = load_digits(return_X_y=True)
    path = Path(tempfile.mkdtemp()) / "model.skneural"
    for data in strangers().values():
        assert outcome(path, data)[0] == "refused"
    for name, params in ESTIMATORS.items():
        params = {"max_iter": 2, "patience": np.inf, "random_state": 0, **params}
        own = getattr(skneural, name)(**params, warm_start=True).fit(X[:200] / 16, y[:200])
        skneural.save(own, path)
        data = path.read_bytes()
        for kind, change in (("damaged", damaged), ("mutated", mutated)):
            counts, beyond = {"refused": 0, "loaded": 0}, 0
            for seed in range(n_files):
                bad = change(data, np.random.default_rng(seed))
                result, peak = outcome(path, bad)
                counts[result] += bad != data
                beyond = max(beyond, peak - 2 * len(bad))
            assert kind == "mutated" or not counts["loaded"]
            assert beyond < 2**23
            print(
                f"{name}, {len(data):,} bytes, {kind}: {counts}, at most {beyond:,} bytes "
                "beyond twice the file"
            )


if __name__ == "__main__":
    main()
