"""Who looks on while a network trains: the terminal, and scikit-learn's callbacks."""

import copy

from skneural._interrupt import Interrupt


class Watch:
    """Prints what an epoch did, and tells the callbacks."""

    def __init__(self, verbose, context=None, task=None, interrupt=None):
        self.verbose = verbose
        self.interrupt = interrupt or Interrupt()
        self.context = context  # None: no callbacks, as in partial_fit
        self.task = task

    @property
    def interrupted(self):
        """Whether Ctrl-C was pressed: training then ends after its step."""
        return self.interrupt.pressed

    def begin(self):
        """An epoch begins."""
        if self.context is not None:
            self.epoch = self.context.subcontext(task_name="epoch")
            self.epoch.call_on_fit_task_begin(**self.task)

    def end(self, progress):
        """An epoch has ended; return whether a callback wants to stop."""
        if self.verbose:
            line = f"Epoch {progress.epochs}, loss = {progress.loss_curve[-1]:.8f}"
            if "validation_score" in progress.history:
                line += f", validation score = {progress.history['validation_score'][-1]:.6f}"
            print(line)
        if self.context is None:
            return False
        return self.epoch.call_on_fit_task_end(
            **self.task,
            reconstruction_attributes=lambda: {
                "network_": copy.deepcopy(progress.network),
                "_job": None,
            },
        )
