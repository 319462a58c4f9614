"""Conversion of scikit-learn's estimators with networks to JSON and arrays, and back.

Every estimator is described by the name of its class, its parameters and its other
attributes. `StateWriter` and `StateReader` convert the values of these.
"""

import copy
from collections.abc import Callable, Mapping

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.metadata_routing import MetadataRequest

from skneural._files.safetensors_file import Json, ModelFile, Section, Told
from skneural._files.sklearn_classes import (
    SKLEARN_VERSION,
    is_wrapper,
    is_wrapper_name,
    named_values,
    parameter_names,
    wrapper_class,
)
from skneural._files.wrapper_checks import check_wrapper, check_wrapper_parameters
from skneural._files.wrapper_state import StateReader, StateWriter

# the contents of a file for an estimator: JSON, and arrays by name
Described = tuple[dict[str, Json], dict[str, np.ndarray]]
DescribeNetwork = Callable[[object, str], Described | None]
BuildNetwork = Callable[[Section | None, dict[str, Told]], BaseEstimator]
_CALLBACKS = "_skl_callbacks"  # where set_callbacks stores them


class TreeWriter:
    """Describes an estimator of scikit-learn and all estimators inside it.

    Parameters
    ----------
    describe_network : callable
        Called with an estimator and its path. It returns JSON and the arrays of a network by
        name, or None if the estimator is not a network of skneural.

    Attributes
    ----------
    arrays : dict of str to ndarray
    n_networks : int
        Number of fitted networks found so far.
    """

    def __init__(self, describe_network: DescribeNetwork) -> None:
        self.describe_network = describe_network
        self.state = StateWriter(named_values(), self._describe)
        self.arrays = self.state.arrays
        self.n_networks = 0

    def write(self, estimator: BaseEstimator) -> dict[str, Json]:
        """Return the JSON that describes an estimator for which `is_wrapper` is true."""
        return self._write_wrapper(estimator, "")

    def _describe(self, value: object, path: str) -> dict[str, Json] | None:
        value = best_estimator(value)
        if is_wrapper(value):
            return {"estimator": self._write_wrapper(value, f"{path}.")}
        described = self.describe_network(value, path)
        if described is None:
            return None
        about, arrays = described
        if arrays:
            self.n_networks += 1
            about["at"] = f"{path}."
            self.arrays.update({f"{path}.{name}": array for name, array in arrays.items()})
        return {"estimator": about}

    def _write_wrapper(self, estimator: BaseEstimator, prefix: str) -> dict[str, Json]:
        cls, attributes = type(estimator), vars(estimator)
        params = {name: attributes[name] for name in parameter_names(cls)}
        check_wrapper_parameters(cls, params)
        check_wrapper(copy.copy(estimator))
        fitted = {
            name: value
            for name, value in attributes.items()
            if name not in params
            and not name.startswith(_CALLBACKS)
            and not isinstance(value, MetadataRequest)
        }
        return {
            "class": cls.__name__,
            "params": self._write_attributes(params, prefix),
            "fitted": self._write_attributes(fitted, prefix),
        }

    def _write_attributes(
        self, attributes: Mapping[str, object], prefix: str
    ) -> dict[str, Json]:
        return {
            name: self.state.write(value, f"{prefix}{name}")
            for name, value in attributes.items()
        }


def best_estimator(estimator: object) -> object:
    """Return the best estimator of a fitted search, and any other value unchanged."""
    if isinstance(estimator, BaseEstimator):
        return getattr(estimator, "best_estimator_", estimator)
    return estimator


def build(
    file: ModelFile, about: dict[str, Told], build_network: BuildNetwork
) -> BaseEstimator:
    """Return the estimator that JSON describes, with all estimators inside it.

    Parameters
    ----------
    file : ModelFile
    about : dict
    build_network : callable
        Called with a `Section` of the file, or None for a network that is not fitted, and the
        JSON of a network.

    Raises
    ------
    ValueError
        If the file contains a class, parameter, attribute or value that is not allowed.
    """

    def build_inner(told: Told) -> BaseEstimator:
        if is_wrapper_name(told["class"]):
            return build(file, told, build_network)
        return build_network(Section(file, told["at"]) if "at" in told else None, told)

    name = about["class"]
    cls = wrapper_class(name)
    reader = StateReader(file, named_values(), {"estimator": build_inner})
    names = parameter_names(cls)
    for unknown in about["params"].keys() - set(names):
        raise ValueError(
            f"its {name} has a parameter {unknown!r:.80}, which does not exist "
            f"in scikit-learn {SKLEARN_VERSION}"
        )
    params = {key: reader.read(told) for key, told in about["params"].items()}
    estimator = cls(**params)
    check_wrapper_parameters(cls, vars(estimator))
    for key in about["fitted"]:
        if not key.isidentifier() or key in names or hasattr(cls, key):
            raise ValueError(f"its {name} has an attribute {key!r:.80}, which no fit sets")
    vars(estimator).update({k: reader.read(told) for k, told in about["fitted"].items()})
    check_wrapper(estimator)
    return estimator
