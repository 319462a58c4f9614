"""Measurements of the layers of a network on some rows."""

import copy
import math
from dataclasses import dataclass

import numpy as np

from skneural._engine.prediction import layer_outputs
from skneural._network.array_types import Array, Arrays, Rows
from skneural._network.layers.activations import Activation, Logistic, ReLU, Tanh
from skneural._network.layers.base import Layer
from skneural._network.network import Network
from skneural._network.philox import Draws

_SATURATED = 0.99  # of the way to the limit of a sigmoid
_MOST_BYTES = 1 << 26
_ALMOST_ZERO = 1e-3  # size of the weights of a unit, relative to the largest of its layer


@dataclass(frozen=True)
class LayerMeasures:
    """Measurements of one layer with weights, including its activation.

    Attributes
    ----------
    name : str
        Name such as ``"1: Dense 64, ReLU"``, with the number of the layer from the input.
    grad_norm : float
        Euclidean norm of the gradient of the loss with respect to the weights, or NaN without
        targets.
    signal : float
        Root mean square of the gradient at the biases of this layer, if the gradient at the
        network's output is random with size 1. It shows how well gradients are propagated.
    dead_share : float
        Proportion of the rectifiers that are 0 for every row, or NaN without rectifiers.
    pruned_share : float
        Proportion of the rectifiers that are 0 for every row and whose weights are almost 0,
        too, or NaN without rectifiers.
    saturated_share : float
        Proportion of the sigmoid outputs (after max pooling, if any) that are within 1 % of a
        limit, or NaN without sigmoids.
    """

    name: str
    grad_norm: float
    signal: float
    dead_share: float
    pruned_share: float
    saturated_share: float


def measure_layers(
    network: Network, x: Rows, y: np.ndarray | None = None
) -> list[LayerMeasures]:
    """Measure every layer with weights, from input to output, without changing the network.

    For large images, only as many rows are used as need about 64 MB for the outputs.

    Parameters
    ----------
    network : Network
    x : ndarray or CSR of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_outputs), default=None
        Targets in the units of the network.

    Returns
    -------
    measures : list of LayerMeasures
    """
    network = copy.deepcopy(network)  # training changes the running statistics
    values = network.dtype.itemsize * sum(map(math.prod, network.input_shapes))
    n_rows = min(x.shape[0], max(1, _MOST_BYTES // values))
    x, y = x[:n_rows], None if y is None else y[:n_rows]
    activations = {i: _activation_after(network, i) for i in _weighted(network)}
    outputs = layer_outputs(network, x, {j for j in activations.values() if j is not None})
    network.bind(n_rows, Draws(0))
    grads: list[Arrays] = []
    if y is not None:
        network.loss_and_grad(x, y)
        grads = copy.deepcopy(network.views(network.grad))
    signals = network.signals(x, np.random.default_rng(0))
    weights = network.views(network.theta)
    measures: list[LayerMeasures] = []
    for i, activation in activations.items():
        label = network.layers[i].label
        dead = pruned = saturated = math.nan
        if activation is not None:
            label += f", {network.layers[activation].label}"
            dead, saturated = _shares(network.layers[activation], outputs[activation])
            if isinstance(network.layers[activation], ReLU):
                pruned = _pruned_share(weights[i]["weight"], outputs[activation])
        measures.append(
            LayerMeasures(
                name=f"{len(measures) + 1}: {label}",
                grad_norm=math.nan if y is None else float(np.linalg.norm(grads[i]["weight"])),
                signal=signals[i],
                dead_share=dead,
                pruned_share=pruned,
                saturated_share=saturated,
            )
        )
    network.release()
    return measures


def _weighted(network: Network) -> list[int]:
    return [i for i, layer in enumerate(network.layers) if "weight" in layer.param_shapes]


def _activation_after(network: Network, i: int) -> int | None:
    """Return the index of the activation after the weights at index `i`, or None."""
    for j in range(i + 1, len(network.layers)):
        if "weight" in network.layers[j].param_shapes:
            return None
        if isinstance(network.layers[j], Activation):
            return j
    return None


def _shares(activation: Layer, output: Array) -> tuple[float, float]:
    """Return the proportions of dead rectifiers and of saturated outputs."""
    if isinstance(activation, ReLU):
        return float((output.max(axis=0) <= 0).mean()), math.nan
    if isinstance(activation, Tanh):
        return math.nan, float((np.abs(output) > _SATURATED).mean())
    if isinstance(activation, Logistic):
        # from its middle to its limits it is half as far
        return math.nan, float((np.abs(2 * output - 1) > _SATURATED).mean())
    return math.nan, math.nan


def _pruned_share(weight: Array, output: Array) -> float:
    """The share of rectifiers that are 0 for every row, as are their weights."""
    sizes = np.linalg.norm(weight.reshape(-1, weight.shape[-1]), axis=0)
    is_pruned = (output.max(axis=0) <= 0) & (sizes <= _ALMOST_ZERO * sizes.max())
    return float(is_pruned.mean())
