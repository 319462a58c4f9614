"""The training loss of one network on the wine data, raw and behind a scaler."""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler

from skneural import MLPClassifier

X, y = load_wine(return_X_y=True)
inputs = {"raw": X, "behind a StandardScaler": StandardScaler().fit_transform(X)}
figure, ax = plt.subplots(figsize=(4.6, 3.2))
for label, rows in inputs.items():
    network = MLPClassifier(batch_size=32, max_iter=50, patience=None, random_state=0)
    with warnings.catch_warnings(action="ignore"):  # of the raw features
        network.fit(rows, y)
    ax.plot(np.arange(1, 51), network.loss_curve_, label=label)
ax.set(xlabel="epoch", ylabel="training loss", yscale="log")
ax.legend(fontsize="small")
figure.tight_layout()
