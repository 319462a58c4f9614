"""The positions of the windows of a convolution or a pooling layer on an image."""

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Literal, Protocol

from skneural._network.array_types import Shape

PerAxis = int | tuple[int, ...] | list[int]
Padding = Literal["valid", "same"] | PerAxis


@dataclass(frozen=True)
class Windows:
    """Windows of one size at regular positions; every pair is (vertical, horizontal).

    Derived values are computed only once, because layers need them for every mini-batch.

    Attributes
    ----------
    image : tuple of int
        ``(h, w, c)`` of an image without padding.
    size, strides, dilation : tuple of int
        Size of a window, distance between windows, and distance between pixels of a window.
    before, after : tuple of int
        Padding above and to the left, below and to the right.
    """

    image: Shape
    size: Shape
    strides: Shape
    dilation: Shape
    before: Shape
    after: Shape

    @cached_property
    def padded(self) -> Shape:
        """Height and width with padding."""
        sides = zip(self.image, self.before, self.after, strict=False)
        return tuple(length + before + after for length, before, after in sides)

    @cached_property
    def span(self) -> Shape:
        """Height and width that a window covers."""
        return tuple((k - 1) * d + 1 for k, d in zip(self.size, self.dilation, strict=True))

    @cached_property
    def output(self) -> Shape:
        """Number of windows; pixels that do not fill a window are ignored."""
        return tuple(
            (length - span) // stride + 1
            for length, span, stride in zip(self.padded, self.span, self.strides, strict=True)
        )

    @cached_property
    def is_padded(self) -> bool:
        """Whether there is any padding."""
        return any(self.before + self.after)

    def __getstate__(self) -> dict[str, Shape]:
        """Return only the attributes, so that a pickle does not depend on earlier use."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


class Windowed(Protocol):
    """A built layer with windows."""

    n_axes: int
    windows: Windows


def place_windows(
    layer: object,
    input_shape: Shape,
    size: PerAxis,
    strides: PerAxis,
    padding: Padding,
    dilation: PerAxis = 1,
) -> Windows:
    """Windows of `layer` on images ``(h, w, c)`` or signals ``(length, c)``.

    A signal is an image of height 1. A number is used for every axis, and a tuple has one
    number per axis. `padding` is "valid" (none), "same" (the number of windows is the number
    of pixels divided by the stride, rounded up; an odd zero is added at the end) or the padding
    on both sides.

    Raises
    ------
    ValueError
        If no window fits.
    """
    if len(input_shape) not in (2, 3):
        raise ValueError(
            f"{layer} needs images of shape (height, width, channels) or signals of shape "
            f"(length, channels); its input has shape {tuple(input_shape)}."
        )
    image = tuple(input_shape) if len(input_shape) == 3 else (1, *input_shape)
    n_axes = len(input_shape) - 1
    size = _pair(layer, "size", size, n_axes, 1)
    strides = _pair(layer, "strides", strides, n_axes, 1)
    dilation = _pair(layer, "dilation", dilation, n_axes, 1)
    if padding == "same":
        steps = zip(image, size, strides, dilation, strict=False)
        total = [max((k - 1) * d + 1 - ((n - 1) % s + 1), 0) for n, k, s, d in steps]
        before = tuple(zeros // 2 for zeros in total)
        after = tuple(zeros - half for zeros, half in zip(total, before, strict=True))
    else:
        before = _pair(layer, "padding", 0 if padding == "valid" else padding, n_axes, 0)
        after = before
    windows = Windows(image, size, strides, dilation, before, after)
    # larger strides also give one window, and may be too large for a C integer
    longest = zip(windows.strides, windows.padded, strict=True)
    windows = replace(windows, strides=tuple(min(step, n) for step, n in longest))
    if min(windows.output) < 1:
        raise ValueError(
            f"{layer} does not fit on its input of shape {tuple(input_shape)}: a window of "
            f"{size[-n_axes:]} with dilation {dilation[-n_axes:]} covers "
            f"{windows.span[-n_axes:]} pixels, and with padding there are "
            f"{windows.padded[-n_axes:]}. Use smaller windows or strides, more padding or "
            "fewer layers."
        )
    return windows


def windows_label(layer: Windowed) -> str:
    """Return a short description of the windows, such as ``"5x5, strides 2x2"``."""
    n_axes = layer.n_axes
    parts = {"": layer.windows.size, "strides ": layer.windows.strides}
    texts = {name: "x".join(map(str, values[-n_axes:])) for name, values in parts.items()}
    plain = set(layer.windows.strides[-n_axes:]) == {1}
    return texts[""] + ("" if plain else f", strides {texts['strides ']}")


def _pair(layer: object, name: str, value: PerAxis, n_axes: int, of_height_one: int) -> Shape:
    """Return (vertical, horizontal) for a number or a tuple; a signal has one row."""
    values = (value,) * n_axes if not isinstance(value, (tuple, list)) else tuple(value)
    if len(values) != n_axes:
        raise ValueError(
            f"{layer} needs one number for its {name} or one per axis, and its input has "
            f"{n_axes}; got {value!r}."
        )
    return values if n_axes == 2 else (of_height_one, *values)
