"""Picture of the accuracy benchmark, with one line per data set and one mark per method."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from _standing import TITLES

LEAST = 0.0  # lower scores are drawn at the edge
MARKS = {  # colors of Okabe and Ito, which most color-blind people can tell apart
    "linear": ("#999999", "s"),
    "boosting": ("#009E73", "^"),
    "sklearn": ("#E69F00", "v"),
    "realmlp": ("#CC79A7", "P"),
    "ours": ("#0072B2", "o"),
    "eight": ("#0072B2", "D"),
}


def draw(standing, path):
    """Draw the scaled scores, and save the picture as SVG or PNG, depending on the suffix."""
    scaled, tables = standing.scaled, standing.tables
    places = np.arange(len(scaled))[::-1]
    with plt.rc_context({"svg.hashsalt": "accuracy", "font.size": 9}):
        figure, axes = plt.subplots(figsize=(8, 1.6 + 0.24 * len(scaled)), layout="constrained")
        for method in [name for name in MARKS if name in standing.methods]:
            color, mark = MARKS[method]
            axes.plot(
                scaled[method].clip(lower=LEAST - 0.03),
                places,
                mark,
                color=color,
                markerfacecolor="none" if method == "eight" else color,
                markersize=7 if method in ("ours", "eight") else 5,
                label=TITLES[method],
                zorder=3 if method in ("ours", "eight") else 2,
            )
        lines = [f"{name} ({rows:,})" for name, rows in tables["n_rows"].items()]
        axes.set_yticks(places, lines)
        tasks = list(tables["task"])
        for task in dict.fromkeys(tasks):
            place = places[tasks.index(task)] + 0.5
            axes.axhline(place, color="black", linewidth=0.8)
            axes.text(1.03, place - 0.1, task, va="top", rotation=270)
        axes.set_xlim(LEAST - 0.06, 1.02)
        axes.set_ylim(-0.6, len(scaled) - 0.4)
        axes.set_xlabel("scaled score: 0 constant prediction (or below), 1 best method")
        axes.grid(color="#dddddd", zorder=0)
        axes.set_axisbelow(True)
        figure.legend(loc="outside upper center", ncols=3, frameon=False)
        figure.savefig(
            path, dpi=120, metadata={"Date": None} if path.suffix == ".svg" else None
        )
        plt.close(figure)
