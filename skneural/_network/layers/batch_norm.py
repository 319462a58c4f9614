"""Batch normalization."""

import numpy as np

from skneural._network.array_types import Array, Arrays, Shape
from skneural._network.layers.base import Binding, Layer


class BatchNorm(Layer):
    """``y = scale * (x - mean) / sqrt(variance + epsilon) + shift``, feature by feature.

    In training, the mean and the (biased) variance are those of the mini-batch, and gradients
    are propagated through both. Every mini-batch also updates the running statistics with
    ``running = (1 - momentum) * running + momentum * batch``, which uses the unbiased variance.
    Predictions use the running statistics. A mini-batch with a single row has no variance: its
    output is `shift`, its gradient with respect to `x` is zero, and the running statistics do
    not change. Sample weights are ignored.

    Parameters
    ----------
    momentum : float, default=0.1
        Weight of the newest batch in the running statistics.
    epsilon : float, default=1e-5
        Added to the variance.

    References
    ----------
    S. Ioffe and C. Szegedy, Batch normalization: accelerating deep network training by
    reducing internal covariate shift, ICML 2015.
    """

    def __init__(self, momentum: float = 0.1, epsilon: float = 1e-5) -> None:
        self.momentum = momentum
        self.epsilon = epsilon

    def build(self, input_shape: Shape) -> Shape:
        n_features = input_shape[-1:]
        self.param_shapes = {"scale": n_features, "shift": n_features}
        self.state_shapes = {"mean": n_features, "variance": n_features}
        return input_shape

    def init_params(self, params: Arrays, state: Arrays, rng: np.random.Generator) -> None:
        params["scale"][...] = 1
        params["shift"][...] = 0
        state["mean"][...] = 0
        state["variance"][...] = 1

    def bind(self, binding: Binding) -> None:
        self.scale, self.shift = _rows(binding.params, "scale", "shift")
        self.mean, self.variance = _rows(binding.state, "mean", "variance")
        self.y = np.empty(binding.batch_shape, binding.dtype)
        if binding.grads is not None:
            self.grad_scale, self.grad_shift = _rows(binding.grads, "scale", "shift")
            self.workspace = np.empty(binding.batch_shape, binding.dtype)
            # a product with ones adds the rows twice as fast as a reduction
            self.ones = np.ones((1, binding.batch_shape[0]), binding.dtype)

    def forward(self, x: Array, *, training: bool) -> Array:
        n_rows = len(x)
        y = self.y[:n_rows]
        if training:
            ones = self.ones[:, :n_rows]
            mean = np.matmul(ones, x)
            mean /= n_rows
            centered = self.workspace[:n_rows]
            np.subtract(x, mean, out=centered)
            variance = np.matmul(ones, np.multiply(centered, centered, out=y))
            variance /= n_rows
            self._update_running(mean, variance, n_rows)
            self.centered, self.deviation = centered, np.sqrt(variance + self.epsilon)
            np.multiply(centered, self.scale / self.deviation, out=y)
        else:
            np.subtract(x, self.mean, out=y)
            y *= self.scale / np.sqrt(self.variance + self.epsilon)
        y += self.shift
        return y

    def _update_running(self, mean: Array, variance: Array, n_rows: int) -> None:
        if n_rows == 1:
            return
        self.mean *= 1 - self.momentum
        self.mean += self.momentum * mean
        self.variance *= 1 - self.momentum
        self.variance += self.momentum * n_rows / (n_rows - 1) * variance

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array | None:
        n_rows = len(dy)
        ones = self.ones[:, :n_rows]
        # the output is no longer needed, so its memory can be used
        scratch = self.y[:n_rows]
        np.multiply(dy, self.centered, out=scratch)
        np.matmul(ones, scratch, out=self.grad_scale)
        self.grad_scale /= self.deviation
        np.matmul(ones, dy, out=self.grad_shift)
        if not need_dx:
            return None
        # scale / deviation * (dy - mean(dy) - x_hat * mean(dy * x_hat)), where x_hat is
        # centered / deviation and the means are the parameters' gradients / n_rows
        projection = self.grad_scale / self.deviation
        projection /= n_rows
        dy -= np.multiply(self.centered, projection, out=scratch)
        dy -= self.grad_shift / n_rows
        dy *= self.scale / self.deviation
        return dy


def _rows(arrays: Arrays, *names: str) -> list[Array]:
    """Return vectors as arrays of one row, which broadcast over a mini-batch."""
    return [arrays[name][None, :] for name in names]
