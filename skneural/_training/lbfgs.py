"""L-BFGS: training on all rows at once, with SciPy's minimizer and its line search."""

import math
from contextlib import suppress

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from skneural._engine.compiled import CompiledTraining
from skneural._engine.reference import ReferenceTraining
from skneural._training.epochs import Epochs, make_training
from skneural._training.job import Job
from skneural._training.reporting import Reporting


class LBFGS:
    """Limited-memory BFGS, whose state is kept by SciPy during one fit.

    Parameters
    ----------
    tol : float
        The fit ends when no entry of the gradient is larger.
    max_fun : int
        Maximum number of evaluations of the loss in one fit.

    References
    ----------
    D. Liu and J. Nocedal, On the limited memory BFGS method for large scale optimization,
    Mathematical Programming 45, 1989.
    """

    def __init__(self, tol: float, max_fun: int) -> None:
        self.tol = tol
        self.max_fun = max_fun

    def init(self, theta: np.ndarray) -> dict[str, np.ndarray | int]:
        """Return an empty state, because nothing is kept between fits."""
        return {}

    def step(
        self, theta: np.ndarray, grad: np.ndarray, rate: float, state: dict[str, np.ndarray]
    ) -> None:
        """Raise an error, because SciPy makes the steps and needs only gradients."""
        raise TypeError("L-BFGS has no steps of its own: they are taken by SciPy.")


def train(job: Job, reporting: Reporting) -> str | None:
    """Train the network of a job in place; an epoch is one iteration on all rows.

    Returns
    -------
    doubt : str or None
        The reason why the network may need more training, if it has not converged.

    Raises
    ------
    ValueError
        If the loss or a prediction is not finite.
    """
    optimizer = job.optimizer
    assert isinstance(optimizer, LBFGS)
    if job.is_over:  # with max_iter=0, SciPy would count its first evaluation as an iteration
        Epochs(job, reporting).finish()
        return None
    network, training = job.progress.network, make_training(job, updates=False)
    run = _Run(job, reporting, training)
    try:
        # A diverging fit raises one error about its loss, instead of many warnings.
        with np.errstate(all="ignore"):
            result = minimize(
                run.loss_and_grad,
                network.theta.astype(np.float64),
                jac=True,
                method="L-BFGS-B",
                callback=run.end_iteration,
                options={
                    "maxiter": job.max_iter,
                    "maxfun": optimizer.max_fun,
                    "gtol": optimizer.tol,
                    # the precision of the loss in the network's dtype
                    "ftol": np.finfo(network.dtype).eps,
                },
            )
            if run.begun:  # converged at the start, or by a line search without success
                with suppress(StopIteration):
                    run.end_iteration(result)
    finally:
        training.close()
    run.epochs.finish()
    return None if run.stopped else _doubt(job, optimizer, result)


class _Run:
    """One minimization: the function that SciPy evaluates, and the callback of an iteration."""

    def __init__(
        self, job: Job, reporting: Reporting, training: CompiledTraining | ReferenceTraining
    ) -> None:
        self.job, self.training = job, training
        self.epochs = Epochs(job, reporting)
        self.begun = self.stopped = False

    def loss_and_grad(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the loss and the gradient at `theta` in float64, as required by SciPy."""
        if not self.begun:  # only now is it certain that there is another iteration
            self.epochs.begin()
            self.begun = True
        self.job.progress.network.theta[...] = theta
        loss, gradient = self.training.loss_and_gradient()
        self.grad_norm = math.sqrt(np.dot(gradient, gradient))
        return float(loss), gradient.astype(np.float64)

    def end_iteration(self, intermediate_result: OptimizeResult) -> None:
        """Record an iteration, and stop SciPy if training should end."""
        self.job.progress.network.theta[...] = intermediate_result.x
        self.begun = False
        self.stopped = self.epochs.end(
            learning_rate=math.nan,
            loss=float(intermediate_result.fun),
            grad_norm=self.grad_norm,
        )
        if self.stopped or self.epochs.reporting.interrupted:
            raise StopIteration


def _doubt(job: Job, optimizer: LBFGS, result: OptimizeResult) -> str | None:
    if result.status == 0:
        return None
    limits = f"max_iter={job.max_iter} or max_fun={optimizer.max_fun}"
    ended, advice = f"reached {limits}", "Raise them"
    if result.status != 1:
        ended, advice = "found no lower loss in its line search", "Raise tol"
    return (
        f"L-BFGS {ended} before every entry of the gradient was below tol="
        f"{optimizer.tol}. {advice}, scale X, or set patience=None if this is what "
        "you want."
    )
