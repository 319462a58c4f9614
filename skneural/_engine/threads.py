"""How many threads the compiled engine may use."""

import os
import threading
from contextlib import contextmanager

from skneural._threads import allowed_threads

_lock = threading.Lock()
_running = 0  # fits that run in this process right now


@contextmanager
def counted():
    """Count a fit while it runs: fits at the same time share the cores."""
    global _running
    with _lock:
        _running += 1
    try:
        yield
    finally:
        with _lock:
            _running -= 1


def team_size(flops, flops_per_thread):
    """Return how many threads gain from work of so many floating-point operations.

    There are no more than BLAS may have (by threadpoolctl, an environment variable or joblib),
    shared among the fits that are `counted` at the moment.
    """
    worthwhile = int(flops / flops_per_thread)
    if worthwhile <= 1:
        return 1
    return max(1, min(allowed_threads() // max(1, _running), worthwhile))


def _forget_other_threads():
    """A forked process has none of the threads whose fits were counted."""
    global _running, _lock
    _running, _lock = 0, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_other_threads)
