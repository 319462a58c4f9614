"""Thousands of bad inputs: each raises an error with its name and changes nothing.

    python tests/robustness/bad_inputs.py [--least 200]

Bad parameters (those of `tests/checks/test_bad_parameters.py` and more) and bad X, y, weights,
classes, initial weights and validation data are passed to each of the four estimators, to a new
one and to a fitted one with the state of its optimizer. Every call must raise ValueError or
TypeError within two seconds of CPU time, with a message that names the parameter or argument.
The bits of parameters, fitted attributes, weights, optimizer and generators must not change.
The script ends with an error if a class has fewer than `--least` inputs. It takes two minutes.
`tests/project/test_robustness.py` runs a part of it.
"""

import argparse
import re
import sys
import time
import warnings
from collections import Counter
from decimal import Decimal
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import is_classifier

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "checks"))
import _convnets
import _refusal
from test_bad_parameters import BAD_OWN_PARAMETERS, BAD_PARAMETERS, CONVNETS

from skneural import ConvNetClassifier, ConvNetRegressor, MLPClassifier, MLPRegressor
from skneural._estimators.table_mlp import BaseTableMLP

CLASSES = (MLPClassifier, MLPRegressor, ConvNetClassifier, ConvNetRegressor)
SECONDS = 2
NAN, INF, HUGE = np.nan, np.inf, 10**400
DATES = "M8[D]"

# what no parameter may be; some may be empty, or functions
NOTHING = [
    np.datetime64("2020-01-01"), np.timedelta64(1, "s"), Decimal("0.5"), b"1", object(),
    np.ma.masked, pd.NA, np.array([NAN]), np.array("x"), [[]], ..., 1 + 2j,
    [None], [NAN], np.zeros((2, 2)), pd.Series([1.0]), {NAN}, -HUGE, np.array(None), [...],
]  # fmt: skip
SEVERAL = [
    {}, set(), [], (), np.array([]), float, len, range(0), pd.DataFrame(), memoryview(b"1"),
    np.array([1, 2], dtype=object), bytearray(b"1"),
]  # fmt: skip
MAY_BE_SEVERAL = {
    *("hidden_layer_sizes", "activation", "dropout", "scoring", "augmentation", "class_weight"),
    "categorical_features",
    "loss",
    *("filters", "kernel_size", "strides", "padding", "dilation", "pool", "pool_size"),
    *("pool_strides", "input_shape"),
}
# not for training: numbers that are allowed one by one
TOGETHER = {
    "l1_ratio": {"solver": "adamw", "l1_ratio": 0.5},
    "dropout": {"solver": "lbfgs", "dropout": 0.5},
    "batch_norm": {"solver": "lbfgs", "batch_norm": True},
    "input_noise": {"solver": "lbfgs", "input_noise": 0.5},
    "max_grad_norm": {"solver": "lbfgs", "max_grad_norm": 1.0},
    "batch_size": {"batch_norm": True, "batch_size": 1},
    "target_score": {"target_score": 0.5},
    "validation_fraction": {"early_stopping": True, "validation_fraction": 1e-9},
    "scoring": {"early_stopping": True, "scoring": "rand", "tol": 0},
    "hidden_layer_sizes": {"hidden_layer_sizes": (10**12,)},
    "hidden_layer": {"hidden_layer_sizes": (HUGE, HUGE)},
    "activation": {"activation": ("relu", "tanh", "relu", "relu", "relu")},
    "class_weight": {"class_weight": {0: 0.0, 1: 0.0, 2: 0.0}},
}


def data_of(cls):
    """Return X and y on which the estimators can be fitted, and how to make an estimator."""
    if cls in CONVNETS:
        return _convnets.X, _convnets.Y, _convnets.DEFAULTS
    defaults = {**_convnets.DEFAULTS, "hidden_layer_sizes": (4,)}
    return _refusal.X, _refusal.Y, {k: v for k, v in defaults.items() if k != "filters"}


def entry(values, bad, dtype=None):
    values = np.array(values, dtype=dtype or values.dtype)
    values.flat[1] = bad
    return values


def wild(make, part, value):
    """Return sparse data with indices out of bounds."""
    x = make(np.random.default_rng(0).normal(size=(24, 3)))
    array = getattr(x, part)
    array = array if isinstance(array, np.ndarray) else array[1]
    array[1] = value
    return x


def bad_arrays(x):
    """Return objects that are not arrays of finite numbers with the shape of `x`."""
    frame = pd.DataFrame(x.reshape(len(x), -1)).rename(columns=str)
    bag = np.empty(len(x), dtype=object)
    bag[:] = [[1.0, 2.0], *x.tolist()[1:]]
    half = np.arange(x.size).reshape(x.shape) % 2 == 0
    return {
        "NaN": entry(x, NAN),
        "inf": entry(x, INF),
        "-inf": entry(x, -INF),
        "float32 NaN": entry(x, NAN, np.float32),
        "float16 inf": entry(x, INF, np.float16),
        "None": entry(x, None, object),
        "NaN object": entry(x, NAN, object),
        "huge integer": entry(x, HUGE, object),
        "huge in lists": entry(x, HUGE, object).tolist(),
        "text entry": entry(x, "a", object),
        "date entry": entry(x, np.datetime64("2020-01-01"), object),
        "masked": np.ma.masked_array(x, mask=half),
        "text": x.astype(str),
        "bytes": x.astype("S"),
        "text objects": x.astype(str).astype(object),
        "dates": x.astype("i8").astype(DATES),
        "durations": x.astype("i8").astype("m8[s]"),
        "NaT": np.full(x.shape, "NaT", DATES),
        "complex": x + 1j,
        "complex lists": (x + 1j).tolist(),
        "too long": x.astype(np.longdouble) * np.longdouble("1e400"),
        "structured": np.zeros(len(x), "f8,f8,f8"),
        "ragged": [[1.0], *x.tolist()[1:]],
        "arrays in an array": bag,
        "a number": 3.0,
        "a word": "x",
        "a dict": {"a": 1},
        "a set": {1, 2},
        "a generator": (row for row in x),
        "a function": len,
        "no rows": x[:0],
        "empty list": [],
        "empty lists": [[]] * len(x),
        "frame of text": frame.astype(str),
        "frame of dates": frame.astype("i8").apply(pd.to_datetime),
        "frame of NA": frame.astype("Float64").mask(frame > 1),
        "frame of None": frame.astype(object).where(frame < 1, None),
        "frame of complex": frame + 1j,
        "sparse NaN": sparse.csr_array(entry(x, NAN).reshape(len(x), -1)),
        "sparse inf": sparse.csc_array(entry(x, INF).reshape(len(x), -1)),
        "sparse complex": sparse.csr_array(x.reshape(len(x), -1) + 1j),
        "csr beyond": wild(sparse.csr_array, "indices", 10**6),
        "csr negative": wild(sparse.csr_matrix, "indices", -9),
        "csc beyond": wild(sparse.csc_array, "indices", 10**6),
        "bsr beyond": wild(sparse.bsr_array, "indices", 10**6),
        "coo beyond": wild(sparse.coo_array, "coords", 10**6),
        "csr indptr": wild(sparse.csr_array, "indptr", 10**6),
    }


def bad_x(x):
    """Return objects that are not a valid X."""
    flat = x.reshape(len(x), -1)
    return {
        **bad_arrays(x),
        "one dimension": flat[:, 0],
        "dimensions": x[(None,) * (6 - x.ndim)],
        "matrix": np.matrix(flat),
        "no columns": flat[:, :0],
        "sparse row": sparse.coo_array(flat[0]),
    }


def other_x(x):
    """Return X with another shape than in fit."""
    flat = x.reshape(len(x), -1)
    return {
        "a feature less": flat[:, 1:],
        "a feature more": np.c_[flat, flat[:, 0]],
        "a sparse feature less": sparse.csr_array(flat[:, 1:]),
        "a sparse feature more": sparse.csc_array(np.c_[flat, flat[:, 0]]),
        "a list of features less": flat[:, 1:].tolist(),
        "a frame of features more": pd.DataFrame(np.c_[flat, flat]),
        "transposed": flat.T,
    }


NO_ARRAYS_OF_LABELS = {
    *("text", "bytes", "text objects", "dates", "durations", "ragged", "empty lists"),
    *("arrays in an array", "structured", "complex lists", "frame of dates"),
}


def bad_y(cls, y):
    """Return invalid targets, and the name of those that only `fit` refuses first."""
    arrays = bad_arrays(y + 0.0)
    arrays |= {"one more": np.r_[y, 0], "one less": y[1:], "none": None, "not one": True}
    if not is_classifier(cls()):
        del arrays["ragged"], arrays["empty lists"], arrays["arrays in an array"]
        return arrays
    arrays = {name: a for name, a in arrays.items() if name not in NO_ARRAYS_OF_LABELS}
    arrays = {name: a for name, a in arrays.items() if not name.startswith("frame")}
    return {
        **arrays,
        "fit: one class": np.zeros_like(y),
        "fit: one class of text": np.full(y.shape, "a"),
        "continuous": y + 0.5 * (y > 1),
        "continuous columns": np.c_[y + 0.25, y],
        "text and numbers": entry(y, "a", object),
        "wide integers": entry(y, 2**70, object),
        "fit: labels 0 and 5": 5 * np.c_[y == 0, y == 1],
    }


def bad_weights(n):
    arrays = {
        name: array
        for name, array in bad_arrays(np.ones(n)).items()
        if not name.startswith(("frame", "sparse", "cs", "bsr", "coo"))
    }
    return {
        **arrays,
        "negative": entry(np.ones(n), -1e-9),
        "-1": -np.ones(n),
        "zeros": np.zeros(n),
        "one less": np.ones(n - 1),
        "columns": np.ones((n, 1)),
        "balanced": "balanced",
        "by class": {0: 1.0},
    }


BAD_CLASSES = {
    "one": [0], "none": [], "number": 3, "text": ["0", "1", "2"], "NaN": [0, 1, NAN],
    "one missing": [0, 1], "None": [0, 1, 2, None], "nested": [[0, 1], [1, 2]], "a word": "abc",
    "dates": np.arange(3).astype(DATES), "a dict": {0: 1}, "complex": [0j, 1j, 2j],
}  # fmt: skip


def bad_starts(arrays):
    first, *others = arrays
    spoiled = bad_arrays(first)
    spoiled = {k: v for k, v in spoiled.items() if "sparse" not in k and k[:2] not in ("cs",)}
    spoiled = {k: v for k, v in spoiled.items() if k[:3] not in ("bsr", "coo")}
    return {
        **{name: [bad, *others] for name, bad in spoiled.items()},
        "too few": others,
        "too many": [first, *arrays],
        "a number": 5,
        "a word": "glorot",
        "None in it": [None, *others],
        "shape": [first[..., :-1], *others],
    }


def bad_parameters(cls):
    """Yield the name and every bad value of every parameter."""
    for name in cls().get_params():
        _, values = BAD_OWN_PARAMETERS.get((cls, name), None) or BAD_PARAMETERS[name]
        several = [] if name in MAY_BE_SEVERAL else SEVERAL
        yield from ((name, value) for value in [*values, *NOTHING, *several])


def parameter_cases(cls, x, y):
    classes = {"classes": [0, 1, 2]} if is_classifier(cls()) else {}
    for i, (name, value) in enumerate(bad_parameters(cls)):
        what, bad = f"{name} {i}: {value!r:.30}", {name: value}
        yield f"fit, {what}", [name], bad, False, lambda own: own.fit(x, y)
        yield f"fit again, {what}", [name], bad, True, lambda own: own.fit(x, y)
        part = lambda own: own.partial_fit(x, y, **classes)  # noqa: E731
        yield f"partial_fit, {what}", [name], bad, True, part
        yield f"summary, {what}", [name], bad, False, lambda own: own.summary(3)
    for name, together in TOGETHER.items():
        if name == "class_weight" and not is_classifier(cls()):
            continue
        yield f"fit, {together}", [name], together, False, lambda own: own.fit(x, y)
        yield f"fit again, {together}", [name], together, True, lambda own: own.fit(x, y)


PREDICT = ("predict", "predict_proba", "predict_log_proba", "decision_function")


# dense networks replace missing values by means
MISSING = {"NaN", "float32 NaN", "None", "NaN object", "frame of None", "frame of NA"}


def x_cases(cls, x, y):
    every, other = bad_x(x), other_x(x)
    is_dense = issubclass(cls, BaseTableMLP)
    for what in MISSING if is_dense else ():
        every.pop(what, None)
        other.pop(what, None)
    for what, bad in every.items():
        if not (is_dense and what == "frame of text"):  # which are categories
            yield f"fit, X {what}", ["X"], {}, False, lambda own, bad=bad: own.fit(bad, y)
    for what, bad in {**every, **other}.items():
        go_on = {"warm_start": True}
        calls = {
            "fit": lambda own, bad=bad: own.fit(bad, y),
            "partial_fit": lambda own, bad=bad: own.partial_fit(bad, y),
            "score": lambda own, bad=bad: own.score(bad, y),
        }
        for name in PREDICT:
            if hasattr(cls, name):
                calls[name] = lambda own, bad=bad, name=name: getattr(own, name)(bad)
        for name, call in calls.items():
            yield f"{name}, X {what}", ["X"], go_on, True, call
        val = lambda own, bad=bad: own.fit(x, y, X_val=bad, y_val=y)  # noqa: E731
        yield f"fit, X_val {what}", ["X_val"], go_on, True, val
        val = lambda own, bad=bad: own.partial_fit(x, y, X_val=bad, y_val=y)  # noqa: E731
        yield f"partial_fit, X_val {what}", ["X_val"], go_on, True, val


def y_cases(cls, x, y):
    for what, bad in bad_y(cls, y).items():
        fit = lambda own, bad=bad: own.fit(x, bad)  # noqa: E731
        yield f"fit, y {what}", ["y"], {}, False, fit
        yield f"fit again, y {what}", ["y"], {"warm_start": True}, True, fit
        if what.startswith("fit: "):
            continue
        part = lambda own, bad=bad: own.partial_fit(x, bad)  # noqa: E731
        yield f"partial_fit, y {what}", ["y"], {}, True, part
        yield f"score, y {what}", ["y"], {}, True, lambda own, bad=bad: own.score(x, bad)
        val = lambda own, bad=bad: own.fit(x, y, X_val=x, y_val=bad)  # noqa: E731
        yield f"fit, y_val {what}", ["y_val"], {}, False, val


def weight_cases(cls, x, y):
    name = "sample_weight"
    for what, bad in bad_weights(len(y)).items():
        calls = {
            "fit again": lambda own, bad=bad: own.fit(x, y, bad),
            "partial_fit": lambda own, bad=bad: own.partial_fit(x, y, sample_weight=bad),
            "score": lambda own, bad=bad: own.score(x, y, bad),
        }
        yield f"fit, {name} {what}", [name], {}, False, calls["fit again"]
        for call in calls:
            yield f"{call}, {name} {what}", [name], {"warm_start": True}, True, calls[call]
        val = lambda own, bad=bad: own.fit(  # noqa: E731
            x, y, X_val=x, y_val=y, sample_weight_val=bad
        )
        yield f"fit, {name}_val {what}", [f"{name}_val"], {}, False, val


def other_cases(cls, x, y):
    """Return bad classes, initial weights, and combinations of arguments."""
    if is_classifier(cls()):
        for what, bad in BAD_CLASSES.items():
            part = lambda own, bad=bad: own.partial_fit(x, y, classes=bad)  # noqa: E731
            for fitted in (False, True):
                yield f"partial_fit {fitted}, classes {what}", ["classes"], {}, fitted, part
    coefs, intercepts = made(cls, True, {}).coefs_, made(cls, True, {}).intercepts_
    for name, good in (("coefs_init", coefs), ("intercepts_init", intercepts)):
        for what, bad in bad_starts(good).items():
            fit = lambda own, bad=bad, name=name: own.fit(x, y, **{name: bad})  # noqa: E731
            for fitted in (False, True):
                yield f"fit {fitted}, {name} {what}", [name], {}, fitted, fit
    for given in ({"X_val": x}, {"y_val": y}, {"sample_weight_val": np.ones(len(y))}):
        fit = lambda own, given=given: own.fit(x, y, **given)  # noqa: E731
        yield f"fit, {[*given]} alone", ["X_val"], {}, True, fit


def cases(cls):
    """Yield a name, words of the message, parameters, whether it is fitted, and a call."""
    x, y, _ = data_of(cls)
    for some in (parameter_cases, x_cases, y_cases, weight_cases, other_cases):
        yield from some(cls, x, y)


_FITTED = {}


def made(cls, fitted, params):
    """Return an estimator whose parameters may have been set after it was fitted."""
    x, y, defaults = data_of(cls)
    if fitted and cls not in _FITTED:
        own = cls(**{**defaults, "warm_start": True, "dropout": 0.1}).fit(x, y)
        _FITTED[cls] = own
    own = _FITTED[cls] if fitted else cls()
    rng = np.random.RandomState(0)  # which draws nothing, either, when there is an error
    kept = {**cls().get_params(deep=False), **defaults, "random_state": rng}
    return own.set_params(**{**kept, **params})


def state(own):
    """Return the complete state of an estimator: objects of parameters, bits of the rest."""
    values = dict(vars(own))
    params = {name: id(values.pop(name)) for name in own.get_params(deep=False)}
    rng = own.random_state
    rng = rng.get_state() if isinstance(rng, np.random.RandomState) else None
    return params, joblib.hash((sorted(values.items()), rng))


def complaint(own, words, call):
    """Make a bad call, and return what is wrong with its refusal, or None."""
    before, start = state(own), time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call(own)
    except (ValueError, TypeError) as error:
        seconds = time.process_time() - start
        if state(own) != before:
            return "the estimator has changed"
        if not any(re.search(rf"\b{word}", str(error)) for word in words):
            return f"none of {words} is in: {error!r:.200}"
        return f"took {seconds:.1f} seconds" if seconds > SECONDS else None
    except BaseException as error:
        return f"raised {error!r:.200}"
    return "was accepted"


def check(cls, every=1):
    """Run a part of the cases; return their number, and the failures."""
    counts, wrong = Counter(), []
    for i, (name, words, params, fitted, call) in enumerate(cases(cls)):
        if i % every:
            continue
        found = complaint(made(cls, fitted, params), words, call)
        counts[words[0]] += 1
        if found:
            wrong.append(f"{cls.__name__}, {name}: {found}")
            _FITTED.pop(cls, None)
    return counts, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--least", type=int, default=200, help="inputs a class, at least")
    least = parser.parse_args().least
    wrong, told = [], []
    for cls in CLASSES:
        counts, bad = check(cls)
        wrong += bad
        told.append(f"{cls.__name__} {counts.total()}")
        if counts.total() < least:
            wrong.append(f"{cls.__name__} has {counts.total()} bad inputs")
    print(*wrong, sep="\n")
    print(f"bad inputs: {', '.join(told)}; {len(wrong)} not refused as they should be")
    if wrong:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
