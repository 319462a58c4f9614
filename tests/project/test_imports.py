"""Imports have no cycles and point downward only; the lowest folders avoid scikit-learn."""

import ast
import functools
import os
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import skneural

ROOT = Path(skneural.__file__).parent
# From top to bottom: a module imports only from its own folder and from those below it.
FLOORS = [
    "skneural",
    "_files",
    "_display",
    "_inspection",
    "_estimators",
    "_training",
    "schedules",
    "_checks",
    "_engine",
    "_network",
    "_version",
]
MODULES = sorted(ROOT.rglob("*.py"))


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    return ".".join(parts) or "skneural"


def imported(path):
    """Return the names of all modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                submodule = ROOT.parent.joinpath(*node.module.split("."), alias.name + ".py")
                yield f"{node.module}.{alias.name}" if submodule.exists() else node.module


@functools.cache
def imports():
    """Return every module of the package with the modules of the package that it imports."""
    return {
        module_name(path): {
            name.removeprefix("skneural.")
            for name in imported(path)
            if name.startswith("skneural")
        }
        for path in MODULES
    }


def test_imports_point_downward():
    for name, targets in imports().items():
        floor = FLOORS.index(name.partition(".")[0])
        above = [to for to in targets if FLOORS.index(to.partition(".")[0]) < floor]
        assert not above, f"{name} imports {above}"


def test_no_circles():
    try:
        tuple(TopologicalSorter(imports()).static_order())
    except CycleError as error:
        pytest.fail(f"these modules import each other: {error.args[1]}")


def test_the_package_has_at_most_twelve_entries():
    entries = [path.name for path in ROOT.iterdir() if path.name != "__pycache__"]
    assert len(entries) <= 12


def test_network_and_engine_do_without_scikit_learn():
    for path in MODULES:
        if module_name(path).startswith(("_network", "_engine")):
            assert not [name for name in imported(path) if name.startswith("sklearn")]


def test_only_public_names_of_scikit_learn():
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("sklearn"):
                names = [*node.module.split("."), *(alias.name for alias in node.names)]
                assert not [name for name in names if name.startswith("_")], path


def exit_code(code):
    return subprocess.run([sys.executable, "-c", code], check=False).returncode


def test_import_brings_in_nothing_heavy():
    assert not exit_code(
        "import sys, sklearn.neural_network; before = set(sys.modules); import skneural; "
        "new = {name.split('.')[0] for name in set(sys.modules) - before}; "
        "new -= {'skneural', 'threadpoolctl', 'joblib', 'scipy', 'numpy'}; "
        "sys.exit(bool(new - sys.stdlib_module_names))"
    )


def test_import_needs_and_imports_neither_matplotlib_nor_pandas():
    """scikit-learn imports pandas if it can, so both are made unavailable here."""
    assert not exit_code(
        "import sys; sys.modules.update(matplotlib=None, pandas=None); import skneural"
    )


def test_import_is_cheap_beside_that_of_scikit_learn():
    """The import takes less than a ninth of the time of scikit-learn's networks.

    skneural takes 0.07 s and scikit-learn 0.9 s, so the limit is 0.1 s. CPU time of one process
    is measured, so that other processes hardly matter. One of five imports must be fast,
    because the first one may compile the modules.
    """
    code = (
        "from time import process_time as now; start = now(); import sklearn.neural_network; "
        "middle = now(); import skneural; print((now() - middle) / (middle - start))"
    )
    command = [sys.executable, "-c", code]
    # where Python may not keep what it has compiled, every import would compile
    env = {name: of for name, of in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    assert any(float(subprocess.check_output(command, env=env)) < 1 / 9 for _ in range(5))
