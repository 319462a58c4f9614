"""A first convolution and the max pool behind it, in one go."""

import math

import numpy as np

from skneural.layers._conv import Conv2D
from skneural.layers._pooling import MaxPool
from skneural.ops import _images
from skneural.ops._taps import find_largest, spread
from skneural.ops._tiles import Tiles

_FEW_CHANNELS = 4


class PooledConv2D(Conv2D):
    """What a `Conv2D` and the `MaxPool` behind it compute, without a gradient of the input.

    What the convolution makes of some windows is pooled while it is in the cache, and never
    stored. The bias is added to what is left: the largest value stays the largest. This is
    how a network works with two layers that it describes apart.

    Parameters
    ----------
    conv : Conv2D
    pool : MaxPool
        Both built, and such that `joins` accepts them.
    """

    def __init__(self, conv, pool):
        vars(self).update(vars(conv))
        self.pool = pool.windows

    @staticmethod
    def joins(conv, pool):
        """Whether two layers can work as one, if the first needs no gradient of its input."""
        return (
            isinstance(conv, Conv2D)
            and isinstance(pool, MaxPool)
            and conv.windows.image[-1] <= _FEW_CHANNELS
            and pool.windows.tile
            and not pool.windows.is_padded
        )

    def bind(self, binding):
        self.ops, dtype = binding.ops, binding.dtype
        *lead, n_rows, _ = binding.batch_shape
        n_images = n_rows // math.prod(self.windows.image[:2])
        n_outputs, n_taps = n_images * math.prod(self.pool.output), math.prod(self.pool.size)
        self.models = list(np.ndindex(*lead))
        self.weight = binding.params["weight"].reshape(*lead, -1, self.filters)
        self.bias = binding.params["bias"]
        self.y = self.ops.empty((*lead, n_outputs, self.filters), dtype)
        self.tiles = Tiles(self.windows, self.pool, n_images, dtype)
        self.taps = self.ops.empty(self.tiles.size * n_taps * self.filters, dtype)
        self.won = None
        if binding.grads is not None:
            self.grad_weight = binding.grads["weight"].reshape(self.weight.shape)
            self.grad_bias = binding.grads["bias"]
            self.ones = np.ones(n_outputs, dtype)
            self.won = self.ops.empty((*lead, n_outputs * self.filters * (n_taps - 1)), bool)

    def forward(self, x, *, training):
        self.images = _images.images(x, *self.windows.image[:2])
        n_outputs = self.images.shape[-4] * math.prod(self.pool.output)
        y = self.ops.leading_rows(self.y, n_outputs)
        for model in self.models:
            for columns, part, taps, won in self._chunks(model, y[model]):
                np.matmul(columns, self.weight[model], out=taps.reshape(*columns.shape[:2], -1))
                find_largest(taps, won if training else None)
                _images.copy_pixels(taps[0, 0].reshape(part.shape), part)
            bias = np.tile(self.bias[model], self.pool.output[1])  # long rows are added faster
            rows = y[model].reshape(-1, bias.size)
            rows += bias
        return y

    def backward(self, dy, *, need_dx=True):
        # each gradient of an output goes to one pixel, so that the sums are the same
        np.matmul(self.ones[: dy.shape[-2]], dy, out=self.grad_bias)
        self.grad_weight[...] = 0
        for model in self.models:
            for columns, part, taps, won in self._chunks(model, dy[model]):
                _images.copy_pixels(part, taps[0, 0].reshape(part.shape))
                spread(taps, won)
                products = columns.swapaxes(1, 2) @ taps.reshape(*columns.shape[:2], -1)
                self.grad_weight[model] += products.sum(axis=0)

    def _chunks(self, model, rows):
        """Yield columns and, in their order, pixel rows, workspace for taps, and who won."""
        outputs, done = _images.images(rows, *self.pool.output), 0
        for columns, where in self.tiles.chunks(self.images[model]):
            part = outputs[where].transpose(1, 2, 0, 3)
            shape = (*self.pool.size, part.size)
            taps, won = self.taps[: math.prod(shape)].reshape(shape), None
            if self.won is not None:
                todo = taps.size - part.size
                won = self.won[model][done : done + todo].reshape(todo // part.size, part.size)
                done += todo
            yield columns, part, taps, won
