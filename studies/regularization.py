"""
Which methods help against overfitting?
=======================================

A network with two wide layers can memorize ten thousand images: its training accuracy
approaches 1, while its accuracy on other images stays clearly lower. This study compares five
settings against overfitting with the plain network, all trained on the same samples:

* L2: an L2 penalty, ``alpha / 2`` times the sum of the squared weights, is added to the loss.
  As in scikit-learn, it is divided by the number of samples in a batch, so ``alpha=0.03`` with
  batches of 64 is a weight decay of 0.0005.
* ``dropout``: in each training step every unit is set to zero for a random half of the
  samples.
* ``batch_norm``: the values of every unit are normalized to mean 0 and variance 1 within each
  batch, before the activation. The main purpose is faster training; the regularization comes
  from the random composition of the batches and is a side effect.
* Early stopping: training ends when the validation accuracy has not improved for some epochs,
  and the weights of the best epoch are kept.
* Dropout and batch normalization together.

Each setting is trained with several seeds. They change the initial weights, the order of the
samples and the dropout, but not the samples themselves. If two settings differ by less than
the seeds do, this study cannot tell which is better. No network is trained on the validation
samples. Only early stopping uses them for a decision; for the other settings the validation
accuracy is only shown in the picture. The test samples are used for the table only. The
values of ``alpha`` (from 0.01, 0.03 and 0.1) and of ``dropout`` (from 0.2 and 0.5) were
chosen by the validation accuracy on 10,000 images of MNIST, with a seed that is not used here.

The learning rate falls to zero along a cosine. With a constant learning rate the accuracy
fluctuates from epoch to epoch by more than the settings differ, so the accuracy after the
last epoch would depend on chance. The plain network is an exception, because its gradient
vanishes.

By default the study uses the small digits of scikit-learn. ``--data mnist`` runs it on images
of MNIST, and ``--data PATH.npz`` on your own data.
"""

import argparse
import math
import sys
import warnings
from pathlib import Path

import numpy as np
from _common import DATA_HELP, check_output, load_data, plt
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler

from skneural import MLPClassifier

SETTINGS = {
    "plain": {},
    "L2": {"alpha": 0.03},
    "dropout": {"dropout": 0.5},
    "batch norm": {"batch_norm": True},
    "early stopping": {"patience": 5},
    "dropout + batch norm": {"dropout": 0.5, "batch_norm": True},
}


# %%
# The data
# --------
# The test samples are set aside first. The training samples are drawn from the others, and
# then the validation samples, a fifth as many. The scaler is fitted on the training samples.
def split(args):
    X, X_test, y, y_test = load_data(args.data, seed=0)
    n_train = int(min(args.train, len(X) * 5 // 6))
    sizes = {"train_size": n_train, "test_size": n_train // 5}
    X, X_val, y, y_val = train_test_split(X, y, **sizes, stratify=y, random_state=0)
    scaler = MinMaxScaler(clip=True).fit(X)
    return (
        (scaler.transform(X), y),
        (scaler.transform(X_val), y_val),
        (scaler.transform(X_test), y_test),
    )


# %%
# The training
# ------------
# `fit` with validation samples keeps the weights of the epoch with the best validation score,
# which is early stopping. The other settings should keep the weights of the last epoch. They
# are therefore trained with `partial_fit`, which only records the validation score.
def train(name, seed, epochs, rows):
    network = MLPClassifier((512, 256), batch_size=64, max_iter=epochs, random_state=seed)
    network.set_params(learning_rate=1e-3, beta_2=0.999)
    network.set_params(schedule="cosine", alpha=0.0).set_params(**SETTINGS[name])
    (X, y), (X_val, y_val), (X_test, y_test) = rows
    if name == "early stopping":
        with warnings.catch_warnings():  # max_iter may be reached before patience ends the fit
            warnings.simplefilter("ignore", ConvergenceWarning)
            network.fit(X, y, X_val=X_val, y_val=y_val)
    else:
        for _ in range(epochs):
            network.partial_fit(X, y, classes=np.unique(y), X_val=X_val, y_val=y_val)
    return {
        "training": network.score(X, y),
        "test": network.score(X_test, y_test),
        "epochs": network.n_iter_,
        "seconds": sum(network.history_["seconds"]),  # training only, without the scores
        "history": network.history_,
    }


# %%
# The results
# -----------
def mean_and_std(fits, name):
    values = [fit[name] for fit in fits]
    return np.mean(values), np.std(values, ddof=1)


def print_table(results):
    width = max(map(len, results))
    print(f"{'setting':{width}}  training accuracy    test accuracy  epochs  seconds per fit")
    for name, fits in results.items():
        training, test = mean_and_std(fits, "training"), mean_and_std(fits, "test")
        epochs, seconds = (np.mean([fit[key] for fit in fits]) for key in ("epochs", "seconds"))
        print(
            f"{name:{width}}    {training[0]:.4f} ± {training[1]:.4f}  {test[0]:.4f} ± "
            f"{test[1]:.4f} {epochs:7.1f} {seconds:14.2f}"
        )


def plot(results, title):
    """Draw training and validation accuracy of every fit, with one panel per setting."""
    figure, axes = plt.subplots(2, 3, sharex=True, sharey=True, figsize=(12, 7))
    figure.set_layout_engine("constrained")
    figure.suptitle(title)
    plain = np.mean([fit["history"]["validation_score"][-1] for fit in results["plain"]])
    late = []
    for (name, fits), panel in zip(results.items(), axes.flat, strict=True):
        panel.axhline(
            plain, color="#777777", linestyle=":", label="plain network at the end, validation"
        )
        for i, fit in enumerate(fits):
            history = fit["history"]
            epochs = range(1, fit["epochs"] + 1)
            for key, colour, style, label in (
                ("score", "#0072B2", "--", "training rows"),
                ("validation_score", "#D55E00", "-", "validation rows"),
            ):
                curve = history[key]
                label = label if i == 0 else None
                panel.plot(epochs, curve, style, color=colour, alpha=0.7, label=label)
                late += curve[len(curve) // 5 :]
            if name == "early stopping":
                best = int(np.argmax(history["validation_score"]))
                label = "weights kept" if i == 0 else None
                kept = history["validation_score"][best]
                panel.plot(best + 1, kept, "o", color="black", zorder=3, label=label)
        mean, std = mean_and_std(fits, "test")
        panel.set_title(f"{name}\ntest accuracy {mean:.4f} ± {std:.4f}")
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(alpha=0.3)
    low = min(late)  # the accuracies of the first epochs may be below the visible range
    axes[0, 0].set_ylim(low - 0.05 * (1 - low), 1 + 0.05 * (1 - low))
    for panel in axes[1]:
        panel.set_xlabel("epoch")
    for panel in axes[:, 0]:
        panel.set_ylabel("accuracy")
    by_label = {}
    for panel in axes.flat:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            by_label.setdefault(label, handle)
    figure.legend(by_label.values(), by_label.keys(), loc="outside lower center", ncols=4)
    return figure


def parse_args(argv):
    parser = argparse.ArgumentParser(description="Which methods help against overfitting?")
    parser.add_argument("--data", default="digits", help=DATA_HELP)
    parser.add_argument(
        "--train",
        type=lambda text: math.inf if text == "all" else int(text),
        default=10_000,
        metavar="N",
        help="number of training rows, or all; at most five sixths of the rows that are not "
        "test rows; default: 10000",
    )
    parser.add_argument("--seeds", type=int, default=3, help="fits per setting; default: 3")
    parser.add_argument("--epochs", type=int, default=30, help="epochs per fit; default: 30")
    parser.add_argument("--jobs", type=int, default=1, help="parallel fits; -1: all cores")
    parser.add_argument(
        "--output", type=Path, default="regularization.png", help="file for the picture"
    )
    return parser.parse_args(argv)


def main(argv=None):
    args = parse_args(argv)
    check_output(args.output)
    if args.seeds < 2 or args.epochs < 1 or args.train < 1:
        sys.exit("error: --seeds must be at least 2, --epochs and --train at least 1")
    try:
        rows = split(args)
    except (ImportError, OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    n_train, n_val, n_test = (len(y) for _, y in rows)
    title = (
        f"{Path(args.data).stem}, {n_train:,} training, {n_val:,} validation and {n_test:,} "
        f"test rows, {args.seeds} seeds\n"
        f"512 and 256 hidden units, Adam, learning rate 0.001 falling to 0 along a cosine, "
        f"{args.epochs} epochs in batches of 64"
    )
    print(title, end="\n\n", flush=True)
    fits = Parallel(n_jobs=args.jobs, verbose=10)(
        delayed(train)(name, seed, args.epochs, rows)
        for name in SETTINGS
        for seed in range(args.seeds)
    )
    results = {
        name: fits[i * args.seeds : (i + 1) * args.seeds] for i, name in enumerate(SETTINGS)
    }
    print_table(results)
    plot(results, title).savefig(args.output, dpi=150)
    print(f"\nmean ± standard deviation over the seeds\nPicture: {args.output}")


if __name__ == "__main__":
    main()
