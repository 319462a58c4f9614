"""Methods that an estimator has or lacks depending on its parameters."""

import functools
from types import MethodType


def available_if(check):
    """Decorate a method that exists only where `check(estimator)` raises no error.

    As `sklearn.utils.metaestimators.available_if`, but for the error: there the reason is the
    cause of an error that does not name it, and here it is part of the message.
    """
    return functools.partial(_AvailableMethod, check)


class _AvailableMethod:
    """Descriptor of such a method."""

    def __init__(self, check, function):
        self.check, self.function = check, function
        functools.update_wrapper(self, function)

    def __get__(self, estimator, owner=None):
        if estimator is None:
            return self.function
        try:
            self.check(estimator)
        except Exception as reason:  # also of parameters that are yet to be checked
            name = self.function.__name__
            message = f"This {type(estimator).__name__!r} has no attribute {name!r}: {reason}"
            # with a name and no object, Python does not suggest a private method instead
            raise AttributeError(message, name=name) from None
        return MethodType(self.function, estimator)
