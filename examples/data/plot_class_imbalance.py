"""
Training when one class is rare
===============================

In this example one sample in twenty is a 9. A classifier that never predicts a 9 has an
accuracy of 95 % and is useless. Its balanced accuracy, the mean recall of the classes, is 1/2.
``class_weight`` gives a rare class more weight in the training.

The picture shows the cross-validated scores for several weights. Without weights few of the
9s are found. With a larger weight more of them are found (a higher recall), and more other
digits are mistaken for a 9 (a lower precision). The best balanced accuracy lies in between.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import ConfusionMatrixDisplay, make_scorer, precision_score
from sklearn.model_selection import GridSearchCV, train_test_split

from skneural import MLPClassifier, study_report

# %%
# The search
# ----------
# Three fifths of the 9s are left out. The network has no hidden layer: it is a logistic
# regression. ``refit`` names the score by which the best weight is chosen.
X, y = load_digits(return_X_y=True)
keep = (y != 9) | (np.random.default_rng(0).random(len(y)) < 0.4)
X, X_test, y, y_test = train_test_split(
    X[keep] / 16, y[keep] == 9, test_size=0.25, stratify=y[keep] == 9, random_state=0
)
weights = [None, {True: 3}, {True: 10}, "balanced", {True: 200}]
network = MLPClassifier((), learning_rate=0.003, batch_size=64, max_iter=60, random_state=0)
names = ["balanced_accuracy", "recall", "precision", "accuracy"]
scoring = {name: name for name in names}
scoring["precision"] = make_scorer(precision_score, zero_division=0)
search = GridSearchCV(
    network, {"class_weight": weights}, scoring=scoring, refit="balanced_accuracy", cv=3
)
print(study_report(search.fit(X, y)))
figure, ax = plt.subplots(layout="constrained")
for name in names:
    ax.plot(list(map(str, weights)), search.cv_results_[f"mean_test_{name}"], "o-", label=name)
ax.set(xlabel="class_weight", ylim=(0, 1.05))
ax.legend(loc="lower right")
plt.show()

# %%
# The test samples
# ----------------
figure, axes = plt.subplots(1, 2, figsize=(7, 3.5), layout="constrained")
style = {"display_labels": ["other", "9"], "colorbar": False, "cmap": "Blues"}
for ax, fitted, title in zip(
    axes, (network.fit(X, y), search), ("no weights", "best weights"), strict=True
):
    ConfusionMatrixDisplay.from_estimator(fitted, X_test, y_test, ax=ax, **style)
    ax.set_title(title)
plt.show()
