"""An X that is no table, for networks with categories, is refused with a message that helps."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from _refusal import refusal
from scipy import sparse

from skneural import MLPClassifier

N = 60
TABLE = pd.DataFrame(
    {"age": np.linspace(20, 60, N), "city": ["Bern", "Oslo", "Rome"] * (N // 3)}
)
Y = np.arange(N) % 2
CITY = TABLE["city"]
ONE_ROW = "iloc[[0]]"
BAD = {
    "a row": (TABLE.iloc[0], ["Series of shape (2,)", ONE_ROW]),
    "a list": ([30, "Bern"], ["list of shape (2,)", ONE_ROW]),
    "a dict": ({"age": 30, "city": "Bern"}, ["two-dimensional", "dict"]),
    "a LazyFrame": (pl.from_pandas(TABLE).lazy(), ["LazyFrame", "X.collect()"]),
    "a cube": (np.zeros((N, 2, 2)), [f"ndarray of shape ({N}, 2, 2)"]),
    "sparse": (sparse.csr_array(np.eye(N, 2)), ["csr_array", "toarray()"]),
    "no rows": (TABLE[:0], ["0 sample(s) (shape=(0, 2))"]),
    "a date": (TABLE.assign(age=pd.Timestamp("2026-01-01")), ["'age'", "Pass numbers"]),
}


def make(cls=MLPClassifier, **params):
    return cls((4,), **{"max_iter": 3, "random_state": 0, **params})


@pytest.mark.parametrize(("x", "words"), BAD.values(), ids=BAD)
def test_what_is_no_table_is_refused_by_a_fitted_network(x, words):
    own = make().fit(TABLE, Y)
    for method in (own.predict, lambda x: own.partial_fit(x, Y)):
        with refusal(own, "X", *words, data=(TABLE, Y), make=make):
            method(x)


def test_no_rows_are_refused_where_all_columns_are_categories():
    own = make().fit(TABLE[["city"]], Y)
    with refusal(own, "X", "0 sample(s)", data=(TABLE[["city"]], Y), make=make):
        own.predict(TABLE[["city"]][:0])


COLUMNS = {
    "pandas": (CITY, ["Series of shape (60,)", "table[['name']]"]),
    "polars": (pl.Series(CITY), ["Series of shape (60,)", "table[['name']]"]),
    "array": (CITY.to_numpy(), ["ndarray of shape (60,)", "table[['name']]"]),
    "list": (CITY.tolist(), ["list of shape (60,)", "table[['name']]"]),
    "ragged": ([*TABLE.to_numpy().tolist(), [30]], ["two-dimensional", "list"]),
    "no rows": (np.empty((0, 2), dtype=object), ["0 sample(s) (shape=(0, 2))"]),
}


@pytest.mark.parametrize(("x", "words"), COLUMNS.values(), ids=COLUMNS)
def test_what_is_no_table_is_refused_by_fit(x, words):
    own = make(categorical_features=[0])
    with refusal(own, "X", *words):
        own.fit(x, Y)


@pytest.mark.filterwarnings("error::polars.exceptions.PerformanceWarning")
@pytest.mark.parametrize("categories", ["from_dtype", ["city"], None], ids=str)
def test_tables_that_are_not_in_memory_are_refused_by_fit(categories):
    for table in (TABLE, TABLE[["age"]]):
        own = make(categorical_features=categories)
        with refusal(own, "X", "LazyFrame", "X.collect()"):
            own.fit(pl.from_pandas(table).lazy(), Y)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, lambda x: x.astype(object)])
def test_fit_says_what_to_do_with_dates(frame):
    table = TABLE.assign(day=pd.date_range("2026-01-01", periods=N))
    own = make()
    with refusal(own, "column 'day' of X must hold numbers, got dates", "differences in days"):
        own.fit(frame(table), Y)
