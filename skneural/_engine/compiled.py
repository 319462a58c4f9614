"""The compiled engine: training and predictions by calls into native code."""

import math
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from scipy import sparse

from skneural._engine.job_protocol import Job, Reporting
from skneural._engine.optimizers import SGD, AdaGrad, Adam, AdamW, RMSProp
from skneural._engine.program import Program
from skneural._engine.threads import team_size
from skneural._network import array_operations as ops
from skneural._network.array_types import Array, Order, Rows
from skneural._network.network import Network

if TYPE_CHECKING:
    native: ModuleType  # whoever has a program has it
else:
    from skneural._engine.load import native

# Floating-point operations of a step, and of a prediction, for which another thread is used. A
# step of 4 MFLOP takes 40 us, which is as long as waking a sleeping thread.
_STEP_FLOPS = 4e6
_PREDICTION_FLOPS = 20e6
# Operations in one call of native code, which takes some hundredths of a second. Ctrl-C waits
# for its end. An update takes as long as this number of operations per parameter.
_CALL_FLOPS = 1e9
_UPDATE_FLOPS = 50
# Samples that a thread predicts at once. They are enough to use each weight often, and few
# enough for their images to stay in the second-level cache of a core.
_BLOCK_SAMPLES = 256
_BLOCK_BYTES = 1 << 20


class _Kind(NamedTuple):
    """The kind of an optimizer in native/optimizers.h, and the names of its parameters."""

    number: int
    first: str
    second: str
    remembered: tuple[str, ...]


_OPTIMIZERS: dict[type, _Kind] = {
    SGD: _Kind(0, "momentum", "", ("velocity",)),
    Adam: _Kind(1, "beta_1", "beta_2", ("first", "second")),
    AdamW: _Kind(1, "beta_1", "beta_2", ("first", "second")),
    AdaGrad: _Kind(2, "", "", ("sum_of_squares",)),
    RMSProp: _Kind(3, "rho", "", ("discounted_squares",)),
}


class NativeSamples(Protocol):
    """The `Samples` of the native modules."""


class NativeTraining(Protocol):
    """The `Training` of the native modules."""

    def run(
        self, samples: NativeSamples, *arrays: object, **settings: object
    ) -> tuple[float, float, float, int]:
        """Train on mini-batches; return the sums of losses and weights, the norm, the steps."""


class CompiledTraining:
    """The training of a job by the compiled engine.

    Parameters
    ----------
    program : native.Program
        The program of the job's network.
    job : Job
        The job, whose optimizer the engine `knows`, unless only `loss_and_gradient` is used.
    """

    asked_for: int  # threads

    def __init__(self, program: Program, job: Job) -> None:
        self.program, self.job = program, job
        self.network = job.progress.network
        job.progress.draws()  # the seed is drawn now, as in the NumPy engine
        self.gradient = np.zeros_like(self.network.theta)
        self.kind = _OPTIMIZERS.get(type(job.optimizer), _Kind(0, "", "", ()))
        self.training: NativeTraining | None = None
        self.samples: NativeSamples | None = None
        self.y = np.ascontiguousarray(job.y)
        if job.augment is None and (program.takes_sparse or not sparse.issparse(job.X)):
            self.samples = native.Samples(program, job.X, self.y, job.sample_weight)
        elif not sparse.issparse(job.X):
            self.rows = np.empty((job.batch_size, job.X.shape[1]), job.X.dtype)

    @staticmethod
    def knows(optimizer: object) -> bool:
        """Return whether the engine has a kernel for an optimizer."""
        return type(optimizer) in _OPTIMIZERS

    def epoch(
        self, order: Order | None, rate: float, reporting: Reporting
    ) -> tuple[float | None, float]:
        """Train on all rows once, or on the rows in `order`, in mini-batches.

        Parameters
        ----------
        order : ndarray of int or None
            Indices of the rows, or None for all rows in the order of the data.
        rate : float
            The learning rate.
        reporting : Reporting
            Its `interrupted` is tested every few hundredths of a second.

        Returns
        -------
        loss : float or None
            Mean loss over the mini-batches, each before its update, or None after Ctrl-C.
        norm : float
            Norm of the last gradient before it is clipped.
        """
        progress = self.job.progress
        if order is None:
            order = np.arange(self.job.X.shape[0])
        n_samples = len(order)
        self._make_team()
        size = self._samples_per_call()
        loss_sum = weight_sum = norm = 0.0
        for start in range(0, n_samples, size):
            if reporting.interrupted:
                progress.samples += start
                return None, norm
            rows = order[start : start + size]
            loss, weight, norm = self._train_on(rows, rate, start + size >= n_samples)
            loss_sum += loss
            weight_sum += weight
        return loss_sum / weight_sum, norm

    def _make_team(self) -> None:
        """Set the number of threads, which depends on the number of other running fits."""
        job = self.job
        flops = 3 * self.program.flops * job.batch_size
        n_threads = team_size(flops, _STEP_FLOPS)
        if self.training is None or n_threads != self.asked_for:
            self.training = native.Training(self.program, job.batch_size, n_threads)
            self.asked_for = n_threads

    def _samples_per_call(self) -> int:
        """Return the samples per call: complete mini-batches, or one that Python prepares."""
        batch_size = self.job.batch_size
        if self.samples is None:
            return batch_size
        flops = 3 * self.program.flops * batch_size
        flops += _UPDATE_FLOPS * (self.network.n_params - self.network.n_embedded)
        return batch_size * max(1, int(_CALL_FLOPS / flops))

    def _train_on(self, rows: Order, rate: float, is_last: bool) -> tuple[float, float, float]:
        """Train on some mini-batches; return the sums of losses and weights, and the norm."""
        job, progress = self.job, self.job.progress
        measured = 0.0, 0.0, 0.0
        if self.samples is not None:
            measured = self._run(self.samples, rows, len(rows), rate, is_last)
        # nothing can be learned from samples without weight
        elif job.sample_weight is None or job.sample_weight[rows].any():
            measured = self._run(self._prepared(rows), None, len(rows), rate, is_last)
        progress.steps += -(-len(rows) // job.batch_size)
        return measured

    def _prepared(self, rows: Order) -> NativeSamples:
        """Return a mini-batch of dense rows, after augmentation if the job has one."""
        job = self.job
        if sparse.issparse(job.X):
            x = job.X[rows].toarray()
        else:
            x = ops.take_rows(job.X, rows, self.rows[: len(rows)])
        if job.augment is not None:
            x = job.augment(x, job.progress.rngs["augmentation"])
        x = np.ascontiguousarray(x, dtype=self.network.dtype)
        weights = None if job.sample_weight is None else job.sample_weight[rows]
        return native.Samples(self.program, x, self.y[rows], weights)

    def _run(
        self,
        samples: NativeSamples,
        order: Order | None,
        n_rows: int,
        rate: float,
        measure_norm: bool,
        *,
        updates: bool = True,
    ) -> tuple[float, float, float]:
        job, progress, optimizer = self.job, self.job.progress, self.job.optimizer
        remembered = progress.optimizer_state
        vectors = [remembered.get(name) for name in self.kind.remembered]
        if self.kind.number == 0 and not getattr(optimizer, "momentum", 0):
            vectors = []  # also after momentum has been switched off
        vectors += [None] * (2 - len(vectors))
        loss, weight, norm, n_updates = self.training.run(  # type: ignore[union-attr]
            samples,
            order,
            n_rows,
            self.network.theta,
            self.network.state,
            *vectors,
            self.gradient,
            batch_size=job.batch_size,
            optimizer=self.kind.number,
            rate=rate,
            first=getattr(optimizer, self.kind.first, 0.0),
            second=getattr(optimizer, self.kind.second, 0.0),
            epsilon=getattr(optimizer, "epsilon", 0.0),
            decay=getattr(optimizer, "decay", 0.0),
            nesterov=getattr(optimizer, "nesterovs_momentum", False),
            alpha=job.alpha,
            l1_ratio=job.l1_ratio,
            max_norm=job.max_grad_norm if updates else math.inf,
            measure_norm=measure_norm,
            updates=updates,
            seed=progress.seed,
            step=progress.steps,
            n_updates=remembered.get("steps", 0),
        )
        if "steps" in remembered and updates:
            remembered["steps"] = n_updates
        return loss, weight, norm

    def loss_and_gradient(self) -> tuple[float, Array]:
        """Return the penalized loss of all rows as one mini-batch, and its gradient."""
        self._make_team()
        samples = self.samples
        if samples is None:
            samples = self._prepared(np.arange(self.job.X.shape[0]))
        n_samples = self.job.X.shape[0]
        loss, weight, _ = self._run(samples, None, n_samples, 0.0, False, updates=False)
        return loss / weight, self.gradient

    def close(self) -> None:
        """End the threads and release the workspace."""
        self.training = self.samples = None


def predict(program: Program, network: Network, x: Rows, most_bytes: int) -> tuple[Array, bool]:
    """Return the raw predictions of some samples, like `raw_prediction`.

    Returns
    -------
    raw : ndarray of shape (n_samples, *output_shape)
    is_finite : bool
        Whether all numbers of dense `x` are finite; sparse `x` is not tested.
    """
    n_samples, is_finite = x.shape[0], True
    raw = np.empty((n_samples, program.n_outputs), network.dtype)
    flops = max(1, program.flops)
    sample_bytes = 2 * program.largest * network.dtype.itemsize
    block = max(1, min(_BLOCK_SAMPLES, max(8, _BLOCK_BYTES // sample_bytes)))
    n_threads = team_size(flops * n_samples, _PREDICTION_FLOPS)
    n_threads = max(1, min(n_threads, most_bytes // (block * sample_bytes), n_samples // 16))
    block = max(1, min(block, most_bytes // sample_bytes, n_samples))
    size = max(block * n_threads, int(_CALL_FLOPS * n_threads / flops))
    for start in range(0, n_samples, size):
        rows = slice(start, min(start + size, n_samples))
        part = x if size >= n_samples else x[rows]
        if sparse.issparse(part) and not program.takes_sparse:
            part = part.toarray()
        if isinstance(part, np.ndarray):
            part = np.ascontiguousarray(part).reshape(part.shape[0], -1)
        samples = native.Samples(program, part)
        is_finite &= native.predict(
            samples, network.theta, network.state, raw[rows], block, n_threads
        )
    return raw.reshape(n_samples, *network.output_shape), is_finite
