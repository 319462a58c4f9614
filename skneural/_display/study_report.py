"""The table of a study: as text, Markdown, an HTML page or a DataFrame."""

import math
import os
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from sklearn.base import BaseEstimator

from skneural._display.study_page import page
from skneural._inspection.study import MISSING, Folds, Study, format_value, read_study

if TYPE_CHECKING:
    from pandas import DataFrame

_Side = TypeVar("_Side")


def study_report(search: BaseEstimator | Folds) -> "StudyReport":
    """Make the table of a study: scores, times and sizes of all candidates, the best marked.

    Parameters
    ----------
    search : fitted search, or dict
        A fitted GridSearchCV, RandomizedSearchCV, HalvingGridSearchCV or
        HalvingRandomSearchCV over estimators of skneural, in a Pipeline or not; or what
        ``cross_validate`` returns, for epochs and sizes with ``return_estimator=True``.

    Returns
    -------
    report : StudyReport
        Prints as a text table; see its methods for Markdown, HTML and pandas.

    Raises
    ------
    TypeError, ValueError
        If `search` is something else, or not fitted.

    See Also
    --------
    StudyDisplay : The picture of a study.

    Notes
    -----
    The candidates are sorted by rank; `to_frame` keeps the order of the search.
    Scores and fit times are means over the folds, ± standard deviations. Candidates with other
    parameters than the best whose score is within one standard error of it are marked: the
    difference may be due to chance. The number of parameters of a candidate is that of its
    network on the data of the best one.

    A search does not record how many epochs a fit took. They are known where nothing ends
    a fit before `max_iter` (``patience=None``), and where `epochs_scorer` is one of the
    scores; elsewhere there is a dash.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skneural import MLPClassifier, study_report
    >>> X, y = load_iris(return_X_y=True)
    >>> network = MLPClassifier(max_iter=20, patience=None, random_state=0)
    >>> search = GridSearchCV(
    ...     make_pipeline(StandardScaler(), network),
    ...     {"mlpclassifier__hidden_layer_sizes": [(8,), (32, 16)]}, cv=3)
    >>> report = study_report(search.fit(X, y))
    >>> print(report)
    GridSearchCV of MLPClassifier, 2 candidates, 3 folds
    <BLANKLINE>
    hidden_layer_sizes  rank         accuracy ...
    >>> report.to_frame()[["hidden_layer_sizes", "epochs", "parameters"]]
      hidden_layer_sizes  epochs  parameters
    0               (8,)      20          67
    1           (32, 16)      20         739
    """
    return StudyReport(read_study(search))


class StudyReport:
    """The table of a study, which `study_report` makes.

    Parameters
    ----------
    study : Study
        What a search or a cross-validation has found out.

    See Also
    --------
    study_report : Makes a report.
    """

    def __init__(self, study: Study) -> None:
        self.study = study

    def to_frame(self) -> "DataFrame":
        """Return the numbers as a pandas DataFrame.

        Returns
        -------
        frame : DataFrame
            One row per candidate, in the order of the search: the parameters that vary, mean
            and standard deviation of the scores and of the fit time, epochs and parameters
            (NaN where not known), the rank by the mean score, whether the score is within
            one standard error of the best, and whether it is the best.
        """
        try:
            import pandas as pd
        except ImportError as error:
            message = "StudyReport.to_frame needs pandas: pip install pandas"
            raise ImportError(message) from error

        study = self.study
        columns: dict[str, Sequence[object] | np.ndarray]
        columns = {
            name: [None if value is MISSING else value for value in values]
            for name, values in study.varied.items()
        }
        pairs = {f"test_{name}": pair for name, pair in study.scores.items()}
        if study.train_scores is not None:
            pairs[f"train_{study.score_name}"] = study.train_scores
        for name, (means, stds) in {**pairs, "fit_time": study.fit_time}.items():
            columns[f"mean_{name}"], columns[f"std_{name}"] = means, stds
        for name, numbers in ("epochs", study.epochs), ("parameters", study.n_parameters):
            columns[name] = [np.nan if number is None else number for number in numbers]
        if study.best_index is not None:
            columns["rank"] = [np.nan if rank is None else rank for rank in study.ranks]
        columns["within_standard_error"] = study.near_best
        columns["best"] = [i == study.best_index for i in range(len(study.epochs))]
        # columns of tuples stay columns of tuples
        return pd.DataFrame({name: pd.Series(list(v)) for name, v in columns.items()})

    def to_markdown(self) -> str:
        """Return the table in Markdown, as GitHub and Sphinx read it.

        Returns
        -------
        text : str
            Title, table and notes.
        """
        header, cells = self._table()
        lines = [map(_escape_markdown, header), self._aligned(header, ":--", "--:")]
        for i, row in zip(self.study.order, cells, strict=True):
            bold = i == self.study.best_index
            escaped = map(_escape_markdown, row)
            lines.append([f"**{cell}**" if bold and cell else cell for cell in escaped])
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        notes = [_escape_markdown(note) for note in self.study.notes]
        return "\n\n".join([_escape_markdown(self.study.title), table, *notes]) + "\n"

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str | None:
        """Make one HTML page with table and pictures inside; needs matplotlib.

        Parameters
        ----------
        path : str or path-like, default=None
            The file to write.

        Returns
        -------
        html : str or None
            The page, if there is no `path`.
        """
        html = page(self.study, self._repr_html_())
        if path is None:
            return html
        Path(path).write_text(html, encoding="utf-8")
        return None

    def _repr_html_(self) -> str:
        """The table alone, for notebooks."""
        header, cells = self._table()
        marks = ["near" if near else "" for near in self.study.near_best]
        if self.study.best_index is not None:
            marks[self.study.best_index] = "best"
        left = self._aligned(header, ' style="text-align: left"', "")
        lines = ["<table>", f"<caption>{escape(self.study.title)}</caption>", "<thead><tr>"]
        names = [escape(name).replace("_", "_<wbr>") for name in header]  # where to break
        lines += [f"<th{c}>{name}</th>" for name, c in zip(names, left, strict=True)]
        lines.append("</tr></thead><tbody>")
        for i, row in zip(self.study.order, cells, strict=True):
            lines.append(f'<tr class="{marks[i]}">' if marks[i] else "<tr>")
            lines += [f"<td{c}>{escape(s)}</td>" for s, c in zip(row, left, strict=True)]
            lines.append("</tr>")
        lines.append("</tbody></table>")
        lines += [f"<p>{escape(note)}</p>" for note in self.study.notes]
        return "\n".join(lines)

    def __str__(self) -> str:
        header, cells = self._table()
        columns = list(zip(header, *cells, strict=True))
        sides = self._aligned(header, str.ljust, str.rjust)
        padded = [
            [side(cell, max(map(len, column))) for cell in column]
            for side, column in zip(sides, columns, strict=True)
        ]
        lines = ["  ".join(row).rstrip() for row in zip(*padded, strict=True)]
        return "\n".join([self.study.title, "", *lines, "", *self.study.notes]).rstrip()

    __repr__ = __str__

    def _aligned(self, header: Sequence[str], left: _Side, right: _Side) -> list[_Side]:
        """One of two things a column: parameters stand left, numbers right."""
        n_left = len(self.study.varied)
        return [left] * n_left + [right] * (len(header) - n_left)

    def _table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Header and rows of the table, as strings, sorted by rank."""
        study = self.study
        columns = [(name, _format_values(values)) for name, values in study.varied.items()]
        if study.best_index is not None:
            columns.append(("rank", [str(rank or "-") for rank in study.ranks]))
        label = study.score_label
        scores = {label: study.scores[study.score_name], **study.scores}
        if label != study.score_name:
            del scores[study.score_name]
        if study.train_scores is not None:
            scores[f"{label} in training"] = study.train_scores
        for name, pair in scores.items():
            columns.append((name, _format_scores(*pair)))
        columns += [
            ("seconds per fit", _format_seconds(*study.fit_time)),
            ("epochs", _format_counts(study.epochs)),
            ("parameters", _format_counts(study.n_parameters)),
        ]
        if study.best_index is not None:
            marks = ["within 1 SE" if near else "" for near in study.near_best]
            marks[study.best_index] = "best"
            columns.append(("", marks))
        names, cells = zip(*columns, strict=True)
        rows = list(zip(*cells, strict=True))
        return names, [rows[i] for i in study.order]


def _format_values(values: list) -> list[str]:
    """Values of a parameter; those drawn at random with the same number of digits."""
    drawn = any(float(f"{value:.2g}") != value for value in values if _is_float(value))
    return [
        f"{value:#.4g}".rstrip(".") if drawn and _is_float(value) else format_value(value)
        for value in values
    ]


def _is_float(value: object) -> bool:
    return isinstance(value, float | np.floating)


def _format_scores(means: np.ndarray, stds: np.ndarray) -> list[str]:
    """Means and standard deviations, all with the decimals that suit the largest mean."""
    largest = max((abs(mean) for mean in means if np.isfinite(mean)), default=0.0)
    exponent = math.floor(math.log10(largest)) if largest > 0 else 0
    if -6 < exponent < 6:
        style = f".{4 if -2 <= exponent < 3 else max(4 - exponent, 0)}f"
    else:
        style = ".3e"
    return [
        "failed" if np.isnan(mean) else f"{mean:{style}} ± {std:{style}}"
        for mean, std in zip(means, stds, strict=True)
    ]


def _format_seconds(means: np.ndarray, stds: np.ndarray) -> list[str]:
    """All with the decimals that show three digits of the shortest time, but at most four."""
    shortest = min((mean for mean in means if mean > 0), default=1.0)
    decimals = min(max(2 - math.floor(math.log10(shortest)), 0), 4)
    return [
        f"{mean:,.{decimals}f} ± {std:,.{decimals}f}"
        for mean, std in zip(means, stds, strict=True)
    ]


def _format_counts(numbers: list[float | None]) -> list[str]:
    """Counts, or means of counts with one decimal; a dash where one is not known."""
    decimals = 1 if any(number is not None and number % 1 for number in numbers) else 0
    return ["-" if number is None else f"{number:,.{decimals}f}" for number in numbers]


def _escape_markdown(text: str) -> str:
    """Take their meaning from what Markdown, its tables or HTML would read as markup."""
    text = escape(text, quote=False)
    return re.sub(r"[\\`*|~\[\]]|(?<!\w)_|_(?!\w)", r"\\\g<0>", text)
