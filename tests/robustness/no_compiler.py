"""An install succeeds without a usable compiler, says so in one line, and works on NumPy.

    python tests/robustness/no_compiler.py

Each case installs the package of this checkout into a temporary folder and trains a network
there: without a compiler, with a compiler that always fails, with one that does not support
AVX-512, and, for comparison, with the compiler of this machine. As root on Linux the script
also hides the headers of Python. With ``SKNEURAL_BUILD=require`` the same installations must
fail. The script needs PyPI for setuptools and Cython.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
FIT = """
import skneural
from sklearn.datasets import load_digits

X, y = load_digits(return_X_y=True)
network = skneural.MLPClassifier(max_iter=20, patience=None, random_state=0)
assert network.fit(X / 16, y).score(X / 16, y) > 0.95
print(skneural.__file__)
skneural.show_versions()
"""
NO_AVX512 = """#!/bin/sh
case "$*" in *-mavx512f*) echo "unknown option -mavx512f" >&2; exit 1;; esac
exec c++ "$@"
"""


def install(folder, compiler=None, build="auto", before=()):
    """Install into a folder; return the exit status and the lines that skneural prints."""
    environment = {**os.environ, "SKNEURAL_BUILD": build}
    if compiler is not None:
        environment |= {"CC": compiler, "CXX": compiler}
    pip = [sys.executable, "-m", "pip", "install", "-v", "--no-deps", "--target", folder]
    result = subprocess.run(
        [*before, *pip, str(ROOT)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    lines = [li.strip() for li in result.stdout.splitlines()]
    return result.returncode, [li for li in lines if li.startswith("skneural: installed")]


def engine_line(folder):
    """Train with the package in a folder, and return the engine line of show_versions."""
    environment = {**os.environ, "PYTHONPATH": folder}
    for variable in ("SKNEURAL_ENGINE", "SKNEURAL_SIMD"):
        environment.pop(variable, None)
    command = [sys.executable, "-c", FIT]
    output = subprocess.check_output(command, env=environment, cwd=folder, text=True)
    assert output.startswith(folder), output
    return next(line.strip() for line in output.splitlines() if "engine:" in line)


def check(case, engine, n_lines, **options):
    """Install and train; fail unless the engine and the number of lines are as expected."""
    with tempfile.TemporaryDirectory() as folder:
        status, said = install(folder, **options)
        assert status == 0, f"{case}: the install failed"
        assert len(said) == n_lines, (case, said)
        line = engine_line(folder)
        assert line.startswith(f"engine: {engine}"), (case, line)
    print(f"{case}: {line}", *said, sep="\n  ")
    if n_lines:
        with tempfile.TemporaryDirectory() as folder:
            status, _ = install(folder, build="require", **options)
        assert status != 0, f"{case}: SKNEURAL_BUILD=require was ignored"


def without_headers():
    """Return a command prefix that hides the headers of Python, or None if there is none."""
    include = sysconfig.get_path("include")
    if sys.platform != "linux" or os.getuid() or not shutil.which("unshare"):
        return None
    return ["unshare", "-m", "sh", "-c", f'mount -t tmpfs none {include} && exec "$@"', "sh"]


def main():
    """Run all cases that this machine allows."""
    with tempfile.TemporaryDirectory() as folder:
        no_avx512 = Path(folder, "c++")
        no_avx512.write_text(NO_AVX512)
        no_avx512.chmod(0o755)
        check("no compiler", "numpy", 1, compiler="/nonexistent")
        check("a compiler that fails", "numpy", 1, compiler=shutil.which("false"))
        cases = 2
        if before := without_headers():
            check("no headers of Python", "numpy", 1, before=before)
            cases += 1
        if shutil.which("c++"):
            check("the compiler of this machine", "compiled", 0)
            cases += 1
            if sysconfig.get_platform() == "linux-x86_64":
                check("a compiler without AVX-512", "compiled", 1, compiler=str(no_avx512))
                cases += 1
    print(f"{cases} installs trained a network; with SKNEURAL_BUILD=require all but one failed")


if __name__ == "__main__":
    main()
