"""Helpers of the displays: the import of matplotlib, colours, and columns of axes."""

from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Style = dict[str, Any]  # keyword arguments of matplotlib's functions

# Colour-blind readers can distinguish these: M. Okabe and K. Ito, Color Universal Design, 2008.
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
COLOURS = [BLUE, VERMILION, GREEN, PURPLE, "#E69F00", "#56B4E9", "#000000"]


def import_matplotlib(caller: str) -> ModuleType:
    """Return matplotlib.pyplot; the error message says that `caller` needs it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        message = f"{caller} needs matplotlib: pip install matplotlib"
        raise ImportError(message) from error
    return plt


def one_axes(ax: "Axes | None", caller: str) -> "Axes":
    """Return `ax`, or the axes of a new figure if it is None."""
    plt = import_matplotlib(caller)
    check_axes(ax)
    return plt.subplots(layout="constrained")[1] if ax is None else ax


def check_axes(ax: object) -> None:
    """Refuse an `ax` that is neither None nor Axes."""
    from matplotlib.axes import Axes

    if ax is not None and not isinstance(ax, Axes):
        raise TypeError(f"ax must be a matplotlib Axes or None, got {_kind(ax)}.{_AXES}")


_AXES = (
    " Make one with `figure, ax = plt.subplots()`; of several axes pass one, such as axes[0]."
)


def _kind(value: object) -> str:
    """What a value is, in a few words: the text of a figure or an array would be long."""
    text = repr(value)
    return text if len(text) <= 40 else f"a value of type {type(value).__name__}"


def column_of_axes(
    ax: "Axes | Sequence[Axes] | np.ndarray | None", n_rows: int, caller: str
) -> np.ndarray:
    """Return a column of axes that share their x axis.

    Parameters
    ----------
    ax : matplotlib Axes, sequence of Axes, or None
        Axes to be divided into rows, a sequence of `n_rows` axes, or None for a new figure.
    n_rows : int
        Number of axes.
    caller : str
        Name of the function, for the error message if matplotlib is not installed.

    Returns
    -------
    axes : ndarray of Axes
    """
    plt = import_matplotlib(caller)
    from matplotlib.axes import Axes

    if ax is None:
        size = (6.4, 1.6 + 2 * n_rows)
        _, axes = plt.subplots(n_rows, sharex=True, figsize=size, layout="constrained")
        return np.atleast_1d(axes)
    if not isinstance(ax, Axes):
        allowed = f"None, one matplotlib Axes or a sequence of {n_rows}"
        entries = list(ax) if isinstance(ax, list | tuple | np.ndarray) and np.ndim(ax) else []
        if not entries or not all(isinstance(entry, Axes) for entry in entries):
            raise TypeError(f"ax must be {allowed}, got {_kind(ax)}.")
        if len(entries) != n_rows:
            raise ValueError(f"ax must be {allowed}, got {len(entries)}.")
        return np.asarray(entries)
    if n_rows == 1:
        return np.array([ax])
    spec = ax.get_subplotspec()
    if spec is None:
        raise ValueError(
            f"ax cannot be divided into {n_rows} Axes, because it was not made by plt.subplots "
            f"or add_subplot. Pass a sequence of {n_rows} Axes."
        )
    ax.set_axis_off()  # as PartialDependenceDisplay does
    grid = spec.subgridspec(n_rows, 1)
    first = ax.figure.add_subplot(grid[0])
    others = [ax.figure.add_subplot(grid[i], sharex=first) for i in range(1, n_rows)]
    for above in [first, *others][:-1]:
        above.tick_params(labelbottom=False)
    return np.array([first, *others])


def tick_whole_epochs(axes: "Axes") -> None:
    """Allow ticks of the x axis only at integers, because epochs are integers."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def plain(text: str) -> str:
    """Escape dollar signs, with which matplotlib would begin a formula."""
    return text.replace("$", r"\$")
