"""Tasks of a sweep in processes: each is given many at once, and trains their fits together."""

import contextlib
import threading
import warnings
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from functools import partial
from pickle import PicklingError

from joblib.parallel import LokyBackend

from skneural._coordinator import Coordinator
from skneural._task import Call

MOST_AT_ONCE = 128  # tasks that a process is given


class ProcessBackend(LokyBackend):
    """joblib's processes, which get the tasks of a Parallel call in large parts.

    Parameters
    ----------
    nested : function
        Returns a backend for what a task calls itself. Each task has its own.
    n_processes : int
    n_tasks : int
        How many are to be under way at once.
    """

    def __init__(self, nested, n_processes, n_tasks):
        super().__init__(nesting_level=0)
        self.nested, self.n_processes, self.n_tasks = nested, n_processes, n_tasks
        self.starting = False  # processes
        self.lock = threading.Lock()
        self.gathered = []  # tasks that have not been handed out, and their futures
        self.calls = []  # of tasks that could not travel, and are done in this process
        self.threads = []  # in which that happens

    def effective_n_jobs(self, n_jobs):
        """How many tasks are under way; for joblib's code that starts processes, how many."""
        return self.n_processes if self.starting else self.n_tasks

    def configure(self, n_jobs=1, parallel=None, **kwargs):
        """Have processes ready; return how many tasks are under way."""
        self.starting = True
        try:
            super().configure(n_jobs, parallel, **kwargs)
        finally:
            self.starting = False
        return self.n_tasks

    def compute_batch_size(self):
        """One task at a time: they are put together here."""
        return 1

    def start_call(self):
        """Begin a call of Parallel."""
        self.begun = self.aborted = False  # begun: its first tasks have been handed out
        self.calls = []
        self.filters = warnings.catch_warnings()  # what is done here changes them
        self.filters.__enter__()

    def stop_call(self):
        """End a call of Parallel, and what is done here for it."""
        try:
            while self.threads:
                self.threads.pop().join()
        finally:
            self.filters.__exit__(None, None, None)

    def submit(self, func, callback=None):
        """Take a task; return its Future."""
        future = Future()
        if callback is not None:
            future.add_done_callback(callback)
        with self.lock:
            self.gathered.append((func, future))
        return future

    apply_async = submit  # the name before joblib 1.5

    @contextlib.contextmanager
    def retrieval_context(self):
        """Begin, as all of the first tasks are there."""
        self._hand_out()
        yield

    def abort_everything(self, ensure_ready=True):
        """End the tasks of the call, after an error or Ctrl-C."""
        with self.lock:
            self.aborted, self.gathered = True, []
            calls, self.calls = self.calls, []
            for call in calls:
                call.give_up()
        super().abort_everything(ensure_ready)

    def get_nested_backend(self):
        """Tasks of tasks stay in the process, and join its sweep."""
        return self.nested(), None

    def _hand_out(self):
        """Give the processes what has been gathered, every part a mixture of it."""
        with self.lock:
            if self.aborted:
                return
            workers = self._workers
            tasks, self.gathered = self.gathered, []
            n_parts = -(-len(tasks) // MOST_AT_ONCE)
            if not self.begun:  # something for everybody; later, for the one that has ended
                n_parts = min(len(tasks), n_parts + -n_parts % self.n_processes)
            self.begun = True
        for part in (tasks[i::n_parts] for i in range(n_parts)):
            works, futures = zip(*part, strict=True)
            try:
                done = workers.submit(run_tasks, works, self.n_processes)
            except RuntimeError as error:  # they have ended, such as by Ctrl-C
                _pass_on(error, None, futures)
            else:
                done.add_done_callback(partial(self._take_back, works, futures))

    def _take_back(self, works, futures, done):
        """Pass on the results of a part, and hand out what joblib then adds."""
        error = done.exception()
        # joblib's words, which tell it from an error of a task, or about a result
        if isinstance(error, PicklingError) and "to the workers" in str(error):
            # not in joblib's own thread, which others wait for
            args = works, futures
            here = threading.Thread(target=self._do_here, args=args, name="skneural-here")
            here.start()
            self.threads.append(here)
        else:
            _pass_on(error, None if error else done.result(), futures)
            self._hand_out()

    def _do_here(self, works, futures):
        """Do in this process what does not reach another."""
        error = results = None
        try:
            with contextlib.closing(Coordinator(1, self.n_processes)) as coordinator:
                call = Call(coordinator)
                with self.lock:
                    self.calls.append(call)
                    if self.aborted:
                        call.give_up()
                results = _results(call, works)
        except BaseException as raised:
            error = raised
        _pass_on(error, results, futures)
        self._hand_out()


def run_tasks(works, n_processes):
    """Run tasks whose fits meet, in one of so many processes; return their results."""
    call = Call(Coordinator(1, n_processes))
    with warnings.catch_warnings():  # tasks change them, one over the other
        results = _results(call, works)
    # after an error nobody waits for the rest: joblib ends the process
    call.coordinator.close()
    return results


def _results(call, works):
    """Run the tasks of a call; return their results, or raise the first error."""
    try:
        futures = [call.submit(work) for work in works]
        call.wait()
        # an error ends the call, perhaps before it has reached its future
        for future in wait(futures, return_when=FIRST_EXCEPTION).done:
            future.result()
        return [future.result() for future in futures]
    except BaseException:
        call.give_up()
        raise


def _pass_on(error, results, futures):
    """Give every task its result, or the error that ended one of them."""
    for i, future in enumerate(futures):
        if error is None:
            future.set_result(results[i])
        else:
            future.set_exception(error)
