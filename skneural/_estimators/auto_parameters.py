"""The values of "auto" that depend on the number of samples."""

import numpy as np

# With more samples, a tenth of them can distinguish scores that differ by less than a percent,
# and the rest are enough to train on. HistGradientBoostingClassifier uses the same number.
MANY_SAMPLES = 10_000
# Chosen with the other defaults on the development sets of benchmarks/accuracy.py.
BATCH_SIZE = 32
PENALTY = 3
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
    """Return the strength of the penalty for ``alpha="auto"``.

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
    mean = 1.0 if sample_weight is None else float(sample_weight[sample_weight > 0].mean())
    return PENALTY * batch_size / n_samples * min(mean, 1.0)


def auto_early_stopping(n_samples: int) -> bool:
    """Return whether ``early_stopping="auto"`` holds out a part of `n_samples` samples."""
    return n_samples > MANY_SAMPLES
