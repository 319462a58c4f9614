"""The blocks of a convolutional network: from parameters to layers."""

from contextlib import suppress
from numbers import Integral

from skneural._checks import parameters as check
from skneural._estimators.image_shapes import SampleShapes
from skneural._estimators.mlp import BaseMLP
from skneural._network.layers.activations import ACTIVATIONS
from skneural._network.layers.batch_norm import BatchNorm
from skneural._network.layers.conv import Conv2D
from skneural._network.layers.dropout import Dropout
from skneural._network.layers.flatten import Flatten
from skneural._network.layers.pooling import AveragePool, GlobalAveragePool, MaxPool
from skneural._training.augmentation import Augmentation

# These never fall, so the largest value has the largest input: pooling first gives the same
# output and leaves them a quarter of the work.
_MONOTONE = {"identity", "logistic", "tanh", "relu", "leaky_relu", "elu", "softplus"}
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


class BaseConvNet(SampleShapes, BaseMLP):
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
        yield from reversed(rest) if pool == "max" and activation in _MONOTONE else rest
        if dropout:
            yield Dropout(float(dropout))

    def _make_augmentation(self):
        if not self.augmentation:
            return None
        return Augmentation(self.augmentation, self.input_shape_)


def _plain(value):
    """NumPy's strings and integers, and arrays of these, as those of Python."""
    if value is None:
        return None
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Integral):
        return int(value)
    return tuple(int(length) for length in value)
