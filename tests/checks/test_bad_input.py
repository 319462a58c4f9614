"""Bad data raise a helpful error and leave the estimator unchanged."""

import datetime
import warnings

import numpy as np
import pandas as pd
import pytest
from _refusal import CLASSES, INF, NAN, X, Y, fit_is_refused, make, outputs, refusal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from skneural import MLPClassifier, MLPRegressor

BOTH = pytest.mark.parametrize(
    "cls", [MLPClassifier, MLPRegressor], ids=["MLPClassifier", "MLPRegressor"]
)


# ----------------------------------------------------------------------------- X and y


def with_entry(value, dtype=None):
    x = X.astype(dtype) if dtype else X.copy()
    x[5, 1] = value
    return x


def frame_with(column):
    return pd.DataFrame({"a": X[:, 0], "b": column, "c": X[:, 2]})


def with_place(make, part, place):
    """Return sparse data with an index out of bounds, to which SciPy would write."""
    x = make(X)
    places = getattr(x, part)
    (places if part == "indices" else places[1])[3] = place
    return x


MASKED = np.ma.masked_array(X, mask=X > 1)
HUGE = 10**400
DAYS = pd.date_range("2020-01-01", periods=24)
BAD_X = {
    "inf": (with_entry(INF), ["X", "infinity"]),
    "-inf": (with_entry(-INF), ["X", "infinity"]),
    "CSR NaN": (sparse.csr_array(with_entry(NAN)), ["X", "NaN"]),
    "CSR inf": (sparse.csr_array(with_entry(INF)), ["X", "infinity"]),
    "None": (None, ["array"]),
    "number": (3.0, ["2D array"]),
    "one dimension": (X[:, 0], ["2D array", "reshape"]),
    "Series": (pd.Series(X[:, 0]), ["2-dimensional", "Series"]),
    "three dimensions": (X[None], ["dim 3"]),
    "no rows": (X[:0], ["0 sample(s)"]),
    "no columns": (X[:, :0], ["0 feature(s)"]),
    "text": (np.full((24, 3), "a"), ["X", "text"]),
    "digits as text": (X.astype(str), ["X", "text"]),
    "bytes": (X.astype("S"), ["X", "text"]),
    "text objects": (np.full((24, 3), "a", object), ["X", "numbers"]),
    "digits as text objects": (X.astype(str).astype(object), ["X", "numbers"]),
    "lists of text": (X.astype(str).tolist(), ["X", "numbers"]),
    "dates": (np.arange(72).reshape(24, 3).astype("M8[D]"), ["X", "dates"]),
    "durations": (np.arange(72).reshape(24, 3).astype("m8[s]"), ["X", "times"]),
    "DataFrame dates": (frame_with(DAYS), ["X", "dates"]),
    "DataFrame dates and zones": (frame_with(DAYS.tz_localize("UTC")), ["X", "dates"]),
    "DataFrame durations": (frame_with(DAYS - DAYS[0]), ["X", "times"]),
    "DataFrame periods": (frame_with(DAYS.to_period("D")), ["X", "numbers"]),
    "date objects": (with_entry(datetime.date(2020, 1, 1), object), ["X", "numbers"]),
    "complex": (X + 1j, ["Complex"]),
    "complex lists": ((X + 1j).tolist(), ["X", "complex"]),
    "DataFrame complex": (frame_with(1j), ["Complex"]),
    "ragged": ([[1, 2, 3]] * 23 + [[1]], ["inhomogeneous"]),
    "masked": (MASKED, ["X", "masked", f"{MASKED.mask.sum()} of them"]),
    "huge integers": ([[HUGE, 1, 2]] * 24, ["X", "too large"]),
    "CSR place": (with_place(sparse.csr_array, "indices", 99), ["X", "indices must be < 3"]),
    "CSR place below": (with_place(sparse.csr_matrix, "indices", -9), ["X", "indices must"]),
    "CSC place": (with_place(sparse.csc_array, "indices", 99), ["X", "indices must"]),
    "COO place": (with_place(sparse.coo_array, "coords", 99), ["X", "exceeds"]),
}


# what `categorical_features` takes if it is not None
CATEGORIES = {
    "text": frame_with("a"),
    "digits as text": frame_with("1"),
    "categories": frame_with(pd.Categorical(["a"] * 24)),
}


@BOTH
@pytest.mark.filterwarnings("ignore:X has feature names")
@pytest.mark.parametrize("x", CATEGORIES.values(), ids=CATEGORIES)
def test_categories_where_all_columns_are_numbers(cls, x):
    own = make(cls, categorical_features=None)
    with refusal(own, "X", "numbers"):
        own.fit(x, Y)
    own = make(cls).fit(X, Y)  # the fit had numbers only
    for method in (own.predict, lambda x: own.partial_fit(x, Y)):
        with refusal(own, "X", "numbers"):
            method(x)


@BOTH
@pytest.mark.filterwarnings("ignore:X has feature names")
@pytest.mark.parametrize(("x", "words"), BAD_X.values(), ids=BAD_X)
def test_bad_x(cls, x, words):
    fit_is_refused(cls, x, Y, words=words)
    own = make(cls).fit(X, Y)
    with refusal(own, *words):
        own.partial_fit(x, Y)
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        if hasattr(own, method):
            with refusal(own, *words):
                getattr(own, method)(x)


@BOTH
@pytest.mark.parametrize("make_x", [np.asarray, sparse.csr_array], ids=["dense", "CSR"])
def test_x_too_large_for_float32(cls, make_x):
    x = make_x(with_entry(1e300))
    fit_is_refused(cls, x, Y, words=["X", "too large", "float32"], dtype="float32")
    own = make(cls, dtype="float32").fit(X, Y)
    with pytest.raises(ValueError, match=r"X .*too large.*float32"):
        own.predict(x)


def with_y(value):
    y = Y.astype(np.result_type(Y, type(value)) if not isinstance(value, str) else object)
    y[5] = value
    return y


BAD_Y = {
    "NaN": (with_y(NAN), ["y", "NaN"]),
    "inf": (with_y(INF), ["y", "infinity"]),
    "None": (None, ["y"]),
    "too long": (np.r_[Y, Y], ["[24, 48]"]),
    "too short": (Y[:-1], ["[24, 23]"]),
    "empty": (Y[:0], ["0"]),
    "number": (1, ["scalar", "1"]),
    "complex": (Y + 1j, ["Complex"]),
    "three dimensions": (np.ones((24, 2, 2)), ["dim 3"]),
    "no columns": (np.ones((24, 0)), ["0 feature(s)"]),
    "two columns NaN": (np.c_[Y, with_y(NAN)], ["y", "NaN"]),
    "masked": (np.ma.masked_array(Y, mask=Y > 1), ["y", "masked", "8 of them"]),
    "huge integers": ([HUGE, 1] * 12, ["y"]),
}
BAD_Y_OF_CLASSIFIER = {
    **BAD_Y,
    "one class": (np.zeros(24, int), ["2 classes", "1 class", "[0]"]),
    "one class of text": (np.full(24, "a"), ["2 classes", "1 class", "a"]),
    "continuous": (X[:, 0], ["continuous"]),
    "continuous columns": (X[:, :2], ["continuous"]),
    "mixed": (with_y("a"), ["label type"]),
    "wide integers": ([2**70, 1] * 12, ["y", "label type"]),
    "NaT": (np.array(["NaT", "2020-01-01"] * 12, "M8[D]"), ["y", "NaT"]),
    "labels 0 and 5": (5 * np.c_[Y == 0, Y == 1], ["y", "0", "5"]),
    "labels 1 and 2": (1 + np.c_[Y == 0, Y == 1], ["y", "0", "2"]),
    "labels -1 and 1": (2 * np.c_[Y == 0, Y == 1] - 1, ["y", "0", "-1"]),
}
BAD_Y_OF_REGRESSOR = {
    **BAD_Y,
    "text": (np.full(24, "a"), ["y", "number"]),
    "digits as text": (Y.astype(str), ["y", "number"]),
    "text objects": (with_y("a"), ["y", "number"]),
    "dates": (np.arange(24).astype("M8[D]"), ["y", "number"]),
    "durations": (np.arange(24).astype("m8[s]"), ["y", "number"]),
    "Series of dates": (pd.Series(DAYS), ["y", "number"]),
    "sparse": (sparse.csr_array(np.c_[Y, Y]), ["y", "dense"]),
}


@pytest.mark.parametrize(
    ("cls", "y", "words"),
    [
        pytest.param(cls, *entry, id=f"{cls.__name__}-{name}")
        for cls, table in [
            (MLPClassifier, BAD_Y_OF_CLASSIFIER),
            (MLPRegressor, BAD_Y_OF_REGRESSOR),
        ]
        for name, entry in table.items()
    ],
)
def test_bad_y(cls, y, words):
    own = make(cls)
    with refusal(own, *words):
        own.fit(X, y)
    own.fit(X, Y)
    with refusal(own, *words):
        own.fit(X, y)
    if "1 class" not in words:  # a part of the data may have one class
        with refusal(own, *(words if words != ["0"] else [])):
            own.partial_fit(X, y)


def test_y_too_large_for_float32():
    words = ["y", "too large", "float32"]
    fit_is_refused(MLPRegressor, X, Y * 1e300, words=words, dtype="float32")


# -------------------------------------------------------------------------- sample_weight

ONES = np.ones(24)
BAD_WEIGHTS = {
    "one negative": (np.r_[-0.5, ONES[1:]], [">= 0", "-0.5"]),
    "NaN": (np.r_[NAN, ONES[1:]], ["NaN"]),
    "inf": (np.r_[INF, ONES[1:]], ["infinity"]),
    "too long": (np.ones(25), ["(24,)", "(25,)"]),
    "too short": (np.ones(23), ["(24,)", "(23,)"]),
    "empty": ([], []),
    "two dimensions": (np.ones((24, 1)), ["(24,)", "(24, 1)"]),
    "number": (2.0, []),
    "only zeros": (np.zeros(24), ["zero"]),
    "text": (np.full(24, "a"), ["number"]),
    "digits as text": (np.full(24, "1"), ["number"]),
    "complex": (ONES + 1j, []),
    "dates": (np.arange(24).astype("M8[D]"), ["number"]),
    "balanced": ("balanced", []),
    "masked": (np.ma.masked_array(ONES, mask=Y > 1), ["masked", "8 of them"]),
    "huge integers": ([HUGE] * 24, ["too large"]),
}


@BOTH
@pytest.mark.parametrize(("weights", "words"), BAD_WEIGHTS.values(), ids=BAD_WEIGHTS)
def test_bad_sample_weight(cls, weights, words):
    fit_is_refused(cls, X, Y, weights, words=["sample_weight", *words])
    own = make(cls).fit(X, Y)
    with refusal(own, "sample_weight", *words):
        own.partial_fit(X, Y, sample_weight=weights)


@BOTH
@pytest.mark.parametrize(("weights", "words"), BAD_WEIGHTS.values(), ids=BAD_WEIGHTS)
def test_bad_sample_weight_of_score(cls, weights, words):
    own = make(cls).fit(X, Y)
    with refusal(own, "sample_weight", *words):
        own.score(X, Y, weights)


@BOTH
@pytest.mark.parametrize("y", [None, Y[1:], Y * NAN, X, "a", 3, [HUGE] * 24, MASKED[:, 0]])
def test_bad_y_of_score(cls, y):
    own = make(cls).fit(X, Y)
    with refusal(own, "y"):
        own.score(X, y)


@BOTH
def test_score_takes_weights_and_any_array(cls):
    own = make(cls).fit(X, Y)
    weight = np.r_[np.ones(12), np.zeros(12)]
    expected = own.score(X[:12].tolist(), Y[:12].tolist())
    assert own.score(X, Y, weight) == pytest.approx(expected, rel=1e-12)  # sums of 24 and of 12
    whole = np.ma.masked_array(Y, mask=False)  # a mask of nothing hides nothing
    assert own.score(X, whole) == own.score(X, Y)


@BOTH
def test_an_error_leaves_a_random_state_as_it_was(cls):
    rng = np.random.RandomState(0)
    own, expected = make(cls, random_state=rng), rng.get_state()[1].tobytes()
    for given in ({"X_val": X}, {"coefs_init": []}):
        with pytest.raises(ValueError, match="must be"):
            own.fit(X, Y, **given)
        assert rng.get_state()[1].tobytes() == expected
        assert rng.get_state()[2] == np.random.RandomState(0).get_state()[2]


@BOTH
def test_sample_weight_too_large_for_float32(cls):
    words = ["sample_weight", "too large", "float32"]
    fit_is_refused(cls, X, Y, 1e300 * ONES, words=words, dtype="float32")


# ----------------------------------------------------------------- what was there before


@BOTH
def test_other_number_of_features(cls):
    own = make(cls).fit(X, Y)
    words = ["X has 2 features", "expecting 3 features"]
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        if hasattr(own, method):
            with refusal(own, *words):
                getattr(own, method)(X[:, :2])
    with refusal(own, *words):
        own.score(X[:, :2], Y)
    with refusal(own, *words):
        own.predict(sparse.csr_array(X[:, :2]))
    with refusal(own, *words):
        own.partial_fit(X[:, :2], Y)
    own.set_params(warm_start=True)
    with refusal(own, *words):
        own.fit(X[:, :2], Y)
    assert make(cls).fit(X, Y).fit(X[:, :2], Y).n_features_in_ == 2


@BOTH
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("columns", ["acb", "abd"])
def test_other_feature_names(cls, columns):
    frame, other = pd.DataFrame(X, columns=list("abc")), pd.DataFrame(X, columns=list(columns))
    own = make(cls).fit(frame, Y)
    with refusal(own, "feature names"):
        own.predict(other)
    with refusal(own, "feature names"):
        own.partial_fit(other, Y)
    own.set_params(warm_start=True)
    with refusal(own, "feature names"):
        own.fit(other, Y)


def test_first_partial_fit_needs_classes():
    own = make(MLPClassifier)
    with refusal(own, "classes", error=ValueError):
        own.partial_fit(X, Y)


BAD_CLASSES = {
    "one is missing": ([0, 1], ["y", "[2]", "[0 1]"]),
    "text for numbers": (["0", "1", "2"], ["classes"]),
    "only one": ([0], ["classes", "[0]", "at least 2"]),
    "number": (3, ["classes", "3"]),
    "none": ([], ["classes"]),
    "NaN": ([0, 1, 2, NAN], ["classes", "nan"]),
    "None": ([0, 1, 2, None], ["classes", "None"]),
    "two dimensions": ([[0, 1], [1, 2]], ["classes"]),
}


@pytest.mark.parametrize(("classes", "words"), BAD_CLASSES.values(), ids=BAD_CLASSES)
def test_bad_classes(classes, words):
    own = make(MLPClassifier)
    with refusal(own, *words):
        own.partial_fit(X, Y, classes=classes)
    own.fit(X, Y)
    with refusal(own, "classes", error=(ValueError, TypeError)):
        own.partial_fit(X, Y, classes=classes)


def test_the_error_about_classes_does_not_blame_y():
    # here y has three classes; it is the argument that has one
    with pytest.raises(ValueError, match="classes") as info:
        make(MLPClassifier).partial_fit(X, Y, classes=[0])
    assert "y has 1" not in str(info.value)


@pytest.mark.parametrize("classes", [[0, 1, 2, 3], [0, 1], [1, 2, 3], ["0", "1", "2"]], ids=str)
def test_other_classes_later(classes):
    own = make(MLPClassifier).partial_fit(X, Y, classes=CLASSES)
    with refusal(own, "classes", str(classes), "[0 1 2]", error=ValueError):
        own.partial_fit(X, Y, classes=classes)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (Y + 1, ["[3]", "[0 1 2]"]),
        (Y.astype(str), ["classes", "[0 1 2]"]),
        (np.c_[Y > 0, Y > 1].astype(int), ["y", "[0 1 2]"]),
    ],
    ids=["new label", "text", "multilabel"],
)
def test_other_labels_later(y, words):
    own = make(MLPClassifier).partial_fit(X, Y, classes=CLASSES)
    with refusal(own, *words, error=ValueError):
        own.partial_fit(X, y)
    own.set_params(warm_start=True)
    with refusal(own, "y", "[0 1 2]", error=ValueError):
        own.fit(X, y)


@pytest.mark.parametrize("y", [Y[Y < 2], Y[Y < 2] + 1, Y[Y < 2] + 5], ids=["01", "12", "56"])
def test_warm_start_with_other_classes(y):
    own = make(MLPClassifier, warm_start=True).fit(X, Y)
    with refusal(own, "warm_start", str(np.unique(y)), "[0 1 2]", error=ValueError):
        own.fit(X[Y < 2], y)


@BOTH
@pytest.mark.parametrize(
    "change",
    [
        {"hidden_layer_sizes": (5,)},
        {"hidden_layer_sizes": (4, 4)},
        {"hidden_layer_sizes": ()},
        {"activation": "tanh"},
        {"solver": "sgd"},
        {"dtype": "float32"},
    ],
    ids=str,
)
def test_going_on_with_another_network(cls, change):
    (name,) = change
    own = make(cls, warm_start=True).fit(X, Y).set_params(**change)
    with refusal(own, name, "warm_start", error=ValueError):
        own.fit(X, Y)
    own = make(cls).fit(X, Y).set_params(**change)
    with refusal(own, name, "partial_fit", error=ValueError):
        own.partial_fit(X, Y)
    own.set_params(**change).fit(X, Y)  # without warm_start it is a new network


@pytest.mark.parametrize("y", [np.c_[Y, Y], np.c_[Y, Y, Y]], ids=["2", "3"])
def test_other_number_of_targets_later(y):
    own = make(MLPRegressor).fit(X, Y)
    with refusal(own, "y must have 1 columns", f"got {y.shape[1]}", error=ValueError):
        own.partial_fit(X, y)
    own.set_params(warm_start=True)
    with refusal(own, "y must have 1 columns", f"got {y.shape[1]}", error=ValueError):
        own.fit(X, y)


def test_other_number_of_labels_later():
    own = make(MLPClassifier).fit(X, np.c_[Y > 0, Y > 1, Y < 1].astype(int))
    before = own.predict_proba(X)
    with pytest.raises(ValueError, match=r"y must have .* number of labels"):
        own.partial_fit(X, np.c_[Y > 0, Y > 1].astype(int))
    with pytest.raises(ValueError, match=r"y must have the same kind"):
        own.partial_fit(X, Y)
    np.testing.assert_array_equal(own.predict_proba(X), before)


@BOTH
@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "predict_log_proba", "decision_function"]
)
def test_predict_before_fit(cls, method):
    own = make(cls)
    if hasattr(own, method):
        with refusal(own, "not fitted", error=NotFittedError):
            getattr(own, method)(X)
    else:
        assert (cls, method != "predict") == (MLPRegressor, True)


@BOTH
def test_score_and_attributes_before_fit(cls):
    own = make(cls)
    with refusal(own, "not fitted", error=NotFittedError):
        own.score(X, Y)
    for name in ("coefs_", "intercepts_", "loss_curve_", "n_iter_", "network_"):
        assert not hasattr(own, name)


# ----------------------------------------------------------- coefs_init, intercepts_init

N_OUTPUTS = {MLPClassifier: 3, MLPRegressor: 1}
BAD_STARTS = {
    "too few": lambda arrays: arrays[:1],
    "too many": lambda arrays: [*arrays, arrays[0]],
    "wrong shape": lambda arrays: [arrays[0][:-1], arrays[1]],
    "transposed": lambda arrays: [array[..., None].T for array in arrays],
    "NaN": lambda arrays: [arrays[0], np.full_like(arrays[1], NAN)],
    "inf": lambda arrays: [arrays[0], np.full_like(arrays[1], INF)],
    "None entry": lambda arrays: [arrays[0], None],
    "text": lambda arrays: [arrays[0], np.full(arrays[1].shape, "a")],
    "name": lambda arrays: "glorot",
    "number": lambda arrays: 5,
    "ragged": lambda arrays: [[arrays[0].tolist(), [1]], arrays[1]],
    "complex": lambda arrays: [arrays[0], arrays[1] + 1j],
    "empty": lambda arrays: [],
}


@BOTH
@pytest.mark.parametrize("name", ["coefs_init", "intercepts_init"])
@pytest.mark.parametrize("spoil", BAD_STARTS.values(), ids=BAD_STARTS)
def test_bad_start(cls, name, spoil):
    n_outputs = N_OUTPUTS[cls]
    good = {
        "coefs_init": [np.ones((3, 4)), np.ones((4, n_outputs))],
        "intercepts_init": [np.ones(4), np.ones(n_outputs)],
    }
    make(cls).fit(X, Y, **good)
    bad = {**good, name: spoil(good[name])}
    own = make(cls)
    with refusal(own, name):
        own.fit(X, Y, **bad)
    for warm_start in (False, True):
        own = make(cls).fit(X, Y).set_params(warm_start=warm_start)
        with refusal(own, name):
            own.fit(X, Y, **bad)


@BOTH
def test_start_too_large_for_float32(cls):
    coefs = [np.full((3, 4), 1e300), np.ones((4, N_OUTPUTS[cls]))]
    own = make(cls, dtype="float32")
    with refusal(own, "coefs_init", "too large", "float32"):
        own.fit(X, Y, coefs_init=coefs)


# ----------------------------------------------------------------------------- divergence

DIVERGING = {
    "learning_rate": (X, Y, {"learning_rate": 1e6, "solver": "sgd"}, "1000000.0"),
    "learning_rate, tanh": (
        X,
        Y,
        {"learning_rate": 1e6, "solver": "sgd", "activation": "tanh"},
        "1000000.0",
    ),
    "learning_rate, float32": (
        X.astype(np.float32),
        Y,
        {"learning_rate": 1e6, "solver": "sgd"},
        "1000000.0",
    ),
    "X": (X * 1e300, Y, {"solver": "sgd"}, "e+300"),
    "sparse X": (sparse.csr_array(X * 1e300), Y, {"solver": "sgd"}, "e+300"),
    "X of float32": (X.astype(np.float32) * np.float32(1e38), Y, {"solver": "sgd"}, "e+38"),
    "alpha": (X, Y, {"alpha": 1e308}, "largest |X|"),
}


@BOTH
@pytest.mark.filterwarnings(r"ignore:\w+. X is far from mean 0")  # it is, and diverges
@pytest.mark.parametrize(("x", "y", "params", "word"), DIVERGING.values(), ids=DIVERGING)
def test_a_diverging_fit_says_why(cls, x, y, params, word):
    params = {"hidden_layer_sizes": (4, 4), "max_iter": 100, **params}
    words = ["diverged", "learning_rate", "largest |X|", "scale X", word]
    own = make(cls, **params)
    with refusal(own, *words, error=ValueError):
        own.fit(x, y)
    own = make(cls).fit(X, Y).set_params(**params)
    with refusal(own, *words, error=ValueError):
        own.fit(x, y)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_fit_of_huge_targets_says_why(solver):
    own = make(MLPRegressor, solver=solver, normalize_y=False)
    with refusal(own, "diverged", "largest |y| 2e+300", "learning_rate", error=ValueError):
        own.fit(X, Y * 1e300)


@BOTH
def test_diverging_partial_fit_and_warm_start(cls):
    own = make(cls).fit(X, Y).set_params(alpha=1e308)
    with refusal(own, "diverged", error=ValueError):
        own.partial_fit(X, Y)
    own.set_params(alpha=1e308, warm_start=True)
    with refusal(own, "diverged", error=ValueError):
        own.fit(X, Y)


@BOTH
@pytest.mark.parametrize("activation", ["relu", "tanh", "softplus", "identity"])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("max_iter", [1, 2, 3, 4, 7])
def test_a_fit_that_returns_predicts_finite_numbers(cls, activation, n_classes, max_iter):
    # the last step of a fit may be the one that diverges
    params = {"activation": activation, "max_iter": max_iter, "hidden_layer_sizes": (8, 8)}
    own = make(cls, solver="sgd", learning_rate=1e6, **params)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "MLP.*The training loss rose", ConvergenceWarning)
            own.fit(X, Y % n_classes)
    except ValueError:
        assert not hasattr(own, "network_")
        return
    assert np.isfinite(outputs(own, X)).all()


@pytest.mark.parametrize("classes", [["a", "b"], [7, 7], 2, [0, 1, 2]])
def test_classes_of_a_label_indicator_matrix_are_its_columns(classes):
    labels = np.c_[Y == 0, Y == 1].astype(int)
    own = make(MLPClassifier)
    with refusal(own, "classes", repr(classes)):
        own.partial_fit(X, labels, classes=classes)
    own.partial_fit(X, labels, classes=[0, 1]).partial_fit(X, labels)
    with pytest.raises(ValueError, match="classes"):
        own.partial_fit(X, labels, classes=classes)
    assert own.n_iter_ == 2
