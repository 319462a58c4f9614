"""Gradients against finite differences, along one random direction a network."""

import numpy as np
import pytest
from _networks import dense_network
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from skneural._losses import HalfSquaredError, LogisticCrossEntropy, SoftmaxCrossEntropy
from skneural.layers._activations import ACTIVATIONS


def targets(loss, shape, rng):
    if isinstance(loss, HalfSquaredError):
        return rng.normal(size=shape)
    if isinstance(loss, LogisticCrossEntropy):
        return rng.integers(0, 2, shape).astype(float)
    return np.eye(shape[1])[rng.integers(0, shape[1], shape[0])]


def directional_error(network, x, y, sample_weight, alpha, rng):
    """Relative difference between the gradient and central differences along a direction."""
    network.bind(len(y))
    network.loss_and_grad(x, y, sample_weight, alpha)
    direction = rng.normal(size=network.n_params)
    direction /= np.linalg.norm(direction)
    analytic = network.grad @ direction
    start, losses = network.theta.copy(), []
    step = 1e-5
    for sign in (1, -1):
        network.theta[...] = start + sign * step * direction
        losses.append(network.loss_and_grad(x, y, sample_weight, alpha))
    network.theta[...] = start
    numeric = (losses[0] - losses[1]) / (2 * step)
    return abs(analytic - numeric) / max(1.0, abs(analytic))


# relu and leaky_relu are left to a seed away from their kink
SMOOTH = sorted(set(ACTIVATIONS) - {"relu", "leaky_relu"})


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    n_rows=st.integers(1, 6),
    n_inputs=st.integers(1, 5),
    hidden=st.lists(st.integers(1, 5), max_size=3),
    n_outputs=st.integers(1, 4),
    activation=st.sampled_from(SMOOTH),
    loss=st.sampled_from([HalfSquaredError, LogisticCrossEntropy, SoftmaxCrossEntropy]),
    weighted=st.booleans(),
    alpha=st.sampled_from([0.0, 0.3]),
    as_sparse=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_gradient_of_drawn_networks(
    n_rows, n_inputs, hidden, n_outputs, activation, loss, weighted, alpha, as_sparse, seed
):
    rng = np.random.default_rng(seed)
    sizes = (n_inputs, *hidden, n_outputs)
    network = dense_network(sizes, activation, loss(), seed=seed)
    x = rng.normal(size=(n_rows, n_inputs))
    y = targets(network.loss, (n_rows, n_outputs), rng)
    sample_weight = rng.uniform(0.1, 3, n_rows) if weighted else None
    x = sparse.csr_array(x) if as_sparse else x
    assert directional_error(network, x, y, sample_weight, alpha, rng) < 1e-7


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
@pytest.mark.parametrize("seed", range(20))
def test_gradient_of_rectifiers(activation, seed):
    rng = np.random.default_rng(seed)
    network = dense_network((4, 8, 6, 3), activation, SoftmaxCrossEntropy(), seed=seed)
    x = rng.normal(size=(7, 4))
    y = targets(network.loss, (7, 3), rng)
    assert directional_error(network, x, y, None, 0.1, rng) < 1e-7


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", [HalfSquaredError, LogisticCrossEntropy, SoftmaxCrossEntropy])
def test_stacked_models_equal_single_ones(activation, loss):
    """A leading model axis gives every model its own loss and gradient."""
    rng = np.random.default_rng(0)
    singles = [dense_network((3, 4, 5, 2), activation, loss(), seed=s) for s in range(3)]
    stack = dense_network((3, 4, 5, 2), activation, loss())
    stack.theta = np.stack([network.theta for network in singles])
    stack.state = np.stack([network.state for network in singles])
    x = rng.normal(size=(3, 6, 3))
    y = np.stack([targets(loss(), (6, 2), rng) for _ in singles])
    weight = rng.uniform(0.1, 2, (3, 6))
    stack.bind(8)
    losses = stack.loss_and_grad(x, y, weight)
    for i, network in enumerate(singles):
        network.bind(6)
        expected = network.loss_and_grad(x[i], y[i], weight[i])
        np.testing.assert_allclose(losses[i], expected, rtol=1e-12)
        np.testing.assert_allclose(stack.grad[i], network.grad, rtol=1e-10, atol=1e-14)
