"""Imports point downward only, and scikit-learn stays in the upper rooms."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import skneural

ROOT = Path(skneural.__file__).parent
# from the top of the house to its foundation; a module imports from lower floors only
FLOORS = [
    ["skneural"],
    ["_checkpoint", "_skl2onnx", "_skops", "_show_versions"],
    ["_persistence"],
    ["_restore", "_onnx"],
    ["_convnet", "_report", "_diagnose"],
    ["_output_findings"],
    ["_finding"],
    ["_conv_blocks"],
    ["_mlp", "_augmentation", "_sample_shapes"],
    ["_shape_advice"],
    ["display._page"],
    [
        "display._diagnostics",
        "display._loss_curve",
        "display._study",
        "display._weights",
        "display",
    ],
    ["display._axes", "_study"],
    ["_unwrap", "_diagnostics"],
    ["_base", "_classification", "_regression", "_docs", "_layer_measures"],
    ["_preparation", "_watch"],
    ["_validation", "_labels", "_class_weights", "_target_fit"],
    ["_data", "_default_scores", "_auto", "_scale"],
    ["_tree"],
    ["_state", "_wrapper_checks"],
    ["_lbfgs", "_plain"],
    ["_training", "_interrupt"],
    ["schedules", "_engine.reference"],
    ["_network", "_parameters", "_available"],
    ["_foreign_names"],
    ["_summary", "_prediction", "_batches"],
    ["_engine.compiled"],
    ["_engine.threads", "_engine.program", "_optimizers"],
    ["_threads"],
    [
        "layers._dense",
        "layers._activations",
        "layers._batch_norm",
        "layers._dropout",
        "layers._noise",
        "layers._flatten",
        "_classification_losses",
    ],
    ["layers._conv", "layers._pooling"],
    ["layers._base", "layers._windows", "_initializers", "layers", "_losses"],
    ["_engine.philox"],
    [
        "ops._numpy",
        "ops._images",
        "ops",
        "_model_file",
        "_version",
        "_sklearn_classes",
        "_target_scale",
        "_warn",
    ],
    ["_engine"],
    ["_engine.load"],
    ["_engine.native"],
]
FLOOR = {name: i for i, names in enumerate(FLOORS) for name in names}
USES_SKLEARN = {
    "_warn",
    "_mlp",
    "_onnx",
    "_skl2onnx",
    "_persistence",
    "_sklearn_classes",
    "_tree",
    "_wrapper_checks",
    "_base",
    "_preparation",
    "_data",
    "_scale",
    "_validation",
    "_classification",
    "_class_weights",
    "_labels",
    "_regression",
    "schedules",
    "_study",
    "_unwrap",
    "_diagnose",
}
MODULES = sorted(ROOT.rglob("*.py"))


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    return ".".join(parts) or "skneural"


def imported(path):
    """Names of all modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                submodule = ROOT.parent.joinpath(*node.module.split("."), alias.name + ".py")
                yield f"{node.module}.{alias.name}" if submodule.exists() else node.module


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_imports_point_downward(path):
    name = module_name(path)
    assert name in FLOOR, f"give {name} a place in FLOORS"
    for target in imported(path):
        if target.startswith("skneural"):
            target = target.removeprefix("skneural.")
            assert FLOOR[target] > FLOOR[name], f"{name} imports {target}"


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_scikit_learn_is_imported_by_estimators_alone(path):
    if module_name(path) not in USES_SKLEARN:
        assert not [name for name in imported(path) if name.startswith("sklearn")]


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_only_public_names_of_scikit_learn(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("sklearn"):
            names = [*node.module.split("."), *(alias.name for alias in node.names)]
            assert not [name for name in names if name.startswith("_")]


def exit_code(code):
    return subprocess.run([sys.executable, "-c", code], check=False).returncode


def test_import_brings_in_nothing_heavy():
    assert not exit_code(
        "import sys, sklearn.neural_network; before = set(sys.modules); import skneural; "
        "new = {name.split('.')[0] for name in set(sys.modules) - before}; "
        "new -= {'skneural', 'threadpoolctl', 'joblib', 'scipy', 'numpy'}; "
        "sys.exit(bool(new - sys.stdlib_module_names))"
    )


@pytest.mark.parametrize("name", ["matplotlib", "pandas"])
def test_import_needs_and_imports_neither_matplotlib_nor_pandas(name):
    """scikit-learn itself imports pandas where it can, so both are made missing here."""
    assert not exit_code(f"import sys; sys.modules[{name!r}] = None; import skneural")


def test_import_is_cheap_beside_that_of_scikit_learn():
    """Less than a ninth: 0.1 s where scikit-learn's networks take 0.9. Ours take 0.07.

    CPU time of one process, so that others on the machine hardly count; the best of five, as
    the first may compile.
    """
    code = (
        "from time import process_time as now; start = now(); import sklearn.neural_network; "
        "middle = now(); import skneural; print((now() - middle) / (middle - start))"
    )
    command = [sys.executable, "-c", code]
    assert min(float(subprocess.check_output(command)) for _ in range(5)) < 1 / 9
