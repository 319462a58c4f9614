"""Sweeps of the backend "skneural" in great numbers: the same answers, no deadlock.

    python tests/robustness/sweeps.py --compare 100     # drawn searches against joblib's own
    python tests/robustness/sweeps.py --runs 200        # mixed tasks, errors and Ctrl-C

Half of them, by their seeds, run in processes, the others in the threads of this one.
A run that takes longer than two minutes prints where every thread stands, and ends the
process. `tests/test_backend.py` does a few of each.
"""

import argparse
import faulthandler
import os
import random
import signal
import sys
import threading
import time
import warnings
from pathlib import Path

import joblib
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from _sweeps import assert_same_search, drawn_sweep, drawn_tasks, run

LIMIT = 120


def backend(seed):
    """The backend, in processes or not."""
    require = [None, "sharedmem"][seed // 4 % 2]
    return joblib.parallel_config(backend="skneural", require=require)


def compare(seed):
    """Run a drawn search with and without the backend."""
    (own, data, weights), (other, *_) = drawn_sweep(seed), drawn_sweep(seed)
    other.fit(*data, **weights)
    with backend(seed):
        own.fit(*data, **weights)
    assert_same_search(own, other)


def mix(seed):
    """Run mixed tasks; one run in four has an error, one in four is interrupted."""
    end = ["done", "done", "fails", "interrupted"][seed % 4]
    tasks = drawn_tasks(seed, failing=end == "fails")
    n_jobs = random.Random(seed).choice([None, 2, -1, 3])
    expected = run(tasks, 1) if end == "done" else None
    timer = threading.Timer(
        random.Random(seed).uniform(0, 0.3), os.kill, (os.getpid(), signal.SIGINT)
    )
    timer.daemon = True
    try:
        if end == "interrupted":
            timer.start()
        with backend(seed):
            answers = run(tasks, n_jobs)
        timer.join(end == "interrupted" or None) if timer.ident else None
    except ArithmeticError:
        assert end == "fails"
    except KeyboardInterrupt:
        assert end == "interrupted"
    else:
        assert end != "fails"
        if expected is not None:
            for answer, value in zip(answers, expected, strict=True):
                np.testing.assert_allclose(answer, value, rtol=1e-6, atol=1e-6)
    return end


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compare", type=int, default=0)
    parser.add_argument("--runs", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the seed to begin with")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    failures = 0
    for work, n_runs in ((compare, args.compare), (mix, args.runs)):
        start, ends = time.monotonic(), []
        for seed in range(args.first, args.first + n_runs):
            faulthandler.dump_traceback_later(LIMIT, exit=True)
            try:
                ends.append(work(seed))
            except Exception as error:
                failures += 1
                print(f"{work.__name__} {seed}: {type(error).__name__}: {error}", flush=True)
            faulthandler.cancel_dump_traceback_later()
        if n_runs:
            seconds = time.monotonic() - start
            kinds = {end: ends.count(end) for end in dict.fromkeys(ends) if end}
            print(f"{work.__name__}: {n_runs} runs in {seconds:.0f} s {kinds}", flush=True)
    for _ in range(100):  # what is not ours may take a moment to end
        names = [thread.name for thread in threading.enumerate()]
        left = [name for name in names if name.startswith("skneural")]
        if not left:
            break
        time.sleep(0.05)
    print(f"{failures} failures; threads left: {left}")
    sys.exit(bool(failures or left))


if __name__ == "__main__":
    main()
