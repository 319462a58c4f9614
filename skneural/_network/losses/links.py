"""Links, which convert raw predictions to predictions, and losses of the results."""

from abc import ABC, abstractmethod

import numpy as np

from skneural._network import array_operations as ops
from skneural._network.array_types import Array
from skneural._network.losses.base import Loss


class Link(ABC):
    """The contract of a link.

    Attributes
    ----------
    out_activation : str
        Name of the inverse link.
    """

    out_activation: str

    @abstractmethod
    def predict(self, raw_prediction: Array, *, out: Array) -> Array:
        """Write the inverse link of `raw_prediction`, which may be `out` itself."""

    @abstractmethod
    def multiply_by_slope(
        self, gradient: Array, raw_prediction: Array, prediction: Array
    ) -> None:
        """Multiply the gradient by the derivative of the link; may overwrite `prediction`."""


class LogLink(Link):
    """Predictions are ``exp(z)``, which are infinite beyond the largest exponent."""

    out_activation = "exp"

    def predict(self, raw_prediction: Array, *, out: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.exp(raw_prediction, out=out)

    def multiply_by_slope(
        self, gradient: Array, raw_prediction: Array, prediction: Array
    ) -> None:
        gradient *= prediction


class LogitLink(Link):
    """Predictions are ``low + (high - low) * logistic(z)``.

    Parameters
    ----------
    low, high : float
        The bounds of the predictions.
    """

    out_activation = "logistic"

    def __init__(self, low: float = 0.0, high: float = 1.0) -> None:
        self.low, self.width = float(low), float(high) - float(low)

    def predict(self, raw_prediction: Array, *, out: Array) -> Array:
        ops.logistic(raw_prediction, out=out)
        out *= self.width
        out += self.low
        return out

    def multiply_by_slope(
        self, gradient: Array, raw_prediction: Array, prediction: Array
    ) -> None:
        # computed from z, because predictions far from 0 have lost digits
        p = ops.logistic(raw_prediction, out=prediction)
        gradient *= p
        np.subtract(1, p, out=p)
        gradient *= p
        gradient *= self.width


class LinkedLoss(Loss):
    """A loss of the predictions that a link computes from raw predictions.

    Parameters
    ----------
    loss : Loss
        The loss of the predictions, whose own link must be the identity.
    link : Link
        The link that computes the predictions.

    Attributes
    ----------
    loss, link
        The parameters.
    out_activation : str
        The inverse link of `link`.
    """

    def __init__(self, loss: Loss, link: Link) -> None:
        self.loss, self.link = loss, link
        self.out_activation = link.out_activation

    def _row_losses(self, y: Array, raw_prediction: Array, gradient_out: Array) -> Array:
        prediction = self.link.predict(raw_prediction, out=np.empty_like(gradient_out))
        with np.errstate(over="ignore"):  # for an infinite prediction, as in `HalfPoisson`
            loss = self.loss._row_losses(y, prediction, gradient_out)
            self.link.multiply_by_slope(gradient_out, raw_prediction, prediction)
        return loss

    def predict(self, raw_prediction: Array, *, out: Array) -> Array:
        return self.link.predict(raw_prediction, out=out)
