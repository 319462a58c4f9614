"""Loading pickles of skneural 0.1.0 in which classes have the names of their old modules."""

import sys
from importlib import import_module
from types import ModuleType

# The old name of a module under `skneural` and its new names, because some have been divided.
_MOVED = [
    ("_checkpoint", "_files.checkpoint"),
    ("_classification_losses", "_network.losses.classification"),
    ("_convnet", "_estimators.convnet_classifier"),
    ("_convnet", "_estimators.convnet_regressor"),
    ("_diagnostics", "_inspection.diagnostics"),
    ("_finding", "_inspection.finding"),
    ("_labels", "_estimators.labels"),
    ("_losses", "_network.losses.classification"),
    ("_losses", "_network.losses.regression"),
    ("_mlp", "_estimators.mlp_classifier"),
    ("_mlp", "_estimators.mlp_regressor"),
    ("_network", "_network.network"),
    ("_report", "_display.study_report"),
    ("_study", "_inspection.study"),
    ("_summary", "_network.summary"),
    ("_target_fit", "_estimators.target_fit"),
    ("_target_scale", "_estimators.target_scale"),
    ("_training", "_training.progress"),
    ("display._diagnostics", "_display.diagnostics"),
    ("display._loss_curve", "_display.loss_curve"),
    ("display._study", "_display.study"),
    ("display._weights", "_display.weights"),
    ("layers._activations", "_network.layers.activations"),
    ("layers._batch_norm", "_network.layers.batch_norm"),
    ("layers._conv", "_network.layers.conv"),
    ("layers._dense", "_network.layers.dense"),
    ("layers._dropout", "_network.layers.dropout"),
    ("layers._flatten", "_network.layers.flatten"),
    ("layers._noise", "_network.layers.noise"),
    ("layers._pooling", "_network.layers.pooling"),
    ("layers._windows", "_network.layers.windows"),
]


def enter_old_names() -> None:
    """Let `pickle` find classes by the old names of their modules."""
    for old, new in _MOVED:
        old, new = f"skneural.{old}", f"skneural.{new}"
        parent = old.rpartition(".")[0]
        for name in (parent, old):
            sys.modules.setdefault(name, ModuleType(name))
        for name, value in vars(import_module(new)).items():
            if isinstance(value, type) and value.__module__ == new:
                setattr(sys.modules[old], name, value)


def old_names(cls: type) -> set[str]:
    """Return the full names that a class may have had, or none if it was not moved."""
    modules = [old for old, new in _MOVED if cls.__module__ == f"skneural.{new}"]
    return {f"skneural.{module}.{cls.__qualname__}" for module in modules}
