"""Methods that an estimator has or lacks depending on its parameters."""

import functools
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import TypeVar, cast

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
