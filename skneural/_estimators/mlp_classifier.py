"""MLPClassifier: a dense network for class labels."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from skneural._checks import parameters as check
from skneural._checks.foreign_names import explain_unknown_keywords
from skneural._estimators.class_weight import ClassWeight
from skneural._estimators.classifier import NeuralClassifierMixin
from skneural._estimators.table_mlp import BaseTableMLP, CategoricalFeatures
from skneural._network.losses.classification import CLASSIFIER_LOSSES
from skneural.schedules import Schedule


class MLPClassifier(NeuralClassifierMixin, BaseTableMLP):
    """Dense neural network for classification.

    By default, the network minimizes the log-loss, with a softmax output for several classes,
    and logistic outputs for two classes and for the labels of a multilabel problem. If `y` has
    several columns of labels, there are such outputs for every column, and the losses are
    added. A matrix of 0 and 1 is always a multilabel problem. With ``hidden_layer_sizes=()``
    it is a multinomial logistic regression.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=200
        Number of units of every hidden layer, from input to output; ``()`` gives a linear
        model.
    n_hidden_layers : int or None, default=None
        Number of hidden layers, each with `hidden_layer_sizes` units, which must then be one
        number: ``hidden_layer_sizes=64, n_hidden_layers=3`` is the same as ``(64, 64, 64)``,
        but consists of two numbers that a search can sample. 0 means no hidden layers. If
        None, a number is one layer, and a sequence has one layer per entry.
    activation : str, object or sequence of them, default="relu"
        Activation of the hidden layers: one of ``"identity"``, ``"logistic"``, ``"tanh"``,
        ``"relu"``, ``"leaky_relu"`` (slope 0.01), ``"elu"``, ``"gelu"`` (exact), ``"silu"``
        and ``"softplus"``; a user-defined object with the methods ``f(x)`` and ``df(x)``, which
        return the function and its derivative at every element of an array; or a sequence of
        these, one per hidden layer. `fit` compares `df` with finite differences of `f`.
        Networks with user-defined activations are trained with NumPy.
    loss : {"log_loss", "squared_error", "hinge", "perceptron"}, default="log_loss"
        Loss function: the log-loss, half the squared error of the probabilities, or the hinge
        or perceptron loss of the logits. The last two do not provide probabilities.
    solver : {"adam", "adamw", "sgd", "rmsprop", "adagrad", "lbfgs"}, default="adam"
        Adam, Adam with decoupled weight decay, gradient descent with momentum, RMSProp and
        AdaGrad use mini-batches, and compute the same updates as PyTorch. L-BFGS (from SciPy)
        uses the whole data set, and is meant for small data sets and linear models; its
        iterations count as epochs. It ignores `learning_rate`, `schedule`, `decay`,
        `batch_size` and `shuffle`, and does not support `partial_fit`, dropout, batch
        normalization, noise, augmentation, `l1_ratio` and `max_grad_norm`. It often needs more
        iterations than the default of `max_iter`; a ConvergenceWarning is then given if
        `patience` is a number.
    learning_rate : float, default=3e-3
        Initial learning rate, greater than 0, which `schedule` and `decay` change from epoch
        to epoch.
    schedule : str or Schedule, default="auto"
        Learning-rate schedule: ``"constant"``, ``"invscaling"``, ``"adaptive"`` (the rate is
        divided by 5 after every `patience` epochs without improvement, until it is 1e-6),
        ``"step"``, ``"exponential"``, ``"linear"``, ``"cosine"`` or ``"cosine_restarts"``, or
        an object of `skneural.schedules`, which may have a warm-up and whose parameters can be
        searched as ``schedule__period``. A linear or cosine schedule without a period lasts
        `max_iter` epochs. Afterwards the rate keeps its last value, which is 0 by default, so
        that further calls of `partial_fit` change nothing. A `fit` with ``warm_start=True``
        extends the schedule to the end of this fit, so the rate may increase again.
        ``"auto"`` is ``"cosine"`` in a `fit` that begins with a new network, and
        ``"constant"`` if training continues, in `partial_fit` or in a `fit` with
        ``warm_start=True``.
    decay : float, default=1.0
        Factor by which the learning rate is multiplied after every epoch, in (0, 1].
    batch_size : int or "auto", default="auto"
        Number of samples per mini-batch, at most `n_samples`. ``"auto"`` is
        ``min(32, n_samples)``.
    max_iter : int, default=50
        Maximum number of epochs (passes over the data) in one call of `fit`. If 0, `fit`
        checks everything as usual but does not train: the estimator is then fitted with its
        initial weights, with those passed to `fit`, or, with ``warm_start=True``, with its
        present weights.
    patience : int or None, default=None
        Training stops after this many consecutive epochs in which the training loss was not
        more than `tol` below its lowest value in this call. If None, training always runs for
        `max_iter` epochs, and no ConvergenceWarning is given if these were too few. With
        ``solver="lbfgs"``, `patience` applies to validation scores only.
    tol : float, default=1e-4
        Minimum decrease of the loss that counts as an improvement; see `patience`. With
        ``solver="lbfgs"``, the fit instead ends when no entry of the gradient is larger than
        `tol`, or when the loss no longer decreases in the network's dtype.
    target_score : float or None, default=None
        Validation score at which training stops.
    early_stopping : bool or "auto", default=False
        Whether `fit` holds out a part of the data (stratified by class), scores it after
        every epoch, and applies `patience` to this score instead of the loss. In this case,
        and if `X_val` is passed to `fit`, the weights with the best score are restored at the
        end (for equal scores, those with the lowest validation loss). The score uses the
        sample and class weights of the held-out data. ``"auto"`` holds out a part if
        more than 10,000 samples have a weight and no class has only one sample, but never for
        ``solver="lbfgs"``. `partial_fit` never holds out data, and is not available with True.
    validation_fraction : float, default=0.1
        Proportion of the samples that `early_stopping` holds out, in (0, 1). At least 2
        samples, and at least as many as there are classes, are held out.
    scoring : str, callable or None, default=None
        The validation score: the name of a scorer of scikit-learn, a callable
        ``scorer(estimator, X, y)``, or None for accuracy or R². A callable that takes
        `sample_weight` receives the weights if there are any, and images as flat rows.
        Without validation data, `scoring` has no effect and `fit` gives a warning.
    alpha : float or "auto", default="auto"
        Strength of the penalty on weights (not biases). As in scikit-learn,
        ``alpha * ((1 - l1_ratio) / 2 * sum(w ** 2) + l1_ratio * sum(abs(w)))``, divided by
        the sum of the sample weights of the mini-batch, is added to its loss. With
        ``solver="adamw"``, alpha is the decoupled weight decay: weights are multiplied by
        ``1 - rate * alpha`` before every step. ``"auto"`` is ``3 * batch_size / n_samples``
        in `fit`, so that the effect of the penalty does not depend on the batch size and
        decreases with the number of samples; 0.0001 in `partial_fit`, where the number of
        samples is not known; and 0.01 for ``solver="adamw"``. With log-loss and with the
        squared error of regressors, `fit` adjusts ``"auto"`` before every epoch (not for
        ``solver="lbfgs"`` or ``"adamw"``). The training loss of the previous epoch is divided
        by that of the best constant prediction. With log-loss, ``3 * batch_size / n_samples``
        is multiplied by twice this ratio, and with squared error,
        ``2 * batch_size / n_samples ** 0.75`` by the ratio. Factors below 0.2 are replaced by
        0.2, and factors above 1 by 1.
    l1_ratio : float, default=0.0
        Proportion of the absolute values (L1) in the penalty, in [0, 1].
    dropout : float or sequence of float, default=0.0
        Proportion of the units of every hidden layer that are randomly set to 0 in training,
        in [0, 1); or a sequence of such numbers, one per hidden layer. The other units are
        multiplied by ``1 / (1 - dropout)``. Predictions use all units.
    batch_norm : bool, default=False
        Whether each hidden layer is normalized before its activation, with the mean and the
        variance of the mini-batch in training, and with their running averages in
        predictions. Mini-batches must have at least 2 samples.
    input_noise : float, default=0.0
        Standard deviation of normal noise that is added to each mini-batch of X in training.
    max_grad_norm : float or None, default=None
        Maximum norm of the gradient of all parameters; larger gradients are scaled down.
    weight_init : {"auto", "he", "glorot", "lecun", "zeros"}, default="auto"
        Scheme of the uniformly distributed initial weights. ``"auto"`` is He for layers before
        a rectifier (relu, leaky_relu, elu, gelu, silu, softplus), and Glorot for other layers,
        including those before a user-defined activation. Biases are initially 0. Other
        initial weights can be passed to `fit`.
    class_weight : dict, list of dict, "balanced" or None, default=None
        Factors by which the sample weights of each class are multiplied. ``"balanced"`` uses
        ``n_samples / (n_classes * count)``. For several columns of labels, a list with one
        dict per column, whose factors are multiplied.
    categorical_features : array-like, "from_dtype" or None, default="from_dtype"
        Which columns of X are categories: their names, their indices, or a boolean mask of all
        columns. ``"from_dtype"`` are those of a dataframe (pandas, polars or pyarrow) whose
        dtype is category, enum or string, or object with text in it; None means that all
        columns are numbers, and arrays are numbers without it, too. Each category with up to
        64 levels becomes one-hot columns, one for each level of the training data and one for
        missing values if there were any; if that makes two, it becomes a single column of 0
        and 1. For a category with more levels, the network learns an embedding: a vector for
        each of these levels, whose length is ``1.6 * n_levels ** 0.25``, rounded and at most
        16. A step changes the vectors of those levels only that occur in its mini-batch, and
        `alpha` does not penalize them. They are initialized at random, with a mean squared
        norm of 1. A level that was not seen in training counts as missing or, if there were
        no missing values, has zeros in all of these columns, or 0.5 in a single column. If X
        has categories, its other columns are standardized by mean and standard deviation of
        the training data, except those of 0 and 1 alone, and limited to 8 standard deviations
        from the mean. Without categories X is not scaled. The first `partial_fit` learns all
        this for later ones; it knows, beside the levels of its rows, those that the dtype of
        a column declares.
    dtype : {"auto", "float32", "float64"}, default="auto"
        Data type of weights and computations. ``"auto"`` depends on the X of the first fit: it
        is float32 for float32, float16, booleans and integers of up to 16 bits (images), and
        float64 for all others. float32 is up to twice as fast.
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
        Number added to the denominator of the updates of Adam, AdamW, RMSProp and AdaGrad.
    power_t : float, default=0.5
        Exponent of ``schedule="invscaling"``: the rate is divided by
        ``(epoch + 1) ** power_t``, with epochs counted from 0.
    max_fun : int, default=15000
        Maximum number of evaluations of the loss by ``solver="lbfgs"`` in one fit.
    shuffle : bool, default=True
        Whether to shuffle the samples in every epoch.
    warm_start : bool, default=False
        Whether `fit` continues where the last `fit` or `partial_fit` ended (weights, state of
        the optimizer, learning rate and order of samples) instead of training a new network.
        With False, `fit` discards the state of the optimizer at its end, which may need twice
        as much memory as the weights.
    verbose : bool or int, default=False
        Whether to print the loss of every epoch, and the validation score if there is one.
    on_interrupt : {"raise", "warn"}, default="raise"
        How `fit` reacts to Ctrl-C. When the current step has ended, the estimator is fitted
        with the weights it has reached. Then `fit` either raises KeyboardInterrupt, which also
        ends a search or script that called it, or gives a warning and returns. Before the end
        of the first epoch, it always raises KeyboardInterrupt. See `fit`.
    random_state : int, RandomState or None, default=None
        Seed of initial weights, order of samples, dropout and noise. The same integer gives
        exactly the same results in any process (if matrix products are large enough for several
        BLAS threads, with the same number of threads). None takes new entropy from the
        operating system. NumPy's global generator is never used.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or list of ndarray
        Class labels, or a list of arrays, one per column, if `y` had several columns of labels.
    coefs_ : tuple of ndarray of shape (n_inputs, n_units)
        Weights of every layer, from input to output. The weights of a convolution have the
        shape (height, width, n_channels, n_filters). The arrays are writable views of the
        network's parameters: a change in place changes the network.
    intercepts_ : tuple of ndarray of shape (n_units,)
        Biases of every layer, as writable views of the network's parameters.
    n_iter_ : int
        Number of epochs that the network has been trained for in all calls together.
    t_ : int
        Number of training samples seen in all epochs and calls together.
    loss_ : float
        Training loss of the last epoch, including the penalty: the mean over its mini-batches,
        each computed before the update of the weights. After a fit with ``max_iter=0``, it is
        the loss of the initial weights, without dropout and noise.
    best_loss_ : float
        Lowest entry of `loss_curve_`, or `loss_` if there was no epoch.
    loss_curve_ : list of float
        Training loss of every epoch.
    history_ : dict of list
        Lists with one entry per epoch: ``"learning_rate"`` (NaN with L-BFGS), ``"loss"``,
        ``"grad_norm"`` (the norm of the gradient of the last mini-batch, before it is clipped)
        and ``"seconds"``. With validation data, there are also ``"validation_loss"`` (without
        the penalty), ``"validation_score"``, and ``"score"`` (the score of as many training
        samples).
    validation_scores_ : list of float
        Validation score of every epoch. Only available after at least one epoch with
        validation data.
    best_validation_score_ : float
        Highest validation score. Only available after at least one epoch with validation data.
    n_layers_ : int
        Number of layers, including the input and the output layer.
    n_outputs_ : int
        Number of outputs of the network, for all columns of `y` or all quantiles together.
    out_activation_ : str or tuple of str
        ``"softmax"``, ``"logistic"``, ``"identity"`` or ``"exp"``, or a tuple with one of them
        per column of labels if they differ. For a user-defined loss with a method `predict`, it
        is the name of its class.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if `X` had names that are all strings.
    input_names_ : ndarray of shape (n_inputs,)
        Names of the inputs of the network, one for each row of ``coefs_[0]``: first the
        features that are numbers, then ``missingindicator_age`` for each of them that had
        missing values, then ``city_Paris`` and so on for each level of a category, and
        ``city_nan`` for its missing values, then ``shop_embedding0`` and so on for each
        number of an embedding.
    embeddings_ : dict of str to ndarray of shape (n_levels, n_numbers)
        The embeddings by the names of their columns: a row for each level, in the order of
        the sorted levels, and the last row for missing values if there were any. The arrays
        are views: changing one changes the network.
    network_ : Network
        The network. ``network_.n_params`` is its number of parameters, and ``network_.theta``
        is a vector with all of them.

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

    _parameter_checks: Mapping[str, check.CheckValue] = {
        **BaseTableMLP._parameter_checks,
        "loss": check.name_of_loss(*CLASSIFIER_LOSSES),
        "class_weight": check.class_weight,
    }

    @explain_unknown_keywords
    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = 200,
        *,
        n_hidden_layers: int | None = None,
        activation: str | Sequence[str] = "relu",
        loss: str = "log_loss",
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
        class_weight: ClassWeight | None = None,
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
        self.class_weight = class_weight
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
