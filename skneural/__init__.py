"""Neural networks that are scikit-learn estimators all the way down."""

from skneural._convnet import ConvNetClassifier, ConvNetRegressor
from skneural._mlp import MLPClassifier, MLPRegressor

__version__ = "0.1.0"
__all__ = [
    "ConvNetClassifier",
    "ConvNetRegressor",
    "MLPClassifier",
    "MLPRegressor",
    "__version__",
]
