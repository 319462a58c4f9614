"""Schedules compared with PyTorch and by hand, and as estimators."""

import inspect
import itertools
import math
import pickle

import numpy as np
import pytest
from _networks import ORACLE
from hypothesis import given
from hypothesis import strategies as st
from numpydoc.validate import validate
from sklearn.base import clone
from test_docstrings import CHECKED

from skneural import MLPClassifier, schedules
from skneural.schedules import (
    SCHEDULES,
    Adaptive,
    Constant,
    Cosine,
    CosineRestarts,
    Exponential,
    InvScaling,
    Linear,
    Schedule,
    Step,
    make_schedule,
)

RATES = ORACLE["e_schedules"]
LR0, N_EPOCHS = RATES["lr0"], RATES["n_epochs"]
ETA_MIN = 0.001 / LR0
CASES = {
    "inverse_scaling_power0.5": InvScaling(),
    "inverse_scaling_power0.25": InvScaling(power_t=0.25),
    "step_10_gamma0.5": Step(period=10, multiplier=0.5),
    "exponential_gamma0.95": Exponential(multiplier=0.95),
    "cosine_Tmax50_etamin0": Cosine(period=50),
    "cosine_Tmax49_etamin0.001": Cosine(period=49, final=ETA_MIN),
    "warm_restarts_T10_mult1": CosineRestarts(period=10, final=ETA_MIN),
    "warm_restarts_T10_mult2": CosineRestarts(period=10, growth=2),
}
# one of each class, with no parameter at its default
OTHERS = [
    Constant(warmup=2),
    InvScaling(power_t=0.25, warmup=2),
    Adaptive(divisor=2, warmup=2),
    Step(period=3, multiplier=0.1, warmup=2),
    Exponential(multiplier=0.5, warmup=2),
    Linear(period=7, final=0.1, warmup=2),
    Cosine(period=7, final=0.1, warmup=2),
    CosineRestarts(period=3, growth=1.5, final=0.1, warmup=2),
]
EACH = pytest.mark.parametrize("schedule", OTHERS, ids=lambda schedule: type(schedule).__name__)
CLASSES = pytest.mark.parametrize("cls", SCHEDULES.values())


class MultiStep(Schedule):
    """A user-defined schedule without a warm-up."""

    def __init__(self, milestones=(15, 30, 45), multiplier=0.1):
        self.milestones = milestones
        self.multiplier = multiplier

    def factor(self, epoch, max_iter, stalls):
        return self.multiplier ** sum(epoch >= milestone for milestone in self.milestones)


class HalfToOne(Schedule):
    """A user-defined schedule with a warm-up, which does not begin with 1."""

    def __init__(self, warmup=0):
        self.warmup = warmup

    def factor(self, epoch, max_iter, stalls):
        return np.float64(0.5 if epoch < max_iter / 2 else 1)


def factors(schedule, n_epochs=N_EPOCHS, **progress):
    return [schedule(epoch, **progress) for epoch in range(n_epochs)]


# Values


@pytest.mark.parametrize("case", CASES)
def test_oracle(case):
    rates = LR0 * np.array(factors(CASES[case], max_iter=N_EPOCHS))
    np.testing.assert_allclose(rates, RATES["cases"][case]["lr_torch"], rtol=1e-10)


@pytest.mark.parametrize("patience", [None, math.inf])
@pytest.mark.parametrize("schedule", ["adaptive", Adaptive()])
def test_adaptive_needs_a_patience(schedule, patience):
    with pytest.raises(ValueError, match="patience must be a number of epochs"):
        MLPClassifier((4,), schedule=schedule, patience=patience).fit([[0.0], [1.0]], [0, 1])


def test_oracle_of_cosine_up_to_its_end_and_constant_after():
    rates = LR0 * np.array(factors(Cosine(period=20, final=ETA_MIN)))
    expected = RATES["cases"]["cosine_Tmax20_etamin0.001"]["lr_torch"]
    np.testing.assert_allclose(rates[:21], expected[:21], rtol=1e-10)
    assert expected[21] > expected[20]  # PyTorch's goes up again
    assert set(rates[20:]) == {LR0 * ETA_MIN}


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Constant(), [1, 1, 1, 1, 1]),
        (InvScaling(power_t=1), [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]),
        (InvScaling(power_t=0), [1, 1, 1, 1, 1]),
        (Step(period=2, multiplier=0.1), [1, 1, 0.1, 0.1, 0.01]),
        (Exponential(multiplier=0.5), [1, 0.5, 0.25, 0.125, 0.0625]),
        (Linear(), [1, 0.75, 0.5, 0.25, 0]),
        (Linear(period=2), [1, 0.5, 0, 0, 0]),
        (Linear(period=3, final=0.1), [1, 0.7, 0.4, 0.1, 0.1]),
        (Linear(period=10), [1, 0.9, 0.8, 0.7, 0.6]),
        (Cosine(), [1, (1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2, 0]),
        (Cosine(period=2, final=0.2), [1, 0.6, 0.2, 0.2, 0.2]),
        (Cosine(period=1), [1, 0, 0, 0, 0]),
        (CosineRestarts(period=2), [1, 0.5, 1, 0.5, 1]),
        (CosineRestarts(period=1, growth=2, final=0.2), [1, 1, 0.6, 1, 0.2 + 0.8 * 0.853553]),
        (CosineRestarts(period=1), [1, 1, 1, 1, 1]),
    ],
    ids=repr,
)
def test_by_hand(schedule, expected):
    np.testing.assert_allclose(factors(schedule, 5, max_iter=4), expected, atol=1e-6)
    if "period" not in schedule.get_params() or schedule.period is not None:
        assert factors(schedule, 5) == factors(schedule, 5, max_iter=4)


@pytest.mark.parametrize("cls", [Linear, Cosine])
def test_final_is_reached_to_the_bit_and_kept(cls):
    assert set(factors(cls(period=3, final=0.1))[3:]) == {0.1}


def test_periods_of_fractional_growth_begin_with_one():
    # lengths 3, 4.5, 6.75, 10.125, rounded (halves to even)
    got = factors(CosineRestarts(period=3, growth=1.5), 30)
    assert [epoch for epoch in range(30) if got[epoch] == 1] == [0, 3, 7, 14, 24]
    np.testing.assert_allclose(got[3:7], factors(Cosine(period=4), 4))
    np.testing.assert_allclose(got[14:24], factors(Cosine(period=10), 10))


def test_growth_that_is_less_than_one_epoch_adds_up():
    got = factors(CosineRestarts(period=1, growth=1.25), 12)  # 1 1.25 1.56 1.95 2.44 3.05
    assert [epoch for epoch in range(12) if got[epoch] == 1] == [0, 1, 2, 4, 6, 8, 11]


def test_adaptive_counts_stalls_and_nothing_else():
    assert [Adaptive()(9, stalls=stalls) for stalls in range(3)] == [1, 0.2, 5.0**-2]
    assert set(factors(Adaptive(), stalls=1, max_iter=7)) == {0.2}
    for schedule in OTHERS:
        if not isinstance(schedule, Adaptive):
            assert factors(schedule) == factors(schedule, stalls=3)


# Warm-up


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Constant(warmup=3), [0.25, 0.5, 0.75, 1, 1, 1]),
        (Adaptive(warmup=1), [0.5, 1, 1, 1, 1, 1]),
        (InvScaling(power_t=1, warmup=1), [1 / 2, 1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]),
        (Step(period=2, warmup=2), [1 / 3, 2 / 3, 1, 1, 0.5, 0.5]),
        (Exponential(multiplier=0.5, warmup=1), [0.5, 1, 0.5, 0.25, 0.125, 0.0625]),
        (Linear(warmup=2), [1 / 3, 2 / 3, 1, 0.75, 0.5, 0.25]),
        (Linear(period=2, final=0.1, warmup=2), [1 / 3, 2 / 3, 1, 0.55, 0.1, 0.1]),
        (Cosine(warmup=4), [0.2, 0.4, 0.6, 0.8, 1, 0.5]),
        (CosineRestarts(period=2, warmup=1), [0.5, 1, 0.5, 1, 0.5, 1]),
        (Cosine(warmup=6), [i / 7 for i in range(1, 7)]),
        (Cosine(warmup=9), [i / 10 for i in range(1, 7)]),
    ],
    ids=repr,
)
def test_warmup_by_hand(schedule, expected):
    np.testing.assert_allclose(factors(schedule, 6, max_iter=6), expected)


@EACH
@pytest.mark.parametrize("warmup", [1, 5])
def test_warmup_rises_and_then_the_schedule_starts(schedule, warmup):
    warm, cold = (clone(schedule).set_params(warmup=n) for n in (warmup, 0))
    got = factors(warm, 20, max_iter=20)
    np.testing.assert_allclose(np.diff(got[: warmup + 1]), 1 / (warmup + 1))
    assert got[warmup:] == factors(cold, 20 - warmup, max_iter=20 - warmup)


def test_a_stall_in_the_warmup_counts():
    assert factors(Adaptive(divisor=2, warmup=1), 3, stalls=1) == [0.25, 0.5, 0.5]


def test_warmup_leads_to_the_first_factor_of_any_schedule():
    assert factors(HalfToOne(warmup=1), 5, max_iter=5) == [0.25, 0.5, 0.5, 1, 1]


# A pure function that returns a Python float


def scalars(schedule):
    """Return the schedule with NumPy scalars as parameters, as a search passes them."""
    narrow = {int: np.uint8, float: np.float64}
    values = schedule.get_params().items()
    return clone(schedule).set_params(**{k: narrow[type(v)](v) for k, v in values})


@EACH
@pytest.mark.parametrize("epoch", [0, 1, 5, 300])
def test_returns_a_python_float(schedule, epoch):
    for kind in (int, np.int64):
        progress = {"max_iter": kind(400), "stalls": kind(2)}
        expected = schedule(epoch, max_iter=400, stalls=2)
        for variant in (schedule, scalars(schedule)):
            got = variant(kind(epoch), **progress)
            assert type(got) is float
            assert got == pytest.approx(expected, rel=1e-15)


@EACH
def test_is_pure(schedule):
    progress = list(itertools.product([0, 1, 2, 5, 49], [6, 50], [0, 2]))
    before = pickle.dumps(schedule)
    first = {args: schedule(*args) for args in progress}
    for args in reversed(progress):
        assert schedule(*args) == first[args]
    assert clone(schedule)(*progress[-1]) == first[progress[-1]]
    assert pickle.dumps(schedule) == before


NUMBERS = {
    "warmup": st.integers(0, 10**9),
    "period": st.integers(1, 10**9),
    "power_t": st.floats(0, allow_infinity=False),
    "divisor": st.floats(1, allow_infinity=False, exclude_min=True),
    "multiplier": st.floats(0, 1, exclude_min=True),
    "final": st.floats(0, 1),
    "growth": st.floats(2, allow_infinity=False),
}


@CLASSES
@given(data=st.data())
def test_every_allowed_parameter_gives_a_factor_from_0_to_1(cls, data):
    names = inspect.signature(cls).parameters
    schedule = cls(**{name: data.draw(NUMBERS[name], name) for name in names})
    schedule.check()
    epoch, stalls = data.draw(st.integers(0, 10**9)), data.draw(st.integers(0, 10**4))
    assert 0 <= schedule(epoch, max_iter=10**9, stalls=stalls) <= 1


@CLASSES
def test_begins_with_exactly_one(cls):
    assert cls()(0, max_iter=10) == 1
    if "final" in inspect.signature(cls).parameters:
        for final in np.random.default_rng(0).random(1000):
            assert cls(final=final)(0, max_iter=10) == 1


# As estimators


@CLASSES
def test_others_above_leave_no_parameter_at_its_default(cls):
    other = next(schedule for schedule in OTHERS if type(schedule) is cls)
    for name, value in cls().get_params().items():
        assert getattr(other, name) != value


@EACH
def test_estimator_protocol(schedule):
    cls, params = type(schedule), schedule.get_params()
    assert set(params) == set(inspect.signature(cls).parameters)
    assert eval(repr(schedule), vars(schedules)).get_params() == params
    for copy in (
        clone(schedule),
        pickle.loads(pickle.dumps(schedule)),
        cls().set_params(**params),
    ):
        assert copy is not schedule
        assert type(copy) is cls
        assert copy.get_params() == params
        assert factors(copy) == factors(schedule)
    schedule.check()
    assert repr(cls()) == f"{cls.__name__}()"


def test_constructor_checks_nothing():
    for cls, name, value, _ in ERRORS:
        assert getattr(cls(**{name: value}), name) is value


# Errors

ONE_UP, FROM_0_TO_1 = "an integer >= 1", "a number >= 0 and <= 1"
MULTIPLIER = "a number > 0 and <= 1"
ERRORS = [
    *[(cls, "warmup", -1, "an integer >= 0") for cls in SCHEDULES.values()],
    (Constant, "warmup", 1.0, "an integer >= 0"),
    (Constant, "warmup", None, "an integer >= 0"),
    (Constant, "warmup", True, "an integer >= 0"),
    (InvScaling, "power_t", -0.5, "a number >= 0"),
    (InvScaling, "power_t", math.nan, "a number >= 0"),
    (InvScaling, "power_t", math.inf, "a number >= 0"),
    (InvScaling, "power_t", "0.5", "a number >= 0"),
    (Adaptive, "divisor", 1, "a number > 1"),
    (Adaptive, "divisor", -5.0, "a number > 1"),
    (Adaptive, "divisor", math.nan, "a number > 1"),
    (Adaptive, "divisor", True, "a number > 1"),
    (Step, "period", 0, ONE_UP),
    (Step, "period", 2.5, ONE_UP),
    (Step, "period", None, ONE_UP),
    (Step, "period", True, ONE_UP),
    (Step, "multiplier", 0, MULTIPLIER),
    (Step, "multiplier", 1.5, MULTIPLIER),
    (Step, "multiplier", False, MULTIPLIER),
    (Exponential, "multiplier", 0.0, MULTIPLIER),
    (Exponential, "multiplier", 1.01, MULTIPLIER),
    (Exponential, "multiplier", math.nan, MULTIPLIER),
    (Exponential, "multiplier", "0.9", MULTIPLIER),
    *[
        (cls, "period", bad, f"None or {ONE_UP}")
        for cls in (Linear, Cosine)
        for bad in (0, "5")
    ],
    (CosineRestarts, "period", 0, ONE_UP),
    (CosineRestarts, "period", None, ONE_UP),
    *[
        (cls, "final", bad, FROM_0_TO_1)
        for cls in (Linear, Cosine, CosineRestarts)
        for bad in (-0.1, 1.1, math.nan, None, True)
    ],
    (CosineRestarts, "growth", 0.5, "a number >= 1"),
    (CosineRestarts, "growth", math.inf, "a number >= 1"),
    (CosineRestarts, "growth", [2], "a number >= 1"),
]


@pytest.mark.parametrize(("cls", "name", "value", "allowed"), ERRORS)
def test_check_names_what_is_allowed(cls, name, value, allowed):
    wrong_type = value is None or isinstance(value, bool | str | list)
    wrong_type |= "integer" in allowed and isinstance(value, float)
    with pytest.raises(TypeError if wrong_type else ValueError) as caught:
        cls(**{name: value}).check()
    assert str(caught.value).startswith(f"{name} must be {allowed}, got {value!r}.")


@CLASSES
def test_every_parameter_is_checked(cls):
    for name in inspect.signature(cls).parameters:
        with pytest.raises(TypeError, match=f"^{name} must be "):
            cls(**{name: "wrong"}).check()


@pytest.mark.parametrize("cls", [Linear, Cosine])
@pytest.mark.parametrize("warmup", [0, 3])
def test_length_unknown(cls, warmup):
    message = r"max_iter\. Pass max_iter, or set period\.$"
    with pytest.raises(ValueError, match=message) as caught:
        cls(warmup=warmup)(0)  # in the warm-up as well: early
    assert str(caught.value).startswith(cls.__name__)


# Names and schedules of one's own


def test_names():
    assert list(SCHEDULES) == [
        *("constant", "invscaling", "adaptive", "step"),
        *("exponential", "linear", "cosine", "cosine_restarts"),
    ]
    for name, cls in SCHEDULES.items():
        schedule = make_schedule(name)
        assert type(schedule) is cls
        assert schedule.get_params() == cls().get_params()
        assert cls.__name__.lower() == name.replace("_", "")
    assert make_schedule("step") is not make_schedule("step")


def test_auto_is_a_cosine_unless_training_continues():
    assert type(make_schedule("auto")) is Cosine
    assert type(make_schedule("auto", continues=True)) is Constant
    for name, cls in SCHEDULES.items():
        assert type(make_schedule(name, continues=True)) is cls


def test_power_t_is_for_invscaling_alone():
    assert make_schedule("invscaling", power_t=0.25).power_t == 0.25
    schedule = InvScaling(power_t=1)
    assert make_schedule(schedule, power_t=0.25) is schedule
    assert schedule.power_t == 1
    for name in set(SCHEDULES) - {"invscaling"}:
        assert make_schedule(name, 0.25).get_params() == SCHEDULES[name]().get_params()


@pytest.mark.parametrize(
    ("wrong", "error"),
    [("cosin", ValueError), ("Step", ValueError), ("", ValueError)]
    + [(wrong, TypeError) for wrong in (None, Step, 0.95, lambda epoch: 1.0, ["step"])],
)
def test_make_schedule_says_what_is_known(wrong, error):
    with pytest.raises(
        error, match="schedule must be one of 'auto', 'constant', 'inv"
    ) as caught:
        make_schedule(wrong)
    assert f" or a Schedule instance, got {wrong!r}." in str(caught.value)
    assert all(repr(name) in str(caught.value) for name in SCHEDULES)


def test_a_schedule_of_ones_own():
    schedule = make_schedule(MultiStep())
    assert isinstance(schedule, MultiStep)
    schedule.check()
    expected = RATES["cases"]["multistep_15_30_45_gamma0.1"]["lr_torch"]
    np.testing.assert_allclose(LR0 * np.array(factors(schedule)), expected, rtol=1e-10)
    assert clone(schedule).set_params(milestones=(1,)).get_params() == {
        "milestones": (1,),
        "multiplier": 0.1,
    }
    with pytest.raises(TypeError, match="warmup must be an integer >= 0"):
        HalfToOne(warmup=0.5).check()
    assert type(HalfToOne()(0, max_iter=2)) is float


def test_a_schedule_must_have_factor():
    with pytest.raises(TypeError, match="factor"):
        Schedule()


# Docstrings

PUBLIC = [name for name in schedules.__all__ if name != "SCHEDULES"]
METHODS = [f"Schedule.{name}" for name in ("__call__", "factor", "check")]


def test_all_is_all():
    classes = {cls.__name__ for cls in SCHEDULES.values()}
    assert {*schedules.__all__} == {"SCHEDULES", "Schedule", "make_schedule"} | classes


@pytest.mark.parametrize("name", [*PUBLIC, *METHODS])
def test_docstring_is_numpydoc(name):
    errors = validate(f"skneural.schedules.{name}")["errors"]
    assert not [(code, text) for code, text in errors if code in CHECKED]


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_has_an_example(name):
    assert ">>> " in inspect.getdoc(getattr(schedules, name))


@pytest.mark.parametrize("obj", [*SCHEDULES.values(), make_schedule])
def test_documented_defaults_are_those_of_the_signature(obj):
    doc = inspect.getdoc(obj).splitlines()
    for parameter in inspect.signature(obj).parameters.values():
        line = next(line for line in doc if line.startswith(f"{parameter.name} : "))
        if parameter.default is not inspect.Parameter.empty:
            assert line.endswith(f", default={parameter.default!r}")


@pytest.mark.parametrize("factor", [np.nan, -1.0, None, "a", np.inf])
def test_a_schedule_must_give_a_rate(factor):
    class Own(Schedule):
        def factor(self, epoch, length, stalls):
            return factor

    own = MLPClassifier((4,), schedule=Own())
    with pytest.raises((ValueError, TypeError), match="schedule"):
        own.fit(np.ones((6, 2)), [0, 1] * 3)


def test_partial_fit_goes_on_at_the_end_of_a_schedule():
    x, y = np.ones((6, 2)), [0, 1] * 3
    for warm_start in (False, True):
        own = MLPClassifier((4,), schedule="linear", max_iter=5, patience=None)
        own.set_params(warm_start=warm_start).fit(x, y).partial_fit(x, y)
        assert own.history_["learning_rate"][-1] == 0.0
