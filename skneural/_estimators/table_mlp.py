"""Base class of dense networks that accept tables with categories and missing values."""

from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.utils import Tags

from skneural._checks import parameters as check
from skneural._estimators.mlp import BaseMLP
from skneural._network.array_types import Array, Shape
from skneural._network.layers.base import Layer
from skneural._network.layers.embedding import Embedding

CategoricalFeatures = str | Sequence[str] | Sequence[int] | Sequence[bool] | np.ndarray | None


class BaseTableMLP(BaseMLP):
    """A dense network that encodes categorical columns and missing values of X."""

    categorical_features: CategoricalFeatures

    _takes_tables = True
    _parameter_checks: Mapping[str, check.CheckValue] = {
        **BaseMLP._parameter_checks,
        "categorical_features": check.categorical_features,
    }

    @property
    def input_names_(self) -> np.ndarray:
        """Names of the inputs of the network, one per row of ``coefs_[0]``."""
        features, encoding = self._feature_names(), self._table_encoding
        names = features if encoding is None else encoding.names(features)
        return np.array(names, dtype=object)

    @property
    def embeddings_(self) -> dict[str, Array]:
        """Embeddings of categories with many levels, as views of the network's parameters."""
        features, encoding = self._feature_names(), self._table_encoding
        if encoding is None or not encoding.is_embedded.any():
            return {}
        tables = self.network_.views(self.network_.theta)[0].values()
        return {
            features[j]: table
            for j, table in zip(encoding.embedded_columns, tables, strict=True)
        }

    def _feature_names(self) -> list[str]:
        """Return the column names of X; raise NotFittedError if the network is not fitted."""
        self._refuse_unfitted()
        features = [f"x{i}" for i in range(self.n_features_in_)]
        return list(getattr(self, "feature_names_in_", features))

    def _build_layers(self, input_shape: Shape, output_shape: Shape | None) -> list[Layer]:
        layers = super()._build_layers(input_shape, output_shape)
        encoding = self._table_encoding
        if encoding is None or not encoding.tables:
            return layers
        return [Embedding(encoding.tables), *layers]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
