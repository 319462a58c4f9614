"""The values of "auto" that depend on the number of samples."""

import math

import numpy as np

from skneural._network.losses.base import Loss
from skneural._network.losses.regression import HalfSquaredError
from skneural._training.adaptive_penalty import AdaptivePenalty

# With more samples, a tenth of them can distinguish scores that differ by less than a percent,
# and the rest are enough to train on. HistGradientBoostingClassifier uses the same number.
MANY_SAMPLES = 10_000
# Chosen with the other defaults on the development sets of benchmarks/accuracy.py.
BATCH_SIZE = 32
PENALTY = 3
# With log-loss, the penalty decreases if the training loss is less than this share of the loss
# of a constant prediction.
FULL_PENALTY_SHARE = 0.5
# With squared error, the penalty decreases with the training loss from the beginning.
SQUARED_ERROR_PENALTY, SQUARED_ERROR_POWER = 2, 0.75
# for one call of partial_fit, which does not know how many samples will follow
PENALTY_OF_A_PART = 1e-4
# the default of PyTorch's AdamW
DECAY = 0.01


def auto_batch_size(n_samples: int) -> int:
    """Return the number of samples per mini-batch for ``batch_size="auto"``.

    Parameters
    ----------
    n_samples : int
        Number of training samples. A very large number gives the largest mini-batch.

    Returns
    -------
    batch_size : int
    """
    return min(BATCH_SIZE, n_samples)


def auto_alpha(
    solver: str,
    batch_size: int,
    n_samples: int | None,
    sample_weight: np.ndarray | None = None,
) -> float:
    """Return the strength of a constant penalty for ``alpha="auto"``.

    A penalty is divided by the sum of the sample weights of a mini-batch. Its strength is
    proportional to the share of the samples in a mini-batch. It therefore has the same effect
    for every batch size, and less effect the more samples there are, as a prior distribution of
    the weights would have.

    Parameters
    ----------
    solver : str
        Name of the solver.
    batch_size : int
        Number of samples per mini-batch.
    n_samples : int or None
        Number of training samples, or None if more will follow.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights of the samples. Weights whose sum is less than the number of samples, such as
        those of AdaBoost, whose sum is 1, do not increase the effect of the penalty.

    Returns
    -------
    alpha : float
    """
    if solver == "adamw":
        return DECAY
    if n_samples is None:
        return PENALTY_OF_A_PART
    return PENALTY * batch_size / n_samples * min(_mean_weight(sample_weight), 1.0)


def auto_penalty(
    loss: Loss, batch_size: int, y: np.ndarray, sample_weight: np.ndarray | None = None
) -> AdaptivePenalty | None:
    """Return the penalty for ``alpha="auto"`` and a solver with mini-batches, except adamw.

    The penalty decreases with the training loss: with log-loss, once the network has removed
    half of the loss of a constant prediction, and with squared error from the beginning.

    Parameters
    ----------
    loss : Loss
        The loss of the network.
    batch_size : int
        Number of samples per mini-batch.
    y : ndarray of shape (n_samples, n_outputs)
        Encoded targets.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights of the samples, as for `auto_alpha`.

    Returns
    -------
    penalty : AdaptivePenalty or None
        None for other losses and constant targets, for which the penalty is constant.
    """
    constant_loss = loss.constant_loss(y, sample_weight)
    if constant_loss is None or not 0 < constant_loss < math.inf:
        return None
    mean = _mean_weight(sample_weight)
    strength = batch_size / len(y) * min(mean, 1.0)
    if isinstance(loss, HalfSquaredError):
        # a weight of 2 counts like two samples
        n_weighted = len(y) if sample_weight is None else np.count_nonzero(sample_weight)
        strength *= (n_weighted * max(mean, 1.0)) ** (1 - SQUARED_ERROR_POWER)
        return AdaptivePenalty(SQUARED_ERROR_PENALTY * strength, constant_loss)
    return AdaptivePenalty(PENALTY * strength, FULL_PENALTY_SHARE * constant_loss)


def _mean_weight(sample_weight: np.ndarray | None) -> float:
    """Return the mean of the positive weights."""
    if sample_weight is None:
        return 1.0
    return float(sample_weight[sample_weight > 0].mean())


def auto_early_stopping(n_samples: int) -> bool:
    """Return whether ``early_stopping="auto"`` holds out a part of `n_samples` samples."""
    return n_samples > MANY_SAMPLES
