"""
A convolutional network against a dense one
===========================================

A dense network has a weight for every pixel and unit, and would learn the same if all pixels
were in another order. A convolutional network knows that pixels have neighbours: one small
kernel looks at every place. It does more arithmetic with fewer weights. Is it better?

Both are cross-validated in Pipelines behind a scaler. The tables have their accuracy on the
rows left out and what it costs. On images as small as the digits, all in the middle of their
frame, the two are as good as each other, look at the ±; the convolutional network has less
than half of the weights and takes several times as long.

The first picture is scikit-learn's `learning_curve`: how accuracy grows with the training
rows. With very few rows the convolutional network is behind, as it has made few
steps. The second has the accuracy of the networks of all folds on the test rows, as they are
and moved by up to a pixel, which neither has seen in training. There the convolutional
network is far better, though far from good: pooling forgives a little, the dense
layer behind it does not. `plot_overfitting.py` trains with moved images, which does more.
"""

import numpy as np
from _common import COLOURS, finish, plt, read_study, shifted, square_side, study_parser
from sklearn.model_selection import LearningCurveDisplay, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skneural import ConvNetClassifier, MLPClassifier, study_report


# %%
# The networks
# ------------
def make_pipelines(args, side):
    shared = {"batch_size": 32, "max_iter": args.epochs, "patience": None}
    shared["random_state"] = args.seed
    networks = {
        "MLP": MLPClassifier((256, 64), **shared),
        "ConvNet": ConvNetClassifier(filters=(16, 32), input_shape=(side, side, 1), **shared),
    }
    return {
        name: make_pipeline(MinMaxScaler(clip=True), network)
        for name, network in networks.items()
    }


# %%
# The results
# -----------
def plot_learning_curves(pipelines, args, X, y, ax):
    n_rows = len(X) * (args.folds - 1) // args.folds
    sizes = np.geomspace(min(60, n_rows), n_rows, 5).astype(int)
    for colour, (name, pipeline) in zip(COLOURS, pipelines.items(), strict=False):
        curve = LearningCurveDisplay.from_estimator(
            pipeline,
            X,
            y,
            train_sizes=sizes,
            cv=args.cv,
            n_jobs=args.jobs,
            ax=ax,
            score_type="test",
            score_name="validation accuracy",
            line_kw={"color": colour, "marker": "o"},
            fill_between_kw={"color": colour, "alpha": 0.2},
        )
        curve.lines_[0].set_label(name)
    ax.set_xscale("log")
    ax.legend(handles=ax.lines, loc="lower right")
    ax.set_xlabel("training rows")
    ax.set_xticks(sizes, sizes)
    ax.minorticks_off()


def plot_moved(accuracies, ax):
    """Bars of the mean over the folds, with standard deviations."""
    for i, (colour, (name, values)) in enumerate(
        zip(COLOURS, accuracies.items(), strict=False)
    ):
        places, mean = np.arange(2) + 0.36 * i - 0.18, values.mean(axis=0)
        style = {"yerr": values.std(axis=0, ddof=1), "capsize": 4}
        bars = ax.bar(places, mean, 0.34, color=colour, label=name, **style)
        ax.bar_label(bars, fmt="%.3f", padding=4)
    ax.set_xticks(range(2), ["test rows", "test rows, moved"])
    ax.set_ylabel("accuracy")
    ax.set_ylim(0, 1.25)
    ax.legend(loc="upper right", ncols=2)


def main(argv=None):
    parser = study_parser(
        "A convolutional network against a dense one", "convnet_against_mlp.png", epochs=20
    )
    args, X, X_test, y, y_test = read_study(parser, argv)
    moved = shifted(X_test, args.seed)
    pipelines = make_pipelines(args, square_side(X))
    accuracies = {}
    for name, pipeline in pipelines.items():
        results = cross_validate(
            pipeline, X, y, cv=args.cv, n_jobs=args.jobs, return_estimator=True
        )
        print(study_report(results), end="\n\n", flush=True)
        accuracies[name] = np.array(
            [
                [fitted.score(X_test, y_test), fitted.score(moved, y_test)]
                for fitted in results["estimator"]
            ]
        )
    print("Test accuracy of the networks of all folds, and on moved images")
    for name, values in accuracies.items():
        print(f"{name:8} {values.mean(axis=0).round(4)}")

    figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.2), layout="constrained")
    plot_learning_curves(pipelines, args, X, y, left)
    plot_moved(accuracies, right)
    finish(figure, args.output)
    return accuracies


if __name__ == "__main__":
    main()
