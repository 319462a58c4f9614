"""
Approximating a sine with ReLU units
====================================

A ReLU unit, ``max(0, w x + b)``, is zero on one side of ``x = -b / w`` and a straight line on
the other. A network with one hidden layer of such units is therefore a chain of straight
pieces, with a kink where a unit switches on. Training finds the places of the kinks.

The picture shows networks with 1, 2, 3 and 8 hidden units.
"""

import matplotlib.pyplot as plt
import numpy as np

from skneural import MLPRegressor

# %%
# The fits
# --------
# Training does not always find the best places for the kinks, and a unit whose kink leaves the
# interval may never come back. Each network is therefore trained with five seeds, and the one
# with the lowest training loss is kept. All samples form one batch, so the gradient has no
# noise, and a cosine schedule lets the kinks settle.
X = np.linspace(-1, 2, 301).reshape(-1, 1)
y = np.sin(X).ravel()
networks = {}
for units in 1, 2, 3, 8:
    network = MLPRegressor((units,), learning_rate=0.1, schedule="cosine", alpha=0.0)
    network.set_params(batch_size=len(X), max_iter=3000)
    fits = []
    for seed in range(5):
        fits.append(MLPRegressor(**network.get_params()).set_params(random_state=seed))
        fits[-1].fit(X, y)
    networks[units] = min(fits, key=lambda fit: fit.loss_)

# %%
# The picture
# -----------
errors = {}
figure, axes = plt.subplots(2, 2, sharex=True, sharey=True, layout="constrained")
for (units, network), ax in zip(networks.items(), axes.flat, strict=True):
    kinks = -network.intercepts_[0] / network.coefs_[0][0]
    kinks = kinks[(kinks > -1) & (kinks < 2)].reshape(-1, 1)
    errors[units] = np.abs(network.predict(X) - y).max()
    print(f"{units} units: {len(kinks)} kinks, largest error {errors[units]:.4f}")
    ax.plot(X, y, color="lightgrey", linewidth=5, label="sine")
    ax.plot(X, network.predict(X), label="network")
    if len(kinks):
        ax.plot(kinks, network.predict(kinks), "o", label="kink")
    ax.set_title(f"{units} hidden unit{'s' * (units > 1)}")
axes[0, 0].legend(loc="upper left")
plt.show()
