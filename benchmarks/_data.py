"""Data sets of the speed benchmarks."""

import os

import numpy as np


def mnist(n_rows):
    """Return flat images as float32, and labels; random ones if SKNEURAL_MNIST is not set."""
    path = os.environ.get("SKNEURAL_MNIST")
    if path:
        data = np.load(path)
        X, y = data["X"][:n_rows].reshape(n_rows, -1), data["y"][:n_rows]
    else:
        rng = np.random.default_rng(0)
        X, y = rng.integers(0, 256, (n_rows, 784), np.uint8), np.arange(n_rows) % 10
    X = X.astype(np.float32)
    X /= 255
    return X, y.astype(np.int64)


def digits(dtype="float32"):
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(dtype), y


def mnist_images(n_rows):
    X, y = mnist(n_rows)
    return X.reshape(-1, 28, 28, 1), y


def images(n_rows, side=32, channels=3):
    rng = np.random.default_rng(0)
    return rng.random((n_rows, side, side, channels), np.float32), np.arange(n_rows) % 10


def text(n_rows, n_words):
    """Return sparse rows of about 100 words each, with few frequent words, as from tf-idf."""
    from scipy import sparse  # imported here, so that it does not add to the memory of others

    rng = np.random.default_rng(0)
    lengths = rng.poisson(100, n_rows)
    # a log-uniform distribution of the words, which follows Zipf's law
    words = (n_words ** rng.random(lengths.sum())).astype(np.int32)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    values = rng.random(len(words), np.float32) / 10
    X = sparse.csr_array((values, words, starts), shape=(n_rows, n_words))
    X.sum_duplicates()
    return X, np.arange(n_rows) % 20
