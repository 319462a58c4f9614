"""Optimizers: one update of the flat parameter vector, in place.

An optimizer is its hyperparameters; what it remembers between steps is the `state`
dict that `init` returns and `step` updates. `step` may destroy the gradient, which
serves as its scratch space. Rates and other numbers are Python floats: a NumPy float64
scalar would turn float32 updates into float64.
"""

import math

import numpy as np

from skneural.ops import _numpy as ops


class SGD:
    """Gradient descent with (Nesterov's) momentum.

    ``v = momentum * v + grad``, ``theta -= rate * v``; with Nesterov's momentum
    ``theta -= rate * (grad + momentum * v)``. This is PyTorch's form. scikit-learn keeps
    ``rate * v`` instead, which differs only while the rate changes.

    References
    ----------
    I. Sutskever et al., On the importance of initialization and momentum in deep
    learning, ICML 2013.
    """

    def __init__(self, momentum=0.9, nesterovs_momentum=True):
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum

    def init(self, theta):
        """The state before the first step."""
        return {"velocity": np.zeros_like(theta)} if self.momentum else {}

    def step(self, theta, grad, rate, state):
        """Update `theta` and `state`; destroy `grad`."""
        if not self.momentum:
            ops.add_scaled(theta, grad, -rate)
            return
        velocity = state["velocity"]
        velocity *= self.momentum
        velocity += grad
        if self.nesterovs_momentum:
            ops.add_scaled(theta, grad, -rate)
            rate = rate * self.momentum
        ops.add_scaled(theta, velocity, -rate)


class Adam:
    """Adaptive moments, with bias correction and epsilon outside the root.

    This is PyTorch's form; scikit-learn adds epsilon before the bias correction of the
    second moment, which differs by about epsilon.

    References
    ----------
    D. Kingma and J. Ba, Adam: a method for stochastic optimization, ICLR 2015.
    """

    def __init__(self, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def init(self, theta):
        """The state before the first step."""
        return {"steps": 0, "first": np.zeros_like(theta), "second": np.zeros_like(theta)}

    def step(self, theta, grad, rate, state):
        """Update `theta` and `state`; destroy `grad`.

        The moments are kept as plain discounted sums; the factor ``1 - beta`` that makes
        them averages is part of the scalar correction, which saves two passes.
        """
        state["steps"] += 1
        first, second = state["first"], state["second"]
        first *= self.beta_1
        first += grad
        grad *= grad
        second *= self.beta_2
        second += grad
        correction_1 = (1 - self.beta_1) / (1 - self.beta_1 ** state["steps"])
        root = math.sqrt((1 - self.beta_2) / (1 - self.beta_2 ** state["steps"]))
        # rate * c1 * first / (root * sqrt(second) + epsilon)
        np.sqrt(second, out=grad)
        grad += self.epsilon / root
        np.divide(first, grad, out=grad)
        ops.add_scaled(theta, grad, -rate * correction_1 / root)
