"""The table of all classes of layers of the estimators."""

from skneural._network.layers.activations import ACTIVATIONS
from skneural._network.layers.base import Layer
from skneural._network.layers.batch_norm import BatchNorm
from skneural._network.layers.conv import Conv2D
from skneural._network.layers.dense import Dense
from skneural._network.layers.dropout import Dropout
from skneural._network.layers.embedding import Embedding
from skneural._network.layers.flatten import Flatten
from skneural._network.layers.noise import GaussianNoise
from skneural._network.layers.pooling import AveragePool, GlobalAveragePool, MaxPool

LAYERS: tuple[type[Layer], ...] = (
    Dense,
    *ACTIVATIONS.values(),
    BatchNorm,
    Dropout,
    GaussianNoise,
    Conv2D,
    MaxPool,
    AveragePool,
    GlobalAveragePool,
    Flatten,
    Embedding,
)
