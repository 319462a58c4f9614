"""The activations of the last hidden layer as features, in the manner of a transformer."""

import math
from collections.abc import Callable
from typing import Literal

from numpy.typing import ArrayLike
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags

from skneural._checks.data import Matrix
from skneural._engine.prediction import last_hidden_layer
from skneural._estimators.fitted_attributes import FittedAttributes
from skneural._network.array_types import Sparse
from skneural._network.network import Network


class HiddenFeaturesMixin(ClassNamePrefixFeaturesOutMixin, TransformerMixin, FittedAttributes):
    """`transform`, and with it `fit_transform`, `get_feature_names_out` and `set_output`."""

    dtype: Literal["auto", "float32", "float64"]
    _computed: Callable[[object, Callable[[Network, Matrix, int], Matrix]], Matrix]

    def transform(self, X: ArrayLike | Sparse) -> Matrix:
        """Compute the activations of the last hidden layer, as features for another model.

        A network can so be a step of a Pipeline before another model. It is fitted on y as
        always, and ``fit_transform(X, y)`` is `fit` and then `transform`.

        Parameters
        ----------
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        features : ndarray of shape (n_samples, n_units)
            What the output layer takes: one column for each unit of the last hidden layer; of
            a convolutional network without hidden layers the flat output of its last block.
            Without blocks and hidden layers it is X itself, as CSR if X is. `activations`
            has those of every layer. After ``set_output(transform="pandas")`` it is a
            DataFrame, whose columns have the names of `get_feature_names_out`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError, TypeError
            If X is not finite numbers, or has another number of features than in `fit`.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.linear_model import LogisticRegression
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.preprocessing import StandardScaler
        >>> from skneural import MLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> network = MLPClassifier((16, 4), random_state=0)
        >>> pipeline = make_pipeline(StandardScaler(), network, LogisticRegression())
        >>> pipeline = pipeline.fit(X, y)
        >>> pipeline[:-1].transform(X).shape
        (150, 4)
        >>> pipeline[-1].coef_.shape
        (3, 4)
        """
        return self._computed(X, last_hidden_layer)

    @property
    def _n_features_out(self) -> int:
        # under this name ClassNamePrefixFeaturesOutMixin asks for it
        self._refuse_unfitted()
        return math.prod(self.network_.input_shapes[-1])

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        dtypes = ["float64", "float32"] if self.dtype == "auto" else [self.dtype]
        tags.transformer_tags.preserves_dtype = dtypes
        return tags
