"""After the first batch of a fit, nothing of a batch's size is allocated."""

import tracemalloc

import numpy as np
import pytest

from skneural._losses import HalfSquaredError, LogisticCrossEntropy, SoftmaxCrossEntropy
from skneural._network import Network
from skneural._optimizers import SGD, Adam
from skneural._training import Batches
from skneural.layers._activations import ACTIVATIONS
from skneural.layers._dense import Dense

# Ufuncs that broadcast or cast use a buffer of 8,192 elements: batches are larger here.
N_ROWS, BATCH = 5000, 1024


@pytest.mark.parametrize("optimizer", [SGD(0.0), SGD(0.9), Adam()])
@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy, LogisticCrossEntropy, HalfSquaredError])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("shuffled", [False, True])
def test_an_epoch_allocates_nothing_of_a_batchs_size(activation, loss, optimizer, shuffled):
    rng = np.random.default_rng(0)
    layers = [Dense(64), ACTIVATIONS[activation](), Dense(48), ACTIVATIONS[activation]()]
    network = Network([*layers, Dense(32)], loss(), (80,), np.float32)
    network.init_params(rng)
    network.bind(BATCH)
    state = optimizer.init(network.theta)
    X = rng.normal(size=(N_ROWS, 80)).astype(np.float32)
    y = np.eye(32, dtype=np.float32)[rng.integers(0, 32, N_ROWS)]
    weight = rng.uniform(size=N_ROWS).astype(np.float32)
    batches = Batches(X, y, weight, BATCH, gather=shuffled)
    order = rng.permutation(N_ROWS) if shuffled else None

    def epoch():
        for x, y, weight in batches.epoch(order):
            network.loss_and_grad(x, y, weight, 1e-4)
            optimizer.step(network.theta, network.grad, 0.01, state)

    epoch()
    tracemalloc.start()
    epoch()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    smallest = BATCH * 32 * 4  # the narrowest activation of a batch, in bytes
    assert peak < smallest / 2
