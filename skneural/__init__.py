"""Neural networks that are scikit-learn estimators all the way down."""

from skneural._mlp import MLPClassifier, MLPRegressor

__version__ = "0.1.0"
__all__ = ["MLPClassifier", "MLPRegressor", "__version__"]
