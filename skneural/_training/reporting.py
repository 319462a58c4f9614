"""Reporting the progress of training in the terminal and to scikit-learn's callbacks."""

from collections.abc import Callable, Mapping
from functools import partial

from sklearn.callback import CallbackContext

from skneural._training.interrupt import Interrupt
from skneural._training.progress import Progress


class Reporting:
    """Prints the results of every epoch, and calls the callbacks.

    Parameters
    ----------
    verbose : bool or int
        Whether to print a line per epoch.
    context : CallbackContext, default=None
        The task "fit" of scikit-learn's callbacks, or None without callbacks, as in
        `partial_fit`.
    task : dict, default=None
        The arguments of the callbacks: estimator, X, y and metadata.
    interrupt : Interrupt, default=None
        Shows whether Ctrl-C was pressed.
    fitted_attributes : callable, default=None
        Returns the attributes of a fitted estimator for the current `Progress`.
    """

    def __init__(
        self,
        verbose: bool | int,
        context: CallbackContext | None = None,
        task: Mapping[str, object] | None = None,
        interrupt: Interrupt | None = None,
        fitted_attributes: Callable[[Progress], Mapping[str, object]] | None = None,
    ) -> None:
        self.verbose = verbose
        self.interrupt = interrupt or Interrupt()
        self.context = context
        self.task = task or {}
        self.fitted_attributes = fitted_attributes

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C was pressed, after which training ends with the current step."""
        return self.interrupt.pressed

    def begin(self) -> None:
        """Report the begin of an epoch."""
        if self.context is not None:
            self.epoch = self.context.subcontext(task_name="epoch")
            self.epoch.call_on_fit_task_begin(**self.task)

    def end(self, progress: Progress) -> bool:
        """Report the end of an epoch; return whether a callback asks to stop."""
        if self.verbose:
            line = f"Epoch {progress.epochs}, loss = {progress.loss_curve[-1]:#.4g}"
            if "validation_score" in progress.history:
                score = progress.history["validation_score"][-1]
                line += f", validation score = {score:#.4g}"
            print(line, flush=True)  # also where the output is a file, and buffered
        if self.context is None:
            return False
        assert self.fitted_attributes is not None  # it comes with the context
        # a function, as copies are made only for a callback that asks for them
        attributes = partial(self.fitted_attributes, progress)
        return self.epoch.call_on_fit_task_end(
            **self.task, reconstruction_attributes=attributes
        )
