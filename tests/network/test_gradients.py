"""Gradients compared with finite differences, along one random direction per network."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse

from skneural._network.layers.activations import ACTIVATIONS
from skneural._network.layers.base import Layer
from skneural._network.layers.batch_norm import BatchNorm
from skneural._network.layers.dense import Dense
from skneural._network.layers.dropout import Dropout
from skneural._network.layers.noise import GaussianNoise
from skneural._network.losses.classification import (
    CLASSIFIER_LOSSES,
    HingeLoss,
    MulticlassHinge,
    MultiHead,
)
from skneural._network.losses.links import LinkedLoss, LogitLink, LogLink
from skneural._network.losses.quantiles import QuantilesLoss
from skneural._network.losses.regression import (
    REGRESSOR_LOSSES,
    AbsoluteError,
    HalfGamma,
    HalfPoisson,
    HalfSquaredError,
    HuberLoss,
    PinballLoss,
)
from skneural._network.network import Network
from skneural._network.philox import Draws

OF_COLUMNS, OF_ONE_HOT_ROWS = map(tuple, zip(*CLASSIFIER_LOSSES.values(), strict=True))
OF_REAL_TARGETS = tuple(REGRESSOR_LOSSES.values())
LOSSES = (*OF_COLUMNS, *OF_ONE_HOT_ROWS, *OF_REAL_TARGETS, LinkedLoss, QuantilesLoss)


def targets(loss, shape, rng):
    if isinstance(loss, QuantilesLoss):
        return np.repeat(rng.normal(size=(shape[0], 1)), shape[1], axis=1)
    if isinstance(loss, MultiHead):
        heads = zip(loss.heads, loss.sizes, strict=True)
        return np.hstack([targets(head, (shape[0], size), rng) for head, size in heads])
    if isinstance(loss, HalfPoisson):
        return rng.poisson(2.0, shape).astype(float)
    if isinstance(loss, HalfGamma):
        return rng.gamma(2.0, size=shape)
    if isinstance(loss, (*OF_REAL_TARGETS, LinkedLoss)):
        return rng.normal(size=shape)
    if isinstance(loss, OF_COLUMNS):
        return rng.integers(0, 2, shape).astype(float)
    return np.eye(shape[1])[rng.integers(0, shape[1], shape[0])]


def drawn_loss(kind, n_outputs, draw, losses=LOSSES):
    """Return a loss of a class with a random parameter, and its number of outputs."""
    if kind is MultiHead:
        kinds = draw(st.lists(st.sampled_from(losses), min_size=2, max_size=3))
        heads, sizes = zip(*(drawn_loss(head, n_outputs, draw) for head in kinds), strict=True)
        return MultiHead(heads, sizes), sum(sizes)
    if kind is QuantilesLoss:
        return QuantilesLoss(np.linspace(0.1, 0.9, n_outputs)), n_outputs
    if kind is LinkedLoss:
        linked = draw(st.sampled_from([HalfSquaredError, AbsoluteError, HuberLoss]))
        link = draw(st.sampled_from([LogLink(), LogitLink(), LogitLink(-2, 3)]))
        return LinkedLoss(drawn_loss(linked, n_outputs, draw)[0], link), n_outputs
    if kind in (HuberLoss, PinballLoss):
        return kind(draw(st.sampled_from([0.2, 0.5, 0.9]))), n_outputs
    return kind(), max(2, n_outputs) if kind in OF_ONE_HOT_ROWS else n_outputs


def side_of_kinks(loss, y, z):
    """Return on which side of every kink of the loss, or of its derivative, z lies."""
    if isinstance(loss, MultiHead):
        heads = zip(loss.heads, loss.segments, strict=True)
        return np.hstack([side_of_kinks(head, y[:, part], z[:, part]) for head, part in heads])
    if isinstance(loss, LinkedLoss):
        return side_of_kinks(loss.loss, y, loss.predict(z, out=z.copy()))
    if isinstance(loss, AbsoluteError | PinballLoss):
        return (z > y).ravel()
    if isinstance(loss, HuberLoss):
        return (np.abs(z - y) > loss.delta).ravel()
    if isinstance(loss, HingeLoss):  # and the perceptron's
        return ((2 * y - 1) * z > loss.margin).ravel()
    if isinstance(loss, MulticlassHinge):
        rivals = np.where(y, -np.inf, z)
        return np.hstack([rivals.argmax(1), rivals.max(1) + loss.margin > z[y > 0]])
    return np.empty(0)


class Watch(Layer):
    """A layer that passes its input on and stores a copy."""

    def __init__(self, seen):
        self.seen = seen  # one list for all copies that a network binds

    def forward(self, x, *, training):
        self.seen.append(x.copy())
        return x

    def backward(self, dy, *, need_dx=True):
        return dy


def watched_network(loss, n_inputs, noise, hidden, n_outputs, seed):
    """Return a network, and a list of the inputs of its kinks that ends with its output."""
    seen = []
    layers = [GaussianNoise(noise)] * bool(noise)
    for units, activation, batch_norm, dropout in hidden:
        layers += [Dense(units)] + [BatchNorm()] * batch_norm
        layers += [Watch(seen)] * (activation in ("relu", "leaky_relu", "elu"))  # bent at 0
        layers += [ACTIVATIONS[activation]()] + [Dropout(dropout)] * bool(dropout)
    layers += [Dense(n_outputs), Watch(seen)]
    network = Network(layers, loss, (n_inputs,), np.float64)
    rng = np.random.default_rng(seed)
    network.init_params(rng)
    network.theta[...] = rng.normal(0, 0.5, network.n_params)
    return network, seen


def directional_error(network, seen, seed, x, y, *weight_and_penalty):
    """Return the relative error of the gradient and whether it can be compared.

    The gradient is compared with central differences along a direction. They are wrong, however
    small the step, unless all points are on the same side of every kink.
    """
    rng = np.random.default_rng(seed)
    network.bind(len(y), Draws(seed))  # one step: the same noise and masks every time
    start = network.theta.copy()
    sides = []

    def loss_at(theta):
        seen.clear()
        network.theta[...] = theta
        value = network.loss_and_grad(x, y, *weight_and_penalty)
        *before_kinks, raw = seen
        side = [z.ravel() > 0 for z in (theta[: network.n_weights], *before_kinks)]
        sides.append(np.hstack([*side, side_of_kinks(network.loss, y, raw)]))
        return value

    direction = rng.normal(size=network.n_params)
    direction /= np.linalg.norm(direction)
    loss_at(start)
    analytic = network.grad @ direction
    # five points: the error of the usual two is too large where batch norm meets two rows
    # that are almost the same
    step = 3e-5
    near, far = (
        loss_at(start + distance * direction) - loss_at(start - distance * direction)
        for distance in (step, 2 * step)
    )
    numeric = (8 * near - far) / (12 * step)
    # losses are rounded at 1e-16, so differences cannot tell more of a tiny gradient
    error = abs(analytic - numeric) / max(1e-3, abs(analytic))
    return error, np.array_equal(sides, sides[:1] * len(sides))


def hidden_layer(activations):
    batch_norm, dropout = st.booleans(), st.sampled_from([0.0, 0.4])
    return st.tuples(
        st.integers(1, 5), st.sampled_from(sorted(activations)), batch_norm, dropout
    )


HIDDEN_LAYER = hidden_layer(ACTIVATIONS)


@pytest.mark.parametrize("kind", [*LOSSES, MultiHead], ids=lambda kind: kind.__name__)
@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    n_rows=st.integers(1, 6),
    n_inputs=st.integers(1, 5),
    as_sparse=st.booleans(),
    noise=st.sampled_from([0.0, 0.3]),
    hidden=st.integers(0, 3).flatmap(lambda n: st.lists(HIDDEN_LAYER, min_size=n, max_size=n)),
    n_outputs=st.integers(1, 4),
    weighted=st.booleans(),
    alpha=st.sampled_from([0.0, 0.3]),
    l1_ratio=st.sampled_from([0.0, 0.4, 1.0]),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_gradient_of_drawn_networks(
    kind,
    n_rows,
    n_inputs,
    as_sparse,
    noise,
    hidden,
    n_outputs,
    weighted,
    alpha,
    l1_ratio,
    seed,
    data,
):
    """Test every loss with random layers, activations, weights and penalties."""
    loss, n_outputs = drawn_loss(kind, n_outputs, data.draw)
    noise = 0.0 if as_sparse else noise
    network, seen = watched_network(loss, n_inputs, noise, hidden, n_outputs, seed)
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_rows, n_inputs))
    y = targets(loss, (n_rows, n_outputs), rng)
    weight = rng.uniform(0.1, 3, n_rows) if weighted else None
    x = sparse.csr_array(x) if as_sparse else x
    error, no_kink = directional_error(network, seen, seed, x, y, weight, alpha, l1_ratio)
    assume(no_kink)
    assert error < 1e-7
