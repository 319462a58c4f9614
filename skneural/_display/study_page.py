"""The HTML page of a study: its table and its pictures in one file."""

import base64
import io
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, cast

import numpy as np

from skneural._display.axes import BLUE, VERMILION, Style, import_matplotlib, plain
from skneural._display.loss_curve import LossCurveDisplay
from skneural._display.study import StudyDisplay
from skneural._inspection.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

_STYLE = """
/* --shade and --no-shade differ in opacity alone; --hidden is the background of the page */
:root { color-scheme: light dark; --text: #1a1a1a; --faint: #555; --page: #fff; --hidden: #fff0;
        --line: #ccc; --head: #0000000d; --best: #0072b220; --near: #0072b20d;
        --shade: #0006; --no-shade: #0000; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e6e6; --faint: #a8a8a8; --page: #17191c; --hidden: #17191c00;
          --line: #4a4e54; --head: #ffffff14; --best: #56b4e94d; --near: #56b4e91f;
          --shade: #fff6; --no-shade: #fff0; }
  img { border-radius: 4px; filter: brightness(.88); } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page);
       max-width: 1100px; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; line-height: 1.25; overflow-wrap: anywhere; }
/* shadows at the sides show where more columns are, on any screen */
.table { overflow-x: auto; border: 1px solid var(--line); border-radius: 4px;
         background:
           linear-gradient(to right, var(--page) 30%, var(--hidden)) left / 3rem 100% local
             no-repeat,
           linear-gradient(to left, var(--page) 30%, var(--hidden)) right / 3rem 100% local
             no-repeat,
           linear-gradient(to right, var(--shade), var(--no-shade)) left / 1rem 100% no-repeat,
           linear-gradient(to left, var(--shade), var(--no-shade)) right / 1rem 100%
             no-repeat; }
.hint { display: none; margin: 0 0 .3rem; color: var(--faint); font-size: .85rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem;
        font-variant-numeric: tabular-nums; }
caption { display: none; }
th, td { padding: .4rem .55rem; text-align: right; white-space: nowrap; }
/* backgrounds are transparent, so that the shadows are seen through them */
th { background: var(--head); white-space: normal; }
tr + tr > td { border-top: 1px solid var(--line); }
tr.best > td { background: var(--best); font-weight: 600; }
tr.near > td { background: var(--near); }
.pictures { display: grid; gap: 1.5rem; margin-top: 1rem;
            grid-template-columns: repeat(auto-fill, minmax(min(100%, 340px), 1fr)); }
figure { margin: 0; max-width: 520px; }
img { width: 100%; height: auto; }
figcaption { color: var(--faint); }
@media (max-width: 600px) { .hint { display: block; }
                            table { font-size: .85rem; } th, td { padding: .3rem .4rem; } }
footer { margin-top: 2rem; color: var(--faint); font-size: .85rem; }
"""


def page(study: Study, table: str) -> str:
    """Return the page as text.

    Parameters
    ----------
    study : Study
        What the pictures show.
    table : str
        HTML of the table and what is to be said below it.
    """
    table, end, notes = table.partition("</table>")
    pictures = "\n".join(
        f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{_png(figure)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
        for caption, figure in _pictures(study)
    )
    title = escape(study.title)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{title}</h1>
<p class="hint">The table scrolls sideways.</p>
<div class="table" tabindex="0">{table}{end}</div>
{notes}
<div class="pictures">
{pictures}
</div>
<footer>Made by study_report of skneural. Scores and seconds are means over the folds, ±
standard deviations.</footer>
</body>
</html>
"""


def _png(figure: "Figure | SubFigure") -> str:
    buffer = io.BytesIO()
    cast("Figure", figure).savefig(buffer, format="png", dpi=200)
    return base64.b64encode(buffer.getvalue()).decode()


def _new_axes(height: float = 3.6) -> "Axes":
    """Axes of a figure that pyplot knows nothing of: nobody has to close it."""
    from matplotlib.figure import Figure

    # narrow, so that its letters are large enough on a phone
    return Figure(figsize=(4.8, height), layout="constrained").subplots()


def _pictures(study: Study) -> "Iterator[tuple[str, Figure | SubFigure]]":
    """Yield captions and figures."""
    import_matplotlib("StudyReport.to_html")
    means, stds = study.scores[study.score_name]
    several = np.count_nonzero(~np.isnan(means)) > 1
    names = list(study.varied)
    for chosen in (names,) if len(names) in (1, 2) else ([name] for name in names):
        if several:
            display = StudyDisplay(
                values={name: study.varied[name] for name in chosen},
                mean_scores=means,
                std_scores=stds,
                score_name=study.score_label,
                others_vary=len(chosen) < len(names),
                best_index=study.best_index,
            ).plot(_new_axes())
            yield f"{study.score_label} by {' and '.join(chosen)}", display.figure_
    if several:
        yield f"{study.score_label} and what it costs", _cost_picture(study, means, stds)
    if study.fitted is not None and study.fitted.n_iter_:
        what = "of the first fold" if study.best_index is None else "of the best, on all rows"
        network = study.fitted
        curve = LossCurveDisplay(history=network.history_, max_iter=network.max_iter)
        height = 2 + 1.6 * len(curve.panels())
        yield f"Training {what}", curve.plot(_new_axes(height)).figure_


def _cost_picture(study: Study, means: np.ndarray, stds: np.ndarray) -> "Figure | SubFigure":
    ax = _new_axes()
    seconds = study.fit_time[0]
    ax.errorbar(seconds, means, stds, fmt="o", color=BLUE, capsize=3)
    best = study.best_index
    if best is not None:
        style: Style = {"color": VERMILION, "marker": "D", "linestyle": "", "zorder": 3}
        ax.plot(seconds[best], means[best], label="best", **style)
        ax.legend()
    if seconds.max() > 10 * seconds.min() > 0:
        ax.set_xscale("log")
    else:
        ax.set_xlim(left=0)  # a little more time looks like a little more
        ax.locator_params(axis="x", nbins=6)
    ax.set_xlabel("seconds per fit")
    ax.set_ylabel(plain(f"{study.score_label}, mean ± std"))
    return ax.figure
