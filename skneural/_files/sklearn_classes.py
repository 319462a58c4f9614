"""Classes, functions and types of scikit-learn and NumPy that a model file may contain.

A class may be listed here if its predictions use only NumPy and SciPy code that checks the
bounds of the estimator's attributes, or if `check_wrapper` checks what that code relies on.
"""

import inspect
from collections.abc import Callable
from functools import cache
from importlib import import_module

import numpy as np
import sklearn

SKLEARN_VERSION = sklearn.__version__
# the classes by module; a module is imported when one of its classes is saved or loaded
_MODULES = {
    "sklearn.compose": (
        "ColumnTransformer",
        "TransformedTargetRegressor",
        "make_column_selector",
    ),
    "sklearn.decomposition": (
        "FastICA",
        "IncrementalPCA",
        "PCA",
        "TruncatedSVD",
    ),
    "sklearn.feature_extraction": ("DictVectorizer",),
    "sklearn.feature_extraction.text": (
        "CountVectorizer",
        "HashingVectorizer",
        "TfidfTransformer",
        "TfidfVectorizer",
    ),
    "sklearn.feature_selection": (
        "GenericUnivariateSelect",
        "SelectFdr",
        "SelectFpr",
        "SelectFwe",
        "SelectKBest",
        "SelectPercentile",
        "VarianceThreshold",
    ),
    "sklearn.frozen": ("FrozenEstimator",),
    "sklearn.impute": (
        "KNNImputer",
        "MissingIndicator",
        "SimpleImputer",
    ),
    "sklearn.kernel_approximation": (
        "Nystroem",
        "RBFSampler",
    ),
    "sklearn.pipeline": (
        "FeatureUnion",
        "Pipeline",
    ),
    "sklearn.preprocessing": (
        "Binarizer",
        "FunctionTransformer",
        "KBinsDiscretizer",
        "MaxAbsScaler",
        "MinMaxScaler",
        "Normalizer",
        "OneHotEncoder",
        "OrdinalEncoder",
        "PolynomialFeatures",
        "PowerTransformer",
        "QuantileTransformer",
        "RobustScaler",
        "SplineTransformer",
        "StandardScaler",
        "TargetEncoder",
    ),
    "sklearn.random_projection": ("GaussianRandomProjection",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}
_SCORES = (
    "chi2",
    "f_classif",
    "f_regression",
    "mutual_info_classif",
    "mutual_info_regression",
    "r_regression",
)


def is_wrapper_name(name: object) -> bool:
    """Return whether a file may contain a class of this name."""
    return isinstance(name, str) and name in _MODULE_OF


def wrapper_class(name: str) -> type:
    """Return the class with this name, for which `is_wrapper_name` must be true."""
    return getattr(import_module(_MODULE_OF[name]), name)


def is_wrapper(estimator: object) -> bool:
    """Return whether the class of an estimator is listed; subclasses are not."""
    name = type(estimator).__name__
    return is_wrapper_name(name) and wrapper_class(name) is type(estimator)


@cache
def named_values() -> dict[str, Callable[..., object]]:
    """Return the functions and types that parameters may have, by their names in a file."""
    selection = import_module("sklearn.feature_selection")
    values: dict[str, Callable[..., object]]
    values = {cls.__name__: cls for cls in (bool, float, int, object, str)}
    values |= {f"sklearn.{name}": getattr(selection, name) for name in _SCORES}
    for name, value in vars(np).items():
        is_type = isinstance(value, type) and issubclass(value, np.generic)
        # np.long and other aliases are different types on different machines
        if (is_type or isinstance(value, np.ufunc)) and name == value.__name__:
            values[f"numpy.{name}"] = value
    return values


def parameter_names(cls: type) -> list[str]:
    """Return the names of the constructor parameters of a class."""
    return [name for name in inspect.signature(cls).parameters if name != "self"]
