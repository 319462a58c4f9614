"""DiagnosticsDisplay: curves of the measurements of every layer in every epoch."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from skneural._display.axes import (
    COLOURS,
    Style,
    column_of_axes,
    import_matplotlib,
    plain,
    tick_whole_epochs,
)
from skneural._inspection.diagnostics import Diagnostics

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

_LABELS = {
    "grad_norm": "gradient norm",
    "update_ratio": "update / weights",
    "dead_share": "dead share",
    "saturated_share": "saturated share",
}


class DiagnosticsDisplay:
    """Gradients, updates, dead and saturated units of every layer in every epoch.

    It is recommended to use `from_callback` to create a `DiagnosticsDisplay`. All parameters
    are stored as attributes.

    Parameters
    ----------
    history : dict of list of list
        Measurements in the form of `history_` of `Diagnostics`: one entry per epoch, with
        one number per layer.
    layers : list of str
        Names of the layers.

    Attributes
    ----------
    axes_ : ndarray of Axes
        One Axes for each measurement that at least one layer has.
    ax_ : matplotlib Axes
        The first of these Axes.
    figure_ : matplotlib Figure
        Figure that contains the axes.
    lines_ : dict of str to list of Line2D
        The curves of the layers, by the names of the measurements in `history`.

    See Also
    --------
    Diagnostics : Callback that records the measurements.
    diagnose : Describe in words what may be wrong with a fit.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skneural import Diagnostics, DiagnosticsDisplay, MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> diagnostics = Diagnostics()
    >>> clf = MLPClassifier((8,), max_iter=3, patience=None, random_state=0)
    >>> _ = clf.set_callbacks(diagnostics).fit(X, y)
    >>> display = DiagnosticsDisplay.from_callback(diagnostics)
    >>> [axes.get_ylabel() for axes in display.axes_]
    ['gradient norm', 'update / weights', 'dead share']
    """

    lines_: "dict[str, list[Line2D]]"

    def __init__(
        self, *, history: Mapping[str, Sequence[Sequence[float]]], layers: Sequence[str]
    ) -> None:
        self.history = history
        self.layers = layers

    @classmethod
    def from_callback(
        cls,
        diagnostics: Diagnostics,
        *,
        ax: "Axes | Sequence[Axes] | np.ndarray | None" = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the measurements of a callback.

        Parameters
        ----------
        diagnostics : Diagnostics
            The callback, after a fit of at least one epoch.
        ax : matplotlib Axes or sequence of Axes, default=None
            Axes to draw on, as in `plot`.
        **kwargs : dict
            Keyword arguments passed to matplotlib's ``plot``.

        Returns
        -------
        display : DiagnosticsDisplay
            The display, with its curves drawn.
        """
        import_matplotlib(f"{cls.__name__}.from_callback")
        if not isinstance(diagnostics, Diagnostics):
            raise TypeError(
                "diagnostics must be a Diagnostics callback that a fit has used, got "
                f"{diagnostics!r}."
            )
        if not getattr(diagnostics, "layers_", None):
            raise ValueError(
                "diagnostics must be a Diagnostics callback that a fit has used for at least "
                "one epoch: estimator.set_callbacks(diagnostics).fit(X, y); got "
                f"{diagnostics!r}."
            )
        display = cls(history=diagnostics.history_, layers=diagnostics.layers_)
        return display.plot(ax=ax, **kwargs)

    def plot(
        self, ax: "Axes | Sequence[Axes] | np.ndarray | None" = None, **kwargs: Any
    ) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of Axes, default=None
            Axes to be divided into one for each measurement, or a sequence with one Axes for
            each of them. If None, a new figure is created.
        **kwargs : dict
            Keyword arguments passed to matplotlib's ``plot``.

        Returns
        -------
        display : DiagnosticsDisplay
            This display.
        """
        values = {name: np.array(self.history[name], float) for name in _LABELS}
        shown = [name for name, array in values.items() if np.isfinite(array).any()]
        axes = column_of_axes(ax, len(shown), f"{type(self).__name__}.plot")
        self.lines_ = {}
        for panel, name in zip(axes, shown, strict=True):
            self.lines_[name] = self._draw(panel, values[name], kwargs)
            panel.set_ylabel(_LABELS[name])
            if name.endswith("share"):
                panel.set_ylim(-0.03, 1.03)
            elif np.nanmin(values[name]) > 0:
                panel.set_yscale("log")
        # The legend is above the axes, because the curves leave little free space.
        axes[0].legend(loc="lower left", bbox_to_anchor=(0, 1), fontsize="small", ncols=2)
        axes[-1].set_xlabel("epoch")
        tick_whole_epochs(axes[-1])
        self.axes_, self.ax_, self.figure_ = axes, axes[0], axes[0].figure
        return self

    def _draw(self, panel: "Axes", values: np.ndarray, kwargs: Style) -> "list[Line2D]":
        epochs, lines = np.arange(1, len(values) + 1), []
        for k, layer in enumerate(self.layers):
            style: Style = {"color": COLOURS[k % len(COLOURS)], "label": plain(layer)}
            style["linestyle"] = ("-", "--", ":")[k // len(COLOURS) % 3]
            style["marker"] = "o" if len(values) < 3 else None
            lines += panel.plot(epochs, values[:, k], **{**style, **kwargs})
        return lines
