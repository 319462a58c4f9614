"""
A sine made of rectifiers
=========================

A unit with a rectifier, ``max(0, w x + b)``, is zero on one side of ``x = -b / w`` and a
straight line on the other. So a network with one hidden layer of them is a chain of straight
pieces, and every unit adds a kink where it switches on. How many units does it take to draw
the sine between -1 and 2?

Nobody tells the network where to put its kinks: training on the squared error does, from
random weights. It does not always find the best places, and a unit whose kink leaves the
interval may never come back. So every network is trained from several seeds, and the one
with the lowest training loss is shown; the table has the median of the seeds, too.

The last column is a limit: no chain of as many straight pieces comes closer to the sine, even
if its pieces need not meet. Training stays above it, also because it makes the mean squared
error small, and not the largest error, which is what the table shows.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from _common import check_output, plt
from scipy.optimize import brentq, minimize_scalar

from skneural import MLPRegressor

LOW, HIGH = -1.0, 2.0
UNITS = (1, 2, 3, 8)
X = np.linspace(LOW, HIGH, 301).reshape(-1, 1)
X_DENSE = np.linspace(LOW, HIGH, 3001).reshape(-1, 1)  # errors are measured between rows, too


# %%
# The fits
# --------
# All rows are one batch, so that the gradient has no noise. The rate starts high, which
# moves the kinks about, and falls along a cosine to zero, which settles them.
def fit(units, seed, epochs):
    # float64, because X is; every epoch counts, whatever the loss does
    network = MLPRegressor((units,), learning_rate=0.1, schedule="cosine", batch_size=len(X))
    network.set_params(max_iter=epochs, patience=None, alpha=0.0, random_state=seed)
    return network.fit(X, np.sin(X).ravel())


def by_loss(networks):
    return sorted(networks, key=lambda network: network.loss_)


def errors(network):
    return network.predict(X_DENSE) - np.sin(X_DENSE).ravel()


def kinks(network):
    """Where units switch on or off, from left to right, as far as it is in the interval."""
    weight, bias = network.coefs_[0][0], network.intercepts_[0]
    at = -bias / weight
    return np.sort(at[(at > LOW) & (at < HIGH)])


# %%
# The limit
# ---------
# Lay straight pieces from left to right, each as long as the error allows: if they end
# before the interval does, then no pieces of that number have an error as small.
def least_error(n_pieces):
    """The largest error of the best straight pieces that need not meet."""

    def shortfall(error):
        end = LOW
        for _ in range(n_pieces):
            end = reach(end, error)
        return HIGH - end

    return brentq(shortfall, 1e-4, 0.3, xtol=1e-6)


def reach(start, error):
    """Where a straight piece of this error ends at the latest."""
    return brentq(lambda end: error_of_line(start, end) - error, start, start + 4)


def error_of_line(start, end):
    """The largest error of the best straight line."""
    x = np.linspace(start, end, 100)
    # the best line of a slope lies halfway between the extremes of the difference
    best = minimize_scalar(lambda slope: np.ptp(np.sin(x) - slope * x), bounds=(-1, 1))
    return best.fun / 2


# %%
# The results
# -----------
def print_table(results):
    print("units  kinks  pieces  largest error  median of seeds  least possible")
    for units, networks in results.items():
        largest = [np.abs(errors(network)).max() for network in networks]
        n_kinks = len(kinks(networks[0]))
        print(
            f"{units:5} {n_kinks:6} {n_kinks + 1:7} {largest[0]:14.4f} "
            f"{np.median(largest):16.4f} {least_error(n_kinks + 1):15.4f}"
        )


def plot(results, title):
    """Draw the curves above their errors, one column a network."""
    figure, axes = plt.subplots(
        2, len(results), sharex=True, sharey="row", figsize=(12, 6), height_ratios=[3, 2]
    )
    figure.set_layout_engine("constrained")
    figure.suptitle(title)
    x = X_DENSE.ravel()
    for (units, networks), (above, below) in zip(results.items(), axes.T, strict=True):
        network, at = networks[0], kinks(networks[0])
        above.plot(x, np.sin(x), color="black", linewidth=4, alpha=0.25, label="sine")
        above.plot(x, network.predict(X_DENSE), color="#0072B2", label="network")
        height = network.predict(at.reshape(-1, 1)) if len(at) else []
        above.plot(at, height, "o", color="#D55E00", label="kink: a unit switches")
        error = errors(network)
        above.set_title(
            f"{units} hidden unit{'s' if units > 1 else ''}\n"
            f"largest error {np.abs(error).max():.3f}"
        )
        below.plot(x, error, color="#0072B2")
        below.plot(at, np.interp(at, x, error), "o", color="#D55E00")
        below.axhline(0, color="black", linewidth=4, alpha=0.25)
        below.set_xlabel("x")
        for part in (above, below):
            part.spines[["top", "right"]].set_visible(False)
            part.grid(alpha=0.3)
    axes[0, 0].set_ylabel("y")
    axes[1, 0].set_ylabel("network minus sine")
    axes[0, 0].legend(loc="lower right", fontsize="small")
    return figure


def parse_args(argv):
    parser = argparse.ArgumentParser(description="A sine made of rectifiers")
    parser.add_argument("--seeds", type=int, default=10, help="fits a network; default: 10")
    parser.add_argument("--epochs", type=int, default=3000, help="of a fit; default: 3000")
    parser.add_argument("--output", type=Path, default="sine_by_relu.png", help="the picture")
    return parser.parse_args(argv)


def main(argv=None):
    args = parse_args(argv)
    check_output(args.output)
    if args.seeds < 1 or args.epochs < 1:
        sys.exit("error: --seeds and --epochs must be at least 1")
    title = (
        f"The sine by rectifiers: the lowest training loss of {args.seeds} seeds\n"
        f"Adam, rate 0.1 falling to 0 along a cosine, {args.epochs:,} epochs of "
        f"one batch of {len(X)} rows"
    )
    print(title, end="\n\n", flush=True)
    results = {
        units: by_loss(fit(units, seed, args.epochs) for seed in range(args.seeds))
        for units in UNITS
    }
    print_table(results)
    plot(results, title).savefig(args.output, dpi=150)
    print(f"\nPicture: {args.output}")


if __name__ == "__main__":
    main()
