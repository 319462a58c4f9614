"""How many threads BLAS may use while a network runs, and a fit.

Two BLAS threads on a small product wait for each other by spinning: on a busy machine
that makes a fit many times slower. One thread is allowed unless the products are large; and
then to the pool of NumPy alone: SciPy's wheels bring a pool of their own, for the vector
updates here, and two pools spin against each other. Such a limit is a setting of the whole
process, so a pool is limited for as long as any thread needs it to be.
"""

import functools
import os
import threading
from pathlib import Path
from typing import Protocol

from joblib import cpu_count
from threadpoolctl import ThreadpoolController

# floating-point operations of a matrix product from which more threads gain safely
_LARGE_PRODUCT = 100e6


class Holders(Protocol):
    """A set of `Held`, or a pool of threads."""

    def add(self, holder: "Held", /) -> None:
        """Add one."""

    def discard(self, holder: "Held", /) -> None:
        """Take one out, if it is in."""


class Held:
    """Adds itself to some sets, or pools, for the time of a block.

    Write ``with closing(held), held:``. Ctrl-C, or another signal whose handler raises an
    exception, may break off `__enter__` or `__exit__` at any instruction; `closing` then calls
    `close` once more. A context manager made of a generator would not do: if it is broken off,
    its end runs only when the traceback is deleted.

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
        """Discard it from the sets; a second call changes nothing."""
        for holders in self.sets:
            holders.discard(self)


class _Pool:
    """The threads of some BLAS libraries: one each while any thread has added a holder."""

    def __init__(self, controller: ThreadpoolController) -> None:
        # set one by one: `controller.limit` describes all of them first, 3 us a pool
        self.libraries = controller.lib_controllers
        # threadpoolctl >= 3.7 lets one thread alone set OpenBLAS, and ignores all others: they
        # would not be limited, or leave a limit behind. The count of holders is what is needed.
        self.setters = [
            getattr(library, "_real_set_num_threads", library.set_num_threads)
            for library in self.libraries
        ]
        self.lock = threading.Lock()
        self.holders: set[Held] = set()
        if hasattr(os, "register_at_fork"):
            # else another thread might hold the lock in the fork, where it does not run
            os.register_at_fork(
                before=self.lock.acquire,
                after_in_parent=self.lock.release,
                after_in_child=self.lock.release,
            )

    def add(self, holder: Held) -> None:
        """Limit the libraries, unless another holder has done so."""
        with self.lock:
            is_first = not self.holders
            if is_first:
                self.before = [library.get_num_threads() for library in self.libraries]
            # before the limit is set: if that is broken off, `discard` takes it back
            self.holders.add(holder)
            if is_first:
                for set_num_threads in self.setters:
                    set_num_threads(1)

    def discard(self, holder: Held) -> None:
        """Take the limit back if this is the only holder; change nothing if it is none."""
        if holder not in self.holders:
            return
        with self.lock:
            if len(self.holders) == 1:
                for set_num_threads, n in zip(self.setters, self.before, strict=True):
                    set_num_threads(n)
            # after the loop: if that is broken off, the next call repeats it
            self.holders.remove(holder)

    def allowed(self) -> int | None:
        """Return how many threads it may have while nobody holds it, or None without BLAS."""
        with self.lock:
            if self.holders:
                return max(self.before, default=None)
            return max((lib.get_num_threads() for lib in self.libraries), default=None)


@functools.cache
def _pools() -> tuple[_Pool, _Pool]:
    """Return the pool that multiplies matrices, and that of SciPy if it is another."""
    # once: a controller takes milliseconds to build
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
    """Return how many threads a fit or a prediction may have: as many as BLAS may have.

    That is what threadpoolctl, joblib and variables such as ``OMP_NUM_THREADS`` limit. Where no
    BLAS is found whose threads can be limited, it is the number of cores.
    """
    products, _ = _pools()
    return products.allowed() or cpu_count()
