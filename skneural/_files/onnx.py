"""Converting a fitted network to an ONNX graph, which other runtimes can execute."""

import math
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skneural._estimators.classifier import NeuralClassifierMixin
from skneural._estimators.convnet import BaseConvNet
from skneural._estimators.labels import LabelColumn, LabelIndicator
from skneural._estimators.links import Range
from skneural._estimators.mlp import BaseMLP
from skneural._estimators.regressor import NeuralRegressorMixin
from skneural._estimators.table_mlp import BaseTableMLP
from skneural._files.onnx_graph import Graph, as_float32
from skneural._files.onnx_table import add_missing, add_table
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

if TYPE_CHECKING:
    import onnx


def to_onnx(estimator: BaseMLP) -> "onnx.ModelProto":
    """Convert a fitted estimator to ONNX.

    The input of the graph is ``X`` of shape (n_samples, n_features), or images or signals of
    shape ``(n_samples, *input_shape_)``, in the dtype of the network. If X had categories, the
    graph has one input of shape (n_samples, 1) for each column of X instead, with the name of
    the column, or ``x0``, ``x1`` and so on if the columns have no names:

    - A column of numbers is double, with NaN for missing values.
    - A category is text, int64 if its levels are integers or booleans, or double. Any value
      that is not a level is a missing value, such as an empty text, -1 or NaN. As in `predict`,
      it has the level for missing values if there is one, and is encoded as zeros otherwise.

    The graph computes in float32. A regressor has the output ``prediction``, in the units of
    `y`. A classifier has the outputs ``label`` and ``probabilities``, or ``scores`` (the
    values of `decision_function`) instead of probabilities if the loss has none. With several
    columns of labels, the outputs are ``label_0``, ``probabilities_0``, ``label_1`` and so on.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, ConvNetClassifier or ConvNetRegressor
        A fitted estimator.

    Returns
    -------
    model : onnx.ModelProto
        The model, which requires opset 17 and, if X had categories, version 4 of the domain
        ai.onnx.ml. Use ``onnx.save(model, path)`` to write it to a file.

    Raises
    ------
    ImportError
        If onnx is not installed: ``pip install onnx``.
    TypeError
        If an activation is user-defined, or if the loss is user-defined and has a method
        `predict`.
    ValueError
        If the mean or the scale of a regressor's targets is too large for float32, or if X
        had categories and a column has no name, or the name of an output.

    See Also
    --------
    register_skl2onnx : Convert whole Pipelines, without categories in the X of the network.

    Examples
    --------
    >>> import pandas as pd
    >>> import skneural
    >>> X = pd.DataFrame({"age": [20.0, 30.0, 40.0, 50.0], "city": ["Bern", "Rome"] * 2})
    >>> clf = skneural.MLPClassifier(max_iter=5, patience=None).fit(X, [0, 0, 1, 1])
    >>> model = skneural.to_onnx(clf)
    >>> [column.name for column in model.graph.input]
    ['age', 'city']
    >>> [output.name for output in model.graph.output]
    ['label', 'probabilities']
    """
    try:
        import onnx
    except ImportError:
        raise ImportError("to_onnx needs onnx: pip install onnx") from None
    if not isinstance(estimator, BaseMLP):
        raise TypeError(
            f"estimator must be an estimator of skneural, got {type(estimator).__name__}. Pass "
            "the network alone, such as pipeline[-1] or search.best_estimator_, or convert the "
            "Pipeline with skl2onnx after skneural.register_skl2onnx()."
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


def network_graph(estimator: BaseMLP, onnx: ModuleType) -> tuple[Graph, str]:
    """Return a graph of all layers, and the name of the last layer's output."""
    network, graph = estimator.network_, Graph(onnx)
    _refuse_user_functions(network)
    raw = _add_inputs(graph, estimator)
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


def _add_inputs(graph: Graph, estimator: BaseMLP) -> str:
    """Add the inputs of the graph, and return the name of the input of the first layer."""
    network, encoding = estimator.network_, estimator._table_encoding
    if (
        isinstance(estimator, BaseTableMLP)
        and encoding is not None
        and encoding.is_categorical.any()
    ):
        return add_table(graph, encoding, estimator._feature_names())
    kind = graph.onnx.helper.np_dtype_to_tensor_dtype(network.dtype)
    shape: list[str | int] = ["n_samples", *network.input_shape]
    if encoding is not None:
        shape[1] = estimator.n_features_in_
    x = graph.add("Cast", graph.input("X", kind, shape), to=graph.onnx.TensorProto.FLOAT)
    if isinstance(estimator, BaseConvNet):
        *height, width, channels = network.input_shape
        x = graph.reshape(x, (-1, *(height or [1]), width, channels))
        return graph.add("Transpose", x, perm=[0, 3, 1, 2])
    if encoding is not None and not encoding.is_identity:
        return add_missing(graph, x, encoding)
    return x


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


def add_targets(graph: Graph, raw: str, regressor: NeuralRegressorMixin) -> str:
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
        mean, scale = as_float32(target_scale.mean), as_float32(target_scale.scale)
    if not (np.isfinite(mean).all() and np.isfinite(scale).all()):
        raise ValueError(
            "ONNX graphs of skneural compute in float32, and y_mean_ or y_scale_ is too large "
            f"for it: the largest values are {np.abs(target_scale.mean).max():.3g} and "
            f"{target_scale.scale.max():.3g}. Divide y by a constant before fit."
        )
    return graph.add("Add", graph.add("Mul", raw, scale), mean)


def _within_range(graph: Graph, raw: str, output_range: Range) -> str:
    """Add the inverse of the logit link, in the units of y."""
    low, high = output_range
    with np.errstate(over="ignore"):
        bounds = as_float32(low), as_float32(high)
    if not np.isfinite(bounds).all():
        raise ValueError(
            "ONNX graphs of skneural compute in float32, and output_range is too large for it: "
            f"it is {output_range}. Divide y by a constant before fit."
        )
    scaled = graph.add("Mul", graph.add("Sigmoid", raw), as_float32(high - low))
    return graph.add("Clip", graph.add("Add", scaled, bounds[0]), *bounds)


def _weighted(graph: Graph, x: str, layer: Dense, weights: Arrays, is_image: bool) -> str:
    return graph.add("Gemm", x, as_float32(weights["weight"]), as_float32(weights["bias"]))


def _normalized(graph: Graph, x: str, layer: BatchNorm, weights: Arrays, is_image: bool) -> str:
    mean, variance = (weights[key].astype(float) for key in ("mean", "variance"))
    factor = weights["scale"] / np.sqrt(variance + layer.epsilon)
    end = (-1, 1, 1) if is_image else (-1,)
    x = graph.add("Mul", x, as_float32(factor).reshape(end))
    return graph.add("Add", x, as_float32(weights["shift"] - mean * factor).reshape(end))


def _convolved(graph: Graph, x: str, layer: Conv2D, weights: Arrays, is_image: bool) -> str:
    weight, windows = weights["weight"], layer.windows
    kernel = weight.reshape(*windows.size, *weight.shape[-2:]).transpose(3, 2, 0, 1)
    arrays = np.ascontiguousarray(as_float32(kernel)), as_float32(weights["bias"])
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
        rows = np.vstack([as_float32(table), np.zeros((1, table.shape[1]), np.float32)])
        codes = graph.add("Cast", graph.reshape(column, (-1,)), to=graph.onnx.TensorProto.INT64)
        (vectors if width else one_hots).append(graph.add("Gather", rows, codes, axis=0))
    return graph.add("Concat", *vectors, *one_hots, axis=1)


def _gelu(graph: Graph, x: str, *_: object) -> str:
    """Add ``x / 2 * (1 + erf(x / sqrt(2)))``."""
    erf = graph.add("Erf", graph.add("Mul", x, as_float32(1 / math.sqrt(2))))
    half = graph.add("Mul", x, as_float32(0.5))
    return graph.add("Mul", half, graph.add("Add", erf, as_float32(1)))


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
        positive = graph.add("Greater", raw, as_float32(0))
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
        positive = graph.add("Greater", graph.reshape(raw, (-1,)), as_float32(0))
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
