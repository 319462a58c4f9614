"""Losses in link space: they take raw predictions (logits) and know their inverse link.

`loss_gradient` computes the loss and its gradient in one call. The loss of a row is the
sum over its outputs; rows are averaged with their weights, so that a weight of 2 counts
as a repeated row. IN arrays are read-only, OUT arrays are write-only.

In the formulas z is the raw prediction, y the target and k runs over the outputs. Here are
the contract, the losses of regression, and log-loss; `_classification_losses` has the rest.
"""

import math

import numpy as np

from skneural._network import array_operations as ops
from skneural._network.array_types import Array


class Loss:
    """The contract of a loss.

    Attributes
    ----------
    out_activation : str
        Name of the inverse link, as in scikit-learn's `out_activation_`.
    probabilistic : bool
        Whether `predict` gives probabilities of classes.
    min_target : float
        The smallest target that the loss is defined for.
    """

    out_activation: str = "identity"
    probabilistic = False
    min_target = -math.inf

    def loss_gradient(
        self,
        y: Array,
        raw_prediction: Array,
        sample_weight: Array | None = None,
        *,
        gradient_out: Array,
    ) -> float:
        """Return the weighted mean loss and write its gradient.

        Parameters
        ----------
        y : ndarray of shape (n_samples, n_outputs)
            Targets: real numbers, 0/1 labels, or one-hot rows.
        raw_prediction : ndarray of shape (n_samples, n_outputs)
            Output of the network, before the inverse link.
        sample_weight : ndarray of shape (n_samples), default=None
            Weights of the rows; their sum must be positive.
        gradient_out : ndarray of shape (n_samples, n_outputs)
            OUT: the gradient with respect to `raw_prediction`.

        Returns
        -------
        loss : float
        """
        loss = self._row_losses(y, raw_prediction, gradient_out)
        if sample_weight is None:
            gradient_out *= 1 / len(y)
            return np.add.reduce(loss) / len(y)
        share = sample_weight / np.add.reduce(sample_weight)
        gradient_out *= share[:, None]
        return np.dot(loss, share)

    def _row_losses(self, y: Array, raw_prediction: Array, gradient_out: Array) -> Array:
        """Return the loss of every row and write the gradient of each row's loss."""
        raise TypeError(f"{type(self).__name__} does not define _row_losses.")

    def predict(self, raw_prediction: Array, *, out: Array) -> Array:
        """Write the inverse link of `raw_prediction`, which may be `out` itself."""
        if out is not raw_prediction:
            out[...] = raw_prediction
        return out


class HalfSquaredError(Loss):
    """``1/2 sum_k (z_k - y_k)^2``, identity link."""

    def _row_losses(self, y: Array, raw_prediction: Array, gradient_out: Array) -> Array:
        np.subtract(raw_prediction, y, out=gradient_out)
        return 0.5 * np.vecdot(gradient_out, gradient_out)


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

    The deviance's terms in y alone, ``y log y - y``, are left out, as in scikit-learn's
    loss of the same name. Beyond the largest exponent loss and gradient are infinite.

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


class SoftmaxCrossEntropy(Loss):
    """``-log softmax(z)_y`` for one-hot `y`: multinomial log-loss."""

    out_activation = "softmax"
    probabilistic = True

    def _row_losses(self, y: Array, raw_prediction: Array, gradient_out: Array) -> Array:
        highest = np.maximum.reduce(raw_prediction, axis=1, keepdims=True)
        np.subtract(raw_prediction, highest, out=gradient_out)
        of_label = np.vecdot(gradient_out, y)
        np.exp(gradient_out, out=gradient_out)
        total = np.add.reduce(gradient_out, axis=1, keepdims=True)
        gradient_out /= total
        gradient_out -= y
        return np.log(total[:, 0]) - of_label

    def predict(self, raw_prediction: Array, *, out: Array) -> Array:
        return ops.softmax(raw_prediction, out=out)


class LogisticCrossEntropy(Loss):
    """``sum_k log(1 + exp(z_k)) - y_k z_k``: binary log-loss of each output."""

    out_activation = "logistic"
    probabilistic = True

    def _row_losses(self, y: Array, raw_prediction: Array, gradient_out: Array) -> Array:
        # log(1 + exp(z)) = max(z, 0) + log(1 + exp(-|z|)), which cannot overflow
        np.abs(raw_prediction, out=gradient_out)
        gradient_out *= -1  # not np.negative: see `ops.logistic`
        np.exp(gradient_out, out=gradient_out)
        np.log1p(gradient_out, out=gradient_out)
        loss = np.add.reduce(gradient_out, axis=1)
        np.maximum(raw_prediction, 0, out=gradient_out)
        loss += np.add.reduce(gradient_out, axis=1)
        loss -= np.vecdot(raw_prediction, y)
        ops.logistic(raw_prediction, out=gradient_out)
        gradient_out -= y
        return loss

    def predict(self, raw_prediction: Array, *, out: Array) -> Array:
        return ops.logistic(raw_prediction, out=out)


REGRESSOR_LOSSES: dict[str, type[Loss]] = {
    "squared_error": HalfSquaredError,
    "absolute_error": AbsoluteError,
    "huber": HuberLoss,
    "quantile": PinballLoss,
    "poisson": HalfPoisson,
}
