"""
Too small, too large, too few
=============================

A network that is too small cannot draw what it should learn: it does badly on rows that it
has seen, too. That is underfitting. A network that is large learns few rows by heart: all
right on these, worse on others. That is overfitting, and more rows are the cure.

The first picture is scikit-learn's `validation_curve` over the units of the hidden layer, on
200 rows: with a few units both accuracies are low; with many all training rows are
right, and a gap to the others stays. The second is its `learning_curve`: with more rows the
gap narrows. The third shows the loss of a long fit: that of the training rows falls for ever,
that of the validation rows has its lowest point early and rises again. `early_stopping`, or
`X_val` with some `patience`, ends a fit soon after that.

The last picture makes more rows out of few: `augmentation` moves every image by up to a pixel,
anew in every epoch, or adds noise to it. On test images as they are it makes no difference
beyond that of the seeds. But on test images moved by up to a pixel, as the other networks have
never seen them, the one trained with shifts is far better than the others.
`plot_regularization.py` compares L2, dropout, batch norm and early stopping.
"""

import numpy as np
from _common import COLOURS, finish, plt, read_study, shifted, square_side, study_parser
from joblib import Parallel, delayed
from sklearn.model_selection import (
    LearningCurveDisplay,
    ValidationCurveDisplay,
    train_test_split,
)
from sklearn.preprocessing import MinMaxScaler

from skneural import ConvNetClassifier, LossCurveDisplay, MLPClassifier

UNITS = [1, 2, 4, 8, 16, 64, 256]
AUGMENTATIONS = {"none": None, "noise": {"gaussian_noise": 0.1}, "shifts": {"shift": 1}}


# %%
# Too small, too few rows
# -----------------------
# scikit-learn's own displays take networks as they take every estimator.
def dense(args, **params):
    network = MLPClassifier((256,), learning_rate=0.01, batch_size=32, patience=None)
    network.set_params(
        schedule="constant", alpha=1e-4, max_iter=args.epochs, random_state=args.seed
    )
    return network.set_params(**params)


def plot_curves(args, X, y, few, above, below):
    style = {"score_name": "accuracy", "cv": args.cv, "n_jobs": args.jobs}
    name = "hidden_layer_sizes"
    curve = ValidationCurveDisplay.from_estimator(
        dense(args), *few, param_name=name, param_range=UNITS, ax=above, **style
    )
    above.set_xscale("log")
    above.set_xticks(UNITS, UNITS)
    above.minorticks_off()
    above.set_xlabel("units of the hidden layer")
    sizes = np.geomspace(50, len(X) * (args.folds - 1) // args.folds, 6).astype(int)
    LearningCurveDisplay.from_estimator(dense(args), X, y, train_sizes=sizes, ax=below, **style)
    below.set_xscale("log")
    below.set_xticks(sizes, sizes)
    below.minorticks_off()
    below.set_xlabel("training rows")
    return curve


# %%
# Too long
# --------
# With `X_val` the history has the validation loss of every epoch.
def plot_long_fit(args, few, ax):
    X, X_val, y, y_val = train_test_split(*few, stratify=few[1], random_state=args.seed)
    network = dense(args, max_iter=3 * args.epochs).fit(X, y, X_val=X_val, y_val=y_val)
    history = network.history_
    losses = {name: history[name] for name in ("loss", "validation_loss")}
    LossCurveDisplay(history=losses).plot(ax)
    ax.set_yscale("log")
    return history


# %%
# More rows out of few
# --------------------
# Three seeds each: initial weights, order of rows and augmentation differ.
def accuracies(augmentation, seed, args, few, X_test, y_test):
    """Accuracy on the training rows, on the test rows, and on the test rows moved."""
    side = square_side(X_test)
    network = ConvNetClassifier(input_shape=(side, side, 1), batch_size=32, patience=None)
    network.set_params(learning_rate=0.003, schedule="cosine", max_iter=2 * args.epochs)
    network.set_params(augmentation=augmentation, random_state=seed).fit(*few)
    moved = shifted(X_test, args.seed)
    rows = [few, (X_test, y_test), (moved, y_test)]
    return [network.score(*some) for some in rows]


def plot_augmentation(results, ax):
    for i, (colour, name) in enumerate(zip(COLOURS, AUGMENTATIONS, strict=False)):
        mean, std = results[name].mean(axis=0), results[name].std(axis=0, ddof=1)
        bars = ax.bar(np.arange(3) + 0.28 * (i - 1), mean, 0.26, color=colour, label=name)
        ax.errorbar(np.arange(3) + 0.28 * (i - 1), mean, std, fmt="none", color="black")
        ax.bar_label(bars, fmt="%.2f", padding=4)
    ax.set_xticks(range(3), ["training rows", "test rows", "test rows, moved"])
    ax.set_ylim(0, 1.3)
    ax.set_ylabel("accuracy")
    ax.legend(title="augmentation", loc="upper center", ncols=3)


def main(argv=None):
    parser = study_parser("Too small, too large, too few", "overfitting.png", epochs=30)
    parser.add_argument("--few", type=int, default=200, help="rows that are few; default: 200")
    args, X, X_test, y, y_test = read_study(parser, argv)
    scaler = MinMaxScaler(clip=True).fit(X)
    X, X_test = scaler.transform(X), scaler.transform(X_test)
    X_few, _, y_few, _ = train_test_split(
        X, y, train_size=args.few, stratify=y, random_state=args.seed
    )
    few = X_few, y_few
    runs = [(name, seed) for name in AUGMENTATIONS for seed in range(3)]
    scores = Parallel(n_jobs=args.jobs, verbose=10)(
        delayed(accuracies)(AUGMENTATIONS[name], seed, args, few, X_test, y_test)
        for name, seed in runs
    )
    results = dict(zip(AUGMENTATIONS, np.reshape(scores, (-1, 3, 3)), strict=True))
    print(f"{args.few} rows  training  test    test rows moved   (mean of 3 seeds)")
    for name, values in results.items():
        print(f"{name:9}", *(f"{mean:.4f}  " for mean in values.mean(axis=0)))

    figure, axes = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
    curve = plot_curves(args, X, y, few, *axes[0])
    history = plot_long_fit(args, few, axes[1, 0])
    plot_augmentation(results, axes[1, 1])
    finish(figure, args.output)
    return curve, history, results


if __name__ == "__main__":
    main()
