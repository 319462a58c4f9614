"""Finding the neural network inside a Pipeline or another estimator of scikit-learn."""

from typing import TypeVar

from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from skneural._estimators.base import BaseNeuralNetwork
from skneural._network.array_types import Sparse

_Inner = TypeVar("_Inner", bound=BaseEstimator)


def network_path(estimator: BaseEstimator) -> tuple[BaseNeuralNetwork | None, str]:
    """Return the neural network inside an estimator, and its path as a parameter name.

    The network may be the estimator itself, the last step of a Pipeline, or the regressor
    of a TransformedTargetRegressor, at any depth. If the outer estimator is fitted, the fitted
    network is returned.

    Returns
    -------
    network : estimator or None
        The network, or None if there is no network of skneural.
    path : str
        The path, such as ``"mlpclassifier"``, which is empty for the estimator itself.
    """
    return inner_path(estimator, BaseNeuralNetwork)


def inner_path(estimator: BaseEstimator, kind: type[_Inner]) -> tuple[_Inner | None, str]:
    """Return the same as `network_path`, for an estimator of any class."""
    path = []
    while not isinstance(estimator, kind):
        if hasattr(estimator, "steps"):  # a Pipeline
            name, estimator = estimator.steps[-1]
        elif hasattr(estimator, "regressor"):  # a TransformedTargetRegressor
            name, estimator = "regressor", getattr(estimator, "regressor_", estimator.regressor)
        else:
            return None, ""
        path.append(name)
    return estimator, "__".join(path)


def described(estimator: object) -> str:
    """Return what came in the place of an estimator, as a few words for a message."""
    if isinstance(estimator, type):
        return f"the class {estimator.__name__}, without parentheses"
    text = repr(estimator)
    is_short = isinstance(estimator, BaseEstimator) or len(text) <= 60
    return text if is_short else f"a value of type {type(estimator).__name__}"


def fitted_network(estimator: BaseEstimator) -> BaseNeuralNetwork:
    """Return the fitted network inside an estimator or a search; raise an error without one."""
    network, _ = network_path(getattr(estimator, "best_estimator_", estimator))
    if network is None:
        raise TypeError(
            "estimator must be a fitted estimator of skneural, or a Pipeline that ends in "
            f"one, got {described(estimator)}."
        )
    if not hasattr(network, "network_"):
        raise NotFittedError(
            f"estimator must be fitted: this {type(network).__name__} is not. Call fit first."
        )
    return network


def as_the_network_sees(estimator: BaseEstimator, X: ArrayLike | Sparse) -> ArrayLike | Sparse:
    """Return X after all transformations before the network."""
    estimator = getattr(estimator, "best_estimator_", estimator)
    while not isinstance(estimator, BaseNeuralNetwork):
        if hasattr(estimator, "steps"):
            for _, step in estimator.steps[:-1]:
                X = X if step in (None, "passthrough") else step.transform(X)
            estimator = estimator.steps[-1][1]
        else:  # the only other case of fitted_network
            estimator = estimator.regressor_
    return X
