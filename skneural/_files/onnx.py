"""Converting a fitted network to an ONNX graph, which other runtimes can execute."""

import math
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from skneural._estimators.classifier import NeuralClassifierMixin
from skneural._estimators.convnet import BaseConvNet
from skneural._estimators.labels import LabelColumn, LabelIndicator
from skneural._estimators.links import Range
from skneural._estimators.mlp import BaseMLP
from skneural._estimators.regressor import NeuralRegressorMixin
from skneural._estimators.table import TableEncoding
from skneural._network.array_types import Arrays, Shape
from skneural._network.layers import activations, pooling
from skneural._network.layers.base import Layer
from skneural._network.layers.batch_norm import BatchNorm
from skneural._network.layers.conv import Conv2D
from skneural._network.layers.dense import Dense
from skneural._network.layers.embedding import Embedding
from skneural._network.layers.flatten import Flatten
from skneural._network.layers.user_activation import UserActivation
from skneural._network.layers.windows import Windows
from skneural._network.losses.quantiles import QuantilesLoss
from skneural._network.losses.user_loss import UserLoss
from skneural._network.network import Network
from skneural._version import __version__

if TYPE_CHECKING:
    import onnx

OPSET, _IR = 17, 8  # released in 2022, supported by current runtimes, sufficient for our layers


def to_onnx(estimator: BaseMLP) -> "onnx.ModelProto":
    """Convert a fitted estimator to ONNX.

    The input of the graph is ``X`` of shape (n_samples, n_features), or images or signals of
    shape ``(n_samples, *input_shape_)``, in the dtype of the network. The graph computes in
    float32. A regressor has the output ``prediction``, in the units of `y`. A classifier has
    the outputs ``label`` and ``probabilities``, or ``scores`` (the values of
    `decision_function`) instead of probabilities if the loss has none. With several columns
    of labels, the outputs are ``label_0``, ``probabilities_0``, ``label_1`` and so on.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, ConvNetClassifier or ConvNetRegressor
        A fitted estimator.

    Returns
    -------
    model : onnx.ModelProto
        The model, which requires opset 17. Use ``onnx.save(model, path)`` to write it to a
        file.

    Raises
    ------
    ImportError
        If onnx is not installed: ``pip install onnx``.
    TypeError
        If an activation is user-defined, or if the loss is user-defined and has a method
        `predict`.
    ValueError
        If the mean or the scale of a regressor's targets is too large for float32, or if X
        had categories. In this case, the message describes how to convert a Pipeline instead.
    """
    try:
        import onnx
    except ImportError:
        raise ImportError("to_onnx needs onnx: pip install onnx") from None
    if not isinstance(estimator, BaseMLP):
        raise TypeError(
            f"estimator must be an estimator of skneural, got {type(estimator).__name__}."
        )
    check_is_fitted(estimator, "network_")
    graph, raw = network_graph(estimator, onnx)
    if isinstance(estimator, NeuralClassifierMixin):
        _add_labels(graph, raw, estimator)
    else:
        prediction = add_targets(graph, raw, estimator)
        if estimator._y_ndim == 1 and not isinstance(estimator.network_.loss, QuantilesLoss):
            prediction = graph.reshape(prediction, (-1,))
        graph.output("prediction", prediction)
    return graph.model(type(estimator).__name__)


def network_graph(estimator: BaseMLP, onnx: ModuleType) -> tuple["Graph", str]:
    """Return a graph of all layers, and the name of the last layer's output."""
    network, graph = estimator.network_, Graph(onnx)
    _refuse_user_functions(network)
    kind = onnx.helper.np_dtype_to_tensor_dtype(network.dtype)
    encoding = estimator._table_encoding
    shape = ["n_samples", *network.input_shape]
    if encoding is not None:
        _refuse_categories(estimator, encoding)
        shape[1] = estimator.n_features_in_
    graph.inputs.append(onnx.helper.make_tensor_value_info("X", kind, shape))
    raw = graph.add("Cast", "X", to=onnx.TensorProto.FLOAT)
    if isinstance(estimator, BaseConvNet):
        *height, width, channels = network.input_shape
        raw = graph.reshape(raw, (-1, *(height or [1]), width, channels))
        raw = graph.add("Transpose", raw, perm=[0, 3, 1, 2])
    elif encoding is not None and not encoding.is_identity:
        raw = _add_missing(graph, raw, encoding)
    params = network.views(network.theta)
    layers = zip(
        network.layers, network.input_shapes, params, network.state_views(), strict=True
    )
    for layer, input_shape, weights, statistics in layers:
        if not layer.only_training:
            if type(layer) not in _LAYERS:
                raise TypeError(f"to_onnx does not support the layer {layer}")
            add_layer = _LAYERS[type(layer)]
            raw = add_layer(graph, raw, layer, {**weights, **statistics}, len(input_shape) > 1)
    return graph, raw


def _refuse_user_functions(network: Network) -> None:
    for layer in network.layers:
        if isinstance(layer, UserActivation):
            raise TypeError(
                f"activation={layer.function!r} cannot be converted to ONNX, because it is "
                "user-defined. Use a built-in activation such as 'silu' in fit."
            )
    if isinstance(network.loss, UserLoss) and network.loss.has_link:
        raise TypeError(
            f"loss={network.loss.function!r} cannot be converted to ONNX, because its method "
            "predict is user-defined. A loss without this method can be converted."
        )


def _refuse_categories(estimator: BaseMLP, encoding: TableEncoding) -> None:
    if encoding.is_categorical.any():
        names = getattr(estimator, "feature_names_in_", range(estimator.n_features_in_))
        columns = ", ".join(repr(names[j]) for j in np.flatnonzero(encoding.is_categorical))
        raise ValueError(
            f"to_onnx supports only numbers, and X has the categories {columns}. Fit a "
            "Pipeline of a ColumnTransformer, with OneHotEncoder for these columns, and the "
            "network, and convert it with skl2onnx after register_skl2onnx()."
        )


def _add_missing(graph: "Graph", x: str, encoding: TableEncoding) -> str:
    """Replace missing values by means, and add columns that indicate missing values."""
    missing = graph.add("IsNaN", x)
    x = graph.add("Where", missing, _single(encoding.mean), x)
    flags = graph.add("Cast", missing, to=graph.onnx.TensorProto.FLOAT)
    flags = graph.add("Gather", flags, np.flatnonzero(encoding.has_indicator), axis=1)
    return graph.add("Concat", x, flags, axis=1)


def add_targets(graph: "Graph", raw: str, regressor: NeuralRegressorMixin) -> str:
    """Add the inverse link of a regressor's loss, and the conversion to the units of y."""
    if regressor._output_range is not None:
        return _within_range(graph, raw, regressor._output_range)
    loss = regressor.network_.loss
    if isinstance(loss, QuantilesLoss):
        raw = graph.sort(raw, len(loss.quantiles))
    if loss.out_activation == "exp":
        raw = graph.add("Exp", raw)
    target_scale = regressor._target_scale
    if target_scale is None:
        return raw
    with np.errstate(over="ignore"):
        mean, scale = _single(target_scale.mean), _single(target_scale.scale)
    if not (np.isfinite(mean).all() and np.isfinite(scale).all()):
        raise ValueError(
            "ONNX graphs of skneural compute in float32, and y_mean_ or y_scale_ is too large "
            f"for it: the largest values are {np.abs(target_scale.mean).max():.3g} and "
            f"{target_scale.scale.max():.3g}. Divide y by a constant before fit."
        )
    return graph.add("Add", graph.add("Mul", raw, scale), mean)


def _within_range(graph: "Graph", raw: str, output_range: Range) -> str:
    """Add the inverse of the logit link, in the units of y."""
    low, high = output_range
    with np.errstate(over="ignore"):
        bounds = _single(low), _single(high)
    if not np.isfinite(bounds).all():
        raise ValueError(
            "ONNX graphs of skneural compute in float32, and output_range is too large for it: "
            f"it is {output_range}. Divide y by a constant before fit."
        )
    scaled = graph.add("Mul", graph.add("Sigmoid", raw), _single(high - low))
    return graph.add("Clip", graph.add("Add", scaled, bounds[0]), *bounds)


class Graph:
    """The nodes and constants of a graph, which are named by their number."""

    nodes: list["onnx.NodeProto"]
    constants: list["onnx.TensorProto"]
    inputs: list["onnx.ValueInfoProto"]
    outputs: list["onnx.ValueInfoProto"]

    def __init__(self, onnx: ModuleType) -> None:
        self.onnx = onnx
        self.nodes, self.constants, self.inputs, self.outputs = [], [], [], []

    def add(self, operation: str, *inputs: ArrayLike, **attributes: object) -> str:
        """Add a node, whose inputs are names or arrays, and return the name of its output."""
        output = f"v{len(self.nodes)}"
        self._append(operation, inputs, [output], **attributes)
        return output

    def split(self, value: str, sizes: Sequence[int]) -> list[str]:
        """Add a node that splits columns into groups of these sizes, and return their names."""
        outputs = [f"v{len(self.nodes)}_{i}" for i in range(len(sizes))]
        self._append("Split", [value, np.array(sizes, np.int64)], outputs, axis=1)
        return outputs

    def sort(self, value: str, n_columns: int) -> str:
        """Add a node that sorts the columns of every row, and return the name of its output."""
        outputs = [f"v{len(self.nodes)}_{i}" for i in range(2)]  # the values, and their places
        count = np.array([n_columns], np.int64)
        self._append("TopK", [value, count], outputs, largest=0, sorted=1)
        return outputs[0]

    def _append(
        self,
        operation: str,
        inputs: Sequence[ArrayLike],
        outputs: list[str],
        **attributes: object,
    ) -> None:
        inputs = [x if isinstance(x, str) else self.constant(x) for x in inputs]
        name = f"{operation}_{len(self.nodes)}"
        make_node = self.onnx.helper.make_node
        self.nodes.append(make_node(operation, inputs, outputs, name=name, **attributes))

    def constant(self, array: ArrayLike) -> str:
        """Add an array, and return its name."""
        array = np.asarray(array)
        name = f"c{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def reshape(self, value: str, shape: Shape) -> str:
        return self.add("Reshape", value, np.array(shape, np.int64))

    def output(self, name: str, value: str) -> None:
        """Make a value an output called `name`; the runtime infers its type and shape."""
        self._append("Identity", [value], [name])
        self.outputs.append(self.onnx.helper.make_empty_tensor_value_info(name))

    def model(self, name: str) -> "onnx.ModelProto":
        helper = self.onnx.helper
        graph = helper.make_graph(
            self.nodes, name, self.inputs, self.outputs, initializer=self.constants
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=_IR,
            producer_name="skneural",
            producer_version=__version__,
        )
        model = self.onnx.shape_inference.infer_shapes(model, strict_mode=True)
        self.onnx.checker.check_model(model)
        return model


def _single(array: ArrayLike) -> NDArray[np.float32]:
    return np.asarray(array, np.float32)


def _weighted(graph: Graph, x: str, layer: Dense, weights: Arrays, is_image: bool) -> str:
    return graph.add("Gemm", x, _single(weights["weight"]), _single(weights["bias"]))


def _normalized(graph: Graph, x: str, layer: BatchNorm, weights: Arrays, is_image: bool) -> str:
    mean, variance = (weights[key].astype(float) for key in ("mean", "variance"))
    factor = weights["scale"] / np.sqrt(variance + layer.epsilon)
    end = (-1, 1, 1) if is_image else (-1,)
    x = graph.add("Mul", x, _single(factor).reshape(end))
    return graph.add("Add", x, _single(weights["shift"] - mean * factor).reshape(end))


def _convolved(graph: Graph, x: str, layer: Conv2D, weights: Arrays, is_image: bool) -> str:
    weight, windows = weights["weight"], layer.windows
    kernel = weight.reshape(*windows.size, *weight.shape[-2:]).transpose(3, 2, 0, 1)
    arrays = np.ascontiguousarray(_single(kernel)), _single(weights["bias"])
    return graph.add("Conv", x, *arrays, dilations=windows.dilation, **_places(windows))


def _averaged(
    graph: Graph, x: str, layer: pooling.AveragePool, weights: Arrays, is_image: bool
) -> str:
    counts = int(layer.count_padding)
    return graph.add("AveragePool", x, count_include_pad=counts, **_places(layer.windows))


def _flattened(graph: Graph, x: str, layer: Flatten, weights: Arrays, is_image: bool) -> str:
    if is_image:
        x = graph.add("Transpose", x, perm=[0, 2, 3, 1])
    return graph.reshape(x, (-1, layer.n_features))


def _embedded(graph: Graph, x: str, layer: Embedding, weights: Arrays, is_image: bool) -> str:
    sizes = [layer.n_passed] * (layer.n_passed > 0) + [1] * len(layer.tables)
    parts = graph.split(x, sizes)
    vectors, columns = parts[: -len(layer.tables)], parts[-len(layer.tables) :]
    one_hots: list[str] = []
    for k, (column, (n_levels, width)) in enumerate(zip(columns, layer.tables, strict=True)):
        table = weights[f"table{k}"] if width else np.eye(n_levels)
        # The code of an unknown level is -1, which selects the appended row of zeros.
        rows = np.vstack([_single(table), np.zeros((1, table.shape[1]), np.float32)])
        codes = graph.add("Cast", graph.reshape(column, (-1,)), to=graph.onnx.TensorProto.INT64)
        (vectors if width else one_hots).append(graph.add("Gather", rows, codes, axis=0))
    return graph.add("Concat", *vectors, *one_hots, axis=1)


def _gelu(graph: Graph, x: str, *_: object) -> str:
    """Add ``x / 2 * (1 + erf(x / sqrt(2)))``."""
    erf = graph.add("Erf", graph.add("Mul", x, _single(1 / math.sqrt(2))))
    half = graph.add("Mul", x, _single(0.5))
    return graph.add("Mul", half, graph.add("Add", erf, _single(1)))


def _places(windows: Windows) -> dict[str, Shape]:
    """Return the sizes, strides and padding of windows as attributes of a node."""
    pads = (*windows.before, *windows.after)
    return {"kernel_shape": windows.size, "strides": windows.strides, "pads": pads}


# The functions that add a layer of exactly this class to the graph. Layers without an effect
# on predictions are left out. The arguments are the graph, the name of the input, the layer,
# its parameters and statistics, and whether the inputs are images, whose shape is
# (n, channels, h, w) here. The functions return the name of the output.
_LAYERS: dict[type[Layer], Callable[..., str]] = {
    activations.Identity: lambda graph, x, *_: x,
    activations.Logistic: lambda graph, x, *_: graph.add("Sigmoid", x),
    activations.Tanh: lambda graph, x, *_: graph.add("Tanh", x),
    activations.ReLU: lambda graph, x, *_: graph.add("Relu", x),
    activations.LeakyReLU: lambda graph, x, *_: graph.add("LeakyRelu", x, alpha=0.01),
    activations.ELU: lambda graph, x, *_: graph.add("Elu", x, alpha=1.0),
    activations.Softplus: lambda graph, x, *_: graph.add("Softplus", x),
    activations.SiLU: lambda graph, x, *_: graph.add("Mul", x, graph.add("Sigmoid", x)),
    activations.GELU: _gelu,
    Dense: _weighted,
    Embedding: _embedded,
    BatchNorm: _normalized,
    Conv2D: _convolved,
    pooling.MaxPool: lambda graph, x, pool, *_: graph.add(
        "MaxPool", x, **_places(pool.windows)
    ),
    pooling.AveragePool: _averaged,
    pooling.GlobalAveragePool: lambda graph, x, *_: graph.add(
        "Flatten", graph.add("GlobalAveragePool", x)
    ),
    Flatten: _flattened,
}


def _add_labels(graph: Graph, raw: str, estimator: NeuralClassifierMixin) -> None:
    """Add the labels, and probabilities or scores, of one or several columns of labels."""
    labels, loss = estimator._labels, estimator.network_.loss
    if isinstance(labels, LabelIndicator):
        positive = graph.add("Greater", raw, _single(0))
        graph.output("label", graph.add("Cast", positive, to=graph.onnx.TensorProto.INT64))
        if loss.probabilistic:
            graph.output("probabilities", graph.add("Sigmoid", raw))
        else:
            graph.output("scores", raw)
        return
    parts, ends = [raw], [""]
    if isinstance(labels, LabelColumn):
        columns = [labels]
    else:
        columns = labels.columns
        ends = [f"_{k}" for k in range(len(columns))]
        if len(columns) > 1:
            parts = graph.split(raw, [column.size for column in columns])
    for column, part, end in zip(columns, parts, ends, strict=True):
        _add_column(graph, part, column, loss.probabilistic, end)


def _add_column(
    graph: Graph, raw: str, column: LabelColumn, probabilistic: bool, end: str
) -> None:
    classes = column.classes
    plain = np.array(classes.tolist()) if classes.dtype == object else classes
    graph.output(f"label{end}", add_label(graph, raw, plain))
    if probabilistic:
        graph.output(f"probabilities{end}", add_probabilities(graph, raw, column.size == 1))
    else:
        scores = graph.reshape(raw, (-1,)) if column.size == 1 else raw
        graph.output(f"scores{end}", scores)


def add_label(graph: Graph, raw: str, classes: np.ndarray) -> str:
    """Add the choice of a class, from one output for two classes or one output per class."""
    if len(classes) == 2:
        positive = graph.add("Greater", graph.reshape(raw, (-1,)), _single(0))
        index = graph.add("Cast", positive, to=graph.onnx.TensorProto.INT64)
    else:
        index = graph.add("ArgMax", raw, axis=1, keepdims=0)
    # the form of text in onnx
    classes = classes.astype(object) if classes.dtype.kind == "U" else classes
    return graph.add("Gather", classes, index)


def add_probabilities(graph: Graph, raw: str, binary: bool) -> str:
    """Add one column of probabilities per class."""
    if not binary:
        return graph.add("Softmax", raw, axis=1)
    both = [graph.add("Sigmoid", z) for z in (graph.add("Neg", raw), raw)]
    return graph.add("Concat", *both, axis=1)
