"""The nine activations and their slopes, as the layers of skneural compute them."""

import matplotlib.pyplot as plt
import numpy as np

from skneural import MLPRegressor

NAMES = (
    *("relu", "leaky_relu", "elu"),
    *("logistic", "tanh", "identity"),
    *("gelu", "silu", "softplus"),
)
z = np.linspace(-4, 4, 401)
figure, panels = plt.subplots(3, 3, figsize=(4.8, 4.6), sharex=True, sharey=True)
for name, ax in zip(NAMES, panels.flat, strict=True):
    # one hidden unit that gets z as it is
    network = MLPRegressor((1,), activation=name, max_iter=1, patience=None)
    network.fit([[0.0]], [0.0], coefs_init=[[[1.0]], [[1.0]]])
    network.coefs_[0][...], network.intercepts_[0][...] = 1, 0
    y = network.activations(z[:, None])[0].ravel()
    ax.plot(z, y, label="f(z)")
    ax.plot(z, np.gradient(y, z), "--", label="slope")
    ax.set_title(name)
    ax.set(ylim=(-1.3, 3.2), xticks=(-4, 0, 4), yticks=(-1, 0, 1, 2, 3))
    ax.axhline(0, color="0.7", linewidth=0.8, zorder=0)
    ax.axvline(0, color="0.7", linewidth=0.8, zorder=0)
figure.supxlabel("z")
figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
