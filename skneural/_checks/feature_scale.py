"""Checks whether the scale of the data is suitable for a network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, is_regressor
from sklearn.utils.sparsefuncs import mean_variance_axis, min_max_axis

from skneural._checks.data import Matrix
from skneural._network.layers.batch_norm import BatchNorm
from skneural._network.network import Network

_FEWEST_ROWS = 10  # the spread of fewer rows is not meaningful
# More rows would give no more information. Of long rows fewer are used, so that the check
# takes at most 1 % of an epoch of MNIST, but enough to detect that a pixel near the border is
# rarely used.
_MOST_ROWS, _MOST_VALUES = 1000, 1 << 18
_FEWEST_LONG_ROWS = 300
_FEWEST_IMAGES = 10

# In data from one source, the mean of a feature changes by less than a standard deviation, and
# its spread changes little. If at least half of the features differ by these amounts, X_val has
# not been scaled. Tests show this for four data sets of scikit-learn.
_FARTHEST_MEAN = 3
_WIDEST_SPREAD = 10

# Chosen from the table in docs/guide/scaling.md: beyond these bounds the score is clearly lower
# than with a StandardScaler. The size of X is the root of the mean of all squares.
_LARGEST_SIZE = 10  # the raw digits have 7.9, and lose nothing in an MLPClassifier
_LARGEST_SIZE_IF_SENSITIVE = 6  # regressors, whose first errors are as large; convolutions
_FARTHEST_FROM_0 = 10  # in standard deviations; iris has 7
_FEWEST_UNITS_FROM_0 = 3  # an indicator that is nearly always 1 does no harm
_LARGEST_CONSTANT = 10  # a larger one drowns the features that vary
_SMALLEST_ROW = 0.1  # Euclidean norm; the scaled diabetes data have 0.15
_SMALLEST_SHARE = 0.05  # of the typical spread, for the largest deviation of a feature
_MOST_NAMES = 3


@dataclass(frozen=True)
class Moments:
    """Statistics of every feature, or of every channel of images and signals."""

    mean: np.ndarray
    std: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def varies(self) -> NDArray[np.bool_]:
        """Return a mask of the features that are not constant except for rounding errors."""
        return ~(self.std <= 1e-6 * np.abs(self.mean))

    def describe(self, k: int) -> str:
        """Describe the mean and standard deviation of feature `k`."""
        return f"mean {self.mean[k]:.3g}, standard deviation {self.std[k]:.3g}"


def moments(X: Matrix, n_channels: int | None = None) -> Moments:
    """Return the Moments of 1000 evenly spaced rows, or of fewer if rows are long.

    Parameters
    ----------
    X : ndarray or CSR of shape (n_samples, n_features)
    n_channels : int, default=None
        Number of channels, if rows are flat images or signals.
    """
    fewest = _FEWEST_LONG_ROWS if n_channels is None else _FEWEST_IMAGES
    n_rows = min(X.shape[0], _MOST_ROWS, max(fewest, _MOST_VALUES // X.shape[1]))
    rows = X[np.linspace(0, X.shape[0] - 1, n_rows).astype(int)]
    if not isinstance(rows, np.ndarray) and n_channels is not None:
        rows = rows.toarray()
    if sparse.issparse(rows):
        mean, variance = mean_variance_axis(rows, axis=0)
        return Moments(mean, np.sqrt(variance), *min_max_axis(rows, axis=0))
    rows = rows.reshape(-1, n_channels or X.shape[1])
    return Moments(
        mean=rows.mean(axis=0, dtype=np.float64),
        std=rows.std(axis=0, dtype=np.float64),
        low=rows.min(axis=0),
        high=rows.max(axis=0),
    )


def scale_doubt(X: Matrix, X_val: Matrix) -> str | None:
    """Return a message if the scale of `X_val` seems to differ from that of `X`, or None."""
    if X.shape[0] < _FEWEST_ROWS:
        return None
    with np.errstate(all="ignore"):
        own, other = moments(X), moments(X_val)
        far = np.abs(other.mean - own.mean) > _FARTHEST_MEAN * own.std
        if X_val.shape[0] >= _FEWEST_ROWS:
            far |= other.std > _WIDEST_SPREAD * own.std
            # a rare category may be missing from X_val
            far |= (other.std > 0) & (other.std * _WIDEST_SPREAD < own.std)
    n_far, n_features = np.count_nonzero(far & own.varies), np.count_nonzero(own.varies)
    if n_far == 0 or 2 * n_far < n_features:
        return None
    return (
        f"X_val does not seem to be on the scale of X. {n_far} of {n_features} features have "
        f"means that differ by more than {_FARTHEST_MEAN} standard deviations of X, or "
        f"standard deviations that differ by more than a factor of {_WIDEST_SPREAD}. If X has "
        "passed a scaler, X_val must pass it, too. A Pipeline does that with "
        'transform_input=["X_val"] and metadata routing: see "Validation data behind a scaler" '
        "in the guide."
    )


@dataclass(frozen=True)
class UnscaledInput:
    """The reason why X should be scaled, and the code that scales it."""

    evidence: str
    advice: str

    def __str__(self) -> str:
        return f"{self.evidence} {self.advice}"


def unscaled_input(
    estimator: BaseEstimator, network: Network, X: Matrix
) -> UnscaledInput | None:
    """Return why and how X should be scaled before training, or None.

    Each channel of signals and images is judged as a whole.

    Parameters
    ----------
    estimator : estimator
        The estimator whose class and feature names are in the message.
    network : Network
        The network of the estimator, fitted or not.
    X : ndarray or CSR of shape (n_samples, n_features)
        Rows in the form of the network's input.

    Returns
    -------
    unscaled : UnscaledInput or None
    """
    if X.shape[0] < _FEWEST_ROWS:
        return None
    is_table = len(network.input_shape) == 1
    is_sensitive = not is_table or is_regressor(estimator)
    bound = _LARGEST_SIZE_IF_SENSITIVE if is_sensitive else _LARGEST_SIZE
    # it corrects means and a common scale, but not a feature with a smaller scale than others
    is_normalized = any(isinstance(layer, BatchNorm) for layer in network.layers[1:2])
    with np.errstate(all="ignore"):
        found = moments(X, None if is_table else network.input_shape[-1])
        size = np.where(found.varies, np.hypot(found.mean, found.std), 0.0)
        mean_square = np.sum(size**2) / max(1, np.count_nonzero(found.varies))
        row_norm = np.sqrt(np.sum(size**2) * X.shape[1] / len(size))
        is_large = not is_normalized and np.sqrt(mean_square) > bound
        is_small = not is_normalized and row_norm < _SMALLEST_ROW
        far_off = np.zeros(len(size)) if is_normalized else _far_off(found)
        if is_table and not is_normalized:  # such as a year that is the same in all rows
            constant = np.abs(found.mean) / _LARGEST_CONSTANT
            far_off = np.where(found.varies, far_off, constant)
        drowned = np.zeros(len(size)) if is_large else _drowned(found)
        badness = np.fmax(size / bound, far_off) if is_large else np.fmax(drowned, far_off)
        badness[is_small & found.varies] = np.inf
    worst = np.argsort(-badness, kind="stable")[:_MOST_NAMES]
    worst = worst[badness[worst] > 1].tolist()
    if not worst:
        return None
    widest = int(found.std.argmax()) if drowned[worst[0]] else None
    if not is_table:
        evidence = _evidence(found, worst, widest, _channel if len(size) > 1 else _all_values)
        is_divided = is_large and (size[found.varies] > bound).all() and not (far_off > 1).any()
        return UnscaledInput(evidence, _divided(found) if is_divided else _by_channel(network))
    names = getattr(estimator, "feature_names_in_", None)
    evidence = _evidence(found, worst, widest, _feature if names is None else _named(names))
    return UnscaledInput(evidence, _with_scaler(X, estimator))


def _far_off(found: Moments) -> np.ndarray:
    """Return the ratio of mean to spread of each feature; more than 1 is too large."""
    far = np.abs(found.mean) / found.std / _FARTHEST_FROM_0
    return np.where((np.abs(found.mean) > _FEWEST_UNITS_FROM_0) & found.varies, far, 0.0)


def _drowned(found: Moments) -> np.ndarray:
    """Return how much smaller each feature is than others, or 0 if it is not too small."""
    deviation = np.maximum(found.high - found.mean, found.mean - found.low)
    typical = np.sqrt(np.mean(found.std[found.varies] ** 2)) if found.varies.any() else 0.0
    smallness = _SMALLEST_SHARE * typical / deviation
    is_rare = deviation > 10 * found.std  # for example a pixel near the border of an image
    # PCA of features that depend on each other leaves components of rounding errors, which are
    # roots of those of the covariance
    is_rounding = deviation < 10 * np.sqrt(np.finfo(found.low.dtype).eps) * typical
    is_drowned = (smallness > 1) & found.varies & ~is_rare & ~is_rounding
    return np.where(is_drowned, smallness, 0.0)


def _evidence(
    found: Moments, worst: Sequence[int], widest: int | None, name: Callable[[int], str]
) -> str:
    """Name the worst features and, if they are too small, the widest one for comparison."""
    if widest is not None:
        worst = worst[: _MOST_NAMES - 1]
    *others, last = [f"{name(k)} ({found.describe(k)})" for k in worst]
    listed = f"{', '.join(others)} and {last}" if others else last
    beside = "" if widest is None else f", beside {name(widest)} ({found.describe(widest)})"
    return (
        "X is far from mean 0 and standard deviation 1, so training may be slow or end with a "
        f"poor score. Look at {listed}{beside}."
    )


def _feature(k: int) -> str:
    return f"feature {k}"


def _named(names: np.ndarray) -> Callable[[int], str]:
    return lambda k: repr(names[k])


def _channel(k: int) -> str:
    return f"channel {k}"


def _all_values(_: int) -> str:
    return "its values"


def _with_scaler(X: Matrix, estimator: BaseEstimator) -> str:
    scaler = "MaxAbsScaler" if sparse.issparse(X) else "StandardScaler"
    return f"Write make_pipeline({scaler}(), {type(estimator).__name__}(...))."


def _divided(found: Moments) -> str:
    largest = max(found.high.max(), -found.low.min())
    divisor = "255" if 64 < largest <= 255 else "np.abs(X).max()"
    return f"Write X / {divisor}."


def _by_channel(network: Network) -> str:
    axes = tuple(range(len(network.input_shape)))  # the samples, and all but the channels
    axis = "" if network.input_shape[-1] == 1 else f"axis={axes}"
    return f"Write (X - X.mean({axis})) / X.std({axis})."
