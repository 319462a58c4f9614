"""User-defined losses."""

from collections.abc import Callable
from typing import Protocol, cast

import numpy as np

from skneural._network.array_types import Array
from skneural._network.losses.base import Loss
from skneural._network.user_functions import (
    check_finite,
    check_slope,
    checked_result,
    read_only,
    steps,
)

_N_ROWS = 7  # maximum number of targets in the check, which few rows exceed
_MOST_OUTPUTS = 10  # whose gradients are checked
_ADVICE = " Sum over the outputs of a row (axis=1), and do not average over the rows."


class RowLoss(Protocol):
    """A value of `loss` that is neither a name nor a function; `predict` is optional."""

    def loss_gradient(self, y: Array, raw_prediction: Array) -> tuple[Array, Array]:
        """Return the loss of each row, of shape (n_samples,), and its gradient."""


LossFunction = Callable[[Array, Array], tuple[Array, Array]]


class UserLoss(Loss):
    """A loss from a user-defined object, or from a function like its `loss_gradient`.

    Predictions are the output of the network, unless the object has a method `predict`, which
    converts this output to predictions. It runs on the NumPy engine.
    """

    is_separable = False  # that is not known

    def __init__(self, function: RowLoss | LossFunction) -> None:
        self.function = function
        self.has_link = hasattr(function, "predict")
        if self.has_link:
            self.out_activation = type(function).__name__

    def _row_losses(self, y: Array, raw_prediction: Array, gradient_out: Array) -> Array:
        loss, gradient_out[...] = self._call(y, raw_prediction)
        return loss

    def predict(self, raw_prediction: Array, *, out: Array) -> Array:
        if not self.has_link:
            return super().predict(raw_prediction, out=out)
        predicted = self.function.predict(read_only(raw_prediction))  # type: ignore[union-attr]
        what = f"loss: what predict of {self.function!r} returns"
        out[...] = checked_result(what, predicted, raw_prediction.shape)
        return out

    def _call(self, y: Array, raw_prediction: Array) -> tuple[Array, Array]:
        """Return the loss of each row and its gradient."""
        function = getattr(self.function, "loss_gradient", self.function)
        result = cast(LossFunction, function)(read_only(y), read_only(raw_prediction))
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise TypeError(
                f"loss: {self.function!r} must return two arrays, the loss of each row and its "
                f"gradient, got {type(result).__name__}."
            )
        what = f"of {self.function!r}"
        loss = checked_result(f"loss: the loss {what}", result[0], (len(y),), _ADVICE)
        shape = raw_prediction.shape
        return loss, checked_result(f"loss: the gradient {what}", result[1], shape)

    def check(self, y: Array) -> None:
        """Check the gradient by finite differences, for some of the targets.

        Parameters
        ----------
        y : ndarray of shape (n_samples, n_outputs)
            Targets in the units of the network.
        """
        y = y[np.linspace(0, len(y) - 1, _N_ROWS).astype(int)].astype(np.float64)
        raw = np.random.default_rng(0).normal(size=y.shape)
        if not self.has_link:
            raw[::2] += y[::2]  # near the targets, where predictions will be
        loss, gradient = self._call(y, raw)
        check_finite(f"loss: the loss of {self.function!r}", loss)
        check_finite(f"loss: the gradient of {self.function!r}", gradient)
        step = steps(raw)
        for k in range(min(y.shape[1], _MOST_OUTPUTS)):
            shift = np.zeros_like(raw)
            shift[:, k] = step[:, k]
            above, below = (self._call(y, raw + sign * shift)[0] for sign in (1, -1))
            places = np.char.mod("y = %.6g", y[:, k])
            places = np.char.add(places, np.char.mod(" and raw_prediction = %.6g", raw[:, k]))
            what = f"loss: the gradient of {self.function!r} in output {k}"
            check_slope(what, gradient[:, k], above, below, step[:, k], places)
        predicted = self.predict(raw, out=np.empty_like(raw))
        check_finite(f"loss: what predict of {self.function!r} returns", predicted)
