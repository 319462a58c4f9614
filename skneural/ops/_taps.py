"""The largest of a few values, its taps, and the way back.

Values of the same tap stand side by side, so that every step is one operation on long rows.
"""

import numpy as np


def rounds_of(taps, won=None):
    """How taps are compared, in two rounds: views, to be made once.

    Parameters
    ----------
    taps : ndarray of shape (height, width, m)
        For m outputs, what stands at every place of a window; overwritten.
    won : OUT ndarray of shape (height * width - 1, m), default=None
        Where a tap was larger than all before it: first along the rows of taps, then between
        the largest of these.

    Returns
    -------
    rounds : list of tuple
        The best so far, another tap, and where this wins.
    """
    height, width, m = taps.shape
    n_wins = height * (width - 1)
    first, second = [None] * (width - 1), [None] * (height - 1)
    if won is not None:
        first, second = won[:n_wins].reshape(width - 1, height, m), won[n_wins:]
    return [
        *((taps[:, 0], taps[:, k + 1], first[k]) for k in range(width - 1)),
        *((taps[0, 0], taps[k + 1, 0], second[k]) for k in range(height - 1)),
    ]


def find_largest(rounds):
    """Leave the largest tap of every output, the first of several, in tap (0, 0)."""
    for best, other, wins in rounds:
        if wins is not None:
            np.greater(other, best, out=wins)
        np.maximum(other, best, out=best)


def spread(rounds):
    """Move the gradient in tap (0, 0) to the tap that was the largest; zeros to the others."""
    for best, other, wins in reversed(rounds):
        np.multiply(best, wins, out=other)
        best -= other
