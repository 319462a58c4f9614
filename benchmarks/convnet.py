"""Training time of a small convolutional network against PyTorch's, as ratios.

    python benchmarks/convnet.py [--rounds 15]

28 x 28 x 1 - conv 16@3x3 - max pool 2 - conv 32@3x3 - max pool 2 - dense 64 - dense 10, ReLU
after every layer but the last, batches of 64, float32, one thread. Ours are the layers that a
ConvNetClassifier makes, which pools before the ReLU. PyTorch runs a loop by hand, channels
last, fused updates, with the ReLU before the pool, as it is usually written, and after it.
Data are random numbers: both do the same work whatever the images show.
"""

import argparse

import numpy as np
import torch
from _harness import blas_threads, machine, pairs
from torch import nn

from skneural import ConvNetClassifier
from skneural._losses import SoftmaxCrossEntropy
from skneural._network import Network
from skneural._optimizers import SGD, Adam

N_IMAGES, BATCH = 1280, 64


def our_epoch(X, y, optimizer, rate):
    layers = ConvNetClassifier((16, 32))._build_layers(X.shape[1:], (10,))
    network = Network(layers, SoftmaxCrossEntropy(), X.shape[1:], np.float32)
    network.init_params(np.random.default_rng(0))
    network.bind(BATCH)
    state = optimizer.init(network.theta)

    def epoch():
        for i in range(0, N_IMAGES, BATCH):
            network.loss_and_grad(X[i : i + BATCH], y[i : i + BATCH])
            optimizer.step(network.theta, network.grad, rate, state)

    return epoch


def their_epoch(X, y, optimizer, rate, pool_first):
    layers = []
    for n_in, filters in ((1, 16), (16, 32)):
        layers.append(nn.Conv2d(n_in, filters, 3, padding=1))
        layers += [nn.MaxPool2d(2), nn.ReLU()] if pool_first else [nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Flatten(), nn.Linear(1568, 64), nn.ReLU(), nn.Linear(64, 10)]
    network = nn.Sequential(*layers).to(memory_format=torch.channels_last)
    solver = optimizer(network.parameters(), lr=rate, fused=True)
    X = torch.from_numpy(X).permute(0, 3, 1, 2)  # NHWC memory: channels last
    y = torch.from_numpy(y).argmax(1)

    def epoch():
        for i in range(0, N_IMAGES, BATCH):
            solver.zero_grad(set_to_none=True)
            output = network(X[i : i + BATCH])
            nn.functional.cross_entropy(output, y[i : i + BATCH]).backward()
            solver.step()

    return epoch


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    X = rng.random((N_IMAGES, 28, 28, 1), np.float32)
    y = np.eye(10, dtype=np.float32)[rng.integers(0, 10, N_IMAGES)]
    print(machine(), f"PyTorch {torch.__version__}", sep="\n")
    print(f"{'microseconds an image':30} {'ours':>7} {'theirs':>7} {'theirs / ours':>13}")
    solvers = {
        "sgd": (SGD(0.0), torch.optim.SGD, 0.1),
        "adam": (Adam(), torch.optim.Adam, 1e-3),
    }
    for solver, (ours, theirs, rate) in solvers.items():
        for pool_first in (False, True):
            name = f"{solver}, theirs {'pool - relu' if pool_first else 'relu - pool'}"
            with blas_threads(1):
                own, peer, ratio = pairs(
                    our_epoch(X, y, ours, rate),
                    their_epoch(X, y, theirs, rate, pool_first),
                    rounds,
                )
            own, peer = (1e6 * seconds / N_IMAGES for seconds in (own, peer))
            print(f"{name:30} {own:7.1f} {peer:7.1f} {ratio:13.2f}")


if __name__ == "__main__":
    main()
