"""
Sigmoid, tanh or rectifier?
===========================

In a deep network the gradient comes to the first layer through all the others, and every one
multiplies it by the slope of its activation. The slope of the sigmoid is 1/4 at most: five
hidden layers make the gradient hundreds of times smaller. The slope of tanh is up to 1, that
of the rectifier is 1 for every unit that is on.

The same network of five hidden layers is trained with each. The first picture shows the
gradient of every layer in the first step: with the sigmoid it vanishes on its way from the
output (right) to the input (left). So the network does not begin to learn, as its training
loss in the second picture and the table say; the others do. The third picture has the slopes.

The gradient is seen from outside: a step of plain gradient descent at the rate 1 changes
the weights by just that.
"""

import numpy as np
from _common import COLOURS, finish, plt, read_study, show_progress, study_parser
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skneural import LossCurveDisplay, MLPClassifier, study_report

ACTIVATIONS = ["logistic", "tanh", "relu"]
LAYERS = (32,) * 5


# %%
# The search
# ----------
def make_search(args):
    network = MLPClassifier(LAYERS, solver="sgd", learning_rate=0.05, batch_size=32)
    network.set_params(max_iter=args.epochs, patience=None, random_state=args.seed)
    return GridSearchCV(
        make_pipeline(MinMaxScaler(), network),
        {"mlpclassifier__activation": ACTIVATIONS},
        scoring=["accuracy", "neg_log_loss"],
        refit="accuracy",
        cv=args.cv,
        n_jobs=args.jobs,
    )


# %%
# The gradient, layer by layer
# ----------------------------
# All rows are one batch. The first step is at a rate too small to change anything: it
# makes the network. The second one is at the rate 1.
def gradient_norms(network, X, y):
    """Norm of the gradient of every layer's weights, before training."""
    network = clone(network).set_params(momentum=0.0, nesterovs_momentum=False, alpha=0.0)
    network.set_params(batch_size=len(X), learning_rate=1e-12)
    network.partial_fit(X, y, classes=np.unique(y))
    before = [weights.copy() for weights in network.coefs_]
    network.set_params(learning_rate=1.0).partial_fit(X, y)
    return [
        np.linalg.norm(was - weights)
        for was, weights in zip(before, network.coefs_, strict=True)
    ]


def plot(pipelines, norms):
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    for colour, (name, pipeline) in zip(COLOURS, pipelines.items(), strict=False):
        layers = range(1, len(norms[name]) + 1)
        left.plot(layers, norms[name], "o-", color=colour, label=name)
        LossCurveDisplay.from_estimator(pipeline, ax=middle, name=name, color=colour)
    left.set_yscale("log")
    left.set_xlabel("layer, from input to output")
    left.set_ylabel("norm of the gradient, first step")
    left.legend()
    z = np.linspace(-6, 6, 241)
    tanh, sigmoid = np.tanh(z), 1 / (1 + np.exp(-z))
    slopes = sigmoid * (1 - sigmoid), 1 - tanh**2, (z > 0).astype(float)
    for colour, name, slope in zip(COLOURS, ACTIVATIONS, slopes, strict=False):
        right.plot(z, slope, color=colour, label=name)
    right.set_xlabel("input of a unit")
    right.set_ylabel("slope of the activation")
    right.legend(loc="upper left")
    return figure


def main(argv=None):
    parser = study_parser("Sigmoid, tanh or rectifier?", "activations.png", epochs=20)
    args, X, X_test, y, y_test = read_study(parser, argv)
    search = show_progress(make_search(args)).fit(X, y)
    print(study_report(search))
    pipelines = {
        name: clone(search.estimator).set_params(mlpclassifier__activation=name).fit(X, y)
        for name in ACTIVATIONS
    }
    norms = {
        name: gradient_norms(pipeline[-1], pipeline[0].transform(X), y)
        for name, pipeline in pipelines.items()
    }
    print("\nNorm of the gradient in the first step, from the first layer to the last")
    for name, row in norms.items():
        accuracy = pipelines[name].score(X_test, y_test)
        print(f"{name:9}", *(f"{norm:.1e}" for norm in row), f"  test accuracy {accuracy:.4f}")
    finish(plot(pipelines, norms), args.output)
    return norms, search


if __name__ == "__main__":
    main()
