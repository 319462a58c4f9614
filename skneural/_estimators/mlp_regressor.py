"""MLPRegressor: a dense network for real targets."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from skneural._checks import parameters as check
from skneural._checks.foreign_names import explain_unknown_keywords
from skneural._estimators.regressor import NeuralRegressorMixin
from skneural._estimators.table_mlp import BaseTableMLP, CategoricalFeatures
from skneural._network.losses.regression import REGRESSOR_LOSSES
from skneural._network.losses.user_loss import LossFunction, RowLoss
from skneural.schedules import Schedule


class MLPRegressor(NeuralRegressorMixin, BaseTableMLP):
    """Dense neural network for regression, with one or several outputs.

    Minimizes half the squared error, unless `loss` says otherwise, summed over the
    outputs. With ``hidden_layer_sizes=()`` it is a ridge regression.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=200
        Units of every hidden layer, from input to output; ``()`` is a linear model.
    n_hidden_layers : int or None, default=None
        Number of hidden layers, each with `hidden_layer_sizes` units, which must be one number
        then: ``hidden_layer_sizes=64, n_hidden_layers=3`` is the same as ``(64, 64, 64)``, in
        two numbers that a search can draw. 0 means no hidden layers. With None one number is
        one layer, and a sequence has one layer per entry.
    activation : str, object or sequence of them, default="relu"
        Activation of the hidden layers: one of ``"identity"``, ``"logistic"``, ``"tanh"``,
        ``"relu"``, ``"leaky_relu"`` (slope 0.01), ``"elu"``, ``"gelu"`` (exact), ``"silu"``
        and ``"softplus"``; an object of your own with the methods ``f(x)`` and ``df(x)``, which
        return the function and its derivative at every element of an array; or a sequence of
        them, one per hidden layer. `fit` compares `df` with finite differences of `f`. NumPy
        trains networks with such objects.
    loss : str, callable or object, default="squared_error"
        Loss function: ``"squared_error"``, ``"absolute_error"``, ``"huber"``,
        ``"quantile"``, ``"poisson"`` or ``"gamma"``: half the squared error, the absolute
        error, Huber's loss, the pinball loss of a quantile, half the Poisson deviance (y from
        0 up) or half the gamma deviance (y above 0). `link` says how predictions follow from
        the output of the network. Or a loss of your own: a
        function ``(y, raw_prediction)``, or an object with such a method `loss_gradient`, that
        returns the loss of each row, of shape (n_samples,), and its gradient with respect to
        `raw_prediction`, both arrays of shape (n_samples, n_outputs). With a method
        ``predict(raw_prediction)`` the object turns the network's output into predictions;
        without it, that output is the prediction. `fit` compares the gradient with finite
        differences for some of the targets. The network is then trained by NumPy.
    solver : {"adam", "adamw", "sgd", "rmsprop", "adagrad", "lbfgs"}, default="adam"
        Adam, Adam with decoupled decay, gradient descent with momentum, RMSProp or AdaGrad,
        all on mini-batches and as in PyTorch; or SciPy's L-BFGS on the whole data set, for
        small data and linear models, where an epoch is an iteration. L-BFGS ignores
        `learning_rate`, `schedule`, `decay`, `batch_size` and `shuffle`, and does not support
        `partial_fit`, dropout, batch normalization, noise, augmentation, `l1_ratio` and
        `max_grad_norm`. It often needs more iterations than the default of `max_iter`; if
        `patience` is a number, a ConvergenceWarning is given then.
    learning_rate : float, default=3e-3
        Learning rate of the first epoch, above 0, which `schedule` and `decay` multiply.
    schedule : str or Schedule, default="auto"
        Learning-rate schedule: ``"constant"``, ``"invscaling"``, ``"adaptive"`` (a fifth of the
        rate after every `patience` epochs without improvement, down to 1e-6), ``"step"``,
        ``"exponential"``, ``"linear"``, ``"cosine"`` or ``"cosine_restarts"``, or an object of
        `skneural.schedules`, whose parameters can be searched as ``schedule__period`` and which
        may have a warm-up. A linear or cosine schedule without a period lasts `max_iter`
        epochs; after its end the rate keeps its last value, by default 0, and further calls of
        `partial_fit` change nothing. A warm start of `fit` extends it to its own end, so the
        rate may rise again. ``"auto"`` is ``"cosine"`` in a `fit` that begins with a new
        network, and ``"constant"`` where training continues: in `partial_fit`, and in a warm
        start of `fit`.
    decay : float, default=1.0
        Factor of the learning rate after every epoch, in (0, 1].
    batch_size : int or "auto", default="auto"
        Number of samples per mini-batch, at most `n_samples`. ``"auto"`` is
        ``min(32, n_samples)``.
    max_iter : int, default=50
        Maximum number of epochs (passes over the data) of one call of `fit`.
        With 0 nothing is trained: `fit` checks everything as usual, and the estimator is then
        fitted with its initial weights, with those given to `fit`, or with
        ``warm_start=True`` with those that it has.
    patience : int or None, default=None
        Training stops after this many consecutive epochs in which the training loss did not
        fall more than `tol` below its lowest value in this call. None means never: exactly
        `max_iter` epochs are run, without a ConvergenceWarning if these were too few. With
        ``solver="lbfgs"`` it applies to validation scores only.
    tol : float, default=1e-4
        Smallest improvement of the loss that counts; see `patience`. With
        ``solver="lbfgs"`` instead the largest entry of the gradient at which the fit ends; it
        also ends when the loss no longer falls in the network's dtype.
    target_score : float or None, default=None
        Validation score at which training stops.
    early_stopping : bool or "auto", default=False
        Whether `fit` holds out a part of the data (stratified by class), scores it after
        every epoch, and applies `patience` to this score instead of the loss. With it, or
        with `X_val` in `fit`, the weights of the best score are restored at the end; of equal
        scores, those of the lowest validation loss. The score uses the sample and class weights
        of the data held out. ``"auto"`` holds a part out if more than 10,000 samples have a
        weight and no class has a single sample, but never for ``solver="lbfgs"``. `partial_fit`
        holds nothing out; it does not exist with True.
    validation_fraction : float, default=0.1
        Share of the samples that `early_stopping` holds out, in (0, 1); at least as many
        samples as there are classes, and at least 2.
    scoring : str, callable or None, default=None
        The validation score: the name of a scorer of scikit-learn, a callable
        ``scorer(estimator, X, y)``, or None for accuracy or R². A callable that takes
        `sample_weight` receives the weights if there are any, and images as flat rows.
        Without validation data it has no effect, and `fit` warns.
    alpha : float or "auto", default="auto"
        Strength of the penalty on weights (not biases):
        ``alpha * ((1 - l1_ratio) / 2 * sum(w ** 2) + l1_ratio * sum(abs(w)))``, divided by
        the sum of the sample weights of the batch, is added to its loss, as in scikit-learn.
        With ``solver="adamw"`` it is the decoupled decay instead: weights are multiplied by
        ``1 - rate * alpha`` before every step. ``"auto"`` is ``3 * batch_size / n_samples``
        in `fit`, so that the effect of the penalty does not depend on the batch size and
        decreases with the number of samples; 0.0001 in `partial_fit`, where the number of
        samples is not known; and 0.01 for ``solver="adamw"``.
    l1_ratio : float, default=0.0
        Share of the absolute values in the penalty, in [0, 1].
    dropout : float or sequence of float, default=0.0
        Share of the units of every hidden layer that are left out at random in training, in
        [0, 1); or a sequence of them, one per hidden layer. The others are scaled up by
        ``1 / (1 - dropout)``; predictions use all units.
    batch_norm : bool, default=False
        Whether each hidden layer is normalized before its activation: by the mean and
        variance of the batch in training, by their running averages in predictions. Needs
        mini-batches of at least 2 samples.
    input_noise : float, default=0.0
        Standard deviation of normal noise that is added to each mini-batch of X in training.
    max_grad_norm : float or None, default=None
        Maximum norm of the gradient of all parameters; larger gradients are scaled down.
    weight_init : {"auto", "he", "glorot", "lecun", "zeros"}, default="auto"
        Scheme of the uniform initial weights. ``"auto"`` is He for layers before a
        rectifier (relu, leaky_relu, elu, gelu, silu, softplus) and Glorot for the others, also
        for an activation of your own.
        Biases start at 0. `fit` accepts other initial weights.
    quantile : float or sequence of float, default=0.5
        Which quantile ``loss="quantile"`` estimates, in (0, 1); or several in increasing order,
        of one target. `predict` then returns one column per quantile, sorted in every row, so
        that they never cross.
    delta : float, default=1.0
        Residual from which on ``loss="huber"`` is linear, in units of `y_scale_`, which is the
        standard deviation of y unless `link` or `normalize_y` say otherwise.
    link : {"auto", "identity", "log", "logit"}, default="auto"
        How a prediction follows from the output z of the network: it is z (``"identity"``), its
        exponential (``"log"``, for targets from 0 up), or
        ``low + (high - low) / (1 + exp(-z))`` with the bounds of `output_range` (``"logit"``,
        for targets within them). ``"squared_error"``, ``"absolute_error"`` and ``"huber"`` take
        every link, and are losses of the predictions whatever the link is. ``"quantile"`` has
        the identity only, ``"poisson"`` and ``"gamma"`` the logarithm only. ``"auto"`` is
        ``"log"`` for these two, and ``"identity"`` for the others. A loss of your own takes
        ``"auto"`` only: it may have a method `predict`.
    output_range : tuple of two floats or None, default=None
        Bounds (low, high) of the predictions with ``link="logit"``, which needs them; None with
        every other link.
    normalize_y : bool, default=True
        Whether the network is trained on standardized targets: each output minus the mean of
        the rows trained on, divided by their standard deviation, both with sample weights.
        Predictions, and scores with them, are in the units of `y`. The weights, every loss, and
        the parameters `alpha`, `delta` and `tol` refer to the standardized targets.
        `partial_fit` and ``warm_start=True`` keep the mean and the standard deviation of the
        first call. With ``link="log"``, and with ``loss="gamma"``, the targets are only
        divided, by their mean; with ``link="logit"`` the range is standardized with them.
        ``"poisson"`` and losses of your own with a method `predict` ignore it.
    categorical_features : array-like, "from_dtype" or None, default="from_dtype"
        Which columns of X are categories: their names, their indices, or a boolean mask of all
        columns. ``"from_dtype"`` are those of a dataframe (pandas, polars or pyarrow) whose
        dtype is category, enum or string, or object with text in it; None means that all
        columns are numbers, and arrays are numbers without it, too. Each category becomes
        one-hot columns, one for each level of the training data and one for missing values
        if there were any. A level that was not seen in training counts as missing or, where
        there is no such column, is 0 in all of them. If X has categories, its other columns
        are standardized by mean and standard deviation of the training data, except those
        of 0 and 1 alone. Without categories X is not scaled. The first `partial_fit` learns
        all this for later ones; it knows, beside the levels of its rows, those that the
        dtype of a column declares.
    dtype : {"auto", "float32", "float64"}, default="auto"
        Type of weights and arithmetic. ``"auto"`` follows the X of the first fit: float32
        for float32, float16, booleans and integers of up to 16 bits (images), float64 for
        the rest. float32 is up to twice as fast.
    momentum : float, default=0.9
        Momentum of ``solver="sgd"``, in [0, 1).
    nesterovs_momentum : bool, default=True
        Whether ``solver="sgd"`` uses Nesterov's momentum.
    beta_1 : float, default=0.9
        Decay of the first moment of Adam and AdamW, in [0, 1).
    beta_2 : float, default=0.95
        Decay of the second moment of Adam and AdamW, in [0, 1).
    rho : float, default=0.99
        Decay of the mean of squared gradients of ``solver="rmsprop"``, in [0, 1).
    epsilon : float, default=1e-8
        Number added to the root by which Adam, AdamW, RMSProp and AdaGrad divide.
    power_t : float, default=0.5
        Exponent of ``schedule="invscaling"``: the rate is divided by
        ``(epoch + 1) ** power_t``, with epochs counted from 0.
    max_fun : int, default=15000
        Maximum number of evaluations of the loss by ``solver="lbfgs"`` in one fit.
    shuffle : bool, default=True
        Whether the samples are shuffled in every epoch.
    warm_start : bool, default=False
        Whether `fit` continues from where the last `fit` or `partial_fit` ended (weights,
        optimizer, rate and order of samples) instead of starting a new network. With False, a
        fit discards the optimizer's state at its end, which is up to twice the weights.
    verbose : bool or int, default=False
        Whether to print the loss of every epoch, and the validation score if there is one.
    on_interrupt : {"raise", "warn"}, default="raise"
        What `fit` does after Ctrl-C, once the current step has ended and the estimator is
        fitted with the weights reached: raise the KeyboardInterrupt, which also ends a search
        or a script around it, or warn and return. Before the end of the first epoch it is
        always raised. See `fit`.
    random_state : int, RandomState or None, default=None
        Seed of initial weights, order of samples, dropout and noise. The same integer gives the
        same bits in any process (for products large enough to be shared by several BLAS
        threads: with the same number of threads). None takes fresh entropy from the system.
        NumPy's global generator is never used.

    Attributes
    ----------
    y_mean_, y_scale_ : ndarray of shape (n_targets,)
        What ``normalize_y=True`` subtracts from each output, and what it divides the result
        by; 0 and 1 where it does nothing. `partial_fit` and ``warm_start=True`` keep them.
        `coefs_`, `intercepts_`, `loss_`, `best_loss_`, `loss_curve_` and the losses in
        `history_` refer to these units; predictions and scores are in the units of `y`.
    coefs_ : tuple of ndarray of shape (n_inputs, n_units)
        Weights of every layer, from input to output; of a convolution (height, width,
        n_channels, n_filters). Writable views: a change in place changes the network.
    intercepts_ : tuple of ndarray of shape (n_units,)
        Biases of every layer. Writable views.
    n_iter_ : int
        Epochs that the network has been trained for, over all calls.
    t_ : int
        Number of training samples seen, over all epochs and calls.
    loss_ : float
        Training loss of the last epoch, penalty included: the mean over its mini-batches,
        each computed before its step.
        If there was no epoch (``max_iter=0``), the loss of the initial weights, without
        dropout and noise.
    best_loss_ : float
        Lowest entry of `loss_curve_`; the same as `loss_` if there was no epoch.
    loss_curve_ : list of float
        Training loss of every epoch.
    history_ : dict of list
        One entry per epoch: ``"learning_rate"`` (the rate used; NaN with L-BFGS), ``"loss"``,
        ``"grad_norm"`` (of the last batch, before it is clipped) and ``"seconds"``;
        with validation data also ``"validation_loss"`` (without penalty),
        ``"validation_score"`` and ``"score"`` (of as many training samples).
    validation_scores_ : list of float
        Validation score of every epoch; only with validation data, after an epoch.
    best_validation_score_ : float
        Highest of them; only with validation data, after an epoch.
    n_layers_ : int
        Number of layers, input and output included.
    n_outputs_ : int
        Number of outputs of the network, all columns of `y` or all quantiles together.
    out_activation_ : str or tuple of str
        ``"softmax"``, ``"logistic"``, ``"identity"`` or ``"exp"``; one for each column of
        labels where several columns differ. The name of its class for a loss of your own that
        has a method `predict`.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if `X` had names that are all strings.
    input_names_ : ndarray of shape (n_inputs,)
        Names of the inputs of the network, one for each row of ``coefs_[0]``: first the
        features that are numbers, then ``missingindicator_age`` for each of them that had
        missing values, then ``city_Paris`` and so on for each level of a category, and
        ``city_nan`` for its missing values.
    network_ : Network
        The network: ``network_.n_params`` is its number of parameters, ``network_.theta``
        all of them in one vector.

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

    _parameter_checks: Mapping[str, check.CheckValue] = {
        **BaseTableMLP._parameter_checks,
        "loss": check.one_of_or_object(
            *REGRESSOR_LOSSES,
            methods=("loss_gradient",),
            function="a function of y and raw_prediction",
        ),
        "quantile": check.quantiles,
        "delta": check.number(0, open_low=True),
        "link": check.one_of("auto", "identity", "log", "logit"),
        "output_range": check.number_range,
        "normalize_y": check.boolean,
    }

    @explain_unknown_keywords
    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = 200,
        *,
        n_hidden_layers: int | None = None,
        activation: str | Sequence[str] = "relu",
        loss: str | RowLoss | LossFunction = "squared_error",
        solver: str = "adam",
        learning_rate: float = 3e-3,
        schedule: str | Schedule = "auto",
        decay: float = 1.0,
        batch_size: int | Literal["auto"] = "auto",
        max_iter: int = 50,
        patience: int | None = None,
        tol: float = 1e-4,
        target_score: float | None = None,
        early_stopping: bool | Literal["auto"] = False,
        validation_fraction: float = 0.1,
        scoring: str | Callable[..., float] | None = None,
        alpha: float | Literal["auto"] = "auto",
        l1_ratio: float = 0.0,
        dropout: float | Sequence[float] = 0.0,
        batch_norm: bool = False,
        input_noise: float = 0.0,
        max_grad_norm: float | None = None,
        weight_init: str = "auto",
        quantile: float | Sequence[float] = 0.5,
        delta: float = 1.0,
        link: str = "auto",
        output_range: Sequence[float] | None = None,
        normalize_y: bool = True,
        categorical_features: CategoricalFeatures = "from_dtype",
        dtype: Literal["auto", "float32", "float64"] = "auto",
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        beta_1: float = 0.9,
        beta_2: float = 0.95,
        rho: float = 0.99,
        epsilon: float = 1e-8,
        power_t: float = 0.5,
        max_fun: int = 15_000,
        shuffle: bool = True,
        warm_start: bool = False,
        verbose: bool | int = False,
        on_interrupt: Literal["raise", "warn"] = "raise",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.n_hidden_layers = n_hidden_layers
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
        self.link = link
        self.output_range = output_range
        self.normalize_y = normalize_y
        self.categorical_features = categorical_features
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
