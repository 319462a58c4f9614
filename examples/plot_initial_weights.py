"""
Where should the weights begin?
===============================

At zero, all units of a layer are the same: they get the same gradient and stay the same for
ever. Behind a rectifier it is worse, as nothing comes through at all and no weight moves.
Too large, the outputs
grow from layer to layer: the network begins by being very sure and very wrong. Too small, the
signal dies out on the way. Glorot's weights keep its size where the activation is a straight
line; a rectifier takes half of it away in every layer, and He's weights make up for that.

The left picture shows how large the signal is behind every layer before training: the
standard deviation of its outputs. With He's weights it stays about the same. The right
picture shows the training loss. From zeros it does not move. From weights that are too small it
waits for many epochs. From those that are too large it begins high and then falls fast, but
on the test rows, in the table, such a network is worse than the one from He's weights.
"""

from itertools import pairwise

import numpy as np
from _common import COLOURS, finish, plt, read_study, study_parser
from joblib import Parallel, delayed
from sklearn.preprocessing import StandardScaler

from skneural import LossCurveDisplay, MLPClassifier

HIDDEN = (64,) * 5
STARTS = ["zeros", "too small", "glorot", "he", "too large"]


# %%
# The starts
# ----------
# `weight_init` knows zeros, Glorot's and He's weights. Others go into `fit` as `coefs_init`:
# here He's, times 2 or divided by 2.
def initial_weights(start, units, seed):
    rng = np.random.default_rng(seed)
    weights = []
    for n_in, n_out in pairwise(units):
        variance = 2 / (n_in + n_out) if start == "glorot" else 2 / n_in
        factor = {"zeros": 0, "too small": 1 / 2, "too large": 2}.get(start, 1)
        weights.append(factor * np.sqrt(variance) * rng.normal(size=(n_in, n_out)))
    return weights


def train(start, args, X, y):
    network = MLPClassifier(HIDDEN, solver="sgd", learning_rate=0.02, batch_size=32)
    network.set_params(momentum=0.0, nesterovs_momentum=False, random_state=args.seed)
    network.set_params(schedule="constant", alpha=1e-4, max_iter=args.epochs, patience=None)
    units = (X.shape[1], *HIDDEN, len(np.unique(y)))
    weights = initial_weights(start, units, args.seed)
    return network.fit(X, y, coefs_init=weights), signals(weights, X)


def signals(weights, X):
    """Standard deviation of the input and of what every hidden layer makes of it."""
    deviations = [X.std()]
    for matrix in weights[:-1]:
        X = np.maximum(X @ matrix, 0)
        deviations.append(X.std())
    return deviations


# %%
# The results
# -----------
def plot(results):
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    for colour, (start, (network, deviations)) in zip(COLOURS, results.items(), strict=False):
        if start != "zeros":  # nothing at all behind the first layer
            left.plot(deviations, "o-", color=colour, label=start)
        LossCurveDisplay.from_estimator(network, ax=right, name=start, color=colour)
    left.set_yscale("log")
    left.set_xlabel("hidden layer (0: the input)")
    left.set_ylabel("standard deviation of its output")
    left.legend()
    right.set_yscale("log")
    right.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize="small")
    return figure


def main(argv=None):
    parser = study_parser("Where should the weights begin?", "initial_weights.png", epochs=20)
    args, X, X_test, y, y_test = read_study(parser, argv)
    scaler = StandardScaler().fit(X)
    X, X_test = scaler.transform(X), scaler.transform(X_test)
    fits = Parallel(n_jobs=args.jobs)(delayed(train)(start, args, X, y) for start in STARTS)
    results = dict(zip(STARTS, fits, strict=True))
    print("start       signal, last layer  first loss  last loss  test accuracy")
    for start, (network, deviations) in results.items():
        losses = network.loss_curve_
        print(
            f"{start:10} {deviations[-1]:19.3g} {losses[0]:11.3g} {losses[-1]:10.3g} "
            f"{network.score(X_test, y_test):14.4f}"
        )
    finish(plot(results), args.output)
    return results


if __name__ == "__main__":
    main()
