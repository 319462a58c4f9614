"""Jobs trained as one stack: each ends as it would alone."""

import functools
import threading
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from skneural import (
    ConvNetClassifier,
    ConvNetRegressor,
    MLPClassifier,
    MLPRegressor,
    _stack,
    _training,
)
from skneural._optimizers import SGD, AdaGrad, Adam, AdamW, RMSProp
from skneural._stacked_optimizers import stepper_of
from skneural._watch import Watch
from skneural.layers._dense import Dense

RNG = np.random.default_rng(0)
CENTERS = RNG.normal(size=(3, 6))
LABELS = np.arange(62) % 3
X = CENTERS[LABELS] + RNG.normal(scale=0.8, size=(62, 6))
WEIGHTS = RNG.uniform(0.2, 3, 62)
GAPS = WEIGHTS * (RNG.random(62) < 0.5)
TARGETS = {
    "classes": (MLPClassifier, LABELS),
    "two classes": (MLPClassifier, LABELS > 0),
    "labels": (MLPClassifier, np.column_stack([LABELS > 0, LABELS < 2, X[:, 0] > 0]) * 1),
    "columns": (MLPClassifier, np.column_stack([LABELS, LABELS % 2])),
    "number": (MLPRegressor, X[:, 0] - np.abs(X[:, 1])),
    "numbers": (MLPRegressor, np.abs(X[:, :2])),
    "images": (ConvNetClassifier, LABELS),
    "image numbers": (ConvNetRegressor, X[:, 0]),
}
EXAMPLES = 40
SILENT = Watch(verbose=False)


def job(target, fold=None, weights=None, warm=False, **params):
    """A prepared fit on the rows outside of a fold; a warm one goes on from another."""
    kind, y = TARGETS[target]
    if "image" in target:
        conv = {"filters": (2, 3), "input_shape": (2, 3, 1), "pool_size": (1, 2)}
        params = {**conv, **params}
    params = {"hidden_layer_sizes": (5,), "batch_size": 16, "random_state": 0, **params}
    rows = np.arange(62) % 5 != fold
    weights = None if weights is None else weights[rows]
    own = kind(**params, warm_start=warm)
    if warm:
        own.set_params(max_iter=2, early_stopping=False, target_score=None)
        with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
            own.set_params(patience=np.inf).fit(X[::-1], y[::-1])
        own.set_params(**params)
    own._check_parameters()
    prepared = own._prepare(X[rows], y[rows], weights, resume=warm)
    prepared.estimator = own
    return prepared


def alone(own):
    try:
        return _training.train(own, SILENT)
    except Exception as error:
        return error


def stacked(jobs):
    """Train jobs in stacks; return their outcomes."""
    outcomes, groups = {}, {}
    for place, own in enumerate(jobs):
        groups.setdefault(_stack.stack_key(own, SILENT), []).append(place)
    for key, places in groups.items():
        assert key is not None
        group = _stack.train_stack([jobs[i] for i in places], [SILENT] * len(places))
        outcomes.update(zip(places, group, strict=True))
    return [outcomes[place] for place in range(len(jobs))], len(groups)


def check_equal(makers, n_stacks=None):
    """Train what the makers make alone and in stacks, and compare all that is left."""
    single, together = [make() for make in makers], [make() for make in makers]
    expected = [alone(own) for own in single]
    outcomes, found = stacked(together)
    assert n_stacks is None or found == n_stacks
    for a, b, outcome, want in zip(single, together, outcomes, expected, strict=True):
        assert type(outcome) is type(want)
        assert str(outcome) == str(want)
        check_same_end(a, b)
    return single, together


def check_same_end(a, b):
    p, q = a.progress, b.progress
    exact = a.progress.network.dtype == np.float64
    close = {"rtol": 1e-11, "atol": 1e-12} if exact else {"rtol": 1e-4, "atol": 1e-5}
    np.testing.assert_allclose(q.network.theta, p.network.theta, **close)
    np.testing.assert_allclose(q.network.state, p.network.state, **close)
    assert (q.epochs, q.samples, q.stalls, b.ended) == (p.epochs, p.samples, p.stalls, a.ended)
    assert q.best_loss == pytest.approx(p.best_loss, rel=1e-9 if exact else 1e-4)
    assert q.history.keys() == p.history.keys()
    for name in p.history.keys() - {"seconds"}:
        loose = {"rtol": 1e-9, "atol": 1e-11} if exact else {"rtol": 1e-3, "atol": 1e-4}
        np.testing.assert_allclose(q.history[name], p.history[name], **loose)
        assert all(type(value) is float for value in q.history[name])
    assert q.optimizer_state.keys() == p.optimizer_state.keys()
    for name, value in p.optimizer_state.items():
        assert type(q.optimizer_state[name]) is type(value)
        np.testing.assert_allclose(q.optimizer_state[name], value, **close)
    for name, rng in p.rngs.items():
        assert q.rngs[name].bit_generator.state == rng.bit_generator.state
    assert b.convergence.stalled == a.convergence.stalled
    for array in (q.network.theta, q.network.state, *q.optimizer_state.values()):
        # no view that would keep the whole stack in memory
        assert not isinstance(array, np.ndarray) or array.base is None
    assert q.network.theta.dtype == p.network.theta.dtype
    assert not hasattr(q.network, "grad")


COMMON = {
    "target": st.sampled_from(list(TARGETS)),
    "solver": st.sampled_from(["sgd", "adam", "adamw", "rmsprop", "adagrad"]),
    "dtype": st.sampled_from(["float64", "float64", "float32"]),
    "activation": st.sampled_from(["relu", "tanh", "logistic", "gelu", "elu"]),
    "hidden_layer_sizes": st.sampled_from([(5,), (), (4, 3)]),
    "batch_size": st.sampled_from([16, 9, "auto"]),
    "batch_norm": st.booleans(),
    "drops": st.booleans(),
}
OWN = {
    "random_state": st.integers(0, 3),
    "learning_rate": st.floats(1e-4, 0.1),
    "schedule": st.sampled_from(["constant", "cosine", "invscaling", "adaptive"]),
    "decay": st.sampled_from([1.0, 0.9]),
    "alpha": st.sampled_from([0.0, 1e-4, 0.5]),
    "l1_ratio": st.sampled_from([0.0, 0.3]),
    "momentum": st.sampled_from([0.0, 0.5, 0.9]),
    "nesterovs_momentum": st.booleans(),
    "beta_1": st.sampled_from([0.9, 0.5]),
    "beta_2": st.sampled_from([0.999, 0.9]),
    "epsilon": st.sampled_from([1e-8, 1e-3]),
    "rho": st.sampled_from([0.99, 0.8]),
    "dropout": st.floats(0.01, 0.8),
    "tol": st.sampled_from([1e-4, 0.05]),
    "patience": st.sampled_from([1, 2, np.inf]),
    "max_iter": st.integers(1, 6),
    "max_grad_norm": st.sampled_from([None, 0.1, 1.0]),
    "shuffle": st.booleans(),
    "early_stopping": st.booleans(),
    "target_score": st.sampled_from([None, 0.6]),
    "fold": st.sampled_from([None, 0, 1, 2, 3]),
    "weights": st.sampled_from([None, None, WEIGHTS, GAPS]),
    "warm": st.booleans(),
}


@given(
    st.fixed_dictionaries(COMMON), st.lists(st.fixed_dictionaries(OWN), min_size=2, max_size=6)
)
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
def test_drawn_jobs_end_as_alone(common, members):
    common = dict(common)
    drops = common.pop("drops")

    def maker(member):
        params = {**common, **member}
        if not drops:
            params["dropout"] = 0.0
        if not params["early_stopping"]:
            params["target_score"] = None
        elif params["weights"] is GAPS:  # all rows held out may be without weight
            params["weights"] = WEIGHTS
        if params["solver"] == "adamw":
            params["l1_ratio"] = 0.0
        return lambda: job(**params)

    check_equal([maker(member) for member in members])


def makers(n, target="classes", **params):
    """Makers of jobs; a parameter given as a list has a value for each."""
    lists = {name: value for name, value in params.items() if type(value) is list}
    members = [{**params, **{name: lists[name][i] for name in lists}} for i in range(n)]
    return [functools.partial(job, target, **member) for member in members]


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw", "rmsprop", "adagrad"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rates_and_penalties_of_their_own(solver, dtype):
    rates = {
        "learning_rate": [1e-3, 0.01, 0.05],
        "alpha": [0.1, 0.0, 0.01],
        "decay": [0.9, 1.0, 1.0],
    }
    check_equal(makers(3, solver=solver, dtype=dtype, max_iter=5, **rates), n_stacks=1)


@pytest.mark.parametrize("target", TARGETS)
def test_every_kind_of_target(target):
    check_equal(
        makers(3, target, random_state=[0, 1, 2], dropout=[0.1, 0.2, 0.3], max_iter=3), 1
    )


@pytest.mark.parametrize("batch_size", [8, 25, "auto"])
def test_folds_that_differ_by_a_row_are_one_stack(batch_size):
    single, _ = check_equal(
        makers(5, batch_size=batch_size, fold=[0, 1, 2, 3, 4], dropout=0.3, max_iter=4), 1
    )
    assert {len(own.X) for own in single} == {49, 50}


def test_models_that_stop_leave_the_others_as_they_are():
    _, together = check_equal(
        makers(5, max_iter=[1, 7, 3, 7, 30], patience=[np.inf, 9, 9, 9, 1], tol=0.02), 1
    )
    epochs = [own.progress.epochs for own in together]
    assert epochs[:4] == [1, 7, 3, 7]
    assert 1 < epochs[4] < 30


def test_a_diverging_model_raises_and_the_others_go_on():
    params = {"solver": "sgd", "learning_rate": [0.01, 1e200, 0.02], "activation": "identity"}
    _, together = check_equal(makers(3, "number", max_iter=4, **params), 1)
    outcomes, _ = stacked([make() for make in makers(3, "number", max_iter=4, **params)])
    assert type(outcomes[1]) is ValueError
    assert "learning_rate=1e+200" in str(outcomes[1])
    assert [own.progress.epochs for own in together] == [4, 0, 4]


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_batches_without_weight_are_no_steps(solver):
    none = np.r_[np.zeros(30), np.ones(32)]
    check_equal(
        makers(
            4,
            solver=solver,
            weights=[None, none, GAPS, none],
            shuffle=[False, False, True, True],
            batch_size=4,
            batch_norm=True,
            dropout=[0.2, 0.3, 0.4, 0.5],
            max_grad_norm=[None, 0.5, None, 0.5],
            max_iter=3,
        ),
        1,
    )


@pytest.mark.parametrize("warm", [[True, False, True], [True, True, True]])
def test_warm_starts_go_on(warm):
    """And what comes after goes on as after training alone."""
    single, together = check_equal(makers(3, warm=warm, max_iter=[2, 3, 4], dropout=0.2), 1)
    for own in single + together:
        own.estimator.set_params(warm_start=True)._take_over(own.progress, own.batch_size)
        own.estimator.set_params(patience=np.inf).fit(X, LABELS)
    for a, b in zip(single, together, strict=True):
        assert b.estimator.n_iter_ == a.estimator.n_iter_ == a.progress.epochs + a.max_iter
        expected = a.estimator.predict_proba(X)
        np.testing.assert_allclose(b.estimator.predict_proba(X), expected, rtol=1e-11)


def test_rows_in_common_are_held_once():
    jobs = [make() for make in makers(6, fold=[0, 1, 2] * 2, random_state=[0, 1, 2, 3, 4, 5])]
    assert jobs[0].X is not jobs[3].X
    stacked(jobs)
    for i in range(3):
        assert jobs[i].X is jobs[i + 3].X
        assert jobs[i].y is jobs[i + 3].y
    assert jobs[0].X is not jobs[1].X


def test_rows_in_common_with_targets_of_their_own():
    """As in one against the rest."""

    def maker(label):
        def make():
            own = job("two classes", max_iter=3)
            own.y = (label == LABELS).astype(float)[:, None]
            return own

        return make

    check_equal([maker(label) for label in (0, 1, 2, 0)], 1)


def raising(estimator, X, y):
    raise RuntimeError("a scorer of mine")


def test_an_error_of_a_scorer_reaches_its_own_model():
    scoring = [None, raising, "accuracy"]
    _, together = check_equal(
        makers(3, scoring=scoring, early_stopping=True, random_state=0, max_iter=3), 1
    )
    assert [own.progress.epochs for own in together] == [3, 0, 3]


def test_an_error_of_a_schedule_reaches_its_own_model():
    jobs = [make() for make in makers(3, max_iter=4)]
    jobs[1].schedule = lambda epoch, length, stalls: 1 / (2 - epoch)
    outcomes, _ = stacked(jobs)
    assert [type(outcome) for outcome in outcomes] == [str, ZeroDivisionError, str]
    assert [own.progress.epochs for own in jobs] == [4, 2, 4]


class Stop(Watch):
    """Ends a fit after its second epoch: by asking, or with an error."""

    def __init__(self, error=None):
        super().__init__(verbose=False)
        self.error = error

    def end(self, progress):
        if self.error and progress.epochs == 2:
            raise self.error
        return progress.epochs == 2


def test_a_watch_stops_its_own_model():
    jobs = [make() for make in makers(3, max_iter=4)]
    outcomes = _stack.train_stack(jobs, [SILENT, Stop(), SILENT])
    assert [own.progress.epochs for own in jobs] == [4, 2, 4]
    assert outcomes[1] is None


def test_an_exit_ends_its_own_model():
    jobs = [make() for make in makers(3, max_iter=4)]
    outcomes = _stack.train_stack(jobs, [SILENT, Stop(SystemExit()), SILENT])
    assert [own.progress.epochs for own in jobs] == [4, 2, 4]
    assert type(outcomes[1]) is SystemExit


def test_ctrl_c_ends_all():
    jobs = [make() for make in makers(3, max_iter=4)]
    with pytest.raises(KeyboardInterrupt):
        _stack.train_stack(jobs, [SILENT, Stop(KeyboardInterrupt()), SILENT])


class Leaky(Dense):
    """A layer of somebody else's."""

    rate = 0.1


def test_layers_that_are_not_known_train_alone():
    own = job("classes")
    network = own.progress.network
    network.layers[0].__class__ = Leaky
    assert _stack.stack_key(own, SILENT) is None


class GivenUp(Watch):
    """Of a task that nobody waits for."""

    interrupted = True


def test_a_job_that_was_given_up_leaves_the_others():
    jobs = [make() for make in makers(3, max_iter=4)]
    outcomes = _stack.train_stack(jobs, [SILENT, GivenUp(verbose=False), SILENT])
    assert [own.progress.epochs for own in jobs] == [4, 0, 4]
    assert type(outcomes[1]) is KeyboardInterrupt


def test_two_stacks_at_once():
    params = {"hidden_layer_sizes": (30,), "dropout": 0.2, "max_iter": 20, "patience": np.inf}
    groups = [[make() for make in makers(4, **params, random_state=seed)] for seed in (0, 1)]
    threads = [threading.Thread(target=stacked, args=(group,)) for group in groups]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for group, seed in zip(groups, (0, 1), strict=True):
        expected = job("classes", **params, random_state=seed)
        alone(expected)
        for own in group:
            check_same_end(expected, own)


def key(target="classes", **params):
    return _stack.stack_key(job(target, **params), SILENT)


APART = {
    "hidden_layer_sizes": (6,),
    "activation": ["tanh"],
    "solver": "sgd",
    "dtype": "float32",
    "batch_size": 15,
    "batch_norm": True,
    "dropout": 0.5,
    "loss": "hinge",
}


@pytest.mark.parametrize(("name", "value"), APART.items())
def test_jobs_of_other_shapes_train_apart(name, value):
    assert key(**{name: value}) != key()


def test_more_jobs_that_train_apart():
    assert key(batch_norm=True, fold=0) != key(batch_norm=True, fold=4)
    assert key(solver="sgd", momentum=0.0) != key(solver="sgd")
    assert key(solver="sgd", nesterovs_momentum=False) != key(solver="sgd")
    assert key("number", loss="huber") != key("number")
    assert key("labels") != key("classes")
    assert key("images", padding=1) != key("images", padding="same")
    assert key("images", input_shape=(3, 2, 1)) != key("images")


SAME = {
    "learning_rate": 0.5,
    "schedule": "cosine",
    "decay": 0.5,
    "alpha": 0.0,
    "l1_ratio": 0.5,
    "beta_1": 0.5,
    "beta_2": 0.5,
    "epsilon": 1e-4,
    "tol": 0.5,
    "patience": 1,
    "max_iter": 3,
    "max_grad_norm": 1.0,
    "shuffle": False,
    "random_state": 7,
    "weight_init": "zeros",
    "weights": WEIGHTS,
    "warm": True,
    "fold": 1,
}


@pytest.mark.parametrize("name", SAME)
def test_jobs_of_one_shape_train_together(name):
    assert key(**{name: SAME[name]}) == key() is not None
    assert hash(key()) == hash(key())


def test_dropout_rates_train_together():
    assert key(dropout=0.5) == key(dropout=0.1)


def test_what_trains_alone():
    assert key(solver="lbfgs") is None
    assert key(input_noise=0.1) is None
    assert key("images", augmentation={"horizontal_flip": True}) is None
    assert _stack.stack_key(job("classes"), Watch(verbose=True)) is None
    own = job("classes")
    own.X = sparse.csr_array(own.X)
    assert _stack.stack_key(own, SILENT) is None


def test_width_follows_the_size_of_a_model():
    small, large = key(), key(hidden_layer_sizes=(2000, 2000))
    assert _stack.width(small, 2) > 8
    assert _stack.width(large, 2) == 1
    middle = key(hidden_layer_sizes=(200, 200))
    assert 1 < _stack.width(middle, 2) < _stack.width(middle, 1) < _stack.width(small, 1)
    for n_models, expected in ((3, 1), (4, 4), (1000, 64)):  # two or three save nothing
        of_cache = _stack.StackKey((), _stack._CACHE_BYTES // n_models)
        assert _stack.width(of_cache, 1) == expected


STEPPERS = {
    "descent": [SGD(0.0)] * 3,
    "momentum": [SGD(m, nesterovs_momentum=False) for m in (0.9, 0.5, 0.1)],
    "nesterov": [SGD(m) for m in (0.9, 0.5, 0.1)],
    "adam": [Adam(0.9), Adam(0.8, 0.99), Adam(0.7, 0.9, 1e-3)],
    "adamw": [AdamW(0.9, decay=d, n_weights=5) for d in (0.1, 0.0, 0.3)],
    "rmsprop": [RMSProp(0.9), RMSProp(0.99), RMSProp(0.8, 1e-3)],
    "adagrad": [AdaGrad(e) for e in (1e-8, 1e-3, 1e-2)],
}


@pytest.mark.parametrize("name", STEPPERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_steps_have_the_bits_of_steps_alone(name, dtype):
    rng, rates, optimizers = np.random.default_rng(0), [0.1, 0.01, 0.003], STEPPERS[name]
    theta, grad = (rng.normal(size=(3, 40)).astype(dtype) for _ in range(2))
    alone = [row.copy() for row in theta]
    states, own = (
        [each.init(row) for each in optimizers for row in alone[:1]] for _ in range(2)
    )
    jobs = [
        SimpleNamespace(optimizer=each, progress=SimpleNamespace(optimizer_state=state))
        for each, state in zip(optimizers, own, strict=True)
    ]
    stepper = stepper_of(optimizers[0])(jobs, theta, grad)
    stepper.begin_epoch(rates, np.arange(1, 5)[:, None] + np.zeros(3, int))
    for k in range(4):
        grad[...] = rng.normal(size=grad.shape)
        for each, row, of_row, rate, state in zip(
            optimizers, alone, grad.copy(), rates, states, strict=True
        ):
            each.step(row, of_row, rate, state)
        stepper.step(k)
        np.testing.assert_array_equal(theta, alone)
