"""Threads that work on a step together, each on its part."""

import threading

import numpy as np


class Crew:
    """Threads beside the one that calls: they wait without spinning until there is work.

    Parameters
    ----------
    n_helpers : int
        Threads to start.

    Examples
    --------
    >>> from skneural._crew import Crew
    >>> crew = Crew(1)
    >>> crew.run([lambda: "here", lambda: "there"])
    ['here', 'there']
    >>> crew.close()
    """

    def __init__(self, n_helpers):
        self.helpers = [_Helper() for _ in range(n_helpers)]

    def run(self, works):
        """Run the first work here and each other one in a thread; return what they return."""
        busy = self.helpers[: len(works) - 1]
        for helper, work in zip(busy, works[1:], strict=True):
            helper.work = work
            helper.begin.release()
        try:
            first = works[0]()
        finally:
            for helper in busy:
                helper.done.acquire()
        for helper in busy:
            if helper.error is not None:
                raise helper.error
        return [first, *(helper.result for helper in busy)]

    def close(self):
        """End the threads."""
        for helper in self.helpers:
            helper.work = None
            helper.begin.release()
            helper.join()


class _Helper(threading.Thread):
    """A thread that does one work after the other. Plain locks wake it up the fastest."""

    def __init__(self):
        super().__init__(name="skneural-part", daemon=True)
        self.begin, self.done = threading.Lock(), threading.Lock()
        self.begin.acquire()
        self.done.acquire()
        self.work = self.result = self.error = None
        self.start()

    def run(self):
        with np.errstate(all="ignore"):  # a diverging fit is reported by its loss
            while True:
                self.begin.acquire()
                if self.work is None:
                    return
                self.result = self.error = None
                try:
                    self.result = self.work()
                except BaseException as error:
                    self.error = error
                self.done.release()
