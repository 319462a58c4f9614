"""Training: a job is data, `train` runs it.

`Progress` is what outlives a fit (parameters, optimizer state, generators, counters), so
that a later `partial_fit` or warm start goes on from where it stood. `Job` adds the data
and the settings of one run.
"""

import copy
import math
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import sparse

from skneural.ops import _numpy as ops


@dataclass
class Progress:
    """Where a network stands in its training."""

    network: object
    solver: str
    optimizer_state: dict
    shuffle_rng: np.random.Generator
    epochs: int = 0
    samples: int = 0
    best_loss: float = math.inf
    loss_curve: list = field(default_factory=list)

    def copy(self):
        """Return a copy that can be trained further while this one stays as it is."""
        moving = {
            name: copy.deepcopy(getattr(self, name))
            for name in ("network", "optimizer_state", "shuffle_rng")
        }
        return replace(self, **moving, loss_curve=self.loss_curve.copy())


@dataclass
class Job:
    """One training run: validated data, where it starts, and its settings."""

    X: object  # ndarray or CSR of shape (n_samples, n_features), in the network's dtype
    y: np.ndarray  # (n_samples, n_outputs), in the network's dtype
    sample_weight: np.ndarray | None  # (n_samples,), in the network's dtype
    progress: Progress
    optimizer: object
    convergence: object
    learning_rate: float
    decay: float
    alpha: float
    batch_size: int
    max_iter: int
    shuffle: bool


class Convergence:
    """Patience: epochs since the loss last fell by more than `tol`."""

    def __init__(self, patience, tol):
        self.patience = patience
        self.tol = tol
        self.best_loss = math.inf
        self.stalled = 0

    def update(self, loss):
        """Take the loss of an epoch."""
        self.stalled = 0 if loss < self.best_loss - self.tol else self.stalled + 1
        self.best_loss = min(self.best_loss, loss)

    @property
    def reached(self):
        """Whether patience has run out."""
        return self.stalled >= self.patience


class Batches:
    """The batches of a job's data; shuffled ones are gathered into one workspace."""

    def __init__(self, X, y, sample_weight, batch_size, *, gather):
        self.X, self.y, self.sample_weight = X, y, sample_weight
        self.batch_size = batch_size
        if gather:
            dense = not sparse.issparse(X)
            self.x_rows = np.empty((batch_size, *X.shape[1:]), X.dtype) if dense else None
            self.y_rows = np.empty((batch_size, *y.shape[1:]), y.dtype)

    def epoch(self, order=None):
        """Yield ``x, y, sample_weight`` of every batch; `order` is a permutation of rows."""
        n_samples = self.X.shape[0]
        for start in range(0, n_samples, self.batch_size):
            rows = slice(start, min(start + self.batch_size, n_samples))
            n_rows = rows.stop - start
            if order is None:
                x, y = self.X[rows], self.y[rows]
            else:
                rows = order[rows]
                x_rows = None if self.x_rows is None else self.x_rows[:n_rows]
                x = ops.take_rows(self.X, rows, x_rows)
                y = ops.take_rows(self.y, rows, self.y_rows[:n_rows])
            yield x, y, None if self.sample_weight is None else self.sample_weight[rows]


def train(job):
    """Train the network of a job in place; yield its progress after every epoch.

    Stops after `job.max_iter` epochs, or when `job.convergence` is reached.

    Raises
    ------
    ValueError
        If the loss or a parameter is no longer finite.
    """
    progress, network = job.progress, job.progress.network
    batches = Batches(job.X, job.y, job.sample_weight, job.batch_size, gather=job.shuffle)
    network.bind(job.batch_size)
    try:
        for _ in range(job.max_iter):
            order = None
            if job.shuffle:
                order = progress.shuffle_rng.permutation(job.X.shape[0])
            rate = job.learning_rate * job.decay**progress.epochs
            loss = _train_epoch(job, batches.epoch(order), rate)
            if not math.isfinite(loss):
                raise ValueError(_divergence_message(job, rate))
            progress.epochs += 1
            progress.samples += job.X.shape[0]
            progress.loss_curve.append(loss)
            progress.best_loss = min(progress.best_loss, loss)
            job.convergence.update(loss)
            yield progress
            if job.convergence.reached:
                break
        # the loss was measured before the last step: large weights may overflow only now
        with np.errstate(all="ignore"):
            if not np.isfinite(network.raw_prediction(job.X[: job.batch_size])).all():
                raise ValueError(_divergence_message(job, rate))
    finally:
        network.release()


def _train_epoch(job, batches, rate):
    """One pass over the batches; return the mean of their losses, before each step."""
    network, optimizer = job.progress.network, job.optimizer
    state = job.progress.optimizer_state
    loss_sum = weight_sum = 0.0
    # A diverging fit is reported by its loss, once, not by a warning from every ufunc.
    with np.errstate(all="ignore"):
        for x, y, sample_weight in batches:
            weight = len(y) if sample_weight is None else float(sample_weight.sum())
            if weight == 0:  # nothing to learn from, and a mean over it is undefined
                continue
            loss = network.loss_and_grad(x, y, sample_weight, job.alpha)
            optimizer.step(network.theta, network.grad, rate, state)
            loss_sum += float(loss) * weight
            weight_sum += weight
    return loss_sum / weight_sum


def _divergence_message(job, rate):
    largest = np.abs(job.X.data if sparse.issparse(job.X) else job.X).max(initial=0)
    largest_y = np.abs(job.y).max(initial=0)
    return (
        f"The network diverged after {job.progress.epochs} epochs: its loss, weights or "
        f"predictions are no longer finite. learning_rate={job.learning_rate!r} "
        f"({rate:.3g} in the last epoch) or alpha={job.alpha!r} may be too high, or the "
        f"values of X too large: the largest |X| is {largest:.3g}, the largest |y| "
        f"{largest_y:.3g}. Lower learning_rate, or scale X to unit variance, for example "
        "with StandardScaler."
    )
