"""A single layer, bound to randomly generated arrays."""

import math

import numpy as np
import pytest

from skneural._network.layers.base import Binding

TOLERANCE = {
    np.float64: {"rtol": 1e-10, "atol": 1e-12},
    np.float32: {"rtol": 1e-4, "atol": 1e-5},
}
DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def rows_shape(n_samples, shape):
    """Return the shape in which a batch of samples is passed between layers."""
    return n_samples * math.prod(shape[:-1]), shape[-1]


def bound(layer, batch_shape, dtype=np.float64, draws=None, predicting=False, input_shape=None):
    """Return a layer bound to randomly generated arrays.

    `batch_shape` is the shape of the rows. `input_shape` is the shape of one sample, if a
    sample has several rows.
    """
    input_shape = input_shape or batch_shape[1:]
    layer.output_shape = layer.build(input_shape)
    n_samples = batch_shape[0] // math.prod(input_shape[:-1])
    draw = np.random.default_rng(1)

    def arrays(shapes):
        return {k: draw.uniform(0.5, 1.5, v).astype(dtype) for k, v in shapes.items()}

    params, state = arrays(layer.param_shapes), arrays(layer.state_shapes)
    grads = None if predicting else {k: np.full_like(v, np.nan) for k, v in params.items()}
    layer.bind(Binding(n_samples, input_shape, np.dtype(dtype), params, state, grads, draws))
    layer.arrays = {"params": params, "state": state, "grads": grads}
    return layer


def drawn(shape, dtype=np.float64, seed=2):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)
