"""Images and signals: the shape of a sample, and samples laid out as flat rows."""

import math

import numpy as np

from skneural._checks.data import advised, shape_of
from skneural._checks.shape_advice import (
    advice,
    doubtful_axes,
    forms,
    input_shape_advice,
    with_channels,
)
from skneural._checks.warn import warn


class SampleShapes:
    """What an estimator of images or signals does before its data are checked as rows.

    It has the parameter `input_shape` and learns `input_shape_`.
    """

    def _as_rows(self, X, name, *, reset=False):
        """Lay images or signals out as flat rows; learn their shape if `reset`."""
        if not hasattr(X, "shape") and hasattr(X, "__array__"):
            X = np.asarray(X)
        shape = shape_of(X)
        if len(shape) < 2:  # the conversion to numbers will say so
            return X
        if reset:
            self.input_shape_ = self._shape_of_sample(shape[1:])
        elif len(shape) > 2 and shape[1:] not in forms(self.input_shape_):
            raise ValueError(
                f"{name} must hold {_described(self.input_shape_)}, as in fit; got shape "
                f"{shape}."
            )
        return X if len(shape) == 2 else np.reshape(X, (shape[0], math.prod(shape[1:])))

    def _shape_of_sample(self, given):
        """(height, width, channels) or (length, channels) of samples that came as `given`."""
        if self.input_shape is not None:
            shape = with_channels(self.input_shape)
            if given not in forms(shape):
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
        return with_channels(input_shape)

    def _sample_shape(self, X):
        if self.input_shape is not None and (
            with_channels(self.input_shape) != self.input_shape_
        ):
            raise ValueError(
                f"input_shape must stay {self.input_shape_} between calls of partial_fit, or "
                f"of fit with warm_start=True, got {self.input_shape!r}."
            )
        return self.input_shape_

    def _shape_advice(self, shape, name, *, reset=False):
        """What to write instead if X has a shape that is refused, else ""."""
        if not reset:
            return advice(shape, self.input_shape_, name)
        if self.input_shape is None:
            return ""
        expected = with_channels(self.input_shape)
        return advice(shape, expected, name) or input_shape_advice(shape[1:], expected)

    def _make_network(self, layers, input_shape, dtype, *, resume):
        """The network of these layers; warn if the axes of X may have been meant otherwise."""
        doubt = doubtful_axes(self.input_shape, self.input_shape_)
        with advised(lambda: doubt):
            network = super()._make_network(layers, input_shape, dtype, resume=resume)
        if doubt and not resume:
            warn(f"{type(self).__name__}: {doubt}")
        return network

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _described(shape):
    kind = (
        "images (height, width, channels)" if len(shape) == 3 else "signals (length, channels)"
    )
    return f"{kind} of shape {shape}, or flat rows of {math.prod(shape)} features"
