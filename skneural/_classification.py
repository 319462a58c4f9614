"""What the classifiers share: labels, probabilities and decisions."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from skneural._classification_losses import CLASSIFIER_LOSSES
from skneural._data import named
from skneural._parameters import trains_in_parts


def _has_probabilities(estimator):
    """Whether the loss has a link to probabilities; the error says which have."""
    of_columns, _ = CLASSIFIER_LOSSES.get(estimator.loss, (None, None))
    if of_columns is None or not of_columns.probabilistic:
        raise AttributeError(
            f"loss={estimator.loss!r} has no probabilities; loss='log_loss' and "
            "loss='squared_error' have."
        )
    return True


class NeuralClassifierMixin(ClassifierMixin):
    """Labels in and out: binary, multiclass and multilabel.

    Two classes have one logistic output, more have softmax outputs, and labels of a
    multilabel problem have a logistic output each.
    """

    @available_if(trains_in_parts)
    def partial_fit(
        self,
        X,
        y,
        classes=None,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
    ):
        """Train for one epoch on a part of the data.

        Parameters
        ----------
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            A part of the training data.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or a 0/1 label indicator matrix.
        classes : array-like of shape (n_classes,), default=None
            All labels there will ever be. Needed in the first call, unless `y` is a label
            indicator matrix; may be left out later.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights from 0 up. A weight of 2 counts as a repeated row.
        X_val : {array-like, CSR matrix} of shape (n_validation, n_features), default=None
            Validation data, to be scored after the epoch.
        y_val : array-like of shape (n_validation,) or (n_validation, n_outputs), default=None
            Targets of `X_val`.
        sample_weight_val : array-like of shape (n_validation,), default=None
            Weights of the rows of `X_val`, for validation loss and score.

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
        given = X_val, y_val, sample_weight_val
        return self._partial_fit(X, y, sample_weight, given, classes=classes, partial=True)

    def _encode_y(self, y, dtype, *, resume, classes=None, partial=False):
        """Return 0/1 targets of shape (n_samples, n_outputs), and learn `classes_`."""
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y")
        if kind == "multiclass-multioutput":
            raise ValueError(
                "y must be a column of labels or a 0/1 label indicator matrix, got several "
                "columns of labels (multiclass-multioutput)."
            )
        multilabel = kind == "multilabel-indicator"
        if multilabel:
            y = y.toarray() if hasattr(y, "toarray") else np.asarray(y)
            if not np.isin(y, (0, 1)).all():
                raise ValueError(
                    "y has several columns, so it must be a label indicator matrix of 0 and "
                    f"1, got values {np.unique(y)}."
                )
            labels = np.arange(y.shape[1])
        else:
            y = column_or_1d(y, warn=True)
            labels = np.unique(y)
        if resume:
            self._check_same_labels(labels, multilabel, classes, partial)
        else:
            self.classes_ = _all_classes(labels, multilabel, classes, partial)
            self._multilabel = multilabel
        if multilabel:
            return y.astype(dtype)
        index = _class_index(y, labels, self.classes_)
        if len(self.classes_) == 2:
            return index[:, None].astype(dtype)
        one_hot = np.zeros((len(y), len(self.classes_)), dtype)
        one_hot[np.arange(len(y)), index] = 1
        return one_hot

    def _check_same_labels(self, labels, multilabel, classes, partial):
        """Refuse labels that the network so far has no output for."""
        if multilabel != self._multilabel or (multilabel and len(labels) != len(self.classes_)):
            raise ValueError(
                f"y must have the same kind and number of labels as before, {self.classes_}."
            )
        if multilabel:
            _check_label_numbers(classes, labels)
        elif classes is not None and not np.array_equal(_check_classes(classes), self.classes_):
            raise ValueError(
                f"classes={classes!r} is not the same as in the calls before: {self.classes_}."
            )
        if not partial and not np.array_equal(labels, self.classes_):
            raise ValueError(
                "With warm_start=True y must have the same classes as before, "
                f"{self.classes_}, got {labels}."
            )

    _same_labels = {"partial": True}  # validation rows need not have every label

    def _labels_to_stratify(self, y):
        return None if self._multilabel else column_or_1d(y)

    def _make_loss(self):
        of_columns, of_one_hot_rows = CLASSIFIER_LOSSES[self.loss]
        columns = self._multilabel or len(self.classes_) == 2
        return of_columns() if columns else of_one_hot_rows()

    def _weigh_classes(self, y, sample_weight, dtype, *, classes=None, partial=False):
        """Multiply the sample weights by the weights of their classes."""
        if self.class_weight is None:
            return sample_weight
        if partial and self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all of y, which partial_fit does not see. "
                "Pass a dict, for example from sklearn.utils.class_weight.compute_class_weight."
            )
        with named("class_weight"):
            weight = compute_sample_weight(self.class_weight, y).astype(dtype)
        return weight if sample_weight is None else weight * sample_weight

    def decision_function(self, X):
        """Logits: what the output layer says before softmax or the logistic function.

        Parameters
        ----------
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        logits : ndarray of shape (n_samples,) or (n_samples, n_classes)
            One column for two classes: above 0 stands for ``classes_[1]``.
        """
        logits = self._raw_prediction(X)
        return logits if self._multilabel or logits.shape[1] > 1 else logits[:, 0]

    def predict(self, X):
        """Predict class labels, or a label indicator matrix for a multilabel problem.

        Parameters
        ----------
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            The most probable class; for a multilabel problem 1 where the probability of a
            label is above one half.
        """
        logits = self._raw_prediction(X)
        if self._multilabel:
            return (logits > 0).astype(int)
        index = (logits[:, 0] > 0).astype(int) if logits.shape[1] == 1 else logits.argmax(1)
        return self.classes_[index]

    @available_if(_has_probabilities)
    def predict_proba(self, X):
        """Predict probabilities of classes.

        Parameters
        ----------
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`. Rows sum to 1, except for a multilabel problem,
            where every label has a probability of its own. Never exactly 0 or 1: those are
            rounded to the next number in between.
        """
        logits = self._raw_prediction(X)
        inverse_link = self.network_.loss.predict
        if self._multilabel or logits.shape[1] > 1:
            return _between_0_and_1(inverse_link(logits, out=logits))
        # 1 - p would round to 0 long before the probability does
        others = inverse_link(-logits, out=np.empty_like(logits))
        probabilities = inverse_link(logits, out=logits)
        return _between_0_and_1(np.hstack([others, probabilities]))

    @available_if(_has_probabilities)
    def predict_log_proba(self, X):
        """Predict logarithms of probabilities.

        Parameters
        ----------
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`, computed from the logits: exact near probabilities
            of 1, and finite, as probabilities are never 0.
        """
        logits = self._raw_prediction(X)
        if not self._multilabel and logits.shape[1] == 1:
            logits = np.hstack([-logits, logits])
        if self._multilabel or len(self.classes_) == 2:
            log_probabilities = -np.logaddexp(0, -logits)
        else:
            log_probabilities = logits - logits.max(axis=1, keepdims=True)
            log_probabilities -= np.log(np.exp(log_probabilities).sum(axis=1, keepdims=True))
        return np.maximum(log_probabilities, np.log(np.finfo(logits.dtype).tiny))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _between_0_and_1(probabilities):
    limits = np.finfo(probabilities.dtype)
    return np.clip(probabilities, limits.tiny, 1 - limits.epsneg, out=probabilities)


def _all_classes(labels, multilabel, classes, partial):
    """The classes that a new network gets outputs for."""
    if multilabel:
        _check_label_numbers(classes, labels)
        return labels
    if partial:
        if classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        return _check_classes(classes)
    if len(labels) < 2:
        raise ValueError(
            f"A classifier needs at least 2 classes; y has {len(labels)} class: {labels}."
        )
    return labels


def _class_index(y, labels, classes):
    """The place of every label of `y` in the sorted `classes`."""
    unknown = np.setdiff1d(labels, classes)
    if len(unknown):
        raise ValueError(f"y has labels {unknown} that are not in classes {classes}.")
    return np.searchsorted(classes, y)


def _check_label_numbers(classes, labels):
    """Refuse `classes` that are not the column numbers of a label indicator matrix."""
    if classes is not None and not np.array_equal(classes, labels):
        raise ValueError(
            f"classes may be left out when y is a label indicator matrix, or be the numbers "
            f"of its columns, {labels}; got {classes!r}."
        )


def _check_classes(classes):
    """Return the sorted labels that `partial_fit` is told of."""
    try:
        with np.errstate(invalid="ignore"):  # NaN among integers is refused below
            labels = unique_labels(classes)
    except (TypeError, ValueError):
        labels = np.array([])
    if len(labels) < 2 or (labels.dtype.kind == "f" and np.isnan(labels).any()):
        raise ValueError(f"classes must be a list of at least 2 labels, got {classes!r}.")
    return labels
