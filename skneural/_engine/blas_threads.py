"""The number of threads of BLAS while a network is trained or used.

Two BLAS threads that share a small product wait for each other in a loop. On a busy machine
this makes a fit many times slower. Therefore BLAS may use only one thread unless the products
are large. In this case, only NumPy's pool may use more: SciPy's wheels contain a pool of their
own, which is used here for vector updates, and the two pools would disturb each other. The
limit applies to the whole process, so a pool is limited as long as any thread needs the limit.
"""

import functools
import os
import threading
from pathlib import Path
from typing import Protocol

from joblib import cpu_count
from threadpoolctl import ThreadpoolController

# floating-point operations of a matrix product from which more threads are always faster
_LARGE_PRODUCT = 100e6


class Holders(Protocol):
    """A set of `Held`, or a pool of threads."""

    def add(self, holder: "Held", /) -> None:
        """Add one."""

    def discard(self, holder: "Held", /) -> None:
        """Remove an element if it is present."""


class Held:
    """Adds itself to sets or pools for the duration of a block.

    Write ``with closing(held), held:``. Ctrl-C, or another signal whose handler raises an
    exception, may interrupt `__enter__` or `__exit__` at any instruction, and `closing` then
    calls `close` once more. A context manager made from a generator would not be sufficient: if
    it is interrupted, its end runs only when the traceback is deleted.

    Parameters
    ----------
    *sets : set or _Pool
    """

    def __init__(self, *sets: Holders) -> None:
        self.sets = sets

    def __enter__(self) -> None:
        for holders in self.sets:
            holders.add(self)

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove it from the sets; a second call changes nothing."""
        for holders in self.sets:
            holders.discard(self)


class _Pool:
    """The threads of BLAS libraries, which have one thread each while there is a holder."""

    def __init__(self, controller: ThreadpoolController) -> None:
        # set separately, because `controller.limit` takes 3 us per pool longer
        self.libraries = controller.lib_controllers
        # threadpoolctl >= 3.7 lets only one thread limit OpenBLAS, and ignores all others. They
        # would not be limited, or a limit would remain. Counting the holders solves this.
        self.setters = [
            getattr(library, "_real_set_num_threads", library.set_num_threads)
            for library in self.libraries
        ]
        self.lock = threading.Lock()
        self.holders: set[Held] = set()
        if hasattr(os, "register_at_fork"):
            # otherwise a thread that does not exist in the fork might hold the lock
            os.register_at_fork(
                before=self.lock.acquire,
                after_in_parent=self.lock.release,
                after_in_child=self.lock.release,
            )

    def add(self, holder: Held) -> None:
        """Limit the libraries, unless there is another holder."""
        with self.lock:
            is_first = not self.holders
            if is_first:
                self.before = [library.get_num_threads() for library in self.libraries]
            # before the limit is set, so that `discard` removes it after an interruption
            self.holders.add(holder)
            if is_first:
                for set_num_threads in self.setters:
                    set_num_threads(1)

    def discard(self, holder: Held) -> None:
        """Remove the limit if this is the last holder; change nothing if it is no holder."""
        if holder not in self.holders:
            return
        with self.lock:
            if len(self.holders) == 1:
                for set_num_threads, n in zip(self.setters, self.before, strict=True):
                    set_num_threads(n)
            # after the loop, so that the next call repeats it after an interruption
            self.holders.remove(holder)

    def allowed(self) -> int | None:
        """Return the number of threads without a holder, or None without BLAS."""
        with self.lock:
            if self.holders:
                return max(self.before, default=None)
            return max((lib.get_num_threads() for lib in self.libraries), default=None)


@functools.cache
def _pools() -> tuple[_Pool, _Pool]:
    """Return the pool of NumPy's matrix products, and that of SciPy if it is another one."""
    # only once, because creating a controller takes milliseconds
    blas = ThreadpoolController().select(user_api="blas")
    paths = [library["filepath"] for library in blas.info()]
    of_scipy = [
        path
        for path in paths
        if Path(path).parent.name == "scipy.libs" or Path(path).parents[1].name == "scipy"
    ]
    others = [path for path in paths if path not in of_scipy]
    return _Pool(blas.select(filepath=others)), _Pool(blas.select(filepath=of_scipy))


def blas_threads_for(product_flops: float) -> Held:
    """Limit BLAS to one thread inside a block, unless products are large.

    Parameters
    ----------
    product_flops : float
        Floating-point operations of the largest matrix product inside the block.

    Returns
    -------
    limit : Held
    """
    products, updates = _pools()
    return Held(updates, products) if product_flops < _LARGE_PRODUCT else Held(updates)


def allowed_threads() -> int:
    """Return how many threads a fit or a prediction may have, which is the limit of BLAS.

    This limit is set by threadpoolctl, joblib and variables such as ``OMP_NUM_THREADS``. If no
    BLAS library with a limit is found, it is the number of cores.
    """
    products, _ = _pools()
    return products.allowed() or cpu_count()
