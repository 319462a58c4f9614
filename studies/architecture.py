"""
Which layers should a network have?
===================================

How many hidden layers should a network have, and how wide should they be? This study
compares several architectures by five-fold cross-validation: a grid search trains every
architecture on four fifths of the training samples and scores it on the remaining fifth.
This is repeated five times, with a different fifth held out each time.

The network is the last step of a Pipeline, after a scaler. The scaler is therefore fitted on
the training samples of each split only, so nothing leaks from the held-out samples into the
training. The best model is a single estimator that takes raw pixels.

The table and the picture show the mean accuracy of each architecture, its standard deviation
over the folds, and the time of a fit. Architectures whose accuracies differ by less than the
standard deviation are about equally good; among these, the one that trains fastest is a good
choice. The accuracy of the winner was used to choose it, so it is measured again on test
samples that the search has not seen. `load_data` sets them aside before the search.

By default the study uses the small digits of scikit-learn. ``--data mnist`` runs it on
70,000 larger images, and ``--data PATH.npz`` on your own data.
"""

from pathlib import Path

from _common import plt, read_study, show_progress, study_parser
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skneural import MLPClassifier, study_report

# %%
# The architectures have one, two or three hidden layers. The sizes of the input and of the
# output follow from the data.
HIDDEN_LAYER_SIZES = [(64,), (128, 64), (256, 128, 64), (512, 64), (512, 256)]


# %%
# The search
# ----------
# The solver is gradient descent without momentum, and the learning rate falls by 5 % per
# epoch. With ``patience=None`` every architecture is trained for the same number of epochs.
def make_search(args):
    network = MLPClassifier(batch_size=args.batch_size, max_iter=args.epochs, patience=None)
    network.set_params(solver="sgd", momentum=0.0, nesterovs_momentum=False)
    network.set_params(learning_rate=0.1, schedule="constant", decay=0.95, alpha=1e-4)
    network.set_params(random_state=args.seed)
    return GridSearchCV(
        make_pipeline(MinMaxScaler(), network),
        {"mlpclassifier__hidden_layer_sizes": HIDDEN_LAYER_SIZES},
        scoring="accuracy",
        cv=StratifiedKFold(args.folds, shuffle=True, random_state=args.seed),
        n_jobs=args.jobs,
        error_score="raise",
    )


# %%
# The results
# -----------
def structures(search):
    """Return names such as 64-128-10: the units of all layers, with input and output."""
    net = search.best_estimator_[-1]
    layers = [(net.n_features_in_, *hidden, net.n_outputs_) for hidden in HIDDEN_LAYER_SIZES]
    return ["-".join(map(str, units)) for units in layers]


def plot(search, title):
    """Draw accuracies and fit times side by side, with one line per architecture."""
    results, best = search.cv_results_, search.best_index_
    names = structures(search)
    names[best] += "\n(best)"  # also in words, because not everybody can see the colours
    rows = range(len(names))
    colours = ["#0072B2" if row == best else "#777777" for row in rows]

    figure, (left, right) = plt.subplots(
        1, 2, sharey=True, figsize=(9, 4.5), width_ratios=[3, 2], layout="constrained"
    )
    figure.get_layout_engine().set(wspace=0.06)
    figure.suptitle(title)
    for row, mean in enumerate(results["mean_test_score"]):
        std = results["std_test_score"][row]
        left.errorbar(mean, row, xerr=std, fmt="o", capsize=4, color=colours[row])
        left.text(mean, row - 0.1, f"{mean:.4f}", ha="center", va="bottom")
    left.set_yticks(rows, names)
    left.invert_yaxis()  # the first architecture is at the top, as in the table
    left.set_xlabel(f"validation accuracy, mean ± std over {search.n_splits_} folds")
    bars = right.barh(rows, results["mean_fit_time"], height=0.4, color=colours)
    right.bar_label(bars, fmt="%.2f", padding=4)
    right.margins(x=0.2, y=0.1)  # room for the numbers
    right.set_xlabel("seconds per fit")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="x", alpha=0.3)
        axes.set_axisbelow(True)
        axes.tick_params(axis="y", length=0)
    return figure


def main(argv=None):
    epochs = "30 for at most 10,000 training rows, 15 for more"
    parser = study_parser(
        "Which layers should a network have?", "architecture_study.png", epochs
    )
    args = parser.parse_args(argv)
    X, X_test, y, y_test = read_study(args, small=(32, 30), large=(64, 15))
    title = (
        f"{Path(args.data).stem}, {len(X):,} rows, {args.folds}-fold cross-validation\n"
        f"SGD, learning rate 0.1, decay 0.95, batches of {args.batch_size}, "
        f"{args.epochs} epochs"
    )
    print(title, end="\n\n", flush=True)
    search = make_search(args)
    show_progress(search).fit(X, y)

    print(study_report(search))
    accuracy = search.score(X_test, y_test)
    print(f"\nTest accuracy of the best model: {accuracy:.4f} on {len(y_test):,} rows")
    plot(search, title).savefig(args.output, dpi=150)
    print(f"Picture: {args.output}")


if __name__ == "__main__":
    main()
