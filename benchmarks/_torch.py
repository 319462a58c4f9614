"""Training with PyTorch as an expert would write it, and with skorch for the same networks.

The PyTorch code creates the tensors once, gathers rows by index, uses fused optimizers, and
stores images in the channels-last format.
"""

from functools import partial
from itertools import pairwise
from math import prod

import numpy as np
import torch
from torch import nn

SOLVERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
ALPHA = 1e-4  # the default of the other libraries


def network(fit, hidden=None):
    """Return the network of a fit, optionally with other hidden layers."""
    layers, (*size, units) = [], fit.shape
    for filters in fit.filters:  # pooling before ReLU, which then has a quarter of the work
        layers += [nn.Conv2d(units, filters, 3, padding=1), nn.MaxPool2d(2), nn.ReLU()]
        size, units = [side // 2 for side in size], filters
    layers.append(nn.Flatten())
    for before, after in pairwise([prod(size) * units, *(hidden or fit.hidden), 10]):
        layers += [nn.Linear(before, after), nn.ReLU()]
    made = nn.Sequential(*layers[:-1]).to(getattr(torch, fit.dtype))
    return made.to(memory_format=torch.channels_last) if size else made


def train(fit, X, y):
    """Train a new network and return it."""
    made = network(fit)
    optimizer = SOLVERS[fit.solver](made.parameters(), fit.rate, weight_decay=ALPHA, fused=True)
    for _ in range(fit.epochs):
        for rows in torch.randperm(len(X)).split(fit.batch_size):
            x = X.index_select(0, rows)
            if x.ndim == 4:  # a channels-last view: shape NCHW, memory layout NHWC
                x = x.permute(0, 3, 1, 2)
            optimizer.zero_grad(set_to_none=True)
            nn.functional.cross_entropy(made(x), y.index_select(0, rows)).backward()
            optimizer.step()
    return made


def by_hand(fit, X, y):
    """Return a function that trains a network with `train`."""
    return partial(train, fit, torch.from_numpy(X), torch.from_numpy(y.astype(np.int64)))


def skorch_classifier(fit):
    from skorch import NeuralNetClassifier

    return NeuralNetClassifier(
        network,
        module__fit=fit,
        criterion=nn.CrossEntropyLoss,
        optimizer=SOLVERS[fit.solver],
        optimizer__fused=True,
        optimizer__weight_decay=ALPHA,
        lr=fit.rate,
        batch_size=fit.batch_size,
        max_epochs=fit.epochs,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )


def by_skorch(fit, X, y):
    """Return a function that trains the same network with skorch."""
    X = np.ascontiguousarray(np.moveaxis(X, -1, 1)) if X.ndim == 4 else X
    y = y.astype(np.int64)
    return lambda: skorch_classifier(fit).fit(X, y)
