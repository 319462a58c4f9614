"""Convolutional networks: ConvNetClassifier and ConvNetRegressor."""

import math
from collections.abc import Sequence
from contextlib import suppress
from numbers import Integral

import numpy as np

from skneural import _parameters as check
from skneural._augmentation import Augmentation
from skneural._classification import NeuralClassifierMixin
from skneural._classification_losses import CLASSIFIER_LOSSES
from skneural._docs import (
    CLASSIFIER_PARAMETERS,
    CONVNET_PARAMETERS,
    REGRESSOR_PARAMETERS,
    with_shared_parameters,
)
from skneural._losses import REGRESSOR_LOSSES
from skneural._mlp import BaseMLP
from skneural._regression import NeuralRegressorMixin
from skneural.layers._activations import ACTIVATIONS
from skneural.layers._batch_norm import BatchNorm
from skneural.layers._conv import Conv2D
from skneural.layers._dropout import Dropout
from skneural.layers._flatten import Flatten
from skneural.layers._pooling import AveragePool, GlobalAveragePool, MaxPool

# These never fall, so the largest value has the largest input: pooling first gives the same
# output and leaves them a quarter of the work.
_MONOTONE = {"identity", "logistic", "tanh", "relu", "leaky_relu", "elu", "softplus"}
# of a block: what is checked about one value, or about each of one a block
_BLOCK_CHECKS = {
    "kernel_size": check.number_or_pair(1),
    "strides": check.number_or_pair(1),
    "padding": check.either("same", check.either("valid", check.number_or_pair(0))),
    "dilation": check.number_or_pair(1),
    "pool": check.either(None, check.one_of("max", "average", "global_average")),
    "pool_size": check.number_or_pair(1),
    "pool_strides": check.either(None, check.number_or_pair(1)),
}


class BaseConvNet(BaseMLP):
    """Parameters, layout of samples and layers that the convolutional networks share."""

    _parameter_checks = {
        **BaseMLP._parameter_checks,
        "filters": check.layer_sizes,
        "input_shape": check.input_shape,
        "augmentation": check.augmentation,
    }

    def _check_parameters(self):
        super()._check_parameters()
        self._blocks()

    def _n_blocks(self):
        return len(check.layer_sizes("filters", self.filters))

    def _blocks(self):
        """Return a dict of filters, kernel size and so on for every block."""
        filters = check.layer_sizes("filters", self.filters)
        activations, dropouts = self._activations_and_dropouts()
        columns = {"filters": filters, "activation": activations, "dropout": dropouts}
        for name, check_value in _BLOCK_CHECKS.items():
            value = getattr(self, name)
            values = check.per_layer(name, value, len(filters), check_value, "blocks")
            columns[name] = [_plain(value) for value in values]
        if "global_average" in columns["pool"][:-1]:
            raise ValueError(
                f"pool='global_average' leaves no pixels and must be in the last of the "
                f"{len(filters)} blocks only, got {self.pool!r}."
            )
        return [
            {name: values[i] for name, values in columns.items()} for i in range(len(filters))
        ]

    def _build_layers(self, input_shape, output_shape):
        """The layers of the network, described but not built."""
        layers, shape = self._noise(), input_shape
        for block in self._blocks():
            for layer in self._block_layers(**block):
                # rows too short to be pooled again go on as they are
                if isinstance(layer, MaxPool | AveragePool) and self._is_short(shape, layer):
                    continue
                layers.append(layer)
                if self._may_be_short(shape):
                    with suppress(ValueError):  # the network will say so, with its table
                        shape = layer.build(shape)
        return [*layers, Flatten(), *self._head(output_shape)]

    def _may_be_short(self, shape):
        # flat rows without input_shape
        return self.input_shape is None and len(shape) == 2

    def _is_short(self, shape, pool):
        size = pool.pool_size if isinstance(pool.pool_size, int) else max(pool.pool_size)
        return self._may_be_short(shape) and shape[0] < size

    def _block_layers(
        self,
        filters,
        kernel_size,
        strides,
        padding,
        dilation,
        activation,
        dropout,
        pool,
        pool_size,
        pool_strides,
    ):
        scheme = self._scheme(activation)
        yield Conv2D(filters, kernel_size, strides, padding, dilation, scheme)
        if self.batch_norm:
            yield BatchNorm()
        pools = {
            "max": lambda: MaxPool(pool_size, pool_strides),
            "average": lambda: AveragePool(pool_size, pool_strides),
            "global_average": GlobalAveragePool,
        }
        rest = [ACTIVATIONS[activation]()]
        if pool:
            rest.append(pools[pool]())
        yield from reversed(rest) if pool == "max" and activation in _MONOTONE else rest
        if dropout:
            yield Dropout(float(dropout))

    def _make_augmentation(self):
        if not self.augmentation:
            return None
        return Augmentation(self.augmentation, self.input_shape_)

    def _as_rows(self, X, name, *, reset=False):
        """Lay images or signals out as flat rows; learn their shape if `reset`."""
        if not hasattr(X, "shape") and hasattr(X, "__array__"):
            X = np.asarray(X)
        shape = _shape(X)
        if len(shape) < 2:  # the conversion to numbers will say so
            return X
        if reset:
            self.input_shape_ = self._shape_of_sample(shape[1:])
        elif len(shape) > 2 and shape[1:] not in _forms(self.input_shape_):
            raise ValueError(
                f"{name} must hold {_described(self.input_shape_)}, as in fit; got shape "
                f"{shape}."
            )
        return X if len(shape) == 2 else np.reshape(X, (shape[0], math.prod(shape[1:])))

    def _shape_of_sample(self, given):
        """(height, width, channels) or (length, channels) of samples that came as `given`."""
        if self.input_shape is not None:
            shape = _with_channels(self.input_shape)
            if given not in _forms(shape):
                raise ValueError(
                    f"input_shape={self.input_shape!r} needs X to hold {_described(shape)}; "
                    f"its samples have shape {given}."
                )
            return shape
        if len(given) > 3:
            raise ValueError(
                "X must hold images (n_samples, height, width, channels) or (n_samples, "
                "height, width), or flat rows; or, with input_shape=(length, channels), "
                f"signals. Got {len(given) + 1} dimensions, one of them the samples."
            )
        return given if len(given) == 3 else (*given, 1)

    def _described_shape(self, input_shape):
        input_shape = self.input_shape if input_shape is None else input_shape
        super()._described_shape(input_shape)
        return _with_channels(input_shape)

    def _sample_shape(self, X):
        if self.input_shape is not None and (
            _with_channels(self.input_shape) != self.input_shape_
        ):
            raise ValueError(
                f"input_shape must stay {self.input_shape_} between calls of partial_fit, or "
                f"of fit with warm_start=True, got {self.input_shape!r}."
            )
        return self.input_shape_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _plain(value):
    """NumPy's strings and integers, and arrays of these, as those of Python."""
    if value is None:
        return None
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Integral):
        return int(value)
    return tuple(int(length) for length in value)


def _shape(X):
    """The shape of an array, a frame or nested lists; () of anything else."""
    if not isinstance(X, list | tuple):
        return tuple(getattr(X, "shape", ()))
    try:
        return np.shape(X)
    except ValueError:  # ragged
        return ()


def _with_channels(input_shape):
    """A shape with channels: a single length is that of signals of one channel."""
    lengths = input_shape if isinstance(input_shape, Sequence | np.ndarray) else [input_shape]
    shape = tuple(int(length) for length in lengths)
    return (*shape, 1) if len(shape) == 1 else shape


def _forms(shape):
    """The shapes in which such samples may come."""
    forms = {(math.prod(shape),), shape}
    return forms | {shape[:-1]} if shape[-1] == 1 else forms


def _described(shape):
    kind = (
        "images (height, width, channels)" if len(shape) == 3 else "signals (length, channels)"
    )
    return f"{kind} of shape {shape}, or flat rows of {math.prod(shape)} features"


@with_shared_parameters({**CONVNET_PARAMETERS, **CLASSIFIER_PARAMETERS})
class ConvNetClassifier(NeuralClassifierMixin, BaseConvNet):
    """Convolutional neural network for classification.

    Blocks of convolution, batch normalization, activation and pooling, and then the hidden and
    output layers of an `MLPClassifier`, with its losses and all else that it offers.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    input_shape_ : tuple of int
        Shape of one sample: (height, width, channels), or (length, channels) of signals.
    classes_ : ndarray of shape (n_classes,) or list of ndarray
        Class labels; a list, an array a column, if `y` had several columns of labels.
    {attributes}

    See Also
    --------
    ConvNetRegressor : The same network for real targets.
    MLPClassifier : Without convolutions.

    References
    ----------
    Y. LeCun et al., Gradient-based learning applied to document recognition, Proceedings of
    the IEEE 86, 1998.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skneural import ConvNetClassifier
    >>> digits = load_digits()
    >>> X, y = digits.images / 16, digits.target  # X has shape (1797, 8, 8)
    >>> clf = ConvNetClassifier((8, 16), batch_size=32, max_iter=10, patience=float("inf"),
    ...                         random_state=0)
    >>> clf.fit(X[:1200], y[:1200]).score(X[1200:], y[1200:]) > 0.9
    True

    Flat rows, as a scaler or a search returns them, need to be told their shape:

    >>> clf = ConvNetClassifier((8, 16), input_shape=(8, 8, 1), batch_size=32, max_iter=10,
    ...                         patience=float("inf"), random_state=0)
    >>> clf.fit(X[:1200].reshape(-1, 64), y[:1200]).input_shape_
    (8, 8, 1)
    """

    _parameter_checks = {
        **BaseConvNet._parameter_checks,
        "loss": check.one_of(*CLASSIFIER_LOSSES),
        "class_weight": check.class_weight,
    }

    def __init__(
        self,
        filters=(16, 32),
        *,
        kernel_size=3,
        strides=1,
        padding="same",
        dilation=1,
        pool="max",
        pool_size=2,
        pool_strides=None,
        hidden_layer_sizes=(64,),
        input_shape=None,
        augmentation=None,
        activation="relu",
        loss="log_loss",
        solver="adam",
        learning_rate=1e-3,
        schedule="constant",
        decay=1.0,
        batch_size="auto",
        max_iter=200,
        patience=10,
        tol=1e-4,
        target_score=None,
        early_stopping=False,
        validation_fraction=0.1,
        scoring=None,
        alpha=1e-4,
        l1_ratio=0.0,
        dropout=0.0,
        batch_norm=False,
        input_noise=0.0,
        max_grad_norm=None,
        weight_init="auto",
        class_weight=None,
        dtype="auto",
        momentum=0.9,
        nesterovs_momentum=True,
        beta_1=0.9,
        beta_2=0.999,
        rho=0.99,
        epsilon=1e-8,
        power_t=0.5,
        max_fun=15_000,
        shuffle=True,
        warm_start=False,
        verbose=False,
        random_state=None,
    ):
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding = padding
        self.dilation = dilation
        self.pool = pool
        self.pool_size = pool_size
        self.pool_strides = pool_strides
        self.hidden_layer_sizes = hidden_layer_sizes
        self.input_shape = input_shape
        self.augmentation = augmentation
        self.activation = activation
        self.loss = loss
        self.solver = solver
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.decay = decay
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.patience = patience
        self.tol = tol
        self.target_score = target_score
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.scoring = scoring
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.input_noise = input_noise
        self.max_grad_norm = max_grad_norm
        self.weight_init = weight_init
        self.class_weight = class_weight
        self.dtype = dtype
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.rho = rho
        self.epsilon = epsilon
        self.power_t = power_t
        self.max_fun = max_fun
        self.shuffle = shuffle
        self.warm_start = warm_start
        self.verbose = verbose
        self.random_state = random_state


@with_shared_parameters({**CONVNET_PARAMETERS, **REGRESSOR_PARAMETERS})
class ConvNetRegressor(NeuralRegressorMixin, BaseConvNet):
    """Convolutional neural network for regression, with one or several outputs.

    Blocks of convolution, batch normalization, activation and pooling, and then the hidden and
    output layers of an `MLPRegressor`, with its losses and all else that it offers.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    input_shape_ : tuple of int
        Shape of one sample: (height, width, channels), or (length, channels) of signals.
    {attributes}

    See Also
    --------
    ConvNetClassifier : The same network for class labels.
    MLPRegressor : Without convolutions.

    References
    ----------
    Y. LeCun et al., Gradient-based learning applied to document recognition, Proceedings of
    the IEEE 86, 1998.

    Examples
    --------
    How far a step stands from the start of a signal:

    >>> import numpy as np
    >>> from skneural import ConvNetRegressor
    >>> y = np.arange(200) % 20
    >>> X = (np.arange(20) >= y[:, None]).astype(float)  # 200 signals of length 20
    >>> reg = ConvNetRegressor(8, input_shape=(20, 1), learning_rate=0.01, random_state=0)
    >>> reg.fit(X, y).score(X, y) > 0.95
    True
    """

    _parameter_checks = {
        **BaseConvNet._parameter_checks,
        "loss": check.one_of(*REGRESSOR_LOSSES),
        "quantile": check.number(0, 1, open_low=True, open_high=True),
        "delta": check.number(0, open_low=True),
    }

    def __init__(
        self,
        filters=(16, 32),
        *,
        kernel_size=3,
        strides=1,
        padding="same",
        dilation=1,
        pool="max",
        pool_size=2,
        pool_strides=None,
        hidden_layer_sizes=(64,),
        input_shape=None,
        augmentation=None,
        activation="relu",
        loss="squared_error",
        solver="adam",
        learning_rate=1e-3,
        schedule="constant",
        decay=1.0,
        batch_size="auto",
        max_iter=200,
        patience=10,
        tol=1e-4,
        target_score=None,
        early_stopping=False,
        validation_fraction=0.1,
        scoring=None,
        alpha=1e-4,
        l1_ratio=0.0,
        dropout=0.0,
        batch_norm=False,
        input_noise=0.0,
        max_grad_norm=None,
        weight_init="auto",
        quantile=0.5,
        delta=1.0,
        dtype="auto",
        momentum=0.9,
        nesterovs_momentum=True,
        beta_1=0.9,
        beta_2=0.999,
        rho=0.99,
        epsilon=1e-8,
        power_t=0.5,
        max_fun=15_000,
        shuffle=True,
        warm_start=False,
        verbose=False,
        random_state=None,
    ):
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding = padding
        self.dilation = dilation
        self.pool = pool
        self.pool_size = pool_size
        self.pool_strides = pool_strides
        self.hidden_layer_sizes = hidden_layer_sizes
        self.input_shape = input_shape
        self.augmentation = augmentation
        self.activation = activation
        self.loss = loss
        self.solver = solver
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.decay = decay
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.patience = patience
        self.tol = tol
        self.target_score = target_score
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.scoring = scoring
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.input_noise = input_noise
        self.max_grad_norm = max_grad_norm
        self.weight_init = weight_init
        self.quantile = quantile
        self.delta = delta
        self.dtype = dtype
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.rho = rho
        self.epsilon = epsilon
        self.power_t = power_t
        self.max_fun = max_fun
        self.shuffle = shuffle
        self.warm_start = warm_start
        self.verbose = verbose
        self.random_state = random_state
