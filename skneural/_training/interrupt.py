"""Ctrl-C during a fit, which first ends the current step."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """Whether Ctrl-C was pressed."""

    pressed = False


@contextmanager
def deferred_interrupt() -> Iterator[Interrupt]:
    """Let the first Ctrl-C in the block set a flag; the second one raises at once.

    Python runs signal handlers only in the main thread. In other threads, and if the program
    has its own signal handler, nothing is changed, and `pressed` stays False. If the block
    raises an error after Ctrl-C, KeyboardInterrupt is raised instead, because otherwise a
    search would continue.

    Yields
    ------
    interrupt : Interrupt
        It must be tested after the block, too, because Ctrl-C may be pressed at its very end.
    """
    interrupt = Interrupt()

    def handle(number: int, frame: FrameType | None) -> None:
        if interrupt.pressed:  # restored first, because this may run during `finally` below
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.default_int_handler(number, frame)
        interrupt.pressed = True

    is_main = threading.current_thread() is threading.main_thread()
    try:
        if is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, handle)
        yield interrupt
    except Exception as error:
        if interrupt.pressed:
            raise KeyboardInterrupt(f"interrupted, and then: {error}") from error
        raise
    finally:
        if signal.getsignal(signal.SIGINT) is handle:
            signal.signal(signal.SIGINT, signal.default_int_handler)
