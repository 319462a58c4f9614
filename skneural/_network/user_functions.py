"""What a function that the user has written returns: checked, and its slope by differences."""

import numpy as np
import numpy.typing as npt

from skneural._network.array_types import Array, Shape

# A central difference with this step is exact to about 1e-10 for smooth functions of size 1.
_STEP = 1e-6
_TOLERANCE = 1e-4  # of the largest slope found: what is wrong is off by far more


def read_only(array: Array) -> Array:
    """Return a view that the user's function cannot change."""
    view = array.view()
    view.flags.writeable = False
    return view


def checked_result(what: str, result: object, shape: Shape, advice: str = "") -> Array:
    """Return what a function gave as an array; refuse other shapes and what is not a number.

    Parameters
    ----------
    what : str
        What it is, beginning with the name of the parameter.
    result : object
        What the function returned.
    shape : tuple of int
        The shape that it must have.
    advice : str, default=""
        What to add to the error about a shape, with a space in front.

    Returns
    -------
    array : ndarray
        Of real numbers; booleans count as 0 and 1.
    """
    array = np.asarray(result)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{what} must be an array of real numbers, got {_described(array)}.")
    if array.shape != shape:
        raise ValueError(f"{what} must have shape {shape}, got shape {array.shape}.{advice}")
    return array


def check_finite(what: str, array: Array) -> None:
    """Refuse NaN and infinity."""
    if not np.isfinite(array).all():
        raise ValueError(f"{what} must be finite, got {array[~np.isfinite(array)][0]}.")


def steps(points: Array) -> Array:
    """Return how far to go from each point, up and down, for a central difference."""
    # the root: large points must be told apart, but a loss may bend within 1 of a large target
    return _STEP * np.sqrt(np.maximum(1, np.abs(points)))


def check_slope(
    what: str,
    found: Array,
    above: Array,
    below: Array,
    step: Array,
    places: npt.NDArray[np.str_],
) -> None:
    """Refuse a slope that is not the one of the function by central differences.

    Parameters
    ----------
    what : str
        Whose slope it is, beginning with the name of the parameter.
    found : ndarray
        The slope that the user's function has returned.
    above, below : ndarray
        Values of the function at each point plus, and minus, its step.
    step : ndarray
        The steps.
    places : ndarray of str
        Describes each point, for the error.
    """
    expected = (above - below) / (2 * step)
    rounding = 10 * np.finfo(np.float64).eps * np.maximum(np.abs(above), np.abs(below)) / step
    error = np.abs(found - expected)
    wrong = error > _TOLERANCE * np.abs(expected).max() + rounding
    if wrong.any():
        i = np.unravel_index(np.where(wrong, error, 0).argmax(), error.shape)
        raise ValueError(
            f"{what} is not the slope of its function: for {places[i]} it is {found[i]:.6g}, "
            f"and finite differences give {expected[i]:.6g}."
        )


def _described(array: npt.NDArray[np.generic]) -> str:
    return repr(array.item()) if array.ndim == 0 else f"an array of dtype {array.dtype}"
