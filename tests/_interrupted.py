"""A fit in a separate process that is killed: python _interrupted.py NAME PATH DELAY.

If a DELAY in seconds is given, the process kills itself after this time. If the fit ends
before, its digest is printed.
"""

import hashlib
import os
import signal
import sys
import warnings

from sklearn.datasets import load_digits

import skneural
from skneural import Checkpoint

X, Y = load_digits(return_X_y=True)
X, Y = X[:200] / 16, Y[:200]
FITS = {
    "dense": (
        "MLPClassifier",
        {"hidden_layer_sizes": (64, 32), "dropout": 0.2, "schedule": "auto"},
    ),
    "early stopping": (
        "MLPClassifier",
        {"early_stopping": True, "patience": 3, "tol": 0.01, "learning_rate": 0.03},
    ),
    "adaptive": (
        "MLPRegressor",
        {"schedule": "adaptive", "patience": 2, "tol": 1e6, "solver": "sgd"},
    ),
    "convolutions": (
        "ConvNetClassifier",
        {"filters": (4, 8), "input_shape": (8, 8, 1), "batch_norm": True, "dropout": 0.1,
         "augmentation": {"shift": 1}, "early_stopping": True, "schedule": "cosine"},
    ),
    "input noise": (
        "ConvNetRegressor",
        {"filters": 4, "input_shape": (64, 1), "input_noise": 0.1, "solver": "rmsprop",
         "dtype": "float32"},
    ),
}  # fmt: skip


def estimator(name, **more):
    """Return the unfitted estimator of a fit."""
    cls, params = FITS[name]
    defaults = {"batch_size": 32, "max_iter": 12, "random_state": 0, "patience": None}
    return getattr(skneural, cls)(**{**defaults, **params, **more})


def digest(own):
    """Return a digest of all results of a fit except the seconds."""
    history = {name: v for name, v in own.history_.items() if name != "seconds"}
    told = history, own.n_iter_, own.t_, own.best_loss_, own.score(X, Y), repr(own.network_)
    rngs = {name: rng.bit_generator.state for name, rng in own._progress.rngs.items()}
    state = own.network_.theta.tobytes() + own.network_.state.tobytes()
    return hashlib.sha256(repr((told, rngs)).encode() + state).hexdigest()


def fit(name, path, **more):
    """Run the fit with checkpoints, and resume it if there is a checkpoint."""
    own = estimator(name, **more).set_callbacks(Checkpoint(path, resume=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return own.fit(X, Y)


if __name__ == "__main__":
    name, path, delay = sys.argv[1:]
    if float(delay):
        signal.signal(signal.SIGALRM, lambda *args: os.kill(os.getpid(), signal.SIGKILL))
        signal.setitimer(signal.ITIMER_REAL, float(delay))
    print(digest(fit(name, path)))
