"""Choose the compiled engine or NumPy when skneural is imported.

There is one extension module per SIMD level. The best one that was built and that the CPU
supports is loaded, unless an environment variable selects another one:

* ``SKNEURAL_ENGINE``: "compiled" or "numpy",
* ``SKNEURAL_SIMD``: "baseline", "avx2" or "avx512".
"""

import importlib
import os
from collections.abc import Sequence
from types import ModuleType

ENGINES = ("compiled", "numpy")
SIMD_LEVELS = ("baseline", "avx2", "avx512")  # the slowest first


def choice(variable: str, allowed: Sequence[str]) -> str | None:
    """Return the value of an environment variable, or None if it is unset or empty."""
    value = os.environ.get(variable) or None
    if value is not None and value not in allowed:
        names = ", ".join(repr(name) for name in allowed)
        raise ValueError(
            f"The environment variable {variable} is {value!r}; it must be one of {names}, or "
            "unset"
        )
    return value


def load() -> tuple[ModuleType | None, str | None]:
    """Return the module of the compiled engine, or None and the reason.

    Raises
    ------
    ValueError
        If an environment variable has a value that is not allowed.
    ImportError
        If an environment variable selects a level that is not available.
    """
    engine = choice("SKNEURAL_ENGINE", ENGINES)
    level = choice("SKNEURAL_SIMD", SIMD_LEVELS)
    if engine == "numpy":
        return None, "SKNEURAL_ENGINE is 'numpy'"
    try:
        return load_level(level), None
    except ImportError as error:
        if engine or level:
            raise
        return None, str(error)


def load_level(level: str | None) -> ModuleType:
    """Return the module of a SIMD level, or of the best one if `level` is None."""
    usable = import_level("baseline").usable_levels()
    if level is None:
        return best_module(usable)
    if level not in usable:
        raise ImportError(
            f"SKNEURAL_SIMD is {level!r}, which this CPU cannot run: it has {', '.join(usable)}"
        )
    return import_level(level)


def best_module(usable: Sequence[str]) -> ModuleType:
    """Return the module of the fastest usable level that was built."""
    for level in reversed(usable[1:]):
        try:
            return import_level(level)
        except ModuleNotFoundError:  # an old compiler may lack the flags of a level
            continue
    return import_level("baseline")


def import_level(level: str) -> ModuleType:
    """Import the module of one SIMD level."""
    name = f"skneural._engine.native.{level}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{name} was not built when skneural was installed; to see why, install it again "
            "with SKNEURAL_BUILD=require in the environment",
            name=name,
        ) from error


native, why_none = load()


def engine_name() -> str:
    """Return the name of the engine in use: "compiled" or "numpy"."""
    return "numpy" if native is None else "compiled"
