"""
How high should the learning rate be?
=====================================

Gradient descent goes downhill by the rate times the slope. With a low rate it creeps; with
a high one it jumps across the valley, and the loss never settles or even rises. In between
lies a range, often of a factor of ten or more, where every rate does well. So rates are
tried in equal factors, not in equal steps.

The left picture shows the accuracy of every rate on the rows left out, mean and standard
deviation over the folds. The lowest rates have not arrived when the epochs are over; the
highest ones learn nothing. The right one shows how the training loss of three of them goes:
the lowest, the best of the search, and the highest.

The method is plain gradient descent, without momentum, to show the rate alone. Which rates
are good depends on the method, on the batches and on the data: see the other examples.
"""

import warnings

from _common import finish, plt, read_study, show_progress, study_parser
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skneural import LossCurveDisplay, MLPClassifier, StudyDisplay, study_report

RATES = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]


# %%
# The search
# ----------
# Every rate has the same initial weights and the same batches.
def make_search(args):
    network = MLPClassifier((64,), solver="sgd", momentum=0.0, nesterovs_momentum=False)
    network.set_params(batch_size=32, max_iter=args.epochs, patience=None)
    network.set_params(schedule="constant", alpha=1e-4, random_state=args.seed)
    return GridSearchCV(
        make_pipeline(MinMaxScaler(), network),
        {"mlpclassifier__learning_rate": RATES},
        scoring="accuracy",
        cv=args.cv,
        n_jobs=args.jobs,
    )


# %%
# The curves
# ----------
# A fit whose loss ends above where it began gives a ConvergenceWarning. Here we know why.
def plot(search, X, y):
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    StudyDisplay.from_search(search, ax=left)
    best = search.best_params_["mlpclassifier__learning_rate"]
    for rate in RATES[0], best, RATES[-1]:
        pipeline = search.estimator.set_params(mlpclassifier__learning_rate=rate).fit(X, y)
        LossCurveDisplay.from_estimator(pipeline, ax=right, name=f"rate {rate:g}")
    right.set_yscale("log")
    return figure


def main(argv=None):
    parser = study_parser(
        "How high should the learning rate be?", "learning_rate.png", epochs=15
    )
    args, X, X_test, y, y_test = read_study(parser, argv)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        search = show_progress(make_search(args)).fit(X, y)
        print(study_report(search))
        figure = plot(search, X, y)
    print(f"\nTest accuracy of the best: {search.score(X_test, y_test):.4f}")
    finish(figure, args.output)
    return search


if __name__ == "__main__":
    main()
