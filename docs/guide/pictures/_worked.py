"""The worked network of the guide, and how it is drawn."""

import matplotlib.pyplot as plt
import numpy as np

from skneural import MLPRegressor

X, TARGET = [[0.05, 0.15]], [[0.1, 0.9]]
W1, B1 = np.array([[0.1, 0.2], [0.15, 0.25]]), np.array([0.3, 0.3])
W2, B2 = np.array([[0.3, 0.4], [0.35, 0.45]]), np.array([0.5, 0.5])
RATE = 0.4
COLUMNS = (0, 1, 2)
ROWS = (1, 0)


def one_step():
    """The network after one step; its third layer hands on what it gets."""
    network = MLPRegressor((2, 2), activation="logistic", solver="sgd", learning_rate=RATE)
    network.set_params(momentum=0.0, alpha=0.0, max_iter=1, patience=None, normalize_y=False)
    start = {"coefs_init": [W1, W2, np.eye(2)], "intercepts_init": [B1, B2, [0, 0]]}
    return network.fit(X, TARGET, **start)


def values():
    """Hidden units and outputs before the step."""
    network = one_step()
    for view, array in zip(network.coefs_, (W1, W2, np.eye(2)), strict=True):
        view[...] = array
    for view, array in zip(network.intercepts_, (B1, B2, np.zeros(2)), strict=True):
        view[...] = array
    hidden, output, _ = network.activations(X)
    return hidden[0], output[0]


def draw(nodes, edges, heads, *, backward=False):
    """Three columns of two nodes with texts, and a number on every edge between them."""
    _, ax = plt.subplots(figsize=(4.6, 3.4))
    ax.axis("off")
    ax.set(xlim=(-0.35, 2.35), ylim=(-0.4, 1.65))
    for column, weights in enumerate(edges):
        for i in range(2):
            for j in range(2):
                ends = [(column, ROWS[i]), (column + 1, ROWS[j])]
                arrow = {"arrowstyle": "->", "shrinkA": 27, "shrinkB": 27, "color": "C0"}
                start, stop = reversed(ends) if backward else ends
                ax.annotate("", stop, start, arrowprops=arrow)
                at = 0.5 if i == j else 0.3  # where two cross, nearer to the input
                x, y = column + at, ROWS[i] + at * (ROWS[j] - ROWS[i])
                box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
                ax.text(x, y, f"{weights[i][j]}", ha="center", va="center", bbox=box)
    for column, texts in zip(COLUMNS, nodes, strict=True):
        for row, text in zip(ROWS, texts, strict=True):
            ax.text(
                *(column, row, text),
                ha="center",
                va="center",
                bbox={"boxstyle": "circle,pad=0.2", "facecolor": "white", "edgecolor": "k"},
            )
    for column, head in zip(COLUMNS, heads, strict=True):
        ax.text(column, 1.62, head, ha="center", va="top")
