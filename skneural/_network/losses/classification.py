"""Losses of classifiers, and the sum of several losses.

There are two classes for each loss: one for columns of 0/1 labels (one column for two classes,
or one per label for multilabel problems), and one for one-hot rows with several classes. The
contract is in `base`: z is the raw prediction, y the target, and k runs over the outputs.
"""

import itertools
from collections.abc import Sequence

import numpy as np

from skneural._network import array_operations as ops
from skneural._network.array_types import Array
from skneural._network.losses.base import Loss


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

    def constant_loss(self, y: Array, sample_weight: Array | None) -> float:
        """Return the entropy of the classes."""
        return _entropy(_shares(y, sample_weight))

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

    def constant_loss(self, y: Array, sample_weight: Array | None) -> float:
        """Return the sum of the entropies of the labels."""
        shares = _shares(y, sample_weight)
        return _entropy(shares) + _entropy(1 - shares)

    def predict(self, raw_prediction: Array, *, out: Array) -> Array:
        return ops.logistic(raw_prediction, out=out)


def _shares(y: Array, sample_weight: Array | None) -> Array:
    """Return the weighted share of the samples with 1 in each column."""
    if sample_weight is None:
        return y.mean(axis=0, dtype=np.float64)
    shares = np.average(y, axis=0, weights=sample_weight.astype(np.float64))
    return np.minimum(shares, 1.0)  # despite rounding errors


def _entropy(shares: Array) -> float:
    positive = shares[shares > 0]
    return -float(np.add.reduce(positive * np.log(positive)))


class SoftmaxSquaredError(Loss):
    """``1/2 sum_k (softmax(z)_k - y_k)^2`` for one-hot `y`: half the Brier score.

    Unlike the log-loss, it is bounded, and nearly constant for confident wrong predictions.

    References
    ----------
    G. Brier, Verification of forecasts expressed in terms of probability, Monthly Weather
    Review 78, 1950.
    """

    out_activation = "softmax"
    probabilistic = True

    def _row_losses(self, y: Array, raw_prediction: Array, gradient_out: Array) -> Array:
        p = ops.softmax(raw_prediction, out=gradient_out)
        error = p - y  # the derivative needs p and the error
        loss = 0.5 * np.vecdot(error, error)
        error -= np.vecdot(error, p)[:, None]
        gradient_out *= error
        return loss

    def predict(self, raw_prediction: Array, *, out: Array) -> Array:
        return ops.softmax(raw_prediction, out=out)


class LogisticSquaredError(Loss):
    """``1/2 sum_k (logistic(z_k) - y_k)^2`` for 0/1 columns, as of a logistic output layer.

    References
    ----------
    G. Brier, as in `SoftmaxSquaredError`.
    """

    out_activation = "logistic"
    probabilistic = True

    def _row_losses(self, y: Array, raw_prediction: Array, gradient_out: Array) -> Array:
        p = ops.logistic(raw_prediction, out=gradient_out)
        error = p - y
        loss = 0.5 * np.vecdot(error, error)
        error *= p
        np.subtract(1, p, out=gradient_out)
        gradient_out *= error
        return loss

    def predict(self, raw_prediction: Array, *, out: Array) -> Array:
        return ops.logistic(raw_prediction, out=out)


class HingeLoss(Loss):
    """``sum_k max(0, 1 - s_k z_k)`` with ``s = 2 y - 1``, for 0/1 columns; identity link.

    An output whose ``s z`` is exactly at the margin still has the gradient -s.

    References
    ----------
    C. Cortes and V. Vapnik, Support-vector networks, Machine Learning 20, 1995.
    """

    margin = 1.0

    def _row_losses(self, y: Array, raw_prediction: Array, gradient_out: Array) -> Array:
        np.multiply(y, -2, out=gradient_out)
        gradient_out += 1  # -s
        gradient_out *= raw_prediction
        gradient_out += self.margin
        active = gradient_out >= 0
        np.maximum(gradient_out, 0, out=gradient_out)
        loss = np.add.reduce(gradient_out, axis=1)
        np.multiply(y, -2, out=gradient_out)
        gradient_out += 1
        gradient_out *= active
        return loss


class PerceptronLoss(HingeLoss):
    """``sum_k max(0, -s_k z_k)`` with ``s = 2 y - 1``, for 0/1 columns; identity link.

    The gradient is -s where ``s z <= 0``: a step with learning rate 1 on one row is the
    perceptron rule. A raw prediction of 0 is wrong, so training can start from zero weights.

    References
    ----------
    F. Rosenblatt, The perceptron: a probabilistic model for information storage and
    organization in the brain, Psychological Review 65, 1958.
    """

    margin = 0.0


class MulticlassHinge(Loss):
    """``max(0, 1 + max_{j != y} z_j - z_y)`` for one-hot `y`; identity link.

    Only the first of the highest other classes has a gradient, also exactly at the margin.

    References
    ----------
    K. Crammer and Y. Singer, On the algorithmic implementation of multiclass kernel-based
    vector machines, JMLR 2, 2001.
    """

    margin = 1.0

    def _row_losses(self, y: Array, raw_prediction: Array, gradient_out: Array) -> Array:
        of_label = np.vecdot(raw_prediction, y)
        gradient_out[...] = raw_prediction
        np.copyto(gradient_out, -np.inf, where=y > 0)
        rival = gradient_out.argmax(axis=1, keepdims=True)
        loss = np.maximum.reduce(gradient_out, axis=1)
        loss -= of_label
        loss += self.margin
        gradient_out[...] = 0
        np.put_along_axis(gradient_out, rival, 1, axis=1)
        gradient_out -= y
        gradient_out *= (loss >= 0)[:, None]
        return np.maximum(loss, 0, out=loss)


class MulticlassPerceptron(MulticlassHinge):
    """``max(0, max_{j != y} z_j - z_y)`` for one-hot `y`; identity link.

    A step with learning rate 1 on one row is the perceptron rule: unless the class is strictly
    the highest, the input is added to its weights, and subtracted from those of the highest
    other class. As with two classes, a tie is always wrong, even where argmax would choose the
    correct class.

    References
    ----------
    F. Rosenblatt, as in `PerceptronLoss`. K. Crammer and Y. Singer, Ultraconservative
    online algorithms for multiclass problems, JMLR 3, 2003.
    """

    margin = 0.0


class MultiHead(Loss):
    """The sum of several losses, each for its own group of columns.

    `predict` applies the inverse link of each loss to its columns.

    Parameters
    ----------
    heads : sequence of Loss
        The losses, from the first columns to the last.
    sizes : sequence of int
        Number of columns of each loss.

    Attributes
    ----------
    heads, sizes : tuple
        The parameters.
    segments : tuple of slice
        The columns of each head.
    out_activation : str or tuple of str
        One name if it is the same for all heads, otherwise one name per head.
    probabilistic : bool
        Whether all heads are probabilistic.
    """

    out_activation: str | tuple[str, ...]  # type: ignore[assignment]  # wider than of one loss

    def __init__(self, heads: Sequence[Loss], sizes: Sequence[int]) -> None:
        self.heads, self.sizes = tuple(heads), tuple(sizes)
        stops = itertools.accumulate(self.sizes)
        self.segments = tuple(
            slice(stop - size, stop)
            for _, size, stop in zip(self.heads, self.sizes, stops, strict=True)
        )
        names = tuple(head.out_activation for head in self.heads)
        self.out_activation = names[0] if len(set(names)) == 1 else names
        self.probabilistic = all(head.probabilistic for head in self.heads)

    def _row_losses(self, y: Array, raw_prediction: Array, gradient_out: Array) -> Array:
        loss: Array = 0  # type: ignore[assignment]  # until the first head
        for head, segment in zip(self.heads, self.segments, strict=True):
            columns = (slice(None), segment)
            loss += head._row_losses(y[columns], raw_prediction[columns], gradient_out[columns])
        return loss

    def constant_loss(self, y: Array, sample_weight: Array | None) -> float | None:
        """Return the sum over the heads, or None if it is not defined for all of them."""
        total = 0.0
        for head, segment in zip(self.heads, self.segments, strict=True):
            of_head = head.constant_loss(y[:, segment], sample_weight)
            if of_head is None:
                return None
            total += of_head
        return total

    def predict(self, raw_prediction: Array, *, out: Array) -> Array:
        for head, segment in zip(self.heads, self.segments, strict=True):
            head.predict(raw_prediction[:, segment], out=out[:, segment])
        return out


# name -> class for 0/1 columns, class for one-hot rows
CLASSIFIER_LOSSES: dict[str, tuple[type[Loss], type[Loss]]] = {
    "log_loss": (LogisticCrossEntropy, SoftmaxCrossEntropy),
    "squared_error": (LogisticSquaredError, SoftmaxSquaredError),
    "hinge": (HingeLoss, MulticlassHinge),
    "perceptron": (PerceptronLoss, MulticlassPerceptron),
}
