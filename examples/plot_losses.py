"""
Cross-entropy or squared error?
===============================

A classifier could minimize the squared error of its probabilities. Why does it minimize the
cross-entropy (log-loss)? Look at a row of class 1 that the network is sure is of class 0, with
a logit of -6, say. The slope of the cross-entropy over the logit is ``p - 1``: close to -1,
as far from right as can be. That of half the squared error is ``(p - 1) p (1 - p)``: close to
0. Where the network is most wrong it learns nothing from the squared error, as the sigmoid (or
softmax) is flat there. That is the left picture.

On the right both train a network that begins far from right: its initial weights are He's
times 5, so most probabilities begin near 0 or 1, many of them wrong. By the squared error it
learns far more slowly, as its accuracy shows. From the usual initial weights, in the table,
it is behind at a low rate and about as good at the highest.
"""

import numpy as np
from _common import COLOURS, finish, plt, read_study, show_progress, study_parser
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skneural import MLPClassifier, study_report

LOSSES = ["log_loss", "squared_error"]


# %%
# The search
# ----------
def make_search(args):
    network = MLPClassifier((64,), solver="sgd", batch_size=32, max_iter=args.epochs)
    network.set_params(patience=None, random_state=args.seed)
    return GridSearchCV(
        make_pipeline(MinMaxScaler(), network),
        {"mlpclassifier__loss": LOSSES, "mlpclassifier__learning_rate": [0.01, 0.03, 0.1]},
        scoring="accuracy",
        cv=args.cv,
        n_jobs=args.jobs,
    )


# %%
# A bad start
# -----------
# `coefs_init` of `fit` takes weights of one's own. With `X_val` and `y_val` the history has
# the accuracy of every epoch.
def bad_start(shapes, seed):
    rng = np.random.default_rng(seed)
    return [5 * np.sqrt(2 / shape[0]) * rng.normal(size=shape) for shape in shapes]


def accuracies(pipeline, loss, X, y, X_val, y_val):
    """Validation accuracy of every epoch, from a bad start."""
    scaler, network = pipeline
    X, X_val = scaler.fit_transform(X), scaler.transform(X_val)
    shapes = (X.shape[1], 64), (64, len(np.unique(y)))
    network.set_params(loss=loss, learning_rate=0.03)
    start = bad_start(shapes, network.random_state)
    return network.fit(X, y, X_val=X_val, y_val=y_val, coefs_init=start).validation_scores_


def plot(curves):
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    logit = np.linspace(-8, 8, 321)
    p = 1 / (1 + np.exp(-logit))
    slopes = {"log_loss": p - 1, "squared_error": (p - 1) * p * (1 - p)}
    for colour, loss in zip(COLOURS, LOSSES, strict=False):
        left.plot(logit, slopes[loss], color=colour, label=loss)
        scores = curves[loss]
        right.plot(range(1, len(scores) + 1), scores, color=colour, label=loss)
    left.set_xlabel("logit of a row of class 1")
    left.set_ylabel("slope of the loss over the logit")
    right.set_xlabel("epoch")
    right.locator_params(axis="x", integer=True)
    right.set_ylabel("validation accuracy, from a bad start")
    for panel in left, right:
        panel.grid(alpha=0.3)
        panel.legend()
    return figure


def main(argv=None):
    parser = study_parser("Cross-entropy or squared error?", "losses.png", epochs=20)
    args, X, _, y, _ = read_study(parser, argv)
    search = show_progress(make_search(args)).fit(X, y)
    print(study_report(search))
    rows = train_test_split(X, y, stratify=y, random_state=args.seed)
    X, X_val, y, y_val = rows
    curves = {
        loss: accuracies(clone(search.estimator), loss, X, y, X_val, y_val) for loss in LOSSES
    }
    print("\nValidation accuracy from a bad start, after 1, 5 and all epochs")
    for loss, scores in curves.items():
        print(f"{loss:14}", *(f"{scores[i]:.4f}" for i in (0, min(4, len(scores) - 1), -1)))
    finish(plot(curves), args.output)
    return curves, search


if __name__ == "__main__":
    main()
