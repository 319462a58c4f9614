"""Dense networks: MLPClassifier and MLPRegressor."""

from skneural._checks import parameters as check
from skneural._checks.foreign_names import explain_unknown_keywords, keyword_advice
from skneural._estimators.base import BaseNeuralNetwork
from skneural._estimators.classifier import NeuralClassifierMixin
from skneural._estimators.docstrings import (
    CLASSIFIER_PARAMETERS,
    REGRESSOR_PARAMETERS,
    with_shared_parameters,
)
from skneural._estimators.regressor import NeuralRegressorMixin
from skneural._network.initializers import WEIGHT_INITS, default_weight_init
from skneural._network.layers.activations import ACTIVATIONS
from skneural._network.layers.batch_norm import BatchNorm
from skneural._network.layers.dense import Dense
from skneural._network.layers.dropout import Dropout
from skneural._network.layers.noise import GaussianNoise
from skneural._network.losses.classification import CLASSIFIER_LOSSES
from skneural._network.losses.regression import REGRESSOR_LOSSES


class BaseMLP(BaseNeuralNetwork):
    """Parameters and layers that the dense networks share."""

    _parameter_checks = {
        "hidden_layer_sizes": check.layer_sizes,
        "batch_norm": check.boolean,
        "solver": check.one_of("sgd", "adam", "adamw", "rmsprop", "adagrad", "lbfgs"),
        "learning_rate": check.learning_rate,
        "power_t": check.number(0),
        "decay": check.number(0, 1, open_low=True),
        "batch_size": check.either("auto", check.number(1, integer=True)),
        "max_iter": check.number(1, integer=True),
        "patience": check.patience,
        "tol": check.number(0),
        "max_fun": check.number(1, integer=True),
        "target_score": check.either(None, check.number()),
        "early_stopping": check.boolean_or_auto,
        "validation_fraction": check.number(0, 1, open_low=True, open_high=True),
        "scoring": check.scorer,
        "alpha": check.either("auto", check.number(0)),
        "l1_ratio": check.number(0, 1),
        "input_noise": check.number(0),
        "max_grad_norm": check.either(None, check.number(0, open_low=True)),
        "weight_init": check.one_of("auto", *WEIGHT_INITS),
        "dtype": check.one_of("auto", "float32", "float64"),
        "momentum": check.number(0, 1, open_high=True),
        "nesterovs_momentum": check.boolean,
        "beta_1": check.number(0, 1, open_high=True),
        "beta_2": check.number(0, 1, open_high=True),
        "rho": check.number(0, 1, open_high=True),
        "epsilon": check.number(0, open_low=True),
        "shuffle": check.boolean,
        "warm_start": check.boolean,
        "verbose": check.boolean_or_level,
        "on_interrupt": check.one_of("raise", "warn"),
        "random_state": check.random_state,
    }

    def set_params(self, **params):
        """Set parameters of this estimator.

        Parameters
        ----------
        **params : dict
            Parameters by name; those of a schedule object as ``schedule__period``.

        Returns
        -------
        self : estimator
            This estimator.

        Raises
        ------
        ValueError
            If a name is not that of a parameter. Nothing has been set then.

        Examples
        --------
        >>> from skneural import MLPClassifier
        >>> MLPClassifier().set_params(learning_rate=0.01)
        MLPClassifier(learning_rate=0.01)
        """
        known = self.get_params(deep=False)
        for name in params:
            if name.partition("__")[0] not in known:
                try:
                    super().set_params(**{name: params[name]})  # has words of its own for it
                except ValueError as error:
                    raise ValueError(f"{error}{keyword_advice(name, known)}") from None
        return super().set_params(**params)

    def _check_parameters(self):
        self._activations_and_dropouts()  # first: what follows looks at their values
        super()._check_parameters()

    def _n_blocks(self):
        return 0

    def _activations_and_dropouts(self):
        """Return the activation and the dropout of every block and then hidden layer."""
        sizes = check.layer_sizes("hidden_layer_sizes", self.hidden_layer_sizes)
        n_layers, what = len(sizes), "hidden layers"
        if self._n_blocks():
            n_layers, what = n_layers + self._n_blocks(), "blocks and hidden layers"
        known, rate = check.one_of(*ACTIVATIONS), check.number(0, 1, open_high=True)
        return (
            check.per_layer("activation", self.activation, n_layers, known, what),
            check.per_layer("dropout", self.dropout, n_layers, rate, what),
        )

    def _build_layers(self, input_shape, output_shape):
        """The layers of the network, described but not built; no output layer for None."""
        return [*self._noise(), *self._head(output_shape)]

    def _noise(self):
        return [GaussianNoise(float(self.input_noise))] if self.input_noise else []

    def _scheme(self, activation):
        auto = self.weight_init == "auto"
        return default_weight_init(activation) if auto else self.weight_init

    def _head(self, output_shape):
        """The hidden dense layers, and the output layer."""
        layers = []
        sizes = check.layer_sizes("hidden_layer_sizes", self.hidden_layer_sizes)
        own = (values[self._n_blocks() :] for values in self._activations_and_dropouts())
        for units, activation, dropout in zip(sizes, *own, strict=True):
            layers.append(Dense(units, self._scheme(activation)))
            if self.batch_norm:
                layers.append(BatchNorm())
            layers.append(ACTIVATIONS[activation]())
            if dropout:
                layers.append(Dropout(float(dropout)))
        if output_shape is None:
            return layers
        return [*layers, Dense(output_shape[0], self._scheme("identity"))]


@with_shared_parameters(CLASSIFIER_PARAMETERS)
class MLPClassifier(NeuralClassifierMixin, BaseMLP):
    """Dense neural network for classification.

    Minimizes the log-loss, unless `loss` says otherwise: softmax for several classes,
    logistic for two classes and for the labels of a multilabel problem. A `y` of several
    columns of labels has such outputs for every column, and the sum of their losses; but
    a matrix of 0 and 1 is always a multilabel problem. With ``hidden_layer_sizes=()`` it
    is a multinomial logistic regression.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or list of ndarray
        Class labels; a list, an array a column, if `y` had several columns of labels.
    {attributes}

    See Also
    --------
    MLPRegressor : The same network for real targets.
    sklearn.neural_network.MLPClassifier : The estimator of the same name in scikit-learn.

    References
    ----------
    I. Goodfellow, Y. Bengio and A. Courville, Deep Learning, MIT Press 2016, chapter 6.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from skneural import MLPClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
    >>> clf = MLPClassifier((64, 32), batch_size=32, max_iter=20, patience=None,
    ...                     random_state=0)
    >>> clf.fit(X_train, y_train).score(X_test, y_test) > 0.95
    True
    """

    _parameter_checks = {
        **BaseMLP._parameter_checks,
        "loss": check.one_of(*CLASSIFIER_LOSSES),
        "class_weight": check.class_weight,
    }

    @explain_unknown_keywords
    def __init__(
        self,
        hidden_layer_sizes=(200,),
        *,
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
        self.hidden_layer_sizes = hidden_layer_sizes
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


@with_shared_parameters(REGRESSOR_PARAMETERS)
class MLPRegressor(NeuralRegressorMixin, BaseMLP):
    """Dense neural network for regression, with one or several outputs.

    Minimizes half the squared error, unless `loss` says otherwise, summed over the
    outputs. With ``hidden_layer_sizes=()`` it is a ridge regression.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    y_mean_, y_scale_ : ndarray of shape (n_outputs,)
        Mean and scale by which ``normalize_y=True`` standardizes each output; 0 and 1 where
        it does not. `partial_fit` and ``warm_start=True`` keep them. `coefs_`, `intercepts_`,
        `loss_`, `best_loss_`, `loss_curve_` and the losses in `history_` refer to the
        standardized targets; predictions and scores are in the units of `y`.
    {attributes}

    See Also
    --------
    MLPClassifier : The same network for class labels.
    sklearn.neural_network.MLPRegressor : The estimator of the same name in scikit-learn.

    References
    ----------
    I. Goodfellow, Y. Bengio and A. Courville, Deep Learning, MIT Press 2016, chapter 6.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural import MLPRegressor
    >>> x = np.linspace(-1, 2, 200).reshape(-1, 1)
    >>> y = np.sin(x).ravel()
    >>> reg = MLPRegressor((32,), learning_rate=0.01, max_iter=200, patience=None,
    ...                    random_state=0)
    >>> reg.fit(x, y).score(x, y) > 0.99
    True
    """

    _parameter_checks = {
        **BaseMLP._parameter_checks,
        "loss": check.one_of(*REGRESSOR_LOSSES),
        "quantile": check.number(0, 1, open_low=True, open_high=True),
        "delta": check.number(0, open_low=True),
        "normalize_y": check.boolean,
    }

    @explain_unknown_keywords
    def __init__(
        self,
        hidden_layer_sizes=(200,),
        *,
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
        self.hidden_layer_sizes = hidden_layer_sizes
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
