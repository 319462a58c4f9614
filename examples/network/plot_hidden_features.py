"""
Features of a network for another model
=======================================

The output layer of a network is a linear model. The layers before it turn the pixels of an
image into features that make the task easy. ``transform`` returns these features, so that a
network can be a step of a Pipeline before any other model. The picture shows the digits in two
dimensions: two principal components of the pixels, and two hidden units of a network.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from skneural import MLPClassifier

X, y = load_digits(return_X_y=True)
X = X / 16
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
network = MLPClassifier((64, 2), activation=("relu", "identity"), max_iter=40, random_state=0)
figure, axes = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
steps = {"two principal components": PCA(2), "two hidden units": network}
for ax, (name, step) in zip(axes, steps.items(), strict=True):
    points = step.fit(X_train, y_train).transform(X_test)
    drawn = ax.scatter(*points.T, c=y_test, cmap="tab10", s=8)
    ax.set(title=f"{name}, test samples", xticks=[], yticks=[])
axes[1].legend(*drawn.legend_elements(), loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %%
# In a Pipeline
# -------------
# Two models are compared on the pixels and on 16 features of a network. In cross-validation
# the network is fitted on the training samples of each fold. The features help the linear
# model, because the network learned them for a linear model, its output layer. The nearest
# neighbours do better on the pixels.
accuracies = {}
features = MLPClassifier((64, 16), max_iter=40, random_state=0)
for model in LogisticRegression(max_iter=1000), KNeighborsClassifier():
    name = type(model).__name__
    pipelines = {"pixels": model, "features": make_pipeline(features, model)}
    for inputs, pipeline in pipelines.items():
        accuracies[name, inputs] = cross_val_score(pipeline, X, y, cv=3).mean()
        print(f"{name} on the {inputs}: accuracy {accuracies[name, inputs]:.4f}")
