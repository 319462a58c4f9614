"""
Comparing methods against overfitting
=====================================

A network with two wide layers memorizes 400 images of digits: its training accuracy is 1. This
example compares methods that may improve the accuracy on other images: an L2 penalty
(``alpha``), dropout, batch normalization, and early stopping.

The picture shows the mean test accuracy over three seeds with its standard deviation. On
so few images the settings differ by little more than the seeds do. Early stopping is a little
worse, because it holds out a tenth of the training images. With 10,000 images of MNIST
dropout helps most: see :doc:`/regularization`.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skneural import MLPClassifier

# %%
# The fits
# --------
# Every setting is trained with the same seeds, which decide the initial weights, the order of
# the samples and the dropped units.
settings = {
    "none": {},
    "L2": {"alpha": 0.03},
    "dropout": {"dropout": 0.5},
    "batch norm": {"batch_norm": True},
    "dropout + batch norm": {"dropout": 0.5, "batch_norm": True},
    "early stopping": {"early_stopping": True, "patience": 5},
}
X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X / 16, y, train_size=400, stratify=y, random_state=0)
training, test = {}, {}
for name, params in settings.items():
    training[name], test[name] = [], []
    for seed in range(3):
        network = MLPClassifier((512, 256), learning_rate=0.001, schedule="cosine", alpha=0.0)
        network.set_params(batch_size=32, max_iter=30, random_state=seed, **params).fit(X, y)
        training[name].append(network.score(X, y))
        test[name].append(network.score(X_test, y_test))
    print(f"{name:21} training {np.mean(training[name]):.4f}  test {np.mean(test[name]):.4f}")

# %%
# The test accuracy
# -----------------
means, deviations = zip(*((np.mean(s), np.std(s)) for s in test.values()), strict=True)
figure, ax = plt.subplots(layout="constrained")
ax.errorbar(means, list(settings), xerr=deviations, fmt="o", capsize=4)
ax.invert_yaxis()
ax.set_xlabel("test accuracy, mean and standard deviation")
plt.show()
