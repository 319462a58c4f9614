"""Where the fits of a sweep meet: its tasks are threads, and hand in what is to be trained.

A task runs until it hands in a job, waits for tasks of its own, or ends. When no task runs
that could hand in more, the jobs that wait are trained as stacks, each by the thread of one
of its tasks; then the tasks go on. Tasks take turns, as Python runs one thread at a time
anyway; one that is at it for long gets company.
"""

import contextlib
import heapq
import threading
import time
from collections import deque

from skneural import _stack
from skneural._network import machine_memory
from skneural._task import outside_of_tasks
from skneural._threads import one_thread

MOST_TASKS = 256  # that are under way at once
_TURN = 0.02  # seconds that a task runs alone
_STALL = 0.3  # seconds without a new job after which those that wait no longer do
_LONG_STALL = 1.0  # the same, where tasks take their time
_GRACE = 2.0  # seconds that a sweep which was given up waits for what is not ours
_SHARE_OF_MEMORY = 1 / 4  # that the rows and networks of waiting tasks may take


class _Worker(threading.Thread):
    """A thread that runs one task after the other, until it is told to go on without one."""

    def __init__(self, coordinator):
        super().__init__(name="skneural-task", daemon=True)
        self.coordinator, self.task = coordinator, None
        self.turn = threading.Event()
        coordinator.workers.append(self)
        self.start()

    def run(self):
        while True:
            self.turn.wait()
            self.turn.clear()
            task, self.task = self.task, None
            if task is None:
                return
            self.coordinator.run(task, self)


class Coordinator:
    """Gives tasks their turns and trains what they hand in, on `n_cores` threads at a time.

    It is one of `n_processes` that share memory and cache.
    """

    def __init__(self, n_cores, n_processes=1):
        self.n_cores, self.n_processes = n_cores, n_processes
        self.lock = threading.Lock()
        self.queue = []  # a heap of tasks that have not begun
        self.running = {}  # a task: since when
        self.waiting = {}  # a key: the tasks that have handed in a job with it
        self.stacks = deque()  # lists of tasks, to be trained
        self.training = 0  # stacks
        self.parked = []  # calls whose parent waits for them
        self.ready = deque()  # tasks to go on: when they could have, and the task
        self.workers, self.idle = [], []
        self.admitted = 0  # tasks that hold memory of their own
        self.room = n_cores  # for so many
        self.largest = 0  # bytes of a task
        self.dispatching = True  # whether the first call is still adding tasks
        self.meets = True  # whether the last task to stop had handed in a job
        self.arrived = time.monotonic()  # the last job
        self.jobs, self.spent = 0, 0.0  # seconds that tasks ran before they handed in a job
        self.closed = False
        self.stop_clock = threading.Event()
        self.clock = threading.Thread(target=self._tick, name="skneural-clock", daemon=True)
        self.clock.start()

    def add(self, task):
        """Let a task begin as soon as there is room."""
        with self.lock:
            task.call.unfinished += 1
            if not task.call.given_up:
                heapq.heappush(self.queue, task)
            self._advance()

    def hand_in(self, task, key, job, watch, alone):
        """Have a job trained; return its outcome when it is the task's turn again."""
        with self.lock:
            now = self.arrived = time.monotonic()
            spent = now - self.running.pop(task)
            self.jobs, self.spent = self.jobs + 1, self.spent + spent
            self.meets = task.handed_in = True
            self._make_room(job)
            task.job, task.watch, task.alone = job, watch, alone
            self.waiting.setdefault(key, []).append(task)
            if task.call.given_up:  # since `train` looked
                self._release()
            self._advance()
        self._have_worker_ready()
        while True:
            task.turn.wait()
            task.turn.clear()
            if task.stack is None:
                break
            self._train(task)
        outcome, task.outcome = task.outcome, None
        return outcome

    def width(self, key):
        """Return how many networks a stack of this kind is to hold."""
        return _stack.width(key, self.n_cores * self.n_processes)

    def wait(self, call):
        """Wait for the tasks of a call; a task that waits lets others run."""
        task = call.parent
        with self.lock:
            if task is None:
                self.dispatching = False
            else:
                self.running.pop(task)
                self.admitted -= 1
            self.parked.append(call)
            self._advance()
        if task is None:
            while not call.over.wait(1.0):  # without a limit, Windows would not hear Ctrl-C
                pass
        else:
            task.turn.wait()
            task.turn.clear()

    def release(self):
        """Let all tasks that were given up go on, to their end."""
        with self.lock:
            self._release()
            self._advance()

    def close(self):
        """Wait for the threads. What is not ours, after an error, may outlive the sweep."""
        with self.lock:
            self.closed = True
            for worker in self.workers:  # those that run see it at the end of their task
                worker.turn.set()
        deadline = time.monotonic() + _GRACE
        try:
            for worker in list(self.workers):
                while worker.is_alive() and (self.training or time.monotonic() < deadline):
                    worker.join(0.05)
        finally:
            self.stop_clock.set()
        self.clock.join()

    def _tick(self):
        while not self.stop_clock.wait(_TURN):
            with self.lock:
                self._advance()

    def run(self, task, worker):
        """Run a task in the thread of a worker, and count it out."""
        try:
            task.run()
        finally:
            with self.lock:
                self.running.pop(task)
                self.admitted -= 1
                self.meets = task.handed_in
                task.call.unfinished -= 1
                self._make_idle(worker)
                self._advance()

    def _have_worker_ready(self):
        """Start the thread of a task to come while another one runs: it can take a while."""
        with self.lock:
            wanted = self._may_begin() and not self.idle
        if wanted:
            with contextlib.suppress(RuntimeError):  # no more threads, by a limit of the system
                worker = _Worker(self)
                with self.lock:
                    self._make_idle(worker)

    def _train(self, task):
        """Train the stack of a task, in its thread."""
        stack, task.stack = task.stack, None
        jobs, watches = [each.job for each in stack], [each.watch for each in stack]
        try:
            # one thread, as other cores have stacks of their own
            with outside_of_tasks(), one_thread():
                if len(stack) == 1:
                    outcomes = [task.alone(task.watch)]
                else:
                    outcomes = _stack.train_stack(jobs, watches)
        except BaseException as error:
            outcomes = [error] * len(stack)
        with self.lock:
            self.training -= 1
            for each, each.outcome in zip(stack, outcomes, strict=True):
                self._make_ready(each)
            self._advance()

    # what follows runs under the lock

    def _advance(self):
        """Do all that can be done now."""
        now = time.monotonic()
        for call in [call for call in self.parked if call.is_over]:
            self.parked.remove(call)
            if call.parent is None:
                call.over.set()
            else:
                self.admitted += 1
                self._make_ready(call.parent)
        while (self.ready or self._may_begin()) and self._has_turn(now):
            if self.ready:
                self._go_on(self.ready.popleft()[1])
            else:
                self._begin(heapq.heappop(self.queue))
        if self.spent > _TURN * self.jobs:  # tasks take their time: no use in waiting for all
            self._stack_what_is_full()
        if self.waiting and self.training + len(self.stacks) < self.n_cores:
            nobody_comes = not self.running and not self.dispatching
            # not the longest: one that waits for a lock would make the next one wait longer
            usual = 2 * self.spent / self.jobs
            if nobody_comes or now - self.arrived > min(max(_STALL, usual), _LONG_STALL):
                self._meet()
        while self.stacks and self.training < self.n_cores:
            self.training += 1
            stack = self.stacks.popleft()
            stack[0].stack = stack
            stack[0].turn.set()

    def _has_turn(self, now):
        """Whether one more task may run."""
        if not self.running:
            return True
        if self.ready and now - self.ready[0][0] > _STALL:
            return True  # those that run may wait for what it holds, such as a lock
        if len(self.running) >= self.n_cores:
            return False
        return not self.meets or now - max(self.running.values()) > _TURN

    def _may_begin(self):
        return self.queue and self.admitted < self.room

    def _begin(self, task):
        if not self.idle:
            try:
                self.idle.append(_Worker(self))
            except RuntimeError:  # no more threads, by a limit of the system
                if not self.admitted:
                    raise
                self.room = self.admitted
                heapq.heappush(self.queue, task)
                return
        self.admitted += 1
        self.running[task] = time.monotonic()
        worker = self.idle.pop()
        worker.task = task
        worker.turn.set()

    def _make_idle(self, worker):
        self.idle.append(worker)
        if self.closed:
            worker.turn.set()

    def _make_ready(self, task):
        """Let a task go on when it is its turn; one that was given up, at once."""
        task.job = task.watch = task.alone = None
        if task.call.given_up:
            self._go_on(task)
        else:
            self.ready.append((time.monotonic(), task))

    def _go_on(self, task):
        self.running[task] = time.monotonic()
        task.turn.set()

    def _release(self):
        """Let tasks that were given up go on, to their end; forget those not begun."""
        self.queue = [task for task in self.queue if not task.call.given_up]
        heapq.heapify(self.queue)
        for tasks in (*self.waiting.values(), *self.stacks):
            for task in [task for task in tasks if task.call.given_up]:
                tasks.remove(task)
                self._go_on(task)
        self.stacks = deque(stack for stack in self.stacks if stack)
        for entry in [entry for entry in self.ready if entry[1].call.given_up]:
            self.ready.remove(entry)
            self._go_on(entry[1])

    def _make_room(self, job):
        """Learn from a job how many like it memory has room for."""
        memory = machine_memory()
        budget = ((_SHARE_OF_MEMORY * memory) if memory else 2**32) / self.n_processes
        self.largest = max(self.largest, _n_bytes(job))
        self.room = max(self.n_cores, min(MOST_TASKS, int(budget / self.largest)))

    def _stack_what_is_full(self):
        """Make a stack of jobs that need no more beside them, if the other cores get some."""
        for key, tasks in self.waiting.items():
            idle = self.n_cores - self.training - len(self.stacks)
            full = self.width(key)
            if idle > 0 and len(tasks) >= full and len(tasks) + len(self.queue) >= idle * full:
                self.stacks.append(tasks[:full])
                del tasks[:full]
        self.waiting = {key: tasks for key, tasks in self.waiting.items() if tasks}

    def _meet(self):
        """Make stacks of all jobs that wait, so that every core has one to the end."""
        stacks = []
        for key, tasks in self.waiting.items():
            n_stacks = -(-len(tasks) // self.width(key))
            stacks += [tasks[i::n_stacks] for i in range(n_stacks)]
        self.waiting = {}
        while len(stacks) % self.n_cores and len(stack := max(stacks, key=len)) > 1:
            stacks.remove(stack)
            stacks += [stack[::2], stack[1::2]]
        self.stacks.extend(sorted(stacks, key=_work, reverse=True))


def _work(stack):
    """About how long a stack takes, to begin with the longest."""
    return sum(
        t.job.max_iter * t.job.X.shape[0] * t.job.progress.network.theta.size for t in stack
    )


def _n_bytes(job):
    """About how many bytes a task holds that waits for a job.

    The rows are there as scikit-learn cut them, as a scaler returned them, and checked.
    """
    csr = hasattr(job.X, "indptr")
    rows = (job.X.data, job.X.indices, job.X.indptr) if csr else (job.X,)
    theta = job.progress.network.theta  # with gradient, best weights and moments
    return 3 * sum(array.nbytes for array in (*rows, job.y)) + 5 * theta.nbytes
