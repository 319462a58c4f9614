"""Threads that work on a step, or on many predictions, together."""

import contextlib
import threading

import numpy as np


class Crew:
    """Threads beside the one that calls: they wait without spinning until there is work.

    Parameters
    ----------
    n_helpers : int
        Threads to start; where the system has no more, there are fewer.

    Attributes
    ----------
    size : int
        How many works are done at once, here and in the threads.

    Examples
    --------
    >>> from skneural._crew import Crew
    >>> crew = Crew(1)
    >>> crew.run([lambda: "here", lambda: "there"])
    ['here', 'there']
    >>> crew.close()
    """

    def __init__(self, n_helpers):
        self.helpers = []
        try:
            for _ in range(n_helpers):
                self.helpers.append(_Helper())
        except RuntimeError:  # no more threads, by a limit of the system
            pass
        except BaseException:  # Ctrl-C
            self.close()
            raise
        self.size = 1 + len(self.helpers)

    def run(self, works):
        """Run the first work here and each other one in a thread; return what they return."""
        busy = []
        try:
            for helper, work in zip(self.helpers, works[1:], strict=True):
                helper.work = work
                busy.append(helper)
                helper.begin.release()
            first = works[0]()
        finally:
            for helper in busy:
                helper.done.acquire()
                helper.work = None
        for helper in busy:
            if helper.error is not None:
                raise helper.error
        return [first, *(helper.result for helper in busy)]

    def close(self):
        """End the threads."""
        for helper in self.helpers:
            helper.closing = True
            with contextlib.suppress(RuntimeError):  # an interrupted step has released it
                helper.begin.release()
        for helper in self.helpers:
            helper.join()


class _Helper(threading.Thread):
    """A thread that does one work after the other. Plain locks wake it up the fastest."""

    def __init__(self):
        super().__init__(name="skneural-part", daemon=True)
        self.begin, self.done = threading.Lock(), threading.Lock()
        self.begin.acquire()
        self.done.acquire()
        self.work = self.result = self.error = None
        self.closing = False
        self.start()

    def run(self):
        with np.errstate(all="ignore"):  # a diverging fit is reported by its loss
            while True:
                self.begin.acquire()
                if self.closing:
                    return
                self.result = self.error = None
                try:
                    self.result = self.work()
                except BaseException as error:
                    self.error = error
                self.done.release()
