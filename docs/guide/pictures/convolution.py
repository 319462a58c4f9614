"""A kernel at one place of a digit, and the map that it makes."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle
from sklearn.datasets import load_digits

from skneural import ConvNetRegressor

KERNEL = np.array([[1.0, 0.0, -1.0]] * 3)
image = load_digits().images[0]
network = ConvNetRegressor(1, padding="valid", pool=None, activation="identity")
network.set_params(hidden_layer_sizes=(), max_iter=1, patience=None)
network.fit(image[None], [0.0])
network.coefs_[0][...], network.intercepts_[0][...] = KERNEL[..., None, None], 0
feature_map = network.activations(image[None])[0][0, :, :, 0]

figure = plt.figure(figsize=(4.8, 6.4))
grid = figure.add_gridspec(2, 2, height_ratios=(1.4, 1), width_ratios=(1, 2))
top, left, right = map(figure.add_subplot, (grid[0, :], grid[1, 0], grid[1, 1]))


def show(ax, values, title, at, size, **kwargs):
    """Numbers on colours, a window among them framed."""
    ax.imshow(values, **kwargs)
    middle = np.mean(ax.images[0].get_clim())
    for (i, j), value in np.ndenumerate(values):
        dark = (value < middle) == (kwargs["cmap"] == "gray")
        ax.text(j, i, f"{value:g}", ha="center", va="center", color="w" if dark else "k")
    frame = Rectangle((at[1] - 0.5, at[0] - 0.5), size, size, fill=False, color="C1", lw=3)
    ax.add_patch(frame)
    ax.set(title=title, xticks=(), yticks=())


show(top, image, "a digit, 8 x 8 pixels", (2, 1), 3, cmap="gray")
show(left, KERNEL, "kernel", (0, 0), 3, cmap="gray", vmin=-1, vmax=1)
show(right, feature_map, "map, 6 x 6", (2, 1), 1, cmap="gray")
