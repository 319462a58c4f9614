"""Creating a job from parameters and data, before the first epoch."""

import copy
import math
from collections.abc import Iterable
from dataclasses import replace
from typing import TypedDict

import numpy as np

from skneural._checks.data import advised, check_start
from skneural._engine.optimizers import OPTIMIZERS, Optimizer
from skneural._estimators.auto_parameters import (
    auto_alpha,
    auto_batch_size,
    auto_early_stopping,
    auto_penalty,
)
from skneural._estimators.checked_rows import check_rows, check_validation_rows
from skneural._estimators.estimator_protocol import Estimator
from skneural._network.layers.user_activation import UserActivation
from skneural._network.losses.user_loss import UserLoss
from skneural._network.network import Network
from skneural._training.adaptive_penalty import AdaptivePenalty
from skneural._training.augmentation import Augmentation
from skneural._training.convergence import Convergence
from skneural._training.job import Job
from skneural._training.lbfgs import LBFGS
from skneural._training.progress import Progress, spawn_generators
from skneural._training.validation import Rows, Validation, hold_out
from skneural.schedules import Schedule, make_schedule

Given = tuple[object, object, object]  # X_val, y_val and sample_weight_val


def prepare(
    estimator: Estimator,
    X: object,
    y: object,
    sample_weight: object,
    *,
    resume: bool,
    given: Given = (None, None, None),
    restore_best: bool = True,
    **encoding: object,
) -> Job:
    """Create a job from data and parameters, without training."""
    in_parts = not restore_best
    rows = check_rows(estimator, X, y, sample_weight, resume, in_parts=in_parts, **encoding)
    rngs = estimator._progress.rngs if resume else spawn_generators(estimator.random_state)
    # from a copy of the generator, so that every call holds out and scores the same rows
    seed = int(copy.deepcopy(rngs["split"]).integers(2**31))
    rows, held_out = _split(estimator, rows, given, seed, decides=restore_best)
    estimator._learn_target_scale(rows, resume=resume)
    rows = _in_network_units(estimator, rows)
    validation = None
    if held_out is not None:
        held_out = _in_network_units(estimator, held_out)
        # about as many training rows, for comparison
        labels = estimator._labels_to_stratify(rows.y)
        drawn = rows.sample(len(held_out.encoded), seed, labels)
        validation = Validation(
            estimator, estimator.scoring, drawn, held_out, decides=restore_best
        )
    dtype = rows.encoded.dtype
    batch_size = _samples_per_batch(estimator, rows.X.shape[0])
    input_shape = estimator._sample_shape(rows.X)
    layers = estimator._build_layers(input_shape, rows.encoded.shape[1:])
    network = estimator._make_network(layers, input_shape, dtype, resume=resume)
    with advised(lambda: _widest_category(estimator)):
        network.check_memory(batch_size)
    check_user_functions(network, rows.encoded)
    # fit has all rows and restores the best weights; partial_fit has only a part of them
    all_rows = rows if restore_best else None
    adaptive_penalty = _adaptive_penalty(estimator, network, batch_size, all_rows)
    alpha = _penalty(estimator, batch_size, all_rows)
    if adaptive_penalty is not None:
        alpha = adaptive_penalty.strongest
    optimizer = _make_optimizer(estimator, network.n_weights, alpha)
    if resume:
        progress = _progress_so_far(estimator, network, optimizer)
    else:
        network.init_params(rngs.pop("weights"))
        progress = Progress(network, estimator.solver, optimizer.init(network.theta), rngs)
    return Job(
        X=rows.X,
        y=rows.encoded,
        sample_weight=rows.sample_weight,
        validation=validation,
        progress=progress,
        optimizer=optimizer,
        batch_size=batch_size,
        restore_best=validation is not None and restore_best,
        begun=progress.epochs,
        target_scale=estimator._target_scale,
        # adamw has weight decay instead of a penalty
        alpha=0.0 if estimator.solver == "adamw" else alpha,
        adaptive_penalty=adaptive_penalty,
        **_training_settings(estimator, progress.epochs, validation is not None),
    )


def check_user_functions(network: Network, y: np.ndarray) -> None:
    """Check the derivatives of user-defined activations and losses before any work."""
    for layer in network.layers:
        if isinstance(layer, UserActivation):
            layer.check()
    if isinstance(network.loss, UserLoss):
        network.loss.check(y)


def _widest_category(estimator: Estimator) -> str:
    """Say which category has most levels, if there is one."""
    encoding = estimator._table_encoding
    if encoding is None or not encoding.is_categorical.any():
        return ""
    column, n_levels = encoding.widest
    names = getattr(estimator, "feature_names_in_", range(len(encoding.is_categorical)))
    return (
        f"Column {names[column]!r} of X is a category of {n_levels:,} levels, each of which "
        "has parameters of its own. Join rare levels, or leave the column out."
    )


def _samples_per_batch(estimator: Estimator, n_samples: int) -> int:
    """Return the number of samples per mini-batch, at most `n_samples`."""
    if estimator.solver == "lbfgs":
        return n_samples
    if estimator.batch_size == "auto":
        return auto_batch_size(n_samples)
    return min(int(estimator.batch_size), n_samples)


def _penalty(estimator: Estimator, batch_size: int, rows: Rows | None) -> float:
    if estimator.alpha != "auto":
        return float(estimator.alpha)
    if rows is None:
        return auto_alpha(estimator.solver, batch_size, None)
    return auto_alpha(estimator.solver, batch_size, len(rows.encoded), rows.sample_weight)


def _adaptive_penalty(
    estimator: Estimator, network: Network, batch_size: int, rows: Rows | None
) -> AdaptivePenalty | None:
    """Return the penalty that follows the training loss, or None if alpha is constant."""
    if estimator.alpha != "auto" or estimator.solver in ("adamw", "lbfgs") or rows is None:
        return None
    return auto_penalty(network.loss, batch_size, rows.encoded, rows.sample_weight)


def _make_schedule(estimator: Estimator, *, continues: bool) -> Schedule:
    """Return the schedule of a call; "auto" depends on whether training continues."""
    return make_schedule(estimator.schedule, estimator.power_t, continues)


class _Settings(TypedDict):
    """The constructor parameters that a job needs."""

    convergence: Convergence
    learning_rate: float
    schedule: Schedule
    schedule_length: int
    decay: float
    l1_ratio: float
    max_grad_norm: float
    max_iter: int
    shuffle: bool
    augment: Augmentation | None


def _training_settings(estimator: Estimator, epochs_so_far: int, validated: bool) -> _Settings:
    """Return the constructor parameters that a job needs, as plain Python numbers."""
    patience = math.inf if estimator.patience is None else estimator.patience
    if estimator.solver == "lbfgs" and not validated:
        patience = math.inf  # L-BFGS ends when its gradient is small
    target = -math.inf if estimator.target_score is None else -float(estimator.target_score)
    max_norm = math.inf if estimator.max_grad_norm is None else float(estimator.max_grad_norm)
    return {
        "convergence": Convergence(patience, estimator.tol, target),
        "learning_rate": float(estimator.learning_rate),
        "schedule": _make_schedule(estimator, continues=epochs_so_far > 0),
        # a warm start extends the schedule to its own end
        "schedule_length": estimator.max_iter + (epochs_so_far if estimator.warm_start else 0),
        "decay": float(estimator.decay),
        "l1_ratio": float(estimator.l1_ratio),
        "max_grad_norm": max_norm,
        "max_iter": estimator.max_iter,
        "shuffle": bool(estimator.shuffle),
        "augment": estimator._make_augmentation(),
    }


def _split(
    estimator: Estimator, rows: Rows, given: Given, seed: int, *, decides: bool
) -> tuple[Rows, Rows | None]:
    """Return the rows to train on and the rows to validate on, or None."""
    X_val, y_val, weight_val = given
    if (X_val is None) != (y_val is None) or (X_val is None and weight_val is not None):
        raise ValueError("X_val, y_val (and sample_weight_val) must be passed together.")
    if X_val is not None:
        return rows, check_validation_rows(estimator, X_val, y_val, weight_val, rows.X.dtype)
    if not (decides and _holds_rows_out(estimator, rows)):
        if estimator.target_score is not None:
            reason = ""
            if estimator.early_stopping == "auto":
                n_samples = len(rows.encoded)
                reason = f", and early_stopping='auto' holds out none of {n_samples} rows"
            raise ValueError(
                f"target_score={estimator.target_score!r} needs validation data{reason}. Pass "
                "X_val and y_val, or set early_stopping=True for fit."
            )
        return rows, None
    labels = estimator._labels_to_stratify(rows.y)
    parts = hold_out(rows.X.shape[0], estimator.validation_fraction, labels, seed)
    rows, held_out = (rows.take(part) for part in parts)
    for name, part in (("trained on", rows), ("held out", held_out)):
        if part.sample_weight is not None and not part.sample_weight.any():
            raise ValueError(
                f"The sample_weight of all rows {name} is 0. Set another random_state or "
                "validation_fraction, or pass X_val and y_val."
            )
    return rows, held_out


def _in_network_units(estimator: Estimator, rows: Rows) -> Rows:
    """Return the rows with targets in the units of the network."""
    return replace(rows, encoded=estimator._scale_y(rows.encoded, rows.X.dtype))


def _holds_rows_out(estimator: Estimator, rows: Rows) -> bool:
    """Return whether `fit` holds out a part of its rows for validation."""
    if estimator.early_stopping != "auto":
        return bool(estimator.early_stopping)
    # L-BFGS ends when its gradient is small
    if estimator.solver == "lbfgs" or not auto_early_stopping(rows.n_weighted):
        return False
    labels = estimator._labels_to_stratify(rows.y)  # a class with a single row cannot be split
    return labels is None or np.unique(labels, return_counts=True)[1].min() > 1


def _make_optimizer(estimator: Estimator, n_weights: int, alpha: float) -> Optimizer:
    if estimator.solver == "lbfgs":
        return LBFGS(float(estimator.tol), int(estimator.max_fun))
    return OPTIMIZERS[estimator.solver](estimator, alpha, n_weights)


def _progress_so_far(estimator: Estimator, network: Network, optimizer: Optimizer) -> Progress:
    """Return a copy of the training state, so that an error leaves the original unchanged."""
    changes = []
    if estimator.solver != estimator._progress.solver:
        changes.append(f"solver from {estimator._progress.solver!r} to {estimator.solver!r}")
    if estimator.dtype not in ("auto", network.dtype.name):
        changes.append(f"dtype from {network.dtype.name!r} to {estimator.dtype!r}")
    if repr(network) != repr(estimator.network_):
        changes.append(f"the network from {estimator.network_} to {network}")
    if changes:
        raise ValueError(
            f"This would change {', '.join(changes)}. hidden_layer_sizes, n_hidden_layers, "
            "activation, batch_norm, solver, dtype, the number of outputs, and filters and all "
            "other parameters of blocks must not change between calls of partial_fit, or "
            "of fit with warm_start=True, which continue the training. To train a new network, "
            "call fit with warm_start=False."
        )
    progress = estimator._progress.copy()
    # the new description (rates of dropout, loss) with the parameters so far
    network.theta, network.state = progress.network.theta, progress.network.state
    progress.network = network
    state = optimizer.init(progress.network.theta)
    progress.optimizer_state = {**state, **progress.optimizer_state}
    return progress


def start_from(
    network: Network,
    coefs_init: Iterable[object] | None,
    intercepts_init: Iterable[object] | None,
) -> None:
    """Copy the given weights and biases to the network."""
    given = {"weight": ("coefs_init", coefs_init), "bias": ("intercepts_init", intercepts_init)}
    for kind, (name, arrays) in given.items():
        if arrays is not None:
            params = network.params(kind)
            shapes = [param.shape for param in params]
            arrays = check_start(name, arrays, shapes, network.dtype)
            for param, array in zip(params, arrays, strict=True):
                param[...] = array
