"""Training with JAX as an expert would write it: a jitted `lax.scan` over the batches."""

from functools import partial
from itertools import pairwise
from math import prod

import jax
import numpy as np
from jax import numpy as jnp

ALPHA = 1e-4  # the default of the other libraries


def initial_weights(fit):
    """Return the weights and biases of every layer as NumPy arrays."""
    rng = np.random.default_rng(0)
    *size, units = fit.shape
    shapes = []
    for filters in fit.filters:
        shapes.append((3, 3, units, filters))
        size, units = [side // 2 for side in size], filters
    shapes += pairwise([prod(size) * units, *fit.hidden, 10])
    return [
        (
            rng.normal(0, (2 / prod(shape[:-1])) ** 0.5, shape).astype(fit.dtype),
            np.zeros(shape[-1], fit.dtype),
        )
        for shape in shapes
    ]


def convolved(x, weight):
    """Compute a 3 x 3 convolution as a product, much faster in a scan than that of XLA."""
    _, height, width, _ = x.shape
    x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = [x[:, i : i + height, j : j + width] for i in range(3) for j in range(3)]
    return jnp.concatenate(windows, 3) @ weight.reshape(-1, weight.shape[3])


def pooled(x):
    """Return the maxima of windows of 2 x 2; this form is faster than `reduce_window`."""
    n, height, width, channels = x.shape
    return x.reshape(n, height // 2, 2, width // 2, 2, channels).max((2, 4))


def loss(parameters, x, y):
    *hidden, (last_weight, last_bias) = parameters
    for weight, bias in hidden:
        convolves = weight.ndim == 4
        x = pooled(convolved(x, weight)) if convolves else x.reshape(len(x), -1) @ weight
        x = jax.nn.relu(x + bias)
    raw = x @ last_weight + last_bias
    return (jax.nn.logsumexp(raw, 1) - jnp.take_along_axis(raw, y[:, None], 1)[:, 0]).mean()


def sgd(rate, weights, gradient, moments, step):
    return weights - rate * gradient, moments


def adam(rate, weights, gradient, moments, step):
    first = 0.9 * moments[0] + 0.1 * gradient
    second = 0.999 * moments[1] + 0.001 * gradient**2
    root = jnp.sqrt(second / (1 - 0.999**step)) + 1e-8
    return weights - rate / (1 - 0.9**step) * first / root, (first, second)


@partial(jax.jit, static_argnums=0, donate_argnums=1)
def epoch(fit, state, X, y, order):
    """Train for one epoch. The last batch may be smaller than the others."""
    update = partial({"sgd": sgd, "adam": adam}[fit.solver], fit.rate)

    def train_on(state, rows):
        parameters, moments, step = state
        gradients = jax.grad(loss)(parameters, X[rows], y[rows])
        leaves, form = jax.tree.flatten(parameters)
        updated = [
            update(weights, gradient + ALPHA * weights, of_leaf, step)
            for weights, gradient, of_leaf in zip(
                leaves, jax.tree.leaves(gradients), moments, strict=True
            )
        ]
        leaves, moments = zip(*updated, strict=True)
        return (jax.tree.unflatten(form, leaves), list(moments), step + 1), None

    n_whole = len(order) // fit.batch_size * fit.batch_size
    state, _ = jax.lax.scan(train_on, state, order[:n_whole].reshape(-1, fit.batch_size))
    return train_on(state, order[n_whole:])[0] if n_whole < len(order) else state


def by_scan(fit, X, y):
    """Return a function that trains a network; its first call compiles the epoch."""
    jax.config.update("jax_enable_x64", fit.dtype == "float64")
    X, y = jnp.asarray(X), jnp.asarray(y.astype(np.int32))
    rng = np.random.default_rng(0)

    def train():
        parameters = jax.tree.map(jnp.asarray, initial_weights(fit))
        leaves = jax.tree.leaves(parameters)
        adam_moments = [(jnp.zeros_like(leaf), jnp.zeros_like(leaf)) for leaf in leaves]
        moments = adam_moments if fit.solver == "adam" else [() for _ in leaves]
        state = parameters, moments, jnp.ones((), fit.dtype)
        for _ in range(fit.epochs):
            state = epoch(fit, state, X, y, jnp.asarray(rng.permutation(len(X))))
        return jax.block_until_ready(state)

    return train
