"""Patience: whether the loss or the validation score still improves."""

import math


class Convergence:
    """Patience: the number of epochs since the loss last decreased by more than `tol`.

    A validation score is treated as the loss ``-score``, and training ends when it reaches
    `target`. Of two equal scores, which are frequent with accuracy, the one with the lower
    validation loss is better.
    """

    def __init__(self, patience: float, tol: float, target: float = -math.inf) -> None:
        self.patience = patience
        self.tol = tol
        self.target = target
        self.best_loss = self.best_tie_breaker = math.inf
        self.stalled = 0

    def update(self, loss: float, tie_breaker: float = 0.0) -> bool:
        """Record the loss of an epoch; return whether it is the lowest so far."""
        is_best = (loss, tie_breaker) < (self.best_loss, self.best_tie_breaker)
        improved = loss < self.best_loss - self.tol or (
            loss == self.best_loss and tie_breaker < self.best_tie_breaker - self.tol
        )
        self.stalled = 0 if improved else self.stalled + 1
        if is_best:
            self.best_loss, self.best_tie_breaker = loss, tie_breaker
        return is_best

    @property
    def reached(self) -> bool:
        """Return whether patience has run out."""
        return self.stalled >= self.patience

    @property
    def reached_target(self) -> bool:
        """Return whether the target has been reached."""
        return self.best_loss <= self.target
