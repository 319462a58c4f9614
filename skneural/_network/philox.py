"""Random numbers of dropout and input noise, each of which depends only on its position.

With a generator that produces one number after the other, the number for an element depends
on the order of computation, so that results would change with the number of threads.
Philox4x64-10 is a function instead, which converts a key and a counter to four words of 64
bits. The key is the seed of the network. The counter contains the block of words, the step of
the optimizer, and the layer. Every thread can therefore compute the words of its elements.

**The words of a mini-batch.** A row is one sample: all values of its pixels and channels. It
uses ``ceil(n_columns / 8)`` blocks, which follow those of the row before. Block b of a layer
has the counter ``(b + 1, step, layer, 0)`` and the key ``(seed, 0)``, as NumPy's `Philox`
counts from ``counter=[0, step, layer, 0]``. Each of its four words of 64 bits gives two words
of 32 bits, the low half first. A row uses the first `n_columns` of its words.

**Dropout** keeps an element if its word is at least ``rate * 2**32``, rounded to an integer
below 2**32.

**Gaussian noise** is computed in pairs (Box and Muller). With the words w0, w1 of a pair,
``u = (w + 0.5) / 2**32``, ``radius = sqrt(-2 log u0)`` and ``angle = 2 pi u1``, they are
``radius * cos(angle)`` and ``radius * sin(angle)``, computed in float64. The last element of
an odd number of columns uses the next word for its pair.

References
----------
J. Salmon, M. Moraes, R. Dror and D. Shaw, Parallel random numbers: as easy as 1, 2, 3, SC 2011.
G. Box and M. Muller, A note on the generation of random normal deviates, Annals of
Mathematical Statistics 29, 1958.
"""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from skneural._network.array_types import Words

_CHUNK = 1 << 11  # words computed at once, so that no array has the size of a mini-batch


class Draws:
    """The random words of a network in training.

    Parameters
    ----------
    seed : int
        Seed of the network, from 0 to ``2**64 - 1``.
    step : int, default=0
        Number of mini-batches that the network has been trained on.

    Examples
    --------
    >>> from skneural._network.philox import Draws
    >>> [(rows, words)] = Draws(seed=5, step=2).chunks(layer=0, n_rows=1, n_columns=3)
    >>> words.shape, words.dtype
    ((1, 8), dtype('uint32'))
    """

    def __init__(self, seed: int, step: int = 0) -> None:
        self.step = step
        # setting the state of a generator is much faster than creating one
        self._philox = np.random.Philox(key=np.array([seed, 0], np.uint64))
        self._state = self._philox.state

    def chunks(self, layer: int, n_rows: int, n_columns: int) -> Iterator[tuple[slice, Words]]:
        """Yield slices of rows with their words, for the current step.

        Parameters
        ----------
        layer : int
            Index of the layer in the network.
        n_rows, n_columns : int
            Number of samples in the mini-batch, and number of values per sample.

        Yields
        ------
        rows : slice
        words : ndarray of uint32 of shape (n_rows_of_the_slice, 8 * ceil(n_columns / 8))
        """
        n_blocks = -(-n_columns // 8)  # of a row
        size = max(1, _CHUNK // (8 * n_blocks))
        for start in range(0, n_rows, size):
            rows = slice(start, min(start + size, n_rows))
            self._state["state"]["counter"][:] = start * n_blocks, self.step, layer, 0
            self._philox.state = self._state
            raw = self._philox.random_raw((rows.stop - start) * n_blocks * 4)
            yield rows, raw.astype("<u8", copy=False).view("<u4").reshape(-1, 8 * n_blocks)


def words(seed: int, step: int, layer: int, n_rows: int, n_columns: int) -> Words:
    """Return all words of a batch: an array of shape (n_rows, 8 * ceil(n_columns / 8))."""
    chunks = Draws(seed, step).chunks(layer, n_rows, n_columns)
    return np.concatenate([part for _, part in chunks])


def threshold(rate: float) -> np.uint32:
    """Return the smallest word that dropout keeps."""
    return np.uint32(min(round(rate * 2**32), 2**32 - 1))


def normals(words: Words) -> npt.NDArray[np.float64]:
    """Return one standard normal number in float64 per word, computed in pairs."""
    uniform = (words + 0.5) / 2**32
    radius = np.sqrt(-2 * np.log(uniform[:, 0::2]))
    angle = 2 * math.pi * uniform[:, 1::2]
    draws = np.empty(words.shape)
    np.multiply(radius, np.cos(angle), out=draws[:, 0::2])
    np.multiply(radius, np.sin(angle), out=draws[:, 1::2])
    return draws
