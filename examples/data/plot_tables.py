"""
A table with categories and missing values
==========================================

The table has twelve numeric columns, in which one value in ten is missing, and eight
categorical columns. ``MLPClassifier`` accepts it without preprocessing.
``HistGradientBoostingClassifier`` does too, if the categorical columns have the dtype category.
The first picture shows the accuracy on test samples for training sets of several sizes.
"""

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import train_test_split

from skneural import MLPClassifier

# Eight of the twenty features are cut into five intervals, which get names in random order.
X, y = make_classification(5000, n_informative=14, random_state=0)
rng = np.random.default_rng(0)
table = pd.DataFrame(X).add_prefix("x")
for name in table.columns[::5].union(table.columns[2::5]):
    names = rng.permutation(["north", "east", "south", "west", "centre"])
    table[name] = pd.qcut(table[name], 5, labels=names)
numbers = table.select_dtypes("number").columns
table[numbers] = table[numbers].mask(rng.random((5000, len(numbers))) < 0.1)
X, X_test, y, y_test = train_test_split(table, y, test_size=2000, random_state=0)

sizes = [300, 1000, 3000]
scores, seconds = {}, {}
for name, model in {
    "MLPClassifier": MLPClassifier(random_state=0),
    "HistGradientBoostingClassifier": HistGradientBoostingClassifier(random_state=0),
}.items():
    scores[name], seconds[name] = [], []
    for size in sizes:
        start = perf_counter()
        model.fit(X[:size], y[:size])
        seconds[name].append(perf_counter() - start)
        scores[name].append(model.score(X_test, y_test))
        print(f"{name}, {size} samples: accuracy {scores[name][-1]:.3f}")
figure, ax = plt.subplots(layout="constrained")
for name, accuracies in scores.items():
    ax.plot(sizes, accuracies, "o-", label=name)
ax.set(xlabel="training samples", ylabel="accuracy on 2,000 other samples")
ax.legend()
plt.show()

# %%
# The second picture shows the time of a fit.
figure, ax = plt.subplots(layout="constrained")
for name, times in seconds.items():
    ax.plot(sizes, times, "o-", label=name)
ax.set(xlabel="training samples", ylabel="seconds per fit", ylim=0)
ax.legend()
plt.show()
