"""StudyDisplay: the scores of a study over one or two of its parameters."""

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from skneural._display.axes import BLUE, VERMILION, Style, import_matplotlib, one_axes, plain
from skneural._inspection.study import Study, format_value, read_study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.container import ErrorbarContainer
    from matplotlib.image import AxesImage
    from matplotlib.lines import Line2D

_FEW = 10  # so many values each have a tick of their own, if there is room
_FEW_GROUPS = 5  # more values of a number are compared as four ranges
_LETTER, _LINE = 0.09, 0.2  # width of a letter and height of a line, in inches
# multiples of a power of ten that have a tick on a logarithmic axis, for at most so many ticks
_SUBS = {6: (1, 2, 5), 5: (1, 2, 5), 4: (1, 3), 3: (1, 3), 2: (1,)}


class StudyDisplay:
    """Scores of the candidates of a study, over one or two parameters.

    Over one parameter: a point with an error bar for each candidate, and a line along the
    best ones. Where other parameters vary as well, only the best candidate of each value has
    an error bar, and the others are small points. Over two: a heat map with the numbers in its
    cells, or coloured points if the candidates fill less than half of its cells, as those of
    a randomized search do.
    Make it with `from_search`. Parameters are stored as attributes.

    Parameters
    ----------
    values : dict of str to list
        One or two parameters: their names, and their values in every candidate. Numbers
        have their place on an axis, anything else is a category.
    mean_scores : array-like of shape (n_candidates,)
        Mean score of every candidate; NaN for one that failed, which is not drawn.
    std_scores : array-like of shape (n_candidates,)
        Standard deviations.
    score_name : str, default="score"
        For the label of the scores.
    others_vary : bool, default=False
        Whether the candidates differ in more than `values`.
    best_index : int, default=None
        The candidate that is marked as the best.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the picture.
    figure_ : matplotlib Figure
        Figure of the axes.
    errorbar_ : ErrorbarContainer or None
        The candidates over one parameter; where others vary, the best one of each value.
    others_ : Line2D or None
        The other candidates, where others vary.
    line_ : Line2D or None
        Connects the best candidates of the values of one parameter.
    im_ : AxesImage or None
        The heat map.
    text_ : ndarray of Text or None
        The numbers in its cells; None where no candidate is.
    scatter_ : PathCollection or None
        The points over two parameters.

    See Also
    --------
    StudyDisplay.from_search : Make the picture of a fitted search.
    study_report : The table of a search.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skneural import MLPClassifier, StudyDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> network = MLPClassifier(max_iter=5, patience=None, random_state=0)
    >>> search = GridSearchCV(network, {"learning_rate": [0.001, 0.01, 0.1]}, cv=2)
    >>> display = StudyDisplay.from_search(search.fit(X, y))
    >>> display.ax_.get_xscale()
    'log'
    """

    errorbar_: "ErrorbarContainer | None"
    others_: "Line2D | None"
    line_: "Line2D | None"
    im_: "AxesImage | None"
    text_: np.ndarray | None
    scatter_: "PathCollection | None"

    def __init__(
        self,
        *,
        values: Mapping[str, Sequence[object]],
        mean_scores: ArrayLike,
        std_scores: ArrayLike,
        score_name: str = "score",
        others_vary: bool = False,
        best_index: int | None = None,
    ) -> None:
        self.values = values
        self.mean_scores = mean_scores
        self.std_scores = std_scores
        self.score_name = score_name
        self.others_vary = others_vary
        self.best_index = best_index

    @classmethod
    def from_search(
        cls,
        search: BaseEstimator,
        *,
        param: str | Sequence[str] | None = None,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the scores of a fitted search.

        Parameters
        ----------
        search : fitted search
            A fitted GridSearchCV, RandomizedSearchCV, HalvingGridSearchCV or
            HalvingRandomSearchCV.
        param : str or sequence of str, default=None
            One or two of the parameters that vary, by their full names or as
            `study_report` shortens them. None takes all if there are one or two, and of more
            the two that make the largest difference: the mean scores of the candidates with
            the best and the worst of their values lie furthest apart. Of numbers with more
            than five values, such as those that a randomized search draws, four ranges with
            equally many candidates take the place of the values. Where others vary as
            well, every candidate is a point, and a cell of a heat map shows the best of its
            candidates.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib: see `plot`.

        Returns
        -------
        display : StudyDisplay
            With the picture drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError, NotFittedError
            If `search` is not one of these searches, or is not fitted.
        ValueError
            If `param` names anything but one or two of the parameters that vary.
        """
        import_matplotlib(f"{cls.__name__}.from_search")
        study = read_study(search)
        means, stds = study.scores[study.score_name]
        values = _chosen(study, param)
        display = cls(
            values=values,
            mean_scores=means,
            std_scores=stds,
            score_name=study.score_label,
            others_vary=len(values) < len(study.varied),
            best_index=study.best_index,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: "Axes | None" = None, **kwargs: Any) -> Self:
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``errorbar`` for one parameter, to ``imshow`` or
            ``scatter`` for two.

        Returns
        -------
        display : StudyDisplay
            This display.
        """
        ax = one_axes(ax, f"{type(self).__name__}.plot")
        self.errorbar_ = self.others_ = self.line_ = self.im_ = self.text_ = self.scatter_ = (
            None
        )
        means, stds = np.asarray(self.mean_scores, float), np.asarray(self.std_scores, float)
        drawn = np.flatnonzero(~np.isnan(means))  # what failed leaves a gap
        means, stds = means[drawn], stds[drawn]
        x, *others = (Scale(name, values, drawn) for name, values in self.values.items())
        best = None if self.best_index is None else drawn.tolist().index(self.best_index)
        if not others:
            self._plot_points(ax, x, means, stds, best, kwargs)
        else:
            [y] = others
            cells = len(x.distinct) * len(y.distinct)
            is_grid = len(np.unique([x.index, y.index], axis=1).T) * 2 >= cells
            plot = self._plot_cells if is_grid else self._plot_scatter
            plot(ax, x, y, means, stds, best, kwargs)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _plot_points(
        self,
        ax: "Axes",
        x: "Scale",
        means: np.ndarray,
        stds: np.ndarray,
        best: int | None,
        kwargs: Style,
    ) -> None:
        places, value = np.unique(x.places, return_inverse=True)
        top = [
            max(np.flatnonzero(value == i), key=means.__getitem__) for i in range(len(places))
        ]
        if x.is_number and (len(top) < len(means) or not self.others_vary):
            (self.line_,) = ax.plot(places, means[top], color=BLUE, alpha=0.5, zorder=1)
        shown = np.arange(len(means))
        if self.others_vary:  # error bars of all would cover each other
            shown = np.union1d(top, [] if best is None else [best]).astype(int)
        others = np.setdiff1d(np.arange(len(means)), shown)
        style: Style
        if len(others):
            style = {"linestyle": "", "marker": ".", "color": BLUE, "alpha": 0.35, "zorder": 1}
            label = "others with the same value"
            (self.others_,) = ax.plot(x.places[others], means[others], label=label, **style)
        style = {"fmt": "o", "color": BLUE, "capsize": 3, "zorder": 2, **kwargs}
        self.errorbar_ = ax.errorbar(x.places[shown], means[shown], stds[shown], **style)
        if best is not None:
            place, mean = x.places[best], means[best]
            style = {"marker": "D", "color": VERMILION, "linestyle": "", "zorder": 3}
            ax.plot(place, mean, label=f"best: {mean:.4g}", **style)
        if best is not None or len(others):
            ax.legend()
        x.label(ax, "x")
        ax.set_ylabel(plain(f"{self.score_name}, mean ± std"))

    def _plot_cells(
        self,
        ax: "Axes",
        x: "Scale",
        y: "Scale",
        means: np.ndarray,
        stds: np.ndarray,
        best: int | None,
        kwargs: Style,
    ) -> None:
        shown = {(y.index[i], x.index[i]): i for i in np.argsort(means)}  # the best, the last
        if best is not None:  # that of halving need not have the highest score
            shown[y.index[best], x.index[best]] = best
        shape = len(y.distinct), len(x.distinct)
        cells, self.text_ = np.full(shape, np.nan), np.full(shape, None)
        for cell, i in shown.items():
            cells[cell] = means[i]
        style: Style = {"cmap": "cividis", "aspect": "auto", "origin": "lower"}
        self.im_ = ax.imshow(cells, **{**style, **kwargs})
        shades = np.asarray(self.im_.norm(means))  # from 0 to 1
        for (row, column), i in shown.items():
            self.text_[row, column] = ax.text(
                column,
                row,
                f"{means[i]:.4g}\n± {stds[i]:.2g}" + ("\nbest" if i == best else ""),
                ha="center",
                va="center",
                color="white" if shades[i] < 0.5 else "black",
                fontsize=min(9, 60 / shape[1]),
            )
        x.label_cells(ax, "x")
        y.label_cells(ax, "y")
        ax.figure.colorbar(self.im_, ax=ax, label=plain(self.score_name))

    def _plot_scatter(
        self,
        ax: "Axes",
        x: "Scale",
        y: "Scale",
        means: np.ndarray,
        stds: np.ndarray,
        best: int | None,
        kwargs: Style,
    ) -> None:
        style: Style = {"cmap": "cividis", "c": means, "s": 60}
        self.scatter_ = ax.scatter(x.places, y.places, **{**style, **kwargs})
        if best is not None:
            label = f"best: {means[best]:.4g} ± {stds[best]:.2g}"
            style = {"facecolors": "none", "edgecolors": VERMILION, "linewidths": 2}
            ax.scatter(x.places[best], y.places[best], s=180, label=label, **style)
            ax.legend()
        x.label(ax, "x")
        y.label(ax, "y")
        ax.figure.colorbar(self.scatter_, ax=ax, label=plain(self.score_name))


def _chosen(study: Study, param: str | Sequence[str] | None) -> dict[str, list[object]]:
    """The values of one or two parameters of a study, by short names."""
    known = list(study.varied)
    if param is None:
        chosen = known if len(known) < 3 else _most_important(study)
    else:
        if not isinstance(param, str | list | tuple | np.ndarray):
            raise TypeError(
                "param must be the name of one parameter or a list of two that vary, "
                f"{known}, got {param!r}."
            )
        chosen = [param] if isinstance(param, str) else list(map(str, param))
    # a full name stands for its short one
    chosen = [
        next((name for name in known if full == name or full.endswith(f"__{name}")), full)
        for full in chosen
    ]
    if len(chosen) not in (1, 2) or not set(chosen) <= set(known):
        raise ValueError(
            f"param must be one or two of the parameters that vary, {known}, got {param!r}."
        )
    return {name: study.varied[name] for name in chosen}


def _most_important(study: Study) -> list[str]:
    """Return the names of the two parameters that make the largest difference to the score."""
    scores = study.scores[study.score_name][0]
    known = np.flatnonzero(~np.isnan(scores))

    def difference(name: str) -> float:
        of_value: dict[object, list[float]] = {}
        groups = _groups([study.varied[name][i] for i in known])
        for group, score in zip(groups, scores[known], strict=True):
            of_value.setdefault(group, []).append(score)
        return float(np.ptp([float(np.mean(v)) for v in of_value.values()] or [0.0]))

    two = sorted(study.varied, key=difference, reverse=True)[:2]
    return [name for name in study.varied if name in two]  # in their order of the search


def _groups(values: Sequence[object]) -> list[object]:
    """Return a group for each value: itself, or one of four ranges of many numbers."""
    scale = Scale("", values, np.arange(len(values)))
    if not scale.is_number or len(scale.distinct) <= _FEW_GROUPS:
        return list(map(repr, values))
    # of a single candidate each, the best and the worst value would lie far apart by chance
    quartiles = np.quantile(scale.places, [0.25, 0.5, 0.75])
    return np.searchsorted(quartiles, scale.places).tolist()


class Scale:
    """Where the values of a parameter stand on an axis: as numbers or as categories.

    Parameters
    ----------
    name : str
        For the label of the axis.
    values : list
        One a candidate.
    drawn : ndarray of int
        Which candidates are drawn: `index` and `places` are theirs.
    """

    def __init__(self, name: str, values: Sequence[object], drawn: np.ndarray) -> None:
        self.name = name
        numbers = [
            float(value)
            for value in values
            if isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
        ]
        self.is_number = len(numbers) == len(values)
        keys: Sequence[object] = numbers if self.is_number else list(map(repr, values))
        order = sorted(set(numbers)) if self.is_number else list(dict.fromkeys(keys))
        of_key = dict(zip(keys, values, strict=True))
        self.distinct = [of_key[key] for key in order]
        places: dict[object, int] = {key: place for place, key in enumerate(order)}
        self.index = np.array([places[key] for key in keys])[drawn]
        self.is_log = False
        if self.is_number and len(self.distinct) > 2:
            ordered = np.asarray(order, float)
            gaps = np.diff(ordered)
            uneven = bool(gaps.max() > 5 * gaps.min())  # scikit-learn's rule for its curves
            # of numbers in equal factors most are near the low end, of uniform draws half
            middle = (np.median(ordered) - ordered[0]) / np.ptp(ordered)
            self.is_log = bool(uneven and ordered[-1] >= 10 * ordered[0] > 0 and middle < 0.35)
            # a few values such as zero and powers of ten have no axis but that of categories
            self.is_number = bool(ordered[0] > 0) or not uneven or len(ordered) > _FEW
        self.places = np.asarray(values, float)[drawn] if self.is_number else self.index

    def label(self, ax: "Axes", which: Literal["x", "y"]) -> None:
        """Write name, ticks and scale at an axis, "x" or "y"."""
        if not self.is_number:
            getattr(ax, f"set_{which}lim")(-0.5, len(self.distinct) - 0.5)
            self.label_cells(ax, which)
            return
        getattr(ax, f"set_{which}scale")("log" if self.is_log else "linear")
        getattr(ax, f"{which}axis").minorticks_off()
        low, high = np.asarray(self.distinct, float)[[0, -1]].tolist()
        if high > low:  # room beside the outer values, also if nothing is there
            room = (high / low) ** 0.05 if self.is_log else (high - low) * 0.05
            limits = (low / room, high * room) if self.is_log else (low - room, high + room)
            getattr(ax, f"set_{which}lim")(limits)
        numbers = np.asarray(self.distinct, float).tolist()
        if len(numbers) == 1 or (len(numbers) <= _FEW and self._fit(ax, which, numbers)):
            self._label(ax, which, self.distinct)
            return
        ticks = self._round_numbers(ax, which)
        getattr(ax, f"set_{which}ticks")(ticks, [f"{tick:g}" for tick in ticks])
        getattr(ax, f"set_{which}label")(plain(self.name))

    def label_cells(self, ax: "Axes", which: Literal["x", "y"]) -> None:
        """Write name and values at an axis of a heat map."""
        self._label(ax, which, range(len(self.distinct)))

    def _round_numbers(self, ax: "Axes", which: Literal["x", "y"]) -> list[float]:
        """Round numbers within the limits of an axis, as many as have room."""
        from matplotlib.ticker import LogLocator, MaxNLocator

        low, high = getattr(ax, f"get_{which}lim")()
        for count in range(6, 1, -1):
            by_powers = LogLocator(subs=_SUBS[count], numticks=count + 2)
            locator = by_powers if self.is_log else MaxNLocator(count)
            found = [float(f"{tick:.4g}") for tick in locator.tick_values(low, high)]
            ticks = [tick for tick in found if low <= tick <= high]
            if self._fit(ax, which, ticks):
                return ticks
        return ticks[::2]

    def _fit(self, ax: "Axes", which: Literal["x", "y"], ticks: Sequence[float]) -> bool:
        """Whether two or more ticks have labels that do not run into each other."""
        low, high = getattr(ax, f"get_{which}lim")()
        scale = np.log if self.is_log else np.asarray
        places = (scale(ticks) - scale(low)) / (scale(high) - scale(low)) * _inches(ax, which)
        if which == "y":
            return len(ticks) > 1 and bool(np.all(np.diff(places) > _LINE))
        widths = _LETTER * np.array([len(f"{tick:.4g}") + 1 for tick in ticks])
        return len(ticks) > 1 and bool(np.all(np.diff(places) > (widths[1:] + widths[:-1]) / 2))

    def _label(self, ax: "Axes", which: Literal["x", "y"], ticks: Sequence[object]) -> None:
        labels = [plain(format_value(value)) for value in self.distinct]
        slant = {}
        room = _inches(ax, which) / len(labels)
        if which == "x" and _LETTER * (max(map(len, labels)) + 1) > room:
            slant = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
        step = math.ceil(_LINE / room)  # where there are very many, not all of them
        getattr(ax, f"set_{which}ticks")(list(ticks)[::step], labels[::step], **slant)
        getattr(ax, f"set_{which}label")(plain(self.name))


def _inches(ax: "Axes", which: Literal["x", "y"]) -> float:
    """Length of an axis, less a quarter that labels and a colour bar may take from it."""
    return 0.75 * (ax.bbox.width if which == "x" else ax.bbox.height) / ax.figure.dpi
