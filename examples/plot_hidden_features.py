"""
Features of a network for another model
=======================================

Before its output layer, which is a linear model, a network has turned the pixels into features
that make its task easy. ``transform`` gives these features, so that a network can be a step of
a Pipeline before any other model of scikit-learn.

The table compares two models on the pixels and on 16 features of a network, and the network
itself, by cross-validation: in each fold the network is fitted on the training rows only. The
picture has two components of the pixels beside the two hidden units of another network.
"""

from _common import finish, plt, read_study, study_parser
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skneural import MLPClassifier


def network(args, *sizes):
    return MLPClassifier(sizes, max_iter=args.epochs, random_state=args.seed)


def pipelines(args):
    for model in (LogisticRegression(max_iter=1000), KNeighborsClassifier()):
        name = type(model).__name__
        yield f"{name}, pixels", make_pipeline(MinMaxScaler(), model)
        features = make_pipeline(MinMaxScaler(), network(args, 64, 16), model)
        yield f"{name}, features", features
    yield "MLPClassifier", make_pipeline(MinMaxScaler(), network(args, 64, 16))


def plot(args, X, y, X_test, y_test):
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
    plane = network(args, 64, 2).set_params(activation=("relu", "identity"))
    steps = {"two components of PCA": PCA(2), "two hidden units": plane}
    for ax, (name, step) in zip(axes, steps.items(), strict=True):
        points = make_pipeline(MinMaxScaler(), step).fit(X, y).transform(X_test)
        drawn = ax.scatter(*points.T, c=y_test, cmap="tab10", s=8)
        ax.set(title=f"{name}, test rows", xticks=[], yticks=[])
    axes[1].legend(*drawn.legend_elements(), loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def main(argv=None):
    parser = study_parser("Hidden layers as features", "hidden_features.png", epochs=40)
    args, X, X_test, y, y_test = read_study(parser, argv)
    for name, pipeline in pipelines(args):
        scores = cross_val_score(pipeline, X, y, cv=args.cv, n_jobs=args.jobs)
        print(f"{name:30} accuracy {scores.mean():.4f} ± {scores.std():.4f}")
    finish(plot(args, X, y, X_test, y_test), args.output)


if __name__ == "__main__":
    main()
