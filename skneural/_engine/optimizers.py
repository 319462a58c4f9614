"""Optimizers: updates of the flat parameter vector, in place.

An optimizer contains only its hyperparameters. Its state between steps is a dict that `init`
returns and `step` updates. `step` may use the memory of the gradient. Learning rates and other
numbers are Python floats, because a NumPy float64 scalar would convert float32 updates to
float64.
"""

import math
from collections.abc import Callable
from typing import Any, Protocol, TypedDict

import numpy as np

from skneural._network import array_operations as ops
from skneural._network.array_types import Array, Arrays


class Optimizer(Protocol):
    """The contract of an optimizer."""

    # the type of the state differs between optimizers
    def init(self, theta: Array) -> Any:
        """Return the state before the first step."""

    def step(self, theta: Array, grad: Array, rate: float, state: Any) -> None:
        """Update `theta` and `state`; may overwrite `grad`."""


class Moments(TypedDict):
    """The state of `Adam`."""

    steps: int
    first: Array
    second: Array


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

    def __init__(self, momentum: float = 0.9, nesterovs_momentum: bool = True) -> None:
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum

    def init(self, theta: Array) -> Arrays:
        """The state before the first step."""
        return {"velocity": ops.zeros_like(theta)} if self.momentum else {}

    def step(self, theta: Array, grad: Array, rate: float, state: Arrays) -> None:
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

    This is PyTorch's form. scikit-learn adds epsilon before the bias correction of the second
    moment, so the results differ by about epsilon.

    References
    ----------
    D. Kingma and J. Ba, Adam: a method for stochastic optimization, ICLR 2015.
    """

    def __init__(
        self, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8
    ) -> None:
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def init(self, theta: Array) -> Moments:
        """The state before the first step."""
        return {"steps": 0, "first": ops.zeros_like(theta), "second": ops.zeros_like(theta)}

    def step(self, theta: Array, grad: Array, rate: float, state: Moments) -> None:
        """Update `theta` and `state`; destroy `grad`.

        The moments are stored as discounted sums. The factor ``1 - beta``, which makes them
        averages, is part of the scalar correction, which saves two passes over memory.
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
        rate = rate * correction_1 / root
        _add_quotient(theta, first, second, -rate, self.epsilon / root, scratch=grad)


class AdamW(Adam):
    """Adam with decoupled weight decay.

    It computes ``theta *= 1 - rate * decay``, and then a step of Adam. Unlike a penalty in the
    loss, this decay is not divided by the root of the second moment. It is applied only to the
    first `n_weights` entries (None: all), and so not to biases; PyTorch applies it to all
    parameters. scikit-learn has no AdamW.

    References
    ----------
    I. Loshchilov and F. Hutter, Decoupled weight decay regularization, ICLR 2019.
    """

    def __init__(
        self,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        decay: float = 0.01,
        n_weights: int | None = None,
    ) -> None:
        super().__init__(beta_1, beta_2, epsilon)
        self.decay = decay
        self.n_weights = n_weights

    def step(self, theta: Array, grad: Array, rate: float, state: Moments) -> None:
        """Update `theta` and `state`; destroy `grad`."""
        theta[: self.n_weights] *= 1 - rate * self.decay
        super().step(theta, grad, rate, state)


class AdaGrad:
    """Learning rates that decrease with the sum of all squared gradients.

    ``sum += grad ** 2``, ``theta -= rate * grad / (sqrt(sum) + epsilon)``. This is
    PyTorch's form with an epsilon of 1e-8 instead of 1e-10. scikit-learn has no AdaGrad.

    References
    ----------
    J. Duchi, E. Hazan and Y. Singer, Adaptive subgradient methods for online learning and
    stochastic optimization, JMLR 12, 2011.
    """

    def __init__(self, epsilon: float = 1e-8) -> None:
        self.epsilon = epsilon
        self.scratch: Array | None = None

    def init(self, theta: Array) -> Arrays:
        """The state before the first step."""
        return {"sum_of_squares": ops.zeros_like(theta)}

    def step(self, theta: Array, grad: Array, rate: float, state: Arrays) -> None:
        """Update `theta` and `state`."""
        squares, scratch = state["sum_of_squares"], _scratch_of(self, theta)
        squares += np.multiply(grad, grad, out=scratch)
        _add_quotient(theta, grad, squares, -rate, self.epsilon, scratch)


class RMSProp:
    """Learning rates divided by the root of a running average of squared gradients.

    ``average = rho * average + (1 - rho) * grad ** 2``,
    ``theta -= rate * grad / (sqrt(average) + epsilon)``. This is PyTorch's form, where rho
    is called alpha: epsilon stands outside the root, and the average starts at zero
    without a correction, so that the first steps are up to ``1 / sqrt(1 - rho)`` times the
    rate. scikit-learn has no RMSProp.

    References
    ----------
    T. Tieleman and G. Hinton, Lecture 6.5 of Neural networks for machine learning,
    Coursera 2012.
    """

    def __init__(self, rho: float = 0.99, epsilon: float = 1e-8) -> None:
        self.rho = rho
        self.epsilon = epsilon
        self.scratch: Array | None = None

    def init(self, theta: Array) -> Arrays:
        """The state before the first step."""
        return {"discounted_squares": ops.zeros_like(theta)}

    def step(self, theta: Array, grad: Array, rate: float, state: Arrays) -> None:
        """Update `theta` and `state`.

        As in Adam, squares are stored as a discounted sum, and the factor ``1 - rho``, which
        makes it an average, is part of the scalars.
        """
        squares, scratch = state["discounted_squares"], _scratch_of(self, theta)
        squares *= self.rho
        squares += np.multiply(grad, grad, out=scratch)
        root = math.sqrt(1 - self.rho)
        _add_quotient(theta, grad, squares, -rate / root, self.epsilon / root, scratch)


def _scratch_of(optimizer: AdaGrad | RMSProp, theta: Array) -> Array:
    """Return a vector like `theta`, which is not in the state, and so not in pickles."""
    scratch = optimizer.scratch
    if scratch is None or scratch.shape != theta.shape or scratch.dtype != theta.dtype:
        scratch = optimizer.scratch = np.empty_like(theta)
    return scratch


def _add_quotient(
    theta: Array,
    numerator: Array,
    squares: Array,
    factor: float,
    epsilon: float,
    scratch: Array,
) -> None:
    """``theta += factor * numerator / (sqrt(squares) + epsilon)``."""
    np.sqrt(squares, out=scratch)
    scratch += epsilon
    np.divide(numerator, scratch, out=scratch)
    ops.add_scaled(theta, scratch, factor)


class Hyperparameters(Protocol):
    """The constructor parameters of an estimator that optimizers use."""

    momentum: float
    nesterovs_momentum: bool
    beta_1: float
    beta_2: float
    rho: float
    epsilon: float


def _betas(own: Hyperparameters) -> tuple[float, float, float]:
    return float(own.beta_1), float(own.beta_2), float(own.epsilon)


# For every `solver` with mini-batches, a function that creates the optimizer. Its arguments are
# the parameters of the estimator, the strength of the penalty, and the number of weights.
OPTIMIZERS: dict[str, Callable[[Hyperparameters, float, int], Optimizer]] = {
    "sgd": lambda own, alpha, n: SGD(float(own.momentum), bool(own.nesterovs_momentum)),
    "adam": lambda own, alpha, n: Adam(*_betas(own)),
    "adamw": lambda own, alpha, n: AdamW(*_betas(own), alpha, n),
    "rmsprop": lambda own, alpha, n: RMSProp(float(own.rho), float(own.epsilon)),
    "adagrad": lambda own, alpha, n: AdaGrad(float(own.epsilon)),
}
# The values of the state with these names are vectors like `theta`, the others are integers.
MOMENTS = {"velocity", "first", "second", "sum_of_squares", "discounted_squares"}
