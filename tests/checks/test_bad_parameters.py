"""Bad constructor parameters raise a helpful error and leave the estimator unchanged."""

import numpy as np
import pytest
from _refusal import CLASSES, INF, NAN, X, Y, make, refusal

from skneural import ConvNetClassifier, ConvNetRegressor, MLPClassifier, MLPRegressor
from skneural._network.initializers import WEIGHT_INITS
from skneural._network.layers.activations import ACTIVATIONS
from skneural.schedules import SCHEDULES, Step


def each(*classes):
    return pytest.mark.parametrize("cls", classes, ids=lambda cls: cls.__name__)


CONVNETS = (ConvNetClassifier, ConvNetRegressor)
BOTH, ALL = each(MLPClassifier, MLPRegressor), each(MLPClassifier, MLPRegressor, *CONVNETS)

# NumPy counts times among the integers
NOT_NUMBERS = ["1", None, True, np.True_, [1], 1j, np.array(1.0), np.timedelta64(1, "s")]
NOT_FINITE = [NAN, INF, -INF, np.float32("nan"), np.float64("inf"), 10**400]
BAD_FLOATS = [*NOT_NUMBERS, *NOT_FINITE]
BAD_INTS = [*NOT_NUMBERS, NAN, -INF, 1.0, np.float64(3), 2.5, 0, -1, -(10**20)]
BAD_COUNTS = [value for value in BAD_INTS if value is not None]
BAD_NAMES = [None, 0, NAN, True, "", "nope", b"sgd", ["nope", "nope"]]
BAD_SWITCHES = [None, 0, 1, "yes", NAN, [True]]

# name: what the message says is allowed, and values that are not
BAD_PARAMETERS = {
    "hidden_layer_sizes": (
        ">= 1",
        [
            *(0, -1, 2.0, NAN, INF, None, True, "8", b"8", np.timedelta64(8)),
            *((8, 0), (8, -3), (8, 4.0), (8, NAN), (True,), ("8",), (None,), [[8]], (8, (4,))),
            *(np.array([8.0]), np.array([[8]]), np.array(8)),
            # an iterator is spent by the first look at it; sets and dicts have no order
            *(iter([8]), {8, 4}, {8: 4}),
        ],
    ),
    "n_hidden_layers": (
        "None or an integer >= 0",
        [*(value for value in BAD_INTS if value not in (0, None)), INF, 10_001, 10**9, "None"],
    ),
    "activation": (
        "activation",
        [
            *(*BAD_NAMES, "ReLU", np.tanh, [], (), ("relu", "tanh"), b"relu"),
            *(np.array("relu"), {"relu": 1}, iter(["relu"])),
        ],
    ),
    "solver": ("'sgd'", [*BAD_NAMES, "SGD"]),
    "learning_rate": ("> 0", [*BAD_FLOATS, 0, 0.0, -1e-3, "constant", "adaptive"]),
    "decay": ("> 0 and <= 1", [*BAD_FLOATS, 0, -0.5, 1.0000001, 2]),
    "batch_size": ("'auto' or an integer >= 1", [*BAD_INTS, INF, "AUTO", ""]),
    "max_iter": (
        "an integer >= 0",
        [*(value for value in BAD_INTS if value != 0), INF, "auto"],
    ),
    "max_fun": ("an integer >= 1", [*BAD_INTS, INF]),
    "patience": ("None or an integer >= 1", [*BAD_COUNTS, "never"]),
    "tol": (">= 0", [*BAD_FLOATS, -1e-9]),
    "target_score": ("None or a number", ["1", True, [1], *NOT_FINITE]),
    "early_stopping": ("True, False or 'auto'", [*BAD_SWITCHES, "AUTO"]),
    "validation_fraction": ("> 0 and < 1", [*BAD_FLOATS, 0, 1.0, -0.1, 5]),
    "scoring": ("the name of a scorer or a callable", [0, True, ["accuracy"]]),
    "alpha": (">= 0", [*BAD_FLOATS, -1e-9]),
    "l1_ratio": (">= 0 and <= 1", [*BAD_FLOATS, -0.1, 1.1]),
    "schedule": ("schedule", [*BAD_NAMES, "Cosine", Step, np.cos]),
    "power_t": (">= 0", [*BAD_FLOATS, -0.5]),
    "dropout": (
        "dropout",
        [*BAD_FLOATS[:3], *NOT_FINITE, -0.1, 1, 1.0, (0.5, 0.5), (1.0,), []],
    ),
    "batch_norm": ("True or False", BAD_SWITCHES),
    "input_noise": (">= 0", [*BAD_FLOATS, -0.1]),
    "max_grad_norm": ("None or a number > 0", ["1", True, *NOT_FINITE, 0, -1.0]),
    "rho": (">= 0 and < 1", [*BAD_FLOATS, -0.1, 1, 1.0]),
    "weight_init": ("'glorot'", [*BAD_NAMES, "xavier", np.zeros(3)]),
    "dtype": ("'float32'", [*BAD_NAMES, "float16", "int", "double", np.float32, float]),
    "momentum": (">= 0 and < 1", [*BAD_FLOATS, -0.1, 1, 1.0, 2]),
    "nesterovs_momentum": ("True or False", BAD_SWITCHES),
    "beta_1": (">= 0 and < 1", [*BAD_FLOATS, -0.1, 1, 1.0, 2]),
    "beta_2": (">= 0 and < 1", [*BAD_FLOATS, -0.1, 1, 1.0, 2]),
    "epsilon": ("> 0", [*BAD_FLOATS, 0, 0.0, -1e-8]),
    "shuffle": ("True or False", BAD_SWITCHES),
    "warm_start": ("True or False", BAD_SWITCHES),
    "verbose": (">= 0", [None, "yes", NAN, 1.0, -1, [True], np.timedelta64(1)]),
    "on_interrupt": ("'raise' or 'warn'", [*BAD_NAMES, "ignore"]),
    "random_state": (
        "None, an integer >= 0 or a numpy.random.RandomState",
        [
            *("0", NAN, 0.5, 1.0, True, -1, [0], np.timedelta64(1)),
            *(np.random.RandomState, np.random.default_rng(0)),
        ],
    ),
}


BAD_LENGTHS = [*NOT_NUMBERS[:4], *NOT_NUMBERS[5:], NAN, INF, 1.0, 2.5, -1, {3: 1}, iter([3, 3])]
BAD_COUNTS = [*BAD_LENGTHS, 0, -(10**20)]
BAD_PAIRS = [((3, 3, 3), 3), ((), 3), ((3, 0), 3), ((3, 3.0), 3), (3, (None, 1)), ("33", 3)]
UNEQUAL = [(3,), (3, 3, 3), (), [3], np.array([3]), np.array([3, 3, 3]), ((3, 3),)]
# likewise, of the convolutional networks; one value, or one for each of their two blocks
BAD_BLOCKS = {
    "filters": (
        ">= 1",
        [*BAD_COUNTS, (8, 0), (8, 4.0), (True,), ("8",), [[8]], {8, 4}],
    ),
    "n_blocks": (
        "None or an integer >= 0",
        [*(v for v in BAD_LENGTHS if v is not None), 10_001],
    ),
    "kernel_size": ("kernel_size", [*BAD_COUNTS, *BAD_PAIRS, *UNEQUAL]),
    "strides": ("strides", [*BAD_COUNTS, *BAD_PAIRS, *UNEQUAL]),
    "padding": (
        "padding",
        [*BAD_LENGTHS, "full", "SAME", ("same", "full"), ((-1, 0), 0), ("same",), *UNEQUAL],
    ),
    "dilation": ("dilation", [*BAD_COUNTS, *BAD_PAIRS, *UNEQUAL]),
    "pool": (
        "pool",
        [
            *(0, True, NAN, "nope", "Max", b"max", np.max, ("max", "nope"), ("max", 2)),
            *(("max",), [None], ("max", "max", "max"), [["max"], "max"], {"max": 1}),
            *("global_average", ("global_average", "max")),  # only the last block may
        ],
    ),
    "pool_size": ("pool_size", [*BAD_COUNTS, *BAD_PAIRS, *UNEQUAL]),
    "pool_strides": (
        "pool_strides",
        [*(v for v in BAD_COUNTS if v is not None), *BAD_PAIRS[:4], (None,), (None, 0)],
    ),
    "input_shape": (
        "input_shape",
        [
            *(*(v for v in BAD_COUNTS if v is not None), "3", (), (3, 0), (3, 1.0), (3, None)),
            *((1, 3, 1, 1), (True,), (NAN, 1), [[3]], {3, 1}),
        ],
    ),
    "augmentation": (
        "augmentation",
        [
            *(0, 1.0, True, "shift", ["shift"], ("shift", 1), {"shift"}, np.array([1])),
            *({"rotate": 1}, {"shift": 1, "Shift": 1}, {0: 1}),
            *({"shift": v} for v in (-1, 1.0, True, None, "1", NAN, (1, 1))),
            *({"horizontal_flip": v} for v in BAD_SWITCHES),
            *({"gaussian_noise": v} for v in (*BAD_FLOATS, -0.1)),
        ],
    ),
}

# likewise, what not all of the estimators have
BAD_OWN_PARAMETERS = {
    (MLPClassifier, "loss"): ("'perceptron'", [*BAD_NAMES, "huber"]),
    (MLPClassifier, "class_weight"): (
        "class_weight",
        [0, "even", [1, 2, 3], {0: -1.0}, {0: NAN, 1: 1, 2: 1}, {0: "1"}],
    ),
    (MLPRegressor, "loss"): ("'gamma'", [*BAD_NAMES, "log_loss"]),
    (MLPRegressor, "quantile"): (
        "a number > 0 and < 1, or an increasing sequence of such numbers",
        [
            *(*BAD_FLOATS, 0, 1.0, (), [0.5, 1.0], [0.1, NAN], [0.9, 0.1], [0.5, 0.5]),
            *((0.1, "0.5"), (0.1, None), [[0.1, 0.9]], np.array([[0.1, 0.9]]), {0.1, 0.9}),
            *({0.1: 1}, iter([0.1, 0.9])),
        ],
    ),
    (MLPRegressor, "delta"): ("> 0", [*BAD_FLOATS, 0, -1.0]),
    (MLPRegressor, "link"): ("'logit'", [*BAD_NAMES, "Log", "logistic"]),
    (MLPRegressor, "output_range"): (
        "None or two numbers (low, high) with low < high",
        [
            *(0, 1.0, True, "0, 1", (), (0,), (0, 1, 2), (0, "1"), (None, 1), {0, 1}, {0: 1}),
            *((True, 2), (1, 0), (1, 1), (0, NAN), (-INF, 0), (0, 10**400), (-1e308, 1e308)),
            *(np.array(0), np.array([[0, 1]]), iter((0, 1))),
        ],
    ),
    (MLPRegressor, "normalize_y"): ("True or False", BAD_SWITCHES),
}
for own, dense in zip(CONVNETS, (MLPClassifier, MLPRegressor), strict=True):
    of_dense = {name: row for (cls, name), row in BAD_OWN_PARAMETERS.items() if cls is dense}
    BAD_OWN_PARAMETERS |= {(own, name): row for name, row in {**of_dense, **BAD_BLOCKS}.items()}
for cls in (MLPClassifier, MLPRegressor):
    BAD_OWN_PARAMETERS[cls, "categorical_features"] = (
        "an array-like of names, of indices or of booleans",
        [*(0, True, NAN, "city", b"city", {0}, [0.5], ["city", 0], [[0]], [True, 0], [None])],
    )


@ALL
def test_the_table_has_every_parameter(cls):
    own = {name for estimator_class, name in BAD_OWN_PARAMETERS if estimator_class is cls}
    assert BAD_PARAMETERS.keys() | own == cls().get_params().keys()


def refused(cls, values):
    """Return all values where the check is tested, and two where only its use is tested."""
    return values if cls is MLPClassifier else [values[0], values[-1]]


@ALL
@pytest.mark.parametrize("name", BAD_PARAMETERS)
def test_parameter_is_refused(cls, name):
    allowed, values = BAD_PARAMETERS[name]
    for value in refused(cls, values):
        parameter_is_refused(cls, name, allowed, value)
    a_fitted_estimator_stays_as_it_was(cls, name, allowed, values[-1])


@pytest.mark.parametrize(("cls", "name"), BAD_OWN_PARAMETERS)
def test_own_parameter_is_refused(cls, name):
    allowed, values = BAD_OWN_PARAMETERS[cls, name]
    for value in values if cls in (MLPRegressor, ConvNetClassifier) else refused(cls, values):
        parameter_is_refused(cls, name, allowed, value)
    a_fitted_estimator_stays_as_it_was(cls, name, allowed, values[-1])


def words_of_refusal(name, allowed, value):
    # a bad entry of a dict or a sequence is named itself
    entries = isinstance(value, dict | tuple) and name in ("class_weight", "dropout")
    entries = entries or name in BAD_BLOCKS
    return (name, allowed, "got") if entries else (f"{name} must be", allowed, repr(value))


def parameter_is_refused(cls, name, allowed, value):
    own = make(cls, **{name: value})
    with refusal(own, *words_of_refusal(name, allowed, value)):
        own.fit(X, Y)


def a_fitted_estimator_stays_as_it_was(cls, name, allowed, value):
    words = words_of_refusal(name, allowed, value)
    own = make(cls, **{name: value})
    classes = {} if cls in (MLPRegressor, ConvNetRegressor) else {"classes": CLASSES}
    with refusal(own, *words):
        own.partial_fit(X, Y, **classes)
    fitted = make(cls).fit(X, Y).set_params(**{name: value})
    with refusal(fitted, *words):
        fitted.fit(X, Y)


UNKNOWN_NAMES = {
    "activation": ACTIVATIONS,
    "solver": ("sgd", "adam", "adamw", "rmsprop", "adagrad", "lbfgs"),
    "schedule": tuple(SCHEDULES),
    "weight_init": ("auto", *WEIGHT_INITS),
    "dtype": ("auto", "float32", "float64"),
}


@ALL
@pytest.mark.parametrize(("name", "known"), UNKNOWN_NAMES.items(), ids=UNKNOWN_NAMES)
def test_an_unknown_name_lists_the_known_ones(cls, name, known):
    own = make(cls, **{name: "nope"})
    with refusal(own, f"{name} must be", *map(repr, known), "'nope'", error=ValueError):
        own.fit(X, Y)


@BOTH
@pytest.mark.parametrize(
    ("activation", "words"),
    [
        (["relu"], ["2 hidden layers", "got 1", "['relu']"]),
        (("relu", "tanh", "relu"), ["2 hidden layers", "got 3"]),
        (("relu", "nope"), ["activation[1]", "'nope'", "'silu'"]),
        (("relu", None), ["activation[1]", "None", "'silu'"]),
        ([["relu"], "relu"], ["activation[0]", "['relu']", "'silu'"]),
    ],
    ids=repr,
)
def test_one_activation_a_hidden_layer(cls, activation, words):
    own = make(cls, hidden_layer_sizes=(4, 4), activation=activation)
    with refusal(own, *words):
        own.fit(X, Y)


# the last one takes more bytes than a float can say
BEYOND_MEMORY = {
    "1e12": 10**12, "1e6, 1e6": (10**6, 10**6), "4, 1e30": (4, 10**30), "1e100": (10**100,),
    "1e200, 1e200": (10**200, 10**200),
}  # fmt: skip


@BOTH
@pytest.mark.parametrize("sizes", BEYOND_MEMORY.values(), ids=BEYOND_MEMORY)
def test_a_network_larger_than_memory_says_how_many_bytes(cls, sizes):
    own = make(cls, hidden_layer_sizes=sizes)
    with refusal(own, "hidden_layer_sizes", error=ValueError):
        own.fit(X, Y)
    with pytest.raises(ValueError, match=r"at least [\d,]{15,} bytes"):
        own.fit(X, Y)


# the class, a parameter, a value, and the line that the error gives
WRITTEN_OTHERWISE = [
    (MLPClassifier, "hidden_layer_sizes", (64.0,), "Write (64,)."),
    (MLPClassifier, "hidden_layer_sizes", np.array([64.0, 32.0]), "Write (64, 32)."),
    (MLPRegressor, "hidden_layer_sizes", 64.0, "Write 64."),
    (MLPRegressor, "batch_size", 32.0, "Write 32."),
    (MLPRegressor, "max_iter", np.float64(10), "Write 10."),
    (ConvNetClassifier, "filters", (16.0, 32), "Write (16, 32)."),
    (ConvNetClassifier, "input_shape", (8.0, 8.0, 1), "Write (8, 8, 1)."),
    (ConvNetRegressor, "kernel_size", 3.0, "Write 3."),
    (
        ConvNetRegressor,
        "augmentation",
        "shift",
        "Write {'shift': 2}, with a value of your own.",
    ),
    (ConvNetRegressor, "augmentation", "horizontal_flip", "Write {'horizontal_flip': True}"),
    (ConvNetRegressor, "augmentation", "gaussian_noise", "Write {'gaussian_noise': 0.1}"),
    (ConvNetRegressor, "augmentation", "flip", "Write {'horizontal_flip': True}"),
    (MLPClassifier, "hidden_layer_sizes", 37.3, "scipy.stats.randint(low, high)"),
    (ConvNetClassifier, "filters", np.float64(8.5), "scipy.stats.randint(low, high)"),
    (MLPRegressor, "n_hidden_layers", 2.3, "scipy.stats.randint(low, high)"),
]


@pytest.mark.parametrize(("cls", "name", "value", "line"), WRITTEN_OTHERWISE, ids=str)
def test_the_error_says_what_to_write(cls, name, value, line):
    own = make(cls, **{name: value})
    with refusal(own, name, line, error=TypeError):
        own.fit(X, Y)


@pytest.mark.parametrize(
    ("option", "closest"),
    [("flip", "horizontal_flip"), ("noise", "gaussian_noise"), ("shifts", "shift")],
)
def test_the_closest_option_of_augmentation_and_a_callable_are_named(option, closest):
    with pytest.raises(ValueError, match=f"{closest!r}.*pass a callable") as info:
        make(ConvNetClassifier, augmentation={option: True}).fit(X, Y)
    advice = str(info.value).partition(f"got {option!r}.")[2]
    assert closest in advice


@pytest.mark.parametrize(
    "value", [64.5, (64.0, 0.5), (64.0, NAN), (True,), 1e300, "w"], ids=str
)
def test_no_line_where_none_is_known(value):
    with pytest.raises((TypeError, ValueError)) as info:
        make(MLPClassifier, hidden_layer_sizes=value).fit(X, Y)
    assert "Write" not in str(info.value)


@pytest.mark.parametrize("name", ["batch_size", "patience"])
@pytest.mark.parametrize("value", [0, -1])
def test_no_line_repeats_what_was_refused(name, value):
    with pytest.raises(ValueError, match="integer >= 1") as info:
        make(MLPClassifier, **{name: value}).fit(X, Y)
    assert "Write" not in str(info.value)
