"""
Approximating a sine with ReLU units
====================================

A ReLU unit, ``max(0, w x + b)``, is zero on one side of ``x = -b / w`` and a straight line on
the other. A network with one hidden layer of such units is therefore a chain of straight
pieces, with a kink where a unit switches on. How many units does it take to approximate the
sine between -1 and 2?

The places of the kinks are learned: training starts from random weights and minimizes the
squared error. It does not always find the best places, and a unit whose kink leaves the
interval may never come back. Each network is therefore trained with several seeds, and the
picture shows the one with the lowest training loss. The table also has the median over the
seeds.

The last column of the table is a lower bound: no function with the same number of straight
pieces has a smaller largest error, even if the pieces need not meet. The trained networks
do not reach this bound. One reason is that training minimizes the mean squared error, while
the table shows the largest error.
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
X_DENSE = np.linspace(LOW, HIGH, 3001).reshape(-1, 1)  # also between the training samples


# %%
# The fits
# --------
# All samples form one batch, so the gradient has no noise. The learning rate starts high,
# which moves the kinks, and falls to zero along a cosine, which lets them settle.
def fit(units, seed, epochs):
    # The network uses float64, as X does. With patience=None all epochs are run.
    network = MLPRegressor((units,), learning_rate=0.1, schedule="cosine", batch_size=len(X))
    network.set_params(max_iter=epochs, patience=None, alpha=0.0, random_state=seed)
    return network.fit(X, np.sin(X).ravel())


def by_loss(networks):
    return sorted(networks, key=lambda network: network.loss_)


def errors(network):
    return network.predict(X_DENSE) - np.sin(X_DENSE).ravel()


def kinks(network):
    """Return the places in the interval where a unit switches on or off, in rising order."""
    weight, bias = network.coefs_[0][0], network.intercepts_[0]
    at = -bias / weight
    return np.sort(at[(at > LOW) & (at < HIGH)])


# %%
# The limit
# ---------
# Place straight pieces from left to right, each as long as a given largest error allows. If
# they do not reach the end of the interval, then no function with that number of pieces has
# an error this small.
def least_error(n_pieces):
    """Return the smallest possible largest error of `n_pieces` pieces that need not meet."""

    def shortfall(error):
        end = LOW
        for _ in range(n_pieces):
            end = reach(end, error)
        return HIGH - end

    return brentq(shortfall, 1e-4, 0.3, xtol=1e-6)


def reach(start, error):
    """Return the largest end of a straight piece from `start` with at most this error."""
    return brentq(lambda end: error_of_line(start, end) - error, start, start + 4)


def error_of_line(start, end):
    """Return the largest error of the best straight line between `start` and `end`."""
    x = np.linspace(start, end, 100)
    # For a given slope, the best line lies halfway between the extremes of the difference.
    best = minimize_scalar(lambda slope: np.ptp(np.sin(x) - slope * x), bounds=(-1, 1))
    return best.fun / 2


# %%
# The results
# -----------
def print_table(results):
    print("units  kinks  pieces  largest error  median of seeds     lower bound")
    for units, networks in results.items():
        largest = [np.abs(errors(network)).max() for network in networks]
        n_kinks = len(kinks(networks[0]))
        print(
            f"{units:5} {n_kinks:6} {n_kinks + 1:7} {largest[0]:14.4f} "
            f"{np.median(largest):16.4f} {least_error(n_kinks + 1):15.4f}"
        )


def plot(results, title):
    """Draw the curves above their errors, with one column per network."""
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
        above.plot(at, height, "o", color="#D55E00", label="kink")
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
    parser = argparse.ArgumentParser(description="Approximating a sine with ReLU units")
    parser.add_argument("--seeds", type=int, default=10, help="fits per network; default: 10")
    parser.add_argument(
        "--epochs", type=int, default=3000, help="epochs per fit; default: 3000"
    )
    parser.add_argument(
        "--output", type=Path, default="sine_by_relu.png", help="file for the picture"
    )
    return parser.parse_args(argv)


def main(argv=None):
    args = parse_args(argv)
    check_output(args.output)
    if args.seeds < 1 or args.epochs < 1:
        sys.exit("error: --seeds and --epochs must be at least 1")
    title = (
        f"Sine by ReLU units, the lowest training loss of {args.seeds} seeds\n"
        f"Adam, learning rate 0.1 falling to 0 along a cosine, {args.epochs:,} epochs of "
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
