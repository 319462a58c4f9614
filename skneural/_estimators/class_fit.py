"""How well a classification network fits its training labels, compared with a constant."""

import numpy as np

from skneural._checks.data import Matrix
from skneural._engine.prediction import raw_prediction
from skneural._estimators.target_fit import random_rows
from skneural._network.losses.base import Loss
from skneural._network.network import Network

_LEAST_SHARE = 1e-9  # of a class, so that its logarithm is finite


def explained_share(
    network: Network, X: Matrix, y: np.ndarray, sample_weight: np.ndarray | None
) -> float | None:
    """Return the share of the loss of the best constant prediction that the network removes.

    It is 1 for exact predictions, 0 for predictions as good as the shares of the classes, and
    negative for worse ones. Up to 200 random training rows are looked at. None for losses
    without probabilities, and where the rows have one class only.
    """
    if not network.loss.probabilistic:
        return None
    rows = random_rows(len(y), sample_weight)
    y = y[rows].astype(np.float64)
    weight = None if sample_weight is None else sample_weight[rows].astype(np.float64)
    with np.errstate(all="ignore"):
        raw = raw_prediction(network, X[rows]).astype(np.float64)
        constant = np.broadcast_to(_best_constant(network.loss, y, weight), raw.shape)
        gradient = np.empty_like(raw)
        own, of_constant = (
            network.loss.loss_gradient(y, values, weight, gradient_out=gradient)
            for values in (raw, constant)
        )
    return float(1 - own / of_constant) if of_constant > 1e-6 else None


def _best_constant(loss: Loss, y: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """Return the raw prediction that says the shares of the classes."""
    shares = np.clip(np.average(y, axis=0, weights=weight), _LEAST_SHARE, 1 - _LEAST_SHARE)
    is_logistic = np.zeros(len(shares), dtype=bool)
    for head, columns in zip(
        getattr(loss, "heads", (loss,)),
        getattr(loss, "segments", (slice(None),)),
        strict=True,
    ):
        is_logistic[columns] = head.out_activation == "logistic"
    return np.log(shares) - np.where(is_logistic, np.log1p(-shares), 0.0)
