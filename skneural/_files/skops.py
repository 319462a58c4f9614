"""The types that skops has to trust to load a Pipeline with an estimator of skneural."""

from itertools import chain

from skneural._estimators.labels import LabelColumn, LabelColumns, LabelIndicator
from skneural._estimators.table import TableEncoding
from skneural._estimators.target_fit import TargetFit
from skneural._estimators.target_scale import TargetScale
from skneural._files.load import CLASSES
from skneural._files.old_pickles import old_names
from skneural._network.layers.table import LAYERS
from skneural._network.layers.windows import Windows
from skneural._network.losses.classification import CLASSIFIER_LOSSES, MultiHead
from skneural._network.losses.links import LinkedLoss, LogitLink, LogLink
from skneural._network.losses.quantiles import QuantilesLoss
from skneural._network.losses.regression import REGRESSOR_LOSSES
from skneural._network.network import Network
from skneural._training.progress import Progress
from skneural.schedules import SCHEDULES

_TYPES: set[type] = {
    *CLASSES.values(),
    *LAYERS,
    *REGRESSOR_LOSSES.values(),
    *chain.from_iterable(CLASSIFIER_LOSSES.values()),
    *SCHEDULES.values(),
    *(LabelColumn, LabelColumns, LabelIndicator, MultiHead, Network, Progress),
    *(LinkedLoss, LogitLink, LogLink, QuantilesLoss),
    *(TableEncoding, TargetFit, TargetScale, Windows),
}

#: Names of the types that ``skops.io.load(path, trusted=SKOPS_TYPES)`` has to trust for a
#: Pipeline with an estimator from here, also in files from before the modules were moved.
SKOPS_TYPES: list[str] = sorted(
    {f"{cls.__module__}.{cls.__qualname__}" for cls in _TYPES}.union(*map(old_names, _TYPES))
)
