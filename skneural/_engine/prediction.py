"""Predictions and activations of a `Network`, computed for a few rows at a time."""

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

# The activations of the rows that are predicted at once should stay in the cache of a core.
_CHUNK_BYTES = 1 << 20
# products are faster with more rows, up to 64, if their activations need less than this
_CHUNK_MOST = 1 << 28


def raw_prediction(network: Network, x: Rows, most_bytes: int = _CHUNK_MOST) -> Array:
    """Return the output of the last layer, before the inverse link of the loss.

    Parameters
    ----------
    x : ndarray or CSR of shape (n_samples, *input_shape)
    most_bytes : int, default=2**28
        Maximum memory for the activations of the rows that are predicted at once.

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
    """Return the result of `raw_prediction`, and whether all numbers of dense `x` are finite.

    This is only for networks with a program: the compiled engine tests `x` while it is in the
    cache.
    """
    return compiled.predict(
        program_of(network),  # type: ignore[arg-type]
        network,
        x,
        most_bytes,
    )


def _chunks(network: Network, n_samples: int, most_bytes: int) -> list[slice]:
    """Yield slices of rows whose outputs stay in the cache; only the last may be shorter."""
    row_bytes = network.dtype.itemsize * sum(map(math.prod, network.input_shapes))
    size = max(_CHUNK_BYTES // row_bytes, min(64, _CHUNK_MOST // row_bytes))
    size = max(1, min(size, most_bytes // row_bytes, n_samples))
    starts = range(0, n_samples, size)
    return [slice(start, min(start + size, n_samples)) for start in starts]


def _row_prediction(network: Network, x: Rows) -> Array:
    """Predict one row with layers that stay bound, because binding takes as long as the row."""
    theta: Array | None
    state: Array | None
    try:
        # no other thread can use them, because they are not in the list
        layers, theta, state, row = network._row_layers.pop()
    except IndexError:
        theta = state = None
    if theta is not network.theta or state is not network.state:
        theta, state, layers = network.theta, network.state, network.bound_layers(1)
        row = np.empty((1, math.prod(network.input_shape)), network.dtype)
    if isinstance(x, np.ndarray):  # layers keep their input, which should not be all of X
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
    """Return the outputs of the layers at `places` in a prediction, for all rows."""
    outputs: dict[int, list[Array]]
    outputs, chunks = {}, _chunks(network, x.shape[0], most_bytes)
    layers = network.bound_layers(chunks[0].stop)
    with closing(blas_threads_for(network.product_flops(x.shape[0]))) as limit, limit:
        for rows in chunks:
            y = network.pixel_rows(x[rows])
            for i, layer in enumerate(layers):
                y = layer.forward(y, training=False)
                if i in places:  # a copy, because the next layer may overwrite it
                    outputs.setdefault(i, []).append(y.copy())
    return {i: np.concatenate(parts) for i, parts in outputs.items()}


def activations(network: Network, x: Rows, most_bytes: int = _CHUNK_MOST) -> list[Array]:
    """Return the output of every layer with weights, and of the network.

    Parameters
    ----------
    x : ndarray or CSR of shape (n_samples, *input_shape)
    most_bytes : int, default=2**28
        As for `raw_prediction`.

    Returns
    -------
    activations : list of ndarray of shape (n_samples, *shape)
        Outputs after activation and pooling, in the shape of images if they are images. The
        last one is the output after the inverse link of the loss.
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
    """Return the input of the last layer in a prediction.

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
