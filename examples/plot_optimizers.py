"""
Which solver, and at which rate?
================================

Gradient descent takes a step of the rate times the gradient. Momentum adds up the steps so
far; AdaGrad, RMSProp and Adam divide each parameter's step by the size its gradients have
had. So the same rate means something else for each of them, and comparing solvers at one
rate compares nothing. This search tries every pair.

On the left every solver has its own range of good rates: gradient descent wants
a rate some ten times higher than Adam's. At its best rate each of
them does about as well as the others. On the right is the training loss of each
at its best rate. L-BFGS takes all rows in every step, chooses the length of the
step itself and has no rate; on data as small as these it is a choice, too.
"""

import warnings

import numpy as np
from _common import COLOURS, finish, plt, read_study, show_progress, study_parser
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skneural import MLPClassifier, StudyDisplay, study_report

SOLVERS = ["sgd", "adagrad", "rmsprop", "adam", "adamw"]
RATES = [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3]


# %%
# The search
# ----------
# ``"sgd"`` has momentum 0.9 by default.
def make_search(args):
    network = MLPClassifier((64,), batch_size=32, max_iter=args.epochs, patience=None)
    network.set_params(random_state=args.seed)
    return GridSearchCV(
        make_pipeline(MinMaxScaler(), network),
        {"mlpclassifier__solver": SOLVERS, "mlpclassifier__learning_rate": RATES},
        scoring="accuracy",
        cv=args.cv,
        n_jobs=args.jobs,
    )


# %%
# The curves
# ----------
# The best rate of each solver, out of the results of the search.
def best_rates(search):
    scores = search.cv_results_["mean_test_score"].reshape(len(RATES), len(SOLVERS))
    best = np.nanargmax(scores, axis=0)
    return {name: RATES[i] for name, i in zip(SOLVERS, best, strict=True)}


def curves(search, X, y):
    """Names and loss curves of every solver, trained on all rows at its best rate."""
    for solver, rate in {**best_rates(search), "lbfgs": None}.items():
        network = search.estimator[-1].set_params(solver=solver)
        if rate is not None:
            network.set_params(learning_rate=rate)
        name = solver if rate is None else f"{solver}, rate {rate:g}"
        yield name, search.estimator.fit(X, y)[-1].loss_curve_


def plot(search, X, y):
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(14.5, 4.5), width_ratios=[8, 5], layout="constrained"
    )
    StudyDisplay.from_search(search, param=["learning_rate", "solver"], ax=left)
    for colour, (name, losses) in zip(COLOURS, curves(search, X, y), strict=False):
        style = "--" if name == "lbfgs" else "-"
        right.plot(range(1, len(losses) + 1), losses, style, color=colour, label=name)
    right.set_yscale("log")
    right.set_xlabel("epoch (of L-BFGS: iteration)")
    right.set_ylabel("training loss")
    right.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def main(argv=None):
    parser = study_parser("Which solver, and at which rate?", "optimizers.png", epochs=15)
    args, X, X_test, y, y_test = read_study(parser, argv)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # some rates are too high
        search = show_progress(make_search(args)).fit(X, y)
        print(study_report(search))
        print(f"\nTest accuracy of the best: {search.score(X_test, y_test):.4f}")
        figure = plot(search, X, y)
    finish(figure, args.output)
    return search


if __name__ == "__main__":
    main()
