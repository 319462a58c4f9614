"""Checks of constructor parameters; an error names the parameter and what is allowed."""

import ast
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TypeGuard

import numpy as np

from skneural._checks.foreign_names import value_advice

_MAX_ADVISED = 20  # a longer sequence would hide the rest of the message

# raises a ValueError or TypeError that names the parameter
CheckValue = Callable[[str, object], object]


@dataclass(frozen=True)
class Check:
    """A check of a value, a description of what it allows, and advice for a refused value."""

    refuse: CheckValue
    allowed: str
    advise: Callable[[object], str]

    def __call__(self, name: str, value: object) -> None:
        self.refuse(name, value)


def number(
    low: float = -math.inf,
    high: float = math.inf,
    *,
    integer: bool = False,
    open_low: bool = False,
    open_high: bool = False,
) -> Check:
    """Return a check for a finite number in an interval; both ends belong to it by default."""
    kind = "an integer" if integer else "a number"
    bounds = []
    if low > -math.inf:
        bounds.append(f"{'>' if open_low else '>='} {low}")
    if high < math.inf:
        bounds.append(f"{'<' if open_high else '<='} {high}")
    allowed = f"{kind} {' and '.join(bounds)}".strip()

    def refuse(name: str, value: object) -> None:
        if not is_number(value, Integral if integer else Real):
            raise TypeError(f"{name} must be {allowed}, got {value!r}.{advise(value)}")
        too_low = value <= low if open_low else value < low
        too_high = value >= high if open_high else value > high
        if too_low or too_high or not _is_finite(value):
            raise ValueError(f"{name} must be {allowed}, got {value!r}.")

    def advise(value: object) -> str:
        return advise_numbers(value) or (advise_integers(value) if integer else "")

    return Check(refuse, allowed, advise)


def advise_integers(value: object) -> str:
    """Return advice to write integers instead of floats such as 64.0 or 37.3, or ""."""
    entries = tuple(value) if is_sequence(value) else (value,)
    if not 0 < len(entries) <= _MAX_ADVISED:
        return ""
    numbers = [x for x in entries if is_number(x, Real)]
    if len(numbers) < len(entries) or not all(abs(x) < 1e9 for x in numbers):
        return ""
    if not all(x == int(x) for x in numbers):
        return " Round it, or draw integers in a search: scipy.stats.randint(low, high)."
    if all(is_number(x) for x in numbers):
        return ""  # they are integers already, but too small or too large
    whole = tuple(int(x) for x in numbers)
    return f" Write {whole if is_sequence(value) else whole[0]!r}."


def advise_numbers(value: object, most: int = 1) -> str:
    """Return advice to write a string of at most `most` numbers without quotation marks.

    The advice is an empty string for any other value.
    """
    if not isinstance(value, str):
        return ""
    try:
        found = ast.literal_eval(value.strip())
    except (SyntaxError, TypeError, ValueError):
        return ""
    numbers = found if isinstance(found, tuple | list) and most > 1 else [found]
    if len(numbers) > most or not all(is_number(number, Real) for number in numbers):
        return ""
    return f" Write {found!r}, without quotation marks."


def is_number(value: object, kind: type = Integral) -> TypeGuard[float]:
    """Return whether a value is a number of a kind; booleans and NumPy's times are none.

    The types of `numbers` have no operators for a type checker; a float has all of them.
    """
    return isinstance(value, kind) and not isinstance(value, bool | np.bool_ | np.timedelta64)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond the floats
        return False


def learning_rate(name: str, value: object) -> None:
    """Check for a number above 0; what scikit-learn calls `learning_rate` is `schedule`."""
    try:
        number(0, open_low=True)(name, value)
    except TypeError as error:
        if not isinstance(value, str) or value not in ("constant", "invscaling", "adaptive"):
            raise
        raise TypeError(
            f"{error} Write schedule={value!r}: learning_rate is the rate that it starts from."
        ) from None


def patience(name: str, value: object) -> None:
    """Check for None or an integer >= 1; infinity means the same as None."""
    if isinstance(value, Real) and value == math.inf:
        return
    try:
        either(None, number(1, integer=True))(name, value)
    except (TypeError, ValueError) as error:
        if not isinstance(value, str) or value.lower() not in ("inf", "infinity", "never"):
            raise
        raise TypeError(f"{error} Write None, which means never.") from None


def one_of(*names: str) -> Check:
    """Return a check for one of some strings."""
    allowed = (
        " or ".join(repr(name) for name in names)
        if len(names) < 3
        else ("one of " + ", ".join(repr(name) for name in names))
    )

    def refuse(name: str, value: object) -> None:
        if not isinstance(value, str):
            raise TypeError(f"{name} must be {allowed}, got {value!r}.{advise(value)}")
        if value not in names:
            raise ValueError(f"{name} must be {allowed}, got {value!r}.{advise(value)}")

    def advise(value: object) -> str:
        return value_advice(value, names)

    return Check(refuse, allowed, advise)


def one_of_or_object(*names: str, methods: tuple[str, ...], function: str = "") -> Check:
    """Return a check for one of some strings, or an object that has the given methods.

    `function` describes a function that is allowed as well; by default none is.
    """
    by_name = one_of(*names)
    known = "method" if len(methods) == 1 else "methods"
    allowed = f"an object with the {known} {' and '.join(methods)}"
    allowed = ", ".join(filter(None, (by_name.allowed, function, f"or {allowed}")))

    def refuse(name: str, value: object) -> None:
        is_function = bool(function) and callable(value)
        if not isinstance(value, type) and (is_function or _has(value, methods)):
            return
        try:
            by_name(name, value)
        except (TypeError, ValueError) as error:
            raise type(error)(
                f"{name} must be {allowed}, got {value!r}.{advise(value)}"
            ) from None

    def advise(value: object) -> str:
        if isinstance(value, type) and _has(value, methods):
            return f" Write {value.__name__}()."
        return by_name.advise(value)

    return Check(refuse, allowed, advise)


def name_of_loss(*names: str) -> Check:
    """Return a check for the name of a loss; its error says where user-defined losses work."""
    by_name = one_of(*names)

    def refuse(name: str, value: object) -> None:
        try:
            by_name(name, value)
        except TypeError as error:
            if not (callable(value) or _has(value, ("loss_gradient",))):
                raise
            raise TypeError(
                f"{error} Losses of your own are for regressors: labels and probabilities "
                "follow from the loss. A regressor can be fitted to 0/1 columns, one per class."
            ) from None

    return Check(refuse, by_name.allowed, by_name.advise)


def _has(value: object, methods: tuple[str, ...]) -> bool:
    return all(callable(getattr(value, method, None)) for method in methods)


def either(special: object, check_other: Check) -> Check:
    """Return a check that allows one special value and all that another check allows."""
    allowed = f"{special!r} or {check_other.allowed}"

    def refuse(name: str, value: object) -> None:
        if isinstance(value, type(special)) and value == special:
            return
        try:
            check_other(name, value)
        except (TypeError, ValueError) as error:
            advice = advise(value)
            raise type(error)(f"{name} must be {allowed}, got {value!r}.{advice}") from None

    def advise(value: object) -> str:
        if isinstance(value, str) and value.lower() == str(special).lower():
            return f" Write {special!r}."
        return check_other.advise(value)

    return Check(refuse, allowed, advise)


def boolean(name: str, value: object) -> None:
    """Check for True or False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}.")


def boolean_or_auto(name: str, value: object) -> None:
    """Check for True, False or "auto"."""
    if isinstance(value, bool | np.bool_) or (isinstance(value, str) and value == "auto"):
        return
    kind = ValueError if isinstance(value, str) else TypeError
    advice = value_advice(value, ["auto"])
    raise kind(f"{name} must be True, False or 'auto', got {value!r}.{advice}")


def boolean_or_level(name: str, value: object) -> None:
    """Check for True, False or an integer >= 0."""
    if not (isinstance(value, bool | np.bool_) or is_number(value)):
        raise TypeError(f"{name} must be True, False or an integer >= 0, got {value!r}.")
    if value < 0:
        raise ValueError(f"{name} must be True, False or an integer >= 0, got {value!r}.")


def quantiles(name: str, value: object) -> None:
    """Check for a number between 0 and 1, or an increasing sequence of such numbers."""
    one = number(0, 1, open_low=True, open_high=True)
    allowed = f"{one.allowed}, or an increasing sequence of such numbers"
    entries = tuple(value) if is_sequence(value) else (value,)
    for entry in entries:
        try:
            one(name, entry)
        except (TypeError, ValueError) as error:
            advice = advise_numbers(value, len(entries) + _MAX_ADVISED)
            raise type(error)(f"{name} must be {allowed}, got {value!r}.{advice}") from None
    numbers = [float(entry) for entry in entries if is_number(entry, Real)]
    increasing = sorted(set(numbers))
    if not numbers or numbers != increasing:
        advice = f" Write {increasing}." if 0 < len(numbers) <= _MAX_ADVISED else ""
        raise ValueError(f"{name} must be {allowed}, got {value!r}.{advice}")


def number_range(name: str, value: object) -> None:
    """Check for None or a pair of finite numbers, of which the first is lower."""
    allowed = "None or two numbers (low, high) with low < high"
    if value is None:
        return
    bounds = tuple(value) if is_sequence(value) else ()
    numbers = [bound for bound in bounds if is_number(bound, Real)]
    if len(bounds) != 2 or len(numbers) != 2:
        raise TypeError(f"{name} must be {allowed}, got {value!r}.{advise_numbers(value, 2)}")
    low, high = numbers
    if not (_is_finite(low) and _is_finite(high)):
        raise ValueError(f"{name} must be {allowed}, got {value!r}.")
    if not low < high:
        advice = f" Write {(high, low)!r}." if high < low else ""
        raise ValueError(f"{name} must be {allowed}, got {value!r}.{advice}")
    if not _is_finite(float(high) - float(low)):
        raise ValueError(f"{name} must be {allowed}, not too far apart, got {value!r}.")


def random_state(name: str, value: object) -> None:
    """Check for None, an integer seed or a RandomState instance."""
    allowed = "None, an integer >= 0 or a numpy.random.RandomState"
    if value is None or isinstance(value, np.random.RandomState):
        return
    if not is_number(value):
        raise TypeError(f"{name} must be {allowed}, got {value!r}.")
    if value < 0:
        raise ValueError(f"{name} must be {allowed}, got {value!r}.")


def categorical_features(name: str, value: object) -> None:
    """Check for None, "from_dtype", or an array-like of names, indices or booleans."""
    allowed = "'from_dtype', None, or an array-like of names, of indices or of booleans"
    if value is None or (isinstance(value, str) and value == "from_dtype"):
        return
    if isinstance(value, str):
        advice = value_advice(value, ["from_dtype"]) or f" For one column write [{value!r}]."
        raise ValueError(f"{name} must be {allowed}, got {value!r}.{advice}")
    is_array = is_sequence(value) or hasattr(value, "__array__")
    entries = np.asarray(value, dtype=object) if is_array else np.empty(())
    kinds = {_kind_of_choice(entry) for entry in entries.ravel()}
    if entries.ndim != 1 or len(kinds) > 1 or None in kinds:
        raise TypeError(f"{name} must be {allowed}, got {value!r}.")


def _kind_of_choice(entry: object) -> type | None:
    """Return str for a name of a column, int for its index, bool for an entry of a mask."""
    if isinstance(entry, bool | np.bool_):
        return bool
    return str if isinstance(entry, str) else int if is_number(entry) else None


def augmentation(name: str, value: object) -> None:
    """Check for None, a callable or a dict of options."""
    options: dict[str, CheckValue] = {
        "shift": number(0, integer=True),
        "horizontal_flip": boolean,
        "gaussian_noise": number(0),
    }
    if value is None or callable(value):
        return
    if not isinstance(value, dict):
        raise TypeError(
            f"{name} must be None, a dict with entries of {list(options)}, or a callable "
            f"f(images, rng), got {value!r}.{_as_option(value)}"
        )
    for key, setting in value.items():
        if key not in options:
            closest = [option for option in options if str(key) and str(key) in option]
            advice = f" Write {closest[0]!r}." if closest else value_advice(key, options)
            raise ValueError(
                f"{name} must have entries of {list(options)}, got {key!r}.{advice} For other "
                "changes pass a callable f(images, rng) instead of the dict."
            )
        options[key](f"{name}[{key!r}]", setting)


_EXAMPLES_OF_OPTIONS = {"shift": 2, "horizontal_flip": True, "gaussian_noise": 0.1}


def _as_option(value: object) -> str:
    """Return advice to write the name of an augmentation as an entry of a dict.

    The advice is an empty string if the value is no such name.
    """
    if not isinstance(value, str) or not value:
        return ""
    options = [option for option in _EXAMPLES_OF_OPTIONS if value in option]
    if not options:
        return ""
    example = {options[0]: _EXAMPLES_OF_OPTIONS[options[0]]}
    return f" Write {example!r}, with a value of your own."


def is_sequence(value: object) -> TypeGuard[Sequence[object]]:
    """Return whether `value` has an order and can be read more than once."""
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def class_weight(name: str, value: object) -> None:
    """Check for None, "balanced", a dict of class weights or a list of such dicts."""
    allowed = "None, 'balanced', a dict of weights >= 0 by class or a list of such dicts"
    if value is None or (isinstance(value, str) and value == "balanced"):
        return
    entries = value if isinstance(value, list) else [value]
    dicts = [weights for weights in entries if isinstance(weights, dict)]
    if not dicts or len(dicts) < len(entries):
        kind = ValueError if isinstance(value, str) else TypeError
        raise kind(f"{name} must be {allowed}, got {value!r}.")
    for weights in dicts:
        for label, weight in weights.items():
            number(0)(f"{name}[{label!r}]", weight)


def scorer(name: str, value: object) -> None:
    """Check for None, a string or a callable; `fit` looks up the name of a scorer."""
    if value is not None and not isinstance(value, str) and not callable(value):
        raise TypeError(
            f"{name} must be None, the name of a scorer or a callable, got {value!r}."
        )
