"""Checks of the results of user-defined functions, and of their derivatives."""

import numpy as np
import numpy.typing as npt

from skneural._network.array_types import Array, Shape

# A central difference with this step is exact to about 1e-10 for smooth functions of size 1.
_STEP = 1e-6
_TOLERANCE = 1e-4  # relative to the largest derivative


def read_only(array: Array) -> Array:
    """Return a read-only view for a user-defined function."""
    view = array.view()
    view.flags.writeable = False
    return view


def checked_result(what: str, result: object, shape: Shape, advice: str = "") -> Array:
    """Return the result of a function as an array, after checking its shape and dtype.

    Parameters
    ----------
    what : str
        Description of the result for errors, which begins with the name of the parameter.
    result : object
        The result of the function.
    shape : tuple of int
        The shape that the result must have.
    advice : str, default=""
        Text that is added to the error about a shape, beginning with a space.

    Returns
    -------
    array : ndarray
        An array of real numbers; booleans become 0 and 1.
    """
    array = np.asarray(result)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{what} must be an array of real numbers, got {_described(array)}.")
    if array.shape != shape:
        raise ValueError(f"{what} must have shape {shape}, got shape {array.shape}.{advice}")
    return array


def check_finite(what: str, array: Array) -> None:
    """Check that there is no NaN or infinity."""
    if not np.isfinite(array).all():
        raise ValueError(f"{what} must be finite, got {array[~np.isfinite(array)][0]}.")


def steps(points: Array) -> Array:
    """Return the step of a central difference at each point."""
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
    """Check a derivative by central differences of the function.

    Parameters
    ----------
    what : str
        Description of the derivative for errors, which begins with the name of the parameter.
    found : ndarray
        The derivative that the user-defined function has returned.
    above, below : ndarray
        Values of the function at each point plus, and minus, its step.
    step : ndarray
        The steps.
    places : ndarray of str
        Descriptions of the points, for the error.
    """
    expected = (above - below) / (2 * step)
    rounding = 10 * np.finfo(np.float64).eps * np.maximum(np.abs(above), np.abs(below)) / step
    error = np.abs(found - expected)
    wrong = error > _TOLERANCE * np.abs(expected).max() + rounding
    if wrong.any():
        i = np.unravel_index(np.where(wrong, error, 0).argmax(), error.shape)
        raise ValueError(
            f"{what} is not the derivative of its function: for {places[i]} it is "
            f"{found[i]:.6g}, and finite differences give {expected[i]:.6g}."
        )


def _described(array: npt.NDArray[np.generic]) -> str:
    return repr(array.item()) if array.ndim == 0 else f"an array of dtype {array.dtype}"
