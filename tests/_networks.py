"""Networks for several test files."""

import json
from pathlib import Path

import numpy as np

from skneural._network.layers.activations import ACTIVATIONS
from skneural._network.layers.dense import Dense
from skneural._network.network import Network

ORACLE = json.loads((Path(__file__).parent / "data" / "oracle.json").read_text())


def dense_network(sizes, activation, loss, dtype=np.float64, seed=0, out_activation=None):
    """Return a network of dense layers with random weights and biases that are not zero."""
    layers = []
    for units in sizes[1:-1]:
        layers += [Dense(units), ACTIVATIONS[activation]()]
    layers.append(Dense(sizes[-1]))
    if out_activation:
        layers.append(ACTIVATIONS[out_activation]())
    network = Network(layers, loss, (sizes[0],), dtype)
    rng = np.random.default_rng(seed)
    network.init_params(rng)
    network.theta[...] = rng.normal(0, 0.5, network.n_params)
    return network
