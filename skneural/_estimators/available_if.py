"""Methods that an estimator has or lacks depending on its parameters."""

import functools
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import TypeVar, cast

import numpy as np
from sklearn.base import BaseEstimator

_Method = TypeVar("_Method", bound=Callable[..., object])


def available_if(check: Callable[[BaseEstimator], object]) -> Callable[[_Method], _Method]:
    """Decorate a method that exists only where `check(estimator)` raises no error.

    This differs from `sklearn.utils.metaestimators.available_if` in the error: its message
    contains the reason, which there is only the cause of the error.
    """
    # editors and type checkers see the method unchanged
    decorator = functools.partial(_AvailableMethod, check)
    return cast(Callable[[_Method], _Method], decorator)


def trains_in_parts(estimator: BaseEstimator) -> bool:
    """Return True if `partial_fit` makes sense; an AttributeError says what to do otherwise."""
    # a value of another type is refused by name when the method runs
    if isinstance(estimator.solver, str) and estimator.solver == "lbfgs":
        raise AttributeError(
            "solver='lbfgs' needs all of the data at once. Call fit, or use another solver, "
            "such as 'adam', for partial_fit."
        )
    if isinstance(estimator.early_stopping, bool | np.bool_) and estimator.early_stopping:
        raise AttributeError(
            "early_stopping=True holds out a part of all data, and partial_fit sees a part at "
            "a time. Set early_stopping=False or 'auto', and pass X_val and y_val to "
            "partial_fit to have them scored after every call."
        )
    return True


class _AvailableMethod:
    """Descriptor of a method that is available only under a condition."""

    def __init__(
        self, check: Callable[[BaseEstimator], object], function: FunctionType
    ) -> None:
        self.check, self.function = check, function
        functools.update_wrapper(self, function)  # type: ignore[arg-type]  # is not callable

    def __get__(
        self, estimator: BaseEstimator | None, owner: type | None = None
    ) -> FunctionType | MethodType:
        if estimator is None:
            return self.function
        try:
            self.check(estimator)
        except Exception as reason:  # the parameters may not have been checked yet
            name = self.function.__name__
            message = f"This {type(estimator).__name__!r} has no attribute {name!r}: {reason}"
            # with a name and no object, Python does not suggest a private method
            raise AttributeError(message, name=name) from None
        return MethodType(self.function, estimator)
