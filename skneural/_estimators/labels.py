"""Encoding of class labels for a network, and decoding, with one class per kind of target.

`read_labels` determines the kind of a target. Each kind has the methods `learn`, which finds
the classes in the first target, `check_same`, which compares a later target with them, `encode`
(returns targets of shape (n_samples, n_outputs)), `make_loss`, `decide` (returns the result of
`decision_function`), `decode` (returns the result of `predict`), `probabilities` and
`log_probabilities`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Self, TypeGuard, cast

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import type_of_target, unique_labels

from skneural._checks.data import named
from skneural._checks.warn import warn
from skneural._network.array_types import Array, DType
from skneural._network.losses.base import Loss
from skneural._network.losses.classification import CLASSIFIER_LOSSES, MultiHead


def read_labels(
    y: object, classes: ArrayLike | None = None, known: "Labels | None" = None
) -> "tuple[type[Labels], np.ndarray]":
    """Return the kind of labels in `y`, and `y` as an array.

    Parameters
    ----------
    y : ndarray or sparse array
        A target of classification.
    classes : object, default=None
        The classes passed to `partial_fit`. A list of arrays means several columns.
    known : LabelColumn, LabelIndicator, LabelColumns or None, default=None
        The labels of earlier calls.

    Returns
    -------
    kind : type
    y : ndarray of shape (n_samples,) or (n_samples, n_columns)
    """
    y = label_array(y)
    if isinstance(known, LabelColumns) or (known is None and _is_list_of_lists(classes)):
        return LabelColumns, y  # a part of the data may look like another kind
    if y.ndim == 2 and y.dtype == object and len({_holds_text(column) for column in y.T}) == 2:
        return LabelColumns, y
    if y.dtype.kind in "mM" and np.isnat(y).any():
        raise ValueError("y contains NaT. Remove the rows without a label.")
    try:
        with named("y"):
            kind = type_of_target(y, input_name="y")
    except TypeError as error:
        raise TypeError(f"y must contain only text or only numbers: {error}") from None
    if kind == "unknown" or kind.startswith("continuous"):
        raise ValueError(
            f"Unknown label type: {kind}. A classifier needs classes in y, whole numbers or "
            "text, in one column or several. Use a regressor to predict real numbers."
        )
    if y.size == len(y):  # all other kinds have raised an error
        return LabelColumn, column_or_1d(y, warn=True)
    if kind == "multiclass-multioutput":
        return LabelColumns, y
    if not np.isin(y, (0, 1)).all():
        raise ValueError(
            "y has several columns and at most two values, so it must be a label indicator "
            f"matrix of 0 and 1, got values {np.unique(y)}. For several columns of labels "
            "write them as text."
        )
    return LabelIndicator, y


def label_array(y: object) -> np.ndarray:
    """Return labels, which may be in a sparse matrix, as an array."""
    return cast(sparse.csr_array, y).toarray() if sparse.issparse(y) else np.asarray(y)


def _holds_text(labels: np.ndarray) -> bool:
    return all(isinstance(label, str) for label in labels.tolist())


def _is_list_of_lists(classes: object) -> TypeGuard[Sequence[ArrayLike]]:
    if not isinstance(classes, list | tuple | np.ndarray):
        return False
    try:
        return set(map(np.ndim, classes)) == {1}
    except ValueError:  # ragged
        return False


class LabelColumn:
    """A column of labels, with a logistic output for two classes, or softmax outputs."""

    form = "a column of labels"

    def __init__(self, classes: np.ndarray) -> None:
        self.classes = classes

    @classmethod
    def learn(cls, y: np.ndarray, classes: ArrayLike | None, partial: bool) -> Self:
        if partial:
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            return cls(_check_classes(classes))
        labels = np.unique(y)
        if len(labels) < 2:
            raise ValueError(
                f"A classifier needs at least 2 classes; y has {len(labels)} class: {labels}."
            )
        if 20 < len(y) < 3 * len(labels):  # the limit of scikit-learn
            warn(
                f"The number of unique classes, {len(labels)}, is greater than a third of the "
                f"number of samples, {len(y)}. `y` could represent a regression problem, not a "
                "classification problem: use a regressor to predict numbers."
            )
        return cls(labels)

    def check_same(self, y: np.ndarray, classes: ArrayLike | None, partial: bool) -> None:
        if classes is not None and not np.array_equal(_check_classes(classes), self.classes):
            raise ValueError(
                f"classes={classes!r} is not the same as in the calls before: {self.classes}."
            )
        labels = self.classes if partial else np.unique(y)
        if not np.array_equal(labels, self.classes):
            raise ValueError(
                "With warm_start=True y must have the same classes as before, "
                f"{self.classes}, got {labels}."
            )

    def encode(self, y: np.ndarray, dtype: DType) -> Array:
        labels, index = np.unique(y, return_inverse=True)
        place = {label: i for i, label in enumerate(self.classes.tolist())}
        unknown = [label for label in labels.tolist() if label not in place]
        if unknown:
            raise ValueError(f"y has labels {unknown} that are not in classes {self.classes}.")
        index = np.array([place[label] for label in labels.tolist()])[index]
        if self.size == 1:
            return index[:, None].astype(dtype)
        one_hot = np.zeros((len(y), self.size), dtype)
        one_hot[np.arange(len(y)), index] = 1
        return one_hot

    @property
    def size(self) -> int:
        """Return the number of outputs of the network."""
        return 1 if len(self.classes) == 2 else len(self.classes)

    def make_loss(self, name: str) -> Loss:
        of_columns, of_one_hot_rows = CLASSIFIER_LOSSES[name]
        return of_columns() if self.size == 1 else of_one_hot_rows()

    def decide(self, logits: Array) -> Array:
        return logits[:, 0] if self.size == 1 else logits

    def decode(self, logits: Array) -> np.ndarray:
        index = (logits[:, 0] > 0).astype(int) if self.size == 1 else logits.argmax(axis=1)
        return self.classes[index]

    def probabilities(self, logits: Array, loss: Loss) -> Array:
        if self.size > 1:
            return _between_0_and_1(loss.predict(logits, out=logits))
        # 1 - p would be rounded to 0 long before the probability is
        others = loss.predict(-logits, out=np.empty_like(logits))
        return _between_0_and_1(np.hstack([others, loss.predict(logits, out=logits)]))

    def log_probabilities(self, logits: Array) -> Array:
        if self.size == 1:
            return _finite(-np.logaddexp(0, np.hstack([logits, -logits])))
        logits = logits - logits.max(axis=1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return _finite(logits)


class LabelIndicator:
    """A matrix of 0 and 1 with one column, and one logistic output, per label."""

    form = "a label indicator matrix"

    def __init__(self, classes: np.ndarray, is_one_hot: bool = False) -> None:
        self.classes = classes
        self.is_one_hot = is_one_hot  # whether every row of the first target had exactly one 1

    @classmethod
    def learn(cls, y: np.ndarray, classes: ArrayLike | None, partial: bool) -> Self:
        labels = cls(np.arange(y.shape[1]), bool((y.sum(axis=1) == 1).all()))
        labels.check_same(y, classes, partial)
        return labels

    def check_same(self, y: np.ndarray, classes: ArrayLike | None, partial: bool) -> None:
        if y.shape[1] != len(self.classes):
            raise ValueError(
                f"y must have the same number of labels as before, {len(self.classes)}, got "
                f"{y.shape[1]}."
            )
        if classes is not None and not np.array_equal(classes, self.classes):
            raise ValueError(
                "classes may be left out when y is a label indicator matrix, or be the "
                f"numbers of its columns, {self.classes}; got {classes!r}."
            )

    def encode(self, y: np.ndarray, dtype: DType) -> Array:
        return y.astype(dtype)

    def make_loss(self, name: str) -> Loss:
        of_columns, _ = CLASSIFIER_LOSSES[name]
        return of_columns()

    def decide(self, logits: Array) -> Array:
        return logits

    def decode(self, logits: Array) -> np.ndarray:
        return (logits > 0).astype(int)

    def probabilities(self, logits: Array, loss: Loss) -> Array:
        return _between_0_and_1(loss.predict(logits, out=logits))

    def log_probabilities(self, logits: Array) -> Array:
        return _finite(-np.logaddexp(0, -logits))


class LabelColumns:
    """Several columns of labels, with the outputs of one `LabelColumn` each side by side.

    `decide`, `probabilities` and `log_probabilities` return a list with one array per column.
    """

    form = "several columns of labels"

    def __init__(self, columns: list[LabelColumn]) -> None:
        self.columns = columns
        self.classes = [column.classes for column in columns]

    @classmethod
    def learn(cls, y: np.ndarray, classes: ArrayLike | None, partial: bool) -> Self:
        own: Sequence[ArrayLike | None]
        if partial:
            n_columns = len(classes) if _is_list_of_lists(classes) else y.shape[1]
            own = _one_per_column(classes, y, n_columns)
        else:
            own = [None] * y.shape[1]
        columns = []
        for k, labels in enumerate(y.T):
            with _in_column(k):
                columns.append(LabelColumn.learn(labels, own[k], partial))
        return cls(columns)

    def check_same(self, y: np.ndarray, classes: ArrayLike | None, partial: bool) -> None:
        given = classes is not None
        own = _one_per_column(classes if given else self.classes, y, len(self.columns))
        for k, (column, labels) in enumerate(zip(self.columns, y.T, strict=True)):
            with _in_column(k):
                column.check_same(labels, own[k] if given else None, partial)

    def encode(self, y: np.ndarray, dtype: DType) -> Array:
        encoded = []
        for k, (column, labels) in enumerate(zip(self.columns, y.T, strict=True)):
            with _in_column(k):
                encoded.append(column.encode(labels, dtype))
        return np.hstack(encoded)

    def make_loss(self, name: str) -> Loss:
        heads = [column.make_loss(name) for column in self.columns]
        return MultiHead(heads, [column.size for column in self.columns])

    def _split(self, logits: Array) -> list[tuple[LabelColumn, Array]]:
        """Yield every column with a copy of its logits."""
        stops = np.cumsum([column.size for column in self.columns])[:-1]
        parts = map(np.ascontiguousarray, np.split(logits, stops, axis=1))
        return list(zip(self.columns, parts, strict=True))

    def decide(self, logits: Array) -> list[Array]:
        return [column.decide(part) for column, part in self._split(logits)]

    def decode(self, logits: Array) -> np.ndarray:
        decoded = [column.decode(part) for column, part in self._split(logits)]
        kinds = {labels.dtype.kind for labels in decoded}
        dtype = np.result_type(*decoded) if len(kinds) == 1 else object  # never 1 as "1"
        return np.stack(decoded, axis=1, dtype=dtype)

    def probabilities(self, logits: Array, loss: Loss) -> list[Array]:
        heads = zip(self._split(logits), cast(MultiHead, loss).heads, strict=True)
        return [column.probabilities(part, head) for (column, part), head in heads]

    def log_probabilities(self, logits: Array) -> list[Array]:
        return [column.log_probabilities(part) for column, part in self._split(logits)]


Labels = LabelColumn | LabelIndicator | LabelColumns


def _between_0_and_1(probabilities: Array) -> Array:
    """Round probabilities of exactly 0 or 1 to the nearest number between them."""
    limits = np.finfo(probabilities.dtype)
    # two ufuncs take half as long as np.clip on a single row
    np.maximum(probabilities, limits.tiny, out=probabilities)
    return np.minimum(probabilities, 1 - limits.epsneg, out=probabilities)


def _finite(log_probabilities: Array) -> Array:
    """Return the logarithms of probabilities, which are never 0."""
    lowest = np.log(np.finfo(log_probabilities.dtype).tiny)
    return np.maximum(log_probabilities, lowest, out=log_probabilities)


def _one_per_column(
    classes: ArrayLike | None, y: np.ndarray, n_columns: int
) -> Sequence[ArrayLike]:
    """Return `classes` after checking that it has one entry per column of `y`."""
    if y.ndim != 2 or y.shape[1] != n_columns:
        raise ValueError(
            f"y must have {n_columns} columns of labels, as many as there are arrays of "
            f"classes, got shape {y.shape}."
        )
    if not _is_list_of_lists(classes) or len(classes) != n_columns:
        raise ValueError(
            f"classes must be a list of {n_columns} arrays of labels, one for each column of "
            f"y, got {classes!r}."
        )
    return classes


@contextmanager
def _in_column(k: int) -> Iterator[None]:
    """Add the column of y to the messages of errors in the block."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise type(error)(f"Column {k} of y: {error}") from None


def _check_classes(classes: ArrayLike | None) -> np.ndarray:
    """Return the sorted labels that were passed to `partial_fit`."""
    try:
        with np.errstate(invalid="ignore"):  # NaN among integers raises an error below
            labels = unique_labels(classes)
    except (TypeError, ValueError):
        labels = np.array([])
    if len(labels) < 2 or (labels.dtype.kind == "f" and np.isnan(labels).any()):
        raise ValueError(f"classes must be a list of at least 2 labels, got {classes!r}.")
    return labels
