#!/bin/sh
# The baseline module of the compiled engine runs on CPUs without AVX, and says rightly what
# other CPUs can run: Python under qemu's emulation of them. Needs qemu-user (Debian: apt install qemu-user).
#
#     tests/robustness/cpus.sh [PYTHON]
#
# No NumPy is imported, so a minute is enough. qemu emulates no AVX-512.
set -eu
cd "$(dirname "$0")/../.."
python=${1:-.venv/bin/python}

levels() {
    qemu-x86_64 -cpu "$1" "$python" -c '
import glob, importlib.util
(path,) = glob.glob("skneural/_engine/native/baseline.*.so")
spec = importlib.util.spec_from_file_location("skneural._engine.native.baseline", path)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
print(*module.usable_levels())' 2>/dev/null
}

check() {
    found=$(levels "$1")
    echo "$1: $found"
    [ "$found" = "$2" ] || { echo "expected: $2" >&2; exit 1; }
}

check Nehalem "baseline"
check SandyBridge "baseline"
check Haswell "baseline avx2"
