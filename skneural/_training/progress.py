"""`Progress`: the state of the training after a fit, from which a later one continues.

It contains the network with its parameters, the optimizer's state, random generators and
counters, for `partial_fit` and warm starts.
"""

import copy
import math
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from skneural._network.network import Network
from skneural._network.philox import Draws

HISTORY = ("learning_rate", "loss", "grad_norm", "seconds")  # one entry per epoch
# One generator a purpose, by its place here: a new purpose leaves the draws of the
# others as they are.
_PURPOSES = ("weights", "shuffle", "dropout", "split", "augmentation")


def spawn_generators(
    random_state: int | np.random.RandomState | None,
) -> dict[str, np.random.Generator]:
    """Return one generator per purpose, from one random state."""
    entropy: int | np.ndarray | None
    if isinstance(random_state, np.random.RandomState):
        entropy = random_state.randint(2**32, size=4, dtype=np.uint32)
    else:
        entropy = random_state
    seeds = np.random.SeedSequence(entropy).spawn(len(_PURPOSES))
    return dict(zip(_PURPOSES, map(np.random.default_rng, seeds), strict=True))


@dataclass
class Progress:
    """The state of the training of a network."""

    network: Network
    solver: str
    optimizer_state: dict[str, np.ndarray | int]
    rngs: dict[str, np.random.Generator]  # a generator for each purpose
    epochs: int = 0
    samples: int = 0
    stalls: int = 0  # number of times that patience has run out, for the schedule "adaptive"
    # the lowest so far; before the first epoch that of the initial weights, if it is known
    best_loss: float = math.inf
    history: dict[str, list[float]] = field(
        default_factory=lambda: {name: [] for name in HISTORY}
    )
    # pickles of earlier versions lack these two, and then have the defaults
    seed: int | None = None  # of dropout and noise; drawn when the first fit begins
    steps: int = 0  # mini-batches since the network was created, including those without weight

    def draws(self) -> Draws:
        """Return the random words of dropout and noise for the next step."""
        if self.seed is None:
            self.seed = int(self.rngs["dropout"].integers(2**64, dtype=np.uint64))
        return Draws(self.seed, self.steps)

    @property
    def loss_curve(self) -> list[float]:
        """Training loss of every epoch."""
        return self.history["loss"]

    def copy(self) -> Self:
        """Return a copy that can be trained without changing this one."""
        moving = ("network", "optimizer_state", "rngs")
        copies = {name: copy.deepcopy(getattr(self, name)) for name in moving}
        history = {name: values.copy() for name, values in self.history.items()}
        return replace(self, **copies, history=history)

    def end_epoch(self, n_samples: int, **measured: float) -> None:
        """Count an epoch and record its measurements."""
        best_loss = self.best_loss if self.epochs else math.inf
        self.best_loss = min(best_loss, measured["loss"])
        self.epochs += 1
        self.samples += n_samples
        for name in {**self.history, **measured}:
            # what an epoch did not measure, for want of validation data, is NaN
            values = self.history.setdefault(name, [math.nan] * (self.epochs - 1))
            values.append(measured.get(name, math.nan))
