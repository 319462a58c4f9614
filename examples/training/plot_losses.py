"""
Cross-entropy or squared error for a classifier
===============================================

A classifier could minimize the squared error of its probabilities. The picture shows why it
minimizes the cross-entropy (log-loss) instead. On the left is a sample of class 1 for which
the network is sure of class 0, for example with a logit of -6. The slope of the cross-entropy
is close to -1 there, while that of the squared error is close to 0: where the network is most
wrong, the squared error teaches it nothing.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skneural import MLPClassifier

logit = np.linspace(-8, 8, 321)
p = 1 / (1 + np.exp(-logit))
figure, ax = plt.subplots(layout="constrained")
ax.plot(logit, p - 1, label="cross-entropy")
ax.plot(logit, (p - 1) * p * (1 - p), label="half the squared error")
ax.set(xlabel="logit of a sample of class 1", ylabel="slope of the loss")
ax.legend()
plt.show()

# %%
# A bad start
# -----------
# Both losses now train a network with a bad start: its initial weights are five times larger
# than usual, so most of its first probabilities are close to 0 or 1 and many of them are
# wrong. Initial weights are passed to ``fit`` as ``coefs_init``. With the squared error the
# network learns far more slowly.
X, y = load_digits(return_X_y=True)
X, X_val, y, y_val = train_test_split(X / 16, y, stratify=y, random_state=0)
rng = np.random.default_rng(0)
shapes = (64, 64), (64, 10)
weights = [5 * np.sqrt(2 / shape[0]) * rng.normal(size=shape) for shape in shapes]
curves = {}
figure, ax = plt.subplots(layout="constrained")
for loss in "log_loss", "squared_error":
    network = MLPClassifier((64,), loss=loss, solver="sgd", learning_rate=0.03)
    network.set_params(batch_size=32, max_iter=20, random_state=0)
    network.fit(X, y, X_val=X_val, y_val=y_val, coefs_init=weights)
    curves[loss] = network.validation_scores_
    print(f"{loss:14} validation accuracy after 5 epochs: {curves[loss][4]:.4f}")
    ax.plot(range(1, len(curves[loss]) + 1), curves[loss], label=loss)
ax.set(xlabel="epoch", ylabel="validation accuracy")
ax.legend()
plt.show()
