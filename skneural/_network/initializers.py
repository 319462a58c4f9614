"""Initial weights: uniform draws whose variance keeps signals alive through the layers."""

import math
from collections.abc import Callable

import numpy as np

from skneural._network.array_types import Array

# half-width of the uniform distribution, as a function of the fans
_LIMITS: dict[str, Callable[[float, float], float]] = {
    "he": lambda fan_in, fan_out: math.sqrt(6 / fan_in),
    "glorot": lambda fan_in, fan_out: math.sqrt(6 / (fan_in + fan_out)),
    "lecun": lambda fan_in, fan_out: math.sqrt(3 / fan_in),
    "zeros": lambda fan_in, fan_out: 0.0,
}
WEIGHT_INITS = tuple(_LIMITS)

# rectifiers pass about half of the variance on, which `he` makes up for
_RELU_FAMILY = {"relu", "leaky_relu", "elu", "gelu", "silu", "softplus"}


def default_weight_init(activation: str) -> str:
    """The scheme that `weight_init="auto"` stands for before `activation`."""
    return "he" if activation in _RELU_FAMILY else "glorot"


def initialize(
    weight: Array, weight_init: str, rng: np.random.Generator, *, fan_in: int, fan_out: int
) -> None:
    """Fill `weight` in place.

    Draws are float64 whatever the dtype of `weight`, so that a seed gives the same
    network in float32 and float64.

    References
    ----------
    He: K. He et al., Delving deep into rectifiers, ICCV 2015. Glorot: X. Glorot and
    Y. Bengio, Understanding the difficulty of training deep feedforward neural networks,
    AISTATS 2010. LeCun: Y. LeCun et al., Efficient BackProp, 1998.
    """
    limit = _LIMITS[weight_init](fan_in, fan_out)
    weight[...] = rng.uniform(-limit, limit, weight.shape)
