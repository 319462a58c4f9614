"""
Underfitting and overfitting
============================

A network that is too small cannot represent the target, and its accuracy is low even on the
training samples: that is underfitting. A large network can memorize a small training set.
It is then perfect on the training samples and worse on others: that is overfitting.

The picture shows scikit-learn's validation curve on 200 samples. With few units both
accuracies are low. With many units the training accuracy is 1, and the gap to the validation
accuracy remains.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import (
    LearningCurveDisplay,
    ValidationCurveDisplay,
    train_test_split,
)

from skneural import LossCurveDisplay, MLPClassifier

X, y = load_digits(return_X_y=True)
X = X / 16
X_few, _, y_few, _ = train_test_split(X, y, train_size=200, stratify=y, random_state=0)
network = MLPClassifier((256,), learning_rate=0.01, batch_size=32, schedule="constant")
network.set_params(alpha=1e-4, max_iter=30, random_state=0)
units = [1, 2, 4, 8, 16, 64, 256]
style = {"cv": 3, "score_name": "accuracy"}
curve = ValidationCurveDisplay.from_estimator(
    network, X_few, y_few, param_name="hidden_layer_sizes", param_range=units, **style
)
curve.ax_.set(xscale="log", xlabel="units of the hidden layer")
plt.show()

# %%
# More samples
# ------------
# With more samples the gap becomes smaller.
sizes = [50, 100, 200, 400, 800, 1198]
LearningCurveDisplay.from_estimator(network, X, y, train_sizes=sizes, **style)
plt.show()

# %%
# Too many epochs
# ---------------
# In a long fit on few samples the training loss keeps falling, while the validation loss
# reaches its lowest point early and rises again. ``early_stopping=True`` ends a fit soon after
# that point and keeps the weights of the best epoch.
X_few, X_val, y_few, y_val = train_test_split(X_few, y_few, stratify=y_few, random_state=0)
network.set_params(max_iter=90).fit(X_few, y_few, X_val=X_val, y_val=y_val)
history = {name: network.history_[name] for name in ("loss", "validation_loss")}
LossCurveDisplay(history=history).plot().axes_[0].set_yscale("log")
plt.show()
