"""Draw the chart of training times from the table in docs/performance_notes.md.

    python benchmarks/speed_chart.py

writes docs/_static/speed.svg. Run it after the table has changed.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

DOCS = Path(__file__).parents[1] / "docs"
PAGE, PICTURE = DOCS / "performance_notes.md", DOCS / "_static" / "speed.svg"
TITLES = {  # the work and the number of threads in the table, and the label in the chart
    ("digits 64-64-10, adam, float64, batch 32, 20 epochs", "1"): (
        "MLP on digits,\n8x8 pixels (1 thread)"
    ),
    ("MNIST 784-128-64-10, adam, batch 64, 60,000 rows", "2"): (
        "MLP on MNIST,\n28x28 pixels (2 threads)"
    ),
    ("ConvNet (16, 32) on MNIST, sgd, batch 64, 6,400 images", "2"): (
        "ConvNet on MNIST,\n28x28 pixels (2 threads)"
    ),
    ("ConvNet (32, 64, 128) on 32 x 32 x 3, sgd, batch 64, 1,280 images", "2"): (
        "ConvNet on color images,\n32x32 pixels (2 threads)"
    ),
}
# colors of Okabe and Ito, which most color-blind people can tell apart
COLORS = {
    "scikit-learn": "#E69F00",
    "skorch": "#CC79A7",
    "PyTorch": "#D55E00",
    "JAX": "#009E73",
    "skneural": "#0072B2",
}


def read_ratios(page: str) -> dict[tuple[str, str], dict[str, float]]:
    """Return, for each row of the table, the times of other libraries divided by skneural's."""
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    start = next(
        i for i, line in enumerate(lines) if line.startswith("| benchmark | threads |")
    )
    head = [cell.strip() for cell in lines[start].strip("|").split("|")]
    ratios = {}
    for line in lines[start + 1 :]:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != len(head):
            break
        row = dict(zip(head, cells, strict=True))
        ratios[row["benchmark"], row["threads"]] = {
            name.removesuffix(" / ours"): float(cell.split()[0])
            for name, cell in row.items()
            if name.endswith(" / ours") and cell
        }
    return ratios


def draw(ratios: dict[tuple[str, str], dict[str, float]], path: Path) -> None:
    """Draw a group of bars for each entry of `TITLES`, and save the chart as SVG."""
    with plt.rc_context({"svg.hashsalt": "speed", "svg.fonttype": "none", "font.size": 10}):
        figure, axes = plt.subplots(figsize=(8, 5.2), layout="constrained")
        place, ticks = 0.0, []
        for work in TITLES:
            times = {**ratios[work], "skneural": 1.0}
            first = place
            for name in [name for name in COLORS if name in times]:
                axes.barh(place, times[name], 0.85, color=COLORS[name])
                label = f"{name} {times[name]:.2f}"
                axes.text(times[name] + 0.2, place, label, va="center")
                place -= 1
            ticks.append((first + place + 1) / 2)
            place -= 0.8
        axes.set_xlim(0, 28)
        axes.set_yticks(ticks, list(TITLES.values()))
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("training time divided by that of skneural")
        axes.spines[["top", "right", "left"]].set_visible(False)
        figure.savefig(path, facecolor="white", metadata={"Date": None})
        plt.close(figure)


if __name__ == "__main__":
    draw(read_ratios(PAGE.read_text(encoding="utf-8")), PICTURE)
