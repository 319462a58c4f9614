"""
Sigmoid, tanh or ReLU in a deep network
=======================================

The gradient reaches the first layer through all the layers above it, and each of them
multiplies it by the slope of its activation. The slope of the sigmoid (``"logistic"``) is at
most 1/4, so five hidden layers make the gradient hundreds of times smaller. The slope of tanh
is up to 1, and that of ReLU is 1 for every unit that is active.

The picture shows the norm of the gradient of each layer before training. With the sigmoid it
vanishes on its way from the output (right) to the input (left).
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.preprocessing import minmax_scale

from skneural import MLPClassifier

X, y = load_digits(return_X_y=True)
X = minmax_scale(X)
activations = ["logistic", "tanh", "relu"]

# %%
# The gradient of each layer
# --------------------------
# One step of gradient descent on all samples with the learning rate 1 changes the weights by
# exactly the gradient. The first call of ``partial_fit`` creates the network; its learning rate
# is too low to change the weights.
norms = {}
figure, ax = plt.subplots(layout="constrained")
for activation in activations:
    network = MLPClassifier((32,) * 5, activation=activation, solver="sgd", alpha=0.0)
    network.set_params(momentum=0.0, nesterovs_momentum=False, batch_size=len(X))
    network.set_params(learning_rate=1e-12, random_state=0)
    network.partial_fit(X, y, classes=np.unique(y))
    before = [weights.copy() for weights in network.coefs_]
    network.set_params(learning_rate=1.0).partial_fit(X, y)
    pairs = zip(before, network.coefs_, strict=True)
    norms[activation] = [np.linalg.norm(old - new) for old, new in pairs]
    ax.plot(range(1, 7), norms[activation], "o-", label=activation)
ax.set(xlabel="layer, from input to output", ylabel="norm of the gradient", yscale="log")
ax.legend()
plt.show()

# %%
# The training
# ------------
# Within 20 epochs the network with sigmoids does not begin to learn.
figure, ax = plt.subplots(layout="constrained")
for activation in activations:
    network = MLPClassifier((32,) * 5, activation=activation, solver="sgd", batch_size=32)
    network.set_params(learning_rate=0.05, max_iter=20, random_state=0).fit(X, y)
    ax.plot(network.loss_curve_, label=activation)
    print(f"{activation:9} training accuracy {network.score(X, y):.4f}")
ax.set(xlabel="epoch", ylabel="training loss")
ax.legend()
plt.show()
