"""Tasks of a sweep in processes: who does what, and what happens when that cannot be."""

import os
import threading
import time
from collections import Counter

import joblib
import numpy as np
import pytest
from _sweeps import fits, network
from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky.process_executor import TerminatedWorkerError
from numpy.testing import assert_allclose
from sklearn.datasets import make_classification
from sklearn.model_selection import cross_val_score

from skneural._processes import MOST_AT_ONCE
from skneural._task import current_task

N_CORES = joblib.cpu_count()
pytestmark = pytest.mark.skipif(N_CORES < 2, reason="one core has one process")


def sweep(**kwargs):
    return parallel_config(backend="skneural", **kwargs)


def place(*_):
    """The process of a task, and the sweep that it shares with others there."""
    return os.getpid(), id(current_task().call)


def fit_and_place(seed):
    fits(seed)
    return os.getpid(), current_task().call.coordinator.jobs


@pytest.mark.parametrize("n_jobs", [None, -1, 2, 1000])
def test_there_is_a_share_for_every_process(n_jobs):
    used = 2 if n_jobs == 2 else N_CORES
    with sweep(n_jobs=n_jobs):
        places = Counter(Parallel()(delayed(place)() for _ in range(8 * used)))
    assert list(places.values()) == [8] * used
    assert os.getpid() not in dict(places)


def test_fits_of_a_process_meet():
    with sweep(n_jobs=2):
        told = Parallel()(delayed(fit_and_place)(seed) for seed in range(10))
    assert os.getpid() not in dict(told)
    assert max(n_jobs for _, n_jobs in told) == 5


def test_more_tasks_than_are_under_way_at_once():
    n_tasks = 3 * 512
    with sweep(n_jobs=2):
        answers = Parallel()(delayed(lambda i: (i, place()))(i) for i in range(n_tasks))
    assert [i for i, _ in answers] == list(range(n_tasks))
    parts = Counter(where for _, where in answers)
    assert max(parts.values()) <= MOST_AT_ONCE
    assert len(parts) <= 2 * n_tasks / MOST_AT_ONCE


def test_one_parallel_object_called_twice():
    with sweep(n_jobs=2), Parallel() as parallel:
        for n_tasks in (4, 6):
            answers = parallel(delayed(fits)(seed) for seed in range(n_tasks))
            assert_allclose(answers, [fits(seed) for seed in range(n_tasks)])


def test_tasks_may_ask_to_share_memory():
    seen = []
    with sweep():
        Parallel(require="sharedmem")(delayed(seen.append)(i) for i in range(4))
    assert sorted(seen) == [0, 1, 2, 3]


def test_what_cannot_travel_is_done_here():
    lock = threading.Lock()

    def locked(seed):
        with lock:
            return os.getpid()

    with sweep():
        assert Parallel()(delayed(locked)(i) for i in range(600)) == [os.getpid()] * 600


def test_errors_of_what_is_done_here():
    event = threading.Event()

    def fails(event):
        raise ArithmeticError

    with sweep(), pytest.raises(ArithmeticError):
        Parallel()([delayed(fails)(event), delayed(event.wait)(0.1)])
    event.set()
    deadline = time.monotonic() + 10
    while any(thread.name.startswith("skneural") for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def nested_place():
    with sweep():
        return [process == os.getpid() for process, _ in Parallel()([delayed(place)()] * 4)]


def test_a_process_of_another_has_none_of_its_own():
    assert Parallel(2)([delayed(nested_place)()] * 2) == [[True] * 4] * 2


def test_a_process_that_dies_is_told_and_replaced():
    with sweep():
        with pytest.raises(TerminatedWorkerError):
            Parallel()(delayed(os._exit)(1) for _ in range(2))
        assert_allclose(Parallel()([delayed(fits)(0)] * 2), [fits(0)] * 2)


def test_rows_that_joblib_maps_into_memory():
    X, y = make_classification(3000, 60, random_state=0)  # more than a megabyte
    own = network(0, early_stopping=True)
    with sweep():
        answer = cross_val_score(own, X, y, error_score="raise")
    assert_allclose(answer, cross_val_score(own, X, y))


def test_an_endless_generator_of_tasks_ends_with_an_error():
    def tasks():
        for i in range(10**6):
            yield delayed(np.sqrt)(i) if i != 1000 else delayed(divmod)(1, 0)

    with sweep(), pytest.raises(ZeroDivisionError):
        Parallel()(tasks())
