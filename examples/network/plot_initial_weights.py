"""
How large should the initial weights be?
========================================

If all initial weights are zero, the output of every ReLU unit is zero and no weight ever
changes. If the weights are too large, the outputs grow from layer to layer, and the network
begins with predictions that are confident and wrong. If they are too small, the signal
vanishes on its way. Glorot's weights preserve the size of the signal where the activation is
linear. ReLU removes half of the signal in each layer, and He's weights compensate for that.

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
# standard deviations of the weights; that of He is the square root of 2 / n_inputs
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
# ``weight_init`` offers zeros and the weights of Glorot and He. Any other initial weights can
# be passed to ``fit`` as ``coefs_init``. The loss of a fit that starts from zeros is constant.
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
