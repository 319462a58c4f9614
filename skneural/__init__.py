"""Neural networks that are scikit-learn estimators all the way down."""

from skneural._checkpoint import Checkpoint
from skneural._convnet import ConvNetClassifier, ConvNetRegressor
from skneural._diagnose import diagnose
from skneural._diagnostics import Diagnostics
from skneural._mlp import MLPClassifier, MLPRegressor
from skneural._onnx import to_onnx
from skneural._persistence import load, save
from skneural._report import StudyReport, study_report
from skneural._show_versions import show_versions
from skneural._skl2onnx import register_skl2onnx
from skneural._skops import SKOPS_TYPES
from skneural._study import epochs_scorer
from skneural._version import __version__
from skneural.display._diagnostics import DiagnosticsDisplay
from skneural.display._loss_curve import LossCurveDisplay
from skneural.display._study import StudyDisplay
from skneural.display._weights import WeightsDisplay

__all__ = [
    "SKOPS_TYPES",
    "Checkpoint",
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
    "load",
    "register_skl2onnx",
    "save",
    "show_versions",
    "study_report",
    "to_onnx",
]
