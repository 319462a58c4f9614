"""The attributes of a fitted estimator, and restoring them after an error."""

import math
from dataclasses import replace

import numpy as np
from sklearn.base import BaseEstimator

from skneural._network.array_types import Array
from skneural._network.network import Network
from skneural._training.progress import Progress


def fitted_attributes(progress: Progress, batch_size: int) -> dict[str, object]:
    """Return the fitted attributes for a state of the training, by name."""
    network, history = progress.network, progress.history
    attributes = {
        "_progress": progress,
        "_batch_size": batch_size,
        "network_": network,
        "n_iter_": progress.epochs,
        "t_": progress.samples,
        "history_": history,
        "loss_curve_": progress.loss_curve,
        "loss_": progress.loss_curve[-1] if progress.epochs else progress.best_loss,
        "best_loss_": progress.best_loss,
        "n_layers_": 1 + len(network.params("weight")),
        "n_outputs_": network.output_shape[-1],
        "out_activation_": network.loss.out_activation,
    }
    if "validation_score" in history:
        scores = history["validation_score"]
        known = [score for score in scores if not math.isnan(score)]
        attributes["validation_scores_"] = scores
        attributes["best_validation_score_"] = max(known, default=math.nan)
    return attributes


class FittedAttributes:
    """The attributes of a fitted estimator."""

    best_loss_: float
    best_validation_score_: float  # only with validation data
    feature_names_in_: np.ndarray  # only if X has names
    history_: dict[str, list[float]]
    loss_: float
    loss_curve_: list[float]
    n_features_in_: int
    n_iter_: int
    n_layers_: int
    n_outputs_: int
    network_: Network
    out_activation_: str | tuple[str, ...]
    t_: int
    validation_scores_: list[float]  # only with validation data

    warm_start: bool
    _batch_size: int
    _progress: Progress

    def _take_over(self, progress: Progress, batch_size: int) -> None:
        """Set the fitted attributes for a state of the training."""
        self._forget_validation_scores()
        self.__dict__.update(fitted_attributes(progress, batch_size))

    def _attributes_after_epoch(self, progress: Progress, batch_size: int) -> dict[str, object]:
        """Return the fitted attributes for callbacks, as if the fit ended with this epoch.

        The weights are those of the epoch, even if the fit restores the best ones at its end.
        """
        if not self.warm_start:
            progress = replace(progress, optimizer_state={})
        return {**fitted_attributes(progress.copy(), batch_size), "_job": None}

    def _forget_validation_scores(self) -> None:
        for name in ("validation_scores_", "best_validation_score_"):
            self.__dict__.pop(name, None)

    @property
    def coefs_(self) -> tuple[Array, ...]:
        """Weight matrices, from input to output, as views of the network's parameters."""
        return self._fitted_params("weight")

    @property
    def intercepts_(self) -> tuple[Array, ...]:
        """Bias vectors, from input to output, as views of the network's parameters."""
        return self._fitted_params("bias")

    def _fitted_params(self, name: str) -> tuple[Array, ...]:
        self._refuse_unfitted()
        return self.network_.params(name)

    def _refuse_unfitted(self) -> None:
        """Raise an AttributeError if the estimator is not fitted, for a property."""
        if "network_" not in vars(self):
            raise AttributeError(f"This {type(self).__name__} instance is not fitted yet.")


class UnchangedOnError:
    """Restores the estimator's attributes and random generator if the block raises an error.

    Write ``with closing(kept), kept:``. Ctrl-C may interrupt `__exit__`, and `closing` then
    calls `close` once more. A context manager made from a generator would not be sufficient:
    if it is interrupted, it restores the attributes only when the traceback is deleted.
    """

    def __init__(self, estimator: BaseEstimator) -> None:
        self.estimator, self.rng = estimator, estimator.random_state
        self.before: dict[str, object] | None = vars(estimator).copy()
        self.drawn = None
        if isinstance(self.rng, np.random.RandomState):
            self.drawn = self.rng.get_state()

    def __enter__(self) -> None:
        """Enter the block; the attributes have been stored by `__init__`."""

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if kind is None:
            self.before = None  # from here on the block has succeeded
        self.close()

    def close(self) -> None:
        """Restore the attributes, unless the block has succeeded."""
        if self.before is None:
            return
        self.estimator.__dict__ = self.before  # a single step, which no signal interrupts
        if self.drawn is not None:
            self.rng.set_state(self.drawn)
