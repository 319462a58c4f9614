"""Losses in link space: they take raw predictions (logits) and know their inverse link.

`loss_gradient` computes the loss and its gradient in one call. The loss of a row is the
sum over its outputs; rows are averaged with their weights, so that a weight of 2 counts
as a repeated row. IN arrays are read-only, OUT arrays are write-only.
"""

import numpy as np

from skneural.ops import _numpy as ops


class Loss:
    """The contract of a loss.

    Attributes
    ----------
    out_activation : str
        Name of the inverse link, as in scikit-learn's `out_activation_`.
    """

    out_activation = "identity"

    def loss_gradient(self, y, raw_prediction, sample_weight=None, *, gradient_out):
        """Return the weighted mean loss and write its gradient.

        Parameters
        ----------
        y : ndarray of shape (..., n_samples, n_outputs)
            Targets: real numbers, 0/1 labels, or one-hot rows.
        raw_prediction : ndarray of shape (..., n_samples, n_outputs)
            Output of the network, before the inverse link.
        sample_weight : ndarray of shape (..., n_samples), default=None
            Weights of the rows; their sum must be positive.
        gradient_out : ndarray of shape (..., n_samples, n_outputs)
            OUT: the gradient with respect to `raw_prediction`.

        Returns
        -------
        loss : float, or ndarray of shape (...,)
        """
        loss = self._row_losses(y, raw_prediction, gradient_out)
        if sample_weight is None:
            n_samples = y.shape[-2]
            gradient_out *= 1 / n_samples
            return np.add.reduce(loss, axis=-1) / n_samples
        share = sample_weight / np.add.reduce(sample_weight, axis=-1, keepdims=True)
        gradient_out *= share[..., None]
        return np.vecdot(loss, share)

    def _row_losses(self, y, raw_prediction, gradient_out):
        """Return the loss of every row and write the gradient of each row's loss."""
        raise TypeError(f"{type(self).__name__} does not define _row_losses.")

    def predict(self, raw_prediction, *, out):
        """Write the inverse link of `raw_prediction`, which may be `out` itself."""
        if out is not raw_prediction:
            out[...] = raw_prediction
        return out


class HalfSquaredError(Loss):
    """``1/2 sum_k (z_k - y_k)^2``, identity link."""

    def _row_losses(self, y, raw_prediction, gradient_out):
        np.subtract(raw_prediction, y, out=gradient_out)
        return 0.5 * np.vecdot(gradient_out, gradient_out)


class SoftmaxCrossEntropy(Loss):
    """``-log softmax(z)_y`` for one-hot `y`: multinomial log-loss."""

    out_activation = "softmax"

    def _row_losses(self, y, raw_prediction, gradient_out):
        highest = np.maximum.reduce(raw_prediction, axis=-1, keepdims=True)
        np.subtract(raw_prediction, highest, out=gradient_out)
        of_label = np.vecdot(gradient_out, y)
        np.exp(gradient_out, out=gradient_out)
        total = np.add.reduce(gradient_out, axis=-1, keepdims=True)
        gradient_out /= total
        gradient_out -= y
        return np.log(total[..., 0]) - of_label

    def predict(self, raw_prediction, *, out):
        return ops.softmax(raw_prediction, out=out)


class LogisticCrossEntropy(Loss):
    """``sum_k log(1 + exp(z_k)) - y_k z_k``: binary log-loss of each output."""

    out_activation = "logistic"

    def _row_losses(self, y, raw_prediction, gradient_out):
        # log(1 + exp(z)) = max(z, 0) + log(1 + exp(-|z|)), which cannot overflow
        np.abs(raw_prediction, out=gradient_out)
        np.negative(gradient_out, out=gradient_out)
        np.exp(gradient_out, out=gradient_out)
        np.log1p(gradient_out, out=gradient_out)
        loss = np.add.reduce(gradient_out, axis=-1)
        np.maximum(raw_prediction, 0, out=gradient_out)
        loss += np.add.reduce(gradient_out, axis=-1)
        loss -= np.vecdot(raw_prediction, y)
        ops.logistic(raw_prediction, out=gradient_out)
        gradient_out -= y
        return loss

    def predict(self, raw_prediction, *, out):
        return ops.logistic(raw_prediction, out=out)
