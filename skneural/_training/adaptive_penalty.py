"""A penalty whose strength follows the training loss."""

from collections.abc import Sequence
from dataclasses import dataclass

# A large network can remove nearly all of the training loss, however noisy the targets are.
LEAST_FACTOR = 0.2


@dataclass(frozen=True)
class AdaptivePenalty:
    """The strength of a penalty that decreases with the training loss.

    The less noise the targets contain, the weaker the best penalty is. The noise is not known
    before a fit, and the training loss of the previous epoch serves as an estimate.

    Attributes
    ----------
    strongest : float
        Strength in the first epoch, and the highest one.
    full_loss : float
        Training loss, positive, below which the strength decreases in proportion to the loss,
        down to a fifth.
    """

    strongest: float
    full_loss: float

    def after(self, losses: Sequence[float]) -> float:
        """Return the strength in the next epoch, given the training losses so far."""
        if not losses:
            return self.strongest
        factor = losses[-1] / self.full_loss
        return self.strongest * min(max(factor, LEAST_FACTOR), 1.0)
