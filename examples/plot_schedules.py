"""
How should the learning rate fall?
==================================

A high rate gets far quickly, a low one settles. A schedule has both: it begins high and
lowers the rate while the network trains. Every way that `schedule` and `decay` offer is
shown here: above the rate of every epoch, below the training loss.

All begin at the same rate, one that is a little too high to stay at. Where it stays, the
loss keeps jumping, and its accuracy in the table is the lowest of all. Where the rate falls,
the loss ends low and smooth. The restarts of a cosine make it jump up and fall again. The
adaptive schedule waits: it lowers the rate when the loss has not fallen for `patience` epochs.

The table has the accuracy on the rows left out. Whichever way the rate falls, the accuracies
are close to each other: look at the ±.
"""

import math
import warnings

from _common import COLOURS, finish, plt, read_study, show_progress, study_parser
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skneural import MLPClassifier, study_report
from skneural.schedules import Cosine, CosineRestarts, Exponential, Step

# %%
# A schedule is a name or, where it has parameters, an object.
SETTINGS = {
    "constant": {"schedule": "constant"},
    "decay 0.9": {"schedule": "constant", "decay": 0.9},
    "invscaling": {"schedule": "invscaling"},
    "adaptive": {"schedule": "adaptive", "patience": 2},
    "step": {"schedule": Step(period=8, multiplier=0.3)},
    "exponential 0.9": {"schedule": Exponential(multiplier=0.9)},
    "linear": {"schedule": "linear"},
    "cosine": {"schedule": "cosine"},
    "cosine, warm-up": {"schedule": Cosine(warmup=5)},
    "cosine restarts": {"schedule": CosineRestarts(period=8)},
}


# %%
# The search
# ----------
# A search over settings that belong together is a list of small grids.
def make_search(args):
    network = MLPClassifier((32,), solver="sgd", learning_rate=0.1, batch_size=8)
    network.set_params(alpha=1e-4, max_iter=args.epochs, patience=None)
    network.set_params(random_state=args.seed)
    grids = [
        {f"mlpclassifier__{name}": [value] for name, value in setting.items()}
        for setting in SETTINGS.values()
    ]
    pipeline = make_pipeline(MinMaxScaler(), network)
    return GridSearchCV(pipeline, grids, scoring="accuracy", cv=args.cv, n_jobs=args.jobs)


# %%
# The results
# -----------
def histories(search, X, y):
    """What every setting records when it is trained on all rows."""
    for name, params in zip(SETTINGS, search.cv_results_["params"], strict=True):
        pipeline = clone(search.estimator).set_params(**params)
        yield name, pipeline.fit(X, y)[-1].history_


def plot(histories):
    """A column a setting, two rows of them: the rate above the loss."""
    columns = math.ceil(len(histories) / 2)
    figure, axes = plt.subplots(
        4, columns, sharex=True, sharey="row", figsize=(13, 8), layout="constrained"
    )
    for i, (name, history) in enumerate(histories.items()):
        above, below = axes[i // columns * 2 :, i % columns][:2]
        epochs = range(1, len(history["loss"]) + 1)
        above.plot(epochs, history["learning_rate"], color=COLOURS[1])
        below.plot(epochs, history["loss"], color=COLOURS[0])
        below.set_yscale("log")
        above.set_ylim(bottom=0)
        above.set_title(name)
        for panel in above, below:
            panel.grid(alpha=0.3)
    for row, label in enumerate(["rate", "training loss"] * 2):
        axes[row, 0].set_ylabel(label)
    for panel in axes[-1]:
        panel.set_xlabel("epoch")
    return figure


def main(argv=None):
    parser = study_parser("How should the learning rate fall?", "schedules.png", epochs=24)
    args, X, X_test, y, y_test = read_study(parser, argv)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # "adaptive" may need more epochs
        search = show_progress(make_search(args)).fit(X, y)
        curves = dict(histories(search, X, y))
    print(study_report(search))
    print(f"\nTest accuracy of the best: {search.score(X_test, y_test):.4f}")
    finish(plot(curves), args.output)
    return curves


if __name__ == "__main__":
    main()
