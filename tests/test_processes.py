"""Tasks of a sweep in processes: who does what, and what happens when that cannot be."""

import os
import threading
import time
import warnings
from collections import Counter
from pickle import PicklingError

import joblib
import numpy as np
import pytest
from _sweeps import fits, network
from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky.process_executor import TerminatedWorkerError
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV, cross_val_score

from skneural import _processes
from skneural._coordinator import Coordinator
from skneural._processes import MOST_AT_ONCE
from skneural._task import current_task

N_CORES = joblib.cpu_count()
pytestmark = pytest.mark.skipif(N_CORES < 2, reason="one core has one process")


def sweep(**kwargs):
    return parallel_config(backend="skneural", **kwargs)


def place(*_):
    """The process of a task, and the sweep that it shares with others there."""
    return os.getpid(), vars(current_task().call).setdefault("begun", time.monotonic_ns())


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


def refuses(estimator, X, y):
    if estimator.alpha == 1e-5:
        raise ValueError("not this one")
    return estimator.score(X, y)


@pytest.mark.filterwarnings("ignore")
def test_an_error_in_a_search_of_a_task_is_not_that_of_its_neighbours():
    X, y = make_classification(120, random_state=0)
    inner = GridSearchCV(
        network(0), {"learning_rate": [1e-3, 1e-2]}, cv=3, error_score="raise", scoring=refuses
    )
    outer = GridSearchCV(inner, {"estimator__alpha": [1e-5, 1e-4, 1e-3, 1e-2]}, cv=3)
    with sweep():
        answer = clone(outer).fit(X, y).cv_results_["mean_test_score"]
    assert_allclose(answer, outer.fit(X, y).cv_results_["mean_test_score"])
    assert np.isnan(answer).tolist() == [True, False, False, False]


def slow_to_add(seed):
    def tasks():
        for i in range(3):
            yield delayed(fits)(seed + i)
            time.sleep(0.1)

    return sum(Parallel()(tasks()))


def test_tasks_that_add_tasks_slowly_do_not_mix_them():
    with sweep():
        answers = Parallel()(delayed(slow_to_add)(seed) for seed in range(6))
    assert_allclose(answers, [slow_to_add(seed) for seed in range(6)])


def changes_filters(lock):
    warnings.simplefilter("ignore", ImportWarning)
    time.sleep(0.01)


def test_warning_filters_are_as_before_what_is_done_here():
    before = warnings.filters.copy()
    with sweep():
        Parallel()(delayed(changes_filters)(threading.Lock()) for _ in range(20))
    assert warnings.filters == before


def cannot_be_pickled(path):
    with open(path, "a") as file:
        file.write("once\n")
    raise PicklingError("of its own")


def test_an_error_about_pickling_of_a_task_is_its_own(tmp_path):
    path = tmp_path / "told"
    with sweep(), pytest.raises(PicklingError, match="of its own"):
        Parallel()([delayed(cannot_be_pickled)(path)])
    assert path.read_text() == "once\n"


def test_what_begins_here_after_the_end_is_given_up(monkeypatch):
    started, lock = [], threading.Lock()

    class Late(Coordinator):
        def __init__(self, *args):
            if started:  # the second part waits until the first has failed
                time.sleep(0.5)
            started.append(self)
            super().__init__(*args)

    monkeypatch.setattr(_processes, "Coordinator", Late)
    done = []

    def one(lock, i):
        done.append(i)
        if len(done) == 1:
            raise ArithmeticError

    with sweep(n_jobs=2), pytest.raises(ArithmeticError):
        Parallel()(delayed(one)(lock, i) for i in range(10))
    assert not any(i % 2 for i in done)  # nothing of the second part
