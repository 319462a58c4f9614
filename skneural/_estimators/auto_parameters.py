"""What "auto" stands for where it depends on the number of samples."""

import numpy as np

# More samples: a tenth of them tells scores apart by less than a percent, and the rest are
# enough to train on. The number is that of HistGradientBoostingClassifier.
MANY_SAMPLES = 10_000
# Chosen with the other defaults on the development sets of benchmarks/accuracy.py.
BATCH_SIZE = 32
PENALTY = 3
# of one call of partial_fit, which does not know how many samples are still to come
PENALTY_OF_A_PART = 1e-4
# the default of PyTorch's AdamW
DECAY = 0.01


def auto_batch_size(n_samples: int) -> int:
    """Return the number of samples per mini-batch for ``batch_size="auto"``.

    Parameters
    ----------
    n_samples : int
        Number of training samples; a very large one gives the largest batch there is.

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

    A penalty is divided by the sum of the sample weights of a mini-batch. Multiplied by the
    share of the samples that a mini-batch has, it is the same for every batch size, and counts
    the less the more samples there are, as a prior distribution of the weights would.

    Parameters
    ----------
    solver : str
        Name of the solver.
    batch_size : int
        Number of samples per mini-batch.
    n_samples : int or None
        Number of training samples; None if more are to come.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights of the samples. Those that add up to less than the number of samples, such as
        the weights of AdaBoost, whose sum is 1, do not make the penalty count more.

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
    """Return whether ``early_stopping="auto"`` holds a part of so many samples out."""
    return n_samples > MANY_SAMPLES
