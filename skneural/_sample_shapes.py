"""Images and signals: the shape of a sample, and samples laid out as flat rows."""

import math
from collections.abc import Sequence

import numpy as np


class SampleShapes:
    """What an estimator of images or signals does before its data are checked as rows.

    It has the parameter `input_shape` and learns `input_shape_`.
    """

    def _as_rows(self, X, name, *, reset=False):
        """Lay images or signals out as flat rows; learn their shape if `reset`."""
        if not hasattr(X, "shape") and hasattr(X, "__array__"):
            X = np.asarray(X)
        shape = _shape(X)
        if len(shape) < 2:  # the conversion to numbers will say so
            return X
        if reset:
            self.input_shape_ = self._shape_of_sample(shape[1:])
        elif len(shape) > 2 and shape[1:] not in _forms(self.input_shape_):
            raise ValueError(
                f"{name} must hold {_described(self.input_shape_)}, as in fit; got shape "
                f"{shape}."
            )
        return X if len(shape) == 2 else np.reshape(X, (shape[0], math.prod(shape[1:])))

    def _shape_of_sample(self, given):
        """(height, width, channels) or (length, channels) of samples that came as `given`."""
        if self.input_shape is not None:
            shape = _with_channels(self.input_shape)
            if given not in _forms(shape):
                raise ValueError(
                    f"input_shape={self.input_shape!r} needs X to hold {_described(shape)}; "
                    f"its samples have shape {given}."
                )
            return shape
        if len(given) > 3:
            raise ValueError(
                "X must hold images (n_samples, height, width, channels) or (n_samples, "
                "height, width), or flat rows; or, with input_shape=(length, channels), "
                f"signals. Got {len(given) + 1} dimensions, one of them the samples."
            )
        return given if len(given) == 3 else (*given, 1)

    def _described_shape(self, input_shape):
        input_shape = self.input_shape if input_shape is None else input_shape
        super()._described_shape(input_shape)
        return _with_channels(input_shape)

    def _sample_shape(self, X):
        if self.input_shape is not None and (
            _with_channels(self.input_shape) != self.input_shape_
        ):
            raise ValueError(
                f"input_shape must stay {self.input_shape_} between calls of partial_fit, or "
                f"of fit with warm_start=True, got {self.input_shape!r}."
            )
        return self.input_shape_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _shape(X):
    """The shape of an array, a frame or nested lists; () of anything else."""
    if not isinstance(X, list | tuple):
        return tuple(getattr(X, "shape", ()))
    try:
        return np.shape(X)
    except ValueError:  # ragged
        return ()


def _with_channels(input_shape):
    """A shape with channels: a single length is that of signals of one channel."""
    lengths = input_shape if isinstance(input_shape, Sequence | np.ndarray) else [input_shape]
    shape = tuple(int(length) for length in lengths)
    return (*shape, 1) if len(shape) == 1 else shape


def _forms(shape):
    """The shapes in which such samples may come."""
    forms = {(math.prod(shape),), shape}
    return forms | {shape[:-1]} if shape[-1] == 1 else forms


def _described(shape):
    kind = (
        "images (height, width, channels)" if len(shape) == 3 else "signals (length, channels)"
    )
    return f"{kind} of shape {shape}, or flat rows of {math.prod(shape)} features"
