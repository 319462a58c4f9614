"""Neural networks that are scikit-learn estimators all the way down."""

from skneural._convnet import ConvNetClassifier, ConvNetRegressor
from skneural._diagnose import diagnose
from skneural._diagnostics import Diagnostics
from skneural._mlp import MLPClassifier, MLPRegressor
from skneural._report import StudyReport, study_report
from skneural._study import epochs_scorer
from skneural.display._diagnostics import DiagnosticsDisplay
from skneural.display._loss_curve import LossCurveDisplay
from skneural.display._study import StudyDisplay
from skneural.display._weights import WeightsDisplay

__version__ = "0.1.0"
__all__ = [
    "ConvNetClassifier",
    "ConvNetRegressor",
    "Diagnostics",
    "DiagnosticsDisplay",
    "LossCurveDisplay",
    "MLPClassifier",
    "MLPRegressor",
    "StudyDisplay",
    "StudyReport",
    "WeightsDisplay",
    "__version__",
    "diagnose",
    "epochs_scorer",
    "study_report",
]
