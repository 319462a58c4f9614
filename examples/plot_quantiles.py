"""
Intervals from several quantiles
================================

A single prediction does not say how far off it may be. With ``loss="quantile"`` and several
quantiles one network predicts all of them: here the 5 % and the 95 % quantile, between which
nine in ten of the targets should lie, the two quartiles, and the median.

The data are generated: the noise grows with `x`, and it is skewed, so that the upper half of an
interval is wider than the lower one. A mean with a standard deviation would show neither.

The left picture shows the predicted quantiles and rows that the network was not trained on. The
right one shows the coverage, which is the share of these rows below each quantile: it should
equal the quantile. The columns are sorted in every row, so that no quantile crosses another.
"""

import argparse
from pathlib import Path

import numpy as np
from _common import COLOURS, check_output, finish, plt
from sklearn.metrics import mean_pinball_loss
from sklearn.model_selection import train_test_split

from skneural import MLPRegressor

QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95]


# %%
# The rows
# --------
# A wave, with noise of a gamma distribution.
def make_rows(n_samples, seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, (n_samples, 1))
    noise = rng.gamma(2, size=n_samples) - 2
    return x, 20 + 5 * np.sin(2 * x[:, 0]) + (2.2 + x[:, 0]) * noise


# %%
# The fit
# -------
# All quantiles share the hidden layers. The median is that of a network for the median alone,
# but for what the layers learn from the other quantiles.
def fit(x, y, epochs, seed):
    network = MLPRegressor((32, 32), loss="quantile", quantile=QUANTILES)
    network.set_params(max_iter=epochs, random_state=seed)
    return network.fit(x, y)


# %%
# The results
# -----------
def coverage(predicted, y):
    """The share of the targets below each quantile."""
    return np.mean(y[:, None] <= predicted, axis=0)


def print_table(predicted, y):
    losses = [
        mean_pinball_loss(y, column, alpha=quantile)
        for quantile, column in zip(QUANTILES, predicted.T, strict=True)
    ]
    print("quantile  targets below  pinball loss")
    for row in zip(QUANTILES, coverage(predicted, y), losses, strict=True):
        print("{:8.2f}  {:13.3f}  {:12.3f}".format(*row))
    inside = np.mean((predicted[:, 0] <= y) & (y <= predicted[:, -1]))
    print(f"\nBetween the first and the last: {inside:.1%} of {len(y):,} test rows")


def plot(network, x, y, predicted):
    figure, axes = plt.subplots(
        1, 2, figsize=(11, 4), width_ratios=[2, 1], layout="constrained"
    )
    axes[0].plot(x[:1000], y[:1000], ".", color="#bbbbbb", ms=3, label="test rows")
    line = np.linspace(-2, 2, 300)
    columns = network.predict(line[:, None]).T
    for i, alpha in ((0, 0.2), (1, 0.3)):
        label = f"{QUANTILES[i]:.0%} to {QUANTILES[-1 - i]:.0%}"
        axes[0].fill_between(
            line, columns[i], columns[-1 - i], color=COLOURS[0], alpha=alpha, label=label
        )
    axes[0].plot(line, columns[2], color=COLOURS[1], label="median")
    axes[0].set(xlabel="x", ylabel="y")
    axes[0].legend()
    axes[1].plot([0, 1], [0, 1], color="#bbbbbb")
    axes[1].plot(QUANTILES, coverage(predicted, y), "o", color=COLOURS[0])
    axes[1].set(xlabel="quantile", ylabel="share of the test rows below")
    return figure


def main(argv=None):
    parser = argparse.ArgumentParser(description="Intervals from several quantiles")
    parser.add_argument("--rows", type=int, default=10_000, help="half of them to train on")
    parser.add_argument("--epochs", type=int, default=50, help="default: 50")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    parser.add_argument("--output", type=Path, default="quantiles.png", help="the picture")
    args = parser.parse_args(argv)
    check_output(args.output)
    x, y = make_rows(args.rows, args.seed)
    x, x_test, y, y_test = train_test_split(x, y, test_size=0.5, random_state=args.seed)
    network = fit(x, y, args.epochs, args.seed)
    predicted = network.predict(x_test)
    print_table(predicted, y_test)
    finish(plot(network, x_test, y_test, predicted), args.output)
    return network


if __name__ == "__main__":
    main()
