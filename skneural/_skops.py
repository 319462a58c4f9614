"""skops: which types a Pipeline with an estimator from here needs to have trusted."""

from skneural import _classification_losses, _losses, schedules
from skneural._labels import LabelColumn, LabelColumns, LabelIndicator
from skneural._network import Network
from skneural._restore import CLASSES
from skneural._target_fit import TargetFit
from skneural._target_scale import TargetScale
from skneural._training import Progress
from skneural.layers._activations import ACTIVATIONS
from skneural.layers._batch_norm import BatchNorm
from skneural.layers._conv import Conv2D
from skneural.layers._dense import Dense
from skneural.layers._dropout import Dropout
from skneural.layers._flatten import Flatten
from skneural.layers._noise import GaussianNoise
from skneural.layers._pooling import AveragePool, GlobalAveragePool, MaxPool
from skneural.layers._windows import Windows

_LAYERS = (BatchNorm, Conv2D, Dense, Dropout, Flatten, GaussianNoise)
_POOLS = (AveragePool, GlobalAveragePool, MaxPool, Windows)
_LOSSES = [
    loss
    for module in (_losses, _classification_losses)
    for loss in vars(module).values()
    if isinstance(loss, type) and issubclass(loss, _losses.Loss)
]
_TYPES = {
    *CLASSES.values(),
    *ACTIVATIONS.values(),
    *_LAYERS,
    *_POOLS,
    *_LOSSES,
    *schedules.SCHEDULES.values(),
    *(LabelColumn, LabelColumns, LabelIndicator, Network, Progress, TargetFit, TargetScale),
}

#: Names of the types that ``skops.io.load(path, trusted=SKOPS_TYPES)`` has to trust for a
#: Pipeline with an estimator from here.
SKOPS_TYPES = sorted(f"{cls.__module__}.{cls.__qualname__}" for cls in _TYPES)
