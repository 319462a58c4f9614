"""Unprepared tables with categories and missing values."""

import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from _refusal import refusal
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.inspection import PartialDependenceDisplay, permutation_importance
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skneural import MLPClassifier, MLPRegressor, diagnose

BOTH = pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor], ids=lambda c: c.__name__)
RNG = np.random.default_rng(0)
N = 120
CITIES = RNG.choice(["Bern", "Oslo", "Rome"], N).tolist()
AGES = RNG.normal(40, 10, N).round(1).tolist()
INCOMES = RNG.normal(50_000, 9_000, N).round().tolist()
KEEPS = RNG.choice([True, False], N).tolist()
COLOURS = RNG.choice(["red", "blue"], N).tolist()
Y = (np.array([city == "Rome" for city in CITIES]) ^ (np.array(INCOMES) > 50_000)).astype(int)
for rows, column in ((slice(3, 9), AGES), (slice(20, 30), CITIES)):
    column[rows] = [None] * len(column[rows])
COLUMNS = {
    "age": AGES,
    "city": CITIES,
    "income": INCOMES,
    "keeps": KEEPS,
    "colour": COLOURS,
}
TABLE = pd.DataFrame(COLUMNS)
NUMBERS, CATEGORIES = ["age", "income", "keeps"], ["city", "colour"]
WEIGHTS = RNG.integers(0, 3, N).astype(float)


def make(cls=MLPClassifier, **params):
    defaults = {"hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 0}
    return cls(**{**defaults, **params})


def outputs(own, x):
    return own.predict_proba(x) if hasattr(own, "predict_proba") else own.predict(x)


def encoded(table, weight=None):
    """Return the output of a ColumnTransformer for a table."""
    scaler = StandardScaler().fit(table[["age", "income"]], sample_weight=weight)
    numbers = scaler.transform(table[["age", "income"]])
    flags = np.isnan(numbers[:, :1])
    encoder = OneHotEncoder(drop="if_binary", sparse_output=False)
    one_hot = encoder.fit_transform(table[["colour", "city"]])
    return np.hstack([np.nan_to_num(numbers), table[["keeps"]], flags, one_hot])


@pytest.mark.usefixtures("engine")
@BOTH
@pytest.mark.parametrize("weight", [None, WEIGHTS], ids=["", "weights"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_table_is_what_a_column_transformer_makes_of_it(cls, solver, weight):
    own = make(cls, solver=solver).fit(TABLE, Y, sample_weight=weight)
    x = encoded(TABLE, weight)
    twin = make(cls, solver=solver).fit(x, Y, sample_weight=weight)
    np.testing.assert_allclose(outputs(own, TABLE), outputs(twin, x), rtol=0, atol=1e-10)
    np.testing.assert_allclose(own.activations(TABLE)[0], twin.activations(x)[0], atol=1e-8)
    assert own.n_features_in_ == 5
    assert own.feature_names_in_.tolist() == list(COLUMNS)
    names = ["age", "income", "keeps", "missingindicator_age", "colour_red"]
    names += ["city_Bern", "city_Oslo", "city_Rome", "city_nan"]
    assert own.input_names_.tolist() == names
    assert own.coefs_[0].shape == (9, 8)
    assert "input, from 5 features" in str(own.summary())


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_many_one_hot_columns_equal_those_of_a_transformer(dtype):
    places = [f"place {i}" for i in range(6)]
    table = pd.DataFrame(RNG.integers(0, 30, (400, 6)).astype(str), columns=places)
    table.insert(0, "z", RNG.normal(size=400))
    y = RNG.normal(size=400)
    own = make(MLPRegressor, dtype=dtype).fit(table, y)
    assert own.coefs_[0].shape == (181, 8)
    x = make_column_transformer(
        (StandardScaler(), ["z"]), (OneHotEncoder(sparse_output=False), places)
    ).fit_transform(table)
    twin = make(MLPRegressor, dtype=dtype).fit(x, y)
    atol = 1e-10 if dtype == "float64" else 1e-4
    np.testing.assert_allclose(own.predict(table), twin.predict(x), atol=atol)
    unseen = table.assign(**dict.fromkeys(places, "nowhere"))
    x[:, 1:] = 0
    np.testing.assert_allclose(own.predict(unseen), twin.predict(x), atol=atol)


DTYPES, ORDER = dict.fromkeys(COLUMNS), ["Rome", "Oslo", "Paris", "Bern"]
FRAMES = {
    "pandas": TABLE,
    "pandas category": TABLE.astype(dict.fromkeys(CATEGORIES, "category")),
    "pandas object": TABLE.astype(dict.fromkeys(CATEGORIES, object)),
    "pandas dictionary": TABLE.assign(
        city=pd.Series(CITIES, dtype=pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string())))
    ),
    "pandas ordered": TABLE.assign(city=pd.Categorical(CITIES, ORDER, ordered=True)),
    "polars": pl.DataFrame(COLUMNS),
    "polars category": pl.DataFrame(COLUMNS, DTYPES | {"city": pl.Categorical}),
    "polars enum": pl.DataFrame(COLUMNS, DTYPES | {"city": pl.Enum(ORDER)}),
    "pyarrow": pa.table(COLUMNS),
    "pyarrow category": pa.table({**COLUMNS, "city": pa.array(CITIES).dictionary_encode()}),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_every_library_gives_the_same_bits(frame):
    own, expected = make().fit(frame, Y), make().fit(TABLE, Y)
    np.testing.assert_array_equal(own.predict_proba(frame), expected.predict_proba(TABLE))
    np.testing.assert_array_equal(own.predict_proba(TABLE), expected.predict_proba(frame))
    assert own.input_names_.tolist() == expected.input_names_.tolist()


def test_missing_decimals_of_pandas_are_missing_numbers():
    prices = [None if i % 3 else Decimal(i) for i in range(N)]
    numbers = TABLE[["age", "city"]].assign(price=pd.Series(prices, dtype=float))
    decimals = numbers.assign(price=pd.Series(prices, dtype=pd.ArrowDtype(pa.decimal128(9, 2))))
    own, expected = make().fit(decimals, Y), make().fit(numbers, Y)
    np.testing.assert_array_equal(own.predict_proba(decimals), expected.predict_proba(numbers))


@pytest.mark.parametrize(
    "chosen",
    [
        ["city", "colour"],
        np.array([1, 4]),
        [False, True, False, False, True],
        pd.Index(CATEGORIES),
    ],
    ids=["names", "indices", "mask", "index"],
)
@pytest.mark.parametrize("make_x", [lambda: TABLE, TABLE.to_numpy], ids=["frame", "array"])
def test_every_way_to_choose_categories(chosen, make_x):
    x = make_x()
    own = make(categorical_features=chosen)
    if isinstance(x, np.ndarray) and isinstance(chosen[0], str):
        with refusal(own, "categorical_features", "names", "indices"):
            own.fit(x, Y)
        return
    expected = make().fit(TABLE, Y).predict_proba(TABLE)
    np.testing.assert_array_equal(own.fit(x, Y).predict_proba(x), expected)


def test_numbers_may_be_categories():
    codes = RNG.integers(5, 9, N)
    x = np.c_[codes, RNG.normal(size=N)]
    own = make(categorical_features=[0]).fit(x, Y)
    assert own.input_names_.tolist() == ["x1", "x0_5.0", "x0_6.0", "x0_7.0", "x0_8.0"]
    other = pd.DataFrame({"code": pd.Categorical(codes), "z": x[:, 1]})
    np.testing.assert_array_equal(
        make().fit(other, Y).predict_proba(other), own.predict_proba(x)
    )
    cut = other.assign(code=pd.cut(codes, [0, 6, 7, 9]))
    names = ["z", "code_(0, 6]", "code_(6, 7]", "code_(7, 9]"]
    assert make().fit(cut, Y).input_names_.tolist() == names


@pytest.mark.usefixtures("engine")
@BOTH
def test_a_category_of_two_levels_is_a_number(cls):
    """It is 0 for the first level, 1 for the second, and 0.5 for an unknown level."""
    table, number = TABLE[["colour"]], (TABLE[["colour"]] == "red").astype(float)
    own, twin = make(cls).fit(table, Y), make(cls).fit(number, Y)
    assert own.input_names_.tolist() == ["colour_red"]
    np.testing.assert_array_equal(outputs(own, table), outputs(twin, number))
    for unknown in ("green", None):
        found = outputs(own, table.assign(colour=unknown))
        np.testing.assert_array_equal(found, outputs(twin, number.assign(colour=0.5)))


def test_missing_values_may_be_the_second_of_two_levels():
    table = pd.DataFrame({"colour": ["red", None] * 60, "z": INCOMES})
    own = make().fit(table, Y)
    assert own.input_names_.tolist() == ["z", "colour_nan"]
    unknown, missing = (table.assign(colour=colour) for colour in ("blue", None))
    np.testing.assert_array_equal(own.predict_proba(unknown), own.predict_proba(missing))


NUMBERS = {
    "Decimal": [Decimal("0.1"), Decimal("0.2"), Decimal(3)],
    "Fraction": [Fraction(1, 3), Fraction(2, 3), Fraction(3)],
    "floats and large integers": [0.5, 2**53 + 1, np.float32(1e20)],
    "int64": [-(2**63), 0, 2**63 - 1],
}


@pytest.mark.parametrize("numbers", NUMBERS.values(), ids=NUMBERS)
@pytest.mark.parametrize("is_missing", [False, True])
def test_every_type_of_number_may_be_a_category(numbers, is_missing):
    names = ["a", "b", "c"]
    if is_missing:
        numbers, names = [*numbers, Decimal("nan")], [*names, None]
    values = pd.Series(numbers * N, dtype=object)[:N]
    x = pd.DataFrame({"code": values})
    named = pd.DataFrame({"code": (names * N)[:N]})
    own = make(categorical_features=[0]).fit(x, Y)
    twin = make().fit(named, Y)
    np.testing.assert_array_equal(own.predict_proba(x), twin.predict_proba(named))


def test_unseen_levels_are_missing_ones_or_none():
    own = make().fit(TABLE, Y)
    unseen, missing = TABLE.assign(city="Paris"), TABLE.assign(city=[None] * N)
    np.testing.assert_array_equal(own.predict_proba(unseen), own.predict_proba(missing))
    unseen, x = TABLE.assign(colour="green"), encoded(TABLE)
    x[:, 4] = 0.5  # the colour was never missing
    logits = np.log(own.predict_proba(unseen)[:, 1] / own.predict_proba(unseen)[:, 0])
    hidden = np.maximum(x @ own.coefs_[0] + own.intercepts_[0], 0)
    np.testing.assert_allclose(logits, (hidden @ own.coefs_[1] + own.intercepts_[1])[:, 0])


@pytest.mark.usefixtures("engine")
@BOTH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_missing_numbers_are_what_an_imputer_makes_of_them(cls, dtype):
    x = RNG.normal(3, 1, size=(N, 3)).astype(dtype)
    x[:9, 1] = np.nan
    own = make(cls).fit(x, Y)
    imputer = SimpleImputer(add_indicator=True).fit(x)
    twin = make(cls).fit(imputer.transform(x), Y)
    assert own.input_names_.tolist() == ["x0", "x1", "x2", "missingindicator_x1"]
    # a feature without missing values in training has a mean, too
    x[20:30, 2] = np.nan
    atol = 1e-10 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(outputs(own, x), outputs(twin, imputer.transform(x)), atol=atol)


@pytest.mark.parametrize("make_x", [np.asarray, sparse.csr_array], ids=["dense", "CSR"])
def test_values_that_are_missing_only_in_predictions(make_x):
    x = RNG.normal(2, 1, size=(N, 3))
    own = make(MLPRegressor).fit(make_x(x), Y, sample_weight=WEIGHTS)
    assert own.input_names_.tolist() == ["x0", "x1", "x2"]
    bad, filled = x[:10].copy(), x[:10].copy()
    bad[:, 1], filled[:, 1] = np.nan, np.average(x[:, 1], weights=WEIGHTS)
    np.testing.assert_allclose(own.predict(bad), own.predict(filled), rtol=1e-12)
    np.testing.assert_allclose(own.predict(bad[:1]), own.predict(filled[:1]), rtol=1e-12)
    own.partial_fit(bad, Y[:10])
    with refusal(own, "X", "NaN", data=(x, Y), make=make):
        own.predict(sparse.csr_array(bad))


def test_a_feature_that_is_always_missing():
    x = RNG.normal(size=(N, 2))
    x[:, 1] = np.nan
    assert np.isfinite(make().fit(x, Y).predict_proba(x)).all()
    table = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": [None] * N}).astype({"c": "str"})
    own = make().fit(table, Y)
    assert own.input_names_.tolist() == ["a", "b", "missingindicator_b", "c_nan"]


def test_rows_of_no_weight_teach_nothing():
    weight = np.ones(N)
    weight[:40] = 0  # missing ages, and missing cities
    own = make(batch_size=N).fit(TABLE, Y, sample_weight=weight)
    twin = make(batch_size=N).fit(TABLE[40:], Y[40:])
    assert own.input_names_.tolist() == twin.input_names_.tolist()
    assert not {"missingindicator_age", "city_nan"} & set(own.input_names_)
    np.testing.assert_allclose(own.predict_proba(TABLE), twin.predict_proba(TABLE), atol=1e-10)
    x = RNG.normal(size=(N, 2))
    x[:40, 1] = np.nan
    own = make(batch_size=N).fit(x, Y, sample_weight=weight)
    assert own.input_names_.tolist() == ["x0", "x1"]
    twin = make(batch_size=N).fit(x[40:], Y[40:])
    np.testing.assert_allclose(own.predict_proba(x), twin.predict_proba(x), atol=1e-10)


@BOTH
def test_parts_keep_what_the_first_one_had(cls):
    table = FRAMES["pandas ordered"]
    own = make(cls)
    first = {"classes": [0, 1]} if cls is MLPClassifier else {}
    own.partial_fit(table[40:], Y[40:], **first)
    names = own.input_names_.tolist()
    assert names == [
        *("age", "income", "keeps", "colour_red"),
        *("city_Bern", "city_Oslo", "city_Paris", "city_Rome"),
    ]
    before = own.network_.theta.copy()
    own.partial_fit(table[:40], Y[:40])
    assert own.input_names_.tolist() == names
    assert not np.array_equal(before, own.network_.theta)
    own.set_params(warm_start=True).fit(table, Y)
    assert own.input_names_.tolist() == names


def test_numbers_are_not_asked_to_be_scaled_beside_categories():
    make().fit(TABLE, Y)  # whose incomes are large; warnings are errors
    assert "scaled" not in str(diagnose(make().fit(TABLE, Y), TABLE))
    far = TABLE.assign(income=np.where(WEIGHTS == 0, 1e9, TABLE["income"]))
    own = make().fit(far, Y, sample_weight=WEIGHTS)  # which rows of no weight do not change
    assert "scaled" not in str(diagnose(own, far))
    x = TABLE[["age", "income"]]
    with pytest.warns(UserWarning, match=r"'income' \(mean .*StandardScaler"):
        make().fit(x, Y)
    scaled = make_pipeline(StandardScaler(), make()).fit(x, Y)  # which keeps missing values
    assert scaled[-1].input_names_.tolist() == ["x0", "x1", "missingindicator_x0"]


@pytest.mark.usefixtures("engine")
@BOTH
def test_numbers_beside_categories_are_limited_to_eight_standard_deviations(cls):
    own = make(cls).fit(TABLE, Y)
    mean, scale = np.mean(INCOMES), np.std(INCOMES)

    def answer(income):
        return outputs(own, TABLE[:1].assign(income=income))

    np.testing.assert_allclose(answer(mean + 8 * scale), answer(mean + 9 * scale), atol=1e-10)
    np.testing.assert_allclose(answer(mean - 8 * scale), answer(-1e300), atol=1e-10)
    assert np.abs(answer(mean + 8 * scale) - answer(mean + 7 * scale)).max() > 1e-4


def test_a_column_of_identifiers_is_named():
    names = [f"person {i}" for i in range(N)]
    with pytest.warns(UserWarning, match=r"'name' \(120 levels\).*leave such columns out"):
        make().fit(TABLE.assign(name=names), Y)
    with pytest.warns(UserWarning, match=r"'name' \(120 levels\)"):
        make(early_stopping=True).fit(TABLE.assign(name=names), Y)
    make().fit(TABLE.assign(name=names[: N // 2] * 2), Y)  # warnings are errors
    make().fit(TABLE.assign(name=names)[:40], Y[:40])  # too few rows to tell


def test_validation_data():
    own = make(early_stopping=True).fit(TABLE, Y)
    assert len(own.validation_scores_) == own.n_iter_
    own.fit(TABLE[:80], Y[:80], X_val=FRAMES["polars"][80:], y_val=Y[80:])
    assert own.best_validation_score_ == own.score(TABLE[80:], Y[80:])
    own.set_params(scoring=lambda own, x, y: accuracy_score(y, own.predict(x)))
    own.fit(TABLE[:80], Y[:80], X_val=TABLE[80:], y_val=Y[80:])
    assert own.best_validation_score_ == own.score(TABLE[80:], Y[80:])
    far = TABLE[80:].assign(age=TABLE["age"] / 10, income=1.0)
    with pytest.warns(UserWarning, match="X_val does not seem to be on the scale of X. 2 of 3"):
        own.fit(TABLE[:80], Y[:80], X_val=far, y_val=Y[80:])


def test_tools_of_scikit_learn():
    pytest.importorskip("matplotlib").use("agg")
    own = make(class_weight="balanced", max_iter=60, learning_rate=0.01)
    search = GridSearchCV(own, {"categorical_features": ["from_dtype", CATEGORIES]}, cv=2)
    own = search.fit(TABLE, Y).best_estimator_
    for twin in (clone(own).fit(TABLE, Y), pickle.loads(pickle.dumps(own))):
        np.testing.assert_array_equal(twin.predict_proba(TABLE), own.predict_proba(TABLE))
    found = permutation_importance(own, TABLE, Y, n_repeats=3, random_state=0)
    assert found.importances_mean[1] > 0.1 > found.importances_mean[4]
    shown = PartialDependenceDisplay.from_estimator(
        own, TABLE.dropna(), ["income", "colour"], categorical_features=CATEGORIES
    )
    assert shown.axes_.size == 2
    passed = ColumnTransformer([("all", "passthrough", list(COLUMNS))])
    pipeline = make_pipeline(passed.set_output(transform="pandas"), clone(own)).fit(TABLE, Y)
    np.testing.assert_array_equal(pipeline.predict(TABLE), own.predict(TABLE))


MIXED = TABLE.assign(city=pd.Series(["a", 1] * (N // 2), dtype=object))
LISTS = TABLE.assign(city=[["a"]] * N)
NUMBERS_ONLY, AGE = TABLE[["age"]], {"categorical_features": ["age"]}
BAD = {
    "mixed types": (MIXED, {}, ["'city'", "int and str", "astype(str)"]),
    "no such name": (TABLE, {"categorical_features": ["town"]}, ["'town'", "'city'"]),
    "no such index": (TABLE, {"categorical_features": [7]}, ["within 0 and 4", "[7]"]),
    "a short mask": (TABLE, {"categorical_features": [True]}, ["5 columns", "(1,)"]),
    "lists": (LISTS, {"categorical_features": [1, 4]}, ["'city'", "list"]),
    "infinity": (TABLE.assign(age=np.inf), {}, ["X", "'age'", "infinity"]),
    "infinite level": (NUMBERS_ONLY.assign(age=np.inf), AGE, ["'age'", "inf", "astype(str)"]),
    "level beyond int64": (
        NUMBERS_ONLY.assign(age=np.uint64(2**63)),
        AGE,
        ["'age'", "int64", "9223372036854775808", "astype(str)"],
    ),
    "dates": (
        TABLE.assign(age=pd.Timestamp("2020-01-01")),
        {},
        ["'age'", "must hold numbers, got dates"],
    ),
    "text among numbers": (TABLE, {"categorical_features": ["colour"]}, ["'city'", "text"]),
    "sparse": (
        sparse.csr_array(np.eye(N)),
        {"categorical_features": [1]},
        ["categorical_features", "sparse"],
    ),
}


@pytest.mark.parametrize(("x", "params", "words"), BAD.values(), ids=BAD)
def test_bad_tables_are_refused_by_column(x, params, words):
    own = make(**params)
    with refusal(own, *words):
        own.fit(x, Y)


CHANGED = {
    "numbers": (TABLE.assign(city=1.0), ["'city'", "must hold text, as in fit, got numbers"]),
    "text": (TABLE.assign(age="old"), ["'age'", "must hold numbers"]),
    "names": (TABLE.rename(columns={"city": "town"}), ["town"]),
}


@pytest.mark.parametrize(("x", "words"), CHANGED.values(), ids=CHANGED)
def test_columns_must_stay_of_their_kind(x, words):
    own = make().fit(TABLE, Y)
    for method in (own.predict, lambda x: own.partial_fit(x, Y)):
        with refusal(own, *words, data=(TABLE, Y), make=make):
            method(x)
    with refusal(own, *words, "X_val", data=(TABLE, Y), make=make):
        own.fit(TABLE, Y, X_val=x, y_val=Y)


def test_more_levels_than_memory(monkeypatch):
    monkeypatch.setattr("skneural._network.network.machine_memory", lambda: 2**20)
    ids = [f"user {i}" for i in range(5000)]
    table = pd.DataFrame({"z": np.zeros(5000), "user": ids})
    own = make()
    with refusal(own, "bytes", "'user'", "5,000 levels"):
        own.fit(table, np.arange(5000) % 2)


def test_mapie_takes_tables_where_it_fits_the_network_itself():
    """With a fitted network MAPIE fails, because it predicts for a row of zeros."""
    regression = pytest.importorskip("mapie.regression")
    conformal = regression.CrossConformalRegressor(make(MLPRegressor), cv=3)
    _, intervals = conformal.fit_conformalize(TABLE, Y * 1.0).predict_interval(TABLE)
    assert intervals.shape == (N, 2, 1)
