"""Initial weights: uniform random numbers whose variance preserves signals in all layers."""

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


def initialize(
    weight: Array, weight_init: str, rng: np.random.Generator, *, fan_in: int, fan_out: int
) -> None:
    """Fill `weight` in place.

    Random numbers are always drawn in float64, so that a seed gives the same network in
    float32 and float64.

    References
    ----------
    He: K. He et al., Delving deep into rectifiers, ICCV 2015. Glorot: X. Glorot and
    Y. Bengio, Understanding the difficulty of training deep feedforward neural networks,
    AISTATS 2010. LeCun: Y. LeCun et al., Efficient BackProp, 1998.
    """
    limit = _LIMITS[weight_init](fan_in, fan_out)
    weight[...] = rng.uniform(-limit, limit, weight.shape)
