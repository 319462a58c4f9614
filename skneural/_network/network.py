"""The network: layers with a single flat parameter vector, and forward and backward passes."""

import copy
import math
import os
from collections.abc import Iterable, Sequence
from typing import Any, cast

import numpy as np

from skneural._network import array_operations as ops
from skneural._network.array_types import Array, Arrays, DType, Order, Rows, Shape
from skneural._network.layers.base import Binding, Layer
from skneural._network.losses.base import Loss
from skneural._network.philox import Draws
from skneural._network.summary import Summary

Place = tuple[int, str, slice, Shape]  # layer, name, where in the vector, shape

_WORKSPACE = {"grad", "_program", "_signs", "_bound", "_way_back", "_raw_grad"}


class Network:
    """A sequence of layers with a loss.

    Between layers, a mini-batch is a matrix. It has one row per sample or, while samples are
    images ``(h, w, c)`` or signals ``(length, c)``, one row per pixel of each sample.
    Activations, batch normalization and dropout therefore work in the same way for images.

    All parameters are in one vector `theta`: first the weights of every layer, then all
    parameters that are not penalized. The parameters of a layer are views of it. `layers`
    contains descriptions, and `bind` makes working copies with a workspace. A prediction makes
    its own copies (`skneural._engine.prediction`), so that several threads can predict at the
    same time.

    Parameters
    ----------
    layers : list of Layer
        The layers from input to output.
    loss : Loss
        The loss of the output of the last layer.
    input_shape : tuple of int
        Shape of one sample.
    dtype : numpy dtype
        float32 or float64, of parameters, gradients and workspace.

    Attributes
    ----------
    output_shape : tuple of int
        Shape of the output for one sample.
    n_params, n_weights : int
        Number of parameters, and number of penalized weights.
    n_embedded : int
        Number of parameters in rows of which a step changes only some.
    theta : ndarray of shape (n_params,)
        The parameters.
    state : ndarray of shape (n_state,)
        Values that layers learn without a gradient, such as running statistics.
    grad : ndarray of shape (n_params,)
        Gradient of the parameters after `loss_and_grad`; only available while bound.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural._network.losses.regression import HalfSquaredError
    >>> from skneural._network.network import Network
    >>> from skneural._network.layers.dense import Dense
    >>> network = Network([Dense(1)], HalfSquaredError(), (2,), np.float64)
    >>> network.init_params(np.random.default_rng(0))
    >>> network.theta[...] = [1.0, 2.0, 0.5]  # two weights, then the bias
    >>> network.bind(batch_size=1)
    >>> loss = network.loss_and_grad(np.array([[3.0, 4.0]]), np.array([[9.5]]))
    >>> float(loss)  # half the square of 11.5 - 9.5
    2.0
    """

    _program: Any  # set by the engine
    n_embedded = 0  # also in pickles of earlier versions

    def __init__(
        self,
        layers: Sequence[Layer],
        loss: Loss,
        input_shape: Sequence[int],
        dtype: DType,
    ) -> None:
        self.layers = layers
        self.loss = loss
        self.input_shape = tuple(input_shape)
        self.dtype: np.dtype[np.floating] = np.dtype(dtype)
        self.input_shapes: list[Shape] = []  # of every layer
        shape = self.input_shape
        for layer in layers:
            self.input_shapes.append(shape)
            try:
                shape = layer.build(shape)
            except ValueError as error:
                built = layers[: len(self.input_shapes) - 1]
                table = Summary(built, self.input_shapes, dtype, batch_size=1)
                raise ValueError(f"{error} The network up to there:\n{table}") from None
        self.output_shape = shape
        self._lay_out_parameters()
        self._row_layers: list[tuple[list[Layer], Array, Array, Array]] = []

    def _lay_out_parameters(self) -> None:
        """Determine the position of every parameter and state in the flat vectors."""
        named = [
            (i, name, shape)
            for i, layer in enumerate(self.layers)
            for name, shape in layer.param_shapes.items()
        ]
        named.sort(key=lambda entry: entry[1] != "weight")  # stable: weights first
        self._param_places, self.n_params = _places(named)
        weights = [place.stop for _, name, place, _ in self._param_places if name == "weight"]
        self.n_weights = max(weights, default=0)
        self.n_embedded = sum(
            math.prod(shape) for i, _, shape in named if self.layers[i].updates_rows
        )
        self._state_places, self.n_state = _places(
            (i, name, shape)
            for i, layer in enumerate(self.layers)
            for name, shape in layer.state_shapes.items()
        )

    def init_params(self, rng: np.random.Generator) -> None:
        """Allocate `theta` and `state` and draw the initial parameters from `rng`."""
        self.theta = ops.aligned_empty(self.n_params, self.dtype)
        self.state = np.empty(self.n_state, self.dtype)
        for layer, params, state in zip(
            self.layers, self.views(self.theta), self.state_views(), strict=True
        ):
            layer.init_params(params, state, rng)

    def views(self, vector: Array) -> list[Arrays]:
        """Return one dict per layer of views of a vector like `theta`."""
        return _views(vector, self._param_places, len(self.layers))

    def state_views(self) -> list[Arrays]:
        """Return one dict per layer of views of `state`."""
        return _views(self.state, self._state_places, len(self.layers))

    def params(self, name: str) -> tuple[Array, ...]:
        """Return views of all parameters with this name, from input to output."""
        return tuple(view[name] for view in self.views(self.theta) if name in view)

    def __repr__(self) -> str:
        images: list[object] = [self.input_shape] if len(self.input_shape) > 1 else []
        layers: list[object] = [layer for layer in self.layers if not layer.only_training]
        return " - ".join(map(repr, images + layers))

    def product_flops(self, n_rows: int) -> int:
        """Return the floating-point operations of the largest product on a mini-batch."""
        return max(layer.product_flops(n_rows) for layer in self.layers)

    def check_memory(self, batch_size: int, *, training: bool = True) -> None:
        """Raise a ValueError if this machine has too little memory for the network."""
        memory = machine_memory()
        if memory is None:
            return
        # parameters, gradient, best parameters and at most two moments; output and derivative
        work, (of_params, of_values) = ("training", (5, 2)) if training else ("use", (1, 1))
        n_params = n_values = n_workspace = 0
        shapes = [*self.input_shapes[1:], self.output_shape]
        for i, (layer, shape) in enumerate(zip(self.layers, shapes, strict=True)):
            n_params += sum(map(math.prod, layer.param_shapes.values()))
            n_values += math.prod(shape)
            n_workspace += layer.n_workspace
            values = of_params * n_params + of_values * batch_size * n_values + n_workspace
            needed = self.dtype.itemsize * values
            if needed > memory:
                raise ValueError(
                    f"The network is too large for this machine: up to {layer.label} its "
                    f"{work} in batches of {batch_size:,} samples takes at least {needed:,} "
                    f"bytes ({n_params:,} parameters), and the machine has {memory:,}. Lower "
                    "hidden_layer_sizes, n_hidden_layers, filters, n_blocks, kernel_size, "
                    "padding, dilation or batch_size. The network up to there:\n"
                    f"{self.summary(batch_size, i + 1)}"
                )

    def summary(self, batch_size: int, n_layers: int | None = None) -> Summary:
        """Return the table of all layers, or of the first `n_layers`."""
        shapes = [*self.input_shapes, self.output_shape]
        return Summary(self.layers[:n_layers], shapes, self.dtype, batch_size)

    def bound_layers(
        self, batch_size: int, grad: Array | None = None, draws: Draws | None = None
    ) -> list[Layer]:
        """Return copies of the layers with a workspace; without `grad`, for predictions."""
        params, state = self.views(self.theta), self.state_views()
        grads: Sequence[Arrays | None]
        grads = [None] * len(self.layers) if grad is None else self.views(grad)
        bound = [copy.copy(layer) for layer in self.layers]
        for i, layer in enumerate(bound):
            arrays = params[i], state[i], grads[i]
            shape = self.input_shapes[i]
            layer.bind(Binding(batch_size, shape, self.dtype, *arrays, draws, i))
        return bound

    def bind(self, batch_size: int, draws: Draws | None = None) -> None:
        """Allocate the memory for training on mini-batches of up to `batch_size` rows.

        `draws` contains the random words of layers such as dropout. The code that trains the
        network sets its step.
        """
        self.release()
        self.grad = np.empty_like(self.theta)
        self._signs = np.empty(self.n_weights, self.dtype)
        self._bound = self.bound_layers(batch_size, self.grad, draws)
        # the gradient of the input, and of layers without parameters before it, is not needed
        first = next(i for i, layer in enumerate(self._bound) if layer.param_shapes)
        self._way_back = [(layer, True) for layer in self._bound[:first:-1]]
        self._way_back.append((self._bound[first], False))
        self._raw_grad = np.empty((batch_size, *self.output_shape), self.dtype)

    def pixel_rows(self, x: Rows) -> Array:
        """Return images in the form of the layers: a matrix with one row per pixel."""
        if len(self.input_shape) == 1:
            return cast(Array, x)  # the first layer supports CSR rows
        # CSR rows of images become dense
        x = np.ascontiguousarray(x) if isinstance(x, np.ndarray) else x.toarray()
        return x.reshape(-1, self.input_shape[-1])

    def release(self) -> None:
        """Release the memory that `bind` has allocated."""
        for name in _WORKSPACE - {"_program"}:
            vars(self).pop(name, None)

    def __getstate__(self) -> dict[str, object]:
        """Return the state without the workspace, for copies and pickles."""
        state = {name: value for name, value in vars(self).items() if name not in _WORKSPACE}
        # skops does not trust the dtypes of NumPy
        return {**state, "dtype": self.dtype.name, "_row_layers": []}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, dtype=np.dtype(state["dtype"]))

    def loss_and_grad(
        self,
        x: Rows,
        y: Array,
        sample_weight: Array | None = None,
        alpha: float = 0.0,
        l1_ratio: float = 0.0,
    ) -> float:
        """Return the penalized loss of a mini-batch, and write its gradient to `grad`.

        Parameters
        ----------
        x : ndarray or CSR of shape (n_samples, *input_shape)
            Images may also be flat rows.
        y : ndarray of shape (n_samples, *output_shape)
        sample_weight : ndarray of shape (n_samples,), default=None
        alpha : float, default=0.0
            Strength of the penalty ``alpha * ((1 - l1_ratio) / 2 * sum(weights ** 2) +
            l1_ratio * sum(abs(weights)))``, which is divided by the sum of the sample
            weights like the loss, and added to it.
        l1_ratio : float, default=0.0
            Proportion of the absolute values in the penalty.

        Returns
        -------
        loss : float
        """
        raw = self._forward(self.pixel_rows(x))
        delta = self._raw_grad[: len(y)]
        loss = self.loss.loss_gradient(y, raw, sample_weight, gradient_out=delta)
        for layer, need_dx in self._way_back:
            # None comes last
            delta = layer.backward(delta, need_dx=need_dx)  # type: ignore[assignment]
        if alpha:
            rows = len(y) if sample_weight is None else float(sample_weight.sum())
            loss += self._add_penalty(alpha * (1 - l1_ratio) / rows, alpha * l1_ratio / rows)
        return loss

    def touched_params(self) -> Order | None:
        """Return which parameters the last gradient is for, in their order; None for all."""
        if not self.n_embedded:
            return None
        touched = [layer.touched_rows() for layer in self._bound]
        parts = []
        for i, name, place, shape in self._param_places:
            if self.layers[i].updates_rows:
                firsts = place.start + touched[i][name] * shape[1]
                parts.append((firsts[:, None] + np.arange(shape[1])).ravel())
            else:
                parts.append(np.arange(place.start, place.stop))
        return np.concatenate(parts)

    def _forward(self, x: Array) -> Array:
        for layer in self._bound:
            x = layer.forward(x, training=True)
        return x

    def _add_penalty(self, l2: float, l1: float) -> float:
        weights, grad = self.theta[: self.n_weights], self.grad[: self.n_weights]
        penalty = 0.0
        if l2:
            ops.add_scaled(grad, weights, l2)
            penalty += 0.5 * l2 * np.dot(weights, weights)
        if l1:
            signs = np.sign(weights, out=self._signs)
            ops.add_scaled(grad, signs, l1)
            penalty += l1 * np.dot(weights, signs)
        return penalty

    def signals(self, x: Rows, rng: np.random.Generator) -> list[float]:
        """Return how much of a random unit gradient at the output reaches each layer's biases.

        The result has one root mean square over samples and channels per layer. The network
        must be bound, and running statistics change.
        """
        raw = self._forward(self.pixel_rows(x))
        delta = rng.normal(size=raw.shape).astype(self.dtype)
        signals = []
        for layer, need_dx in self._way_back:
            of_samples = delta.reshape(x.shape[0], -1, delta.shape[-1]).sum(axis=1)
            signals.append(float(np.sqrt(np.mean(np.square(of_samples)))))
            delta = layer.backward(delta, need_dx=need_dx)  # type: ignore[assignment]
        before = [0.0] * (len(self.layers) - len(signals))
        return before + signals[::-1]


def _places(named: Iterable[tuple[int, str, Shape]]) -> tuple[list[Place], int]:
    """Return one slice per array in a flat vector, and the length of the vector."""
    places, stop = [], 0
    for i, name, shape in named:
        start, stop = stop, stop + math.prod(shape)
        places.append((i, name, slice(start, stop), shape))
    return places, stop


def _views(vector: Array, places: Iterable[Place], n_layers: int) -> list[Arrays]:
    views: list[Arrays] = [{} for _ in range(n_layers)]
    for i, name, place, shape in places:
        views[i][name] = vector[place].reshape(shape)
    return views


def machine_memory() -> int | None:
    """Return the memory of this machine in bytes, or None if it is not known."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
