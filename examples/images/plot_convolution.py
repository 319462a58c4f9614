"""
What a convolution computes
===========================

A convolution moves a small kernel over a signal or an image. At each place it multiplies the
values below the kernel by its weights and adds up the products. The kernel ``[-1, 1]`` gives
zero where a signal is constant and a positive number where it rises; the kernel ``[1, -1]``
gives a positive number where it falls.

The picture shows a signal and the outputs of two kernels that a network has learned.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.signal import correlate
from sklearn.datasets import load_digits

from skneural import ConvNetRegressor

# %%
# One dimension
# -------------
# The target is the mean absolute change of a signal from one place to the next. A network with
# two kernels, ReLU and the mean over all places can compute it exactly. It is trained on
# examples only, with five seeds, and finds both kernels up to a factor.
rng = np.random.default_rng(0)
X = np.repeat(rng.normal(size=(500, 8)), 2, axis=1)  # 500 signals of 16 values
y = np.abs(np.diff(X)).mean(axis=1)
fits = []
for seed in range(5):
    network = ConvNetRegressor(2, kernel_size=2, input_shape=(16, 1), padding="valid")
    network.set_params(pool="global_average", hidden_layer_sizes=(), normalize_y=False)
    network.set_params(learning_rate=0.03, schedule="cosine", batch_size=32, max_iter=150)
    fits.append(network.set_params(alpha=0.0, random_state=seed).fit(X, y))
best = min(fits, key=lambda network: network.loss_)
kernels = best.coefs_[0][:, 0].T
error = np.abs(best.predict(X) - y).max()
print(f"Learned kernels:\n{kernels.round(3)}\nLargest error: {error:.2g}")
figure, ax = plt.subplots(layout="constrained")
ax.step(range(16), X[0], where="mid", color="grey", label="signal")
for style, kernel in zip(("o-", "s--"), kernels, strict=True):
    output = np.maximum(correlate(X[0], kernel, "valid"), 0)
    ax.plot(np.arange(15) + 0.5, output, style, label=f"kernel {kernel.round(1)}")
ax.set_xlabel("place")
ax.legend()
plt.show()

# %%
# Two dimensions
# --------------
# A kernel that is negative on the left and positive on the right responds to vertical edges of
# an image. The same kernel turned by 90 degrees responds to horizontal edges.
image, vertical = load_digits().images[0], np.outer([1, 2, 1], [-1, 0, 1])
outputs = [image, correlate(image, vertical, "same"), correlate(image, vertical.T, "same")]
figure, axes = plt.subplots(1, 3, layout="constrained", figsize=(7, 3))
for ax, output, title in zip(axes, outputs, ("digit", "vertical", "horizontal"), strict=True):
    ax.imshow(output, cmap="Greys" if title == "digit" else "RdBu_r")
    ax.set(title=title, xticks=[], yticks=[])
plt.show()
