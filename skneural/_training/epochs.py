"""Training: `train` runs a job on mini-batches, and `lbfgs.train` on all rows."""

import math
import time
from collections.abc import Mapping

import numpy as np
from scipy import sparse

from skneural._engine.compiled import CompiledTraining
from skneural._engine.prediction import raw_prediction
from skneural._engine.program import program_of
from skneural._engine.reference import ReferenceTraining
from skneural._network.layers.embedding import Embedding
from skneural._training.job import Job
from skneural._training.reporting import Reporting


class Epochs:
    """The tasks of an epoch that all solvers share: history, patience, best weights, reporting.

    `reporting.begin()` is called before every epoch, and `reporting.end(progress)`, which may
    ask to stop, after it. `reporting.interrupted` is tested after every step.
    """

    def __init__(self, job: Job, reporting: Reporting) -> None:
        self.job, self.reporting = job, reporting
        # a warm start may only get worse; a run resumed from a checkpoint knows its best
        is_warm = 0 < job.progress.epochs == job.begun
        if job.validation is not None and job.restore_best and is_warm:
            self._rank(job.validation.measure(job.progress.network))
        self._refuse_interrupted_start()

    def begin(self) -> None:
        """Start the clock of an epoch."""
        self.reporting.begin()
        self.start = time.perf_counter()

    def end(self, **measured: float) -> bool:
        """Record the rate, loss and gradient norm of an epoch; return whether to stop."""
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
        if self.reporting.end(progress):
            job.ended = True
        return job.ended

    def _rank(self, measured: Mapping[str, float]) -> None:
        """Compare with the best so far, and keep the weights if they are better."""
        watched: tuple[float, ...]
        if self.job.validation is None:
            watched = (measured["loss"],)
        else:
            watched = -measured["validation_score"], measured["validation_loss"]
        network = self.job.progress.network
        if self.job.convergence.update(*watched) and self.job.restore_best:
            self.job.best = network.theta.copy(), network.state.copy()

    def finish(self) -> None:
        """Restore the best weights, and check that the predictions are finite."""
        self._refuse_interrupted_start()
        network = self.job.progress.network
        if self.job.best is not None:
            network.theta[...], network.state[...] = self.job.best
            self.job.best = None
        progress, rates = self.job.progress, self.job.progress.history["learning_rate"]
        # the loss was measured before the last step: large weights may overflow only now
        with np.errstate(all="ignore"):
            if not np.isfinite(raw_prediction(network, self.job.X[:200])).all():
                raise diverged(self.job, rates[-1] if rates else math.nan)
            if not progress.epochs:  # max_iter=0
                progress.best_loss = _loss_without_steps(self.job)
                if not math.isfinite(progress.best_loss):
                    raise diverged(self.job, math.nan)

    def _refuse_interrupted_start(self) -> None:
        """Raise KeyboardInterrupt after Ctrl-C before the end of the first epoch."""
        if self.reporting.interrupted and self.job.progress.epochs == self.job.begun:
            raise KeyboardInterrupt(
                "interrupted before the end of the first epoch: the estimator is unchanged"
            )


def train(job: Job, reporting: Reporting) -> str | None:
    """Train the network of a job in place, on mini-batches.

    Training ends after `job.max_iter` epochs, when patience has run out, or when `reporting`
    asks to stop. After Ctrl-C it ends with the current step, and the current epoch is not
    recorded.

    Returns
    -------
    doubt : str or None
        The reason why the network may need more training, after `max_iter` epochs.

    Raises
    ------
    ValueError
        If the loss or a prediction is no longer finite.
    """
    progress = job.progress
    epochs = Epochs(job, reporting)
    training = make_training(job)
    try:
        while not (job.is_over or reporting.interrupted):
            epochs.begin()
            order = None
            if job.shuffle:
                order = progress.rngs["shuffle"].permutation(job.X.shape[0])
            rate = job.rate()
            job.adapt_penalty()
            loss, norm = training.epoch(order, rate, reporting)
            if loss is None:
                break
            epochs.end(learning_rate=rate, loss=loss, grad_norm=norm)
    finally:
        training.close()
    epochs.finish()  # predicts, now that the workspace of training is free
    return job.doubt


def make_training(job: Job, *, updates: bool = True) -> CompiledTraining | ReferenceTraining:
    """Return the training of a job by the compiled engine, or by NumPy if that is required.

    Without `updates`, only the loss and the gradient are computed.
    """
    program = program_of(job.progress.network)
    if program is not None and (CompiledTraining.knows(job.optimizer) or not updates):
        return CompiledTraining(program, job)
    return ReferenceTraining(job)


def _loss_without_steps(job: Job) -> float:
    """Return the training loss of an epoch without updates and without dropout."""
    network, n_samples = job.progress.network, job.X.shape[0]
    raw = raw_prediction(network, job.X)
    out = np.empty_like(raw)
    loss = network.loss.loss_gradient(job.y, raw, job.sample_weight, gradient_out=out)
    weights = network.theta[: network.n_weights]
    squares, absolutes = np.dot(weights, weights), np.add.reduce(np.abs(weights))
    penalty = job.alpha * ((1 - job.l1_ratio) / 2 * squares + job.l1_ratio * absolutes)
    total = n_samples if job.sample_weight is None else job.sample_weight.sum()
    # the penalty is in the loss of every mini-batch, whose weighted mean is that of the epoch
    return float(loss + penalty * math.ceil(n_samples / job.batch_size) / total)


def diverged(job: Job, rate: float) -> ValueError:
    """Return the error for a fit with an overflow, which names possible causes."""
    x = job.X.data if sparse.issparse(job.X) else job.X
    first = job.progress.network.layers[0]
    if isinstance(first, Embedding):  # level codes have no size
        x = x[:, : first.n_passed]
    largest = np.abs(x).max(initial=0)
    largest_y = f"{np.abs(job.y).max(initial=0):.3g}"
    if job.target_scale is not None:
        largest_y += " after normalize_y has scaled it"
    causes, advice = f"alpha={job.alpha:.3g} may be too high", "Scale"
    if not math.isnan(rate):
        given = float(job.learning_rate)  # which may be a scalar of NumPy
        causes = f"learning_rate={given} ({rate:.3g} in the last epoch) or {causes}"
        advice = "Lower learning_rate, or scale"
    if not job.max_iter:
        return ValueError(
            "The loss or the predictions of the network are not finite with the weights that "
            f"max_iter=0 leaves as they are: the largest |X| is {largest:.3g}, the largest |y| "
            f"{largest_y}. Scale X to unit variance, for example with StandardScaler, or pass "
            "smaller coefs_init."
        )
    return ValueError(
        f"The network diverged after {job.progress.epochs} epochs: its loss, weights or "
        f"predictions are no longer finite. {causes}, or the values of X too large: the "
        f"largest |X| is {largest:.3g}, the largest |y| {largest_y}. {advice} X to unit "
        "variance, for example with StandardScaler."
    )
