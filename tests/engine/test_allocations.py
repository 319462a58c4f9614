"""After the first batch of a fit, no array of the size of a batch is allocated."""

import tracemalloc

import numpy as np
import pytest

from skneural._engine.batches import Batches
from skneural._engine.optimizers import SGD, Adam
from skneural._network.layers.activations import ACTIVATIONS
from skneural._network.layers.batch_norm import BatchNorm
from skneural._network.layers.conv import Conv2D
from skneural._network.layers.dense import Dense
from skneural._network.layers.flatten import Flatten
from skneural._network.layers.pooling import AveragePool, MaxPool
from skneural._network.losses.classification import LogisticCrossEntropy, SoftmaxCrossEntropy
from skneural._network.losses.regression import HalfSquaredError
from skneural._network.network import Network

# Ufuncs that broadcast or cast use a buffer of 8,192 elements: batches are larger here.
N_ROWS, BATCH = 5000, 1024


@pytest.mark.parametrize(
    ("activation", "loss", "optimizer", "shuffled"),
    [  # they allocate independently of each other
        *((activation, SoftmaxCrossEntropy, Adam(), True) for activation in ACTIVATIONS),
        ("relu", LogisticCrossEntropy, SGD(0.0), True),
        ("relu", HalfSquaredError, SGD(0.9), False),
    ],
)
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


@pytest.mark.parametrize("filters", [(16, 8), (8, 16)])
def test_an_epoch_on_images_allocates_nothing_of_a_batchs_size(filters):
    rng = np.random.default_rng(0)
    layers = [Conv2D(filters[0], 3, padding="same"), MaxPool(2), ACTIVATIONS["relu"]()]
    layers += [Conv2D(filters[1], 3), BatchNorm(), ACTIVATIONS["silu"](), AveragePool(3, 2)]
    layers += [Flatten(), Dense(128), ACTIVATIONS["relu"](), Dense(10)]
    network = Network(layers, SoftmaxCrossEntropy(), (16, 16, 1), np.float32)
    network.init_params(rng)
    network.bind(256)
    X = rng.normal(size=(1000, 16, 16, 1)).astype(np.float32)
    y = np.eye(10, dtype=np.float32)[rng.integers(0, 10, 1000)]
    batches = Batches(X, y, None, 256, gather=True)

    def epoch():
        for x, y, _ in batches.epoch(rng.permutation(1000)):
            network.loss_and_grad(x, y, None, 1e-4)

    epoch()
    tracemalloc.start()
    epoch()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    smallest = 256 * 128 * 4  # the narrowest activation of a hidden layer, in bytes
    assert peak < smallest
