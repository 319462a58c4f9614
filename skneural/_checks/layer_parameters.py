"""Checks of parameters that describe layers: their sizes, or one value per layer."""

from numbers import Integral

from skneural._checks.parameters import (
    Check,
    CheckValue,
    advise_integers,
    advise_numbers,
    either,
    is_number,
    is_sequence,
    number,
)

_MAX_LAYERS = 10_000  # more than anyone needs, and not too many to describe


def layer_sizes(name: str, value: object) -> tuple[int, ...]:
    """Return the sizes of layers as a tuple of integers; one integer means one layer."""
    allowed = "an integer >= 1 or a sequence of them, one a layer"
    sizes = (value,) if isinstance(value, Integral) else value
    if not is_sequence(sizes):
        raise TypeError(
            f"{name} must be {allowed}, got {value!r}."
            f"{advise_numbers(value, _MAX_LAYERS) or advise_integers(value)}"
        )
    sizes = tuple(sizes)
    if len(sizes) > _MAX_LAYERS:
        raise ValueError(f"{name} may have {_MAX_LAYERS:,} entries, got {len(sizes):,}.")
    checked = []
    for size in sizes:
        if not is_number(size):
            raise TypeError(f"{name} must be {allowed}, got {value!r}.{advise_integers(value)}")
        if size < 1:
            raise ValueError(f"{name} must be {allowed}, got {value!r}.")
        checked.append(int(size))
    return tuple(checked)


number_of_layers = either(None, number(0, _MAX_LAYERS, integer=True))


def repeated_sizes(name: str, value: object, count_name: str, count: object) -> tuple[int, ...]:
    """Return the sizes of layers as a tuple, where another parameter may give their number.

    Parameters
    ----------
    name, value : str and object
        The sizes, as one integer or a sequence of integers.
    count_name, count : str and object
        The number of layers that all have the one size; None for a single layer, or for a
        sequence of sizes.
    """
    sizes = layer_sizes(name, value)
    number_of_layers(count_name, count)
    if not is_number(count):
        return sizes
    if is_sequence(value):
        equal = f"{name}={sizes[0]}, {count_name}={count} or " if sizes else ""
        raise ValueError(
            f"{name} must be one integer with {count_name}={count!r}, got {value!r}. Write "
            f"{equal}{name}={sizes}, {count_name}=None."
        )
    return sizes * int(count)


def per_layer(
    name: str,
    value: object,
    n_layers: int,
    check: CheckValue,
    what: str = "hidden layers",
    hint: str = "",
) -> tuple[object, ...]:
    """Return one value per layer, from one value for all layers or a sequence of values."""
    if not is_sequence(value):
        check(name, value)
        return (value,) * n_layers
    values = tuple(value)
    if len(values) != n_layers:
        raise ValueError(
            f"{name} must be one value or one for each of the {n_layers} {what}, got "
            f"{len(values)}: {value!r}.{hint}"
        )
    for i, entry in enumerate(values):
        check(f"{name}[{i}]", entry)
    return values


def number_or_pair(low: int) -> Check:
    """Return a check for an integer, or for one integer per axis of an image or a signal."""
    allowed = f"an integer >= {low} or a pair of them"
    entry = number(low, integer=True)

    def refuse(name: str, value: object) -> None:
        values = tuple(value) if is_sequence(value) else (value,)
        try:
            if not 1 <= len(values) <= 2:
                raise ValueError
            for length in values:
                entry(name, length)
        except (TypeError, ValueError) as error:
            advice = advise(value)
            raise type(error)(f"{name} must be {allowed}, got {value!r}.{advice}") from None

    def advise(value: object) -> str:
        return advise_numbers(value) or advise_integers(value)

    return Check(refuse, allowed, advise)


def input_shape(name: str, value: object) -> None:
    """Check for None, the length of an axis, or a tuple of one to three lengths."""
    allowed = "None, (height, width, channels), (length, channels) or a number of features"
    if value is None:
        return
    lengths = tuple(value) if is_sequence(value) else (value,)
    if not 1 <= len(lengths) <= 3:
        raise ValueError(f"{name} must be {allowed}, got {value!r}.")
    for length in lengths:
        if not is_number(length):
            advice = advise_integers(value)
            raise TypeError(
                f"{name} must be {allowed}, all integers >= 1, got {value!r}.{advice}"
            )
        if length < 1:
            raise ValueError(f"{name} must be {allowed}, all integers >= 1, got {value!r}.")
