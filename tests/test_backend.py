"""The joblib backend "skneural": sweeps trained together, with the answers of one by one."""

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
from _sweeps import (
    assert_same_search,
    calls_more,
    drawn_sweep,
    drawn_tasks,
    fails,
    fits_under_a_lock,
    network,
    run,
    searches,
)
from joblib import Parallel, delayed, effective_n_jobs
from numpy.testing import assert_allclose
from sklearn import config_context, get_config
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_wine, make_multilabel_classification
from sklearn.ensemble import (
    BaggingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    validation_curve,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.parallel import Parallel as SklearnParallel
from sklearn.utils.parallel import delayed as sklearn_delayed

from skneural import Diagnostics, MLPClassifier, _coordinator
from skneural._coordinator import MOST_TASKS, Coordinator

X, Y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)
LABELS = make_multilabel_classification(100, random_state=0)
GRID = {"alpha": [1e-4, 1e-2, 1.0]}
ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert not [t for t in threading.enumerate() if t.name.startswith("skneural")]


@pytest.fixture
def stacks(monkeypatch):
    """The sizes of the stacks that are trained."""
    sizes, train = [], Coordinator._train

    def noted(coordinator, task):
        sizes.append(len(task.stack))
        train(coordinator, task)

    monkeypatch.setattr(Coordinator, "_train", noted)
    return sizes


BOTH = pytest.mark.parametrize("require", [None, "sharedmem"], ids=["processes", "threads"])


def sweep(n_jobs=None, require=None):
    return joblib.parallel_config(backend="skneural", n_jobs=n_jobs, require=require)


def scores(search):
    return search.fit(X, Y).cv_results_["mean_test_score"]


def pipeline():
    return make_pipeline(StandardScaler(), network(0))


TOOLS = {
    "GridSearchCV": (lambda: scores(GridSearchCV(network(0), GRID, cv=4)), 12),
    "of a Pipeline": (
        lambda: scores(GridSearchCV(pipeline(), {"mlpclassifier__alpha": [1e-4, 1]}, cv=4)),
        8,
    ),
    "RandomizedSearchCV": (
        lambda: scores(RandomizedSearchCV(network(0), GRID, cv=4, n_iter=2, random_state=0)),
        8,
    ),
    "HalvingGridSearchCV": (
        lambda: scores(HalvingGridSearchCV(network(0), GRID, cv=4, random_state=0)),
        12,
    ),
    "cross_validate": (lambda: cross_validate(network(0), X, Y, cv=6)["test_score"], 6),
    "cross_val_predict": (
        lambda: cross_val_predict(network(0), X, Y, cv=6, method="predict_proba"),
        6,
    ),
    "learning_curve": (
        lambda: learning_curve(network(0), X, Y, train_sizes=[0.5, 1.0], cv=4)[2],
        4,
    ),
    "learning_curve, partial_fit": (
        lambda: learning_curve(network(0), X, Y, cv=4, exploit_incremental_learning=True)[2],
        1,
    ),
    "validation_curve": (
        lambda: validation_curve(
            network(0), X, Y, param_name="alpha", param_range=GRID["alpha"], cv=4
        )[1],
        12,
    ),
    "permutation_test_score": (
        lambda: permutation_test_score(
            network(0), X, Y, cv=3, n_permutations=4, random_state=0
        )[1],
        4,
    ),
    "BaggingClassifier": (
        lambda: BaggingClassifier(network(0), 10, random_state=0).fit(X, Y).predict_proba(X),
        10,
    ),
    "OneVsRestClassifier": (
        lambda: OneVsRestClassifier(network(0)).fit(X, Y).predict_proba(X),
        3,
    ),
    "OneVsOneClassifier": (
        lambda: OneVsOneClassifier(network(0)).fit(X, Y).decision_function(X),
        2,
    ),
    "MultiOutputClassifier": (
        lambda: MultiOutputClassifier(network(0)).fit(*LABELS).predict(LABELS[0]),
        5,
    ),
    "CalibratedClassifierCV": (
        lambda: CalibratedClassifierCV(network(0), cv=3).fit(X, Y).predict_proba(X),
        2,
    ),
    "CalibratedClassifierCV in a search": (
        lambda: scores(
            GridSearchCV(CalibratedClassifierCV(network(0), cv=3), {"ensemble": [True]}, cv=3)
        ),
        6,
    ),
    "BaggingClassifier in cross_val_score": (
        lambda: cross_val_score(BaggingClassifier(network(0), 4, random_state=0), X, Y),
        12,
    ),
    "OneVsRestClassifier in a search": (
        lambda: scores(GridSearchCV(OneVsRestClassifier(network(0)), {"n_jobs": [None, 1]})),
        15,
    ),
    "VotingClassifier": (
        lambda: (
            VotingClassifier(
                [("a", network(0)), ("b", network(1)), ("c", LogisticRegression())],
                voting="soft",
            )
            .fit(X, Y)
            .predict_proba(X)
        ),
        2,
    ),
    "StackingClassifier": (
        lambda: (
            StackingClassifier([("a", network(0)), ("b", LogisticRegression())], cv=4)
            .fit(X, Y)
            .predict_proba(X)
        ),
        4,
    ),
    "a nested search": (
        lambda: cross_val_score(GridSearchCV(network(0), GRID, cv=3), X, Y, cv=4),
        36,
    ),
    "estimators that are not ours": (
        lambda: scores(
            GridSearchCV(
                make_pipeline(StandardScaler(), network(0)),
                {
                    "mlpclassifier": [
                        network(0),
                        LogisticRegression(),
                        network(1),
                        RandomForestClassifier(10, random_state=0),
                        KNeighborsClassifier(),
                        network(0, solver="lbfgs"),
                    ]
                },
                cv=4,
            )
        ),
        4,
    ),
    "none of ours": (
        lambda: RandomForestClassifier(20, random_state=0).fit(X, Y).predict_proba(X),
        0,
    ),
}


@BOTH
@pytest.mark.parametrize(("tool", "together"), TOOLS.values(), ids=TOOLS)
def test_tools_give_the_same_and_their_fits_meet(tool, together, require, stacks):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        expected = tool()
        with sweep(require=require):
            answer = tool()
    assert_allclose(answer, expected, rtol=1e-6, atol=1e-6)
    if require == "sharedmem":  # in this process, where stacks are counted
        assert sum(stacks, 0) >= together
        assert max(stacks, default=0) >= together // (2 * joblib.cpu_count())


@BOTH
@pytest.mark.parametrize("seed", range(12))
@pytest.mark.filterwarnings("ignore")
def test_drawn_sweeps_give_the_same(seed, require):
    (own, data, weights), (other, *_) = drawn_sweep(seed), drawn_sweep(seed)
    with sweep(require=require):
        own.fit(*data, **weights)
    assert_same_search(own, other.fit(*data, **weights))


@pytest.mark.parametrize("n_jobs", [None, 1, 2, -1, -20])
@pytest.mark.parametrize("where", ["the search", "the context"])
def test_n_jobs(n_jobs, where, stacks):
    search = GridSearchCV(
        network(0), GRID, cv=4, n_jobs=n_jobs if where == "the search" else None
    )
    with sweep(n_jobs if where == "the context" else None, require="sharedmem"):
        answer = scores(search)
    assert_allclose(answer, scores(GridSearchCV(network(0), GRID, cv=4)))
    cores = joblib.cpu_count()
    used = {None: cores, -1: cores, 2: min(2, cores), -20: 1}.get(n_jobs)
    # as many stacks as cores, of equal size; joblib runs n_jobs=1 without a backend
    assert stacks == ([] if used is None else [12 // used] * used) or cores > 2


def test_n_jobs_of_zero_is_refused():
    with sweep(), pytest.raises(ValueError, match="n_jobs == 0"):
        cross_val_score(network(0), X, Y, n_jobs=0)


def test_best_estimator_and_pickles():
    with sweep():
        search = GridSearchCV(pipeline(), {"mlpclassifier__alpha": [1e-4, 1]}).fit(X, Y)
    expected = GridSearchCV(pipeline(), {"mlpclassifier__alpha": [1e-4, 1]}).fit(X, Y)
    copy = pickle.loads(pickle.dumps(search))
    assert copy.best_params_ == expected.best_params_
    assert_allclose(copy.predict_proba(X), expected.predict_proba(X), rtol=1e-6)


def test_fitted_estimators_come_back():
    with sweep():
        answer = cross_validate(network(0), X, Y, return_estimator=True)
    expected = cross_validate(network(0), X, Y, return_estimator=True)
    for own, other in zip(answer["estimator"], expected["estimator"], strict=True):
        assert_allclose(own.predict_proba(X), other.predict_proba(X), rtol=1e-6)
        assert own.n_iter_ == other.n_iter_ == 3
        own.partial_fit(X, Y)
        other.partial_fit(X, Y)
        assert_allclose(own.loss_curve_, other.loss_curve_, rtol=1e-6)


@pytest.mark.parametrize("make", [np.random.RandomState, lambda seed: seed])
def test_random_states(make):
    def answer():
        return cross_val_predict(network(make(3)), X, Y, method="predict_proba")

    expected = answer()
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    with sweep():
        assert_allclose(answer(), expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@BOTH
@pytest.mark.filterwarnings("ignore:One or more of the test scores")
def test_an_error_reaches_its_candidate_alone(require):
    grid = {"learning_rate": [1e-3, 1e200, 1e-2], "max_iter": [3, 4]}
    solver = network(0, solver="sgd")
    told = r"8 fits failed out of a total of 24"
    with sweep(require=require), pytest.warns(FitFailedWarning, match=told):
        answer = scores(GridSearchCV(solver, grid, cv=4))
    with pytest.warns(FitFailedWarning, match=told):
        assert_allclose(answer, scores(GridSearchCV(solver, grid, cv=4)))
    assert np.isnan(answer).sum() == 2


@BOTH
def test_an_error_can_end_the_search(require):
    search = GridSearchCV(
        network(0, solver="sgd"), {"learning_rate": [1e-3, 1e200]}, error_score="raise"
    )
    with sweep(require=require), pytest.raises(ValueError, match="The network diverged"):
        search.fit(X, Y)
    assert not hasattr(search, "best_score_")


@BOTH
@pytest.mark.filterwarnings("ignore:One or more of the test scores")
def test_a_nested_error_reaches_its_candidate_alone(require):
    search = GridSearchCV(network(0), {"alpha": [1e-4, 1e-3]}, error_score="raise", cv=3)
    with sweep(require=require), pytest.warns(FitFailedWarning, match="5 fits failed"):
        answer = scores(GridSearchCV(search, {"estimator__solver": ["adam", "none"]}))
    assert np.isnan(answer).tolist() == [False, True]


@BOTH
@pytest.mark.parametrize("seed", range(8))
def test_mixed_tasks(seed, require):
    tasks = drawn_tasks(seed)
    with sweep(require=require):
        answer = run(tasks)
    for own, other in zip(answer, run(tasks, 1), strict=True):
        assert_allclose(own, other, rtol=1e-6, atol=1e-6)


@BOTH
@pytest.mark.parametrize("seed", range(4))
def test_mixed_tasks_of_which_one_fails(seed, require):
    with sweep(require=require), pytest.raises(ArithmeticError):
        run(drawn_tasks(seed, failing=True))


@BOTH
def test_tasks_that_wait_for_tasks_end_with_an_error_of_another(require):
    def fails_later(seed):
        time.sleep(0.2)
        raise ArithmeticError

    def calls_sleepers(seed):
        Parallel()(delayed(time.sleep)(0.3) for _ in range(6))

    for others in ([searches, searches, calls_more, fails], [fails_later, calls_sleepers]):
        with sweep(require=require), pytest.raises(ArithmeticError):
            run([(task, 0) for task in others])


def test_a_task_that_waits_for_the_others_does_not_hold_them_up():
    fitted = threading.Event()

    def fits():
        network(0).fit(X, Y)
        fitted.set()
        return True

    def waits():
        return fitted.wait(60)

    with sweep(require="sharedmem"):
        assert all(Parallel()([delayed(fits)(), delayed(waits)()]))


def test_tasks_that_share_a_lock_do_not_wait_longer_and_longer(monkeypatch):
    monkeypatch.setattr(_coordinator, "_STALL", 0.05)
    monkeypatch.setattr(_coordinator, "_LONG_STALL", 0.1)
    answers = []

    def share():
        with sweep(require="sharedmem"):
            answers.extend(run([(fits_under_a_lock, seed) for seed in range(12)]))

    thread = threading.Thread(target=share, daemon=True)
    thread.start()
    thread.join(60)  # if each waited twice as long as the one before, minutes
    assert len(answers) == 12


def test_tasks_under_way_fit_into_memory(monkeypatch):
    memory = 4 * 6 * 3 * X.nbytes  # a quarter of it for six tasks or less, by their rows
    monkeypatch.setattr(_coordinator, "machine_memory", lambda: memory)
    under_way, most = set(), []

    class Counted(MLPClassifier):
        def fit(self, X, y):
            under_way.add(self)
            most.append(len(under_way))
            super().fit(X, y)
            under_way.remove(self)
            return self

    params = network(0).get_params()
    with sweep(require="sharedmem"):
        answer = cross_val_score(Counted(**params), X, Y, cv=30)
    assert_allclose(answer, cross_val_score(network(0), X, Y, cv=30))
    assert max(2, joblib.cpu_count() - 1) < max(most) <= max(6, joblib.cpu_count())


def test_what_cannot_meet_trains_alone(capsys, stacks):
    with sweep(require="sharedmem"):
        loud = cross_val_score(network(0, verbose=True), X, Y, cv=3)
        newton = cross_val_score(network(0, solver="lbfgs"), X, Y, cv=3)
        assert not stacks
        watched = cross_val_score(network(0).set_callbacks(Diagnostics()), X, Y, cv=3)
    assert capsys.readouterr().out.count("Epoch 3") == 3
    assert_allclose(loud, cross_val_score(network(0), X, Y, cv=3))
    assert_allclose(watched, loud)
    assert_allclose(newton, cross_val_score(network(0, solver="lbfgs"), X, Y, cv=3))


def test_warning_filters_are_as_before():
    before = warnings.filters.copy()
    with sweep(require="sharedmem"):
        cross_val_score(BaggingClassifier(network(0), 4), X, Y)
        Parallel()(  # the first ones run while others are still added
            delayed(warnings.simplefilter)("ignore", ImportWarning)
            for i in range(MOST_TASKS + 2)
            if i < MOST_TASKS or not time.sleep(0.1)
        )
    assert warnings.filters == before


@BOTH
def test_warnings_as_errors_are_errors_in_tasks(require):
    short = network(0, patience=2)  # three epochs are too few: a warning
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with sweep(require=require), pytest.raises(ConvergenceWarning):
            cross_val_score(short, X, Y, error_score="raise")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with sweep(require=require):
            assert np.isfinite(cross_val_score(short, X, Y)).all()


class Quiet(ClassifierMixin, BaseEstimator):
    """Fits one of ours with filters of its own, as libraries do."""

    def __init__(self, action="ignore"):
        self.action = action

    def fit(self, X, y):
        with warnings.catch_warnings():
            warnings.simplefilter(self.action)
            self.own_ = network(0, patience=2).fit(X, y)
        self.classes_ = self.own_.classes_
        return self

    def predict(self, X):
        return self.own_.predict(X)


@BOTH
def test_filters_of_one_task_are_not_those_of_another(require):
    """Each waits inside its own filters while the next sets others."""
    grid = {"action": ["ignore", "error"] * 6}
    with sweep(require=require), warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", "One or more of the test scores")
        with pytest.warns(FitFailedWarning, match="18 fits failed out of a total of 36"):
            answer = scores(GridSearchCV(Quiet(), grid, cv=3, refit=False))
    np.testing.assert_array_equal(np.isnan(answer), [False, True] * 6)


@BOTH
def test_configuration_of_scikit_learn_reaches_the_tasks(require):
    with config_context(assume_finite=True, working_memory=17), sweep(require=require):
        told = SklearnParallel()(sklearn_delayed(get_config)() for _ in range(3))
    assert [config["working_memory"] for config in told] == [17] * 3


def test_generators_yield_before_all_is_done():
    event = threading.Event()
    with sweep():
        tasks = [delayed(scores)(GridSearchCV(network(0), GRID)), delayed(event.wait)(60)]
        results = Parallel(2, return_as="generator")(tasks)
    assert_allclose(next(results), scores(GridSearchCV(network(0), GRID)))
    event.set()
    assert next(results) is True


def test_others_are_not_cut_into_parts_within_a_task():
    """Searches of neighbours once became 256 tasks each."""

    def told():
        return effective_n_jobs(None), effective_n_jobs(2)

    with sweep():
        answers = Parallel()(delayed(told)() for _ in range(2))
        neighbors = KNeighborsClassifier(metric="cosine")
        scores = cross_val_score(neighbors, X, Y)
    assert answers == [(1, 2), (1, 2)]
    assert_allclose(scores, cross_val_score(neighbors, X, Y))


@BOTH
def test_a_scorer_that_fits_a_network_itself(require):
    """It runs in the thread of a task whose stack is being trained."""

    def scoring(own, X, y):
        return network(1).fit(X, y).score(X, y)

    own = network(0).set_params(early_stopping=True, scoring=scoring)
    expected = cross_val_score(own, X, Y, error_score="raise")
    with sweep(require=require):
        answer = cross_val_score(own, X, Y, error_score="raise")
    assert_allclose(answer, expected)


def test_timeouts_of_joblib():
    event = threading.Event()
    with sweep(), pytest.raises(multiprocessing.TimeoutError):
        Parallel(2, timeout=0.2)(delayed(event.wait)(10) for _ in range(2))
    event.set()


INTERRUPTED = """
import os, signal, sys, threading, time
import joblib
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, cross_val_score
from skneural import MLPClassifier

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
X, y = load_digits(return_X_y=True)
model = MLPClassifier((30,), max_iter=10**6, patience=float("inf"))
grid = {"alpha": [1e-4] * 20, "solver": ["adam", sys.argv[1]]}

def interrupt():
    time.sleep(3)
    told.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT)

def count_threads():
    return sum(thread.name.startswith("skneural") for thread in threading.enumerate())

told = []
threading.Thread(target=interrupt).start()
try:
    with joblib.parallel_config(backend="skneural", require=sys.argv[2] or None):
        GridSearchCV(model, grid).fit(X, y)
except KeyboardInterrupt:
    print("interrupted", time.monotonic() - told[0] < 20, count_threads())
    with joblib.parallel_config(backend="skneural"):
        print(len(cross_val_score(model.set_params(max_iter=2), X, y)))
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs signals of POSIX")
@BOTH
@pytest.mark.parametrize("other", ["sgd", "lbfgs"])
def test_interrupt_ends_everything(other, require):
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, other, require or ""],
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.splitlines() == ["interrupted True 0", "5"], done.stderr
    assert "Traceback" not in done.stderr


@BOTH
def test_sweeps_of_two_threads_at_once(require):
    answers = {}

    def one(seed):
        with sweep(require=require):
            answers[seed] = cross_val_score(network(seed), X, Y)

    threads = [threading.Thread(target=one, args=(seed,)) for seed in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for seed in range(2):
        assert_allclose(answers[seed], cross_val_score(network(seed), X, Y))


def test_a_task_that_is_slow_to_prepare_is_waited_for(stacks):
    """Tasks that take their time each, but come in regularly, still meet."""

    class Slow(StandardScaler):
        def transform(self, X, copy=None):
            time.sleep(0.03)
            return super().transform(X)

    with sweep(require="sharedmem"):
        cross_val_score(make_pipeline(Slow(), network(0)), X, Y, cv=8)
    assert sorted(stacks)[-1] >= 4
