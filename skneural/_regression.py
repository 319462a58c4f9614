"""What the regressors share: targets and predictions."""

from sklearn.base import RegressorMixin

from skneural._data import check_numbers
from skneural._losses import REGRESSOR_LOSSES


class NeuralRegressorMixin(RegressorMixin):
    """Real targets in and out, one column or several."""

    def partial_fit(self, X, y, sample_weight=None):
        """Train for one epoch on a part of the data.

        Parameters
        ----------
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            A part of the training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Real targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights from 0 up. A weight of 2 counts as a repeated row.

        Returns
        -------
        self : estimator
            The estimator, one epoch further. After `fit`, or an earlier `partial_fit`, it
            goes on from where it stood: weights, optimizer, rate and order of rows.

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data is not what is allowed, or if training diverges.
            The estimator is then as it was before the call.
        """
        return self._partial_fit(X, y, sample_weight)

    def _encode_y(self, y, dtype, *, resume):
        """Return targets of shape (n_samples, n_outputs)."""
        y = check_numbers("y", y, dtype)
        smallest = REGRESSOR_LOSSES[self.loss].min_target
        if y.min() < smallest:
            raise ValueError(f"y must be >= {smallest} for loss={self.loss!r}, got {y.min()}.")
        if not resume:
            self._y_ndim = y.ndim
        n_outputs = 1 if y.ndim == 1 else y.shape[1]
        if resume and n_outputs != self.n_outputs_:
            raise ValueError(
                f"y must have {self.n_outputs_} columns as before, got {n_outputs}."
            )
        return y.reshape(-1, n_outputs)

    def _make_loss(self):
        own = {"huber": {"delta": float(self.delta)}, "quantile": {"quantile": self.quantile}}
        return REGRESSOR_LOSSES[self.loss](**own.get(self.loss, {}))

    def predict(self, X):
        """Predict targets.

        Parameters
        ----------
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions, in the dtype of the network.
        """
        raw = self._raw_prediction(X)
        y = self.network_.loss.predict(raw, out=raw)
        return y[:, 0] if self._y_ndim == 1 else y

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
