"""Convolutional networks: ConvNetClassifier and ConvNetRegressor."""

from skneural._checks import parameters as check
from skneural._checks.foreign_names import explain_unknown_keywords
from skneural._estimators.classifier import NeuralClassifierMixin
from skneural._estimators.conv_blocks import BaseConvNet
from skneural._estimators.docstrings import (
    CLASSIFIER_PARAMETERS,
    CONVNET_PARAMETERS,
    REGRESSOR_PARAMETERS,
    with_shared_parameters,
)
from skneural._estimators.regressor import NeuralRegressorMixin
from skneural._network.losses.classification import CLASSIFIER_LOSSES
from skneural._network.losses.regression import REGRESSOR_LOSSES


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
    >>> clf = ConvNetClassifier((8, 16), batch_size=32, max_iter=10, patience=None,
    ...                         random_state=0)
    >>> clf.fit(X[:1200], y[:1200]).score(X[1200:], y[1200:]) > 0.9
    True

    Flat rows, as a scaler or a search returns them, need to be told their shape:

    >>> clf = ConvNetClassifier((8, 16), input_shape=(8, 8, 1), batch_size=32, max_iter=10,
    ...                         patience=None, random_state=0)
    >>> clf.fit(X[:1200].reshape(-1, 64), y[:1200]).input_shape_
    (8, 8, 1)
    """

    _parameter_checks = {
        **BaseConvNet._parameter_checks,
        "loss": check.one_of(*CLASSIFIER_LOSSES),
        "class_weight": check.class_weight,
    }

    @explain_unknown_keywords
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
        learning_rate=3e-3,
        schedule="auto",
        decay=1.0,
        batch_size="auto",
        max_iter=50,
        patience=None,
        tol=1e-4,
        target_score=None,
        early_stopping=False,
        validation_fraction=0.1,
        scoring=None,
        alpha="auto",
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
        beta_2=0.95,
        rho=0.99,
        epsilon=1e-8,
        power_t=0.5,
        max_fun=15_000,
        shuffle=True,
        warm_start=False,
        verbose=False,
        on_interrupt="raise",
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
        self.on_interrupt = on_interrupt
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
    y_mean_, y_scale_ : ndarray of shape (n_outputs,)
        Mean and scale by which ``normalize_y=True`` standardizes each output; 0 and 1 where
        it does not. `partial_fit` and ``warm_start=True`` keep them. `coefs_`, `intercepts_`,
        `loss_`, `best_loss_`, `loss_curve_` and the losses in `history_` refer to the
        standardized targets; predictions and scores are in the units of `y`.
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
        "normalize_y": check.boolean,
    }

    @explain_unknown_keywords
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
        learning_rate=3e-3,
        schedule="auto",
        decay=1.0,
        batch_size="auto",
        max_iter=50,
        patience=None,
        tol=1e-4,
        target_score=None,
        early_stopping=False,
        validation_fraction=0.1,
        scoring=None,
        alpha="auto",
        l1_ratio=0.0,
        dropout=0.0,
        batch_norm=False,
        input_noise=0.0,
        max_grad_norm=None,
        weight_init="auto",
        quantile=0.5,
        delta=1.0,
        normalize_y=True,
        dtype="auto",
        momentum=0.9,
        nesterovs_momentum=True,
        beta_1=0.9,
        beta_2=0.95,
        rho=0.99,
        epsilon=1e-8,
        power_t=0.5,
        max_fun=15_000,
        shuffle=True,
        warm_start=False,
        verbose=False,
        on_interrupt="raise",
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
        self.normalize_y = normalize_y
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
        self.on_interrupt = on_interrupt
        self.random_state = random_state
