"""PyTorch as a careful user writes it, and skorch around the same networks.

Tensors made once, rows gathered by index, fused updates, images channels last.
"""

from itertools import pairwise

import numpy as np
import torch
from torch import nn

SOLVERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
ALPHA = 1e-4  # as the other contestants have by default


def dense(n_inputs=64, hidden=(64,), n_outputs=10):
    sizes = [n_inputs, *hidden]
    layers = []
    for before, units in pairwise(sizes):
        layers += [nn.Linear(before, units), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], n_outputs))


def convolutional(shape, filters, n_outputs=10):
    height, width, channels = shape
    layers = []
    for n_filters in filters:  # pooled first, ReLU has a quarter of the work
        layers += [nn.Conv2d(channels, n_filters, 3, padding=1), nn.MaxPool2d(2), nn.ReLU()]
        height, width, channels = height // 2, width // 2, n_filters
    layers += [nn.Flatten(), nn.Linear(height * width * channels, 64), nn.ReLU()]
    network = nn.Sequential(*layers, nn.Linear(64, n_outputs))
    return network.to(memory_format=torch.channels_last)


def fit(network, X, y, *, solver, rate, batch_size, epochs):
    optimizer = SOLVERS[solver](network.parameters(), rate, weight_decay=ALPHA, fused=True)
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split(batch_size):
            x = X.index_select(0, rows)
            if x.ndim == 4:  # rows of NHWC memory, seen as NCHW: channels last
                x = x.permute(0, 3, 1, 2)
            optimizer.zero_grad(set_to_none=True)
            nn.functional.cross_entropy(network(x), y.index_select(0, rows)).backward()
            optimizer.step()
    return network


def by_hand(make_network, **settings):
    """A contestant: the loop above."""

    def make(X, y):
        X, y = torch.from_numpy(X), torch.from_numpy(y.astype(np.int64))
        return lambda: fit(make_network(), X, y, **settings)

    return make


def skorch_classifier(make_network, *, solver, rate, batch_size, epochs, **more):
    from skorch import NeuralNetClassifier

    return NeuralNetClassifier(
        make_network,
        criterion=nn.CrossEntropyLoss,
        optimizer=SOLVERS[solver],
        optimizer__fused=True,
        optimizer__weight_decay=ALPHA,
        lr=rate,
        batch_size=batch_size,
        max_epochs=epochs,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
        **more,
    )


def by_skorch(make_network, **settings):
    """A contestant: skorch around the same network."""

    def make(X, y):
        X = np.ascontiguousarray(np.moveaxis(X, -1, 1)) if X.ndim == 4 else X
        y = y.astype(np.int64)
        return lambda: skorch_classifier(make_network, **settings).fit(X, y)

    return make
