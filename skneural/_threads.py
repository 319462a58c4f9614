"""How many threads BLAS may use while a network runs.

Two BLAS threads on a small product wait for each other by spinning: on a busy machine
that makes a fit many times slower. One thread is allowed unless the products are large.
The limit is a setting of the whole process, so it is held while any thread needs it.
"""

import functools
import threading
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController

# floating-point operations of one matrix product from which two threads gain safely
_LARGE_PRODUCT = 100e6

# building a controller takes milliseconds
_controller = functools.cache(ThreadpoolController)
_lock = threading.Lock()
_holders = 0
_limit = None


@contextmanager
def blas_threads_for(product_flops):
    """Limit BLAS to one thread inside the block, unless products are large.

    Parameters
    ----------
    product_flops : float
        Floating-point operations of the largest matrix product inside the block.

    """
    global _holders, _limit
    if product_flops >= _LARGE_PRODUCT:
        yield
        return
    with _lock:
        if _holders == 0:
            _limit = _controller().limit(limits=1, user_api="blas")
        _holders += 1
    try:
        yield
    finally:
        with _lock:
            _holders -= 1
            if _holders == 0:
                _limit.restore_original_limits()
                _limit = None
