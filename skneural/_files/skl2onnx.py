"""Registering the estimators of skneural with skl2onnx, so that it can convert Pipelines."""

from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skneural._estimators.classifier import NeuralClassifierMixin
from skneural._estimators.labels import LabelColumns, LabelIndicator
from skneural._estimators.mlp import BaseMLP
from skneural._estimators.table_mlp import BaseTableMLP
from skneural._files.load import CLASSES
from skneural._files.onnx import add_label, add_probabilities, add_targets, network_graph
from skneural._files.onnx_graph import OPSET, Graph

if TYPE_CHECKING:
    from skl2onnx.common._container import ModelComponentContainer
    from skl2onnx.common._topology import Operator, Scope


def register_skl2onnx() -> None:
    """Let skl2onnx convert the estimators of skneural, alone and in Pipelines.

    Call this function once per process, before ``skl2onnx.to_onnx`` or
    ``skl2onnx.convert_sklearn``. The graph computes in float32. As for the classifiers of
    scikit-learn, the outputs are the label (integers or text) and the probability of each
    class, as a list of dicts unless the option ``zipmap`` is False or ``"columns"``. If the
    loss has no probabilities, the graph returns scores instead, which are ``-score`` and
    ``score`` for two classes. A regressor has one column per target.

    skl2onnx does not support several columns of labels, categories in the X of a network, or a
    network whose `transform` is used by a later step. `to_onnx` can convert such a network
    alone.

    Raises
    ------
    ImportError
        If skl2onnx is not installed: ``pip install skl2onnx``.

    See Also
    --------
    to_onnx : Convert a network without the steps before it.

    References
    ----------
    https://onnx.ai/sklearn-onnx/api_summary.html#skl2onnx.update_registered_converter

    Examples
    --------
    >>> import skl2onnx
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> import skneural
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = skneural.MLPClassifier(max_iter=20, patience=None, random_state=0)
    >>> pipeline = make_pipeline(StandardScaler(), clf).fit(X, y)
    >>> skneural.register_skl2onnx()
    >>> model = skl2onnx.to_onnx(pipeline, X[:1], options={"zipmap": False})
    >>> [output.name for output in model.graph.output]
    ['label', 'probabilities']
    """
    try:
        from skl2onnx import update_registered_converter
    except ImportError:
        raise ImportError("register_skl2onnx needs skl2onnx: pip install skl2onnx") from None
    for cls in CLASSES.values():
        options = None
        if issubclass(cls, NeuralClassifierMixin):
            options = {"zipmap": [True, False, "columns"]}
            options |= {name: [True, False] for name in ("nocl", "output_class_labels")}
        update_registered_converter(
            cls, f"Skneural{cls.__name__}", _set_types, _convert, options=options
        )


def _set_types(operator: "Operator") -> None:
    """Set the types and shapes of the outputs for skl2onnx."""
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
    from skl2onnx.common.utils import check_input_and_output_numbers

    own = operator.raw_operator
    check_is_fitted(own, "network_")
    _refuse_categories(own)
    check_input_and_output_numbers(operator, input_count_range=1)
    _refuse_features(operator)
    rows = operator.inputs[0].get_first_dimension()
    if not isinstance(own, NeuralClassifierMixin):
        operator.outputs[0].set_type(FloatTensorType([rows, own.n_outputs_]))
        return
    label, probabilities = operator.outputs
    indicator = isinstance(own._labels, LabelIndicator)
    shape = [rows, len(own.classes_)]
    as_text = _classes(own, operator.scope_inst).dtype.kind == "U"
    label_type = StringTensorType if as_text else Int64TensorType
    label.set_type(label_type(shape if indicator else [rows]))
    probabilities.set_type(FloatTensorType(shape))


def _refuse_categories(estimator: BaseMLP) -> None:
    encoding = estimator._table_encoding
    if not isinstance(estimator, BaseTableMLP) or encoding is None:
        return
    features = estimator._feature_names()
    categories = [features[j] for j in np.flatnonzero(encoding.is_categorical)]
    if categories:
        names = ", ".join(map(repr, categories))
        raise ValueError(
            f"skl2onnx cannot convert this {type(estimator).__name__}, because X has the "
            f"categories {names}, and skl2onnx passes one array of numbers to a network. "
            "Convert the network alone with skneural.to_onnx, or fit a Pipeline of a "
            "ColumnTransformer, with OneHotEncoder for these columns, and the network."
        )


def _refuse_features(operator: "Operator") -> None:
    """Raise an error if a later step uses the network's `transform`, which no graph has."""
    own = {variable.onnx_name for variable in operator.outputs}
    for other in operator.scope_inst.operators.values():  # in the order of the steps
        if not own & {variable.onnx_name for variable in other.inputs}:
            continue
        if not other.type.startswith(("SklearnZipMap", "SklearnIdentity")):
            raise ValueError(
                "skl2onnx cannot convert a Pipeline in which a later step uses the features of "
                f"a network, as of this {type(operator.raw_operator).__name__}: its graph "
                "returns predictions, and has no output for transform. Convert the network "
                "alone with skneural.to_onnx."
            )
        own |= {variable.onnx_name for variable in other.outputs}


def _classes(classifier: NeuralClassifierMixin, scope: "Scope") -> np.ndarray:
    """Return the labels in the form of skl2onnx: 64-bit integers, text, or their indices."""
    labels = classifier._labels
    if isinstance(labels, LabelColumns):
        raise ValueError(
            "skl2onnx does not support several columns of labels. Convert the scaler and the "
            "network separately, with skneural.to_onnx(pipeline[-1]) for the network."
        )
    classes = labels.classes
    if scope.get_options(classifier, {"nocl": False})["nocl"]:
        return np.arange(len(classes))
    return classes.astype(str if isinstance(classes[0], str) else np.int64)


def _convert(
    scope: "Scope", operator: "Operator", container: "ModelComponentContainer"
) -> None:
    """Add the graph of an estimator to that of its Pipeline."""
    import onnx
    from skl2onnx.helpers import add_onnx_graph

    if container.target_opset < OPSET:
        raise ValueError(f"target_opset must be >= {OPSET}, got {container.target_opset}.")
    own = operator.raw_operator
    graph, raw = network_graph(own, onnx)
    if isinstance(own, NeuralClassifierMixin):
        _add_answers(graph, raw, own, scope)
    else:
        prediction = add_targets(graph, raw, own)
        graph.output("variable", graph.reshape(prediction, (-1, own.n_outputs_)))
    add_onnx_graph(scope, operator, container, graph.model(type(own).__name__))


def _add_answers(graph: Graph, raw: str, own: NeuralClassifierMixin, scope: "Scope") -> None:
    probabilistic = own.network_.loss.probabilistic
    if isinstance(own._labels, LabelIndicator):
        positive = graph.add("Greater", raw, np.float32(0))
        label = graph.add("Cast", positive, to=graph.onnx.TensorProto.INT64)
        answer = graph.add("Sigmoid", raw) if probabilistic else raw
    else:
        binary = len(own.classes_) == 2
        label = add_label(graph, raw, _classes(own, scope))
        if probabilistic:
            answer = add_probabilities(graph, raw, binary)
        else:
            answer = graph.add("Concat", graph.add("Neg", raw), raw, axis=1) if binary else raw
    graph.output("label", label)
    graph.output("probabilities", answer)
