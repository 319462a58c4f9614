"""The choice of the engine at import, and what show_versions says about it.

The choice is tested with stand-ins for the extension modules, so that the result is the same on
every CPU, with or without a compiler. The modules that were built here are tested afterwards.
"""

import os
import platform
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import skneural
from skneural._engine import load

VECTOR_BYTES = {"baseline": 16, "avx2": 32, "avx512": 64}


def levels_here():
    """Return the levels that were built here and that this CPU can run."""
    try:
        return load.import_level("baseline").usable_levels()
    except ImportError:
        return []


@pytest.fixture(autouse=True)
def _no_choice_from_outside(monkeypatch):
    for variable in ("SKNEURAL_ENGINE", "SKNEURAL_SIMD"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def pretend(monkeypatch):
    """Return a function that replaces the extension modules by stand-ins for given levels."""

    def replace(built, usable):
        for level in load.SIMD_LEVELS:
            module = SimpleNamespace(level=level, usable_levels=lambda: list(usable))
            name = f"skneural._engine.native.{level}"
            # Python takes None for a module that does not exist
            monkeypatch.setitem(sys.modules, name, module if level in built else None)

    return replace


ALL = load.SIMD_LEVELS


@pytest.mark.parametrize(
    ("built", "usable", "best"),
    [
        (ALL, ALL, "avx512"),
        (ALL, ALL[:2], "avx2"),
        (ALL, ALL[:1], "baseline"),
        (ALL[:2], ALL, "avx2"),
        (["baseline", "avx512"], ALL, "avx512"),
        (["baseline", "avx512"], ALL[:2], "baseline"),
        (ALL[:1], ALL, "baseline"),
    ],
)
def test_the_best_level_that_is_built_and_usable_is_chosen(pretend, built, usable, best):
    pretend(built, usable)
    module, why_none = load.load()
    assert module.level == best
    assert why_none is None


@pytest.mark.parametrize("level", ALL)
def test_a_level_can_be_asked_for(pretend, monkeypatch, level):
    pretend(ALL, ALL)
    monkeypatch.setenv("SKNEURAL_SIMD", level)
    assert load.load()[0].level == level


def test_without_modules_the_engine_is_numpy_and_the_reason_is_given(pretend):
    pretend([], ALL)
    module, why_none = load.load()
    assert module is None
    assert "was not built" in why_none
    assert "SKNEURAL_BUILD=require" in why_none


def test_a_module_that_fails_to_load_gives_its_reason(monkeypatch):
    def fail(name):
        raise ImportError("libstdc++.so.6: version `GLIBCXX_9' not found")

    monkeypatch.setattr(load.importlib, "import_module", fail)
    assert load.load() == (None, "libstdc++.so.6: version `GLIBCXX_9' not found")


def test_numpy_can_be_asked_for(pretend, monkeypatch):
    pretend(ALL, ALL)
    monkeypatch.setenv("SKNEURAL_ENGINE", "numpy")
    assert load.load() == (None, "SKNEURAL_ENGINE is 'numpy'")


def test_empty_variables_choose_nothing(pretend, monkeypatch):
    pretend(ALL, ALL)
    monkeypatch.setenv("SKNEURAL_ENGINE", "")
    monkeypatch.setenv("SKNEURAL_SIMD", "")
    assert load.load()[0].level == "avx512"


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("SKNEURAL_ENGINE", "Numpy", "'compiled', 'numpy'"),
        ("SKNEURAL_ENGINE", "native", "'compiled', 'numpy'"),
        ("SKNEURAL_SIMD", "avx", "'baseline', 'avx2', 'avx512'"),
        ("SKNEURAL_SIMD", "AVX2", "'baseline', 'avx2', 'avx512'"),
    ],
)
def test_a_wrong_value_is_refused_with_those_allowed(monkeypatch, variable, value, allowed):
    monkeypatch.setenv(variable, value)
    with pytest.raises(
        ValueError, match=f"{variable} is '{value}'; it must be one of {allowed}"
    ):
        load.load()


def test_a_wrong_level_is_refused_even_if_numpy_is_asked_for(monkeypatch):
    monkeypatch.setenv("SKNEURAL_ENGINE", "numpy")
    monkeypatch.setenv("SKNEURAL_SIMD", "sse")
    with pytest.raises(ValueError, match="SKNEURAL_SIMD is 'sse'"):
        load.load()


@pytest.mark.parametrize(
    ("variable", "value"), [("SKNEURAL_ENGINE", "compiled"), ("SKNEURAL_SIMD", "baseline")]
)
def test_what_was_not_built_cannot_be_asked_for(pretend, monkeypatch, variable, value):
    pretend([], ALL)
    monkeypatch.setenv(variable, value)
    with pytest.raises(ImportError, match=r"baseline was not built .* SKNEURAL_BUILD=require"):
        load.load()


def test_a_level_that_was_not_built_cannot_be_asked_for(pretend, monkeypatch):
    pretend(ALL[:2], ALL)
    monkeypatch.setenv("SKNEURAL_SIMD", "avx512")
    with pytest.raises(ImportError, match="avx512 was not built"):
        load.load()


def test_a_level_that_the_cpu_lacks_cannot_be_asked_for(pretend, monkeypatch):
    pretend(ALL, ALL[:2])
    monkeypatch.setenv("SKNEURAL_SIMD", "avx512")
    with pytest.raises(ImportError, match=r"'avx512'.* this CPU cannot run.* baseline, avx2"):
        load.load()


def run(code, **environment):
    """Run code in a new process, because the environment is read when skneural is imported."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_networks_train_on_numpy():
    code = (
        "import skneural; skneural.show_versions(); X = [[0.0], [1.0]] * 8; y = [0, 1] * 8;"
        "print(skneural.MLPClassifier(random_state=0).fit(X, y).score(X, y))"
    )
    result = run(code, SKNEURAL_ENGINE="numpy", PYTHONWARNINGS="ignore")
    assert "engine: numpy (SKNEURAL_ENGINE is 'numpy')\n" in result.stdout
    assert result.stdout.endswith("\n1.0\n"), result.stderr


def test_a_wrong_value_ends_the_import():
    result = run("import skneural", SKNEURAL_SIMD="mmx")
    assert result.stderr.splitlines()[-1].startswith("ValueError: The environment variable")


@pytest.mark.parametrize("level", levels_here())
def test_each_module_was_compiled_for_its_level(monkeypatch, level):
    monkeypatch.setenv("SKNEURAL_SIMD", level)
    module = load.load()[0]
    assert module.simd_level() == level
    assert module.vector_width() == VECTOR_BYTES[level]
    assert module.usable_levels() == levels_here()


def test_show_versions_says_what_is_installed(capsys):
    skneural.show_versions()
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert f"skneural: {skneural.__version__}" in lines
    assert f"numpy: {np.__version__}" in lines
    assert f"platform: {platform.platform()}" in lines
    names = [line.partition(":")[0] for line in lines]
    assert names[:3] == ["skneural", "engine", "Python"]
    assert {"scipy", "joblib", "threadpoolctl", "narwhals", "CPUs", "BLAS"} <= set(names)


def test_show_versions_says_how_many_threads_blas_may_use(capsys):
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        skneural.show_versions()
    lines = [li for li in capsys.readouterr().out.splitlines() if li.strip().startswith("BLAS")]
    assert lines
    assert all(", 1 thread, " in line for line in lines)


def test_show_versions_says_why_there_is_no_compiled_engine(capsys, monkeypatch):
    monkeypatch.setattr("skneural._engine.show_versions.native", None)
    monkeypatch.setattr("skneural._engine.show_versions.why_none", "it was not built")
    monkeypatch.setattr("skneural._engine.show_versions.engine_name", lambda: "numpy")
    skneural.show_versions()
    assert "engine: numpy (it was not built)\n" in capsys.readouterr().out


def test_show_versions_names_the_simd_level(capsys, monkeypatch):
    module = SimpleNamespace(simd_level=lambda: "avx2")
    monkeypatch.setattr("skneural._engine.show_versions.native", module)
    monkeypatch.setattr("skneural._engine.show_versions.engine_name", lambda: "compiled")
    skneural.show_versions()
    assert "engine: compiled, SIMD level avx2\n" in capsys.readouterr().out
