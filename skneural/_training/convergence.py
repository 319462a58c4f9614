"""Patience: when the loss, or the validation score, has settled."""

import math


class Convergence:
    """Patience: epochs since the loss last fell by more than `tol`.

    A validation score is watched as the loss ``-score``; `target` is where it may stop.
    Of equal scores, which accuracy often has, the one with the lower validation loss is
    the better.
    """

    def __init__(self, patience: float, tol: float, target: float = -math.inf) -> None:
        self.patience = patience
        self.tol = tol
        self.target = target
        self.best_loss = self.best_tie_breaker = math.inf
        self.stalled = 0

    def update(self, loss: float, tie_breaker: float = 0.0) -> bool:
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
    def reached(self) -> bool:
        """Whether patience has run out."""
        return self.stalled >= self.patience

    @property
    def reached_target(self) -> bool:
        """Whether the target has been reached."""
        return self.best_loss <= self.target
