"""LossCurveDisplay: how a fit went, epoch by epoch."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator

from skneural._display.axes import (
    COLOURS,
    Style,
    column_of_axes,
    import_matplotlib,
    plain,
    tick_whole_epochs,
)
from skneural._inspection.find_network import fitted_network

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

# panels from top to bottom: the label of the axis, and the lines with their names
_PANELS = {
    "loss": {"loss": "training (with penalty)", "validation_loss": "validation"},
    "score": {"score": "training", "validation_score": "validation"},
    "learning rate": {"learning_rate": "learning rate"},
}


class LossCurveDisplay:
    """Loss, score and learning rate of every epoch of a fit.

    The training loss is what the solver minimizes: it includes the penalty of `alpha`, and is
    measured during the epoch, with dropout, noise and augmentation. The validation loss is
    that of the data alone, after the epoch, so it may be the lower one. The two scores are
    measured in the same way, and can be compared.

    Make it with `from_estimator`. Parameters are stored as attributes.

    Parameters
    ----------
    history : dict of list
        As `history_` of an estimator: one entry per epoch of ``"loss"``, and where there are
        such of ``"validation_loss"``, ``"score"``, ``"validation_score"`` and
        ``"learning_rate"``.
    max_iter : int, default=None
        Epochs that were allowed.
    estimator_name : str, default=None
        Name for the legend.

    Attributes
    ----------
    axes_ : ndarray of Axes
        One for the loss, one for scores if there are any, and one for the learning rate if
        it changes.
    ax_ : matplotlib Axes
        The first of them, which has the loss.
    figure_ : matplotlib Figure
        Figure of the axes.
    lines_ : dict of str to Line2D
        The curves, by their names in `history`.
    best_epoch_ : int or None
        The epoch of the best validation score, counted from 1, where a line stands.

    See Also
    --------
    LossCurveDisplay.from_estimator : Make the picture of a fitted estimator.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skneural import LossCurveDisplay, MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier((8,), early_stopping=True, max_iter=300, random_state=0)
    >>> display = LossCurveDisplay.from_estimator(clf.fit(X, y))
    >>> len(display.lines_["loss"].get_xdata()) == clf.n_iter_
    True
    """

    lines_: "dict[str, Line2D]"

    def __init__(
        self,
        *,
        history: Mapping[str, Sequence[float]],
        max_iter: int | None = None,
        estimator_name: str | None = None,
    ) -> None:
        self.history = history
        self.max_iter = max_iter
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        *,
        ax: "Axes | Sequence[Axes] | np.ndarray | None" = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the curves of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted estimator of skneural, a Pipeline that ends in one, or a fitted search
            over them.
        ax : matplotlib Axes or sequence of Axes, default=None
            As in `plot`.
        name : str, default=None
            Name for the legend, to tell several estimators apart.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        display : LossCurveDisplay
            With the curves drawn.

        Raises
        ------
        ValueError
            If no epoch was run, as with ``max_iter=0``.
        """
        import_matplotlib(f"{cls.__name__}.from_estimator")
        network = fitted_network(estimator)
        display = cls(history=network.history_, max_iter=network.max_iter, estimator_name=name)
        return display.plot(ax=ax, **kwargs)

    def plot(
        self,
        ax: "Axes | Sequence[Axes] | np.ndarray | None" = None,
        *,
        name: str | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of Axes, default=None
            Axes that are divided into as many as needed; or these themselves, for example
            `axes_` of another display, to compare; None makes a new figure.
        name : str, default=None
            Name for the legend, instead of `estimator_name`.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        display : LossCurveDisplay
            This display.

        Raises
        ------
        ValueError
            If no epoch was run, as with ``max_iter=0``.
        """
        name = self.estimator_name if name is None else name
        if not any(map(len, self.history.values())):
            raise ValueError(
                "history has no epochs to draw: the network was fitted with max_iter=0. Fit it "
                "with max_iter of at least 1."
            )
        panels = self.panels()
        axes = column_of_axes(ax, len(panels), f"{type(self).__name__}.plot")
        self.lines_, self.best_epoch_ = {}, self._best_epoch()
        for panel, label in zip(axes, panels, strict=True):
            self._draw_lines(panel, _PANELS[label], name, kwargs)
            panel.set_ylabel(label)
            if len(panel.lines) > 1:
                panel.legend(fontsize="small")
        self._label_epochs(axes[-1])
        self.axes_, self.ax_, self.figure_ = axes, axes[0], axes[0].figure
        return self

    def panels(self) -> list[str]:
        """Return the labels of the axes that the picture has, from top to bottom."""
        rates = np.asarray(self.history.get("learning_rate", [0.0]))
        changes = np.ptp(rates) > 0  # False for L-BFGS, which has none: its rates are NaN
        return [
            label
            for label in _PANELS
            if (changes if label == "learning rate" else label in self.history)
        ]

    def _best_epoch(self) -> int | None:
        """The epoch whose weights a fit with validation data ends with."""
        scores = np.asarray(self.history.get("validation_score", []))
        if np.all(np.isnan(scores)):
            return None
        best = np.flatnonzero(scores == np.nanmax(scores))
        # of equal scores the one with the lower loss, as in the fit
        losses = np.asarray(self.history.get("validation_loss", scores))
        return int(best[np.argmin(losses[best])]) + 1

    def _draw_lines(
        self, panel: "Axes", lines: Mapping[str, str], name: str | None, kwargs: Style
    ) -> None:
        for key, label in lines.items():
            if key in self.history:
                values = self.history[key]
                style: Style = {
                    "color": COLOURS[len(panel.lines) % len(COLOURS)],
                    "linestyle": "--" if key.startswith("validation") else "-",
                    "marker": "o" if len(values) == 1 else None,
                    "label": plain(f"{name}, {label}" if name else label),
                }
                epochs = np.arange(1, len(values) + 1)
                (self.lines_[key],) = panel.plot(epochs, values, **{**style, **kwargs})
        if self.best_epoch_ is not None and "validation_score" in lines:
            label = f"{name}, best epoch" if name else f"best epoch: {self.best_epoch_}"
            panel.vlines(
                self.best_epoch_,
                0,
                1,
                colors=self.lines_["validation_score"].get_color(),
                linestyles=":",
                label=plain(label),
                transform=panel.get_xaxis_transform(),  # from bottom to top
            )

    def _label_epochs(self, lowest: "Axes") -> None:
        several = bool(lowest.get_xlabel())  # curves of another fit were there before
        known = self.max_iter is not None and not several
        of = f" ({len(self.history['loss'])} of at most {self.max_iter})" if known else ""
        lowest.set_xlabel(f"epoch{of}")
        tick_whole_epochs(lowest)
