"""The joblib backend "skneural": tasks are threads whose fits are trained together.

On several cores, there are as many processes, each with its share of the tasks.
"""

import multiprocessing
import warnings
from contextlib import contextmanager
from functools import partial

from joblib import cpu_count
from joblib.parallel import (
    FallbackToBackend,
    ParallelBackendBase,
    SequentialBackend,
    ThreadingBackend,
)

from skneural._coordinator import MOST_TASKS, Coordinator
from skneural._processes import ProcessBackend
from skneural._task import Call, current_task


class SweepBackend(ParallelBackendBase):
    """Runs the tasks of a Parallel call as threads that meet in a `Coordinator`.

    `n_jobs` is how many cores train, each in a process of its own, or in threads of this one
    where tasks are to share memory. Many more tasks than that are under way, so joblib and
    scikit-learn, which ask how many to prepare, are told so.
    """

    default_n_jobs = -1
    supports_retrieve_callback = True
    supports_sharedmem = True
    uses_threads = True

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.parallel = None  # the Parallel object that this serves
        self._calls = []  # those that are going on, with what restores the warning filters

    def effective_n_jobs(self, n_jobs):
        """How many tasks are under way at once; for others within a task, the usual number.

        They cut their work into so many parts, and parts of no fit only cost time.
        """
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning")
        if current_task() is None or self.parallel is not None:
            return 1 if n_jobs == 1 else MOST_TASKS
        n_jobs = 1 if n_jobs is None else n_jobs
        return n_jobs if n_jobs > 0 else max(cpu_count() + 1 + n_jobs, 1)

    def configure(self, n_jobs=1, parallel=None, **kwargs):
        """Prepare for the calls of a Parallel object; return how many tasks are under way."""
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning")
        if n_jobs == 1:
            raise FallbackToBackend(SequentialBackend(nesting_level=self.nesting_level))
        if parallel.return_generator or parallel.timeout is not None:
            # joblib watches over such calls itself, and its own threads serve it well
            raise FallbackToBackend(ThreadingBackend(nesting_level=self.nesting_level))
        n_cores = cpu_count()
        n_jobs = -1 if n_jobs is None else n_jobs
        self._n_cores = min(n_jobs, n_cores) if n_jobs > 0 else max(n_cores + 1 + n_jobs, 1)
        if self._n_cores > 1 and self._may_have_processes(kwargs.get("require")):
            n_tasks = max(MOST_TASKS, 32 * self._n_cores)
            nested = partial(type(self), nesting_level=self.nesting_level + 1)
            raise FallbackToBackend(ProcessBackend(nested, self._n_cores, n_tasks))
        self.parallel = parallel
        return MOST_TASKS

    def _may_have_processes(self, require):
        """Whether nobody wants tasks in this process, and nobody else keeps cores busy."""
        is_first = self.nesting_level == 0 and current_task() is None
        return is_first and require != "sharedmem" and multiprocessing.parent_process() is None

    def terminate(self):
        """End the service of a Parallel object."""
        self.parallel = None

    def start_call(self):
        """Begin a call of Parallel: one made in a task of ours joins its sweep."""
        task = current_task()
        coordinator = Coordinator(self._n_cores) if task is None else task.call.coordinator
        filters = warnings.catch_warnings()  # tasks change them, one over the other
        filters.__enter__()
        self._calls.append((Call(coordinator, task), filters))

    def stop_call(self):
        """End a call of Parallel."""
        call, filters = self._calls.pop()
        try:
            if call.parent is None:
                call.coordinator.close()
        finally:
            filters.__exit__(None, None, None)

    def submit(self, func, callback=None):
        """Add a task; return its Future."""
        task = current_task()
        for call, _ in self._calls:
            if task is not None and task.call is call:  # one that has ended asks for another
                return call.submit(func, callback)
        return self._calls[-1][0].submit(func, callback)

    apply_async = submit  # the name before joblib 1.5

    def retrieve_result_callback(self, out):
        """Return the result of a task, or raise its error."""
        return out.result()

    @contextmanager
    def retrieval_context(self):
        """Wait for the tasks; a task that waits for tasks of its own lets others run."""
        self._calls[-1][0].wait()
        yield

    def abort_everything(self, ensure_ready=True):
        """End the tasks of the call, after an error or Ctrl-C."""
        self._calls[-1][0].give_up()

    def get_nested_backend(self):
        """Tasks of tasks join the sweep."""
        return type(self)(nesting_level=self.nesting_level + 1), None
