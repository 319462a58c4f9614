"""Losses of real targets."""

import numpy as np

from skneural._network.array_types import Array
from skneural._network.losses.base import Loss


class HalfSquaredError(Loss):
    """``1/2 sum_k (z_k - y_k)^2``, identity link."""

    def _row_losses(self, y: Array, raw_prediction: Array, gradient_out: Array) -> Array:
        np.subtract(raw_prediction, y, out=gradient_out)
        return 0.5 * np.vecdot(gradient_out, gradient_out)

    def constant_loss(self, y: Array, sample_weight: Array | None) -> float:
        """Return half of the sum of the variances of the outputs."""
        y = y.astype(np.float64)
        with np.errstate(all="ignore"):  # the loss of a fit will be infinite, too
            deviations = y - np.average(y, axis=0, weights=sample_weight)
            squares = np.vecdot(deviations, deviations)
            return 0.5 * float(np.average(squares, weights=sample_weight))


class AbsoluteError(Loss):
    """``sum_k |z_k - y_k|``, identity link: twice the pinball loss of the median.

    The gradient is -1 below the target, 1 above and 0 on it.

    References
    ----------
    R. Koenker and G. Bassett, as in `PinballLoss`.
    """

    def _row_losses(self, y: Array, raw_prediction: Array, gradient_out: Array) -> Array:
        np.subtract(raw_prediction, y, out=gradient_out)
        np.abs(gradient_out, out=gradient_out)
        loss = np.add.reduce(gradient_out, axis=1)
        np.subtract(raw_prediction, y, out=gradient_out)
        np.sign(gradient_out, out=gradient_out)
        return loss


class HuberLoss(Loss):
    """``sum_k h(z_k - y_k)``, identity link: quadratic near 0, linear in the tails.

    ``h(r) = r^2 / 2`` for ``|r| <= delta`` and ``delta * (|r| - delta / 2)`` beyond.

    References
    ----------
    P. Huber, Robust estimation of a location parameter, Annals of Mathematical
    Statistics 35, 1964.
    """

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = float(delta)

    def _row_losses(self, y: Array, raw_prediction: Array, gradient_out: Array) -> Array:
        # h(r) = c^2 / 2 + delta * |r - c|, where c = clip(r, -delta, delta)
        np.subtract(raw_prediction, y, out=gradient_out)
        np.abs(gradient_out, out=gradient_out)
        gradient_out -= self.delta
        np.maximum(gradient_out, 0, out=gradient_out)
        loss = self.delta * np.add.reduce(gradient_out, axis=1)
        np.subtract(raw_prediction, y, out=gradient_out)
        np.clip(gradient_out, -self.delta, self.delta, out=gradient_out)
        loss += 0.5 * np.vecdot(gradient_out, gradient_out)
        return loss


class PinballLoss(Loss):
    """``sum_k max(q (y_k - z_k), (1 - q) (z_k - y_k))``, identity link: quantiles.

    Its minimum over constants is the quantile `q` of the targets. The gradient is -q below
    the target, 1 - q above and 1/2 - q on it.

    References
    ----------
    R. Koenker and G. Bassett, Regression quantiles, Econometrica 46, 1978.
    """

    def __init__(self, quantile: float = 0.5) -> None:
        self.quantile = float(quantile)

    def _row_losses(self, y: Array, raw_prediction: Array, gradient_out: Array) -> Array:
        np.subtract(y, raw_prediction, out=gradient_out)
        np.maximum(gradient_out, 0, out=gradient_out)
        loss = self.quantile * np.add.reduce(gradient_out, axis=1)
        np.subtract(raw_prediction, y, out=gradient_out)
        np.maximum(gradient_out, 0, out=gradient_out)
        loss += (1 - self.quantile) * np.add.reduce(gradient_out, axis=1)
        np.subtract(raw_prediction, y, out=gradient_out)
        np.sign(gradient_out, out=gradient_out)
        gradient_out *= 0.5
        gradient_out += 0.5 - self.quantile
        return loss


class HalfPoisson(Loss):
    """``sum_k exp(z_k) - y_k z_k``, log link: half the Poisson deviance of counts.

    The terms of the deviance that depend only on y, ``y log y - y``, are left out, as in
    scikit-learn's loss of the same name. Beyond the largest exponent, the loss and the gradient
    are infinite.

    References
    ----------
    P. McCullagh and J. Nelder, Generalized Linear Models, 2nd edition, 1989.
    """

    out_activation = "exp"
    min_target = 0.0

    def _row_losses(self, y: Array, raw_prediction: Array, gradient_out: Array) -> Array:
        self.predict(raw_prediction, out=gradient_out)
        with np.errstate(over="ignore"):
            loss = np.add.reduce(gradient_out, axis=1)
        loss -= np.vecdot(raw_prediction, y)
        gradient_out -= y
        return loss

    def predict(self, raw_prediction: Array, *, out: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.exp(raw_prediction, out=out)


class HalfGamma(Loss):
    """``sum_k z_k + y_k exp(-z_k)``, log link: half the gamma deviance of positive targets.

    The terms of the deviance that depend only on y, ``-log y - 1``, are left out, as in
    scikit-learn's HalfGammaLoss. The loss and the gradient are infinite where ``exp(-z)`` is.

    References
    ----------
    P. McCullagh and J. Nelder, as in `HalfPoisson`.
    """

    out_activation = "exp"
    min_target = 0.0
    excludes_min_target = True

    def _row_losses(self, y: Array, raw_prediction: Array, gradient_out: Array) -> Array:
        np.multiply(raw_prediction, -1, out=gradient_out)  # not np.negative: see `ops.logistic`
        with np.errstate(over="ignore"):
            np.exp(gradient_out, out=gradient_out)
            gradient_out *= y
            loss = np.add.reduce(gradient_out, axis=1)
        loss += np.add.reduce(raw_prediction, axis=1)
        np.subtract(1, gradient_out, out=gradient_out)
        return loss

    def predict(self, raw_prediction: Array, *, out: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.exp(raw_prediction, out=out)


REGRESSOR_LOSSES: dict[str, type[Loss]] = {
    "squared_error": HalfSquaredError,
    "absolute_error": AbsoluteError,
    "huber": HuberLoss,
    "quantile": PinballLoss,
    "poisson": HalfPoisson,
    "gamma": HalfGamma,
}
