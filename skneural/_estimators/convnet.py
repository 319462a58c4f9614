"""The base class of the convolutional networks: converting parameters of blocks to layers."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from numbers import Integral
from typing import Literal, TypedDict, cast

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Tags

from skneural._checks import layer_parameters as check_layers
from skneural._checks import parameters as check
from skneural._checks.data import Matrix, advised, shape_of
from skneural._checks.shape_advice import (
    advice,
    doubtful_axes,
    forms,
    input_shape_advice,
    with_channels,
)
from skneural._checks.warn import warn
from skneural._estimators.mlp import BaseMLP
from skneural._network.array_types import DType, Shape
from skneural._network.layers.base import Layer
from skneural._network.layers.batch_norm import BatchNorm
from skneural._network.layers.conv import Conv2D
from skneural._network.layers.dropout import Dropout
from skneural._network.layers.flatten import Flatten
from skneural._network.layers.pooling import AveragePool, GlobalAveragePool, MaxPool
from skneural._network.layers.user_activation import ElementwiseFunction, activation_layer
from skneural._network.layers.windows import Padding, PerAxis
from skneural._network.network import Network
from skneural._training.augmentation import Augmentation

# parameters of blocks, with the check of a single value
_BLOCK_CHECKS: Mapping[str, check.CheckValue] = {
    "kernel_size": check_layers.number_or_pair(1),
    "strides": check_layers.number_or_pair(1),
    "padding": check.either("same", check.either("valid", check_layers.number_or_pair(0))),
    "dilation": check_layers.number_or_pair(1),
    "pool": check.either(None, check.one_of("max", "average", "global_average")),
    "pool_size": check_layers.number_or_pair(1),
    "pool_strides": check.either(None, check_layers.number_or_pair(1)),
}


_HINT = " Put a pair of height and width in a sequence with one per block, as in ((3, 5),)."


# as constructor parameters give them: one value for all blocks, or one per block
Lengths = int | Sequence[int | Sequence[int]]
PoolStrides = int | Sequence[int | Sequence[int] | None] | None
Paddings = str | int | Sequence[str | int | Sequence[int]]
Pools = str | Sequence[str | None] | None
Augment = Mapping[str, float] | Callable[[np.ndarray, np.random.Generator], np.ndarray] | None


class _Block(TypedDict):
    """The parameters of one block."""

    filters: int
    activation: str | ElementwiseFunction
    dropout: float
    kernel_size: PerAxis
    strides: PerAxis
    padding: Padding
    dilation: PerAxis
    pool: Literal["max", "average", "global_average"] | None
    pool_size: PerAxis
    pool_strides: PerAxis | None


class BaseConvNet(BaseMLP):
    """Base class of the convolutional networks, with their parameters and layers."""

    augmentation: Augment
    filters: int | Sequence[int]
    input_shape: int | Sequence[int] | None
    n_blocks: int | None
    pool: Pools

    input_shape_: Shape

    _parameter_checks: Mapping[str, check.CheckValue] = {
        **BaseMLP._parameter_checks,
        "filters": check_layers.layer_sizes,
        "n_blocks": check_layers.number_of_layers,
        "input_shape": check_layers.input_shape,
        "augmentation": check.augmentation,
    }

    def _check_parameters(self) -> None:
        super()._check_parameters()
        self._blocks()

    def _n_blocks(self) -> int:
        return len(self._filters_of_blocks())

    def _filters_of_blocks(self) -> tuple[int, ...]:
        """Return the filters of every block."""
        return check_layers.repeated_sizes("filters", self.filters, "n_blocks", self.n_blocks)

    def _blocks(self) -> list[_Block]:
        """Return a dict of filters, kernel size and so on for every block."""
        filters = self._filters_of_blocks()
        activations, dropouts = self._activations_and_dropouts()
        columns: dict[str, Sequence[object]]
        columns = {"filters": filters, "activation": activations, "dropout": dropouts}
        for name, check_value in _BLOCK_CHECKS.items():
            value = getattr(self, name)
            values = check_layers.per_layer(
                name, value, len(filters), check_value, "blocks", _HINT
            )
            columns[name] = [_plain(value) for value in values]
        if "global_average" in columns["pool"][:-1]:
            raise ValueError(
                f"pool='global_average' leaves no pixels and must be in the last of the "
                f"{len(filters)} blocks only, got {self.pool!r}."
            )
        return [
            cast(_Block, {name: values[i] for name, values in columns.items()})
            for i in range(len(filters))
        ]

    def _build_layers(self, input_shape: Shape, output_shape: Shape | None) -> list[Layer]:
        """Return the descriptions of the layers of the network."""
        layers, shape = self._noise(), input_shape
        for block in self._blocks():
            for layer in self._block_layers(block):
                # signals that are too short are not pooled
                if isinstance(layer, MaxPool | AveragePool) and self._is_short(shape, layer):
                    continue
                layers.append(layer)
                if self._may_be_short(shape):
                    with suppress(ValueError):  # the network raises a better error
                        shape = layer.build(shape)
        return [*layers, Flatten(), *self._head(output_shape)]

    def _may_be_short(self, shape: Shape) -> bool:
        # X has flat rows without an input_shape
        return self.input_shape is None and len(shape) == 2

    def _is_short(self, shape: Shape, pool: MaxPool | AveragePool) -> bool:
        size = pool.pool_size if isinstance(pool.pool_size, int) else max(pool.pool_size)
        return self._may_be_short(shape) and shape[0] < size

    def _block_layers(self, block: _Block) -> Iterator[Layer]:
        activation, pool = block["activation"], block["pool"]
        yield Conv2D(
            block["filters"],
            block["kernel_size"],
            block["strides"],
            block["padding"],
            block["dilation"],
            self._scheme(activation),
        )
        if self.batch_norm:
            yield BatchNorm()
        size, strides = block["pool_size"], block["pool_strides"]
        pools: dict[str, Callable[[], Layer]] = {
            "max": lambda: MaxPool(size, strides),
            "average": lambda: AveragePool(size, strides),
            "global_average": GlobalAveragePool,
        }
        function = activation_layer(activation)
        rest: list[Layer] = [function]
        if pool:
            rest.append(pools[pool]())
        # For a monotonically increasing activation, pooling first gives the same output,
        # and leaves the activation a quarter of the work
        pool_first = pool == "max" and function.never_falls
        yield from reversed(rest) if pool_first else rest
        if block["dropout"]:
            yield Dropout(float(block["dropout"]))

    def _make_augmentation(self) -> Augmentation | None:
        if not self.augmentation:
            return None
        return Augmentation(self.augmentation, self.input_shape_)

    def _as_rows(self, X: object, name: str, *, reset: bool = False) -> object:
        """Return images or signals as flat rows, and learn their shape if `reset`."""
        if not hasattr(X, "shape") and hasattr(X, "__array__"):
            X = np.asarray(X)
        shape = shape_of(X)
        if len(shape) < 2:  # the conversion to numbers raises an error
            return X
        if reset:
            self.input_shape_ = self._shape_of_sample(shape[1:])
        elif len(shape) > 2 and shape[1:] not in forms(self.input_shape_):
            raise ValueError(
                f"{name} must contain {_described(self.input_shape_)}, as in fit; got shape "
                f"{shape}."
            )
        return (
            X
            if len(shape) == 2
            else np.reshape(cast(ArrayLike, X), (shape[0], math.prod(shape[1:])))
        )

    def _shape_of_sample(self, given: Shape) -> Shape:
        """Return (height, width, channels) or (length, channels) for samples of this shape."""
        if self.input_shape is not None:
            shape = with_channels(self.input_shape)
            if given not in forms(shape):
                raise ValueError(
                    f"With input_shape={self.input_shape!r}, X must contain "
                    f"{_described(shape)}; its samples have shape {given}."
                )
            return shape
        if len(given) > 3:
            raise ValueError(
                "X must contain images of shape (n_samples, height, width, channels) or "
                "(n_samples, height, width), flat rows, or, with input_shape=(length, "
                f"channels), signals. Got {len(given) + 1} dimensions, including the samples."
            )
        return given if len(given) == 3 else (*given, 1)

    _example_of_shape = (
        "height, width and channels of an image, as in summary((28, 28, 1)), or length and "
        "channels of a signal, as in summary((100, 3)). The parameter input_shape of the "
        "estimator does the same"
    )

    def _described_shape(self, input_shape: int | Sequence[int] | None) -> Shape:
        input_shape = self.input_shape if input_shape is None else input_shape
        super()._described_shape(input_shape)
        assert input_shape is not None  # otherwise an error has been raised
        return with_channels(input_shape)

    def _sample_shape(self, X: Matrix) -> Shape:
        if self.input_shape is not None and (
            with_channels(self.input_shape) != self.input_shape_
        ):
            raise ValueError(
                f"input_shape must stay {self.input_shape_} between calls of partial_fit, or "
                f"of fit with warm_start=True, got {self.input_shape!r}."
            )
        return self.input_shape_

    def _shape_advice(self, shape: Shape, name: str, *, reset: bool = False) -> str:
        """Return advice if the shape of X is invalid, else ""."""
        if not reset:
            return advice(shape, self.input_shape_, name)
        if self.input_shape is None:
            return ""
        expected = with_channels(self.input_shape)
        return advice(shape, expected, name) or input_shape_advice(shape[1:], expected)

    def _make_network(
        self, layers: list[Layer], input_shape: Shape, dtype: DType, *, resume: bool
    ) -> Network:
        """Return the network of these layers; warn if the axes of X may be in another order."""
        doubt = doubtful_axes(self.input_shape, self.input_shape_)
        with advised(lambda: doubt):
            network = super()._make_network(layers, input_shape, dtype, resume=resume)
        if doubt and not resume:
            warn(f"{type(self).__name__}: {doubt}")
        return network

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _plain(value: object) -> PerAxis | str | None:
    """Convert NumPy's strings and integers, and arrays of these, to those of Python."""
    if value is None:
        return None
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Integral):
        return int(value)
    return tuple(int(length) for length in cast(Sequence[int], value))


def _described(shape: Shape) -> str:
    kind = (
        "images (height, width, channels)" if len(shape) == 3 else "signals (length, channels)"
    )
    return f"{kind} of shape {shape}, or flat rows of {math.prod(shape)} features"
