"""
How many rows should a step look at?
====================================

A step follows the gradient of one batch. A small batch makes it noisy but cheap: an epoch
has many steps, and the network gets far in it. A large batch makes it exact, and there are
few steps. With all rows in one batch an epoch is a single step.

Every size gets the same rate and the same number of epochs. On the left is the accuracy on
the rows left out: here it falls as batches grow, because the large ones have not arrived.
In the middle is what that costs: small batches take longer, as each step has its price,
however few rows it looks at. On the right is the training loss, epoch by epoch.

A larger batch bears a higher rate. So a fair choice searches both together, which is one
line more in the grid; `plot_optimizers.py` searches a pair in that way.
"""

from _common import finish, plt, read_study, show_progress, study_parser
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skneural import LossCurveDisplay, MLPClassifier, StudyDisplay, study_report

SIZES = [4, 16, 64, 256, 1024]


# %%
# The search
# ----------
# Gradient descent at the rate 0.1, without momentum.
def make_search(args):
    network = MLPClassifier((64,), solver="sgd", momentum=0.0, nesterovs_momentum=False)
    network.set_params(learning_rate=0.1, max_iter=args.epochs, patience=None)
    network.set_params(schedule="constant", random_state=args.seed)
    return GridSearchCV(
        make_pipeline(MinMaxScaler(), network),
        {"mlpclassifier__batch_size": SIZES},
        scoring="accuracy",
        cv=args.cv,
        n_jobs=args.jobs,
    )


# %%
# The results
# -----------
def plot(search, X, y):
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13.5, 4), layout="constrained")
    StudyDisplay.from_search(search, ax=left)
    results = search.cv_results_
    middle.errorbar(
        SIZES, results["mean_fit_time"], results["std_fit_time"], fmt="o-", capsize=3
    )
    middle.set_xscale("log")
    middle.set_xticks(SIZES, SIZES)
    middle.minorticks_off()
    middle.set_ylim(bottom=0)
    middle.set_xlabel("batch_size")
    middle.set_ylabel("seconds per fit")
    for size in SIZES:
        pipeline = search.estimator.set_params(mlpclassifier__batch_size=size).fit(X, y)
        LossCurveDisplay.from_estimator(pipeline, ax=right, name=f"batches of {size}")
    right.set_yscale("log")
    right.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize="small")
    return figure


def main(argv=None):
    parser = study_parser("How many rows should a step look at?", "batch_size.png", epochs=15)
    args, X, X_test, y, y_test = read_study(parser, argv)
    search = show_progress(make_search(args)).fit(X, y)
    print(study_report(search))
    print(f"\nTest accuracy of the best: {search.score(X_test, y_test):.4f}")
    finish(plot(search, X, y), args.output)
    return search


if __name__ == "__main__":
    main()
