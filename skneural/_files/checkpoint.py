"""Checkpoints, from which a fit that was killed continues with exactly the same result."""

import os
import zlib

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackContext

from skneural._checks.parameters import number
from skneural._estimators.base import BaseNeuralNetwork
from skneural._estimators.mlp import BaseMLP
from skneural._files.load import CLASSES, read
from skneural._files.plain_values import to_plain
from skneural._files.safetensors_file import Json, Path, remove_leftovers, write
from skneural._files.save import contents
from skneural._training.job import Job
from skneural.schedules import make_schedule

_MAY_CHANGE = ("verbose", "on_interrupt")  # from run to run, without a change of its result


class Checkpoint:
    """Callback that writes a fit to a file, from which it can be resumed.

    Run the same program again after it was killed: with ``resume=True``, `fit` continues from
    the file and gives exactly the same result as a fit that was never interrupted. A new
    checkpoint replaces the old one only when it is complete and on the disk. `load` reads a
    checkpoint as well, and returns the network as it was after its last epoch.

    Parameters
    ----------
    path : str or path-like
        The file, in an existing directory. Fits that run at the same time need separate files.
    every : int, default=1
        Number of epochs between checkpoints. The end of the fit is saved as well.
    resume : bool, default=False
        Whether to continue from the file, if there is one. Data and parameters (except
        `verbose` and `on_interrupt`) must be those of the fit that wrote it. A fit that has
        ended is not run again.

    Notes
    -----
    A function given as a parameter, or a schedule of your own, is not saved, but taken from
    the estimator that resumes. ``solver="lbfgs"`` keeps its state in SciPy and cannot be
    resumed. `partial_fit` calls no callbacks: `save` the estimator between its calls.

    See Also
    --------
    save : Saves a fitted estimator.

    Examples
    --------
    >>> import os, tempfile
    >>> from sklearn.datasets import load_iris
    >>> from skneural import Checkpoint, MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> path = os.path.join(tempfile.mkdtemp(), "iris.checkpoint")
    >>> clf = MLPClassifier(max_iter=20, patience=None, random_state=0)
    >>> clf = clf.set_callbacks(Checkpoint(path, every=5, resume=True)).fit(X, y)
    >>> clf.n_iter_, os.listdir(os.path.dirname(path))
    (20, ['iris.checkpoint'])
    """

    def __init__(self, path: Path, every: int = 1, resume: bool = False) -> None:
        number(1, integer=True)("every", every)
        if not isinstance(resume, bool | np.bool_):
            raise TypeError(f"resume must be True or False, got {resume!r}.")
        self.path = os.path.abspath(path)  # a fit may change the working directory
        self.every = every
        self.resume = resume

    def __repr__(self) -> str:
        return f"Checkpoint({self.path!r}, every={self.every!r}, resume={self.resume!r})"

    def setup(self, estimator: BaseEstimator, context: CallbackContext) -> None:
        """Refuse, before any work, what cannot be checkpointed or written."""
        if not isinstance(estimator, BaseNeuralNetwork):
            raise TypeError(
                f"Checkpoint is a callback of the estimators of skneural, got "
                f"{type(estimator).__name__}. Of a Pipeline set it on the last step."
            )
        if CLASSES.get(type(estimator).__name__) is not type(estimator):
            raise TypeError(f"Checkpoint knows {', '.join(CLASSES)}, got {estimator!r}.")
        if estimator.solver == "lbfgs":
            raise ValueError(
                "solver='lbfgs' cannot be resumed, as SciPy keeps its state to itself. Use "
                "another solver, or no Checkpoint."
            )
        directory = os.path.dirname(self.path)
        if not os.path.isdir(directory) or not os.access(directory, os.W_OK):
            raise OSError(f"{self.path} cannot be written: is there {directory}, writable?")
        remove_leftovers(self.path)

    def teardown(self, estimator: BaseMLP, context: CallbackContext) -> None:
        """Forget the data of the fit."""
        vars(self).pop("_data", None)

    def on_fit_task_begin(self, estimator: BaseMLP, context: CallbackContext) -> None:
        """Leave the estimator what it needs to resume, before it prepares its fit."""
        if context.task_name != "fit":
            return
        self._params = _parameters(estimator)  # a RandomState will have moved on later
        if self.resume and os.path.exists(self.path):
            self._read(estimator)

    def on_fit_task_end(self, estimator: BaseMLP, context: CallbackContext) -> None:
        """Write a checkpoint after every so many epochs, and at the end."""
        job = estimator._job
        epochs = job.progress.epochs - job.begun
        if context.task_name == "fit" or epochs % self.every == 0:
            self._write(estimator, job)

    def _write(self, estimator: BaseMLP, job: Job) -> None:
        if not hasattr(self, "_data"):
            self._data = _fingerprint(job)
        convergence = job.convergence
        training: dict[str, Json] = {
            "begun": job.begun,
            "schedule_length": int(job.schedule_length),
            "ended": bool(job.ended),
            "stalled": convergence.stalled,
            "best_loss": to_plain(float(convergence.best_loss)),
            "best_tie_breaker": to_plain(float(convergence.best_tie_breaker)),
            "data": self._data,
        }
        text, arrays = contents(estimator, job.progress, job.batch_size, self._params, training)
        if job.best is not None:
            arrays["best.theta"], arrays["best.state"] = job.best
        write(self.path, text, arrays)

    def _read(self, estimator: BaseMLP) -> None:
        """Make the estimator the one of the file, and let it restore the fit."""
        saved, training = read(self.path, template=estimator)
        if training is None:
            raise ValueError(f"{self.path} is no checkpoint of a fit, but a saved estimator.")
        theirs, own = training["params"], self._params
        for name in own:
            if name not in _MAY_CHANGE and theirs.get(name) != own[name]:
                raise ValueError(
                    f"{self.path} cannot be resumed: it is of a fit with {name}="
                    f"{theirs.get(name)!r:.80}, and this one has {own[name]!r:.80}. Set it "
                    "back, or remove the file to start anew."
                )
        begun = (
            estimator.n_iter_ if estimator.warm_start and hasattr(estimator, "n_iter_") else 0
        )
        if begun != training["begun"]:
            raise ValueError(
                f"{self.path} cannot be resumed: it is of a fit that began after "
                f"{training['begun']} epochs, and this one begins after {begun}. Use a file "
                "for each fit of a warm start."
            )
        params = estimator.get_params(deep=False)
        fitted = {name: value for name, value in vars(saved).items() if name not in params}
        estimator.__dict__.update(fitted)

        def restore(job: Job) -> None:
            self._data = _fingerprint(job)
            if self._data != training["data"]:
                raise ValueError(
                    f"{self.path} cannot be resumed: it is of a fit on other data. Pass the "
                    "same X, y and weights, or remove the file to start anew."
                )
            job.begun, job.ended = training["begun"], training["ended"]
            job.schedule_length = training["schedule_length"]
            job.schedule = make_schedule(
                estimator.schedule, estimator.power_t, continues=job.begun > 0
            )
            job.best = training["best"]
            job.convergence.stalled = training["stalled"]
            job.convergence.best_loss = training["best_loss"]
            job.convergence.best_tie_breaker = training["best_tie_breaker"]

        estimator._restore = restore


def _parameters(estimator: BaseMLP) -> dict[str, Json]:
    """The constructor parameters as JSON; of what is not plain, the name of its type."""
    params: dict[str, Json] = {}
    for name, value in estimator.get_params(deep=False).items():
        try:
            params[name] = to_plain(value)
        except TypeError:
            named = value if hasattr(value, "__qualname__") else type(value)
            params[name] = {"own": f"{named.__module__}.{named.__qualname__}"}
    return params


def _fingerprint(job: Job) -> int:
    """A number that tells the data of fits apart: rows, targets, weights, validation data."""
    parts = [job.X, job.y, job.sample_weight]
    if job.validation is not None:
        rows = job.validation.validation
        parts += [rows.X, rows.encoded, rows.sample_weight]
    total = 0
    for part in parts:
        arrays: tuple[np.ndarray | None, ...]
        if isinstance(part, sparse.csr_array | sparse.csr_matrix):
            arrays = part.data, part.indices, part.indptr
        else:
            arrays = (part,)
        for array in arrays:
            if array is not None:
                array = np.ascontiguousarray(array)
                total = zlib.crc32(repr(array.shape).encode(), total)
                total = zlib.crc32(array.reshape(-1).view(np.uint8).data, total)
    return total
