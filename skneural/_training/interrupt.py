"""Ctrl-C while a fit runs: the step under way is ended first."""

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

    Python runs signal handlers in the main thread alone, and whoever has set a handler of
    his own has other plans: elsewhere nothing is changed, and `pressed` stays False. With
    an error of the block Ctrl-C is the stronger one, or a search would go on after both.

    Yields
    ------
    interrupt : Interrupt
        Look at it after the block, too: Ctrl-C may have been pressed at its very end.
    """
    interrupt = Interrupt()

    def handle(number: int, frame: FrameType | None) -> None:
        if interrupt.pressed:  # restored first: this may be in the middle of `finally` below
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
