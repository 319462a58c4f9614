"""Predictions and activations of a `Network`, some rows at a time."""

import math
from collections.abc import Collection
from contextlib import closing

import numpy as np

from skneural._engine import compiled
from skneural._engine.blas_threads import blas_threads_for
from skneural._engine.program import program_of
from skneural._network.array_types import Array, Rows
from skneural._network.layers.flatten import Flatten
from skneural._network.network import Network

# Rows predicted at once: their activations should stay in the cache of a core.
_CHUNK_BYTES = 1 << 20
# But products gain from more rows, up to 64, while these stay below
_CHUNK_MOST = 1 << 28


def raw_prediction(network: Network, x: Rows, most_bytes: int = _CHUNK_MOST) -> Array:
    """The output of the last layer, before the inverse link of the loss.

    Parameters
    ----------
    x : ndarray or CSR of shape (n_samples, *input_shape)
    most_bytes : int, default=2**28
        What the activations of the rows predicted at once may take; one row always may.

    Returns
    -------
    raw : ndarray of shape (n_samples, *output_shape)
    """
    if program_of(network) is not None:
        return compiled_prediction(network, x, most_bytes)[0]
    n_samples = x.shape[0]
    if n_samples == 1:
        return _row_prediction(network, x)
    raw = np.empty((n_samples, *network.output_shape), network.dtype)
    chunks = _chunks(network, n_samples, most_bytes)
    layers = network.bound_layers(chunks[0].stop)
    with closing(blas_threads_for(network.product_flops(n_samples))) as limit, limit:
        for rows in chunks:
            y = network.pixel_rows(x[rows])
            for layer in layers:
                y = layer.forward(y, training=False)
            raw[rows] = y
    return raw


def compiled_prediction(
    network: Network, x: Rows, most_bytes: int = _CHUNK_MOST
) -> tuple[Array, bool]:
    """Return what `raw_prediction` does, and whether all numbers of dense `x` are finite.

    Only for a network with a program: the compiled engine looks at `x` while it is in the
    cache.
    """
    return compiled.predict(
        program_of(network),  # type: ignore[arg-type]
        network,
        x,
        most_bytes,
    )


def _chunks(network: Network, n_samples: int, most_bytes: int) -> list[slice]:
    """Slices of rows whose outputs stay in the cache; only the last one may be shorter."""
    row_bytes = network.dtype.itemsize * sum(map(math.prod, network.input_shapes))
    size = max(_CHUNK_BYTES // row_bytes, min(64, _CHUNK_MOST // row_bytes))
    size = max(1, min(size, most_bytes // row_bytes, n_samples))
    starts = range(0, n_samples, size)
    return [slice(start, min(start + size, n_samples)) for start in starts]


def _row_prediction(network: Network, x: Rows) -> Array:
    """One row, through layers that stay bound: binding takes as long as the row."""
    theta: Array | None
    state: Array | None
    try:
        # taken out of the list, they are this thread's alone
        layers, theta, state, row = network._row_layers.pop()
    except IndexError:
        theta = state = None
    if theta is not network.theta or state is not network.state:
        theta, state, layers = network.theta, network.state, network.bound_layers(1)
        row = np.empty((1, math.prod(network.input_shape)), network.dtype)
    if isinstance(x, np.ndarray):  # layers remember their input: not all of X
        row[...] = x.reshape(row.shape)
        x = row
    y = network.pixel_rows(x)
    with closing(blas_threads_for(0)) as limit, limit:
        for layer in layers:
            y = layer.forward(y, training=False)
    raw = y.reshape(1, *network.output_shape).copy()
    network._row_layers.append((layers, theta, state, row))
    return raw


def layer_outputs(
    network: Network, x: Rows, places: Collection[int], most_bytes: int = _CHUNK_MOST
) -> dict[int, Array]:
    """The outputs of the layers at `places`, of all rows, as when predicting."""
    outputs: dict[int, list[Array]]
    outputs, chunks = {}, _chunks(network, x.shape[0], most_bytes)
    layers = network.bound_layers(chunks[0].stop)
    with closing(blas_threads_for(network.product_flops(x.shape[0]))) as limit, limit:
        for rows in chunks:
            y = network.pixel_rows(x[rows])
            for i, layer in enumerate(layers):
                y = layer.forward(y, training=False)
                if i in places:  # a copy: the next layer may write on it
                    outputs.setdefault(i, []).append(y.copy())
    return {i: np.concatenate(parts) for i, parts in outputs.items()}


def activations(network: Network, x: Rows, most_bytes: int = _CHUNK_MOST) -> list[Array]:
    """What every layer of weights hands on to the next one, and at last the prediction.

    Parameters
    ----------
    x : ndarray or CSR of shape (n_samples, *input_shape)
    most_bytes : int, default=2**28
        As for `raw_prediction`.

    Returns
    -------
    activations : list of ndarray of shape (n_samples, *shape)
        With activation and pooling, as images where they are; the last one after the
        loss's inverse link.
    """
    weighted = [i for i, layer in enumerate(network.layers) if "weight" in layer.param_shapes]
    places = [i - 1 for i in weighted[1:]]
    # not yet flattened
    places = [i - isinstance(network.layers[i], Flatten) for i in places]
    outputs = layer_outputs(network, x, {*places, len(network.layers) - 1}, most_bytes)
    hidden = [outputs[i].reshape(x.shape[0], *network.input_shapes[i + 1]) for i in places]
    raw = outputs[len(network.layers) - 1]
    return [*hidden, network.loss.predict(raw, out=raw)]


def last_hidden_layer(network: Network, x: Rows, most_bytes: int = _CHUNK_MOST) -> Rows:
    """What the last layer takes, as when predicting.

    Parameters
    ----------
    x : ndarray or CSR of shape (n_samples, *input_shape)
    most_bytes : int, default=2**28
        As for `raw_prediction`.

    Returns
    -------
    features : ndarray of shape (n_samples, n_units)
        A copy of `x`, which may be CSR, if the last layer is the only one.
    """
    before = [i for i, layer in enumerate(network.layers[:-1]) if not layer.only_training]
    if not before:
        return x.copy()
    return layer_outputs(network, x, {before[-1]}, most_bytes)[before[-1]]
