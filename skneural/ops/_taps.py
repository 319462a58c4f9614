"""The largest of a few values, its taps, and the way back.

Values of the same tap stand side by side, so that every step is one operation on long rows.
"""

import numpy as np


def find_largest(taps, won=None):
    """Find the largest tap of every output, the first of several, and leave it in tap (0, 0).

    Parameters
    ----------
    taps : ndarray of shape (height, width, m)
        For m outputs, what stands at every place of a window; overwritten.
    won : OUT ndarray of shape (height * width - 1, m), default=None
        Where a tap was larger than all before it: first along the rows of taps, then between
        the largest of these.
    """
    for best, others, wins in _rounds(taps, won):
        for k, other in enumerate(others):
            if won is not None:
                np.greater(other, best, out=wins[k])
            np.maximum(other, best, out=best)


def spread(taps, won):
    """Move the gradient in tap (0, 0) to the tap that was the largest; zeros to the others."""
    for best, others, wins in reversed(_rounds(taps, won)):
        for k in reversed(range(len(others))):
            np.multiply(best, wins[k], out=others[k])
            best -= others[k]


def _rounds(taps, won):
    """For both rounds: the best so far, the others one by one, and where these won."""
    height, width, m = taps.shape
    n_wins = height * (width - 1)
    first = second = None
    if won is not None:
        first, second = won[:n_wins].reshape(width - 1, height, m), won[n_wins:]
    return [(taps[:, 0], taps[:, 1:].swapaxes(0, 1), first), (taps[0, 0], taps[1:, 0], second)]
