"""Schedules: by what `learning_rate` is multiplied in each epoch.

A schedule is a pure function of progress: it remembers nothing between epochs. It is an
estimator only so that it prints, clones and can be searched, as in
``GridSearchCV(MLPClassifier(schedule=Step()), {"schedule__period": [5, 10]})``.

No schedule here exceeds 1: `learning_rate` is the highest rate of a training.
"""

import math
from abc import ABCMeta, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from sklearn.base import BaseEstimator

from skneural._checks.foreign_names import value_advice
from skneural._checks.parameters import CheckValue, either, number

__all__ = [
    "SCHEDULES",
    "Adaptive",
    "Constant",
    "Cosine",
    "CosineRestarts",
    "Exponential",
    "InvScaling",
    "Linear",
    "Schedule",
    "Step",
    "make_schedule",
]

_LENGTH = number(1, integer=True)
_MULTIPLIER = number(0, 1, open_low=True)
_FINAL = number(0, 1)


class Schedule(BaseEstimator, metaclass=ABCMeta):
    """What every schedule is: a function of the epoch, with a linear warm-up before it.

    A schedule of your own derives from it, takes its parameters in ``__init__`` as every
    estimator does, and supplies `factor`. It may extend `check`, and has a warm-up if
    `warmup` is among its parameters.

    References
    ----------
    P. Goyal et al., Accurate, large minibatch SGD: training ImageNet in 1 hour,
    arXiv:1706.02677, 2017, for the warm-up.

    Examples
    --------
    >>> from skneural.schedules import Schedule
    >>> class InverseTime(Schedule):
    ...     def __init__(self, strength=0.5, warmup=0):
    ...         self.strength = strength
    ...         self.warmup = warmup
    ...
    ...     def factor(self, epoch, max_iter, stalls):
    ...         return 1 / (1 + self.strength * epoch)
    >>> schedule = InverseTime(strength=1, warmup=1)
    >>> [schedule(epoch) for epoch in range(3)]
    [0.5, 1.0, 0.5]
    """

    warmup: int = 0
    _parameter_checks: ClassVar[Mapping[str, CheckValue]] = {}

    @abstractmethod
    def factor(self, epoch: int, max_iter: int | None, stalls: int) -> float:
        """Return the factor of an epoch after the warm-up.

        Parameters
        ----------
        epoch : int
            Epochs since the warm-up ended, from 0 up.
        max_iter : int or None
            Epochs there will be after the warm-up, at least 1; None if that is unknown.
        stalls : int
            How often patience has run out so far.

        Returns
        -------
        factor : float
            What `learning_rate` is multiplied by: finite, from 0 up.
        """

    def __call__(self, epoch: int, max_iter: int | None = None, stalls: int = 0) -> float:
        """Return the factor of an epoch.

        In the warm-up it is ``(epoch + 1) / (warmup + 1)`` of the schedule's first one.

        Parameters
        ----------
        epoch : int
            The epoch, from 0 up.
        max_iter : int, default=None
            Epochs there will be, warm-up included, for schedules whose length follows it.
        stalls : int, default=0
            How often patience has run out so far, for `Adaptive`.

        Returns
        -------
        factor : float
            What `learning_rate` is multiplied by.

        Raises
        ------
        ValueError, TypeError
            If `factor` gives anything but a finite number from 0 up.
        """
        warmup = int(self.warmup)
        if max_iter is not None:
            max_iter = max(1, max_iter - warmup)
        factor = self.factor(max(0, epoch - warmup), max_iter, stalls)
        if not (type(factor) is float and 0 <= factor < math.inf):  # `repr` is slow
            number(0)(f"what schedule {self!r} gives for epoch {epoch}", factor)
        return float(factor * min(1.0, (epoch + 1) / (warmup + 1)))

    def check(self) -> None:
        """Check the parameters; a ValueError or TypeError says by name what is allowed."""
        number(0, integer=True)("warmup", self.warmup)
        for name, check_value in self._parameter_checks.items():
            check_value(name, getattr(self, name))


class Constant(Schedule):
    """The same rate in every epoch.

    Parameters
    ----------
    warmup : int, default=0
        Epochs of linear warm-up, from 0 up.

    Examples
    --------
    >>> from skneural.schedules import Constant
    >>> [Constant(warmup=3)(epoch) for epoch in range(5)]
    [0.25, 0.5, 0.75, 1.0, 1.0]
    """

    def __init__(self, *, warmup: int = 0) -> None:
        self.warmup = warmup

    def factor(self, epoch: int, max_iter: int | None, stalls: int) -> float:
        """``1``."""
        return 1.0


class InvScaling(Schedule):
    """A power of the inverse of the epoch: ``1 / (epoch + 1) ** power_t``.

    scikit-learn's ``"invscaling"`` has the same formula but counts training samples, which
    makes the rate fall far sooner.

    Parameters
    ----------
    power_t : float, default=0.5
        The power, from 0 up. Stochastic approximation converges for powers above 0.5 and
        up to 1: the rates then have an infinite sum, and their squares a finite one.
    warmup : int, default=0
        Epochs of linear warm-up, from 0 up.

    References
    ----------
    H. Robbins and S. Monro, A stochastic approximation method, The Annals of
    Mathematical Statistics 22(3), 1951.

    Examples
    --------
    >>> from skneural.schedules import InvScaling
    >>> [InvScaling(power_t=1)(epoch) for epoch in (0, 1, 3, 9)]
    [1.0, 0.5, 0.25, 0.1]
    """

    _parameter_checks = {"power_t": number(0)}

    def __init__(self, *, power_t: float = 0.5, warmup: int = 0) -> None:
        self.power_t = power_t
        self.warmup = warmup

    def factor(self, epoch: int, max_iter: int | None, stalls: int) -> float:
        """``1 / (epoch + 1) ** power_t``."""
        return (epoch + 1) ** -float(self.power_t)


class Adaptive(Schedule):
    """The rate is divided each time that patience runs out: ``divisor ** -stalls``.

    As scikit-learn's ``"adaptive"``. Training counts the stalls, not the schedule.

    Parameters
    ----------
    divisor : float, default=5.0
        What the rate is divided by, above 1.
    warmup : int, default=0
        Epochs of linear warm-up, from 0 up. A stall in the warm-up counts as well.

    Examples
    --------
    >>> from skneural.schedules import Adaptive
    >>> [Adaptive(divisor=2)(20, stalls=stalls) for stalls in range(3)]
    [1.0, 0.5, 0.25]
    """

    _parameter_checks = {"divisor": number(1, open_low=True)}

    def __init__(self, *, divisor: float = 5.0, warmup: int = 0) -> None:
        self.divisor = divisor
        self.warmup = warmup

    def factor(self, epoch: int, max_iter: int | None, stalls: int) -> float:
        """``divisor ** -stalls``."""
        return float(self.divisor) ** -stalls


class Step(Schedule):
    """The rate falls every `period` epochs: ``multiplier ** (epoch // period)``.

    Parameters
    ----------
    period : int, default=10
        Epochs from one fall to the next, from 1 up.
    multiplier : float, default=0.5
        What the rate is multiplied by, in (0, 1].
    warmup : int, default=0
        Epochs of linear warm-up, from 0 up.

    Examples
    --------
    >>> from skneural.schedules import Step
    >>> [Step(period=2)(epoch) for epoch in range(6)]
    [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    """

    _parameter_checks = {"period": _LENGTH, "multiplier": _MULTIPLIER}

    def __init__(self, *, period: int = 10, multiplier: float = 0.5, warmup: int = 0) -> None:
        self.period = period
        self.multiplier = multiplier
        self.warmup = warmup

    def factor(self, epoch: int, max_iter: int | None, stalls: int) -> float:
        """``multiplier ** (epoch // period)``."""
        return float(self.multiplier) ** (epoch // int(self.period))


class Exponential(Schedule):
    """The rate falls after every epoch: ``multiplier ** epoch``.

    Parameters
    ----------
    multiplier : float, default=0.95
        What the rate is multiplied by, in (0, 1].
    warmup : int, default=0
        Epochs of linear warm-up, from 0 up.

    Examples
    --------
    >>> from skneural.schedules import Exponential
    >>> [Exponential(multiplier=0.5)(epoch) for epoch in range(4)]
    [1.0, 0.5, 0.25, 0.125]
    """

    _parameter_checks = {"multiplier": _MULTIPLIER}

    def __init__(self, *, multiplier: float = 0.95, warmup: int = 0) -> None:
        self.multiplier = multiplier
        self.warmup = warmup

    def factor(self, epoch: int, max_iter: int | None, stalls: int) -> float:
        """``multiplier ** epoch``."""
        return float(self.multiplier) ** epoch


class Linear(Schedule):
    """From 1 to `final` along a line, constant afterwards.

    The factor is ``1 + (final - 1) * min(epoch, period) / period``: the first of `period`
    epochs has 1, and the one after the last of them would have `final`.

    Parameters
    ----------
    period : int, default=None
        Epochs from 1 to `final`, from 1 up; None takes all there are after the warm-up.
    final : float, default=0.0
        The last factor, in [0, 1]. With 0 nothing is learned after `period` epochs.
    warmup : int, default=0
        Epochs of linear warm-up, from 0 up.

    Examples
    --------
    >>> from skneural.schedules import Linear
    >>> [Linear(final=0.5)(epoch, max_iter=4) for epoch in range(6)]
    [1.0, 0.875, 0.75, 0.625, 0.5, 0.5]
    """

    _parameter_checks = {"period": either(None, _LENGTH), "final": _FINAL}

    def __init__(
        self, *, period: int | None = None, final: float = 0.0, warmup: int = 0
    ) -> None:
        self.period = period
        self.final = final
        self.warmup = warmup

    def factor(self, epoch: int, max_iter: int | None, stalls: int) -> float:
        """``final + (1 - final) * (1 - progress)``, which ends at `final` to the bit."""
        return _above(self.final, 1 - _progress(self, epoch, max_iter))


class Cosine(Schedule):
    """From 1 to `final` along half a period of the cosine, constant afterwards.

    The factor is ``final + (1 - final) * (1 + cos(pi * t)) / 2`` with
    ``t = min(epoch, period) / period``. PyTorch's CosineAnnealingLR agrees up to its
    ``T_max`` and goes up again after it.

    Parameters
    ----------
    period : int, default=None
        Epochs from 1 to `final`, from 1 up; None takes all there are after the warm-up.
    final : float, default=0.0
        The last factor, in [0, 1]. With 0 nothing is learned after `period` epochs.
    warmup : int, default=0
        Epochs of linear warm-up, from 0 up.

    References
    ----------
    I. Loshchilov and F. Hutter, SGDR: stochastic gradient descent with warm restarts,
    ICLR 2017.

    Examples
    --------
    >>> from skneural.schedules import Cosine
    >>> [round(Cosine()(epoch, max_iter=4), 3) for epoch in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """

    _parameter_checks = Linear._parameter_checks

    def __init__(
        self, *, period: int | None = None, final: float = 0.0, warmup: int = 0
    ) -> None:
        self.period = period
        self.final = final
        self.warmup = warmup

    def factor(self, epoch: int, max_iter: int | None, stalls: int) -> float:
        """``final + (1 - final) * (1 + cos(pi * progress)) / 2``."""
        return _above(self.final, _half_cosine(_progress(self, epoch, max_iter)))


class CosineRestarts(Schedule):
    """`Cosine` again and again, in periods of growing length (SGDR).

    Parameters
    ----------
    period : int, default=10
        Epochs of the first period, from 1 up.
    growth : float, default=1
        How many times longer each period is than the one before, from 1 up. Period i has
        ``period * growth ** i`` epochs, rounded, so that each begins with factor 1.
    final : float, default=0.0
        The factor that each period falls towards, in [0, 1].
    warmup : int, default=0
        Epochs of linear warm-up, from 0 up.

    References
    ----------
    I. Loshchilov and F. Hutter, SGDR: stochastic gradient descent with warm restarts,
    ICLR 2017.

    Examples
    --------
    >>> from skneural.schedules import CosineRestarts
    >>> [round(CosineRestarts(period=2, growth=2)(epoch), 3) for epoch in range(7)]
    [1.0, 0.5, 1.0, 0.854, 0.5, 0.146, 1.0]
    """

    _parameter_checks = {"period": _LENGTH, "growth": number(1), "final": _FINAL}

    def __init__(
        self, *, period: int = 10, growth: float = 1, final: float = 0.0, warmup: int = 0
    ) -> None:
        self.period = period
        self.growth = growth
        self.final = final
        self.warmup = warmup

    def factor(self, epoch: int, max_iter: int | None, stalls: int) -> float:
        """`Cosine` of the epochs since the last restart."""
        exact, growth = float(self.period), float(self.growth)
        while epoch >= round(exact):
            epoch -= round(exact)
            exact = min(exact * growth, 1e300)  # infinity cannot be rounded
        return _above(self.final, _half_cosine(epoch / round(exact)))


def _progress(schedule: Linear | Cosine, epoch: int, max_iter: int | None) -> float:
    """How much of its period a schedule has behind it, from 0 to 1."""
    period = max_iter if schedule.period is None else int(schedule.period)
    if period is None:
        raise ValueError(
            f"{schedule!r} takes its length from max_iter: pass max_iter, or set period."
        )
    return min(epoch, period) / period


def _half_cosine(progress: float) -> float:
    return (1 + math.cos(math.pi * progress)) / 2


def _above(final: float, part: float) -> float:
    return float(final) + (1 - float(final)) * part


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "invscaling": InvScaling,
    "adaptive": Adaptive,
    "step": Step,
    "exponential": Exponential,
    "linear": Linear,
    "cosine": Cosine,
    "cosine_restarts": CosineRestarts,
}


def make_schedule(
    schedule: str | Schedule, power_t: float = 0.5, continues: bool = False
) -> Schedule:
    """Return the schedule that a name stands for.

    Parameters
    ----------
    schedule : str or Schedule
        A name in `SCHEDULES`, for that schedule with its defaults; ``"auto"``; or a
        schedule, which is returned as it is.
    power_t : float, default=0.5
        Power of ``"invscaling"``.
    continues : bool, default=False
        Whether training continues from an earlier call. ``"auto"`` is then `Constant`, as a
        schedule that has ended at 0 would let nothing be learned, and otherwise `Cosine`.

    Returns
    -------
    schedule : Schedule
        The schedule; its parameters have not been checked.

    Examples
    --------
    >>> from skneural.schedules import make_schedule
    >>> make_schedule("invscaling", power_t=0.25)
    InvScaling(power_t=0.25)
    >>> make_schedule("auto"), make_schedule("auto", continues=True)
    (Cosine(), Constant())
    """
    if isinstance(schedule, Schedule):
        return schedule
    names = ["auto", *SCHEDULES]
    allowed = f"one of {', '.join(map(repr, names))}, or a Schedule instance"
    if not isinstance(schedule, str):
        raise TypeError(f"schedule must be {allowed}, got {schedule!r}.")
    if schedule == "auto":
        return Constant() if continues else Cosine()
    if schedule not in SCHEDULES:
        advice = value_advice(schedule, names)
        raise ValueError(f"schedule must be {allowed}, got {schedule!r}.{advice}")
    return InvScaling(power_t=power_t) if schedule == "invscaling" else SCHEDULES[schedule]()
