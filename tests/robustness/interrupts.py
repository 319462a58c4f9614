"""Ctrl-C at random times: the interrupted estimator is in a valid state of the same fit.

    python tests/robustness/interrupts.py [--interrupts 100] [--presses 20]

A fit in a fork gets SIGINT after a random amount of CPU time, which does not depend on how busy
the machine is. Its weights must then be those of an uninterrupted fit after one of its steps,
or the best weights so far if there are validation data. Its history must consist of the first
epochs of that fit. Before the end of the first epoch the estimator must be unchanged.
`tests/training/test_interrupt.py` runs a few interrupts.

Then Ctrl-C is pressed at random times in fits that would take minutes. They must end within a
tenth of a second of CPU time.
"""

import argparse
import os
import random
import signal
import sys
import time
import traceback
import warnings
import zlib
from collections import Counter

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import ThreadpoolController

import skneural
from skneural._engine import compiled
from skneural._engine import optimizers as _optimizers
from skneural._training import lbfgs as _lbfgs

X, Y = load_digits(return_X_y=True)
X, Y = X[:1792] / 16, Y[:1792]  # four parts of equal size
DENSE = {"hidden_layer_sizes": (64, 32), "dropout": 0.1, "max_iter": 12}
KINDS = {
    "dense": ("MLPClassifier", DENSE),
    "warns": ("MLPClassifier", {**DENSE, "on_interrupt": "warn"}),
    "early stopping": ("MLPClassifier", {**DENSE, "early_stopping": True, "batch_norm": True}),
    "warm start": ("MLPClassifier", {**DENSE, "warm_start": True}),
    "parts": ("MLPClassifier", {**DENSE, "max_iter": 20}),
    "convolutions": (
        "ConvNetRegressor",
        {"filters": (4, 8), "input_shape": (8, 8, 1), "batch_norm": True, "max_iter": 5},
    ),
    "lbfgs": ("MLPRegressor", {"solver": "lbfgs", "max_iter": 60, "tol": 0.0}),
}
STEPS = []  # a checksum of the parameters after every step


def checksum(network):
    return zlib.crc32(network.theta.tobytes() + network.state.tobytes())


def recorded(step):
    def recording(self, theta, *args):
        step(self, theta, *args)
        STEPS.append(zlib.crc32(theta.tobytes()))

    return recording


def recorded_call(train_on):
    def recording(self, *args):
        measured = train_on(self, *args)
        STEPS.append(zlib.crc32(self.network.theta.tobytes()))
        return measured

    return recording


def recorded_iteration(end):
    def recording(self, intermediate_result):  # SciPy looks at the name
        STEPS.append(zlib.crc32(intermediate_result.x.tobytes()))
        end(self, intermediate_result)

    return recording


def begun(kind):
    """Return the estimator as it is before the call that is interrupted."""
    name, params = KINDS[kind]
    defaults = {"batch_size": 32, "patience": None, "random_state": 0, "dtype": "float64"}
    own = getattr(skneural, name)(**{**defaults, **params})
    return (
        own.set_params(max_iter=3).fit(X, Y).set_params(max_iter=12) if own.warm_start else own
    )


def run(kind, own):
    if kind != "parts":
        return own.fit(X, Y)
    for part in range(own.max_iter):
        rows = slice(part % 4, None, 4)
        own.partial_fit(X[rows], Y[rows], classes=range(10))
    return own


class Whole:
    """A fit without interrupts: its result and its intermediate states."""

    def __init__(self, kind):
        own = begun(kind)
        self.before = own.n_iter_ if own.warm_start else 0
        STEPS.clear()
        start = time.thread_time()
        run(kind, own)
        self.seconds = time.thread_time() - start  # as `cpu_seconds` counts them in a fork
        self.steps, self.history = [*STEPS], own.history_
        self.epochs, self.samples = own.n_iter_, own.t_

    def check(self, kind, own):
        """Check an interrupted estimator, and return how far its fit came."""
        if not hasattr(own, "network_"):
            assert vars(own).keys() == vars(begun(kind)).keys()
            return "unfitted"
        done, history = own.n_iter_, own.history_
        for name, values in history.items():
            if name != "seconds":
                np.testing.assert_array_equal(values, self.history[name][:done])
            assert len(values) == done
        assert own.loss_ == history["loss"][-1]
        assert np.isfinite(own.predict(X)).all()
        if done == self.before:
            assert checksum(own.network_) == checksum(begun(kind).network_)
            return "as before"
        theta = zlib.crc32(own.network_.theta.tobytes())
        if "validation_score" in history:
            ranks = history["validation_loss"], -np.array(own.validation_scores_)
            best = np.lexsort(ranks)[0]
            assert self.steps[(best + 1) * len(self.steps) // self.epochs - 1] == theta
            assert own.score(X, Y) > 0.2
        else:
            after = self.steps.index(theta) + 1
            an_epoch = len(self.steps) // (self.epochs - self.before)
            assert 0 <= after - (done - self.before) * an_epoch < an_epoch
            left = own.t_ - done * self.samples // self.epochs
            assert (left > 0) == (after % an_epoch > 0)
            assert kind != "parts" or not left
        return "whole" if done == self.epochs else "fitted"


def cpu_seconds(process):
    """Return the CPU seconds of the main thread of a process."""
    with open(f"/proc/{process}/schedstat") as told:
        return int(told.read().split()[0]) / 1e9


def wait_for_cpu_seconds(child, seconds):
    """Wait until a child has used this many more CPU seconds, or has ended."""
    end = cpu_seconds(child) + seconds
    while cpu_seconds(child) < end and not os.waitid(
        os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT
    ):
        time.sleep(0.0005)


def interrupted(kind, whole, delays):
    """Interrupt a fit in a fork after each of these CPU times; return its end."""
    told, tell = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            outcome = in_child(kind, whole, tell, len(delays) == 1)
            os.write(tell, outcome.encode())
            code = 0
        except BaseException:
            traceback.print_exc()
        os._exit(code)
    os.read(told, 1)  # it is ready
    for delay in delays:
        wait_for_cpu_seconds(child, delay)
        os.kill(child, signal.SIGINT)
    _, status = os.waitpid(child, 0)
    outcome = os.read(told, 100).decode() if status == 0 else ""
    os.close(told)
    os.close(tell)
    assert outcome, f"{kind} interrupted after {delays} s"
    return outcome


def in_child(kind, whole, tell, once):
    own, pools = begun(kind), ThreadpoolController()
    threads, ended = [pool["num_threads"] for pool in pools.info()], "no exception"
    message, handler = "", signal.default_int_handler
    try:
        try:
            os.write(tell, b".")
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", ConvergenceWarning)
                run(kind, own)
        finally:  # where the second of two interrupts may come
            handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt as interrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        assert handler is signal.default_int_handler
        ended, message = "KeyboardInterrupt", str(interrupt)
    else:
        message = " ".join(str(warning.message) for warning in caught)
        ended = "warning" if message else ended
    assert [pool["num_threads"] for pool in pools.info()] == threads
    outcome = whole.check(kind, own)
    if outcome == "fitted" and kind != "parts" and once:
        assert f"weights it had reached, and n_iter_={own.n_iter_}." in message
        assert (ended == "warning") == (kind == "warns")
    if ended == "no exception":
        assert outcome == "whole"
    if outcome in ("fitted", "whole"):  # it can go on
        n_epochs = own.n_iter_
        own.set_params(max_iter=1, warm_start=True).fit(X, Y)
        assert own.n_iter_ == n_epochs + 1
    return f"{outcome}, {ended}"


LONG = {"max_iter": 10**6, "patience": None, "random_state": 0, "dtype": "float32"}
LONG_FITS = {
    "dense": ("MLPClassifier", (784,), {"hidden_layer_sizes": (512, 256), "batch_size": 256}),
    "small": ("MLPClassifier", (64,), {"hidden_layer_sizes": (64,), "batch_size": 32}),
    "convolutions": (
        "ConvNetClassifier",
        (28, 28, 1),
        {"filters": (16, 32), "batch_size": 64},
    ),
}
MOST_SECONDS = 0.1


def seconds_to_the_end(kind, delay):
    """Return for how many CPU seconds a fit continues after Ctrl-C."""
    name, shape, params = LONG_FITS[kind]
    told, tell = os.pipe()
    child = os.fork()
    if not child:
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=(4000, *shape)).astype(np.float32), rng.integers(10, size=4000)
        try:
            os.write(tell, b".")
            getattr(skneural, name)(**LONG, **params).fit(x, y)
        except KeyboardInterrupt:
            os.write(tell, str(cpu_seconds("self")).encode())
        os._exit(0)
    os.read(told, 1)  # it is ready
    time.sleep(delay)
    before = cpu_seconds(child)
    os.kill(child, signal.SIGINT)
    os.waitpid(child, 0)
    after = float(os.read(told, 100))
    os.close(told)
    os.close(tell)
    return after - before


def press_long_fits(n_presses, rng):
    """Press Ctrl-C in fits that would take minutes; return the longest time to the end."""
    slowest = 0
    for i in range(n_presses):
        kind = list(LONG_FITS)[i % len(LONG_FITS)]
        slowest = max(slowest, seconds_to_the_end(kind, rng.uniform(1, 3)))
    print(f"{n_presses} long fits: at most {1000 * slowest:.0f} ms of the CPU to their end")
    assert slowest < MOST_SECONDS


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interrupts", type=int, default=100, help="in all")
    parser.add_argument("--presses", type=int, default=20, help="in long fits")
    settings = parser.parse_args()
    n_interrupts, rng = settings.interrupts, random.Random(0)
    warnings.simplefilter("ignore", ConvergenceWarning)
    # where a shell has started this in the background, SIGINT is ignored
    signal.signal(signal.SIGINT, signal.default_int_handler)
    press_long_fits(settings.presses, rng)
    _optimizers.Adam.step = recorded(_optimizers.Adam.step)
    compiled.CompiledTraining._train_on = recorded_call(compiled.CompiledTraining._train_on)
    compiled._CALL_FLOPS = 1  # a step a call
    _lbfgs._Run.end_iteration = recorded_iteration(_lbfgs._Run.end_iteration)
    wholes, counts = {}, {kind: Counter() for kind in KINDS}
    for i in range(n_interrupts):
        kind = list(KINDS)[i % len(KINDS)]
        if kind not in wholes:
            wholes[kind] = Whole(kind)
        delays = [rng.uniform(0, wholes[kind].seconds)]
        if rng.random() < 0.2:  # an impatient user
            delays.append(rng.uniform(0, 0.005))
        counts[kind][interrupted(kind, wholes[kind], delays)] += 1
    for kind, outcomes in counts.items():
        told = "; ".join(f"{n} {outcome}" for outcome, n in outcomes.most_common())
        print(f"{kind}: {told}")
    ended = sum(counts.values(), Counter())
    assert ended["whole, no exception"] < n_interrupts / 2


if __name__ == "__main__":
    sys.exit(main())
