"""Benchmarks of fits: dense networks on images and sparse text, and convolutional networks."""

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import prod

from _data import digits, images, mnist, mnist_images, text
from _harness import CONTESTANTS, JAX, OURS, PEAKS, SKLEARN, SKORCH, TORCH, Child, Work

PLAIN_SGD = {"momentum": 0.0, "nesterovs_momentum": False}


@dataclass(frozen=True)
class Fit:
    """A network with ten outputs, and the parameters with which all libraries train it."""

    shape: tuple
    hidden: tuple
    solver: str
    batch_size: int
    epochs: int = 1
    filters: tuple = ()  # 3 x 3 convolutions, each followed by max pooling over 2 x 2
    dtype: str = "float32"

    @property
    def rate(self):
        """The learning rate."""
        return {"sgd": 0.05 if self.filters else 0.1, "adam": 1e-3}[self.solver]

    def flops(self, n_rows):
        """Return the operations of all products in the forward and backward passes.

        The backward pass computes the gradients of all weights and of all inputs except X.
        """
        *size, units = self.shape
        products = []
        for filters in self.filters:
            products.append(2 * prod(size) * 9 * units * filters)
            size, units = [side // 2 for side in size], filters
        products += [2 * n * m for n, m in pairwise([prod(size) * units, *self.hidden, 10])]
        return self.epochs * n_rows * (3 * sum(products) - products[0])


def ours(fit, X, y):
    from skneural import ConvNetClassifier, MLPClassifier

    model = ConvNetClassifier(fit.filters) if fit.filters else MLPClassifier()
    model.set_params(
        hidden_layer_sizes=fit.hidden,
        solver=fit.solver,
        learning_rate=fit.rate,
        schedule="constant",
        beta_2=0.999,
        batch_size=fit.batch_size,
        max_iter=fit.epochs,
        patience=None,
        **PLAIN_SGD,
    )
    return lambda: model.fit(X, y)


def by_sklearn(fit, X, y):
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        fit.hidden,
        solver=fit.solver,
        learning_rate_init=fit.rate,
        batch_size=fit.batch_size,
        max_iter=fit.epochs,
        n_iter_no_change=fit.epochs,
        **PLAIN_SGD,
    )
    return lambda: model.fit(X, y)


def by_torch(fit, X, y):
    import _torch

    return _torch.by_hand(fit, X, y)


def by_skorch(fit, X, y):
    import _torch

    return _torch.by_skorch(fit, X, y)


def by_jax(fit, X, y):
    import _jax

    return _jax.by_scan(fit, X, y)


MAKERS = {OURS: ours, SKLEARN: by_sklearn, TORCH: by_torch, SKORCH: by_skorch, JAX: by_jax}


def contestants(fit, names=CONTESTANTS):
    """Return the libraries in `names` that can train the network."""
    return {
        name: partial(MAKERS[name], fit)
        for name in names
        if not (fit.filters and name == SKLEARN)
    }


def dense_works(quick):
    for name, hidden, solver, batch_size, n_rows in (
        ("mnist", (128, 64), "sgd", 64, 60_000),
        ("mnist", (128, 64), "adam", 64, 60_000),
        ("wide", (512, 256), "sgd", 256, 20_000),
        ("wide", (512, 256), "adam", 64, 20_000),
    ):
        n_rows = 300 if quick else n_rows
        fit = Fit((784,), hidden, solver, batch_size)
        units = "-".join(map(str, hidden))
        yield Work(
            f"{name}-{solver}",
            f"MNIST 784-{units}-10, {solver}, batch {batch_size}, {n_rows:,} rows",
            partial(mnist, n_rows),
            contestants(fit),
            fit.flops(n_rows),
        )
    epochs = 2 if quick else 20
    for solver, dtype in (("sgd", "float32"), ("adam", "float64")):
        fit = Fit((64,), (64,), solver, 32, epochs, dtype=dtype)
        yield Work(
            f"digits-{solver}",
            f"digits 64-64-10, {solver}, {dtype}, batch 32, {epochs} epochs",
            partial(digits, dtype),
            contestants(fit),
            fit.flops(1797) if dtype == "float32" else 0,
            threads=(1,),
        )


def convolutional_works(quick):
    for title, data, shape, filters, n_rows in (
        ("MNIST", mnist_images, (28, 28, 1), (16, 32), 6_400),
        ("32 x 32 x 3", images, (32, 32, 3), (32, 64, 128), 1_280),
    ):
        n_rows = 128 if quick else n_rows
        fit = Fit(shape, (64,), "sgd", 64, filters=filters)
        yield Work(
            f"convnet-{shape[0]}",
            f"ConvNet {filters} on {title}, sgd, batch 64, {n_rows:,} images",
            partial(data, n_rows),
            contestants(fit),
            fit.flops(n_rows),
        )


def works(quick):
    """Yield the benchmarks of times, and one of the memory of a process with a fit."""
    dense = list(dense_works(quick))
    yield from dense
    yield from convolutional_works(quick)
    n_rows, n_words = (400, 2_000) if quick else (20_000, 60_000)
    yield Work(
        "sparse",
        f"text-like CSR {n_rows:,} x {n_words:,}, 100 units, adam, batch 200, 1 epoch",
        partial(text, n_rows, n_words),
        contestants(Fit((n_words,), (100,), "adam", 200), (OURS, SKLEARN)),
    )
    if PEAKS:
        fit = dense[0]
        yield Work(
            "memory",
            f"process memory beyond the data, {fit.title}",
            tuple,
            {name: partial(megabytes, fit, name, quick) for name in fit.contestants},
            threads=(1,),
            unit="MB",
        )


def megabytes(work, name, quick):
    """Return a function that returns the peak memory of a new process with one fit."""

    def run():
        with Child(work, name, 1, quick) as child:
            return child.run()[1]

    with Child(work, name, 1, quick):  # raises ImportError if the library is not installed
        return run
