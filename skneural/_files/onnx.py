"""ONNX: a fitted network as a graph that other runtimes compute."""

import math

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skneural._estimators.classifier import NeuralClassifierMixin
from skneural._estimators.convnet import BaseConvNet
from skneural._estimators.labels import LabelColumns, LabelIndicator
from skneural._estimators.mlp import BaseMLP
from skneural._version import __version__

OPSET, _IR = 17, 8  # of 2022: what runtimes have today, and what we need
_PLAIN = {"ReLU": "Relu", "Logistic": "Sigmoid", "Tanh": "Tanh", "Softplus": "Softplus"}


def to_onnx(estimator):
    """Convert a fitted estimator to ONNX.

    The graph takes ``X``, of shape (n_samples, n_features), or of images or signals in the
    shape of `input_shape_`, in the dtype of the network, and computes in float32. A regressor
    has the output ``prediction``, in the units of `y`. A classifier has ``label`` and
    ``probabilities``, or ``scores`` (what `decision_function` returns) where the loss has no
    probabilities; for several columns of labels ``label_0``, ``probabilities_0``, ``label_1``
    and so on.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, ConvNetClassifier or ConvNetRegressor
        A fitted estimator.

    Returns
    -------
    model : onnx.ModelProto
        Write it with ``onnx.save(model, path)``. It needs opset 17.

    Raises
    ------
    ImportError
        If onnx is not installed: ``pip install onnx``.
    ValueError
        If mean or scale of the targets of a regressor are beyond float32.
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
        end = (-1,) if estimator._y_ndim == 1 else (-1, estimator._n_targets)
        graph.output("prediction", graph.reshape(add_targets(graph, raw, estimator), end))
    return graph.model(type(estimator).__name__)


def network_graph(estimator, onnx):
    """Return a graph of all layers, and the name of what the last one computes."""
    network, graph = estimator.network_, _Graph(onnx)
    kind = onnx.helper.np_dtype_to_tensor_dtype(network.dtype)
    shape = ["n_samples", *network.input_shape]
    graph.inputs.append(onnx.helper.make_tensor_value_info("X", kind, shape))
    raw = graph.add("Cast", "X", to=onnx.TensorProto.FLOAT)
    if isinstance(estimator, BaseConvNet):
        *height, width, channels = network.input_shape
        raw = graph.reshape(raw, (-1, *(height or [1]), width, channels))
        raw = graph.add("Transpose", raw, perm=[0, 3, 1, 2])
    params = network.views(network.theta)
    layers = zip(
        network.layers, network.input_shapes, params, network.state_views(), strict=True
    )
    for layer, input_shape, weights, state in layers:
        if not layer.only_training:
            raw = _add_layer(graph, raw, layer, len(input_shape) > 1, weights, state)
    return graph, raw


def add_targets(graph, raw, regressor):
    """Add the inverse link of a regressor's loss, and the way back to the units of y."""
    if regressor.network_.loss.out_activation == "exp":
        return graph.add("Exp", raw)
    target_scale = regressor._target_scale
    if target_scale is None:
        return raw
    with np.errstate(over="ignore"):
        mean, scale = _single(target_scale.mean), _single(target_scale.scale)
    if not (np.isfinite(mean).all() and np.isfinite(scale).all()):
        raise ValueError(
            "ONNX graphs of skneural compute in float32, and y_mean_ or y_scale_ is too large "
            f"for it: they are up to {np.abs(target_scale.mean).max():.3g} and "
            f"{target_scale.scale.max():.3g}. Divide y by a constant before fit."
        )
    return graph.add("Add", graph.add("Mul", raw, scale), mean)


class _Graph:
    """Nodes and constants, named by their number."""

    def __init__(self, onnx):
        self.onnx = onnx
        self.nodes, self.constants, self.inputs, self.outputs = [], [], [], []

    def add(self, operation, *inputs, n_outputs=1, **attributes):
        """Add a node; inputs are names or arrays. Return the name of its output, or names."""
        names = [name if isinstance(name, str) else self.constant(name) for name in inputs]
        outputs = [f"v{len(self.nodes)}_{i}" for i in range(n_outputs)]
        self._append(operation, names, outputs, **attributes)
        return outputs[0] if n_outputs == 1 else outputs

    def _append(self, operation, inputs, outputs, **attributes):
        name = f"{operation}_{len(self.nodes)}"
        make_node = self.onnx.helper.make_node
        self.nodes.append(make_node(operation, inputs, outputs, name=name, **attributes))

    def constant(self, array):
        """Add an array."""
        array = np.asarray(array)
        name = f"c{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def reshape(self, value, shape):
        return self.add("Reshape", value, np.array(shape, np.int64))

    def output(self, name, value):
        """Call a value `name` and make it an output; the runtime knows its type and shape."""
        self._append("Identity", [value], [name])
        self.outputs.append(self.onnx.helper.make_empty_tensor_value_info(name))

    def model(self, name):
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


def _single(array):
    return np.asarray(array, np.float32)


def _add_layer(graph, x, layer, is_image, params, state):
    """Add what a layer computes when it predicts; images are (n, channels, h, w)."""
    name = type(layer).__name__
    if name in _PLAIN:
        return graph.add(_PLAIN[name], x)
    if name == "Identity":
        return x
    if name == "LeakyReLU":
        return graph.add("LeakyRelu", x, alpha=0.01)
    if name == "ELU":
        return graph.add("Elu", x, alpha=1.0)
    if name == "SiLU":
        return graph.add("Mul", x, graph.add("Sigmoid", x))
    if name == "GELU":  # x / 2 * (1 + erf(x / sqrt(2)))
        erf = graph.add("Erf", graph.add("Mul", x, _single(1 / math.sqrt(2))))
        half = graph.add("Mul", x, _single(0.5))
        return graph.add("Mul", half, graph.add("Add", erf, _single(1)))
    if name == "Dense":
        return graph.add("Gemm", x, _single(params["weight"]), _single(params["bias"]))
    if name == "BatchNorm":
        mean, variance = (state[key].astype(float) for key in ("mean", "variance"))
        factor = params["scale"] / np.sqrt(variance + layer.epsilon)
        end = (-1, 1, 1) if is_image else (-1,)
        x = graph.add("Mul", x, _single(factor).reshape(end))
        return graph.add("Add", x, _single(params["shift"] - mean * factor).reshape(end))
    if name == "Flatten":
        if is_image:
            x = graph.add("Transpose", x, perm=[0, 2, 3, 1])
        return graph.reshape(x, (-1, layer.n_features))
    if name == "GlobalAveragePool":
        return graph.add("Flatten", graph.add("GlobalAveragePool", x))
    windows = layer.windows
    places = {
        "kernel_shape": windows.size,
        "strides": windows.strides,
        "pads": (*windows.before, *windows.after),
    }
    if name == "MaxPool":
        return graph.add("MaxPool", x, **places)
    if name == "AveragePool":
        counts = int(layer.count_padding)
        return graph.add("AveragePool", x, count_include_pad=counts, **places)
    if name != "Conv2D":
        raise TypeError(f"to_onnx does not know the layer {layer}.")
    weight = params["weight"]
    kernel = weight.reshape(*windows.size, *weight.shape[-2:]).transpose(3, 2, 0, 1)
    arrays = np.ascontiguousarray(_single(kernel)), _single(params["bias"])
    return graph.add("Conv", x, *arrays, dilations=windows.dilation, **places)


def _add_labels(graph, raw, estimator):
    """Add labels, and probabilities or scores, of one column of labels or several."""
    labels, loss = estimator._labels, estimator.network_.loss
    if isinstance(labels, LabelIndicator):
        positive = graph.add("Greater", raw, _single(0))
        graph.output("label", graph.add("Cast", positive, to=graph.onnx.TensorProto.INT64))
        if loss.probabilistic:
            graph.output("probabilities", graph.add("Sigmoid", raw))
        else:
            graph.output("scores", raw)
        return
    columns, parts, ends = [labels], [raw], [""]
    if isinstance(labels, LabelColumns):
        columns = labels.columns
        ends = [f"_{k}" for k in range(len(columns))]
        if len(columns) > 1:
            sizes = np.array([column.size for column in columns])
            parts = graph.add("Split", raw, sizes, axis=1, n_outputs=len(columns))
    for column, part, end in zip(columns, parts, ends, strict=True):
        _add_column(graph, part, column, loss.probabilistic, end)


def _add_column(graph, raw, column, probabilistic, end):
    classes = column.classes
    plain = np.array(classes.tolist()) if classes.dtype == object else classes
    graph.output(f"label{end}", add_label(graph, raw, plain))
    if probabilistic:
        graph.output(f"probabilities{end}", add_probabilities(graph, raw, column.size == 1))
    else:
        scores = graph.reshape(raw, (-1,)) if column.size == 1 else raw
        graph.output(f"scores{end}", scores)


def add_label(graph, raw, classes):
    """Add the choice of a class, by one output of two classes or one for each of them."""
    if len(classes) == 2:
        positive = graph.add("Greater", graph.reshape(raw, (-1,)), _single(0))
        index = graph.add("Cast", positive, to=graph.onnx.TensorProto.INT64)
    else:
        index = graph.add("ArgMax", raw, axis=1, keepdims=0)
    # what onnx takes for text
    classes = classes.astype(object) if classes.dtype.kind == "U" else classes
    return graph.add("Gather", classes, index)


def add_probabilities(graph, raw, binary):
    """Add a column of probabilities for every class."""
    if not binary:
        return graph.add("Softmax", raw, axis=1)
    both = [graph.add("Sigmoid", z) for z in (graph.add("Neg", raw), raw)]
    return graph.add("Concat", *both, axis=1)
