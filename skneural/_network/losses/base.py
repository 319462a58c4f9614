"""The contract of a loss.

Losses take raw predictions (logits), and provide the inverse link. `loss_gradient` computes the
loss and its gradient in one call. The loss of a row is the sum over its outputs. Rows are
averaged with their weights, so that a weight of 2 has the effect of a repeated row. IN arrays
are read-only, OUT arrays are write-only.

In the formulas of all losses z is the raw prediction, y the target and k runs over the outputs.
"""

import math

import numpy as np

from skneural._network.array_types import Array


class Loss:
    """The contract of a loss.

    Attributes
    ----------
    out_activation : str
        Name of the inverse link, as in scikit-learn's `out_activation_`.
    probabilistic : bool
        Whether `predict` returns class probabilities.
    min_target : float
        The smallest target that the loss is defined for.
    excludes_min_target : bool
        Whether targets must be above `min_target`, and may not be equal to it.
    is_separable : bool
        Whether the loss of a row is a sum over its outputs, of the same function of each.
    """

    out_activation: str = "identity"
    probabilistic = False
    min_target = -math.inf
    excludes_min_target = False
    is_separable = True

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

    def constant_loss(self, y: Array, sample_weight: Array | None) -> float | None:
        """Return the weighted mean loss of the best constant prediction.

        None for losses for which it is not defined here.
        """
        return None

    def predict(self, raw_prediction: Array, *, out: Array) -> Array:
        """Write the inverse link of `raw_prediction`, which may be `out` itself."""
        if out is not raw_prediction:
            out[...] = raw_prediction
        return out
