"""show_versions: the details of an installation for bug reports."""

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
    """Print the engine in use, and the versions of skneural and its dependencies.

    Include the output in a bug report. It shows whether the compiled engine is used and with
    which SIMD instructions, or the reason why NumPy is used instead. It also contains the
    versions of Python and of the packages that skneural depends on, the platform, the number of
    CPUs, and the loaded BLAS and OpenMP libraries with their present number of threads.

    Two environment variables, which are read when skneural is imported, change the engine:
    ``SKNEURAL_ENGINE=numpy`` disables the compiled engine, and ``SKNEURAL_SIMD`` selects its
    SIMD level, which is ``baseline``, ``avx2`` or ``avx512``.

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
    """Yield names and their descriptions."""
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
    """Return the engine with its SIMD level, or the reason why it is not compiled."""
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
