"""The number of threads of the compiled engine."""

import os

from skneural._engine.blas_threads import Held, allowed_threads

_running: set[Held] = set()  # fits that are running in this process


def counted() -> Held:
    """Return a `Held` that counts a running fit, because simultaneous fits share the cores."""
    return Held(_running)


def team_size(flops: float, flops_per_thread: float) -> int:
    """Return the number of threads for work of this number of floating-point operations.

    It is at most the limit of BLAS (set by threadpoolctl, an environment variable or joblib),
    divided by the number of fits that are `counted` at the moment.
    """
    worthwhile = int(flops / flops_per_thread)
    if worthwhile <= 1:
        return 1
    return max(1, min(allowed_threads() // max(1, len(_running)), worthwhile))


if hasattr(os, "register_at_fork"):
    # the threads of these fits do not exist in a forked process
    os.register_at_fork(after_in_child=_running.clear)
