"""
A convolutional network or a dense one?
=======================================

A dense network has a weight for every pair of a pixel and a unit. It would learn equally well
if all pixels were in another order. A convolutional network uses the fact that some pixels
are neighbours: it moves the same small kernels over the whole image.

The picture shows scikit-learn's learning curves. The digits are small and centred, and with
all samples both networks are about equally good. With few samples the convolutional network
is behind, because it has made few steps.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import LearningCurveDisplay, train_test_split

from skneural import ConvNetClassifier, MLPClassifier

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X / 16, y, test_size=0.2, random_state=0)
params = {"batch_size": 32, "max_iter": 20, "random_state": 0}
networks = {
    "MLP": MLPClassifier((256, 64), **params),
    "ConvNet": ConvNetClassifier((16, 32), input_shape=(8, 8, 1), **params),
}
curves = {}
figure, ax = plt.subplots(layout="constrained")
for name, network in networks.items():
    curves[name] = LearningCurveDisplay.from_estimator(
        network, X, y, train_sizes=[60, 150, 400, 958], cv=3, score_type="test", ax=ax
    )
    curves[name].lines_[0].set_label(name)
ax.set(xscale="log", ylabel="validation accuracy")
ax.legend(handles=ax.lines, loc="lower right")
plt.show()

# %%
# Shifted images
# --------------
# The networks have not seen test images that are shifted by up to one pixel along each axis.
# There the convolutional network is far better, with less than half of the parameters.
# Training with shifted images helps more: see
# :ref:`sphx_glr_gallery_overfitting_plot_augmentation.py`.
rng = np.random.default_rng(0)
images = X_test.reshape(-1, 8, 8)
shifted = [np.roll(image, rng.integers(-1, 2, 2), axis=(0, 1)) for image in images]
shifted = np.reshape(shifted, X_test.shape)
accuracies = {}
for name, network in networks.items():
    network.fit(X, y)
    accuracies[name] = network.score(X_test, y_test), network.score(shifted, y_test)
    size = network.network_.n_params
    print(f"{name:7} {size:,} parameters: test accuracy {accuracies[name][0]:.4f},", end=" ")
    print(f"on shifted images {accuracies[name][1]:.4f}")
