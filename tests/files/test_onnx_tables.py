"""to_onnx of networks that were fitted on tables with categories."""

import warnings

import numpy as np
import onnx.reference
import onnxruntime
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import skneural
from skneural import MLPClassifier, MLPRegressor

BOTH = pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor], ids=lambda c: c.__name__)
RNG = np.random.default_rng(0)
N = 200
TABLE = pd.DataFrame(
    {
        "age": RNG.normal(40, 10, N),
        "city": RNG.choice(["Bern", "Zürich", "Rome", ""], N),
        "code": pd.Categorical(RNG.integers(3, 6, N)),
        "income": RNG.normal(50_000, 9_000, N),
        "owner": RNG.integers(0, 2, N),
        "size": pd.Categorical(RNG.choice([0.1, 0.5, 1.7], N)),
        "member": RNG.choice([True, False], N),
        "shop": [f"shop {i % 80}" for i in range(N)],  # embedded, as are the next two
        "zip": pd.Categorical(np.arange(N) % 90 + 8_000),
        "weight": pd.Categorical(np.arange(N) % 100 / 7),
        "colour": RNG.choice(["red", "blue"], N),
        "width": pd.Categorical(RNG.choice([0.1, 0.2], N)),
    }
)
CATEGORIES = ["city", "code", "size", "member", "shop", "zip", "weight", "colour", "width"]
WITH_MISSING = TABLE.mask(RNG.random(TABLE.shape) < 0.1)
Y = RNG.normal(size=N) + (TABLE["city"] == "Rome") + TABLE["age"] / 10
KINDS = {"tensor(string)": object, "tensor(int64)": np.int64, "tensor(double)": np.float64}


def make(cls=MLPClassifier, **params):
    defaults = {"hidden_layer_sizes": 8, "max_iter": 5, "patience": None, "random_state": 0}
    return cls(**{**defaults, **params})


def targets(own, y=Y):
    return y > np.median(y) if isinstance(own, MLPClassifier) else y


def session_of(own):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = skneural.to_onnx(own).SerializeToString()
    return onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])


def feeds(session, table):
    """Return the columns of a table as inputs of a graph, with values for missing ones."""
    columns = {}
    for x in session.get_inputs():
        kind = KINDS[x.type]
        substitute = {object: "missing", np.int64: -1, np.float64: np.nan}[kind]
        values = [substitute if pd.isna(value) else value for value in table[x.name]]
        columns[x.name] = np.array(values, dtype=kind)[:, None]
    return columns


def assert_predictions(own, table):
    """Compare the outputs of onnxruntime with those of the estimator."""
    session = session_of(own)
    got = session.run(None, feeds(session, table))
    if isinstance(own, MLPClassifier):
        label, probabilities = got
        np.testing.assert_array_equal(label, own.predict(table))
        np.testing.assert_allclose(probabilities, own.predict_proba(table), rtol=1e-5)
    else:
        np.testing.assert_allclose(got[0], own.predict(table), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("table", [TABLE, WITH_MISSING], ids=["complete", "missing"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@BOTH
def test_predictions(cls, dtype, table):
    own = make(cls, dtype=dtype, categorical_features=CATEGORIES)
    own.fit(table, targets(own))
    assert own.embeddings_.keys() == {"shop", "zip", "weight"}
    assert_predictions(own, table)
    others = dict.fromkeys(["city", "shop", "colour"], "?")
    others |= dict.fromkeys(["code", "zip"], 77)
    others |= {
        "size": 0.2,
        "width": 3.0,
        "weight": 1e300,
        "member": 2,
        "age": 1e9,
        "income": -1e-9,
    }
    assert_predictions(own, table.assign(**others))
    assert_predictions(own, table.assign(**dict.fromkeys(table, np.nan)))


@pytest.mark.parametrize(
    "columns",
    [["city"], ["colour"], ["shop"], ["code", "shop"], ["shop", "age", "city"]],
    ids=str,
)
@BOTH
def test_predictions_of_single_columns(cls, columns):
    for table in (TABLE[columns], WITH_MISSING[columns]):
        own = make(cls)
        assert_predictions(own.fit(table, targets(own)), table)


def test_the_inputs_are_the_columns():
    own = make(categorical_features=CATEGORIES).fit(TABLE, targets(make()))
    inputs = session_of(own).get_inputs()
    assert {tuple(x.shape) for x in inputs} == {("n_samples", 1)}
    assert {x.name: x.type for x in inputs} == {
        "age": "tensor(double)",
        "city": "tensor(string)",
        "code": "tensor(int64)",
        "income": "tensor(double)",
        "owner": "tensor(double)",
        "size": "tensor(double)",
        "member": "tensor(int64)",
        "shop": "tensor(string)",
        "zip": "tensor(int64)",
        "weight": "tensor(double)",
        "colour": "tensor(string)",
        "width": "tensor(double)",
    }
    assert [x.name for x in inputs] == list(TABLE)


def test_columns_of_arrays_have_numbers():
    x = TABLE[["age", "code", "city"]].to_numpy(object)
    own = make(MLPRegressor, categorical_features=[1, 2]).fit(x, Y)
    session = session_of(own)
    [got] = session.run(None, feeds(session, pd.DataFrame(x, columns=["x0", "x1", "x2"])))
    np.testing.assert_allclose(got, own.predict(x), rtol=1e-5)


@BOTH
def test_tables_of_polars(cls):
    table = pl.DataFrame({name: TABLE[name].tolist() for name in ("age", "city", "shop")})
    own = make(cls)
    own.fit(table, targets(own))
    assert_predictions(own, table)


def test_numbers_keep_their_double_precision():
    """The standard deviation of the times is 1,000, and float32 has steps of 128 there."""
    table = TABLE[["city"]].assign(time=1.7e9 + 1000 * RNG.normal(size=N))
    own = make(MLPRegressor, dtype="float32").fit(table, (table["time"] - 1.7e9) / 1e3)
    assert_predictions(own, table)


@pytest.mark.parametrize("n_levels", [3, 70], ids=["one-hot", "embedded"])
def test_levels_keep_their_double_precision(n_levels):
    sizes = 0.1 + 1e-12 * (np.arange(N) % n_levels)
    table = pd.DataFrame({"size": pd.Categorical(sizes)})
    own = make(MLPRegressor, max_iter=20).fit(table, np.arange(N) % n_levels)
    assert len(np.unique(own.predict(table))) == n_levels
    assert_predictions(own, table)


@BOTH
def test_text_is_missing_if_it_is_no_level(cls):
    """onnxruntime converts None and NaN to text; an empty text may be a level."""
    own = make(cls)
    own.fit(WITH_MISSING[["age", "city"]], targets(own))
    session, age = session_of(own), np.full((4, 1), 40.0)
    missing = np.array([["nowhere"], [None], [np.nan], ["None"]], dtype=object)
    for out in session.run(None, {"age": age, "city": missing}):
        assert len(np.unique(out, axis=0)) == 1
    table = pd.DataFrame({"age": [40.0, 40.0], "city": [None, ""]})
    assert_predictions(own, table)
    got = session.run(None, {"age": age[:2], "city": np.array([["nowhere"], [""]], object)})
    assert len(np.unique(got[-1], axis=0)) == 2


def test_dates_are_text():
    days = np.array(["2026-01-01", "2026-02-01", "2026-03-01"], "datetime64[D]").tolist()
    table = pd.DataFrame({"day": [days[i % 3] for i in range(N)]})
    own = make(MLPRegressor, categorical_features=["day"]).fit(table, np.arange(N) % 3)
    [got] = session_of(own).run(None, {"day": table[["day"]].astype(str).to_numpy(object)})
    np.testing.assert_allclose(got, own.predict(table), rtol=1e-5)
    assert len(np.unique(got)) == 3


@BOTH
def test_a_category_without_any_level(cls):
    table = TABLE[["age"]].assign(none=[None] * N)
    own = make(cls, categorical_features=["none"])
    own.fit(table, targets(own))
    assert own.input_names_.tolist() == ["age", "none_nan"]
    assert_predictions(own, table)
    assert_predictions(own, table.assign(none="something"))
    assert_predictions(own, table.assign(none=""))


def test_tiny_numbers():
    """onnxruntime omits the subtraction of a single number that is 0 in float32."""
    table = TABLE[["city"]].assign(mass=1e-60 * RNG.normal(5, 1, N))
    own = make(MLPRegressor).fit(table, Y)
    assert_predictions(own, table)


def test_a_category_whose_levels_are_declared():
    cities = pd.Categorical(TABLE["city"], ["Oslo", *TABLE["city"].unique()])
    table = TABLE[["age"]].assign(city=cities)
    own = make().partial_fit(table, targets(make()), classes=[False, True])
    assert "city_Oslo" in own.input_names_
    assert_predictions(own, table.assign(city="Oslo"))


def test_columns_may_be_named_as_nodes_are():
    names = ["v0", "c1", "v2_0", "two words", "v3", "_v3", "c0", "X", "n_samples", "_c1"]
    names += ["c2", "v4"]
    table = TABLE.set_axis(names, axis=1)
    for cls in (MLPClassifier, MLPRegressor):
        own = make(cls)
        own.fit(table, targets(own))
        assert_predictions(own, table)


@pytest.mark.parametrize(
    ("cls", "name"),
    [(MLPClassifier, "label"), (MLPClassifier, "probabilities"), (MLPRegressor, "prediction")],
)
def test_columns_named_as_outputs_are_refused(cls, name):
    own = make(cls)
    own.fit(TABLE.rename(columns={"city": name}), targets(own))
    with pytest.raises(ValueError, match=f"column '{name}' of X .* output.*Give it another"):
        skneural.to_onnx(own)


def test_columns_without_a_name_are_refused():
    own = make().fit(TABLE.rename(columns={"city": ""}), targets(make()))
    with pytest.raises(ValueError, match=r"column '' of X must have a name.*X\.rename"):
        skneural.to_onnx(own)


def test_several_outputs():
    labels = np.column_stack([Y > 4, TABLE["zip"].astype(int) % 3])
    session = session_of(own := make().fit(TABLE, labels))
    got = session.run(["probabilities_0", "probabilities_1"], feeds(session, TABLE))
    for mine, expected in zip(got, own.predict_proba(TABLE), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-5)
    assert_predictions(make(MLPRegressor).fit(TABLE, np.c_[Y, -Y]), TABLE)


def test_a_loaded_network_has_the_same_graph(tmp_path):
    own = make().fit(WITH_MISSING, targets(make()))
    skneural.save(own, tmp_path / "own.skneural")
    assert skneural.to_onnx(skneural.load(tmp_path / "own.skneural")) == skneural.to_onnx(own)


def test_the_reference_evaluator_of_onnx_agrees():
    own = make(MLPRegressor).fit(WITH_MISSING, Y)
    evaluator = onnx.reference.ReferenceEvaluator(skneural.to_onnx(own))
    [got] = evaluator.run(None, feeds(session_of(own), WITH_MISSING))
    np.testing.assert_allclose(got, own.predict(WITH_MISSING), rtol=1e-4, atol=1e-5)


LEVELS = {
    "text": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    "integers": st.integers(-(2**62), -2) | st.integers(0, 2**62),  # -1 is a missing value
    "floats": st.floats(allow_nan=False, allow_infinity=False),
    "booleans": st.booleans(),
    "numbers": st.floats(-1e6, 1e6),
}


@st.composite
def tables(draw):
    """Return a table to fit, with its categories, and a table that has other levels, too."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    table, other, categories = {"category": ["a", "b"] * 20}, {"category": ["b", "c"] * 20}, []
    for j in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from([*LEVELS]))
        values = draw(st.lists(LEVELS[kind], min_size=2, max_size=60, unique=True))
        values += [None] * draw(st.integers(0, 1))
        dtype = float if kind == "numbers" else object
        values = pd.Series(values, dtype=dtype)
        is_seen = slice(len(values) * 2 // 3) if draw(st.booleans()) else slice(None)
        table[f"x{j}"] = rng.choice(values[is_seen], 40)
        other[f"x{j}"] = rng.choice(values, 40)
        categories += [f"x{j}"] * (kind != "numbers")
    return pd.DataFrame(table), pd.DataFrame(other), [*categories, "category"]


@settings(max_examples=30, deadline=None)
@given(tables(), st.sampled_from(["float32", "float64"]))
def test_predictions_of_random_tables(drawn, dtype):
    table, other, categories = drawn
    own = make(MLPRegressor, dtype=dtype, categorical_features=categories, max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as that of text which differs in every row
        own.fit(table, np.arange(40.0))
    assert_predictions(own, table)
    assert_predictions(own, other)
