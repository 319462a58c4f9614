"""What the dense networks share that take tables: categories and missing values in X."""

from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.utils import Tags

from skneural._checks import parameters as check
from skneural._estimators.mlp import BaseMLP

CategoricalFeatures = str | Sequence[str] | Sequence[int] | Sequence[bool] | np.ndarray | None


class BaseTableMLP(BaseMLP):
    """A dense network that encodes columns of categories, and missing values."""

    categorical_features: CategoricalFeatures

    _takes_tables = True
    _parameter_checks: Mapping[str, check.CheckValue] = {
        **BaseMLP._parameter_checks,
        "categorical_features": check.categorical_features,
    }

    @property
    def input_names_(self) -> np.ndarray:
        """Names of the inputs of the network, one for each row of ``coefs_[0]``."""
        self._refuse_unfitted()
        features = [f"x{i}" for i in range(self.n_features_in_)]
        features = list(getattr(self, "feature_names_in_", features))
        encoding = self._table_encoding
        names = features if encoding is None else encoding.names(features)
        return np.array(names, dtype=object)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
