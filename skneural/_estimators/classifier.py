"""The base class of the classifiers: labels, probabilities and decisions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import Tags, column_or_1d

from skneural._checks.data import Matrix, check_sample_weight, named, refuse_unreadable
from skneural._checks.foreign_names import explain_unknown_keywords
from skneural._estimators.available_if import available_if, trains_in_parts
from skneural._estimators.class_fit import explained_share
from skneural._estimators.class_weight import ClassWeight, class_factors
from skneural._estimators.labels import (
    LabelColumn,
    LabelColumns,
    LabelIndicator,
    Labels,
    label_array,
    read_labels,
)
from skneural._network.array_types import Array, DType, Sparse
from skneural._network.losses.base import Loss
from skneural._network.losses.classification import CLASSIFIER_LOSSES
from skneural._network.network import Network
from skneural._training.default_scores import Accuracy
from skneural._training.job import Job
from skneural._training.validation import Rows


def _has_probabilities(estimator: BaseEstimator) -> bool:
    """Check that the loss provides probabilities."""
    of_columns, _ = CLASSIFIER_LOSSES.get(estimator.loss, (None, None))
    if of_columns is None or not of_columns.probabilistic:
        raise AttributeError(
            f"loss={estimator.loss!r} has no probabilities. Use loss='log_loss' or "
            "loss='squared_error'."
        )
    return True


class NeuralClassifierMixin(ClassifierMixin):
    """Encoding and decoding of binary, multiclass, multilabel and multioutput labels."""

    class_weight: ClassWeight | None
    loss: str

    classes_: np.ndarray | list[np.ndarray]
    network_: Network
    _labels: Labels
    # share of the loss of a constant that `fit` has removed; files do not keep it
    _explained_share: float | None = None

    @available_if(trains_in_parts)
    @explain_unknown_keywords
    def partial_fit(
        self,
        X: ArrayLike | Sparse,
        y: ArrayLike | Sparse,
        classes: ArrayLike | Sequence[ArrayLike] | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | Sparse | None = None,
        y_val: ArrayLike | Sparse | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch on a part of the data.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            A part of the training data.
        y : array-like of shape (n_samples,) or (n_samples, n_columns)
            Class labels in one or several columns, or a 0/1 label indicator matrix.
        classes : array-like of shape (n_classes,) or list of them, default=None
            All labels of all calls, or a list of arrays, one per column, if `y` has several
            columns of labels. They are required in the first call, unless `y` is a label
            indicator matrix, and optional in later calls.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights, at least 0. A weight of 2 has the effect of a repeated sample.
        X_val : {array-like, sparse matrix, DataFrame}, default=None
            Validation data of shape (n_validation, n_features), scored after the epoch.
        y_val : array-like of shape (n_validation,) or (n_validation, n_outputs), default=None
            Targets of `X_val`.
        sample_weight_val : array-like of shape (n_validation,), default=None
            Weights of the samples in `X_val`, for the validation loss and score.

        Returns
        -------
        self : estimator
            The estimator after one more epoch. After `fit`, or an earlier `partial_fit`, it
            continues with the same weights, optimizer, rate and order of samples. Only
            `fit` with ``warm_start=False`` discards the state of the optimizer.

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data are invalid, or if training diverges.
            The estimator is then as it was before the call.
        KeyboardInterrupt
            After Ctrl-C: the estimator is unchanged, so pass the same part again.
        """
        given = X_val, y_val, sample_weight_val
        self._partial_fit(X, y, sample_weight, given, classes=classes, partial=True)
        self._explained_share = None  # of an earlier fit
        return self

    def _measure_fit(self, job: Job) -> None:
        self._explained_share = explained_share(
            job.progress.network, job.X, job.y, job.sample_weight
        )

    def _encode_y(
        self,
        y: Matrix,
        dtype: DType,
        *,
        resume: bool,
        classes: ArrayLike | None = None,
        partial: bool = False,
    ) -> Array:
        """Learn `classes_`, and return 0/1 targets of shape (n_samples, n_outputs)."""
        kind, y = read_labels(y, classes, self._labels if resume else None)
        if not resume:
            self._labels = kind.learn(y, classes, partial)
            self.classes_ = self._labels.classes
        elif kind is not type(self._labels):
            raise ValueError(
                "y must have the same kind and number of labels as before, "
                f"{self._labels.form} of {self.classes_}; got {kind.form}."
            )
        else:
            self._labels.check_same(y, classes, partial)
        return self._labels.encode(y, dtype)

    _same_labels: Mapping[str, bool] = {
        "partial": True
    }  # validation data need not contain every label

    def _labels_to_stratify(self, y: Matrix) -> np.ndarray | None:
        return column_or_1d(y) if isinstance(self._labels, LabelColumn) else None

    def _make_loss(self) -> Loss:
        return self._labels.make_loss(self.loss)

    def _weigh_classes(
        self,
        y: Matrix,
        sample_weight: np.ndarray | None,
        dtype: DType,
        *,
        classes: ArrayLike | None = None,
        partial: bool = False,
    ) -> np.ndarray | None:
        """Multiply the sample weights by the weights of their classes."""
        if self.class_weight is None:
            return sample_weight
        if partial and self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all of y, which partial_fit does not see. "
                "Pass a dict, for example from sklearn.utils.class_weight.compute_class_weight."
            )
        labels = label_array(y)
        classes = self.classes_
        if isinstance(self._labels, LabelColumn):
            labels = column_or_1d(labels)
        elif isinstance(self._labels, LabelIndicator):
            classes = [np.arange(2)] * labels.shape[1]
        weight = class_factors(self.class_weight, labels, classes).astype(dtype)
        if not weight.any():
            raise ValueError(
                f"class_weight={self.class_weight!r} gives every sample in y a weight of 0."
            )
        return weight if sample_weight is None else weight * sample_weight

    def _quick_score(self, rows: Rows) -> Callable[[np.ndarray], float] | None:
        """Return a function that computes `score` from raw predictions.

        It is None for subclasses that override `predict` or `score`.
        """
        own = type(self).predict, type(self).score
        if own != (NeuralClassifierMixin.predict, NeuralClassifierMixin.score):
            return None
        return Accuracy(self._labels.decode, rows.encoded, rows.sample_weight)

    def score(
        self,
        X: ArrayLike | Sparse,
        y: ArrayLike | Sparse,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Return the accuracy, the proportion of samples that are predicted correctly.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_columns)
            True labels. With several columns, a sample is correct if all of its labels are.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.

        Returns
        -------
        score : float
            Accuracy, between 0 and 1.
        """
        predicted = self.predict(X)
        refuse_unreadable("y", y)
        sample_weight = check_sample_weight(sample_weight, len(predicted), np.float64)
        if not isinstance(self._labels, LabelColumns):
            with named("y"):
                return accuracy_score(y, predicted, sample_weight=sample_weight)
        labels = label_array(y)
        if labels.shape != predicted.shape:
            raise ValueError(f"y must have shape {predicted.shape}, got {labels.shape}.")
        return float(np.average((labels == predicted).all(axis=1), weights=sample_weight))

    def decision_function(self, X: ArrayLike | Sparse) -> Array | list[Array]:
        """Compute the logits, the output before softmax or the logistic function.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        logits : ndarray of shape (n_samples,) or (n_samples, n_classes), or list of them
            One column per class. For two classes, one value per sample, where a value above 0
            means ``classes_[1]``. A list of arrays, one per column, if `y` had several columns
            of labels.
        """
        logits = self._raw_prediction(X)
        return self._labels.decide(logits)

    def predict(self, X: ArrayLike | Sparse) -> np.ndarray:
        """Predict class labels, or a label indicator matrix for a multilabel problem.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_columns)
            The most probable class, for each column if there are several columns of labels.
            For a multilabel problem, 1 if the probability of the label is above one half.
        """
        logits = self._raw_prediction(X)
        return self._labels.decode(logits)

    @available_if(_has_probabilities)
    def predict_proba(self, X: ArrayLike | Sparse) -> Array | list[Array]:
        """Predict class probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes), or list of them
            Probabilities in the order of `classes_`. Each row sums to 1, except for a
            multilabel problem, where every label has its own probability. A list of arrays,
            one per column, if `y` had several columns of labels. Probabilities are never
            exactly 0 or 1, but rounded to the nearest number between them.
        """
        logits = self._raw_prediction(X)
        return self._labels.probabilities(logits, self.network_.loss)

    @available_if(_has_probabilities)
    def predict_log_proba(self, X: ArrayLike | Sparse) -> Array | list[Array]:
        """Predict the logarithms of class probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes), or list of them
            Logarithms of the probabilities in the order of `classes_`. They are computed from
            the logits, and therefore accurate near probabilities of 1, and always finite,
            because probabilities are never 0. A list of arrays, one per column, if `y` had
            several columns of labels.
        """
        logits = self._raw_prediction(X)
        return self._labels.log_probabilities(logits)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        return tags
