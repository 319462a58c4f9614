"""Functions that all studies use: loading data, showing progress, and checking options."""

import argparse
import math
import sys
import zipfile
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from sklearn.callback import ProgressBar
from sklearn.datasets import fetch_openml, load_digits
from sklearn.model_selection import train_test_split

try:
    import matplotlib.pyplot as plt
except ImportError:
    plt = None

DATA_HELP = """digits (the default), mnist (downloaded; the last 10,000 images are the test
    set), or the path of an npz file with the arrays X and y. If X is uint8 of shape (63000,
    28, 28), its last 3,000 images are the test set; otherwise the test set is a stratified
    fifth of the data."""


def show_progress(search):
    """Show the progress of a search on stderr: a bar in a terminal, lines elsewhere."""
    callback = PrintFits()
    if sys.stderr.isatty() and find_spec("rich"):
        import rich

        rich.reconfigure(stderr=True)  # the table goes to stdout
        callback = ProgressBar(max_propagation_depth=0)
    return search.set_callbacks(callback)


class PrintFits:
    """Callback of a search that prints a line after each fit, in whichever process it ran."""

    def setup(self, estimator, context):
        """Called before the search."""

    def teardown(self, estimator, context):
        """Called after the search."""

    def on_fit_task_begin(self, estimator, context):
        """Called before every fit."""

    def on_fit_task_end(self, estimator, context):
        """Called after every fit, and after the whole search."""
        if context.task_name == "candidate-split-evaluation":
            fits = context.parent
            seconds = (datetime.now(UTC) - fits.init_time).total_seconds()
            line = (
                f"fit {context.task_id + 1} of {fits.max_subtasks} done after {seconds:.1f} s"
            )
            print(line, file=sys.stderr, flush=True)


def load_data(source, seed):
    """Return X_train, X_test, y_train, y_test.

    If the data set defines a test set, it consists of the last samples. Otherwise the test
    set is a random fifth of each class.
    """
    n_test = 0
    if source == "digits":
        X, y = load_digits(return_X_y=True)
    elif source == "mnist":
        X, y = fetch_openml(
            "mnist_784", version=1, return_X_y=True, as_frame=False, parser="liac-arff"
        )  # needs no pandas
        n_test = 10_000
    else:
        X, y = read_npz(source)
        if X.dtype == np.uint8 and X.shape == (63_000, 28, 28):
            n_test = 3_000
    # One row per image. float32 represents pixels exactly and is faster than float64.
    X = X.reshape(len(X), -1).astype(np.float32)
    if n_test:
        return X[:-n_test], X[-n_test:], y[:-n_test], y[-n_test:]
    return train_test_split(X, y, test_size=0.2, stratify=y, random_state=seed)


def square_side(X):
    """Return the side length of the images in pixels; exit if they are not square."""
    side = math.isqrt(X.shape[1])
    if side**2 != X.shape[1]:
        sys.exit(f"error: X must hold square images of one channel, got {X.shape[1]} pixels")
    return side


def read_npz(path):
    """Return the arrays X and y of an npz file; raise ValueError if it cannot be used."""
    if not Path(path).is_file():
        raise ValueError(f"no such file: {path}")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"not an npz file: {path}")
    with np.load(path) as arrays:
        for name in ("X", "y"):
            if name not in arrays:
                raise ValueError(f"{path} has no array {name}, only: {', '.join(arrays)}")
        X, y = arrays["X"], arrays["y"]
    if X.ndim < 2 or y.shape != X.shape[:1]:
        raise ValueError(f"{path}: y must have one label per row, got {y.shape} for {X.shape}")
    return X, y


def study_parser(description, picture, epochs):
    """Return a parser for the options that the studies with cross-validation share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", default="digits", help=DATA_HELP)
    parser.add_argument("--jobs", type=int, default=1, help="parallel fits; -1: all cores")
    parser.add_argument(
        "--folds", type=int, default=5, help="number of folds, at least 2; default: 5"
    )
    parser.add_argument("--epochs", type=int, help=f"epochs per fit; default: {epochs}")
    parser.add_argument("--seed", type=int, default=0, help="random seed; default: 0")
    parser.add_argument("--output", type=Path, default=picture, help="file for the picture")
    return parser


def read_study(args, small, large):
    """Check the options and return the data: X, X_test, y, y_test.

    `small` and `large` are pairs of a batch size and a number of epochs: `small` is used for
    at most 10,000 training rows, `large` for more.
    """
    check_output(args.output)
    if args.folds < 2 or (args.epochs is not None and args.epochs < 1):
        sys.exit("error: --folds must be at least 2, --epochs at least 1")
    try:
        data = load_data(args.data, args.seed)
    except (ImportError, OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    args.batch_size, epochs = small if len(data[0]) <= 10_000 else large
    args.epochs = epochs if args.epochs is None else args.epochs
    return data


def check_output(path):
    """Exit with a one-line message if no picture can be written to `path`."""
    if plt is None:
        sys.exit("error: the picture needs matplotlib (pip install matplotlib)")
    if path.suffix not in (".png", ".pdf", ".svg"):
        sys.exit(f"error: --output must end in .png, .pdf or .svg, got {path}")
    if not path.parent.is_dir():
        sys.exit(f"error: no such folder: {path.parent}")
