"""Build the compiled engine: one extension module per SIMD level, all from the same source.

Everything else about the package is in pyproject.toml. Without a usable compiler the package
is installed without these modules and works on NumPy. With ``SKNEURAL_BUILD=require`` in the
environment, a module that cannot be built is an error, and so is a warning of GCC or Clang.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import numpy as np
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

NATIVE = Path("skneural", "_engine", "native")
PYTHON_H = Path(sysconfig.get_path("include"), "Python.h")
X86 = sysconfig.get_platform().endswith(("x86_64", "amd64"))

# The flags of the upper levels; skneural/_engine/native/cpu.h checks the same features.
UNIX_LEVELS = {
    "baseline": [],
    "avx2": ["-mavx2", "-mfma"],
    "avx512": ["-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mavx2", "-mfma"],
}
MSVC_LEVELS = {"baseline": [], "avx2": ["/arch:AVX2"], "avx512": ["/arch:AVX512"]}
# Fused multiply-adds are allowed; other changes to the order of operations are not.
UNIX_FLAGS = [
    "-std=c++17",
    "-O3",
    "-g0",
    "-ffp-contract=fast",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fvisibility=hidden",
    "-pthread",
    "-Wall",
    "-Wextra",
]
MSVC_FLAGS = ["/std:c++17", "/O2", "/W3"]


class BuildEngine(build_ext):
    """Build the modules of the compiled engine, or say in one line why there is none."""

    def build_extensions(self):
        """Build all modules, several at a time, with the flags of this compiler."""
        msvc = self.compiler.compiler_type == "msvc"
        levels, flags = (MSVC_LEVELS, MSVC_FLAGS) if msvc else (UNIX_LEVELS, UNIX_FLAGS)
        strict = ["-Werror"] if required() and not msvc else []
        for extension in self.extensions:
            extension.extra_link_args = [] if msvc else ["-pthread"]
            extension.extra_compile_args = flags + levels[level_of(extension)] + strict
        self.parallel = True
        self.failures = {}
        super().build_extensions()
        if self.failures:
            level = min(self.failures, key=list(levels).index)
            what = "the compiled engine" if level == "baseline" else f"its SIMD level {level}"
            why = reason(self.failures[level], self.compiler)
            print(f"skneural: installed without {what}: {why}", file=sys.stderr)

    def build_extension(self, extension):
        """Build one module; note a failure unless a build is required."""
        try:
            extension.sources = [self.translate(source) for source in extension.sources]
            super().build_extension(extension)
        except Exception as error:
            if required():
                raise
            if self.editable_mode:  # an older build must not be taken for this one
                Path(self.get_ext_filename(extension.name)).unlink(missing_ok=True)
            self.failures[level_of(extension)] = error

    def translate(self, source):
        """Translate a Cython source to C++, and return the path of the result."""
        path = Path(self.build_temp, source).with_suffix(".cpp")
        path.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "cython", "--cplus", "-o", str(path), source]
        subprocess.run(command, check=True)
        return str(path)


def level_of(extension):
    """Return the SIMD level of an extension module, which is the last part of its name."""
    return extension.name.rpartition(".")[2]


def reason(error, compiler):
    """Return in a few words why a module could not be built."""
    if not PYTHON_H.exists():
        return f"Python's headers are missing, no {PYTHON_H}"
    command = getattr(compiler, "compiler_so_cxx", None)
    if command is None:  # not a compiler that is used like GCC
        return str(error)
    if shutil.which(command[0]) is None:
        return f"no C++ compiler, {command[0]!r} was not found"
    return "the build failed, with the errors above"


def required():
    """Return whether a module that cannot be built is an error."""
    value = os.environ.get("SKNEURAL_BUILD", "auto")
    if value not in ("auto", "require"):
        raise SystemExit(f"SKNEURAL_BUILD is {value!r}; it must be 'auto' or 'require'")
    return value == "require"


def extensions():
    """Return one extension module per SIMD level of this architecture."""
    return [
        Extension(
            f"skneural._engine.native.{level}",
            [str(NATIVE / f"{level}.pyx")],
            include_dirs=[str(NATIVE), np.get_include()],
            define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
            language="c++",
            optional=not required(),
        )
        for level in (UNIX_LEVELS if X86 else ["baseline"])
    ]


# In a folder of its own, so that no file of an earlier build gets into a wheel.
with tempfile.TemporaryDirectory() as folder:
    setup(
        ext_modules=extensions(),
        cmdclass={"build_ext": BuildEngine},
        options={"build": {"build_base": folder}},
    )
