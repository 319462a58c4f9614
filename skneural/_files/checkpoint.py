"""Checkpoints, from which an interrupted fit can be resumed with exactly the same result."""

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

_MAY_CHANGE = ("verbose", "on_interrupt")  # do not affect the result


class Checkpoint:
    """Callback that writes a fit to a file, from which it can be resumed.

    If a program is killed during a fit, run it again: with ``resume=True``, `fit` continues
    from the file, and the result is exactly that of a fit that was never interrupted. A new
    checkpoint replaces the old one only when it is complete and on the disk. `load` can read
    a checkpoint, too, and returns the network as it was after the last epoch that was saved.

    Parameters
    ----------
    path : str or path-like
        The file, in an existing directory. Fits that run at the same time need separate files.
    every : int, default=1
        Number of epochs between checkpoints. The state at the end of the fit is always saved.
    resume : bool, default=False
        Whether to continue from the file if it exists. The data and the parameters (except
        `verbose` and `on_interrupt`) must be those of the fit that wrote the file. A fit that
        had already ended is not run again.

    Notes
    -----
    Functions passed as parameters and user-defined schedules are not saved. They are taken
    from the estimator that resumes the fit. A fit with ``solver="lbfgs"`` cannot be resumed,
    because its state is kept inside SciPy. `partial_fit` calls no callbacks, so use `save`
    between its calls.

    See Also
    --------
    save : Save a fitted estimator.

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
        """Raise an error before the fit if it cannot be resumed or the file not written."""
        if not isinstance(estimator, BaseNeuralNetwork):
            raise TypeError(
                "Checkpoint is a callback of the estimators of skneural, got "
                f"{type(estimator).__name__}. In a Pipeline, set it on the last step."
            )
        if CLASSES.get(type(estimator).__name__) is not type(estimator):
            raise TypeError(f"Checkpoint supports {', '.join(CLASSES)}, got {estimator!r}.")
        if estimator.solver == "lbfgs":
            raise ValueError(
                "A fit with solver='lbfgs' cannot be resumed, because SciPy gives no access to "
                "its state. Use another solver, or remove the Checkpoint."
            )
        directory = os.path.dirname(self.path)
        if not os.path.isdir(directory) or not os.access(directory, os.W_OK):
            raise OSError(
                f"{self.path} cannot be written. Check that the directory {directory} exists "
                "and is writable."
            )
        remove_leftovers(self.path)

    def teardown(self, estimator: BaseMLP, context: CallbackContext) -> None:
        """Release the data of the fit."""
        vars(self).pop("_data", None)

    def on_fit_task_begin(self, estimator: BaseMLP, context: CallbackContext) -> None:
        """Store in the estimator what it needs to resume, before it prepares the fit."""
        if context.task_name != "fit":
            return
        self._params = _parameters(estimator)  # a RandomState will have moved on later
        if self.resume and os.path.exists(self.path):
            self._read(estimator)

    def on_fit_task_end(self, estimator: BaseMLP, context: CallbackContext) -> None:
        """Write a checkpoint every `every` epochs, and at the end of the fit."""
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
        """Give the estimator the state of the file, and let it restore the fit."""
        saved, training = read(self.path, template=estimator)
        if training is None:
            raise ValueError(f"{self.path} is not a checkpoint, but a saved estimator.")
        theirs, own = training["params"], self._params
        for name in own:
            if name not in _MAY_CHANGE and theirs.get(name) != own[name]:
                raise ValueError(
                    f"{self.path} cannot be resumed: it belongs to a fit with {name}="
                    f"{theirs.get(name)!r:.80}, and this fit has {own[name]!r:.80}. Set the "
                    "old value, or remove the file to start a new fit."
                )
        begun = (
            estimator.n_iter_ if estimator.warm_start and hasattr(estimator, "n_iter_") else 0
        )
        if begun != training["begun"]:
            raise ValueError(
                f"{self.path} cannot be resumed: it belongs to a fit that began after "
                f"{training['begun']} epochs, and this one begins after {begun}. Use one file "
                "per fit with warm_start=True."
            )
        params = estimator.get_params(deep=False)
        fitted = {name: value for name, value in vars(saved).items() if name not in params}
        estimator.__dict__.update(fitted)

        def restore(job: Job) -> None:
            self._data = _fingerprint(job)
            if self._data != training["data"]:
                raise ValueError(
                    f"{self.path} cannot be resumed: it belongs to a fit on other data. Pass "
                    "the same X, y and weights, or remove the file to start a new fit."
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
    """Return the parameters as JSON, with the name of the type for any other object."""
    params: dict[str, Json] = {}
    for name, value in estimator.get_params(deep=False).items():
        try:
            params[name] = to_plain(value)
        except TypeError:
            named = value if hasattr(value, "__qualname__") else type(value)
            params[name] = {"own": f"{named.__module__}.{named.__qualname__}"}
    return params


def _fingerprint(job: Job) -> int:
    """Return a checksum of the samples, targets, weights and validation data of a fit."""
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
