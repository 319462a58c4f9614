"""Many jobs of equal shape, trained as one network over a leading model axis.

`_training.train` says what happens to a job; here it happens to all of them at once. What a
model does once an epoch (its rate, its validation, its patience) is the same code, called for
each. What a step does is done for all: a step of a small network alone is mostly overhead.
"""

import contextlib
import copy
import math
import time
from dataclasses import dataclass

import numpy as np

from skneural._losses import Loss
from skneural._stacked_batches import Pool, StackedBatches, n_batches
from skneural._stacked_optimizers import stepper_of
from skneural._training import Epochs
from skneural.layers._activations import ACTIVATIONS
from skneural.layers._base import Layer
from skneural.layers._batch_norm import BatchNorm
from skneural.layers._conv import Conv2D
from skneural.layers._dense import Dense
from skneural.layers._dropout import Dropout, StackedDropout
from skneural.layers._flatten import Flatten
from skneural.layers._pooling import AveragePool, GlobalAveragePool, MaxPool
from skneural.ops import _numpy as ops

# Layers that can be stacked, and the settings that may differ within a stack. Others may
# draw, or measure rows that are there to fill a batch: networks with these train alone.
_LAYERS = dict.fromkeys([*ACTIVATIONS.values(), BatchNorm, Flatten], ())
_LAYERS |= dict.fromkeys([MaxPool, AveragePool, GlobalAveragePool], ())
_LAYERS |= {Dense: ("weight_init",), Conv2D: ("weight_init",), Dropout: ("rate",)}

# Half of the last-level cache of the machine of docs/benchmarks.md. `python benchmarks --only
# stacks` shows what a fit takes in stacks: the digits (a model touches 0.13 MB) gain by every
# network beside them up to 64, MNIST 784-128-64-10 (2.4 MB) gains nothing.
_CACHE_BYTES = 1 << 24
_WIDEST = 64
_NARROWEST = 4


@dataclass(frozen=True)
class StackKey:
    """What the jobs of a stack have in common."""

    common: tuple
    model_bytes: int  # of a model: parameters, gradient, moments, workspace


def stack_key(job, watch):
    """Return what a job must have in common with those it is trained with.

    Parameters
    ----------
    job : Job
    watch : Watch
        Who looks on while it is trained.

    Returns
    -------
    key : StackKey or None
        Jobs with equal keys can be trained together; None if this one is to train alone.
    """
    network, stepper = job.progress.network, stepper_of(job.optimizer)
    known = job.augment is None and all(type(layer) in _LAYERS for layer in network.layers)
    if stepper is None or not known or type(job.X) is not np.ndarray or watch.verbose:
        return None
    batches = n_batches(job)
    # the rows of a single batch may differ a little, as those of folds do
    most_rows = job.batch_size if batches > 1 else 1 << job.batch_size.bit_length()
    normalized = any(type(layer) is BatchNorm for layer in network.layers)
    common = (
        stepper,
        network.dtype,
        network.input_shape,
        tuple(map(_described, network.layers)),
        _described(network.loss),
        job.X.shape[1:],
        job.y.shape[1:],
        batches,
        most_rows,
        # statistics of a batch have no place for rows without weight
        job.X.shape[0] if normalized else None,
    )
    n_values = sum(map(math.prod, [*network.input_shapes, network.output_shape]))
    n_bytes = network.dtype.itemsize * (4 * network.n_params + 2 * most_rows * n_values)
    # and an eighth of the order of its rows, which takes memory but is read only once an epoch
    return StackKey(common, n_bytes + batches * most_rows)


def _described(part):
    """A layer or a loss as a tuple, without what models of a stack may differ in."""
    if isinstance(part, tuple | list):
        return tuple(map(_described, part))
    if isinstance(part, Layer | Loss):
        own = _LAYERS.get(type(part), ())
        settings = sorted((k, v) for k, v in vars(part).items() if k not in own)
        return (type(part), *((name, _described(value)) for name, value in settings))
    return repr(part)


def width(key, n_jobs):
    """Return how many models a stack should hold while `n_jobs` stacks train at once.

    Time a model falls with every model in the stack until all that they touch no longer stays
    in the last-level cache, or until nothing is left to save. Fewer than four are not worth the
    wait for each other.
    """
    share = max(_CACHE_BYTES // n_jobs, _CACHE_BYTES // 4)
    n_models = min(_WIDEST, share // key.model_bytes)
    return n_models if n_models >= _NARROWEST else 1


def train_stack(jobs, watches):
    """Train jobs with equal keys in place, each as `_training.train` would.

    Parameters
    ----------
    jobs : list of Job
    watches : list of Watch
        As many.

    Returns
    -------
    outcomes : list
        For each job what `train` returns, a doubt or None, or the exception that it raises.
    """
    pool = Pool()
    members = [_Member(job, watch, pool) for job, watch in zip(jobs, watches, strict=True)]
    # those with the same rows side by side, and among them those with the same targets
    training, stack = sorted(members, key=lambda member: member.rows), None
    while True:
        going = [member for member in training if member.begin_epoch()]
        if len(going) < len(training) or stack is None:
            stack = None  # its workspace is free before there is another
            for member in set(training).difference(going):
                member.finish()
            if not going:
                return [member.outcome for member in members]
            training, stack = going, _Stack([member.job for member in going])
        start = time.perf_counter()
        measured = stack.train_epoch([member.rate for member in training])
        seconds = (time.perf_counter() - start) / len(training)
        for member, loss, norm in zip(training, *measured, strict=True):
            member.end_epoch(seconds, loss, norm)


class _Member:
    """A job among those of a stack, until its outcome is known."""

    def __init__(self, job, watch, pool):
        self.job, self.watch = job, watch
        self.outcome = None
        job.X, number = pool.shared(job.X)
        job.y, of_targets = pool.shared(job.y)
        self.rows = number, of_targets
        with self.until_error():
            self.epochs = Epochs(job, watch)

    @contextlib.contextmanager
    def until_error(self):
        """Take an error as the outcome of this job alone, but Ctrl-C as that of all."""
        try:
            yield
        except BaseException as error:
            # one that nobody waits for any more ends by a KeyboardInterrupt of its own
            if isinstance(error, KeyboardInterrupt) and not self.watch.interrupted:
                raise
            self.outcome = error

    def begin_epoch(self):
        """Begin an epoch; return whether there is one."""
        with self.until_error():
            if self.outcome is None and not self.job.is_over:
                self.epochs.begin()
                self.rate = self.job.rate()
                return True
        return False

    def end_epoch(self, seconds, loss, norm):
        """End an epoch that took so many seconds for this model."""
        self.epochs.start = time.perf_counter() - seconds
        with self.until_error():
            self.epochs.end(learning_rate=self.rate, loss=loss, grad_norm=norm)

    def finish(self):
        """Give the job arrays of its own, and end its training."""
        progress, network = self.job.progress, self.job.progress.network
        network.theta, network.state = network.theta.copy(), network.state.copy()
        for name, value in progress.optimizer_state.items():
            if isinstance(value, np.ndarray):
                progress.optimizer_state[name] = value.copy()
        if self.outcome is None:
            with self.until_error():
                self.epochs.finish()
                self.outcome = self.job.doubt


class _Stack:
    """The networks of some jobs as one, whose parameters theirs become views of."""

    def __init__(self, jobs):
        self.jobs = jobs
        networks = [job.progress.network for job in jobs]
        self.network = network = copy.copy(networks[0])
        network.theta = np.stack([each.theta for each in networks])
        network.state = np.stack([each.state for each in networks])
        network.layers, network._row_layers = list(network.layers), []
        for each, theta, state in zip(networks, network.theta, network.state, strict=True):
            each.theta, each.state = theta, state
        self.row_counts = [0] * len(jobs)  # of the batch at hand, for dropout
        rngs = [job.progress.rngs["dropout"] for job in jobs]
        for i, layer in enumerate(network.layers):
            if type(layer) is Dropout:
                rates = [each.layers[i].rate for each in networks]
                network.layers[i] = StackedDropout(rates, rngs, self.row_counts)
                network.layers[i].build(network.input_shapes[i])
        self.batches = StackedBatches(jobs)
        network.bind(self.batches.batch_size)
        self.updates = _Updates(jobs, network)

    def train_epoch(self, rates):
        """One pass over the batches of all jobs.

        Returns
        -------
        losses, norms : list of float
            The mean loss, and the norm of the last gradient before it is clipped.
        """
        # A diverging fit is reported by its loss, once, not by a warning from every ufunc.
        with np.errstate(all="ignore"):
            sums = self.batches.begin_epoch()
            active = sums > 0  # in the others there is nothing to learn from
            losses = np.zeros_like(sums)
            self.updates.begin_epoch(rates, sums)
            for k, is_active in enumerate(active):
                idle = np.flatnonzero(~is_active).tolist()
                kept = [array for i in idle for array in _moving(self.jobs[i].progress)]
                copies = [array.copy() for array in kept]
                x, y, sample_weight = self.batches.take(k)
                self.row_counts[:] = self.batches.counts[k]
                for i in idle:
                    self.row_counts[i] = 0
                losses[k] = self.network.loss_and_grad(x, y, sample_weight)
                self.updates.step(k, losses[k])
                for array, before in zip(kept, copies, strict=True):
                    array[...] = before
            losses = np.where(active, losses * sums, 0)
            # batch by batch, as alone: a plain sum has another order
            losses, weights = (np.add.accumulate(part)[-1] for part in (losses, sums))
        return (losses / weights).tolist(), self.updates.norms.tolist()


class _Updates:
    """What a step does after the gradient: penalties, clipping, and the optimizers."""

    def __init__(self, jobs, network):
        self.theta, self.grad, self.signs = network.theta, network.grad, network._signs
        self.weights = network.theta[:, : network.n_weights]
        self.stepper = stepper_of(jobs[0].optimizer)(jobs, self.theta, self.grad)
        self.l2 = np.array([job.alpha * (1 - job.l1_ratio) for job in jobs])
        self.l1 = np.array([job.alpha * job.l1_ratio for job in jobs])
        self.has_l2, self.has_l1 = self.l2.any(), self.l1.any()
        self.max_norms = np.array([job.max_grad_norm for job in jobs])
        self.clips = self.max_norms < math.inf
        self.norms = np.zeros(len(jobs))

    def begin_epoch(self, rates, sums):
        """Take the rates of an epoch, and the weights of its batches."""
        self.active = sums > 0
        self.stepper.begin_epoch(rates, np.cumsum(self.active, axis=0))
        rows = np.where(self.active, sums, 1)
        self.l2_of_step, self.l1_of_step = self.l2 / rows, self.l1 / rows
        self.norms[:] = 0

    def step(self, k, losses):
        """Take a step; add the penalties to the losses."""
        if self.has_l2:
            self._add_penalty(self.l2_of_step[k], self.weights, 0.5, losses)
        if self.has_l1:
            signs = np.sign(self.weights, out=self.signs)
            self._add_penalty(self.l1_of_step[k], signs, 1.0, losses)
        measures = self.clips | (k == len(self.active) - 1)
        if measures.any():
            self._clip(measures & self.active[k])
        self.stepper.step(k)

    def _add_penalty(self, strengths, slope, share, losses):
        n_weights = self.weights.shape[1]
        ops.add_scaled_rows(self.stepper.grad_rows, slope, strengths.tolist(), n_weights)
        losses += (share * strengths).astype(slope.dtype) * np.vecdot(self.weights, slope)

    def _clip(self, measured):
        norms = np.sqrt(np.vecdot(self.grad, self.grad).astype(float))
        np.copyto(self.norms, norms, where=measured)
        for i in np.flatnonzero(norms > self.max_norms):
            self.grad[i] *= float(self.max_norms[i] / norms[i])


def _moving(progress):
    """The arrays that a step changes."""
    network, state = progress.network, progress.optimizer_state
    arrays = [value for value in state.values() if isinstance(value, np.ndarray)]
    return [network.theta, network.state, *arrays]
