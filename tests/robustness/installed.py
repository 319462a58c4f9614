"""An installed wheel works: every SIMD level that the CPU supports is included and trains.

Run the script with the Python for which the wheel was installed:

    python tests/robustness/installed.py

On free-threaded Python it also checks that no import has enabled the GIL.
"""

import os
import subprocess
import sys

FIT = """
import sys, sysconfig
from sklearn.datasets import load_digits
import skneural

X, y = load_digits(return_X_y=True)
network = skneural.MLPClassifier(max_iter=20, patience=None, random_state=0)
accuracy = network.fit(X / 16, y).score(X / 16, y)
assert accuracy > 0.95, accuracy
if sysconfig.get_config_var("Py_GIL_DISABLED"):
    assert not sys._is_gil_enabled(), "an import turned the lock of the interpreter on"
skneural.show_versions()
"""


def main():
    """Fit the digits at every SIMD level, each in a separate process."""
    from skneural._engine import native

    assert native is not None, "the wheel has no compiled engine"
    levels = native.usable_levels()
    for level in levels:
        environment = {**os.environ, "SKNEURAL_SIMD": level}
        subprocess.run([sys.executable, "-c", FIT], env=environment, check=True)
    print(f"trained at {len(levels)} SIMD levels: {', '.join(levels)}")


if __name__ == "__main__":
    main()
