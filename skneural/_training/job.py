"""A job: the data, the settings and the initial state of one training run."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from skneural._checks.data import Matrix
from skneural._engine.optimizers import Optimizer
from skneural._training.adaptive_penalty import AdaptivePenalty
from skneural._training.convergence import Convergence
from skneural._training.progress import Progress
from skneural._training.validation import Validation
from skneural.schedules import Adaptive, Schedule

_SMALLEST_RATE = 1e-6  # where "adaptive" ends, as in scikit-learn


@dataclass
class Job:
    """One training run: validated data, settings, and the initial state of the training."""

    X: Matrix  # of shape (n_samples, n_features), in the network's dtype
    y: np.ndarray  # (n_samples, n_outputs), in the network's dtype
    sample_weight: np.ndarray | None  # (n_samples,), in the network's dtype
    validation: Validation | None
    progress: Progress
    optimizer: Optimizer
    convergence: Convergence
    learning_rate: float
    schedule: Schedule
    schedule_length: int  # epochs, for schedules without a length of their own
    decay: float
    alpha: float  # in the current epoch, if there is an `adaptive_penalty`
    l1_ratio: float
    max_grad_norm: float
    batch_size: int
    max_iter: int
    shuffle: bool
    restore_best: bool  # end with the weights of the best validation score
    augment: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None
    begun: int  # number of epochs of the network before the run
    adaptive_penalty: AdaptivePenalty | None = None
    target_scale: object | None = None  # the TargetScale that y was standardized with
    ended: bool = False  # whether patience, a target or a callback has ended the run
    # parameters and state of the best validation score
    best: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def is_over(self) -> bool:
        """Whether there are no epochs left."""
        return self.ended or self.progress.epochs >= self.begun + self.max_iter

    @property
    def doubt(self) -> str | None:
        """The reason why the network may need more training, after all epochs, or None."""
        if self.ended:
            return None
        return (
            f"max_iter={self.max_iter} epochs were run before patience="
            f"{self.convergence.patience} ended the fit. Raise max_iter, or set "
            "patience=None if this number of epochs is what you want."
        )

    def rate(self) -> float:
        """Return the learning rate of the next epoch."""
        epochs, stalls = self.progress.epochs, self.progress.stalls
        factor = self.schedule(epochs, self.schedule_length, stalls)
        return self.learning_rate * factor * self.decay**epochs

    def adapt_penalty(self) -> None:
        """Set the strength of the penalty in the next epoch, unless it is constant."""
        if self.adaptive_penalty is not None:
            self.alpha = self.adaptive_penalty.after(self.progress.loss_curve)

    def has_stalled(self, rate: float) -> bool:
        """Return whether to stop because patience has run out; "adaptive" lowers the rate."""
        if not self.convergence.reached:
            return False
        # not >, because the rate of L-BFGS is NaN
        if not isinstance(self.schedule, Adaptive) or not rate > _SMALLEST_RATE:
            return True
        self.progress.stalls += 1
        self.convergence.stalled = 0
        return False
