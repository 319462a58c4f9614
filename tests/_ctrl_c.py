"""Simulate Ctrl-C at a chosen Python instruction."""

import _thread
import itertools
import signal
import sys


def call_interrupted(function, place, traced, times=1):
    """Call a function, and simulate Ctrl-C at the beginning of one of its instructions.

    Parameters
    ----------
    function : callable
    place : int
        Index of the instruction, counted from 0 in the traced frames.
    traced : callable
        Returns whether the instructions of a frame are counted.
    times : {1, 2}, default=1
        How often Ctrl-C is pressed.

    Returns
    -------
    pressed : bool
        False if there are fewer instructions.
    """
    places, pressed = itertools.count(), False

    def trace(frame, event, _):
        nonlocal pressed
        if not traced(frame):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode" and next(places) == place:
            pressed = True
            if times == 2:
                signal.raise_signal(signal.SIGINT)
            sys.settrace(None)
            # Python looks for signals at calls. There is none from here on, so the handler
            # runs where the traced code makes its next one, as with a signal from outside.
            [_] = map(_thread.interrupt_main, [signal.SIGINT])
        return trace

    before = sys.gettrace()
    sys._getframe().f_trace_opcodes = True  # Python 3.12 looks at it in `settrace`
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(before)
    return pressed
