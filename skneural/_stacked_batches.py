"""The batches of many jobs, one behind the other on a leading model axis."""

import math

import numpy as np


class Pool:
    """Arrays by their content: rows that many jobs have in common are held once."""

    def __init__(self):
        self.known = {}

    def shared(self, array):
        """Return the first array of this content, and its number."""
        sample = array[:: len(array) // 8 + 1].tobytes()
        alike = self.known.setdefault((array.shape, array.dtype, sample), [])
        for other, number in alike:
            if other is array or np.array_equal(other, array):
                return other, number
        number = sum(map(len, self.known.values()))
        alike.append((array, number))
        return array, number


class StackedBatches:
    """The batches of the jobs of a stack, gathered into one workspace.

    All have the same number of batches, and only the last may be shorter for some: there
    rows of weight zero are added. Models that learn from the same rows stand side by side,
    so that one call gathers the rows of all of them.

    Parameters
    ----------
    jobs : list of Job
        Jobs with the same rows next to each other.
    """

    def __init__(self, jobs):
        self.jobs = jobs
        self.batch_size = max(job.batch_size for job in jobs)
        n_rows = [job.X.shape[0] for job in jobs]
        most_rows = max(n_rows)
        starts = range(0, most_rows, self.batch_size)
        self.slices = [slice(i, min(i + self.batch_size, most_rows)) for i in starts]
        # how many rows of each batch are those of each model
        self.counts = [[min(n, rows.stop) - rows.start for n in n_rows] for rows in self.slices]
        shape = len(jobs), self.batch_size
        self.x, self.y = (
            np.empty((*shape, array.shape[1]), array.dtype) for array in (jobs[0].X, jobs[0].y)
        )
        self.x_runs = list(_runs([job.X for job in jobs]))
        self.y_runs = list(_runs([job.y for job in jobs]))
        # a row for each model; what is beyond its rows points to some row of weight zero
        self.order = np.zeros((len(jobs), most_rows), np.intp)
        self.is_weighted = any(job.sample_weight is not None for job in jobs)
        self.is_padded = min(n_rows) < most_rows
        if self.is_weighted or self.is_padded:
            own = np.arange(most_rows) < np.array(n_rows)[:, None]
            self.weight = own.astype(jobs[0].y.dtype)

    def begin_epoch(self):
        """Draw the order of the rows; return the weights of all batches, a row for each.

        A job draws its order from its own generator.
        """
        for i, job in enumerate(self.jobs):
            n_rows = job.X.shape[0]
            order = self.order[i, :n_rows]
            if job.shuffle:
                order[:] = job.progress.rngs["shuffle"].permutation(n_rows)
            else:
                order[:] = np.arange(n_rows)
            if job.sample_weight is not None:
                job.sample_weight.take(order, out=self.weight[i, :n_rows], mode="clip")
        if not self.is_weighted:
            return np.array(self.counts, float)
        # copies: on rows side by side a sum has the bits that it has in a batch alone
        batches = (np.ascontiguousarray(self.weight[:, rows]) for rows in self.slices)
        return np.array([np.add.reduce(batch, axis=-1) for batch in batches], float)

    def take(self, k):
        """Return ``x, y, sample_weight`` of the batch number `k`."""
        rows = self.slices[k]
        order = self.order[:, rows]
        x, y = (array[:, : order.shape[1]] for array in (self.x, self.y))
        for runs, out in ((self.x_runs, x), (self.y_runs, y)):
            for run, source in runs:
                # Without `mode`, take checks every index through a buffer: 3x slower.
                source.take(order[run], axis=0, out=out[run], mode="clip")
        is_padded = self.is_padded and k == len(self.slices) - 1
        return x, y, self.weight[:, rows] if self.is_weighted or is_padded else None


def n_batches(job):
    """How many batches an epoch of a job has."""
    return math.ceil(job.X.shape[0] / job.batch_size)


def _runs(arrays):
    """Yield the places of each run of one and the same array, and the array."""
    start = 0
    for stop in range(1, len(arrays) + 1):
        if stop == len(arrays) or arrays[stop] is not arrays[start]:
            yield slice(start, stop), arrays[start]
            start = stop
