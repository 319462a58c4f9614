"""The blocks of a convolutional network: from parameters to layers."""

import math
from contextlib import suppress
from numbers import Integral

import numpy as np

from skneural._checks import parameters as check
from skneural._checks.data import advised, shape_of
from skneural._checks.shape_advice import (
    advice,
    doubtful_axes,
    forms,
    input_shape_advice,
    with_channels,
)
from skneural._checks.warn import warn
from skneural._estimators.mlp import BaseMLP
from skneural._network.layers.activations import ACTIVATIONS
from skneural._network.layers.batch_norm import BatchNorm
from skneural._network.layers.conv import Conv2D
from skneural._network.layers.dropout import Dropout
from skneural._network.layers.flatten import Flatten
from skneural._network.layers.pooling import AveragePool, GlobalAveragePool, MaxPool
from skneural._training.augmentation import Augmentation

# of a block: what is checked about one value, or about each of one a block
_BLOCK_CHECKS = {
    "kernel_size": check.number_or_pair(1),
    "strides": check.number_or_pair(1),
    "padding": check.either("same", check.either("valid", check.number_or_pair(0))),
    "dilation": check.number_or_pair(1),
    "pool": check.either(None, check.one_of("max", "average", "global_average")),
    "pool_size": check.number_or_pair(1),
    "pool_strides": check.either(None, check.number_or_pair(1)),
}


_HINT = " A pair of height and width stands in a sequence of one a block, as in ((3, 5),)."


class BaseConvNet(BaseMLP):
    """Parameters and layers that the convolutional networks share."""

    _parameter_checks = {
        **BaseMLP._parameter_checks,
        "filters": check.layer_sizes,
        "input_shape": check.input_shape,
        "augmentation": check.augmentation,
    }

    def _check_parameters(self):
        super()._check_parameters()
        self._blocks()

    def _n_blocks(self):
        return len(check.layer_sizes("filters", self.filters))

    def _blocks(self):
        """Return a dict of filters, kernel size and so on for every block."""
        filters = check.layer_sizes("filters", self.filters)
        activations, dropouts = self._activations_and_dropouts()
        columns = {"filters": filters, "activation": activations, "dropout": dropouts}
        for name, check_value in _BLOCK_CHECKS.items():
            value = getattr(self, name)
            values = check.per_layer(name, value, len(filters), check_value, "blocks", _HINT)
            columns[name] = [_plain(value) for value in values]
        if "global_average" in columns["pool"][:-1]:
            raise ValueError(
                f"pool='global_average' leaves no pixels and must be in the last of the "
                f"{len(filters)} blocks only, got {self.pool!r}."
            )
        return [
            {name: values[i] for name, values in columns.items()} for i in range(len(filters))
        ]

    def _build_layers(self, input_shape, output_shape):
        """The layers of the network, described but not built."""
        layers, shape = self._noise(), input_shape
        for block in self._blocks():
            for layer in self._block_layers(**block):
                # rows too short to be pooled again go on as they are
                if isinstance(layer, MaxPool | AveragePool) and self._is_short(shape, layer):
                    continue
                layers.append(layer)
                if self._may_be_short(shape):
                    with suppress(ValueError):  # the network will say so, with its table
                        shape = layer.build(shape)
        return [*layers, Flatten(), *self._head(output_shape)]

    def _may_be_short(self, shape):
        # flat rows without input_shape
        return self.input_shape is None and len(shape) == 2

    def _is_short(self, shape, pool):
        size = pool.pool_size if isinstance(pool.pool_size, int) else max(pool.pool_size)
        return self._may_be_short(shape) and shape[0] < size

    def _block_layers(
        self,
        filters,
        kernel_size,
        strides,
        padding,
        dilation,
        activation,
        dropout,
        pool,
        pool_size,
        pool_strides,
    ):
        scheme = self._scheme(activation)
        yield Conv2D(filters, kernel_size, strides, padding, dilation, scheme)
        if self.batch_norm:
            yield BatchNorm()
        pools = {
            "max": lambda: MaxPool(pool_size, pool_strides),
            "average": lambda: AveragePool(pool_size, pool_strides),
            "global_average": GlobalAveragePool,
        }
        rest = [ACTIVATIONS[activation]()]
        if pool:
            rest.append(pools[pool]())
        # where the largest value has the largest input, pooling first gives the same output,
        # and leaves the activation a quarter of the work
        pool_first = pool == "max" and ACTIVATIONS[activation].never_falls
        yield from reversed(rest) if pool_first else rest
        if dropout:
            yield Dropout(float(dropout))

    def _make_augmentation(self):
        if not self.augmentation:
            return None
        return Augmentation(self.augmentation, self.input_shape_)

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


def _plain(value):
    """NumPy's strings and integers, and arrays of these, as those of Python."""
    if value is None:
        return None
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Integral):
        return int(value)
    return tuple(int(length) for length in value)


def _described(shape):
    kind = (
        "images (height, width, channels)" if len(shape) == 3 else "signals (length, channels)"
    )
    return f"{kind} of shape {shape}, or flat rows of {math.prod(shape)} features"
