"""Data frames of several libraries: names are kept; dates and text raise errors."""

import datetime

import narwhals.stable.v2 as narwhals
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from _refusal import X, Y, make, refusal

from skneural import ConvNetClassifier, MLPClassifier, MLPRegressor

EVERY = pytest.mark.parametrize(
    "cls", [MLPClassifier, MLPRegressor, ConvNetClassifier], ids=lambda cls: cls.__name__
)
FRAMES = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "pyarrow": pa.table,
    "narwhals": lambda columns: narwhals.from_native(pl.DataFrame(columns)),
}
KINDS = pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
COLUMNS = dict(zip("abc", X.T, strict=True))


def others_of(columns):
    return {name: column for name, column in columns.items() if name != "b"}


@EVERY
@KINDS
def test_a_frame_is_the_array_with_names(cls, frame):
    own = make(cls).fit(frame(COLUMNS), Y, X_val=frame(COLUMNS), y_val=Y)
    assert own.feature_names_in_.tolist() == ["a", "b", "c"]
    assert own.n_features_in_ == 3
    expected = make(cls).fit(X, Y, X_val=X, y_val=Y).predict(X)
    np.testing.assert_array_equal(own.predict(frame(COLUMNS)), expected)
    own.partial_fit(frame(COLUMNS), Y).score(frame(COLUMNS), Y)


@pytest.mark.parametrize("libraries", [("pyarrow", "pandas"), ("polars", "pyarrow")], ids=str)
def test_frames_of_two_libraries(libraries):
    first, second = (FRAMES[library](COLUMNS) for library in libraries)
    own = make(MLPClassifier).fit(first, Y)
    np.testing.assert_array_equal(own.predict(second), own.predict(first))


def test_a_record_batch_is_an_array():
    batch = pa.record_batch(COLUMNS)
    own = make(MLPClassifier).fit(batch, Y)
    np.testing.assert_array_equal(own.predict(batch), own.predict(X))


@pytest.mark.parametrize("column", [pl.Series, pa.array, lambda y: pa.chunked_array([y])])
def test_targets_and_weights_of_other_libraries(column):
    own = make(MLPRegressor).fit(X, column(Y), sample_weight=column(np.ones(24)))
    np.testing.assert_array_equal(own.predict(X), make(MLPRegressor).fit(X, Y).predict(X))


@KINDS
def test_other_names_are_refused(frame):
    own = make(MLPClassifier).fit(frame(COLUMNS), Y)
    with refusal(own, "feature names", "B", data=(frame(COLUMNS), Y)):
        own.predict(frame({name.upper(): column for name, column in COLUMNS.items()}))


BAD_COLUMNS = {
    "dates": [datetime.date(2020, 1, 1)] * 24,
    "times and dates": [datetime.datetime(2020, 1, 1)] * 24,
    "durations": [datetime.timedelta(1)] * 24,
    "times": [datetime.time(1)] * 24,
    "text": ["1"] * 24,
}


@KINDS
@pytest.mark.parametrize("column", BAD_COLUMNS.values(), ids=BAD_COLUMNS)
@pytest.mark.parametrize("others", [COLUMNS, {"a": range(24)}, {}], ids=["3", "1", "0"])
def test_dates_and_text_are_refused(frame, column, others):
    bad = frame(others | {"bad": column})
    own = make(MLPClassifier, categorical_features=None)
    with refusal(own, "X must hold numbers", error=ValueError):
        own.fit(bad, Y)


@KINDS
def test_missing_values_are_refused_by_convnets(frame):
    bad = frame(others_of(COLUMNS) | {"b": [None, *map(float, X[1:, 1])]})
    with refusal(own := make(ConvNetClassifier), "X", "NaN", error=ValueError):
        own.fit(bad, Y)


@KINDS
def test_booleans_and_integers_are_numbers(frame):
    columns = {"a": [True, False] * 12, "b": list(range(24)), "c": [0.5] * 24}
    own = make(MLPClassifier).fit(frame(columns), Y)
    x = np.c_[columns["a"], columns["b"], columns["c"]]
    expected = make(MLPClassifier).fit(x, Y).predict_proba(x)
    np.testing.assert_array_equal(own.predict_proba(frame(columns)), expected)


class CountingFrame(pd.DataFrame):
    """A frame that counts how often one of its columns is accessed by name."""

    asked = 0

    @property
    def _constructor(self):  # how pandas wants subclasses to stay what they are
        return CountingFrame

    def __getitem__(self, name):
        type(self).asked += 1
        return super().__getitem__(name)


@pytest.mark.parametrize("dtype", [float, object])
def test_columns_are_not_looked_at_one_by_one(dtype):
    CountingFrame.asked = 0
    frame = CountingFrame(X, columns=list("abc")).astype(dtype)
    own = make(MLPClassifier).fit(frame, Y)
    own.predict(frame)
    assert CountingFrame.asked == 0


def test_equal_names_are_refused_by_name():
    frame = pd.DataFrame(X, columns=["a", "b", "a"])
    with refusal(own := make(MLPClassifier), "X", "unique column names", "'a'"):
        own.fit(frame, Y)


def test_dates_beside_equal_names_of_numbers():
    frame = pd.DataFrame([[datetime.date(2020, 1, 1), 1.0]] * 24, columns=["a", "a"])
    with refusal(own := make(MLPClassifier), "X must hold numbers"):
        own.fit(frame, Y)


def test_categories_of_numbers_may_be_numbers():
    frame = pd.DataFrame({"a": X[:, 0], "b": pd.Categorical(Y)})
    own = make(MLPClassifier, categorical_features=None).fit(frame, Y)
    np.testing.assert_array_equal(own.predict(frame), own.predict(frame.astype(float)))
