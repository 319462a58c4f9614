"""The encoding of a table as nodes of an ONNX graph."""

import numpy as np

from skneural._estimators.table import FARTHEST, TableEncoding
from skneural._files.onnx_graph import ML_DOMAIN, Graph, as_float32


def add_missing(graph: Graph, x: str, encoding: TableEncoding) -> str:
    """Replace missing values by means, and add columns that indicate missing values."""
    missing = graph.add("IsNaN", x)
    x = graph.add("Where", missing, as_float32(encoding.mean), x)
    return graph.add("Concat", x, _indicators(graph, missing, encoding), axis=1)


def add_table(graph: Graph, encoding: TableEncoding, features: list[str]) -> str:
    """Add one input for each column of X, and the encoding of X as a matrix.

    The matrix has the columns that `TableEncoding` describes.
    """
    _add_inputs(graph, encoding, features)
    numbers = [features[j] for j in np.flatnonzero(~encoding.is_categorical)]
    categories = [features[j] for j in np.flatnonzero(encoding.is_categorical)]
    parts = _numbers(graph, numbers, encoding) if numbers else []
    parts += [_codes(graph, categories[k], encoding, k) for k in encoding.category_order]
    return graph.add("Concat", *parts, axis=1)


def _add_inputs(graph: Graph, encoding: TableEncoding, features: list[str]) -> None:
    """Add the inputs, in the order of the columns of X."""
    kinds = graph.onnx.TensorProto
    kind_of = {"O": kinds.STRING, "i": kinds.INT64, "f": kinds.DOUBLE}
    levels = iter(encoding.levels)
    for name, is_category in zip(features, encoding.is_categorical, strict=True):
        kind = kind_of[_keys(next(levels)).dtype.kind] if is_category else kinds.DOUBLE
        graph.input(name, kind, ["n_samples", 1])


def _numbers(graph: Graph, columns: list[str], encoding: TableEncoding) -> list[str]:
    """Add the standardized numbers and the missing indicators, which are two matrices.

    The numbers are standardized in double precision, as for `predict`. In single precision,
    large numbers with a small standard deviation would lose digits.
    """
    x = graph.add("Concat", *columns, axis=1)
    missing = graph.add("IsNaN", x)
    x = graph.add("Where", missing, encoding.mean, x)
    # onnxruntime would omit the subtraction of a constant that is 0 in single precision
    x = graph.add("Div", graph.add("Sub", encoding.shift, x), -encoding.scale)
    parts = [_as_float(graph, graph.add("Clip", x, -FARTHEST, FARTHEST))]
    if encoding.has_indicator.any():
        parts.append(_indicators(graph, missing, encoding))
    return parts


def _indicators(graph: Graph, missing: str, encoding: TableEncoding) -> str:
    columns = np.flatnonzero(encoding.has_indicator)
    return graph.add("Gather", _as_float(graph, missing), columns, axis=1)


def _codes(graph: Graph, column: str, encoding: TableEncoding, k: int) -> str:
    """Add the codes of the levels of category `k`, as a matrix of one column.

    LabelEncoder returns twice the code of a category of two levels, because it has no kernel
    that returns a fraction for every type of levels.
    """
    keys, other = _keys(encoding.levels[k]), encoding.other_code(k)
    factor = 2 if encoding.is_binary[k] else 1
    tensor = graph.onnx.numpy_helper.from_array
    codes = graph.add(
        "LabelEncoder",
        column,
        domain=ML_DOMAIN,
        keys_tensor=tensor(keys),
        values_tensor=tensor(factor * np.arange(len(keys), dtype=np.int64)),
        default_tensor=tensor(np.array([factor * other], np.int64)),
    )
    codes = _as_float(graph, codes)
    return codes if factor == 1 else graph.add("Div", codes, as_float32(factor))


def _keys(levels: np.ndarray) -> np.ndarray:
    """Return the levels of a category in the form of onnx."""
    if not len(levels):  # all values are missing, and need some key
        return np.array([""], dtype=object)
    return levels.astype(object) if levels.dtype.kind == "U" else levels


def _as_float(graph: Graph, x: str) -> str:
    return graph.add("Cast", x, to=graph.onnx.TensorProto.FLOAT)
