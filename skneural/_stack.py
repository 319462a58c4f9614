"""A stand-in for the engine that trains stacks: one job after the other."""

from skneural import _training


def stack_key(job, watch):
    """Return what jobs of a stack have in common, or None for a job that trains alone."""
    if job.progress.solver == "lbfgs" or watch.verbose:
        return None
    return job.progress.network.theta.size, job.batch_size


def width(key, n_jobs):
    """Return how many models a stack should hold."""
    return 32


def train_stack(jobs, watches):
    """Train jobs; return for each what `_training.train` returns, or its exception."""
    outcomes = []
    for job, watch in zip(jobs, watches, strict=True):
        try:
            outcomes.append(_training.train(job, watch))
        except Exception as error:
            outcomes.append(error)
    return outcomes
