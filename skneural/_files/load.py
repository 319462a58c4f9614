"""Reading an estimator from a file of arrays and plain parameters, after checking all of it."""

import math
from collections.abc import Mapping

import numpy as np
from sklearn.base import BaseEstimator

from skneural._checks import parameters as check
from skneural._checks.warn import warn
from skneural._engine.optimizers import MOMENTS
from skneural._estimators.classifier import NeuralClassifierMixin
from skneural._estimators.convnet import BaseConvNet
from skneural._estimators.convnet_classifier import ConvNetClassifier
from skneural._estimators.convnet_regressor import ConvNetRegressor
from skneural._estimators.labels import LabelColumn, LabelColumns, LabelIndicator
from skneural._estimators.mlp import BaseMLP
from skneural._estimators.mlp_classifier import MLPClassifier
from skneural._estimators.mlp_regressor import MLPRegressor
from skneural._estimators.regressor import NeuralRegressorMixin
from skneural._estimators.target_scale import TargetScale
from skneural._files.plain_values import codes_to_text, from_plain, time_dtype
from skneural._files.safetensors_file import ModelFile, Path, Section, Told, read_json
from skneural._files.sklearn_classes import SKLEARN_VERSION, is_wrapper_name
from skneural._files.table_encoding import read_table_encoding
from skneural._files.wrappers import build
from skneural._network.array_types import DType, Shape
from skneural._network.network import Network
from skneural._training.progress import Progress
from skneural._version import __version__

FORMAT = 3  # increased when older versions of the library cannot read newly written files
CLASSES = {
    cls.__name__: cls
    for cls in (MLPClassifier, MLPRegressor, ConvNetClassifier, ConvNetRegressor)
}
LABELS = {"column": LabelColumn, "indicator": LabelIndicator, "columns": LabelColumns}
_RNGS = ("shuffle", "dropout", "split", "augmentation")
MOST_EPOCHS = 10**7
# errors that the use of invalid parameters and counters from a file can raise
_ERRORS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


def describe(estimator: BaseMLP, input_shape: Shape, dtype: DType) -> Network:
    """Return the network that the parameters describe, without allocating arrays."""
    labels = getattr(estimator, "_labels", None)
    n_outputs = estimator._n_outputs if labels is None else _n_outputs(labels)
    layers = estimator._build_layers(input_shape, (n_outputs,))
    return Network(layers, estimator._make_loss(), input_shape, dtype)


def _n_outputs(labels: LabelColumn | LabelColumns | LabelIndicator) -> int:
    if isinstance(labels, LabelColumns):
        return sum(column.size for column in labels.columns)
    return len(labels.classes) if isinstance(labels, LabelIndicator) else labels.size


def read(
    path: Path, template: BaseMLP | None = None
) -> tuple[BaseEstimator, dict[str, Told] | None]:
    """Return the estimator of a file, and the state of the fit if it is a checkpoint.

    Parameters
    ----------
    path : str or path-like
    template : estimator, default=None
        The estimator of a fit that is to be resumed. Its parameters are used instead of those
        in the file.

    Returns
    -------
    estimator : estimator
    training : dict or None
        The state that a `Checkpoint` has saved: JSON, and the arrays of the best weights so
        far.
    """
    try:
        with ModelFile(path) as file:
            _check_format(file.text)
            about = read_json(file.text["estimator"])
            if is_wrapper_name(about["class"]) and template is None:
                if "sklearn_version" not in file.text:
                    raise ValueError("its header is incomplete")
                estimator, training = build(file, about, _build_network), None
            else:
                estimator = _rebuild(file, about, template)
                training = _read_training(file, about, estimator.network_)
            if file.arrays:
                raise ValueError(f"it has unknown arrays: {list(file.arrays)!r:.80}")
    except _ERRORS as error:
        reason = str(error) if type(error) is ValueError else repr(error)
        raise ValueError(f"{path} cannot be loaded: {reason.rstrip('.')}.") from None
    _warn_of_other_versions(path, file.text)
    return estimator, training


def _warn_of_other_versions(path: Path, text: Mapping[str, str]) -> None:
    """Warn if the file was written by another version of skneural, or of scikit-learn."""
    versions = {"skneural": __version__}
    if "sklearn_version" in text:
        versions["sklearn"] = SKLEARN_VERSION
    for name, version in versions.items():
        if text[f"{name}_version"] != version:
            library = name.replace("sklearn", "scikit-learn")
            warn(
                f"{path} was written by {library} {text[f'{name}_version']}, and this is "
                f"{version}: the model may behave differently."
            )


def _check_format(text: Mapping[str, Told]) -> None:
    name, _, number = str(text.get("format")).partition(" ")
    if name != "skneural" or not (number.isascii() and number.isdecimal()):
        raise ValueError("it is not a model file of skneural")
    if len(number) > 9 or int(number) > FORMAT:
        raise ValueError(
            f"it has format {number:.9}, of skneural {text.get('skneural_version')!s:.20}, and "
            f"skneural {__version__} reads formats up to {FORMAT}. Upgrade skneural"
        )
    if set(map(type, text.values())) != {str} or "skneural_version" not in text:
        raise ValueError("its header is incomplete")


def _count(data: Told, name: str | int, low: int = 0) -> int:
    """Return an integer of a header, after checking that it is at least `low`."""
    value = data[name]
    if type(value) is not int or not low <= value < 2**63:
        raise ValueError(f"{name} must be an integer >= {low}, got {value!r:.40}")
    return value


def _build_network(section: Section | None, about: dict[str, Told]) -> BaseMLP:
    """Return a network inside another estimator; it is not fitted if the file has no arrays."""
    return _with_parameters(about) if section is None else _rebuild(section, about)


def _with_parameters(about: dict[str, Told], template: BaseMLP | None = None) -> BaseMLP:
    """Return an unfitted estimator with the parameters of the file or of the template."""
    name = about["class"]
    if not isinstance(name, str) or name not in CLASSES:
        if is_wrapper_name(name):
            raise ValueError(f"it contains a {name}")
        raise ValueError(f"it contains the class {name!r:.80}, which is not allowed")
    cls = CLASSES[name]
    if issubclass(cls, NeuralRegressorMixin):  # old files do not have it
        about["params"].setdefault("normalize_y", False)
    if template is None:
        params = {name: _parameter(name, value) for name, value in about["params"].items()}
    elif cls is type(template):
        params = template.get_params(deep=False)
    else:
        raise ValueError(f"it contains a {name}")
    return cls(**params)


def _rebuild(
    file: ModelFile | Section, about: dict[str, Told], template: BaseMLP | None = None
) -> BaseMLP:
    """Return a fitted estimator from an open file."""
    estimator = _with_parameters(about, template)
    estimator._check_parameters()
    _read_target(file, about["target"], estimator)
    shape = about["input_shape"]
    is_image = isinstance(estimator, BaseConvNet)
    if not isinstance(shape, list) or len(shape) not in ((2, 3) if is_image else (1,)):
        raise ValueError(f"input_shape has an invalid description: {shape!r:.60}")
    shape = tuple(_count(shape, i, 1) for i in range(len(shape)))
    if is_image:
        estimator.input_shape_ = shape
    estimator.n_features_in_ = math.prod(shape)
    if about.get("table") is not None and estimator._takes_tables:  # not in old files
        encoding = read_table_encoding(file, about["table"], math.prod(shape))
        estimator._table_encoding = encoding
        estimator.n_features_in_ = len(encoding.is_categorical)
    check.one_of("float32", "float64")("dtype", about["dtype"])
    network = describe(estimator, shape, about["dtype"])
    network.check_memory(1, training=False)
    network.theta = file.read("theta", network.dtype, (network.n_params,))
    network.state = file.read("state", network.dtype, (network.n_state,))
    if about["feature_names"]:
        names = _read_text(file, "feature_names", estimator.n_features_in_)
        estimator.feature_names_in_ = names.astype(object)
    progress = _read_progress(file, about, network)
    estimator._take_over(progress, _count(about, "batch_size", 1))
    if about.get("set_output"):  # files of earlier versions do not have it
        container = about["set_output"]["transform"]
        check.one_of("default", "pandas", "polars")("set_output", container)
        estimator.set_output(transform=container)
    return estimator


def _parameter(name: str, told: Told) -> Told:
    if isinstance(told, dict) and "own" in told:  # only in a checkpoint
        raise ValueError(f"its fit used {name}={told['own']!s:.80}, which is not in the file")
    return from_plain(told)


def _read_target(file: ModelFile | Section, target: Told, estimator: BaseMLP) -> None:
    """Read the labels of a classifier, or the number of targets of a regressor."""
    if not isinstance(estimator, NeuralClassifierMixin):
        estimator._y_ndim = _count(target, "ndim", 1)
        estimator._n_targets = _count(target, "n_targets", 1)
        estimator._target_scale = None
        estimator._output_range = estimator._given_range()
        if target.get("is_scaled") is True:  # files of earlier versions do not have it
            estimator._target_scale = _read_target_scale(file, estimator._n_targets)
        return
    kind, columns = target["labels"], []
    for k, (is_object, content) in enumerate(target["columns"]):
        name = f"classes.{k}"
        dtype, shape, _ = file.arrays[name]
        if content is True:
            classes = _read_text(file, name, shape[0])
        elif isinstance(content, str):
            classes = file.read(name, "<i8", (shape[0],)).view(time_dtype(content))
        elif len(shape) == 1:
            classes = file.read(name, dtype, shape)
        if len(classes) < (1 if kind == "indicator" else 2):
            raise ValueError(f"{name} has too few labels")
        columns.append(classes.astype(object) if is_object is True else classes)
    if kind == "columns" and columns:
        labels = LabelColumns([LabelColumn(classes) for classes in columns])
    else:
        [classes] = columns
        labels = {"column": LabelColumn, "indicator": LabelIndicator}[kind](classes)
    estimator._labels = labels
    estimator.classes_ = labels.classes


def _read_target_scale(file: ModelFile | Section, n_targets: int) -> TargetScale:
    """Return the mean and the scale of the targets."""
    mean, scale = (file.read(name, "<f8", (n_targets,)) for name in ("y_mean", "y_scale"))
    if not (np.isfinite(mean).all() and np.isfinite(scale).all() and (scale > 0).all()):
        raise ValueError("y_mean and y_scale must be finite, and y_scale above 0")
    return TargetScale(mean, scale)


def _read_text(file: ModelFile | Section, name: str, n_rows: int) -> np.ndarray:
    _, shape, _ = file.arrays[name]
    if len(shape) != 2:
        raise ValueError(f"array {name!r} does not contain text")
    return codes_to_text(file.read(name, "<u4", (n_rows, shape[1])), name)


def _read_progress(
    file: ModelFile | Section, about: dict[str, Told], network: Network
) -> Progress:
    """Return the state of the training."""
    told = about["progress"]
    epochs = _count(told, "epochs")
    names = about["history"]
    if epochs > MOST_EPOCHS or "loss" not in names:
        raise ValueError("the history has an invalid description")
    history = {n: file.read(f"history.{n}", "<f8", (epochs,)).tolist() for n in names}
    state: dict[str, np.ndarray | int]
    state = {name: _count(about["optimizer"], name) for name in about["optimizer"]}
    if state.keys() - {"steps"}:
        raise ValueError("the optimizer has an invalid description")
    for name in MOMENTS:
        if f"optimizer.{name}" in file.arrays:
            key = f"optimizer.{name}"
            state[name] = file.read(key, network.dtype, (network.n_params,))
    BaseMLP._parameter_checks["solver"]("solver", told["solver"])
    best_loss = from_plain(told["best_loss"])
    if type(best_loss) is not float:
        raise ValueError("best_loss must be a number")
    seed = told.get("seed")  # files of earlier versions have neither seed nor steps
    if seed is not None and (type(seed) is not int or not 0 <= seed < 2**64):
        raise ValueError(f"seed must be an integer from 0 to 2**64 - 1, got {seed!r:.40}")
    return Progress(
        network,
        told["solver"],
        state,
        {name: _read_generator(about["rngs"][name]) for name in _RNGS},
        epochs,
        _count(told, "samples"),
        _count(told, "stalls"),
        best_loss,
        history,
        seed,
        _count(told, "steps") if "steps" in told else 0,
    )


def _read_generator(told: Told) -> np.random.Generator:
    """Return a generator with the state in the file."""
    rng = np.random.default_rng(0)
    state, inc = told["state"]["state"], told["state"]["inc"]
    has_uint32, uinteger = told["has_uint32"], told["uinteger"]
    limits = ((state, 2**128), (inc, 2**128), (has_uint32, 2), (uinteger, 2**32))
    if any(type(value) is not int or not 0 <= value < limit for value, limit in limits):
        raise ValueError("a random generator has an invalid description")
    rng.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": state, "inc": inc},
        "has_uint32": has_uint32,
        "uinteger": uinteger,
    }
    return rng


def _read_training(
    file: ModelFile, about: dict[str, Told], network: Network
) -> dict[str, Told] | None:
    """Return the state of an unfinished fit that a Checkpoint has saved."""
    training = about["training"]
    if training is None:
        return None
    for name in ("begun", "schedule_length", "stalled", "data"):
        _count(training, name)
    losses = (from_plain(training[name]) for name in ("best_loss", "best_tie_breaker"))
    training["best_loss"], training["best_tie_breaker"] = losses
    if {type(training["best_loss"]), type(training["best_tie_breaker"])} != {float}:
        raise ValueError("the best loss must be a number")
    training["params"], training["best"] = about["params"], None
    if "best.theta" in file.arrays:
        theta = file.read("best.theta", network.dtype, (network.n_params,))
        training["best"] = theta, file.read("best.state", network.dtype, (network.n_state,))
    return training
