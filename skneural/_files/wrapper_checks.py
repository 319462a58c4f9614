"""Checks of the estimators of scikit-learn in a model file."""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeGuard

import numpy as np
from scipy.interpolate import BSpline
from sklearn.base import BaseEstimator

from skneural._files.sklearn_classes import parameter_names

if TYPE_CHECKING:
    from sklearn.preprocessing import OneHotEncoder

# attributes with one entry per feature: lists, or arrays along their last axis
_PER_FEATURE = {
    "FastICA": ("components_", "mean_"),
    "GaussianRandomProjection": ("components_",),
    "GenericUnivariateSelect": ("scores_", "pvalues_"),
    "IncrementalPCA": ("components_", "mean_", "var_"),
    "KBinsDiscretizer": ("bin_edges_", "n_bins_"),
    "MaxAbsScaler": ("max_abs_", "scale_"),
    "MinMaxScaler": ("min_", "scale_", "data_min_", "data_max_", "data_range_"),
    "Nystroem": ("components_",),
    "OneHotEncoder": ("categories_",),
    "OrdinalEncoder": ("categories_",),
    "PCA": ("components_", "mean_"),
    "PowerTransformer": ("lambdas_",),
    "QuantileTransformer": ("quantiles_",),
    "RobustScaler": ("center_", "scale_"),
    "SelectFdr": ("scores_", "pvalues_"),
    "SelectFpr": ("scores_", "pvalues_"),
    "SelectFwe": ("scores_", "pvalues_"),
    "SelectKBest": ("scores_", "pvalues_"),
    "SelectPercentile": ("scores_", "pvalues_"),
    "SimpleImputer": ("statistics_",),
    "SplineTransformer": ("bsplines_",),
    "StandardScaler": ("mean_", "var_", "scale_"),
    "TargetEncoder": ("categories_",),
    "TfidfTransformer": ("idf_",),
    "TruncatedSVD": ("components_",),
    "VarianceThreshold": ("variances_",),
}
# attributes that are an estimator, or a list of tuples with an estimator at this index
_ESTIMATORS: dict[str, dict[str, int | None]] = {
    "ColumnTransformer": {"transformers": 1, "transformers_": 1, "remainder": None},
    "FeatureUnion": {"transformer_list": 1},
    "FrozenEstimator": {"estimator": None},
    "Pipeline": {"steps": 1},
    "TransformedTargetRegressor": dict.fromkeys(
        ("regressor", "regressor_", "transformer", "transformer_")
    ),
}
_OF_ANY_KIND = ("statistics_", "bin_edges_")  # arrays that need not hold numbers
_LISTS = ("categories_", "bsplines_")
_MATRICES = ("components_", "quantiles_")  # all other arrays have one dimension
_MOST_TO_REBUILD = 10**7  # size of the data on which a loaded encoder is fitted, at most
_NOTHING = object()
_MOST_JOBS = 256  # joblib starts any number of processes


def check_wrapper_parameters(cls: type, params: Mapping[str, object]) -> None:
    """Check that no parameter would read files, start many processes or break compiled code.

    Raises
    ------
    ValueError
        If a parameter has a value that is not allowed in a model file. The message names the
        parameter.
    """
    name = cls.__name__
    if params.get("memory") is not None:
        # joblib reads its cache with pickle
        raise ValueError(
            f"memory of the {name} must be None, got {params['memory']!r:.80}: "
            "set_params(memory=None) before it is saved"
        )
    n_jobs = params.get("n_jobs")
    if n_jobs is not None and (not _is_integer(n_jobs) or abs(n_jobs) > _MOST_JOBS):
        raise ValueError(
            f"n_jobs of the {name} must be None or an integer from -{_MOST_JOBS} to "
            f"{_MOST_JOBS}, got {n_jobs!r:.80}"
        )
    if params.get("input", "content") != "content":
        raise ValueError(f"input of the {name} must be 'content', got {params['input']!r:.80}")
    if name == "HashingVectorizer":
        n_features = params["n_features"]
        if not _is_integer(n_features) or not 1 <= n_features < 2**31:
            raise ValueError(
                f"n_features of the {name} must be an integer from 1 to 2**31 - 1, got "
                f"{n_features!r:.80}"
            )


def check_wrapper(estimator: BaseEstimator) -> None:
    """Check the fitted attributes that compiled code relies on, and rebuild some of them.

    Raises
    ------
    ValueError
        If attributes are missing or inconsistent. The message names the attribute.
    """
    fitted = vars(estimator)
    for name, place in _ESTIMATORS.get(type(estimator).__name__, {}).items():
        if name in fitted:
            _check_estimators(estimator, name, place)
    if type(estimator).__name__ in _PER_FEATURE | _REBUILT and _is_fitted(estimator):
        _check_features(estimator, fitted.get("n_features_in_"))
    if "vocabulary_" in fitted:
        _check_vocabulary(estimator)


def _is_fitted(estimator: BaseEstimator) -> bool:
    """Return whether `check_is_fitted` of scikit-learn accepts an estimator."""
    return any(name.endswith("_") for name in vars(estimator))


def _check_features(estimator: BaseEstimator, n_features: object) -> None:
    if not _is_integer(n_features) or n_features < 1:
        raise _wrong(estimator, "n_features_in_")
    name = type(estimator).__name__
    for attribute in _PER_FEATURE.get(name, ()):
        _check_per_feature(estimator, attribute, n_features)
    if name in _REBUILT:
        _REBUILT[name](estimator)


def _check_estimators(estimator: BaseEstimator, name: str, place: int | None) -> None:
    """Check an attribute that is an estimator, or a list of tuples with one at `place`."""
    value = vars(estimator)[name]
    entries = [value]
    if place is not None:
        is_list = isinstance(value, list)
        if not is_list or not all(isinstance(e, tuple) and len(e) > place for e in value):
            raise _wrong(estimator, name)
        entries = [entry[place] for entry in value]
    for entry in entries:
        is_word = entry is None or (type(entry) is str and entry in ("passthrough", "drop"))
        if not isinstance(entry, BaseEstimator) and not is_word:
            raise _wrong(estimator, name)


def _is_integer(value: object) -> TypeGuard[int]:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _wrong(estimator: BaseEstimator, name: str) -> ValueError:
    return ValueError(f"{name} of the {type(estimator).__name__} has an invalid description")


def _check_per_feature(estimator: BaseEstimator, name: str, n_features: int) -> None:
    if name not in vars(estimator):
        if name in _may_be_missing(estimator):
            return
        raise ValueError(f"{name} of the {type(estimator).__name__} is missing")
    value = vars(estimator)[name]
    if value is None:
        return
    fits = _is_list if name in _LISTS else _is_array
    if not fits(value, name, n_features):
        raise _wrong(estimator, name)


def _is_list(value: object, name: str, n_features: int) -> bool:
    if not isinstance(value, list) or len(value) != n_features:
        return False
    if name == "bsplines_":
        return all(type(entry) is BSpline for entry in value)
    return all(isinstance(entry, np.ndarray) and entry.ndim == 1 for entry in value)


def _is_array(value: object, name: str, n_features: int) -> bool:
    return (
        isinstance(value, np.ndarray)
        and value.ndim == (2 if name in _MATRICES else 1)
        and value.shape[-1] == n_features
        and (value.dtype.kind in "biuf" or name in _OF_ANY_KIND)
    )


def _may_be_missing(estimator: BaseEstimator) -> tuple[str, ...]:
    """Return the names of attributes that `fit` sets only with certain parameters."""
    name = type(estimator).__name__
    if name == "TfidfTransformer":
        return () if estimator.use_idf else ("idf_",)
    return ("mean_",) if name == "FastICA" else ()


def _check_vocabulary(estimator: BaseEstimator) -> None:
    """Check the indices of terms, which are used in a sparse matrix without another check."""
    vocabulary = vars(estimator)["vocabulary_"]
    if not isinstance(vocabulary, dict) or not all(map(_is_integer, vocabulary.values())):
        raise _wrong(estimator, "vocabulary_")
    if sorted(vocabulary.values()) != list(range(len(vocabulary))):
        raise _wrong(estimator, "vocabulary_")


def _rebuild_one_hot(encoder: "OneHotEncoder") -> None:
    """Let `fit` determine again which category has which column.

    The columns become indices of a sparse matrix, which are not checked later. The encoder is
    fitted on the indices of its categories, without the infrequent ones.
    """
    if not all(map(_is_sorted, encoder.categories_)):
        raise _wrong(encoder, "categories_")
    masks = [np.ones(len(labels), bool) for labels in encoder.categories_]
    has_infrequent = encoder.min_frequency is not None or encoder.max_categories is not None
    if has_infrequent:
        pairs = zip(encoder.categories_, encoder.infrequent_categories_, strict=True)
        masks = [~_is_among(labels, infrequent) for labels, infrequent in pairs]
    n_rows = max(1, *(mask.sum() for mask in masks)) if has_infrequent else 1
    if n_rows * len(masks) > _MOST_TO_REBUILD:
        raise ValueError("categories_ of the OneHotEncoder has too many frequent categories")
    numbers = np.full((n_rows, len(masks)), -1)  # -1 is an unknown category, which is ignored
    for column, mask in zip(numbers.T, masks, strict=True):
        frequent = np.flatnonzero(mask)[:n_rows]
        column[: len(frequent)] = frequent
    drop = encoder.drop
    if drop is not None and not isinstance(drop, str):
        drop = [int(index) for index in encoder.drop_idx_]
    again = type(encoder)(
        categories=[np.arange(len(mask)) for mask in masks],
        drop=drop,
        handle_unknown="ignore",
        min_frequency=1 if has_infrequent else None,
    ).fit(numbers)
    own = {"categories_", *parameter_names(type(encoder))}
    vars(encoder).update({k: v for k, v in vars(again).items() if k not in own})


def _is_sorted(labels: np.ndarray) -> bool:
    """Return whether a binary search finds each of the labels, whose last may be NaN."""
    if not len(labels):
        return False
    if labels.dtype.kind in "OU":  # found in a dict
        return True
    if labels.dtype.kind == "f" and math.isnan(labels[-1]):
        labels = labels[:-1]
    return bool(np.all(labels[:-1] < labels[1:]))


def _is_among(labels: np.ndarray, some: np.ndarray | None) -> np.ndarray:
    """Return a mask of the labels in a selection, or None if their order differs."""
    mask, rest = np.zeros(len(labels), bool), iter([] if some is None else some.tolist())
    next_one = next(rest, _NOTHING)
    for k, label in enumerate(labels.tolist()):
        both_are_nan = label != label and next_one != next_one
        if label is next_one or label == next_one or both_are_nan:
            mask[k] = True
            next_one = next(rest, _NOTHING)
    return mask


def _rebuild_by_shape(estimator: BaseEstimator) -> None:
    """Let `fit`, which uses only the shape of the data, count the output features."""
    if estimator.n_features_in_ > _MOST_TO_REBUILD // 100:
        raise _wrong(estimator, "n_features_in_")
    again = type(estimator)(**{k: vars(estimator)[k] for k in parameter_names(type(estimator))})
    again.fit(np.zeros((1, estimator.n_features_in_)))
    vars(estimator).update(vars(again))


_REBUILT: dict[str, Callable[[BaseEstimator], None]] = {
    "OneHotEncoder": _rebuild_one_hot,
    "PolynomialFeatures": _rebuild_by_shape,
}
