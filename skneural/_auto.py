"""What "auto" stands for where it depends on the number of samples."""

# More samples: a tenth of them tells scores apart by less than a percent, and the rest are
# enough to train on. The number is that of HistGradientBoostingClassifier.
MANY_SAMPLES = 10_000
# Large enough to make good use of the hardware, small enough for several steps per epoch; the
# number is that of scikit-learn's MLPClassifier.
LARGEST_BATCH = 200


def auto_batch_size(n_samples):
    """Return the number of samples per mini-batch for ``batch_size="auto"``.

    Parameters
    ----------
    n_samples : int
        Number of training samples; a very large one gives the largest batch there is.

    Returns
    -------
    batch_size : int
    """
    return min(LARGEST_BATCH, n_samples)


def auto_early_stopping(n_samples):
    """Return whether ``early_stopping="auto"`` holds a part of so many samples out."""
    return n_samples > MANY_SAMPLES
