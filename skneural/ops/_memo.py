"""What is made of arrays once, as long as they stay in their places."""


class Memo:
    """What a function made of arrays that lie at the same places in memory.

    Batches that are gathered go through the same workspace, so that views of it need not be
    made again: between two products a thread should have little to do while it holds the
    interpreter, for which the other threads wait. Two things are kept: of whole batches, and of
    the last one of an epoch, which may be shorter. Arrays must always have the same dtype.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.ops._memo import Memo
    >>> memo, x = Memo(), np.arange(4)
    >>> memo(np.flip, x) is memo(np.flip, x[:])
    True
    """

    def __init__(self):
        self.key = self.arrays = self.made = None  # of the last call
        self.known = {}  # by place

    def __call__(self, make, *arrays):
        """Return ``make(*arrays)``, or what that was before."""
        key = tuple(map(id, arrays))
        if key != self.key:  # perhaps other views of the same places
            self.key, self.made = None, self._find(make, arrays)
            self.arrays, self.key = arrays, key  # held, they lend their ids to no others
        return self.made

    def _find(self, make, arrays):
        place = tuple((x.__array_interface__["data"], x.shape, x.strides) for x in arrays)
        if place not in self.known:
            if len(self.known) == 2:
                self.known.clear()
            # held likewise, their memory belongs to no others
            self.known[place] = arrays, make(*arrays)
        _, made = self.known[place]
        return made
