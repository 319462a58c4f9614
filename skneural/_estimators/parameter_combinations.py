"""Checks of the constructor parameters, and of combinations of them."""

import math

import numpy as np
from sklearn.metrics import get_scorer_names

from skneural._checks.foreign_names import value_advice
from skneural._estimators.estimator_protocol import Estimator
from skneural.schedules import Adaptive, make_schedule

# L-BFGS does not support these, which make the loss random or add kinks to it
_NOT_WITH_LBFGS: dict[str, float | bool | None] = {
    "dropout": 0.0,
    "batch_norm": False,
    "input_noise": 0.0,
    "max_grad_norm": None,
    "l1_ratio": 0.0,
    "augmentation": None,
}


def check_parameters(estimator: Estimator) -> None:
    """Check every constructor parameter before any work."""
    for name, check_value in estimator._parameter_checks.items():
        check_value(name, getattr(estimator, name))
    schedule = make_schedule(estimator.schedule, estimator.power_t)
    schedule.check()
    if isinstance(estimator.scoring, str) and estimator.scoring not in get_scorer_names():
        raise ValueError(
            f"scoring={estimator.scoring!r} is not the name of a scorer. The names are "
            f"{', '.join(map(repr, get_scorer_names()))}."
            f"{value_advice(estimator.scoring, get_scorer_names())}"
        )
    if estimator.batch_norm and estimator.batch_size == 1:
        raise ValueError(
            "batch_size must be at least 2 with batch_norm=True, because a single sample has "
            "no variance; got 1."
        )
    if estimator.solver == "adamw" and estimator.l1_ratio:
        raise ValueError(
            "l1_ratio must be 0 for solver='adamw', whose weight decay is not a penalty; got "
            f"{estimator.l1_ratio!r}. Use solver='adam' for an L1 penalty."
        )
    if isinstance(schedule, Adaptive) and estimator.patience in (None, math.inf):
        raise ValueError(
            "patience must be a number of epochs for the schedule 'adaptive', which decreases "
            f"the rate when patience runs out; got {estimator.patience!r}. For example, set "
            "patience=10."
        )
    for name, off in _NOT_WITH_LBFGS.items() if estimator.solver == "lbfgs" else ():
        value = getattr(estimator, name, off)
        if np.any(value):
            raise ValueError(
                f"{name} must be {off!r} for solver='lbfgs', which needs the same smooth "
                f"loss at every step; got {value!r}. Use solver='adam' instead."
            )
