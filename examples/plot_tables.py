"""
A table with categories and missing values
==========================================

The table has 20 columns: twelve numbers, of which one in ten is missing, and eight categories.
`MLPClassifier` takes it as it is, and so does `HistGradientBoostingClassifier`, which needs the
category dtype for that. The picture shows the accuracy on rows that neither has seen, for
training sets of several sizes, and the time of the fits.
"""

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import train_test_split

from skneural import MLPClassifier


# %%
# The table
# ---------
# Eight of twenty features of normally distributed classes are cut into five intervals each, and
# the intervals get names in no order.
def make_table(n_samples=5000, seed=0):
    X, y = make_classification(n_samples, n_informative=14, random_state=seed)
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(X).add_prefix("x")
    for name in table.columns[::5].union(table.columns[2::5]):
        names = rng.permutation(["north", "east", "south", "west", "centre"])
        table[name] = pd.qcut(table[name], 5, labels=names)
    numbers = table.select_dtypes("number").columns
    table[numbers] = table[numbers].mask(rng.random((n_samples, len(numbers))) < 0.1)
    return table, y


def main(output="tables.png"):
    X, X_test, y, y_test = train_test_split(*make_table(), test_size=2000, random_state=0)
    models = MLPClassifier(random_state=0), HistGradientBoostingClassifier(random_state=0)
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
    for model in models:
        sizes, scores, seconds = [300, 1000, 3000], [], []
        for size in sizes:
            start = perf_counter()
            model.fit(X[:size], y[:size])
            seconds.append(perf_counter() - start)
            scores.append(model.score(X_test, y_test))
            print(f"{type(model).__name__}, {size} rows: accuracy {scores[-1]:.3f}")
        for ax, values in zip(axes, (scores, seconds), strict=True):
            ax.plot(sizes, values, "o-", label=type(model).__name__)
    axes[0].set(xlabel="training rows", ylabel="accuracy on 2,000 rows held out")
    axes[1].set(xlabel="training rows", ylabel="seconds of the fit", ylim=0)
    axes[0].legend()
    figure.savefig(output)


if __name__ == "__main__":
    main()
