"""show_versions: what a report of a problem should say about an installation."""

import platform
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib
from threadpoolctl import threadpool_info

from skneural._engine import engine_name, native, why_none
from skneural._version import __version__

_DEPENDENCIES = ("numpy", "scipy", "scikit-learn", "joblib", "threadpoolctl", "narwhals")


def show_versions() -> None:
    """Print the engine in use, and the versions of skneural and of what it runs on.

    Include the output when you report a problem. It says whether networks are trained by the
    compiled engine and with which SIMD instructions, or by NumPy and why. Then come the
    versions of Python and of the packages that skneural depends on, the platform, the number of
    CPUs, and the BLAS and OpenMP libraries that are loaded, with the number of threads that
    each may use now.

    Two environment variables, read when skneural is imported, change the engine:
    ``SKNEURAL_ENGINE=numpy`` turns the compiled engine off, and ``SKNEURAL_SIMD`` set to
    ``baseline``, ``avx2`` or ``avx512`` chooses its SIMD level.

    Examples
    --------
    >>> import skneural
    >>> skneural.show_versions()
         skneural: ...
           engine: ...
           Python: ...
            numpy: ...
    """
    for name, value in _versions():
        print(f"{name:>13}: {value}")


def _versions() -> Iterator[tuple[str, object]]:
    """Yield names and what is said about them."""
    yield "skneural", __version__
    yield "engine", _describe_engine()
    yield "Python", sys.version.replace("\n", " ")
    for name in _DEPENDENCIES:
        yield name, version(name)
    yield "platform", platform.platform()
    yield "CPUs", joblib.cpu_count()
    for library in threadpool_info():
        yield _describe_library(library)


def _describe_engine() -> str:
    """Return the name of the engine with its SIMD level, or with why it is not compiled."""
    if native is None:
        return f"{engine_name()} ({why_none})"
    return f"{engine_name()}, SIMD level {native.simd_level()}"


def _describe_library(library: dict[str, Any]) -> tuple[str, str]:
    """Return the kind of a library with threads, and its name, version and thread limit."""
    kind = {"blas": "BLAS", "openmp": "OpenMP"}[library["user_api"]]
    name = " ".join(filter(None, [library["internal_api"], library["version"]]))
    threads = library["num_threads"]
    file = Path(library["filepath"]).name
    return kind, f"{name}, {threads} thread{'s' * (threads != 1)}, {file}"
