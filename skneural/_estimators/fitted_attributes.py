"""The attributes of a fitted estimator, and how they stay as they were after an error."""

import math
from contextlib import contextmanager

import numpy as np


def fitted_attributes(progress, batch_size):
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


@contextmanager
def unchanged_on_error(estimator):
    """Give the estimator its attributes back if the block raises, and its generator."""
    before, rng = vars(estimator).copy(), estimator.random_state
    drawn = isinstance(rng, np.random.RandomState) and rng.get_state()
    try:
        yield
    except BaseException:
        estimator.__dict__ = before  # one step, between whose halves no signal comes
        if drawn:
            rng.set_state(drawn)
        raise
