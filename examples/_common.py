"""What the examples share: data sets, and checks before any work."""

import sys
import zipfile
from pathlib import Path

import numpy as np
from sklearn.datasets import fetch_openml, load_digits
from sklearn.model_selection import train_test_split

try:
    import matplotlib.pyplot as plt
except ImportError:
    plt = None

DATA_HELP = """digits (the default), mnist (a download; its last 10,000 rows are for the
    test), or the path of an npz file with arrays X and y: if X is uint8 of shape (63000,
    28, 28) the rows after the first 60,000 are for the test, else a stratified fifth"""


def load_data(source, seed):
    """Rows for training and rows for the test, and their labels.

    The test rows are the last ones where the data come with test rows of their own, a
    fifth of each class elsewhere.
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
    # one row an image; float32 holds pixels exactly and is faster than float64
    X = X.reshape(len(X), -1).astype(np.float32)
    if n_test:
        return X[:-n_test], X[-n_test:], y[:-n_test], y[-n_test:]
    return train_test_split(X, y, test_size=0.2, stratify=y, random_state=seed)


def read_npz(path):
    """The arrays X and y of a file, or a ValueError that says what is wrong with it."""
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
        raise ValueError(f"{path}: y must be one label a row, got {y.shape} for {X.shape}")
    return X, y


def check_output(path):
    """End the program with one line if no picture can be written there."""
    if plt is None:
        sys.exit("error: the picture needs matplotlib (pip install matplotlib)")
    if path.suffix not in (".png", ".pdf", ".svg"):
        sys.exit(f"error: --output must end in .png, .pdf or .svg, got {path}")
    if not path.parent.is_dir():
        sys.exit(f"error: no such folder: {path.parent}")
