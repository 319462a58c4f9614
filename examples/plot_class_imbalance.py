"""
When one class is rare
======================

Is it a 9 or not? Among these rows about one in thirty is. A classifier that always says no is
right 97 times of 100, and useless: accuracy does not see rare classes. Balanced accuracy does:
it is the mean of the shares that are found of each class, 1/2 for a classifier that always
gives the same answer.

`class_weight` tells the training that a rare row counts more. ``"balanced"`` makes both
classes count the same; a dict is any weight below or beyond. The search tries them and looks
at several scores at once; ``refit`` names the one that decides. The network is the smallest
there is, without a hidden layer: a logistic regression.

The left picture shows the scores by weight. Without weights accuracy is high and few of the
9s are found. The heavier they are, the more of them are found (recall); from 3 on the price is
that ever more others are taken for one (precision). Balanced accuracy is highest in between.
The other two pictures are confusion matrices of the test rows, without weights and with the
winner, at the point where the probability is 1/2.

``--data`` takes any data with two or more classes; the last one, in order, becomes rare.
"""

import numpy as np
from _common import COLOURS, finish, plt, read_study, show_progress, study_parser
from sklearn.base import clone
from sklearn.metrics import ConfusionMatrixDisplay, make_scorer, precision_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skneural import MLPClassifier, study_report

WEIGHTS = {
    "none": None,
    "3": {False: 1, True: 3},
    "10": {False: 1, True: 10},
    "balanced": "balanced",
    "200": {False: 1, True: 200},
}
SCORES = ["balanced_accuracy", "recall", "precision", "accuracy"]


# %%
# The rows
# --------
# Three in five of the rare class are left out, of the training and of the test rows.
def make_rare(X, y, seed):
    rare = y == np.unique(y)[-1]
    keep = ~rare | (np.random.default_rng(seed).random(len(y)) < 0.4)
    return X[keep], rare[keep]


# %%
# The search
# ----------
# Where no row is called rare there is no precision; a scorer of our own makes it 0.
def make_search(args):
    network = MLPClassifier((), learning_rate=0.003, batch_size=64, max_iter=args.epochs)
    network.set_params(patience=None, random_state=args.seed)
    return GridSearchCV(
        make_pipeline(MinMaxScaler(), network),
        {"mlpclassifier__class_weight": list(WEIGHTS.values())},
        scoring={**dict(zip(SCORES, SCORES, strict=True)), "precision": precision},
        refit="balanced_accuracy",
        cv=args.cv,
        n_jobs=args.jobs,
    )


precision = make_scorer(precision_score, zero_division=0)


# %%
# The results
# -----------
def plot(search, plain, X_test, y_test):
    figure, axes = plt.subplots(
        1, 3, figsize=(13, 4), width_ratios=[2, 1, 1], layout="constrained"
    )
    for colour, style, name in zip(COLOURS, ("o-", "s--", "^-.", "x:"), SCORES, strict=False):
        scores = search.cv_results_[f"mean_test_{name}"]
        axes[0].plot(list(WEIGHTS), scores, style, color=colour, label=name)
    axes[0].set_xlabel("weight of the rare class")
    axes[0].set_ylim(-0.05, 1.35)
    axes[0].grid(alpha=0.3)
    axes[0].legend(loc="upper center", ncols=2)
    winner = list(WEIGHTS)[search.best_index_]
    for ax, name, fitted in (axes[1], "none", plain), (axes[2], winner, search):
        ConfusionMatrixDisplay.from_estimator(
            fitted,
            X_test,
            y_test,
            display_labels=["not", "rare"],
            cmap="Blues",
            colorbar=False,
            ax=ax,
        )
        ax.set_title(f"weight: {name}")
    return figure


def main(argv=None):
    parser = study_parser("When one class is rare", "class_imbalance.png", epochs=60)
    args, X, X_test, y, y_test = read_study(parser, argv)
    X, y = make_rare(X, y, args.seed)
    X_test, y_test = make_rare(X_test, y_test, args.seed)
    print(f"{y.sum()} of {len(y):,} training rows are of the rare class\n")
    search = show_progress(make_search(args)).fit(X, y)
    print(study_report(search))
    figure = plot(search, clone(search.estimator).fit(X, y), X_test, y_test)
    finish(figure, args.output)
    return search


if __name__ == "__main__":
    main()
