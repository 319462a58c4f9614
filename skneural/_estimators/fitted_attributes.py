"""The attributes of a fitted estimator, and how they stay as they were after an error."""

import math

import numpy as np
from sklearn.base import BaseEstimator

from skneural._training.progress import Progress


def fitted_attributes(progress: Progress, batch_size: int) -> dict[str, object]:
    """The fitted attributes that follow from where a network stands, by name."""
    network, history = progress.network, progress.history
    attributes = {
        "_progress": progress,
        "_batch_size": batch_size,
        "network_": network,
        "n_iter_": progress.epochs,
        "t_": progress.samples,
        "history_": history,
        "loss_curve_": progress.loss_curve,
        "loss_": progress.loss_curve[-1],
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


class UnchangedOnError:
    """Gives the estimator its attributes back if the block raises, and its generator.

    Write ``with closing(kept), kept:``. Ctrl-C may break off `__exit__`, and `closing` then
    calls `close` once more. A context manager made of a generator would not do: if it is broken
    off, it gives the attributes back only when the traceback is deleted.
    """

    def __init__(self, estimator: BaseEstimator) -> None:
        self.estimator, self.rng = estimator, estimator.random_state
        self.before: dict[str, object] | None = vars(estimator).copy()
        self.drawn = None
        if isinstance(self.rng, np.random.RandomState):
            self.drawn = self.rng.get_state()

    def __enter__(self) -> None:
        """Enter the block: what was there before is known already."""

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if kind is None:
            self.before = None  # from here on the block has succeeded
        self.close()

    def close(self) -> None:
        """Give back what was there before, unless the block has succeeded."""
        if self.before is None:
            return
        self.estimator.__dict__ = self.before  # one step, which no signal breaks off
        if self.drawn is not None:
            self.rng.set_state(self.drawn)
