"""A network as a program: the list of steps that the compiled engine runs.

Each layer becomes a row of numbers: its kind, its sizes, its windows and the position of its
parameters in `theta`. A network with a layer or loss without such a row uses the NumPy engine.
"""

from typing import Protocol

import numpy as np

from skneural._engine.load import native
from skneural._network.array_types import Shape
from skneural._network.layers.activations import ACTIVATIONS, Activation, Identity
from skneural._network.layers.base import Layer
from skneural._network.layers.batch_norm import BatchNorm
from skneural._network.layers.conv import Conv2D
from skneural._network.layers.dense import Dense
from skneural._network.layers.dropout import Dropout
from skneural._network.layers.embedding import Embedding
from skneural._network.layers.flatten import Flatten
from skneural._network.layers.noise import GaussianNoise
from skneural._network.layers.pooling import AveragePool, GlobalAveragePool, MaxPool
from skneural._network.losses.base import Loss
from skneural._network.losses.classification import (
    HingeLoss,
    LogisticCrossEntropy,
    LogisticSquaredError,
    MulticlassHinge,
    MulticlassPerceptron,
    MultiHead,
    PerceptronLoss,
    SoftmaxCrossEntropy,
    SoftmaxSquaredError,
)
from skneural._network.losses.links import Link, LinkedLoss, LogitLink, LogLink
from skneural._network.losses.quantiles import QuantilesLoss
from skneural._network.losses.regression import (
    AbsoluteError,
    HalfGamma,
    HalfPoisson,
    HalfSquaredError,
    HuberLoss,
    PinballLoss,
)
from skneural._network.network import Network

# The index in these lists is the number of each kind in native/program.h, activations.h and
# losses.h.
_KINDS: tuple[type[Layer], ...] = (
    Dense,
    Conv2D,
    Activation,
    MaxPool,
    AveragePool,
    GlobalAveragePool,
    BatchNorm,
    Dropout,
    GaussianNoise,
    Embedding,
)
_ACTIVATIONS = ("logistic", "tanh", "relu", "leaky_relu", "elu", "softplus", "silu", "gelu")
_LOSSES: tuple[tuple[type[Loss], ...], ...] = (
    (HalfSquaredError,),
    (AbsoluteError,),
    (HuberLoss,),
    (PinballLoss,),
    (HalfPoisson,),
    (HalfGamma,),
    (SoftmaxCrossEntropy,),
    (LogisticCrossEntropy,),
    (SoftmaxSquaredError,),
    (LogisticSquaredError,),
    (HingeLoss, PerceptronLoss),
    (MulticlassHinge, MulticlassPerceptron),
)
_LOSS_PARAMETERS = ("delta", "quantile", "margin")
_LINK_NUMBERS: dict[type, int] = {type(None): 0, LogLink: 1, LogitLink: 2}
_ACTIVATION_NUMBERS: dict[type[Layer], int] = {
    ACTIVATIONS[name]: number for number, name in enumerate(_ACTIVATIONS)
}
_LOSS_NUMBERS: dict[type[Loss], int] = {
    loss: number for number, losses in enumerate(_LOSSES) for loss in losses
}


class Program(Protocol):
    """The `Program` of the native modules."""

    flops: int
    largest: int
    n_outputs: int
    takes_sparse: bool


def program_of(network: Network) -> Program | None:
    """Return the program of a network, which is compiled only once, or None."""
    if "_program" not in vars(network):
        network._program = compile_program(network)
    return network._program


def compile_program(network: Network) -> Program | None:
    """Return the program of a network, or None if the compiled engine cannot run it."""
    if native is None:
        return None
    heads = _heads(network.loss, network.output_shape[-1])
    offsets = _offsets(network)
    shapes = [*network.input_shapes, network.output_shape]
    steps = []
    for i, layer in enumerate(network.layers):
        if _does_nothing(layer):
            continue
        kind = next((k for k, of_kind in enumerate(_KINDS) if _is_a(layer, of_kind)), None)
        if kind is None:
            return None
        steps.append((kind, *_step(layer, i, shapes[i], shapes[i + 1], offsets[i])))
    if heads is None or any(step is None for step in steps):
        return None
    integers = [step[:-2] for step in steps]
    return native.Program(
        np.array(integers, np.int64).reshape(len(steps), -1),
        np.array([step[-2:] for step in steps], np.float64),
        np.array([head[:4] for head in heads], np.int64),
        np.array([head[4:] for head in heads], np.float64),
        (network.n_params, network.n_weights, network.n_state),
        network.dtype,
        _tables(network),
    )


def _tables(network: Network) -> np.ndarray:
    """A row for each column of level codes: its place in theta, its levels and its width."""
    rows, place = [], network.n_weights
    for layer in network.layers:
        for n_levels, width in layer.tables if type(layer) is Embedding else ():
            rows.append((place, n_levels, width))
            place += n_levels * width
    return np.array(rows, np.int64).reshape(len(rows), 3)


def _is_a(layer: Layer, kind: type[Layer]) -> bool:
    """Return whether a layer has exactly this class; a subclass may compute something else."""
    return type(layer) is kind or (kind is Activation and type(layer) in _ACTIVATION_NUMBERS)


def _does_nothing(layer: Layer) -> bool:
    """Return whether a layer passes rows on without changing their memory."""
    off = {Dropout: "rate", GaussianNoise: "std"}
    return type(layer) in (Identity, Flatten) or (
        type(layer) in off and not getattr(layer, off[type(layer)])
    )


def _heads(loss: Loss, n_outputs: int) -> list[tuple[float, ...]] | None:
    """Return the row of each head, or None if one of them has no kernel."""
    parts = [(loss, slice(0, n_outputs))]
    # exactly these classes; a subclass may compute something else
    if isinstance(loss, MultiHead) and type(loss) in (MultiHead, QuantilesLoss):
        parts = list(zip(loss.heads, loss.segments, strict=True))
    heads = []
    for head, columns in parts:
        row = _head(head, columns)
        if row is None:
            return None
        heads.append(row)
    return heads


def _head(loss: Loss, columns: slice) -> tuple[float, ...] | None:
    """Return the fields of a loss on some columns, in the order of native/losses.h, or None."""
    link: Link | None = None
    if type(loss) is LinkedLoss:
        link, loss = loss.link, loss.loss
    if type(loss) not in _LOSS_NUMBERS or type(link) not in _LINK_NUMBERS:
        return None
    parameters = [getattr(loss, name) for name in _LOSS_PARAMETERS if hasattr(loss, name)]
    low, width = (link.low, link.width) if isinstance(link, LogitLink) else (0.0, 0.0)
    n_columns = columns.stop - columns.start
    integers = _LOSS_NUMBERS[type(loss)], columns.start, n_columns, _LINK_NUMBERS[type(link)]
    return *integers, *(parameters or [0.0]), low, width


def _offsets(network: Network) -> list[dict[str, int]]:
    """Return the offsets of the parameters and statistics of each layer, by name."""
    offsets: list[dict[str, int]] = [{} for _ in network.layers]
    for i, name, place, _ in (*network._param_places, *network._state_places):
        offsets[i][name] = place.start
    return offsets


def _image(shape: Shape) -> Shape:
    """Return (height, width, channels) of a sample; a row of features is one pixel."""
    return (1,) * (3 - len(shape)) + tuple(shape)


def _step(
    layer: Layer, number: int, input_shape: Shape, output_shape: Shape, offsets: dict[str, int]
) -> tuple[float, ...]:
    """Return the fields of a step after its kind, in the order of native/program.h."""
    option = _ACTIVATION_NUMBERS.get(type(layer), int(getattr(layer, "count_padding", 0)))
    geometry: Shape = (1,) * 6 + (0,) * 4
    windows = getattr(layer, "windows", None)
    if windows is not None:
        geometry = *windows.size, *windows.strides, *windows.dilation
        geometry += *windows.before, *windows.after
    places = (
        offsets.get("weight", offsets.get("scale", 0)),
        offsets.get("bias", offsets.get("shift", 0)),
        offsets.get("mean", 0),
        offsets.get("variance", 0),
    )
    amounts = (
        getattr(layer, name) for name in ("rate", "std", "momentum") if hasattr(layer, name)
    )
    reals = float(next(amounts, 0.0)), float(getattr(layer, "epsilon", 0.0))
    shapes = *_image(input_shape), *_image(output_shape)
    return option, *shapes, *geometry, *places, number, *reals
