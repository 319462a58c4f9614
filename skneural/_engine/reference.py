"""The NumPy engine, which defines the computations of training."""

import math
from typing import Any, cast

import numpy as np

from skneural._engine.batches import Batches
from skneural._engine.job_protocol import Job, Reporting
from skneural._engine.optimizers import MOMENTS, Optimizer
from skneural._network.array_types import Array, Order, Rows


class ReferenceTraining:
    """The training of a job with NumPy.

    It defines the results of the compiled engine, and trains networks that the compiled engine
    does not support.

    Parameters
    ----------
    job : Job
    """

    def __init__(self, job: Job) -> None:
        self.job, self.network = job, job.progress.network
        self.draws = job.progress.draws()
        self.network.bind(job.batch_size, self.draws)
        self.batches = Batches(
            job.X, job.y, job.sample_weight, job.batch_size, gather=job.shuffle
        )

    def epoch(
        self, order: Order | None, rate: float, reporting: Reporting
    ) -> tuple[float | None, float]:
        """Train on all rows once, or on the rows in `order`, in mini-batches.

        Parameters
        ----------
        order : ndarray of int or None
            Indices of the rows, or None for all rows in the order of the data.
        rate : float
            The learning rate.
        reporting : Reporting
            Its `interrupted` is tested before each mini-batch.

        Returns
        -------
        loss : float or None
            Mean loss over the mini-batches, each before its update, or None after Ctrl-C.
        norm : float
            Norm of the last gradient before it is clipped.
        """
        progress = self.job.progress
        n_samples = self.job.X.shape[0] if order is None else len(order)
        loss_sum = weight_sum = norm = 0.0
        done = 0
        # A diverging fit raises one error about its loss, instead of many warnings.
        with np.errstate(all="ignore"):
            for x, y, sample_weight in self.batches.epoch(order):
                if reporting.interrupted:
                    progress.samples += done
                    return None, norm
                done += len(y)
                self.draws.step = progress.steps
                progress.steps += 1
                weight = len(y) if sample_weight is None else float(sample_weight.sum())
                if weight == 0:  # nothing to learn from, and a mean over it is undefined
                    continue
                loss, norm = self._step(x, y, sample_weight, rate, norm, done == n_samples)
                loss_sum += loss * weight
                weight_sum += weight
        return loss_sum / weight_sum, norm

    def _step(
        self,
        x: Rows,
        y: Array,
        sample_weight: Array | None,
        rate: float,
        norm: float,
        is_last: bool,
    ) -> tuple[float, float]:
        """Make one update; return the loss before it, and the gradient norm if measured."""
        job, network = self.job, self.network
        if job.augment is not None:
            x = job.augment(cast(Array, x), job.progress.rngs["augmentation"])
        loss = network.loss_and_grad(x, y, sample_weight, job.alpha, job.l1_ratio)
        touched = network.touched_params()
        grad = network.grad if touched is None else network.grad[touched]
        if is_last or job.max_grad_norm < math.inf:
            norm = math.sqrt(np.dot(grad, grad))
            if norm > job.max_grad_norm:
                grad *= job.max_grad_norm / norm
        state = job.progress.optimizer_state
        if touched is None:
            job.optimizer.step(network.theta, grad, rate, state)
        else:
            _step_of_some(job.optimizer, network.theta, grad, rate, state, touched)
        return float(loss), norm

    def loss_and_gradient(self) -> tuple[float, Array]:
        """Return the penalized loss of all rows as one mini-batch, and its gradient."""
        job = self.job
        loss = self.network.loss_and_grad(
            job.X, job.y, job.sample_weight, job.alpha, job.l1_ratio
        )
        return loss, self.network.grad

    def close(self) -> None:
        """Release the workspace."""
        self.network.release()


def _step_of_some(
    optimizer: Optimizer,
    theta: Array,
    grad: Array,
    rate: float,
    state: dict[str, Any],
    touched: Order,
) -> None:
    """Update some parameters and their part of the state; leave the others as they are."""
    some = theta[touched]
    remembered = {
        name: value[touched] if name in MOMENTS else value for name, value in state.items()
    }
    optimizer.step(some, grad, rate, remembered)
    theta[touched] = some
    for name, value in remembered.items():
        if name in MOMENTS:
            state[name][touched] = value
        else:
            state[name] = value
