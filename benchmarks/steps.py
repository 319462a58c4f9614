"""Where the time of a step goes: layer by layer, beside the products at full speed.

    python benchmarks --only steps

On one thread. A step of a fit gathers the rows of a batch, passes them forward and the
gradient backward, and updates. The last column is the time of a layer's matrix products at
the speed of a large square one in the same run: what no code can go below that multiplies.
"""

import statistics
import time
from dataclasses import dataclass

import mlp
import numpy as np
from _data import digits, images, mnist
from _harness import allowed_threads

HEADER = ["part of a step", "forward, us", "backward, us", "products at the SGEMM peak, us"]


@dataclass
class Steps:
    """Steps of one network."""

    name: str
    title: str
    data: object
    estimator: object


def works(quick):
    """Networks of the table, with plain SGD."""

    def dense(hidden, batch_size):
        from skneural import MLPClassifier

        return MLPClassifier(hidden, solver="sgd", batch_size=batch_size, **mlp.PLAIN_SGD)

    def convolutional(filters):
        from skneural import ConvNetClassifier

        return ConvNetClassifier(filters, solver="sgd", batch_size=64, **mlp.PLAIN_SGD)

    def squares():
        X, y = mnist(2_000)
        return X.reshape(-1, 28, 28, 1), y

    for name, title, data, make, settings in (
        ("mnist", "784-128-64-10, batch 64", lambda: mnist(2_000), dense, ((128, 64), 64)),
        ("wide", "784-512-256-10, batch 256", lambda: mnist(2_000), dense, ((512, 256), 256)),
        ("digits", "64-64-10, batch 32", digits, dense, ((64,), 32)),
        ("convnet-28", "ConvNet (16, 32), batch 64", squares, convolutional, [(16, 32)]),
        (
            "convnet-32",
            "ConvNet (32, 64, 128), batch 64",
            lambda: images(640),
            convolutional,
            [(32, 64, 128)],
        ),
    ):
        yield Steps(f"steps-{name}", title, data, lambda make=make, s=settings: make(*s))


def print_table(chosen, rounds, quick, peak):
    """Print the parts of a step of every network."""
    print("|", " | ".join(HEADER), "|")
    print("|" + "---|" * len(HEADER))
    for work in chosen:
        X, y = work.data()
        with allowed_threads(1):
            n_steps = 3 if quick else 40 * rounds
            parts = list(measured(work.estimator(), X, y, n_steps))
        print(f"| **{work.title}** | | | |")
        total = [0.0, 0.0, 0.0]
        for label, forward, backward, flops in parts:
            values = [forward * 1e6, backward * 1e6, flops / peak * 1e6]
            total = [a + b for a, b in zip(total, values, strict=True)]
            print("|", " | ".join([label, *map(_rounded, values)]), "|")
        print("|", " | ".join(["together", *map(_rounded, total)]), "|", flush=True)


def _rounded(microseconds):
    return f"{microseconds:.0f}" if microseconds >= 0.5 else ""


def measured(estimator, X, y, n_steps):
    """Yield label, median seconds forward and backward, and flops of every part of a step."""
    estimator.set_params(max_iter=1, patience=np.inf, random_state=0).fit(X, y)
    X, targets = X.reshape(len(X), -1), np.eye(10, dtype=X.dtype)[y]
    network, size = estimator.network_, estimator.batch_size
    optimizer = estimator._make_optimizer(network.n_weights)
    network.bind(size)
    layers, way_back = network._bound, network._way_back
    clock = _Clock()
    rng = np.random.default_rng(0)
    rows, of_targets = np.empty((size, X.shape[1]), X.dtype), np.empty((size, 10), X.dtype)
    delta = np.empty_like(of_targets)
    for _ in range(n_steps):
        order = rng.permutation(len(X))[:size]
        with clock("gather"):
            X.take(order, axis=0, out=rows, mode="clip")
            targets.take(order, axis=0, out=of_targets, mode="clip")
        out = network.pixel_rows(rows)
        for i, layer in enumerate(layers):
            with clock("forward", i):
                out = layer.forward(out, training=True)
        with clock("loss"):
            network.loss.loss_gradient(of_targets, out, None, gradient_out=delta)
        gradient = delta
        for i, (layer, need_dx) in enumerate(way_back):
            with clock("backward", len(layers) - 1 - i):
                gradient = layer.backward(gradient, need_dx=need_dx)
        with clock("penalty"):
            network._add_penalty(1e-4 / size, 0.0)
        with clock("update"):
            optimizer.step(network.theta, network.grad, 1e-6, {})
    first = len(layers) - len(way_back)
    yield "rows gathered", clock.median("gather"), 0.0, 0.0
    for i, layer in enumerate(network.layers):
        times = clock.median("forward", i), clock.median("backward", i)
        yield layer.label, *times, size * _flops(network, i, first)
    yield "loss", clock.median("loss"), 0.0, 0.0
    yield "penalty and update", 0.0, clock.median("penalty") + clock.median("update"), 0.0


def _flops(network, i, first):
    """Of the products of a layer for one sample: forward, weights and input."""
    weight = network.layers[i].param_shapes.get("weight")
    if weight is None:
        return 0
    shapes = [*network.input_shapes, network.output_shape]
    product = 2 * np.prod(weight) * np.prod(shapes[i + 1][:-1])
    return product * (3 if i > first else 2)


class _Clock:
    """Seconds of pieces of code, by name."""

    def __init__(self):
        self.times = {}

    def __call__(self, *name):
        self.name = name
        return self

    def __enter__(self):
        self.start = time.perf_counter()

    def __exit__(self, *error):
        self.times.setdefault(self.name, []).append(time.perf_counter() - self.start)

    def median(self, *name):
        return statistics.median(self.times.get(name, [0.0]))
