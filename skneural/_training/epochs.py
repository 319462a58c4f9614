"""Training: a job is data, `train` runs it batch by batch (`lbfgs.train` on all rows).

`Progress` is what outlives a fit (parameters, optimizer state, generators, counters), so
that a later `partial_fit` or warm start goes on from where it stood. `Job` adds the data
and the settings of one run.
"""

import copy
import math
import time
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import sparse

from skneural._engine.compiled import CompiledTraining
from skneural._engine.prediction import raw_prediction
from skneural._engine.program import program_of
from skneural._engine.reference import ReferenceTraining
from skneural._network.philox import Draws
from skneural.schedules import Adaptive, Schedule

HISTORY = ("learning_rate", "loss", "grad_norm", "seconds")  # an entry an epoch
# One generator a purpose, by its place here: a new purpose leaves the draws of the
# others as they are.
_PURPOSES = ("weights", "shuffle", "dropout", "split", "augmentation")
_SMALLEST_RATE = 1e-6  # where "adaptive" ends, as in scikit-learn


def spawn_generators(random_state):
    """One generator for each purpose, from one random state."""
    if isinstance(random_state, np.random.RandomState):
        random_state = random_state.randint(2**32, size=4, dtype=np.uint32)
    seeds = np.random.SeedSequence(random_state).spawn(len(_PURPOSES))
    return dict(zip(_PURPOSES, map(np.random.default_rng, seeds), strict=True))


@dataclass
class Progress:
    """Where a network stands in its training."""

    network: object
    solver: str
    optimizer_state: dict
    rngs: dict  # a generator for each purpose
    epochs: int = 0
    samples: int = 0
    stalls: int = 0  # how often patience has run out, for the schedule "adaptive"
    best_loss: float = math.inf
    history: dict = field(default_factory=lambda: {name: [] for name in HISTORY})
    # pickles of earlier versions lack these two, and then have the defaults
    seed: int | None = None  # of dropout and noise; drawn when the first fit begins
    steps: int = 0  # batches since the network was made, those without weight included

    def draws(self):
        """Return the random words of dropout and noise, from where they stand."""
        if self.seed is None:
            self.seed = int(self.rngs["dropout"].integers(2**64, dtype=np.uint64))
        return Draws(self.seed, self.steps)

    @property
    def loss_curve(self):
        """Training loss of every epoch."""
        return self.history["loss"]

    def copy(self):
        """Return a copy that can be trained further while this one stays as it is."""
        moving = ("network", "optimizer_state", "rngs")
        copies = {name: copy.deepcopy(getattr(self, name)) for name in moving}
        history = {name: values.copy() for name, values in self.history.items()}
        return replace(self, **copies, history=history)

    def end_epoch(self, n_samples, **measured):
        """Count an epoch and keep what was measured in it."""
        self.epochs += 1
        self.samples += n_samples
        self.best_loss = min(self.best_loss, measured["loss"])
        for name in {**self.history, **measured}:
            # what an epoch did not measure, for want of validation data, is NaN
            values = self.history.setdefault(name, [math.nan] * (self.epochs - 1))
            values.append(measured.get(name, math.nan))


@dataclass
class Job:
    """One training run: validated data, where it starts, and its settings."""

    X: object  # ndarray or CSR of shape (n_samples, n_features), in the network's dtype
    y: np.ndarray  # (n_samples, n_outputs), in the network's dtype
    sample_weight: np.ndarray | None  # (n_samples,), in the network's dtype
    validation: object | None  # has measure(network), a dict with "validation_score"
    progress: Progress
    optimizer: object
    convergence: object
    learning_rate: float
    schedule: Schedule
    schedule_length: int  # epochs, for schedules without a length of their own
    decay: float
    alpha: float
    l1_ratio: float
    max_grad_norm: float
    batch_size: int
    max_iter: int
    shuffle: bool
    restore_best: bool  # end with the weights of the best validation score
    augment: object | None  # a function of a batch and a generator
    begun: int  # epochs that the network had behind it when the run began
    target_scale: object | None = None  # the TargetScale that y was standardized with
    ended: bool = False  # whether patience, a target or a callback has ended the run
    best: tuple | None = None  # parameters and state of the best validation score

    @property
    def is_over(self):
        """Whether no epoch is to come."""
        return self.ended or self.progress.epochs >= self.begun + self.max_iter

    @property
    def doubt(self):
        """Why the network may need more training, if the epochs ran out, or None."""
        if self.ended:
            return None
        return (
            f"max_iter={self.max_iter} epochs were run before patience="
            f"{self.convergence.patience} ended the fit. Raise max_iter, or set "
            "patience=None if this number of epochs is what you want."
        )

    def rate(self):
        """The rate of the epoch to come."""
        epochs, stalls = self.progress.epochs, self.progress.stalls
        factor = self.schedule(epochs, self.schedule_length, stalls)
        return self.learning_rate * factor * self.decay**epochs

    def has_stalled(self, rate):
        """Whether patience has run out for good; the schedule may give it another try."""
        if not self.convergence.reached:
            return False
        # not >: the rate of L-BFGS, which has none, is NaN
        if not isinstance(self.schedule, Adaptive) or not rate > _SMALLEST_RATE:
            return True
        self.progress.stalls += 1
        self.convergence.stalled = 0
        return False


class Convergence:
    """Patience: epochs since the loss last fell by more than `tol`.

    A validation score is watched as the loss ``-score``; `target` is where it may stop.
    Of equal scores, which accuracy often has, the one with the lower validation loss is
    the better.
    """

    def __init__(self, patience, tol, target=-math.inf):
        self.patience = patience
        self.tol = tol
        self.target = target
        self.best_loss = self.best_tie_breaker = math.inf
        self.stalled = 0

    def update(self, loss, tie_breaker=0.0):
        """Take the loss of an epoch; return whether it is the lowest so far."""
        is_best = (loss, tie_breaker) < (self.best_loss, self.best_tie_breaker)
        improved = loss < self.best_loss - self.tol or (
            loss == self.best_loss and tie_breaker < self.best_tie_breaker - self.tol
        )
        self.stalled = 0 if improved else self.stalled + 1
        if is_best:
            self.best_loss, self.best_tie_breaker = loss, tie_breaker
        return is_best

    @property
    def reached(self):
        """Whether patience has run out."""
        return self.stalled >= self.patience

    @property
    def reached_target(self):
        """Whether the target has been reached."""
        return self.best_loss <= self.target


class Epochs:
    """What goes with an epoch of any solver: records, patience, best weights, onlookers.

    `watch` looks on: its `begin()` is called before and its `end(progress)`, which may ask
    to stop, after every epoch; its `interrupted` is looked at after every step.
    """

    def __init__(self, job, watch):
        self.job, self.watch = job, watch
        # a warm start may only get worse; a run resumed from a checkpoint knows its best
        if job.restore_best and 0 < job.progress.epochs == job.begun:
            self._rank(job.validation.measure(job.progress.network))
        self._refuse_interrupted_start()

    def begin(self):
        """Start the clock of an epoch."""
        self.watch.begin()
        self.start = time.perf_counter()

    def end(self, **measured):
        """Take the rate, loss and gradient norm of an epoch; return whether to stop."""
        job, progress, network = self.job, self.job.progress, self.job.progress.network
        if not math.isfinite(measured["loss"]):
            raise diverged(job, measured["learning_rate"])
        measured["seconds"] = time.perf_counter() - self.start
        if job.validation is not None:
            measured.update(job.validation.measure(network))
        progress.end_epoch(job.X.shape[0], **measured)
        self._rank(measured)
        stalled = job.has_stalled(measured["learning_rate"])
        job.ended = job.convergence.reached_target or stalled
        if self.watch.end(progress):
            job.ended = True
        return job.ended

    def _rank(self, measured):
        """Compare with the best so far, and keep the weights if they are better."""
        watched = (measured.get("loss"),)
        if self.job.validation is not None:
            watched = -measured["validation_score"], measured["validation_loss"]
        network = self.job.progress.network
        if self.job.convergence.update(*watched) and self.job.restore_best:
            self.job.best = network.theta.copy(), network.state.copy()

    def finish(self):
        """Restore the best weights, and refuse what no longer predicts finite numbers."""
        self._refuse_interrupted_start()
        network = self.job.progress.network
        if self.job.best is not None:
            network.theta[...], network.state[...] = self.job.best
            self.job.best = None
        # the loss was measured before the last step: large weights may overflow only now
        with np.errstate(all="ignore"):
            if not np.isfinite(raw_prediction(network, self.job.X[:200])).all():
                raise diverged(self.job, self.job.progress.history["learning_rate"][-1])

    def _refuse_interrupted_start(self):
        """Let Ctrl-C before the end of the first epoch leave everything as it was."""
        if self.watch.interrupted and self.job.progress.epochs == self.job.begun:
            raise KeyboardInterrupt(
                "interrupted before the end of the first epoch: the estimator is as it was"
            )


def train(job, watch):
    """Train the network of a job in place, batch by batch.

    Stops after `job.max_iter` epochs, when patience has run out, or when `watch` says so;
    after Ctrl-C with the step under way, of whose epoch nothing is recorded.

    Returns
    -------
    doubt : str or None
        Why the network may need more training, if the epochs ran out.

    Raises
    ------
    ValueError
        If the loss or a prediction is no longer finite.
    """
    progress = job.progress
    epochs = Epochs(job, watch)
    training = make_training(job)
    try:
        while not (job.is_over or watch.interrupted):
            epochs.begin()
            order = None
            if job.shuffle:
                order = progress.rngs["shuffle"].permutation(job.X.shape[0])
            rate = job.rate()
            loss, norm = training.epoch(order, rate, watch)
            if loss is None:
                break
            epochs.end(learning_rate=rate, loss=loss, grad_norm=norm)
    finally:
        training.close()
    epochs.finish()  # predicts, now that the workspace of training is free
    return job.doubt


def make_training(job, *, updates=True):
    """Return the training of a job by the compiled engine, or by NumPy where that must do.

    Without `updates`, only loss and gradient are asked for.
    """
    program = program_of(job.progress.network)
    if program is not None and (CompiledTraining.knows(job.optimizer) or not updates):
        return CompiledTraining(program, job)
    return ReferenceTraining(job)


def diverged(job, rate):
    """The error of a fit whose numbers overflow: what may be too large."""
    largest = np.abs(job.X.data if sparse.issparse(job.X) else job.X).max(initial=0)
    largest_y = f"{np.abs(job.y).max(initial=0):.3g}"
    if job.target_scale is not None:
        largest_y += " after normalize_y has scaled it"
    causes, advice = f"alpha={job.alpha!r} may be too high", "Scale"
    if not math.isnan(rate):
        causes = (
            f"learning_rate={job.learning_rate!r} ({rate:.3g} in the last epoch) or {causes}"
        )
        advice = "Lower learning_rate, or scale"
    return ValueError(
        f"The network diverged after {job.progress.epochs} epochs: its loss, weights or "
        f"predictions are no longer finite. {causes}, or the values of X too large: the "
        f"largest |X| is {largest:.3g}, the largest |y| {largest_y}. {advice} X to unit "
        "variance, for example with StandardScaler."
    )
