"""Data of all kinds, and Pipelines that are saved and loaded."""

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import skneural
from skneural import MLPClassifier

RNG = np.random.RandomState(0)
NUMBERS = RNG.rand(90, 3)
Y = np.arange(90) % 3
WITH_GAPS = np.where(RNG.rand(90, 3) < 0.2, np.nan, NUMBERS)
ROWS = [["a", "x", 1], ["b", "y", 1], ["a", None, 2], ["c", np.nan, 3], ["d", "y", 3]]
OBJECTS = np.array(ROWS, dtype=object)[RNG.randint(5, size=90)]
TEXT = np.array(["a", "bb", "ccc", "d\u00e9"])[RNG.randint(4, size=(90, 2))]
INTEGERS = RNG.randint(5, size=(90, 2))
DOCUMENTS = [" ".join(f"w{k}" for k in RNG.randint(300, size=40)) for _ in Y]
DICTS = [{"a": value, "b": "u" if value > 0.5 else "w"} for value in NUMBERS[:, 0].tolist()]
FRAME = pd.DataFrame(NUMBERS, columns=["a", "b", "c\u00e9"]).assign(
    text=np.where(Y == 1, "u", "v"), kind=pd.Categorical(["k", "l", "m"] * 30)
)


def network(cls=MLPClassifier, **params):
    defaults = {"hidden_layer_sizes": (5,), "max_iter": 2, "patience": None}
    return cls(**{**defaults, "random_state": 0, **params})


def mixed_columns(**params):
    """Return a Pipeline that transforms each column of FRAME in a different way."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = make_column_transformer(
        (numbers, FRAME.columns[:2]),
        (OneHotEncoder(min_frequency=10), make_column_selector(dtype_include="category")),
        (OneHotEncoder(drop="if_binary"), ["text"]),
        remainder="passthrough",
    )
    return make_pipeline(columns, network(**params))


def again(own, tmp_path):
    skneural.save(own, tmp_path / "own.skneural")
    return skneural.load(tmp_path / "own.skneural")


def assert_same_predictions(twin, own, x):
    assert type(twin) is type(own)
    for method in ("predict", "predict_proba"):
        if hasattr(own, method):
            a, b = getattr(twin, method)(x), getattr(own, method)(x)
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype
