"""The activations of the last hidden layer as features, with the methods of a transformer."""

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
    """Mixin with `transform`, `fit_transform`, `get_feature_names_out` and `set_output`."""

    dtype: Literal["auto", "float32", "float64"]
    _computed: Callable[[object, Callable[[Network, Matrix, int], Matrix]], Matrix]

    def transform(self, X: ArrayLike | Sparse) -> Matrix:
        """Compute the activations of the last hidden layer, as features for another model.

        With this method, a network can be a step before another model in a Pipeline. It is
        fitted on X and y as usual, and ``fit_transform(X, y)`` calls `fit` and `transform`.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        features : ndarray of shape (n_samples, n_units)
            The input of the output layer, with one column per unit of the last hidden layer.
            For a convolutional network without hidden layers, it is the flat output of the
            last block. Without blocks and hidden layers, it is X after the encoding of
            categories and missing values, as CSR matrix if X is sparse. `activations` returns
            the outputs of all layers. After ``set_output(transform="pandas")``, the result is a
            DataFrame, whose columns have the names of `get_feature_names_out`.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError, TypeError
            If X contains infinity, or missing values where `fit` does not accept them, or has
            another number of features than in `fit`.

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
        # ClassNamePrefixFeaturesOutMixin uses this name
        self._refuse_unfitted()
        return math.prod(self.network_.input_shapes[-1])

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        dtypes = ["float64", "float32"] if self.dtype == "auto" else [self.dtype]
        tags.transformer_tags.preserves_dtype = dtypes
        return tags
