"""skops: which types a Pipeline with an estimator from here needs to have trusted."""

from skneural import schedules
from skneural._estimators.labels import LabelColumn, LabelColumns, LabelIndicator
from skneural._estimators.target_fit import TargetFit
from skneural._estimators.target_scale import TargetScale
from skneural._files.load import CLASSES
from skneural._files.old_pickles import old_names
from skneural._network.layers.activations import ACTIVATIONS
from skneural._network.layers.batch_norm import BatchNorm
from skneural._network.layers.conv import Conv2D
from skneural._network.layers.dense import Dense
from skneural._network.layers.dropout import Dropout
from skneural._network.layers.flatten import Flatten
from skneural._network.layers.noise import GaussianNoise
from skneural._network.layers.pooling import AveragePool, GlobalAveragePool, MaxPool
from skneural._network.layers.windows import Windows
from skneural._network.losses import classification, regression
from skneural._network.losses.base import Loss
from skneural._network.network import Network
from skneural._training.progress import Progress

_LAYERS = (BatchNorm, Conv2D, Dense, Dropout, Flatten, GaussianNoise)
_POOLS = (AveragePool, GlobalAveragePool, MaxPool, Windows)
_LOSSES = [
    loss
    for module in (regression, classification)
    for loss in vars(module).values()
    if isinstance(loss, type) and issubclass(loss, Loss)
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
#: Pipeline with an estimator from here, also in files from before the modules were moved.
SKOPS_TYPES = sorted(
    {f"{cls.__module__}.{cls.__qualname__}" for cls in _TYPES}.union(*map(old_names, _TYPES))
)
