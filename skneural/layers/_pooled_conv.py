"""A first convolution and the max pool behind it, in one go."""

import math

import numpy as np

from skneural.layers._conv import Conv2D
from skneural.layers._pooling import MaxPool
from skneural.ops import _images
from skneural.ops._memo import Memo
from skneural.ops._taps import find_largest, rounds_of, spread
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
        self.long_bias = self.ops.empty((self.pool.output[1], self.filters), dtype)
        self.views, self.views_back = Memo(), Memo()
        self.won = None
        if binding.grads is not None:
            self.grad_weight = binding.grads["weight"].reshape(self.weight.shape)
            self.grad_bias = binding.grads["bias"]
            self.ones = np.ones(n_outputs, dtype)
            self.won = self.ops.empty((*lead, n_outputs * self.filters * (n_taps - 1)), bool)

    def forward(self, x, *, training):
        self.x = x
        n_images = x.shape[-2] // math.prod(self.windows.image[:2])
        y = self.ops.leading_rows(self.y, n_images * math.prod(self.pool.output))
        for model, chunks in self.views(self._chunks, x, y):
            for copies, columns, products, rounds, (part, pooled) in chunks:
                _images.copy(copies)
                np.matmul(columns, self.weight[model], out=products)
                find_largest(rounds)
                part[...] = pooled
            self.long_bias[...] = self.bias[model]  # long rows are added faster
            rows = y[model].reshape(-1, self.long_bias.size)
            rows += self.long_bias.reshape(-1)
        return y

    def backward(self, dy, *, need_dx=True):
        # each gradient of an output goes to one pixel, so that the sums are the same
        np.matmul(self.ones[: dy.shape[-2]], dy, out=self.grad_bias)
        self.grad_weight[...] = 0
        for model, chunks in self.views_back(self._chunks, self.x, dy):
            for copies, columns, slopes, rounds, (part, pooled) in chunks:
                _images.copy(copies)
                pooled[...] = part
                spread(rounds)
                products = columns.swapaxes(1, 2) @ slopes
                self.grad_weight[model] += products.sum(axis=0)

    def _chunks(self, x, rows):
        """Each model, and how to go through its images and outputs.

        For every chunk what to copy, columns, the taps that a product makes, their rounds,
        and outputs among pixel rows and among taps.
        """
        images = _images.images(x, *self.windows.image[:2])
        return [(m, list(self._chunks_of(m, images[m], rows[m]))) for m in self.models]

    def _chunks_of(self, model, images, rows):
        outputs, done, won = _images.images(rows, *self.pool.output), 0, None
        for copies, columns, where in self.tiles.chunks(images):
            part = outputs[where].transpose(1, 2, 0, 3)
            shape = (*self.pool.size, part.size)
            taps = self.taps[: math.prod(shape)].reshape(shape)
            if self.won is not None:
                todo = taps.size - part.size
                won = self.won[model][done : done + todo].reshape(todo // part.size, part.size)
                done += todo
            pooled = taps[0, 0].reshape(part.shape)
            products = taps.reshape(*columns.shape[:2], -1)
            pixels = _images.as_pixels(part, pooled)
            yield copies, columns, products, rounds_of(taps, won), pixels
