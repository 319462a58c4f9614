"""Training jobs that both engines can run: a network with its data, and the results."""

import math

import numpy as np

from skneural._engine import prediction
from skneural._engine.compiled import CompiledTraining, predict
from skneural._engine.optimizers import SGD
from skneural._engine.program import program_of
from skneural._engine.reference import ReferenceTraining
from skneural._network.layers.conv import Conv2D
from skneural._network.layers.dense import Dense
from skneural._network.network import Network
from skneural._training.convergence import Convergence
from skneural._training.job import Job
from skneural._training.progress import Progress, spawn_generators
from skneural.schedules import make_schedule

ENGINES = {"numpy": ReferenceTraining, "compiled": CompiledTraining}


class NoInterrupt:
    interrupted = False


def make_job(network, X, y, sample_weight=None, optimizer=None, **more):
    """Return a job of one epoch in a single batch, unless `more` changes this."""
    optimizer = optimizer or SGD(momentum=0.0)
    progress = Progress(network, "", optimizer.init(network.theta), spawn_generators(0))
    settings = {
        "validation": None,
        "convergence": Convergence(math.inf, 0.0),
        "learning_rate": 0.01,
        "schedule": make_schedule("constant", 0.5),
        "schedule_length": 1,
        "decay": 1.0,
        "alpha": 0.0,
        "l1_ratio": 0.0,
        "max_grad_norm": math.inf,
        "batch_size": X.shape[0],
        "max_iter": 1,
        "shuffle": False,
        "restore_best": False,
        "augment": None,
        "begun": 0,
    }
    data = {"X": X, "y": y, "sample_weight": sample_weight}
    return Job(**data, progress=progress, optimizer=optimizer, **{**settings, **more})


def training_of(engine, job):
    """Return the training of a job with the engine of this name."""
    if engine == "numpy":
        return ReferenceTraining(job)
    assert program_of(job.progress.network) is not None
    return CompiledTraining(program_of(job.progress.network), job)


def loss_and_gradient(engine, job):
    """Return the loss of all rows, and a copy of its gradient."""
    training = training_of(engine, job)
    loss, gradient = training.loss_and_gradient()
    gradient = gradient.copy()
    training.close()
    return float(loss), gradient


def raw_prediction(engine, network, X):
    """Return the predictions of a network by the engine of this name."""
    if engine == "compiled":
        return predict(program_of(network), network, X, 1 << 20)[0]
    network._program = None
    raw = prediction.raw_prediction(network, X)
    del network._program
    return raw


class Fed:
    """A network whose first layer maps the i-th one-hot row to the i-th of the given values.

    The weights of this layer are therefore the input of the following layers, and the gradient
    of the weights is the gradient of that input, sample by sample.

    Parameters
    ----------
    values : ndarray of shape (n_samples, *shape)
        Input of `layers`: images are (height, width, channels).
    """

    def __init__(self, values, layers, loss):
        n_samples, *sides, n_channels = self.shape = values.shape
        first, input_shape = Dense(n_channels), (n_samples,)
        if sides:
            # a single pixel with so much padding that each place of the kernel meets it once
            padding = tuple(side - 1 for side in sides)
            first = Conv2D(n_channels, tuple(sides), padding=padding)
            input_shape = (1, *(1 for _ in sides[1:]), n_samples)
        self.network = Network([first, *layers], loss, input_shape, values.dtype)
        self.network.init_params(np.random.default_rng(0))
        self.network.params("weight")[0][...] = self._turned(values)
        self.X = np.eye(n_samples, dtype=values.dtype)

    def _turned(self, values):
        """Return the values as weights."""
        axes = tuple(range(1, values.ndim - 1))
        return np.moveaxis(np.flip(values, axes), 0, -2)

    def job(self, y, sample_weight=None, **more):
        """Return a job with the targets `y`."""
        y = y.reshape(len(y), -1)
        return make_job(self.network, self.X, y, sample_weight, **more)

    def input_gradient(self, gradient):
        """Return the part of a gradient that belongs to the values."""
        weights = self.network.views(gradient)[0]["weight"]
        axes = tuple(range(weights.ndim - 2))
        return np.flip(np.moveaxis(weights, -2, 0), tuple(axis + 1 for axis in axes))
