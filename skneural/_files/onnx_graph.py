"""The ONNX graph of a fitted network: its nodes, constants, inputs and outputs."""

from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skneural._network.array_types import Shape
from skneural._version import __version__

if TYPE_CHECKING:
    import onnx

OPSET, _IR = 17, 8  # released in 2022, supported by current runtimes, sufficient for our layers
# The domain of the nodes that look up categories. Its version 4, released in 2023, is the first
# one that looks up numbers in double precision.
ML_DOMAIN, _ML_OPSET = "ai.onnx.ml", 4


class Graph:
    """The nodes and constants of a graph, which are named by their number.

    All inputs of the graph are added before the nodes.
    """

    nodes: list["onnx.NodeProto"]
    constants: list["onnx.TensorProto"]
    inputs: list["onnx.ValueInfoProto"]
    outputs: list["onnx.ValueInfoProto"]

    def __init__(self, onnx: ModuleType) -> None:
        self.onnx = onnx
        self.nodes, self.constants, self.inputs, self.outputs = [], [], [], []
        self._input_names: set[str] = set()

    def input(self, name: str, kind: int, shape: Sequence[str | int]) -> str:
        """Add an input of the graph, whose type is a constant of TensorProto."""
        if not name:
            raise ValueError(
                "column '' of X must have a name, because it is an input of the ONNX graph. "
                "Give it one, for example with X.rename(columns={'': 'x'}), and fit the "
                "estimator again."
            )
        self.inputs.append(self.onnx.helper.make_tensor_value_info(name, kind, shape))
        self._input_names.add(name)
        return name

    def add(self, operation: str, *inputs: ArrayLike, **attributes: object) -> str:
        """Add a node, whose inputs are names or arrays, and return the name of its output."""
        output = self._own_name(f"v{len(self.nodes)}")
        self._append(operation, inputs, [output], **attributes)
        return output

    def split(self, value: str, sizes: Sequence[int]) -> list[str]:
        """Add a node that splits columns into groups of these sizes, and return their names."""
        outputs = [self._own_name(f"v{len(self.nodes)}_{i}") for i in range(len(sizes))]
        self._append("Split", [value, np.array(sizes, np.int64)], outputs, axis=1)
        return outputs

    def sort(self, value: str, n_columns: int) -> str:
        """Add a node that sorts the columns of every row, and return the name of its output."""
        # the values, and their places
        outputs = [self._own_name(f"v{len(self.nodes)}_{i}") for i in range(2)]
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
        name = self._own_name(f"c{len(self.constants)}")
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def _own_name(self, name: str) -> str:
        """Return a name that no input of the graph has."""
        while name in self._input_names:
            name = f"_{name}"
        return name

    def reshape(self, value: str, shape: Shape) -> str:
        return self.add("Reshape", value, np.array(shape, np.int64))

    def output(self, name: str, value: str) -> None:
        """Make a value an output called `name`; the runtime infers its type and shape."""
        if name in self._input_names:
            raise ValueError(
                f"column {name!r} of X has the name of an output of the ONNX graph. Give it "
                f"another name, for example with X.rename(columns={{{name!r}: 'x_{name}'}}), "
                "and fit the estimator again."
            )
        self._append("Identity", [value], [name])
        self.outputs.append(self.onnx.helper.make_empty_tensor_value_info(name))

    def model(self, name: str) -> "onnx.ModelProto":
        helper = self.onnx.helper
        graph = helper.make_graph(
            self.nodes, name, self.inputs, self.outputs, initializer=self.constants
        )
        opsets = [helper.make_opsetid("", OPSET)]
        if any(node.domain == ML_DOMAIN for node in self.nodes):
            opsets.append(helper.make_opsetid(ML_DOMAIN, _ML_OPSET))
        model = helper.make_model(
            graph,
            opset_imports=opsets,
            ir_version=_IR,
            producer_name="skneural",
            producer_version=__version__,
        )
        model = self.onnx.shape_inference.infer_shapes(model, strict_mode=True)
        self.onnx.checker.check_model(model)
        return model


def as_float32(array: ArrayLike) -> NDArray[np.float32]:
    return np.asarray(array, np.float32)
