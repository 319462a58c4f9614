"""The attributes and methods of an estimator that the parts of a fit use."""

from collections.abc import Callable, Mapping
from typing import Literal, Protocol

import numpy as np

from skneural._checks.data import Matrix
from skneural._checks.parameters import CheckValue
from skneural._engine.optimizers import Hyperparameters
from skneural._estimators.table import TableEncoding
from skneural._estimators.target_scale import TargetScale
from skneural._network.array_types import Array, DType, Shape
from skneural._network.layers.base import Layer
from skneural._network.losses.user_loss import LossFunction, RowLoss
from skneural._network.network import Network
from skneural._training.augmentation import Augmentation
from skneural._training.progress import Progress
from skneural._training.validation import Rows, Scored
from skneural.schedules import Schedule


class Estimator(Hyperparameters, Scored, Protocol):
    """Constructor parameters, fitted attributes and hooks that a fit uses."""

    loss: str | RowLoss | LossFunction
    solver: str
    learning_rate: float
    schedule: str | Schedule
    power_t: float
    decay: float
    batch_size: int | Literal["auto"]
    max_iter: int
    patience: int | None
    tol: float
    max_fun: int
    target_score: float | None
    early_stopping: bool | Literal["auto"]
    validation_fraction: float
    scoring: str | Callable[..., float] | None
    alpha: float | Literal["auto"]
    l1_ratio: float
    max_grad_norm: float | None
    batch_norm: bool
    dtype: Literal["auto", "float32", "float64"]
    shuffle: bool
    warm_start: bool
    on_interrupt: Literal["raise", "warn"]
    random_state: int | np.random.RandomState | None

    n_features_in_: int
    n_iter_: int
    loss_: float
    _progress: Progress
    _takes_tables: bool
    _table_encoding: TableEncoding | None
    _target_scale: TargetScale | None

    _parameter_checks: Mapping[str, CheckValue]
    _same_labels: Mapping[str, bool]  # what `_encode_y` needs to know of further rows

    # classifiers also take `classes` and `partial`
    @property
    def _encode_y(self) -> Callable[..., np.ndarray]: ...

    @property
    def _weigh_classes(self) -> Callable[..., np.ndarray | None]: ...

    def _as_rows(self, X: object, name: str, *, reset: bool = False) -> object: ...

    def _shape_advice(self, shape: Shape, name: str, *, reset: bool = False) -> str: ...

    def _sample_shape(self, X: Matrix) -> Shape: ...

    def _build_layers(self, input_shape: Shape, output_shape: Shape | None) -> list[Layer]: ...

    def _make_network(
        self, layers: list[Layer], input_shape: Shape, dtype: DType, *, resume: bool
    ) -> Network: ...

    def _make_augmentation(self) -> Augmentation | None: ...

    def _labels_to_stratify(self, y: Matrix) -> np.ndarray | None: ...

    def _learn_target_scale(self, rows: Rows, *, resume: bool) -> None: ...

    def _scale_y(self, encoded: np.ndarray, dtype: DType) -> Array: ...

    def _why_useless(self) -> str | None: ...
