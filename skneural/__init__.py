"""Neural networks that are scikit-learn estimators."""

from skneural._display.diagnostics import DiagnosticsDisplay
from skneural._display.learning_rate import LearningRateDisplay
from skneural._display.loss_curve import LossCurveDisplay
from skneural._display.study import StudyDisplay
from skneural._display.study_report import StudyReport, study_report
from skneural._display.weights import WeightsDisplay
from skneural._engine.show_versions import show_versions
from skneural._estimators.convnet_classifier import ConvNetClassifier
from skneural._estimators.convnet_regressor import ConvNetRegressor
from skneural._estimators.mlp_classifier import MLPClassifier
from skneural._estimators.mlp_regressor import MLPRegressor
from skneural._files.checkpoint import Checkpoint
from skneural._files.old_pickles import enter_old_names
from skneural._files.onnx import to_onnx
from skneural._files.save import load, save
from skneural._files.skl2onnx import register_skl2onnx
from skneural._files.skops import SKOPS_TYPES
from skneural._inspection.diagnose import diagnose
from skneural._inspection.diagnostics import Diagnostics
from skneural._inspection.study import epochs_scorer
from skneural._version import __version__

enter_old_names()

__all__ = [
    "SKOPS_TYPES",
    "Checkpoint",
    "ConvNetClassifier",
    "ConvNetRegressor",
    "Diagnostics",
    "DiagnosticsDisplay",
    "LearningRateDisplay",
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
