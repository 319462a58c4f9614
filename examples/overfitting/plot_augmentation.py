"""
Data augmentation with few images
=================================

``augmentation`` changes the images of every mini-batch at random: it shifts them, flips them,
or adds noise. The network then sees different images in every epoch and learns to ignore such
changes.

The picture shows the test accuracy of networks that were trained on 200 images of digits. On
test images as they are, the three settings differ by about two percentage points. On test
images shifted by up to one pixel, the network that was trained with shifts is far better.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skneural import ConvNetClassifier

# %%
# The data
# --------
# Images have the shape (n_samples, height, width). Each test image is also shifted by -1, 0 or
# 1 pixel along each axis; the digits have a white border, so little is lost.
digits = load_digits()
X, X_test, y, y_test = train_test_split(
    digits.images / 16, digits.target, train_size=200, stratify=digits.target, random_state=0
)
rng = np.random.default_rng(0)
shifted = np.stack([np.roll(image, rng.integers(-1, 2, 2), axis=(0, 1)) for image in X_test])

# %%
# The fits
# --------
settings = {"none": None, "noise": {"gaussian_noise": 0.1}, "shifts": {"shift": 1}}
accuracies = {}
for name, augmentation in settings.items():
    scores = []
    for seed in range(3):
        network = ConvNetClassifier(augmentation=augmentation, batch_size=32, max_iter=60)
        network.set_params(learning_rate=0.003, schedule="cosine", random_state=seed)
        network.fit(X, y)
        scores.append([network.score(X_test, y_test), network.score(shifted, y_test)])
    accuracies[name] = np.mean(scores, axis=0)
    print(f"{name:7} test {accuracies[name][0]:.4f}  shifted {accuracies[name][1]:.4f}")

# %%
# The result
# ----------
figure, ax = plt.subplots(layout="constrained")
for place, (name, values) in enumerate(accuracies.items()):
    bars = ax.bar(np.arange(2) + 0.28 * (place - 1), values, 0.26, label=name)
    ax.bar_label(bars, fmt="%.2f")
ax.set_xticks([0, 1], ["test images", "shifted test images"])
ax.set(ylabel="accuracy", ylim=(0, 1.3))
ax.legend(title="augmentation", ncols=3, loc="upper center")
plt.show()
