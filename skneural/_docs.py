"""Docstring text that several estimators share, kept in one place."""

import inspect

PARAMETERS = """\
hidden_layer_sizes : int or sequence of int, default=(100,)
    Units of every hidden layer, from input to output; ``()`` is a linear model.
activation : str or sequence of str, default="relu"
    Activation of the hidden layers: one of ``"identity"``, ``"logistic"``, ``"tanh"``,
    ``"relu"``, ``"leaky_relu"`` (slope 0.01), ``"elu"``, ``"gelu"`` (exact), ``"silu"``
    and ``"softplus"``; or a sequence of them, one a hidden layer.
solver : {"adam", "sgd"}, default="adam"
    Adam, or gradient descent with momentum; both on mini-batches.
learning_rate : float, default=1e-3
    Rate of the first epoch, above 0.
decay : float, default=1.0
    The rate is multiplied by this after every epoch; in (0, 1].
batch_size : int or "auto", default="auto"
    Rows a step; never more than there are. ``"auto"`` is ``min(200, n_samples)``.
max_iter : int, default=200
    Epochs (passes over the data) of one call of `fit`, at most.
patience : int or inf, default=10
    Training stops after this many epochs in a row in which the training loss did not
    fall more than `tol` below its lowest value in this call. With ``np.inf`` exactly
    `max_iter` epochs are run, and no ConvergenceWarning is given.
tol : float, default=1e-4
    Smallest improvement of the loss that counts; see `patience`.
alpha : float, default=1e-4
    Strength of the L2 penalty on weights (not biases): ``alpha / 2 * sum(w ** 2)``,
    divided by the sum of the sample weights of the batch, is added to its loss, as in
    scikit-learn.
weight_init : {"auto", "he", "glorot", "lecun", "zeros"}, default="auto"
    Scheme of the uniform initial weights. ``"auto"`` is He for layers before a
    rectifier (relu, leaky_relu, elu, gelu, silu, softplus) and Glorot for the others.
    Biases start at 0. To start from weights of your own see `fit`.
dtype : {"auto", "float32", "float64"}, default="auto"
    Type of weights and arithmetic. ``"auto"`` follows the X of the first fit: float32
    for float32, float16, booleans and integers of up to 16 bits (images), float64 for
    the rest. float32 is up to twice as fast.
momentum : float, default=0.9
    Momentum of ``solver="sgd"``, in [0, 1).
nesterovs_momentum : bool, default=True
    Whether ``solver="sgd"`` uses Nesterov's momentum.
beta_1 : float, default=0.9
    Decay of the first moment of ``solver="adam"``, in [0, 1).
beta_2 : float, default=0.999
    Decay of the second moment of ``solver="adam"``, in [0, 1).
epsilon : float, default=1e-8
    Number added to the root of the second moment of ``solver="adam"``.
shuffle : bool, default=True
    Whether rows are put in a new random order in every epoch.
warm_start : bool, default=False
    Whether `fit` goes on from where the last `fit` or `partial_fit` ended (weights,
    optimizer, rate and order of rows) instead of starting a new network.
verbose : bool or int, default=False
    Whether to print the loss of every epoch.
random_state : int, RandomState or None, default=None
    Seed of initial weights and order of rows. The same integer gives the same bits in
    any process (for networks large enough to use several BLAS threads: with the same
    number of threads). None takes fresh entropy from the system. NumPy's global
    generator is never used.
"""

ATTRIBUTES = """\
coefs_ : tuple of ndarray of shape (n_inputs, n_units)
    Weights of every layer, from input to output. Writable views: a change in place
    changes the network.
intercepts_ : tuple of ndarray of shape (n_units,)
    Biases of every layer. Writable views.
n_iter_ : int
    Epochs that the network has been trained for, over all calls.
t_ : int
    Training samples seen, over all epochs and calls.
loss_ : float
    Training loss of the last epoch, penalty included: the mean over its batches, each
    before its step.
best_loss_ : float
    Lowest entry of `loss_curve_`.
loss_curve_ : list of float
    Training loss of every epoch.
n_layers_ : int
    Number of layers, input and output included.
n_outputs_ : int
    Number of outputs of the network.
out_activation_ : str
    ``"softmax"``, ``"logistic"`` or ``"identity"``.
n_features_in_ : int
    Number of features seen during `fit`.
feature_names_in_ : ndarray of shape (n_features,)
    Names of the features, if `X` had names that are all strings.
network_ : Network
    The network: ``network_.n_params`` is its number of parameters, ``network_.theta``
    all of them in one vector.
"""


def with_shared_parameters(cls):
    """Fill ``{parameters}`` and ``{attributes}`` into the docstring of a class."""
    doc = inspect.cleandoc(cls.__doc__)
    doc = doc.replace("{parameters}\n", PARAMETERS).replace("{attributes}\n", ATTRIBUTES)
    cls.__doc__ = doc + "\n"
    return cls
