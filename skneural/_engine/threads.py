"""How many threads the compiled engine may use."""

import os

from skneural._engine.blas_threads import Held, allowed_threads

_running: set[Held] = set()  # fits that run in this process right now


def counted() -> Held:
    """Return a `Held` that counts a running fit: fits at the same time share the cores."""
    return Held(_running)


def team_size(flops: float, flops_per_thread: float) -> int:
    """Return how many threads gain from work of so many floating-point operations.

    There are no more than BLAS may have (by threadpoolctl, an environment variable or joblib),
    shared among the fits that are `counted` at the moment.
    """
    worthwhile = int(flops / flops_per_thread)
    if worthwhile <= 1:
        return 1
    return max(1, min(allowed_threads() // max(1, len(_running)), worthwhile))


if hasattr(os, "register_at_fork"):
    # a forked process has none of the threads whose fits were counted
    os.register_at_fork(after_in_child=_running.clear)
