"""
How large should the initial weights be?
========================================

With zeros as initial weights nothing passes a ReLU, and no weight ever changes. With weights
that are too large the outputs grow from layer to layer, and the network begins with
predictions that are confident and wrong. With weights that are too small the signal vanishes
on its way. Glorot's weights keep its size where the activation is linear. ReLU removes half
of the signal in each layer, and He's weights make up for that.

The picture shows the standard deviation of the outputs of every hidden layer before training.
With He's weights it stays about the same.
"""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.preprocessing import scale

from skneural import LossCurveDisplay, MLPClassifier

# %%
# The signal
# ----------
X, y = load_digits(return_X_y=True)
X = scale(X)
units = [64, 64, 64, 64, 64, 64, 10]
# factor of a standard normal draw: He's is the square root of 2 / n_inputs
factors = {"zeros": 0.0, "half of He": 0.088, "Glorot": 0.125, "He": 0.177, "twice He": 0.354}
starts, deviations = {}, {}
figure, ax = plt.subplots(layout="constrained")
for name, factor in factors.items():
    rng = np.random.default_rng(0)
    starts[name] = [factor * rng.normal(size=shape) for shape in pairwise(units)]
    signal, deviations[name] = X, [X.std()]
    for weights in starts[name][:-1]:
        signal = np.maximum(signal @ weights, 0)
        deviations[name].append(signal.std())
    ax.plot(deviations[name], "o-", label=name)
ax.set(xlabel="hidden layer (0 is the input)", ylabel="standard deviation", yscale="log")
ax.legend()
plt.show()

# %%
# The training
# ------------
# ``weight_init`` offers zeros, Glorot's and He's weights; ``fit`` takes any others as
# ``coefs_init``. The loss that starts from zeros does not move.
losses = {}
figure, ax = plt.subplots(layout="constrained")
for name, weights in starts.items():
    network = MLPClassifier(units[1:-1], solver="sgd", learning_rate=0.02, batch_size=32)
    network.set_params(momentum=0.0, nesterovs_momentum=False, schedule="constant")
    network.set_params(max_iter=20, random_state=0).fit(X, y, coefs_init=weights)
    losses[name] = network.loss_curve_
    LossCurveDisplay.from_estimator(network, ax=ax, name=name)
ax.set_yscale("log")
plt.show()
