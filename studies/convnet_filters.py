"""
How many filters, and how large?
================================

Each filter of the first block of a convolutional network responds to one small pattern,
wherever it is in the image. How many patterns does it take to recognize digits, and how large
should they be? This study compares every pair of `filters` and `kernel_size` by five-fold
cross-validation.

The network is the last step of a Pipeline, after a scaler. Scalers need one row of pixels per
image, so ``input_shape`` tells the network the shape of the image that a row represents. The
picture shows the accuracy of every pair and the filters of the first block of the best
network; negative weights are blue and positive weights are red. Pairs whose accuracies
differ by less than the standard deviation are about equally good.

By default the study uses the small digits of scikit-learn. ``--data mnist`` runs it on
70,000 larger images, and ``--data PATH.npz`` on your own square images in the arrays X and y.
"""

import math
from pathlib import Path

import numpy as np
from _common import plt, read_study, show_progress, square_side, study_parser
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skneural import ConvNetClassifier

FILTERS = [(8, 16), (16, 32), (32, 64)]
KERNEL_SIZES = [3, 5]


# %%
# The search
# ----------
# The network has two blocks, each with a convolution, ReLU and max pooling over 2 x 2 pixels,
# followed by a dense layer with 64 units. ``MinMaxScaler`` scales each pixel separately; the
# same factor for all pixels would also work.
def make_search(args, side):
    network = ConvNetClassifier(input_shape=(side, side, 1), batch_size=args.batch_size)
    network.set_params(max_iter=args.epochs, patience=None, random_state=args.seed)
    return GridSearchCV(
        make_pipeline(MinMaxScaler(), network),
        {"convnetclassifier__filters": FILTERS, "convnetclassifier__kernel_size": KERNEL_SIZES},
        cv=StratifiedKFold(args.folds, shuffle=True, random_state=args.seed),
        n_jobs=args.jobs,
        error_score="raise",
    )


# %%
# The results
# -----------
def table(search):
    """Return mean accuracies, their standard deviations and fit times as three arrays.

    Each array has one row per value of `filters` and one column per kernel size.
    """
    shape = len(FILTERS), len(KERNEL_SIZES)
    names = ("mean_test_score", "std_test_score", "mean_fit_time")
    return [search.cv_results_[name].reshape(shape) for name in names]


def print_table(search):
    mean, std, seconds = table(search)
    print("filters   kernel  validation accuracy  seconds per fit")
    for i, j in np.ndindex(mean.shape):
        filters = "-".join(map(str, FILTERS[i]))
        size = KERNEL_SIZES[j]
        best = "  <- best" if i * len(KERNEL_SIZES) + j == search.best_index_ else ""
        accuracy = f"{mean[i, j]:.4f} ± {std[i, j]:.4f}"
        print(f"{filters:9} {size} x {size} {accuracy:>21} {seconds[i, j]:14.2f}{best}")


def plot(search, title):
    """Draw the accuracy of every pair, and the filters of the first block of the best."""
    mean, std, _ = table(search)
    figure = plt.figure(figsize=(10, 4.8), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[2, 3])
    figure.suptitle(title)
    axes = left.subplots()
    axes.imshow(mean, cmap="Blues", aspect="auto")
    middle = (mean.min() + mean.max()) / 2
    for i, j in np.ndindex(mean.shape):
        text = f"{mean[i, j]:.4f}\n± {std[i, j]:.4f}"
        if i * mean.shape[1] + j == search.best_index_:
            text += "\n(best)"
        colour = "white" if mean[i, j] > middle else "black"
        axes.text(j, i, text, ha="center", va="center", color=colour)
    axes.set_xticks(range(len(KERNEL_SIZES)), [f"{size} x {size}" for size in KERNEL_SIZES])
    axes.set_yticks(range(len(FILTERS)), ["-".join(map(str, filters)) for filters in FILTERS])
    axes.set_xlabel("kernel_size")
    axes.set_ylabel("filters")
    axes.set_title("validation accuracy")

    weights = search.best_estimator_[-1].coefs_[0][:, :, 0]  # (height, width, n_filters)
    strongest = np.abs(weights).max()
    grid = right.subplots(math.ceil(weights.shape[-1] / 8), 8, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for k, axes in zip(range(weights.shape[-1]), grid.flat, strict=False):
        picture = axes.imshow(weights[..., k], cmap="RdBu_r", vmin=-strongest, vmax=strongest)
    right.colorbar(picture, ax=grid, orientation="horizontal", shrink=0.6, label="weight")
    right.suptitle(f"{weights.shape[-1]} filters of the first block", fontsize="medium")
    return figure


def main(argv=None):
    epochs = "15 for at most 10,000 training rows, 3 for more"
    parser = study_parser("How many filters, and how large?", "convnet_filters.png", epochs)
    args = parser.parse_args(argv)
    X, X_test, y, y_test = read_study(args, small=(32, 15), large=(64, 3))
    title = (
        f"{Path(args.data).stem}, {len(X):,} rows, {args.folds}-fold cross-validation\n"
        f"Adam, learning rate 0.001, batches of {args.batch_size}, {args.epochs} epochs"
    )
    print(title, end="\n\n", flush=True)
    search = show_progress(make_search(args, square_side(X))).fit(X, y)
    print_table(search)
    print(f"\n{search.best_estimator_[-1].summary()}\n")
    accuracy = search.score(X_test, y_test)
    print(f"Test accuracy of the best model: {accuracy:.4f} on {len(y_test):,} rows")
    plot(search, title).savefig(args.output, dpi=150)
    print(f"Picture: {args.output}")


if __name__ == "__main__":
    main()
