"""Hundreds of SIGKILLs while checkpoints are written: every fit ends with the same bits.

    python tests/robustness/kills.py [--kills 200]

A fit that writes a checkpoint after every epoch is killed at a random time and started again
until it is complete. Its digest must be that of a fit without interruptions.
`tests/files/test_checkpoint.py` repeats this a few times.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from _interrupted import FITS, X, Y, digest, estimator, fit

import skneural


def in_child(work, delay):
    """Run `work` in a fork that is killed after `delay` seconds; return whether it was."""
    child = os.fork()
    if not child:
        work()
        os._exit(0)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    n_kills = parser.parse_args().kills
    warnings.simplefilter("ignore")
    rng = random.Random(0)
    more = {"hidden_layer_sizes": (800, 400)}  # so that most of the time goes into writing
    whole = {name: digest(estimator(name, **more).fit(X, Y)) for name in FITS}
    kills, fits, half_written = 0, 0, 0
    while kills < n_kills:
        name = list(FITS)[fits % len(FITS)]
        directory = Path(tempfile.mkdtemp())
        path = directory / "fit"
        limit = 0.3
        while in_child(lambda n=name, p=path: fit(n, p, **more), rng.uniform(0, limit)):
            kills += 1
            half_written += any(file.suffix == ".tmp" for file in directory.iterdir())
            if path.exists():
                skneural.load(path)  # whole
            limit *= 1.05  # it has to get somewhere
        assert digest(fit(name, path, **more)) == whole[name], name
        assert os.listdir(directory) == ["fit"]
        path.unlink()
        fits += 1
    print(
        f"{kills} kills, {half_written} of them with a checkpoint half written; {fits} fits "
        "ended with the digest of an uninterrupted one"
    )


if __name__ == "__main__":
    main()
