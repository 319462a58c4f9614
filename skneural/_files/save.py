"""Saving and loading estimators without pickle, in a file of arrays and plain values."""

import json
from typing import TypeGuard

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from skneural._engine.optimizers import MOMENTS
from skneural._estimators.base import BaseNeuralNetwork
from skneural._files.load import CLASSES, FORMAT, LABELS, MOST_EPOCHS, describe, read
from skneural._files.plain_values import is_time, text_to_codes, to_plain
from skneural._files.safetensors_file import DTYPES, Json, Path, write
from skneural._files.sklearn_classes import SKLEARN_VERSION, is_wrapper
from skneural._files.table_encoding import describe_table
from skneural._files.wrappers import Described, TreeWriter, best_estimator
from skneural._training.progress import Progress
from skneural._version import __version__


def save(estimator: BaseEstimator, path: Path) -> None:
    """Save a fitted estimator to a file that can be loaded without running code.

    The file contains the parameters, weights, labels, feature names and the training history.
    After ``partial_fit`` or with ``warm_start=True``, it also contains the state of the
    optimizer and of the random generators, so that training can continue exactly. An existing
    file is replaced only when the new one is complete and on the disk.

    Parameters
    ----------
    estimator : estimator
        A fitted MLPClassifier, MLPRegressor, ConvNetClassifier or ConvNetRegressor, or a
        Pipeline, ColumnTransformer or TransformedTargetRegressor of scikit-learn that contains
        such a network. If it is a search, its `best_estimator_` is saved. Callbacks and
        metadata requests are not saved. The guide on persistence lists the supported
        transformers.
    path : str or path-like
        The file. It has the layout of safetensors, so that other programs can read the arrays.

    Raises
    ------
    TypeError
        If the class of the estimator, or of an estimator inside it, cannot be saved, or if a
        parameter is not a plain value, for example a user-defined function. The message names
        the parameter, such as ``steps.functiontransformer.func``.
    ValueError
        If there is no fitted network, if a parameter no longer describes its network, or if
        ``memory`` of a Pipeline is not None.
    OSError
        If the file cannot be written. An existing file is left unchanged.

    See Also
    --------
    load : Load an estimator from a file.

    Examples
    --------
    >>> import os, tempfile
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> import skneural
    >>> net = skneural.MLPRegressor((), solver="lbfgs")
    >>> reg = make_pipeline(StandardScaler(), net).fit([[0.0], [1.0], [2.0]], [0, 1, 2])
    >>> path = os.path.join(tempfile.mkdtemp(), "line.skneural")
    >>> skneural.save(reg, path)
    >>> skneural.load(path).predict([[5.0]]) == reg.predict([[5.0]])
    array([ True])
    """
    name = type(estimator).__name__
    best = best_estimator(estimator)
    if _is_network(best):
        check_is_fitted(best, "network_")
        about, arrays = _describe_fitted(best)
        write(path, _header(about), arrays)
    elif is_wrapper(best):
        about, arrays = _describe_wrapper(best)
        write(path, {**_header(about), "sklearn_version": SKLEARN_VERSION}, arrays)
    else:
        raise TypeError(
            f"estimator must be one of {', '.join(CLASSES)}, or a Pipeline or another "
            f"estimator of scikit-learn that contains one, got {name}. docs/persistence.md "
            "lists those that can be saved. A search can be saved if it is fitted with "
            "refit=True."
        )


def load(path: Path) -> BaseEstimator:
    """Load an estimator from a file written by `save` or a `Checkpoint`.

    No code from the file is run. Before any array is read, the checksum is verified, and the
    size of every array is compared with the network that the parameters describe. Estimators
    of scikit-learn are built from a fixed list of classes, and their attributes are checked.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    estimator : estimator
        The fitted estimator, which makes exactly the same predictions. `partial_fit`, or `fit`
        with ``warm_start=True``, continues the training.

    Warns
    -----
    UserWarning
        If the file was written by another version of skneural or, if it contains estimators
        of scikit-learn, with another version of scikit-learn.

    Raises
    ------
    ValueError
        If the file is damaged, is not a model file, has a format that this version does not
        know, or contains a class, parameter or value that is not allowed in a file. The
        message describes the problem.
    OSError
        If the file cannot be opened.

    See Also
    --------
    save : Save an estimator to a file.
    """
    estimator, _ = read(path)
    return estimator


def plain_parameters(estimator: BaseNeuralNetwork) -> dict[str, Json]:
    """Return the parameters as JSON; raise a TypeError that names any that is not plain."""
    params = {}
    for name, value in estimator.get_params(deep=False).items():
        try:
            params[name] = to_plain(value)
        except TypeError as error:
            raise TypeError(
                f"{name} cannot be saved: {error}, and a file contains no code. Pickle the "
                "estimator instead, for example with joblib.dump."
            ) from None
    return params


def _is_network(estimator: object) -> TypeGuard[BaseNeuralNetwork]:
    return CLASSES.get(type(estimator).__name__) is type(estimator)


def _describe_fitted(estimator: BaseNeuralNetwork) -> Described:
    """Return the contents of a file for a fitted network: JSON, and arrays by name."""
    params = plain_parameters(estimator)
    _check_unchanged(estimator)
    about, arrays = _describe(estimator, estimator._progress, estimator._batch_size, params)
    # scikit-learn stores the setting of set_output under this name
    about["set_output"] = dict(getattr(estimator, "_sklearn_output_config", {}))
    return about, arrays


def _describe_wrapper(estimator: BaseEstimator) -> Described:
    """Return the contents of a file for an estimator of scikit-learn that contains networks."""
    writer = TreeWriter(_describe_inner)
    about = writer.write(estimator)
    if not writer.n_networks:
        raise NotFittedError(
            f"estimator must contain a fitted network of skneural, and this "
            f"{type(estimator).__name__} does not. Call fit first. An estimator without a "
            "network can be saved with skops."
        )
    return about, writer.arrays


def _describe_inner(estimator: object, path: str) -> Described | None:
    """Describe a network inside another estimator, for a `TreeWriter`."""
    if not _is_network(estimator):
        return None
    try:
        if hasattr(estimator, "network_"):
            return _describe_fitted(estimator)
        return {
            "class": type(estimator).__name__,
            "params": plain_parameters(estimator),
        }, {}
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{path}: {error}") from None


def _check_unchanged(estimator: BaseNeuralNetwork) -> None:
    """Raise an error if the parameters of an estimator have been changed since its fit."""
    estimator._check_parameters()
    own = estimator.network_
    network = describe(estimator, own.input_shape, own.dtype)
    if repr(network) != repr(own) or type(network.loss) is not type(own.loss):
        raise ValueError(
            f"The parameters describe {network} with {type(network.loss).__name__}, and the "
            f"estimator was fitted as {own} with {type(own.loss).__name__}. Fit it again, or "
            "reset the parameters, before you save it."
        )


def contents(
    estimator: BaseNeuralNetwork,
    progress: Progress,
    batch_size: int,
    params: dict[str, Json],
    training: dict[str, Json] | None = None,
) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Return the contents of a file: text, and arrays by name.

    Parameters
    ----------
    estimator : estimator
        The estimator with the labels and feature names.
    progress : Progress
        The state of the training, from the estimator or from an unfinished fit.
    batch_size : int
    params : dict
        Constructor parameters as JSON.
    training : dict, default=None
        The state of an unfinished fit that a `Checkpoint` saves, as JSON.

    Returns
    -------
    text : dict of str to str
    arrays : dict of str to ndarray
    """
    about, arrays = _describe(estimator, progress, batch_size, params, training)
    return _header(about), arrays


def _header(about: dict[str, Json]) -> dict[str, str]:
    return {
        "format": f"skneural {FORMAT}",
        "skneural_version": __version__,
        "estimator": json.dumps(about, allow_nan=False, separators=(",", ":")),
    }


def _describe(
    estimator: BaseNeuralNetwork,
    progress: Progress,
    batch_size: int,
    params: dict[str, Json],
    training: dict[str, Json] | None = None,
) -> Described:
    """Return the same as `contents`, with the text as JSON."""
    network = progress.network
    state = progress.optimizer_state
    arrays = {"theta": network.theta, "state": network.state}
    arrays |= {f"optimizer.{key}": np.asarray(state[key]) for key in state if key in MOMENTS}
    arrays |= {f"history.{key}": np.array(v, float) for key, v in progress.history.items()}
    about: dict[str, Json] = {
        "class": type(estimator).__name__,
        "params": params,
        "input_shape": list(network.input_shape),
        "dtype": network.dtype.name,
        "batch_size": int(batch_size),
        "target": _describe_target(estimator, arrays),
        "table": describe_table(estimator._table_encoding, arrays),
        "feature_names": hasattr(estimator, "feature_names_in_"),
        "history": list(progress.history),
        "optimizer": {key: int(v) for key, v in state.items() if key not in MOMENTS},
        "rngs": {name: dict(rng.bit_generator.state) for name, rng in progress.rngs.items()},
        "progress": {
            "solver": progress.solver,
            "epochs": progress.epochs,
            "samples": progress.samples,
            "stalls": progress.stalls,
            "best_loss": to_plain(float(progress.best_loss)),
            "seed": progress.seed,
            "steps": progress.steps,
        },
        "training": training,
    }
    if hasattr(estimator, "feature_names_in_"):
        arrays["feature_names"] = _as_numbers(estimator.feature_names_in_.astype(str))
    if progress.epochs > MOST_EPOCHS:
        raise ValueError(
            f"a file stores up to {MOST_EPOCHS:,} epochs, got {progress.epochs:,}."
        )
    return about, arrays


def _describe_target(
    estimator: BaseNeuralNetwork, arrays: dict[str, np.ndarray]
) -> dict[str, Json]:
    """Describe labels or targets, and add labels, mean and scale to the arrays."""
    if not hasattr(estimator, "_labels"):
        target_scale = estimator._target_scale
        if target_scale is not None:
            arrays |= {"y_mean": target_scale.mean, "y_scale": target_scale.scale}
        return {
            "ndim": estimator._y_ndim,
            "n_targets": estimator._n_targets,
            "is_scaled": target_scale is not None,
        }
    labels = estimator._labels
    [kind] = [name for name, cls in LABELS.items() if cls is type(labels)]
    columns = labels.classes if kind == "columns" else [labels.classes]
    objects: list[Json] = []
    for k, classes in enumerate(columns):
        if is_time(classes.dtype):
            arrays[f"classes.{k}"] = classes.astype(classes.dtype.newbyteorder("<")).view("<i8")
            objects.append([False, classes.dtype.newbyteorder("<").str[1:]])
            continue
        plain = np.array(classes.tolist()) if classes.dtype == object else classes
        same_types = len(set(map(type, classes.tolist()))) == 1
        if plain.tolist() != classes.tolist() or not same_types or not _is_stored(plain.dtype):
            raise TypeError(
                f"classes_ cannot be saved: {classes!r}. Labels must be text, numbers or "
                "datetimes."
            )
        arrays[f"classes.{k}"] = _as_numbers(plain)
        objects.append([classes.dtype == object, plain.dtype.kind == "U"])
    return {"labels": kind, "columns": objects}


def _is_stored(dtype: np.dtype) -> bool:
    return dtype.kind == "U" or dtype.newbyteorder("<").str in DTYPES.values()


def _as_numbers(array: np.ndarray) -> np.ndarray:
    """Return text as code points, one row per string, and numbers unchanged."""
    return text_to_codes(array) if array.dtype.kind == "U" else array
