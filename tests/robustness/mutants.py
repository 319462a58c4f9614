"""Mutation tests: the tests must detect nine of ten small bugs in the numeric core.

    python tests/robustness/mutants.py [--mutants 400] [--seed 0] [--only PATTERN] [--root DIR]

Every mutant has one change in one module: another operator, comparison or number, a negated
condition, or a removed statement. It is written to a copy of the tree, and the tests of the
module run until one of them fails. They run in a fork of this process, which has imported
everything except skneural. A mutant takes two to ten seconds on one core. Every result is
printed, and the surviving mutants are listed at the end. `survivors.md` describes the known
ones. `tests/project/test_robustness.py` runs a few mutants that must be killed.
"""

import argparse
import ast
import functools
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHARE = 0.9

# the tests of a module, quick ones first; its doctests run before them
_LAYER = ["layers", "gradients", "oracle", "allocations", "options"]
_IMAGES = ["conv", "pooling", "gradients", "oracle", "convnet", "allocations"]
_LOSS = [
    *("losses", "constant_loss", "oracle", "gradients", "multioutput", "allocations"),
    "engine_oracle",
]
_TRAINING = [
    *("training", "validation", "lbfgs", "options", "callbacks", "convnet_training"),
    *("interrupt", "bad_input", "checkpoint", "adaptive_penalty"),
]
TESTS = {
    "_network/layers/activations.py": [*_LAYER, "output_findings"],
    "_network/layers/base.py": ["layers", "summary", "gradients", "conv", "bad_input"],
    "_network/layers/batch_norm.py": _LAYER,
    "_network/layers/conv.py": [*_IMAGES, "summary", "convnet_training", "limits"],
    "_network/layers/dense.py": [*_LAYER, "summary"],
    "_network/layers/embedding.py": ["layers", "embedding_steps", "embeddings"],
    "_network/layers/dropout.py": [*_LAYER, "philox"],
    "_network/layers/flatten.py": _IMAGES,
    "_network/layers/noise.py": [*_LAYER, "philox"],
    "_network/layers/pooling.py": [*_IMAGES, "layers", "summary"],
    "_network/layers/windows.py": [*_IMAGES, "summary"],
    "_network/image_windows.py": _IMAGES,
    "_network/philox.py": ["philox", "layers"],
    "_network/array_operations.py": [*_LAYER, "losses", "optimizers", "one_row"],
    "_network/losses/base.py": _LOSS,
    "_network/losses/regression.py": _LOSS,
    "_network/losses/classification.py": _LOSS,
    "_engine/optimizers.py": ["optimizers", "oracle", "training", "allocations", "options"],
    "schedules.py": ["schedules", "training"],
    "_network/initializers.py": ["layers", "conv", "training", "options", "convnet"],
    "_network/network.py": [
        *("gradients", "oracle", "layers", "one_row", "summary", "diagnostics", "convnet"),
        *("allocations", "options", "bad_parameters", "limits", "sklearn_parity"),
        "embedding_steps",
    ],
    "_engine/prediction.py": [
        *("one_row", "limits", "engine_oracle", "activations", "convnet", "diagnostics"),
    ],
    "_engine/batches.py": ["engine_oracle", "training", "allocations", "engine"],
    "_training/adaptive_penalty.py": ["adaptive_penalty"],
    "_training/progress.py": [*_TRAINING, "copies"],
    "_training/job.py": [*_TRAINING, "schedules"],
    "_training/convergence.py": _TRAINING,
    "_training/epochs.py": _TRAINING,
    "_training/lbfgs.py": ["lbfgs", "bad_input"],
}

_OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Pow: ast.Mult, ast.Mod: ast.Mult, ast.MatMult: ast.Mult,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn,
    ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
_TWINS = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum"}
_UNSEEN = {"__repr__", "label"}  # words for people: other tests read them
_TYPES = {"annotation", "returns", "bases", "decorator_list"}


def changes(node, field, parent):
    """Return nodes that can replace a node."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield ast.Constant(not node.value)
        elif isinstance(node.value, int):
            yield ast.Constant(node.value + 1)
        elif isinstance(node.value, float):
            yield ast.Constant(node.value * 2 or 1.0)
    elif type(node) in _OPERATORS:
        yield _OPERATORS[type(node)]()
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.Name) and node.id in _TWINS:
        yield ast.Name(_TWINS[node.id])
    elif isinstance(node, ast.Attribute) and node.attr in _TWINS:
        yield ast.Attribute(node.value, _TWINS[node.attr])
    if field == "test" and not isinstance(node, ast.Compare | ast.UnaryOp | ast.BoolOp):
        yield ast.UnaryOp(ast.Not(), node)
    if _may_go(node, parent):
        yield ast.Pass()


def _may_go(node, parent):
    """Return whether a statement can be removed without an obvious error."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call)
    if isinstance(node, ast.Assign):
        return all(isinstance(target, ast.Subscript) for target in node.targets)
    if isinstance(node, ast.Return):
        return not isinstance(parent, ast.FunctionDef)
    return isinstance(node, ast.AugAssign | ast.Raise | ast.Continue)


def places(tree, statement=None):
    """Yield every node with its parent, field, index and statement."""
    for field, value in ast.iter_fields(tree):
        if field in _TYPES:
            continue
        for i, node in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(node, ast.AST) or getattr(node, "name", None) in _UNSEEN:
                continue
            inner = node if isinstance(node, ast.stmt) else statement
            yield tree, field, i, node, inner
            yield from places(node, inner)


def equivalent(tree):
    """Return the nodes whose change has no effect that a test could detect.

    These are negative lengths in ``reshape``, because NumPy infers the length for all of them;
    ``strict=`` of ``zip``, which only guards against programming errors; and defaults of
    arguments that the function does not read.
    """
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "reshape":
            found |= {arg.operand for arg in node.args if isinstance(arg, ast.UnaryOp)}
        if isinstance(node, ast.keyword) and node.arg == "strict":
            found.add(node.value)
        if isinstance(node, ast.FunctionDef):
            read = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
            for arg, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
                if arg.arg not in read:
                    found.add(default)
    return found


def mutants(module):
    """Yield a name and a function that makes the source, for all mutants of a module."""
    tree = ast.parse((ROOT / "skneural" / module).read_text())
    unnoticeable = equivalent(tree)
    for parent, field, i, node, statement in list(places(tree)):
        if node in unnoticeable:
            continue
        for new in changes(node, field, parent):
            before = _first_line(statement)
            _put(parent, field, i, new)
            after = _first_line(new if node is statement else statement)
            _put(parent, field, i, node)
            name = f"{module}:{statement.lineno}  {before}  ->  {after}"
            yield name, functools.partial(_source, tree, (parent, field, i), node, new)


def _first_line(node):
    return ast.unparse(node).split("\n")[0]


def _source(tree, place, node, new):
    """Return the module with one node replaced."""
    _put(*place, new)
    source = ast.unparse(tree)
    _put(*place, node)
    return source


def _put(parent, field, i, node):
    siblings = getattr(parent, field)
    if isinstance(siblings, list):
        siblings[i] = node
    else:
        setattr(parent, field, node)


_PROFILE = """
import hypothesis
hypothesis.settings.register_profile(
    "mutants",
    max_examples=20,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],  # no search for the least
)
"""


def scratch_copy(root):
    """Copy the files that the tests need, and fix the examples of Hypothesis."""
    for name in ("skneural", "tests", "examples", "studies", "docs"):
        ignored = shutil.ignore_patterns("__pycache__", "_build", "auto_examples")
        shutil.copytree(ROOT / name, root / name, ignore=ignored, dirs_exist_ok=True)
    for name in ("pyproject.toml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, root)
    with open(root / "tests" / "conftest.py", "a") as conftest:
        conftest.write(_PROFILE)


def preload():
    """Import all modules that every run needs, except skneural, before the forks."""
    os.environ["SCIPY_ARRAY_API"] = "1"  # as tests/conftest.py
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    import pandas  # noqa: F401
    import pytest  # noqa: F401
    import skops.io  # noqa: F401

    assert "skneural" not in sys.modules


def run_tests(root, module, seconds=600):
    """Run the tests of a module in a fork; return its status, or "timeout"."""
    first, *others = (
        f"tests/{path.parent.name}/{path.name}"
        for name in TESTS[module]
        for path in (ROOT / "tests").glob(f"*/test_{name}.py")
    )
    child = os.fork()
    if not child:
        os.setsid()
        os.chdir(root)
        with open(root / "log.txt", "w") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        resource.setrlimit(resource.RLIMIT_AS, (2**33, 2**33))
        sys.path[0] = os.environ["PYTHONPATH"] = str(root)
        sys.dont_write_bytecode = True
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        import pytest

        options = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--tb=line"]
        options += ["--hypothesis-profile=mutants"]
        for paths in ([f"skneural/{module}", first], *([other] for other in others)):
            if status := pytest.main([*options, *paths]):
                os._exit(status)
        os._exit(0)
    start = time.monotonic()
    while time.monotonic() < start + seconds:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            status = os.waitstatus_to_exitcode(status)
            assert status not in (3, 4, 5), f"pytest did not run\n{log_of(root)}"
            return status
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "timeout"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=400, help="how many, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="a pattern of their names, as _dense.py:5")
    parser.add_argument("--root", type=Path, help="where the copy of the tree goes")
    args = parser.parse_args()
    root = args.root or Path(tempfile.mkdtemp())
    scratch_copy(root)
    preload()
    every = [(module, *mutant) for module in TESTS for mutant in mutants(module)]
    chosen = every.copy()
    random.Random(args.seed).shuffle(chosen)
    chosen = [mutant for mutant in chosen[: args.mutants] if re.search(args.only, mutant[1])]
    chosen.sort(key=lambda mutant: list(TESTS).index(mutant[0]))
    survivors, seconds = [], {}
    for module, name, source in chosen:
        if module not in seconds:  # without a mutant, for comparison
            start = time.monotonic()
            if run_tests(root, module) != 0:
                raise SystemExit(f"{module}: tests fail without a mutant\n{log_of(root)}")
            seconds[module] = 20 + 3 * (time.monotonic() - start)
        path = root / "skneural" / module
        path.write_text(source())
        status = run_tests(root, module, seconds[module])
        shutil.copy(ROOT / "skneural" / module, path)
        if status == 0:
            survivors.append(name)
        print("SURVIVED" if status == 0 else f"killed ({status})", name, flush=True)
    print("\nSurvivors:", *survivors, sep="\n")
    killed = len(chosen) - len(survivors)
    print(f"{killed} of {len(chosen)} mutants killed ({len(every)} possible)")
    if not args.root:
        shutil.rmtree(root)
    if killed < SHARE * len(chosen):
        raise SystemExit(1)


def log_of(root):
    """Return the end of the output of pytest."""
    return (root / "log.txt").read_text()[-2000:]


if __name__ == "__main__":
    main()
