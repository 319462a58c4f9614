"""The attributes of a training run that the engines use."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from skneural._engine.optimizers import Optimizer
from skneural._network.array_types import Array, Rows
from skneural._network.network import Network
from skneural._network.philox import Draws


class Progress(Protocol):
    """The state of the training of a network."""

    network: Network
    optimizer_state: dict[str, Any]  # arrays, and the number of steps
    rngs: dict[str, np.random.Generator]
    samples: int
    steps: int
    seed: int | None

    def draws(self) -> Draws:
        """Return the random words of dropout and noise."""


class Job(Protocol):
    """Data and settings of one run."""

    X: Rows
    y: Array
    sample_weight: Array | None
    alpha: float
    l1_ratio: float
    max_grad_norm: float
    batch_size: int
    shuffle: bool

    # read only, because the attributes of a job may have narrower types
    @property
    def progress(self) -> Progress:
        """State of the training so far."""

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer, which is not used if only gradients are computed."""

    @property
    def augment(self) -> Callable[[Array, np.random.Generator], Array] | None:
        """Function that is applied to every mini-batch, or None."""


class Reporting(Protocol):
    """Shows an engine whether to stop early."""

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C was pressed."""
