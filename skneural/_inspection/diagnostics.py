"""Diagnostics: a callback that records statistics of the layers during training."""

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackContext

from skneural._checks.parameters import number
from skneural._estimators.base import BaseNeuralNetwork
from skneural._estimators.checked_rows import check_x
from skneural._estimators.labels import label_array
from skneural._inspection.layer_measures import measure_layers
from skneural._network.array_types import Array, Rows, Sparse

MEASURES = ("grad_norm", "update_ratio", "dead_share", "saturated_share")


class Diagnostics:
    """Callback that records statistics of the layers after every epoch.

    Parameters
    ----------
    n_samples : int, default=500
        Number of training samples to measure on, evenly spaced; fewer for large images.

    Attributes
    ----------
    layers_ : list of str
        Names of the layers that have weights, from input to output.
    history_ : dict of list of list
        One entry per epoch, with one number per layer: ``"grad_norm"`` (norm of the gradient of
        the loss for the weights), ``"update_ratio"`` (norm of the change of the weights during
        the epoch, divided by the norm of the weights; NaN in the first epoch), ``"dead_share"``
        (share of rectifiers that are 0 for every sample) and ``"saturated_share"`` (share of
        sigmoid outputs within 1 % of a limit); NaN if a layer has none. Those of the last fit.

    See Also
    --------
    diagnose : Describes in words what is wrong with a fitted network.
    DiagnosticsDisplay : Draws the history.

    References
    ----------
    X. Glorot and Y. Bengio, Understanding the difficulty of training deep feedforward neural
    networks, AISTATS 2010.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skneural import Diagnostics, MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> diagnostics = Diagnostics()
    >>> clf = MLPClassifier((8,), max_iter=3, patience=None, random_state=0)
    >>> _ = clf.set_callbacks(diagnostics).fit(X, y)
    >>> diagnostics.layers_
    ['1: Dense 8, ReLU', '2: Dense 3']
    >>> len(diagnostics.history_["grad_norm"])
    3
    """

    layers_: list[str]
    history_: dict[str, list[list[float]]]
    _rows: tuple[Rows, np.ndarray | None] | None
    _weights: list[Array] | None

    def __init__(self, n_samples: int = 500) -> None:
        number(1, integer=True)("n_samples", n_samples)
        self.n_samples = n_samples

    def setup(self, estimator: BaseEstimator, context: CallbackContext) -> None:
        """A fit begins: forget the one before."""
        self.layers_, self.history_ = [], {name: [] for name in MEASURES}
        self._rows = self._weights = None

    def teardown(self, estimator: BaseEstimator, context: CallbackContext) -> None:
        """A fit has ended: keep no data."""
        self._rows = self._weights = None

    def on_fit_task_begin(self, estimator: BaseEstimator, context: CallbackContext) -> None:
        """Nothing to be done."""

    def on_fit_task_end(
        self,
        estimator: BaseEstimator,
        context: CallbackContext,
        *,
        X: ArrayLike | Sparse,
        y: ArrayLike | Sparse,
        fitted_estimator: BaseNeuralNetwork,
    ) -> None:
        """Measure the layers at the end of an epoch."""
        if context.task_name != "epoch" or not isinstance(estimator, BaseNeuralNetwork):
            return
        if self._rows is None:
            self._rows = sample_rows(fitted_estimator, X, y, self.n_samples)
        network = fitted_estimator.network_
        measures = measure_layers(network, *self._rows)
        weights = [weight.copy() for weight in network.params("weight")]
        before = self._weights or [np.full_like(weight, np.nan) for weight in weights]
        self._weights = weights
        self.layers_ = [layer.name for layer in measures]
        for name in MEASURES:
            if name == "update_ratio":
                values = list(map(_update_ratio, weights, before))
            else:
                values = [getattr(layer, name) for layer in measures]
            self.history_[name].append(values)


def _update_ratio(weight: Array, before: Array) -> float:
    norm = np.linalg.norm(before)
    return float(np.linalg.norm(weight - before) / norm) if norm else float("nan")


def sample_rows(
    estimator: BaseNeuralNetwork,
    X: ArrayLike | Sparse,
    y: ArrayLike | Sparse | None,
    n_samples: int,
) -> tuple[Rows, np.ndarray | None]:
    """Some rows as the network of a fitted estimator takes them, and their targets or None."""
    dtype = estimator.network_.dtype
    x = check_x(estimator, X, "X", dtype)
    places = np.linspace(0, x.shape[0] - 1, min(n_samples, x.shape[0])).astype(int)
    if y is None:
        return x[places], None
    encoded = estimator._encode_y(
        label_array(y)[places], dtype, resume=True, **estimator._same_labels
    )
    return x[places], estimator._scale_y(encoded, dtype)
