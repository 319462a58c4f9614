"""Randomly generated networks with data, for all layers that the compiled engine supports."""

import math
from itertools import pairwise

import numpy as np
from scipy import sparse

from skneural._engine import program
from skneural._engine.optimizers import SGD, AdaGrad, Adam, AdamW, RMSProp
from skneural._network.layers.activations import ACTIVATIONS
from skneural._network.layers.batch_norm import BatchNorm
from skneural._network.layers.conv import Conv2D
from skneural._network.layers.dense import Dense
from skneural._network.layers.dropout import Dropout
from skneural._network.layers.embedding import Embedding
from skneural._network.layers.flatten import Flatten
from skneural._network.layers.noise import GaussianNoise
from skneural._network.layers.pooling import AveragePool, GlobalAveragePool, MaxPool
from skneural._network.losses.classification import CLASSIFIER_LOSSES, MultiHead
from skneural._network.losses.links import LinkedLoss, LogitLink, LogLink
from skneural._network.losses.quantiles import QuantilesLoss
from skneural._network.losses.regression import REGRESSOR_LOSSES
from skneural._network.network import Network
from skneural._training.convergence import Convergence
from skneural._training.job import Job
from skneural._training.progress import Progress, spawn_generators
from skneural.schedules import make_schedule

# an activation or a loss without a kernel is left out; identity needs none
COMPILED_ACTIVATIONS = [
    name for name in ACTIVATIONS if name in ("identity", *program._ACTIVATIONS)
]
_COMPILED_LOSSES = [
    name for name, loss in REGRESSOR_LOSSES.items() if loss in program._LOSS_NUMBERS
]


def random_job(rng, dtype):
    """Return a job of one epoch; generators in the same state give the same job."""
    images, is_sparse = rng.random() < 0.5, rng.random() < 0.2
    shape = _random_shape(rng) if images else (int(rng.integers(1, 60)),)
    loss, n_outputs, one_hot = _random_loss(rng)
    tables = [] if images or is_sparse else _random_tables(rng)
    layers = [Embedding(tables)] if tables else []
    layers += _random_layers(rng, shape, n_outputs, noise=not is_sparse)
    shape = (shape[0] + len(tables), *shape[1:])
    network = Network(layers, loss, shape, dtype)
    network.init_params(rng)
    network.theta[...] += rng.normal(scale=0.1, size=network.n_params)
    n_samples = int(rng.integers(2, 50))
    X = rng.normal(size=(n_samples, math.prod(shape)))
    if is_sparse:
        X = sparse.csr_array(np.where(rng.random(X.shape) < 0.7, 0, X))
    for k, (n_levels, _) in enumerate(reversed(tables), start=1):
        X[:, -k] = rng.integers(-1, n_levels + 1, n_samples)  # also levels that there are not
    y = np.zeros((n_samples, n_outputs))
    for segment, kind in one_hot:
        y[:, segment] = _random_targets(rng, n_samples, segment.stop - segment.start, kind)
    weights = rng.integers(0, 3, n_samples).astype(dtype) if rng.random() < 0.4 else None
    if weights is not None:
        weights[0] = 1
    optimizer = _random_optimizer(rng, network.n_weights, dtype)
    rngs = spawn_generators(0)
    progress = Progress(network, "", optimizer.init(network.theta), rngs)
    return Job(
        X=X.astype(dtype),
        y=y.astype(dtype),
        sample_weight=weights,
        validation=None,
        progress=progress,
        optimizer=optimizer,
        convergence=Convergence(math.inf, 0.0),
        learning_rate=0.01,
        schedule=make_schedule("constant", 0.5),
        schedule_length=1,
        decay=1.0,
        alpha=float(rng.choice([0, 0.1])),
        l1_ratio=float(rng.choice([0, 0.3])),
        max_grad_norm=float(rng.choice([math.inf, math.inf, 0.5])),
        batch_size=int(rng.integers(2, n_samples + 1)),
        max_iter=1,
        shuffle=bool(rng.random() < 0.7),
        restore_best=False,
        augment=None,
        begun=0,
    )


def _random_tables(rng):
    """Return the levels and widths of embeddings, which are 0 for one-hot columns.

    Half of the networks have none.
    """
    n_tables = int(rng.integers(0, 5)) if rng.random() < 0.6 else 0
    tables = rng.integers(1, (9, 20), (n_tables, 2))
    tables[rng.random(n_tables) < 0.4, 1] = 0
    return tables.tolist()


def _random_shape(rng):
    sides = tuple(int(n) for n in rng.integers(4, 11, rng.integers(1, 3)))
    return (*sides, int(rng.integers(1, 4)))


def _random_loss(rng):
    """Return a loss, its number of outputs, and the kind of target of each column."""
    if rng.random() < 0.4:
        name = str(rng.choice(_COMPILED_LOSSES))
        n_outputs = int(rng.integers(1, 40))
        kind = {"poisson": "counts", "gamma": "positive"}.get(name, "numbers")
        loss = REGRESSOR_LOSSES[name]()
        if name == "quantile" and rng.random() < 0.5:
            loss = QuantilesLoss(np.linspace(0.05, 0.95, n_outputs))
        if name in ("squared_error", "absolute_error", "huber") and rng.random() < 0.5:
            loss = LinkedLoss(loss, _random_link(rng, name))
        return loss, n_outputs, [(slice(0, n_outputs), kind)]
    heads, sizes, kinds = [], [], []
    for _ in range(1 if rng.random() < 0.7 else 2):
        one_hot = bool(rng.random() < 0.5)
        heads.append(CLASSIFIER_LOSSES[str(rng.choice(list(CLASSIFIER_LOSSES)))][one_hot]())
        sizes.append(int(rng.integers(3, 20)) if one_hot else int(rng.integers(1, 20)))
        kinds.append("one-hot" if one_hot else "labels")
    loss = heads[0] if len(heads) == 1 else MultiHead(heads, sizes)
    stops = np.cumsum([0, *sizes]).tolist()
    segments = [slice(*pair) for pair in pairwise(stops)]
    return loss, stops[-1], list(zip(segments, kinds, strict=True))


def _random_link(rng, name):
    # the squares of exponentials may grow so fast that rounding errors become large ones
    is_logit = name == "squared_error" or rng.random() < 0.5
    return LogitLink(-2, 3) if is_logit else LogLink()


def _random_targets(rng, n_samples, n_columns, kind):
    if kind == "counts":
        return rng.poisson(2, (n_samples, n_columns))
    if kind == "positive":
        return rng.gamma(2, size=(n_samples, n_columns))
    if kind == "numbers":
        return rng.normal(size=(n_samples, n_columns))
    if kind == "one-hot":
        return np.eye(n_columns)[rng.integers(n_columns, size=n_samples)]
    return rng.integers(2, size=(n_samples, n_columns))


def _random_layers(rng, shape, n_outputs, noise):
    layers = [GaussianNoise(0.2)] if noise and rng.random() < 0.2 else []
    if len(shape) > 1:
        size = shape[:-1]
        for _ in range(rng.integers(0, 3)):
            layer = _random_convolution(rng, size)
            size = layer.build((*size, 1))[:-1]
            layers += [layer, *_between(rng)]
            if rng.random() < 0.6:
                layer = _random_pool(rng, size)
                size = layer.build((*size, 1))[:-1]
                layers.append(layer)
                layers += _between(rng)
        layers.append(GlobalAveragePool() if rng.random() < 0.3 else Flatten())
    for _ in range(rng.integers(0, 3)):
        layers += [Dense(int(rng.integers(1, 50))), *_between(rng)]
    return [*layers, Dense(n_outputs)]


def _between(rng):
    layers = [BatchNorm(epsilon=0.1)] if rng.random() < 0.2 else []
    if rng.random() < 0.8:
        layers.append(ACTIVATIONS[str(rng.choice(COMPILED_ACTIVATIONS))]())
    return [*layers, Dropout(0.3)] if rng.random() < 0.2 else layers


def _random_convolution(rng, size):
    kernel = tuple(int(rng.integers(1, min(3, side) + 1)) for side in size)
    dilation = tuple(
        int(rng.integers(1, 3)) if (k - 1) * 2 < side else 1
        for k, side in zip(kernel, size, strict=True)
    )
    padding = ("valid", "same", int(rng.integers(0, 3)))[rng.integers(3)]
    strides = tuple(int(s) for s in rng.integers(1, 3, len(size)))
    return Conv2D(int(rng.integers(1, 20)), kernel, strides, padding, dilation)


def _random_pool(rng, size):
    pool = tuple(int(rng.integers(1, min(3, side) + 1)) for side in size)
    padding = tuple(int(rng.integers(0, k // 2 + 1)) for k in pool)
    strides = tuple(int(s) for s in rng.integers(1, 4, len(size)))
    if rng.random() < 0.5:
        return MaxPool(pool, strides, padding)
    return AveragePool(pool, strides, padding, count_padding=bool(rng.random() < 0.5))


def _random_optimizer(rng, n_weights, dtype):
    # a large epsilon: gradients of nothing but rounding errors must not become whole steps
    epsilon = 1e-2 if dtype == np.float32 else 1e-5
    return (
        SGD(momentum=0.0),
        SGD(momentum=0.9, nesterovs_momentum=False),
        SGD(momentum=0.9),
        Adam(epsilon=epsilon),
        AdamW(epsilon=epsilon, decay=0.1, n_weights=n_weights),
        AdaGrad(epsilon=epsilon),
        RMSProp(epsilon=epsilon),
    )[rng.integers(7)]
