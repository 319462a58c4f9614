"""Learning-rate schedules, which multiply `learning_rate` by a factor in each epoch.

A schedule is a pure function of the epoch and stores nothing between epochs. It is a
scikit-learn estimator so that it can be printed, cloned and searched, as in
``GridSearchCV(MLPClassifier(schedule=Step()), {"schedule__period": [5, 10]})``.

No factor in this module exceeds 1, so `learning_rate` is the highest rate of a fit.
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
    """Base class of all schedules: a function of the epoch, after a linear warm-up.

    To write your own schedule, derive a class from this one, take its parameters in
    ``__init__`` as every estimator does, and implement `factor`. The class may extend
    `check`. It has a warm-up if `warmup` is one of its parameters.

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
            Number of epochs since the end of the warm-up, at least 0.
        max_iter : int or None
            Total number of epochs after the warm-up, at least 1, or None if it is unknown.
        stalls : int
            Number of times that patience has run out so far.

        Returns
        -------
        factor : float
            Factor by which `learning_rate` is multiplied, finite and at least 0.
        """

    def __call__(self, epoch: int, max_iter: int | None = None, stalls: int = 0) -> float:
        """Return the factor of an epoch.

        During the warm-up, this is ``(epoch + 1) / (warmup + 1)`` times the first factor of
        the schedule.

        Parameters
        ----------
        epoch : int
            The epoch, counted from 0.
        max_iter : int, default=None
            Total number of epochs, including the warm-up. Schedules without a length of
            their own need it.
        stalls : int, default=0
            Number of times that patience has run out so far, for `Adaptive`.

        Returns
        -------
        factor : float
            Factor by which `learning_rate` is multiplied.

        Raises
        ------
        ValueError, TypeError
            If `factor` returns anything other than a finite number of at least 0.
        """
        warmup = int(self.warmup)
        if max_iter is not None:
            max_iter = max(1, max_iter - warmup)
        factor = self.factor(max(0, epoch - warmup), max_iter, stalls)
        if not (type(factor) is float and 0 <= factor < math.inf):  # avoids a slow `repr`
            number(0)(f"the factor of schedule {self!r} in epoch {epoch}", factor)
        return float(factor * min(1.0, (epoch + 1) / (warmup + 1)))

    def check(self) -> None:
        """Check the parameters.

        Raises
        ------
        ValueError, TypeError
            If a parameter has an invalid value. The message names the parameter and the
            allowed values.
        """
        number(0, integer=True)("warmup", self.warmup)
        for name, check_value in self._parameter_checks.items():
            check_value(name, getattr(self, name))


class Constant(Schedule):
    """Keep the learning rate constant.

    Parameters
    ----------
    warmup : int, default=0
        Number of epochs of linear warm-up.

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
    """Decrease the rate as a power of the epoch: ``1 / (epoch + 1) ** power_t``.

    scikit-learn's ``"invscaling"`` uses the same formula, but counts training samples
    instead of epochs, so that the rate decreases much faster.

    Parameters
    ----------
    power_t : float, default=0.5
        The exponent, at least 0. Stochastic approximation converges for exponents above 0.5
        and up to 1: the sum of the rates is then infinite, and the sum of their squares is
        finite.
    warmup : int, default=0
        Number of epochs of linear warm-up.

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
        """Return ``1 / (epoch + 1) ** power_t``."""
        return (epoch + 1) ** -float(self.power_t)


class Adaptive(Schedule):
    """Divide the rate each time that patience runs out: ``divisor ** -stalls``.

    This corresponds to scikit-learn's ``"adaptive"``. The estimator counts the stalls and
    passes their number to the schedule.

    Parameters
    ----------
    divisor : float, default=5.0
        Number by which the rate is divided, greater than 1.
    warmup : int, default=0
        Number of epochs of linear warm-up. Stalls during the warm-up are counted, too.

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
        """Return ``divisor ** -stalls``."""
        return float(self.divisor) ** -stalls


class Step(Schedule):
    """Decrease the rate every `period` epochs: ``multiplier ** (epoch // period)``.

    Parameters
    ----------
    period : int, default=10
        Number of epochs between two decreases, at least 1.
    multiplier : float, default=0.5
        Factor by which the rate is multiplied at each decrease, in (0, 1].
    warmup : int, default=0
        Number of epochs of linear warm-up.

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
        """Return ``multiplier ** (epoch // period)``."""
        return float(self.multiplier) ** (epoch // int(self.period))


class Exponential(Schedule):
    """Decrease the rate after every epoch: ``multiplier ** epoch``.

    Parameters
    ----------
    multiplier : float, default=0.95
        Factor by which the rate is multiplied after every epoch, in (0, 1].
    warmup : int, default=0
        Number of epochs of linear warm-up.

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
        """Return ``multiplier ** epoch``."""
        return float(self.multiplier) ** epoch


class Linear(Schedule):
    """Decrease the rate linearly, from a factor of 1 to `final`, then keep it constant.

    The factor is ``1 + (final - 1) * min(epoch, period) / period``. It is 1 in the first
    epoch, and `final` from the epoch after the period on.

    Parameters
    ----------
    period : int, default=None
        Number of epochs in which the factor decreases to `final`, at least 1. None means
        all epochs after the warm-up.
    final : float, default=0.0
        The last factor, in [0, 1]. With 0, the weights no longer change after `period`
        epochs.
    warmup : int, default=0
        Number of epochs of linear warm-up.

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
        """Return ``final + (1 - final) * (1 - progress)``, which ends at exactly `final`."""
        return _above(self.final, 1 - _progress(self, epoch, max_iter))


class Cosine(Schedule):
    """Decrease the rate along half a cosine, from a factor of 1 to `final`, then keep it.

    The factor is ``final + (1 - final) * (1 + cos(pi * t)) / 2`` with
    ``t = min(epoch, period) / period``. PyTorch's CosineAnnealingLR has the same values up
    to its ``T_max``, but increases again afterwards.

    Parameters
    ----------
    period : int, default=None
        Number of epochs in which the factor decreases to `final`, at least 1. None means
        all epochs after the warm-up.
    final : float, default=0.0
        The last factor, in [0, 1]. With 0, the weights no longer change after `period`
        epochs.
    warmup : int, default=0
        Number of epochs of linear warm-up.

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
        """Return ``final + (1 - final) * (1 + cos(pi * progress)) / 2``."""
        return _above(self.final, _half_cosine(_progress(self, epoch, max_iter)))


class CosineRestarts(Schedule):
    """Repeat `Cosine` in periods of equal or growing length (SGDR).

    Parameters
    ----------
    period : int, default=10
        Number of epochs in the first period, at least 1.
    growth : float, default=1
        Ratio of the length of each period to that of the one before, at least 1. Period i
        has ``period * growth ** i`` epochs, rounded to an integer, so that the first epoch
        of every period has a factor of 1.
    final : float, default=0.0
        The factor towards which the rate decreases in each period, in [0, 1].
    warmup : int, default=0
        Number of epochs of linear warm-up.

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
        """Return the factor of `Cosine` for the epochs since the last restart."""
        exact, growth = float(self.period), float(self.growth)
        while epoch >= round(exact):
            epoch -= round(exact)
            exact = min(exact * growth, 1e300)  # infinity cannot be rounded
        return _above(self.final, _half_cosine(epoch / round(exact)))


def _progress(schedule: Linear | Cosine, epoch: int, max_iter: int | None) -> float:
    """Return the completed part of the schedule's period, from 0 to 1."""
    period = max_iter if schedule.period is None else int(schedule.period)
    if period is None:
        raise ValueError(
            f"{schedule!r} takes its length from max_iter. Pass max_iter, or set period."
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
    """Return the schedule with a given name.

    Parameters
    ----------
    schedule : str or Schedule
        A name in `SCHEDULES`, which means that schedule with its default parameters;
        ``"auto"``; or a schedule, which is returned unchanged.
    power_t : float, default=0.5
        Exponent of ``"invscaling"``.
    continues : bool, default=False
        Whether training continues from an earlier call. In this case, ``"auto"`` means
        `Constant`, because a schedule that has ended at 0 would leave the weights as they
        are. Otherwise, it means `Cosine`.

    Returns
    -------
    schedule : Schedule
        The schedule, whose parameters have not been checked.

    Raises
    ------
    ValueError, TypeError
        If `schedule` is neither of these names nor a `Schedule`.

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
