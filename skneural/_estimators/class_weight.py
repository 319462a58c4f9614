"""Converting class weights to a factor of every row."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from sklearn.utils.class_weight import compute_sample_weight

from skneural._checks.data import named

# labels have any type, and a Mapping is invariant in the type of its keys
LabelWeights = Mapping[Any, float]
ClassWeight = LabelWeights | Sequence[LabelWeights] | Literal["balanced"]


def class_factors(
    class_weight: ClassWeight, y: np.ndarray, classes: np.ndarray | list[np.ndarray]
) -> np.ndarray:
    """Return the factor of every row of `y`.

    Parameters
    ----------
    class_weight : dict, list of dict or "balanced"
        Weights by label, which are 1 for labels that are not in the dict. A list has one dict
        per column of `y`, and their factors are multiplied.
    y : ndarray of shape (n_samples,) or (n_samples, n_columns)
        Labels.
    classes : ndarray or list of ndarray
        All labels, including those that are not in `y`. A list has one array per column.

    Returns
    -------
    factors : ndarray of shape (n_samples,)
    """
    if isinstance(class_weight, str):
        with named("class_weight"):
            return compute_sample_weight(class_weight, y)
    if isinstance(class_weight, list) != (y.ndim == 2):
        raise ValueError(
            "class_weight must be a dict if y is one column of labels, and a list of dicts, "
            f"one per column, if it has several; got {class_weight!r}."
        )
    columns, several = (y.T, classes) if y.ndim == 2 else (y[None], [classes])
    weights = class_weight if y.ndim == 2 else [class_weight]
    if len(weights) != len(columns):
        raise ValueError(
            f"class_weight must have a dict for each of the {len(columns)} columns of y, got "
            f"{len(weights)}."
        )
    factors = np.ones(len(y))
    for own, labels, known in zip(weights, columns, several, strict=True):
        known = np.asarray(known).tolist()
        unknown = [label for label in own if label not in known]
        if unknown and any(label not in own for label in known):
            raise ValueError(
                f"class_weight has labels {unknown} that are not in classes {known}."
            )
        factors *= [own.get(label, 1.0) for label in labels.tolist()]
    return factors
