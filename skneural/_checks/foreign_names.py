"""Names in other libraries, for which error messages give the names in skneural."""

import difflib
import functools
import inspect
import re
from collections.abc import Callable, Iterable
from typing import TypeVar, cast

from sklearn.base import BaseEstimator

_Method = TypeVar("_Method", bound=Callable[..., object])

# names of values in other libraries, in lower-case letters and digits only
_VALUES = {
    # activations
    "sigmoid": "logistic",
    "swish": "silu",
    "linear": "identity",
    "none": "identity",
    "lrelu": "leaky_relu",
    # losses
    **dict.fromkeys(("mse", "mseloss", "meansquarederror", "l2"), "squared_error"),
    **dict.fromkeys(("mae", "l1loss", "meanabsoluteerror", "l1"), "absolute_error"),
    **dict.fromkeys(("huberloss", "smoothl1", "smoothl1loss"), "huber"),
    **dict.fromkeys(("poissonloss", "poissonnllloss"), "poisson"),
    "gammadeviance": "gamma",
    **dict.fromkeys(("log", "nll", "nllloss", "deviance"), "log_loss"),
    **dict.fromkeys(("crossentropy", "crossentropyloss", "bce", "bceloss"), "log_loss"),
    **dict.fromkeys(("bcewithlogitsloss", "binarycrossentropy"), "log_loss"),
    **dict.fromkeys(("categoricalcrossentropy", "sparsecategoricalcrossentropy"), "log_loss"),
    "pinball": "quantile",
    # solvers
    **dict.fromkeys(("gd", "gradientdescent", "momentum", "nesterov"), "sgd"),
    **dict.fromkeys(("bfgs", "lbfgsb"), "lbfgs"),
    # pools
    **dict.fromkeys(("avg", "mean", "avgpool", "averagepooling"), "average"),
    **dict.fromkeys(("maximum", "maxpool", "maxpooling"), "max"),
    **dict.fromkeys(("gap", "globalavg", "globalaveragepooling"), "global_average"),
    # initial weights
    **dict.fromkeys(("xavier", "xavieruniform", "xaviernormal"), "glorot"),
    **dict.fromkeys(("glorotuniform", "glorotnormal"), "glorot"),
    **dict.fromkeys(("kaiming", "kaiminguniform", "kaimingnormal"), "he"),
    **dict.fromkeys(("henormal", "heuniform"), "he"),
    **dict.fromkeys(("lecunnormal", "lecununiform"), "lecun"),
    # schedules
    **dict.fromkeys(("plateau", "reducelronplateau"), "adaptive"),
    **dict.fromkeys(("cosineannealing", "cosineannealinglr", "cosinedecay"), "cosine"),
    **dict.fromkeys(("sgdr", "cosineannealingwarmrestarts"), "cosine_restarts"),
    **dict.fromkeys(("exponentiallr", "exponentialdecay"), "exponential"),
    "steplr": "step",
    # dtypes
    "float": "float64",
    "double": "float64",
    "single": "float32",
}

# names of parameters in other libraries
_PARAMETERS = {
    **dict.fromkeys(("learning_rate_init", "lr", "eta0", "rate"), "learning_rate"),
    **dict.fromkeys(("epochs", "n_epochs", "num_epochs", "max_epochs", "n_iter"), "max_iter"),
    "optimizer": "solver",
    **dict.fromkeys(("criterion", "objective", "loss_function"), "loss"),
    **dict.fromkeys(("weight_decay", "l2", "l2_reg", "kernel_regularizer"), "alpha"),
    **dict.fromkeys(("lr_schedule", "lr_scheduler", "scheduler"), "schedule"),
    **dict.fromkeys(("hidden_units", "hidden_layers", "hidden_sizes"), "hidden_layer_sizes"),
    **dict.fromkeys(("layers", "units", "n_hidden", "hidden"), "hidden_layer_sizes"),
    **dict.fromkeys(("n_layers", "num_layers", "depth"), "n_hidden_layers"),
    **dict.fromkeys(("num_hidden_layers", "hidden_depth"), "n_hidden_layers"),
    **dict.fromkeys(("activations", "nonlinearity", "act"), "activation"),
    "dropout_rate": "dropout",
    **dict.fromkeys(("batchnorm", "batch_normalization"), "batch_norm"),
    **dict.fromkeys(("kernel_initializer", "init", "initializer"), "weight_init"),
    **dict.fromkeys(("clipnorm", "global_clipnorm", "grad_clip", "clip_norm"), "max_grad_norm"),
    **dict.fromkeys(("seed", "random_seed"), "random_state"),
    "eps": "epsilon",
    "nesterov": "nesterovs_momentum",
    **dict.fromkeys(("metrics", "metric", "eval_metric"), "scoring"),
    "early_stopping_rounds": "patience",
    **dict.fromkeys(("n_filters", "channels", "conv_layers"), "filters"),
    **dict.fromkeys(("num_blocks", "n_conv_layers", "num_conv_layers"), "n_blocks"),
    **dict.fromkeys(("pooling", "pool_type"), "pool"),
    "stride": "strides",
}
_OF_CONVNETS = "ConvNetClassifier and ConvNetRegressor have it."
# advice for names that are not a parameter, or not one of every estimator
_SENTENCES = {
    "n_iter_no_change": "It is called patience here: patience=11 is n_iter_no_change=10.",
    "betas": "They are called beta_1 and beta_2 here.",
    **dict.fromkeys(("validation_data", "eval_set"), "Pass X_val and y_val to fit."),
    "validation_split": "Set the parameters early_stopping=True and validation_fraction.",
    **dict.fromkeys(("callbacks", "callback"), "Call set_callbacks of the estimator."),
    **dict.fromkeys(("filters", "kernel_size", "strides", "padding", "dilation"), _OF_CONVNETS),
    **dict.fromkeys(("pool", "pool_size", "pool_strides", "input_shape"), _OF_CONVNETS),
    **dict.fromkeys(("n_blocks", "augmentation"), _OF_CONVNETS),
    "class_weight": "Classifiers have it; pass sample_weight to fit.",
}


def value_advice(value: object, names: Iterable[str]) -> str:
    """Return advice for a value that is not in `names`, or "".

    Parameters
    ----------
    value : object
        The invalid value: a string, or a class or function with a name.
    names : iterable of str
        The allowed values.

    Returns
    -------
    advice : str
        A sentence that begins with a space.

    Examples
    --------
    >>> from skneural._checks.foreign_names import value_advice
    >>> value_advice("sigmoid", ["relu", "logistic"])
    " Write 'logistic'."
    >>> value_advice("ReLU", ["relu", "logistic"])
    " Write 'relu'."
    """
    word = value if isinstance(value, str) else getattr(value, "__name__", None)
    if not isinstance(word, str):
        return ""
    key, known = _plain(word), {_plain(name): name for name in names}
    found = known.get(key) or known.get(_plain(_VALUES.get(key, "")))
    if found:
        return f" Write {found!r}."
    close = difflib.get_close_matches(key, known, 1, cutoff=0.75)
    return f" The closest name is {known[close[0]]!r}." if close else ""


def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


def keyword_advice(keyword: str, known: Iterable[str], parameters: Iterable[str] = ()) -> str:
    """Return advice for an unknown keyword, or "".

    Parameters
    ----------
    keyword : str
        The unknown name.
    known : iterable of str
        The allowed names.
    parameters : iterable of str, default=()
        Parameters of the estimator, if one of its methods was called with the keyword.

    Returns
    -------
    advice : str
        A sentence that begins with a space.

    Examples
    --------
    >>> from skneural._checks.foreign_names import keyword_advice
    >>> keyword_advice("lr", ["learning_rate"])
    ' It is called learning_rate here.'
    >>> keyword_advice("epochs", ["X", "y"], ["max_iter"])
    ' It is called max_iter here, a parameter of the estimator.'
    """
    known, parameters = [*known], [*parameters]
    if keyword in parameters:
        return " It is a parameter of the estimator, not of this method."
    found = _PARAMETERS.get(keyword)
    if found in parameters:
        return f" It is called {found} here, a parameter of the estimator."
    if found in known:
        return f" It is called {found} here."
    if keyword in _SENTENCES:
        return f" {_SENTENCES[keyword]}"
    close = difflib.get_close_matches(keyword, known, 1, cutoff=0.75)
    return f" The closest name is {close[0]}." if close else ""


def explain_unknown_keywords(method: _Method) -> _Method:
    """Decorate a method so that the TypeError about an unknown keyword contains advice.

    The signature does not change, for `get_params`, `clone` and `help`.
    """
    known = inspect.signature(method).parameters

    @functools.wraps(method)
    def checked(self: BaseEstimator, *args: object, **kwargs: object) -> object:
        for keyword in kwargs:
            if keyword not in known:
                is_init = method.__name__ == "__init__"
                parameters = () if is_init else self.get_params(deep=False)
                raise TypeError(
                    f"{type(self).__name__}.{method.__name__}() got an unexpected keyword "
                    f"argument {keyword!r}.{keyword_advice(keyword, known, parameters)}"
                )
        return method(self, *args, **kwargs)

    return cast(_Method, checked)
