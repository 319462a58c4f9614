"""Beside a fit, the same steps in plain NumPy: what is left to gain, and what is not.

    python benchmarks --only bare

The program here has no layers, no checks, no penalty, and not even a loss: rows of a batch are
gathered, multiplied forward and back, and the parameters updated, each with the fastest call
of NumPy or of BLAS that is known here, on arrays made once. A program that
calls NumPy cannot do much better, whatever surrounds the calls.
"""

import statistics
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from _data import digits, mnist
from _harness import allowed_threads, seconds
from mlp import PLAIN_SGD
from scipy.linalg.blas import saxpy

HEADER = [
    "network",
    "plain NumPy, us a batch",
    "skneural, us a batch",
    "skneural / plain NumPy",
]


@dataclass
class Fit:
    """A fit of one network on one thread."""

    name: str
    title: str
    data: object
    hidden: tuple
    batch_size: int


class Program:
    """Training of a dense network with ReLU and softmax by plain SGD, for whole batches."""

    def __init__(self, X, y, hidden, batch_size):
        self.X, self.targets, self.size = X, np.eye(10, dtype=X.dtype)[y], batch_size
        units = [X.shape[1], *hidden, 10]
        self.shapes = list(pairwise(units))
        rng = np.random.default_rng(0)
        n_weights = sum(n * m for n, m in self.shapes)
        self.theta = np.zeros(n_weights + sum(units[1:]), X.dtype)
        self.theta[:n_weights] = rng.normal(scale=0.05, size=n_weights)
        self.weights, self.biases = self.views(self.theta)
        self.work = self.workspace(batch_size)

    def views(self, vector):
        """Weights and biases of the layers, within a vector of all."""
        stops = np.cumsum([n * m for n, m in self.shapes] + [m for _, m in self.shapes])
        arrays = np.split(vector, stops[:-1])
        weights = [a.reshape(s) for a, s in zip(arrays, self.shapes, strict=False)]
        return weights, arrays[len(weights) :]

    def workspace(self, n_rows):
        """Arrays for a batch: activations, slopes, gradients."""
        units = [self.shapes[0][0], *(m for _, m in self.shapes)]
        activations = [np.empty((n_rows, m), self.X.dtype) for m in units]
        deltas = [np.empty_like(a) for a in activations]
        active = [np.empty(a.shape, bool) for a in activations]
        zeros, ones = [np.zeros_like(a) for a in activations], np.ones(n_rows, self.X.dtype)
        grad = np.empty_like(self.theta)
        return activations, deltas, active, zeros, ones, grad, *self.views(grad)

    def gradient(self, rows):
        """Return the gradient of a batch."""
        activations, deltas, active, zeros, ones, grad, of_weights, of_biases = self.work
        self.X.take(rows, axis=0, out=activations[0], mode="clip")
        last = len(self.weights)
        for i in range(last):
            y = activations[i + 1]
            np.dot(activations[i], self.weights[i], out=y)
            y += self.biases[i]
            if i + 1 < last:
                np.maximum(y, zeros[i + 1], out=y)
                np.greater(y, zeros[i + 1], out=active[i + 1])
        delta = deltas[last]
        np.subtract(y, np.maximum.reduce(y, axis=1, keepdims=True), out=delta)
        np.exp(delta, out=delta)
        delta /= np.add.reduce(delta, axis=1, keepdims=True)
        delta -= self.targets.take(rows, axis=0, out=y, mode="clip")
        delta *= 1 / self.size
        for i in reversed(range(last)):
            np.dot(activations[i].T, deltas[i + 1], out=of_weights[i])
            np.dot(ones, deltas[i + 1], out=of_biases[i])
            if i:
                np.dot(deltas[i + 1], self.weights[i].T, out=deltas[i])
                deltas[i] *= active[i]
        return grad

    def epoch(self):
        """One pass over all whole batches."""
        order = np.random.default_rng(0).permutation(len(self.X))
        for begin in range(0, len(self.X) - self.size + 1, self.size):
            saxpy(self.gradient(order[begin : begin + self.size]), self.theta, a=-0.01)


def works(quick):
    """Networks of the table, with what a fit needs."""
    for name, title, data, hidden, batch_size, n_rows in (
        ("mnist", "784-128-64-10, batch 64", mnist, (128, 64), 64, 60_000),
        ("wide", "784-512-256-10, batch 256", mnist, (512, 256), 256, 20_000),
        ("digits", "64-64-10, batch 32", lambda _: digits(), (64,), 32, None),
    ):
        data = partial(data, 600 if quick else n_rows)
        yield Fit(f"bare-{name}", title, data, hidden, batch_size)


def print_table(chosen, rounds, quick, peak):
    """Print the table, a row a work as it is done."""
    print("|", " | ".join(HEADER), "|")
    print("|" + "---|" * len(HEADER), flush=True)
    for work in chosen:
        with allowed_threads(1):
            pairs = list(in_turn(work, 1 if quick else rounds))
        plain, ours = (1e6 * statistics.median(times) for times in zip(*pairs, strict=True))
        ratio = statistics.median(our / bare for bare, our in pairs)
        cells = work.title, f"{plain:.0f}", f"{ours:.0f}", f"{ratio:.2f}"
        print("|", " | ".join(cells), "|", flush=True)


def in_turn(work, rounds):
    """Yield the seconds a batch of the program, and of an epoch of a fit, in turn."""
    from skneural import MLPClassifier

    X, y = work.data()
    size = work.batch_size
    model = MLPClassifier(work.hidden, solver="sgd", batch_size=size, max_iter=1, **PLAIN_SGD)
    model.set_params(patience=np.inf).fit(X[:size], y[:size])
    program = Program(X, y, work.hidden, size)
    for i in range(rounds + 1):
        plain = seconds(program.epoch) / (len(X) // size)
        (ours,) = model.fit(X, y).history_["seconds"]
        if i:  # the first round pays for caches
            yield plain, ours / (len(X) / size)
