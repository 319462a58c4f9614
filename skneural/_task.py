"""Tasks of a sweep: pieces of joblib calls, each in a thread, whose fits are handed in."""

import itertools
import threading
import warnings
from concurrent.futures import Future
from contextlib import contextmanager

from skneural import _stack
from skneural._threads import one_thread

_here = threading.local()  # not a context variable: threads that a task starts are no tasks


def current_task():
    """Return the task that this thread runs, or None."""
    return getattr(_here, "task", None)


@contextmanager
def outside_of_tasks():
    """Let fits in the block train at once: a scorer's or a callback's, while a stack trains."""
    task, _here.task = current_task(), None
    try:
        yield
    finally:
        _here.task = task


class GivenUp(BaseException):
    """Ends the tasks of a call after an error in one of them, or after Ctrl-C."""


class Call:
    """Tasks that were started together.

    Parameters
    ----------
    coordinator : Coordinator
        Of the sweep, one for calls and the calls that their tasks make.
    parent : Task or None
        The task that waits for these; None if none does, but the thread of a user.
    """

    def __init__(self, coordinator, parent=None):
        self.coordinator, self.parent = coordinator, parent
        self.unfinished = 0
        self.failed = self._given_up = False
        self.over = threading.Event()  # for a thread of a user

    @property
    def is_over(self):
        """Whether nothing is left to wait for."""
        return not self.unfinished or self.failed or self.given_up

    @property
    def given_up(self):
        """Whether nobody waits for these tasks any more."""
        return self._given_up or (self.parent is not None and self.parent.call.given_up)

    def submit(self, work, callback=None):
        """Run `work` as a task, call `callback` with its Future, and return that."""
        task = Task(self, work)
        if callback is not None:
            task.future.add_done_callback(callback)
        self.coordinator.add(task)
        return task.future

    def wait(self):
        """Wait until all tasks have ended, or one has failed."""
        with warnings.catch_warnings():  # others set theirs meanwhile
            self.coordinator.wait(self)
        if self.given_up:  # joblib would wait for tasks that never begin
            raise GivenUp

    def give_up(self):
        """Let no task begin, train or go on."""
        self._given_up = True
        self.coordinator.release()


class Task:
    """A piece of a call, in a thread of its own."""

    numbers = itertools.count()

    def __init__(self, call, work):
        self.call, self.work = call, work
        self.future = Future()
        self.turn = threading.Event()
        self.depth = 0 if call.parent is None else call.parent.depth + 1
        self.number = next(Task.numbers)
        self.handed_in = False  # whether it has ever
        self.job = self.watch = self.alone = self.outcome = None
        self.stack = None  # the tasks whose jobs its thread is to train

    def __lt__(self, other):
        """Whether to begin this one first: tasks of tasks, so that these come to an end."""
        return (-self.depth, self.number) < (-other.depth, other.number)

    def run(self):
        """Do the work, and tell joblib, which may add tasks."""
        _here.task = self
        work, self.work = self.work, None
        try:
            result = work()
        except BaseException as error:
            self.call.failed = True
            self.future.set_exception(error)
        else:
            self.future.set_result(result)

    def train(self, job, watch, alone):
        """Train a job with others of its kind, or by `alone(watch)`; return what it returns."""
        key = _stack.stack_key(job, watch)
        watch = _TaskWatch(watch, self.call)
        outcome = None
        if not self.call.given_up:
            if key is None or self.call.coordinator.width(key) == 1:
                with one_thread():  # other cores have tasks of their own
                    outcome = alone(watch)
            else:
                with warnings.catch_warnings():  # others set theirs meanwhile
                    outcome = self.call.coordinator.hand_in(self, key, job, watch, alone)
        if self.call.given_up:
            raise GivenUp
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


class _TaskWatch:
    """A watch that asks to stop when the call of its task has been given up."""

    def __init__(self, watch, call):
        self.watch, self.call = watch, call

    @property
    def interrupted(self):
        """Whether to stop after a step. Ctrl-C itself comes to the main thread alone."""
        return self.call.given_up

    def begin(self):
        """An epoch begins."""
        self.watch.begin()

    def end(self, progress):
        """An epoch has ended; return whether to stop."""
        return self.watch.end(progress) or self.call.given_up
