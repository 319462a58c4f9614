"""skl2onnx: what it needs to know to convert a Pipeline around an estimator from here."""

from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skneural._estimators.classifier import NeuralClassifierMixin
from skneural._estimators.labels import LabelColumns, LabelIndicator
from skneural._files.load import CLASSES
from skneural._files.onnx import (
    OPSET,
    Graph,
    add_label,
    add_probabilities,
    add_targets,
    network_graph,
)

if TYPE_CHECKING:
    from skl2onnx.common._container import ModelComponentContainer
    from skl2onnx.common._topology import Operator, Scope


def register_skl2onnx() -> None:
    """Let skl2onnx convert the estimators of skneural, alone and in Pipelines.

    Call it once in a process, before ``skl2onnx.to_onnx`` or ``skl2onnx.convert_sklearn``.
    The graph computes in float32. As with the classifiers of scikit-learn there is a label
    (integers or text) and, for each class, its probability: as a list of dicts, unless the
    option ``zipmap`` is False or ``"columns"``. Of a loss without probabilities, scores take
    their place; those of two classes are ``-score`` and ``score``. A regressor has one column
    for each target. Several columns of labels are beyond skl2onnx: use `to_onnx` for the
    network alone. So is a network that gives its features (`transform`) to a later step.

    Raises
    ------
    ImportError
        If skl2onnx is not installed: ``pip install skl2onnx``.

    See Also
    --------
    to_onnx : A network without the steps before it.

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
    """Tell skl2onnx the types and shapes of the outputs."""
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
    from skl2onnx.common.utils import check_input_and_output_numbers

    own = operator.raw_operator
    check_is_fitted(own, "network_")
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


def _refuse_features(operator: "Operator") -> None:
    """Refuse a network whose `transform` a later step works on: its graph has predictions."""
    own = {variable.onnx_name for variable in operator.outputs}
    for other in operator.scope_inst.operators.values():  # in the order of the steps
        if not own & {variable.onnx_name for variable in other.inputs}:
            continue
        if not other.type.startswith(("SklearnZipMap", "SklearnIdentity")):
            raise ValueError(
                "skl2onnx cannot convert a Pipeline in which a network gives features to a "
                f"later step, as this {type(operator.raw_operator).__name__} does: its graph "
                "has predictions, and no output for transform. Convert the network alone, with "
                "skneural.to_onnx."
            )
        own |= {variable.onnx_name for variable in other.outputs}


def _classes(classifier: NeuralClassifierMixin, scope: "Scope") -> np.ndarray:
    """The labels as skl2onnx has them: integers of 64 bits, text, or numbers for them."""
    labels = classifier._labels
    if isinstance(labels, LabelColumns):
        raise ValueError(
            "skl2onnx has no outputs for several columns of labels. Convert the scaler and the "
            "network one by one: skneural.to_onnx(pipeline[-1])."
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
