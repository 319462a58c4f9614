"""Shapes of samples: equivalent shapes, and advice for shapes that are probably wrong."""

import math
from collections.abc import Sequence

import numpy as np

_MOST_CHANNELS = 4  # channels of a photograph; other images and signals may have more


def with_channels(input_shape: int | Sequence[int] | np.ndarray) -> tuple[int, ...]:
    """Return a shape with channels; a single length is that of signals with one channel."""
    lengths = input_shape if isinstance(input_shape, Sequence | np.ndarray) else [input_shape]
    shape = tuple(int(length) for length in lengths)
    return (*shape, 1) if len(shape) == 1 else shape


def forms(shape: tuple[int, ...]) -> set[tuple[int, ...]]:
    """Return the shapes of X that are allowed for samples of this shape."""
    known = {(math.prod(shape),), shape}
    return known | {shape[:-1]} if shape[-1] == 1 else known


def advice(shape: tuple[int, ...], expected: tuple[int, ...], name: str) -> str:
    """Return advice for an X whose samples should have the shape `expected`.

    Parameters
    ----------
    shape : tuple of int
        Shape of X.
    expected : tuple of int
        (height, width, channels) or (length, channels).
    name : str
        Name of X in the message.

    Returns
    -------
    advice : str
        The advice, which is empty if the shape is correct or if no advice is known.

    Examples
    --------
    >>> from skneural._checks.shape_advice import advice
    >>> advice((8, 8), (8, 8, 1), "X")
    'X has the shape of one sample: write X[None].'
    """
    given = shape[1:]
    if given in forms(expected):
        return ""
    if len(shape) > 1 and shape in forms(expected):
        return f"{name} has the shape of one sample: write {name}[None]."
    if len(given) > 1 and given == _channels_first(expected) and given[0] < given[-1]:
        return f"Channels come last: write np.moveaxis({name}, 1, -1)."
    return ""


def input_shape_advice(given: tuple[int, ...], expected: tuple[int, ...]) -> str:
    """Return the input_shape to write for samples of shape `given` instead of `expected`."""
    n_pixels = math.prod(expected[:2])
    if len(given) == 1 and given[0] in (n_pixels, 3 * n_pixels):
        meant = (*expected[:2], given[0] // n_pixels)
    elif (len(given), len(expected)) == (3, 2) or _channels_first(given) == expected:
        meant = given
    else:
        return ""
    if len(meant) == 2:
        return f"For such signals (length, channels) write input_shape={meant}."
    return f"For such images (height, width, channels) write input_shape={meant}."


def doubtful_axes(input_shape: object, shape: tuple[int, ...]) -> str:
    """Return how samples are interpreted and what may have been intended instead, or "".

    Parameters
    ----------
    input_shape : object
        The parameter of this name. If it is given, there is advice only for shapes that are
        very unlikely.
    shape : tuple of int
        (height, width, channels) or (length, channels), as samples are interpreted.

    Examples
    --------
    >>> from skneural._checks.shape_advice import doubtful_axes
    >>> print(doubtful_axes((8, 8), (8, 8)))
    input_shape=(8, 8) means signals of 8 steps with 8 channels. If the samples are images of
    8 x 8 pixels, write input_shape=(8, 8, 1).
    """
    if input_shape is not None:
        return _doubt_of_stated(shape)
    if len(shape) == 2:
        return _doubt_of_flat_rows(shape[0])
    if _looks_channels_first(shape):
        return (
            f"Samples of shape {shape} are read as {_images(shape)}. If their channels come "
            "first, write np.moveaxis(X, 1, -1); if they do not, input_shape="
            f"{shape} says so."
        )
    height, width, n_channels = shape
    short, long = sorted((height, width))
    if n_channels > 1 or not (short <= _MOST_CHANNELS < long or long >= 8 * short):
        return ""
    move = " and np.moveaxis(X, 1, -1)" if height < width else ""
    return (
        f"Samples of shape {(height, width)} are read as {_images(shape)}. If they are signals "
        f"of {long} steps with {short} channels, write input_shape={(long, short)}{move}; if "
        f"they are images, input_shape={shape} says so."
    )


def _doubt_of_stated(shape: tuple[int, ...]) -> str:
    if len(shape) == 2 and shape[0] == shape[1] > _MOST_CHANNELS:
        side = shape[0]
        return (
            f"input_shape={shape} means signals of {side} steps with {side} channels. If the "
            f"samples are images of {side} x {side} pixels, write input_shape="
            f"{(side, side, 1)}."
        )
    if len(shape) == 3 and shape[1] == shape[2] and _looks_channels_first(shape):
        n_channels, height, width = shape
        return (
            f"input_shape={shape} means {_images(shape)}. If the channels come first, write "
            f"input_shape={(height, width, n_channels)} and np.moveaxis(X.reshape(-1, "
            f"{n_channels}, {height}, {width}), 1, -1)."
        )
    return ""


def _doubt_of_flat_rows(n_features: int) -> str:
    for n_channels in (1, 3):
        side = math.isqrt(n_features // n_channels)
        if side >= 8 and side * side * n_channels == n_features:
            meant = (side, side, n_channels)
            return (
                f"Flat rows of {n_features} features are read as signals of {n_features} "
                f"steps. If they are {_images(meant)}, write input_shape={meant}; if they are "
                f"signals, input_shape={(n_features, 1)} says so."
            )
    return ""


def _looks_channels_first(shape: tuple[int, ...]) -> bool:
    return shape[0] <= _MOST_CHANNELS < min(shape[1:])


def _images(shape: tuple[int, ...]) -> str:
    height, width, n_channels = shape
    channels = "1 channel" if n_channels == 1 else f"{n_channels} channels"
    return f"images of {height} x {width} pixels with {channels}"


def _channels_first(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*shape[-1:], *shape[:-1])
