"""Embeddings of categories with many levels in dense networks."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from _refusal import refusal
from scipy.special import expit
from sklearn.base import clone

from skneural import MLPClassifier, MLPRegressor, WeightsDisplay, diagnose

BOTH = pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor], ids=lambda c: c.__name__)
RNG = np.random.default_rng(0)
N = 300
SHOPS = [f"shop {i:02}" for i in RNG.permutation(np.arange(N) % 80)]
CODES = RNG.permutation(np.arange(N) % 100 + 100).tolist()
TABLE = pd.DataFrame(
    {
        "shop": SHOPS,
        "size": RNG.normal(10, 3, N),
        "colour": RNG.choice(["red", "blue", "green"], N),
        "code": pd.Categorical(CODES),
    }
)
TABLE.loc[:20, ["size", "code"]] = None
EFFECT = RNG.normal(size=80)[[int(shop[-2:]) for shop in SHOPS]]
Y = (EFFECT + 0.1 * RNG.normal(size=N) > 0).astype(int)
WITHOUT_ENGINE = ("skneural._engine.program.compile_program", lambda network: None)


def make(cls=MLPClassifier, **params):
    defaults = {"hidden_layer_sizes": 8, "max_iter": 5, "random_state": 0}
    return cls(**{**defaults, **params})


def outputs(own, x):
    return own.predict_proba(x) if hasattr(own, "predict_proba") else own.predict(x)


@pytest.mark.usefixtures("engine")
@BOTH
def test_attributes_and_summary(cls):
    own = make(cls).fit(TABLE, Y)
    shapes = {name: table.shape for name, table in own.embeddings_.items()}
    assert shapes == {"shop": (80, 5), "code": (101, 5)}  # one level for missing values
    names = ["size", "missingindicator_size"]
    names += [f"shop_embedding{i}" for i in range(5)]
    names += [f"code_embedding{i}" for i in range(5)]
    names += ["colour_blue", "colour_green", "colour_red"]
    assert own.input_names_.tolist() == names
    assert own.coefs_[0].shape == (len(names), 8)
    assert own.n_layers_ == 3
    printed = str(own.summary())
    assert "input, from 4 features" in printed
    name = "Embedding of 2, one-hot of 1"
    [row] = [line for line in printed.splitlines() if name in line]
    assert row.replace(name, "").split()[:2] == ["15", str((80 + 101) * 5)]
    assert [part.shape for part in own.activations(TABLE)] == [(N, 8), (N, 1)]
    own.embeddings_["shop"][...] = 0  # views, like coefs_
    renamed = TABLE.assign(shop=TABLE["shop"].to_numpy()[::-1])
    np.testing.assert_array_equal(outputs(own, TABLE), outputs(own, renamed))
    x = np.array(TABLE, dtype=object)
    by_index = make(cls, categorical_features=[0, 2, 3]).fit(x, Y)
    assert list(by_index.embeddings_) == ["x0", "x3"]
    assert make(cls).fit(TABLE[["size", "colour"]], Y).embeddings_ == {}
    assert make(cls).fit(TABLE[["size"]] / 10, Y).embeddings_ == {}
    assert not hasattr(make(cls), "embeddings_")


def test_initial_values():
    own = make(max_iter=0).fit(TABLE, Y)
    for table in own.embeddings_.values():
        assert np.abs(table).max() <= np.sqrt(3 / 4)
        assert np.square(table).sum(axis=1).mean() == pytest.approx(1, abs=0.15)
    again, other = make(max_iter=0), make(max_iter=0, random_state=1)
    for name, table in again.fit(TABLE, Y).embeddings_.items():
        np.testing.assert_array_equal(table, own.embeddings_[name])
        assert not np.array_equal(table, other.fit(TABLE, Y).embeddings_[name])


@pytest.mark.usefixtures("engine")
def test_predictions_by_hand():
    """Levels are sorted; unknown levels give the zero vector, or count as missing."""
    own = make().fit(TABLE, Y)
    few = TABLE.iloc[[30, 31, 32, 33]].reset_index(drop=True)
    few["shop"] = ["shop 07", "shop 79", "no such shop", None]
    few["code"] = pd.Categorical([100, None, 3, 199])
    shops = np.vstack([own.embeddings_["shop"], np.zeros(5)])[[7, 79, 80, 80]]
    codes = own.embeddings_["code"][[0, 100, 100, 99]]
    size = TABLE["size"]
    x = np.column_stack(
        [
            (few["size"] - size.mean()) / size.std(ddof=0),
            np.zeros(4),
            shops,
            codes,
            few["colour"] == "blue",
            few["colour"] == "green",
            few["colour"] == "red",
        ]
    ).astype(float)
    hidden = np.maximum(x @ own.coefs_[0] + own.intercepts_[0], 0)
    expected = expit(hidden @ own.coefs_[1] + own.intercepts_[1])[:, 0]
    np.testing.assert_allclose(own.predict_proba(few)[:, 1], expected, rtol=1e-10)


@BOTH
@pytest.mark.parametrize(
    "params",
    [
        {"solver": "lbfgs"},
        {"solver": "adamw", "max_grad_norm": 0.5},
        {"solver": "sgd", "batch_norm": True, "dropout": 0.2},
        {"solver": "rmsprop", "input_noise": 0.2, "batch_size": 17},
        {"solver": "adagrad", "early_stopping": True, "n_hidden_layers": 0},
    ],
    ids=lambda params: params["solver"],
)
def test_both_engines_fit_the_same(cls, params, monkeypatch):
    compiled = make(cls, **params).fit(TABLE, Y, sample_weight=np.arange(N) % 3)
    monkeypatch.setattr(*WITHOUT_ENGINE)
    own = make(cls, **params).fit(TABLE, Y, sample_weight=np.arange(N) % 3)
    np.testing.assert_allclose(own.network_.theta, compiled.network_.theta, atol=1e-7)
    np.testing.assert_allclose(outputs(own, TABLE), outputs(compiled, TABLE), atol=1e-7)


def test_embeddings_learn():
    own = make(max_iter=100, learning_rate=0.01, early_stopping=False)
    assert own.fit(TABLE, Y).score(TABLE, Y) > 0.9


def test_noise_does_not_change_levels():
    own = make(input_noise=10.0, max_iter=1).fit(TABLE, Y)
    network = own.network_
    assert [type(layer).__name__ for layer in network.layers[:2]] == [
        "Embedding",
        "GaussianNoise",
    ]
    first = make(max_iter=0).fit(TABLE, Y).embeddings_["shop"]
    assert (own.embeddings_["shop"] != first).any(axis=1).all()


def test_rows_of_no_weight_teach_nothing():
    weight = np.ones(N)
    weight[TABLE["shop"].isin(["shop 00", "shop 79"])] = 0
    weight[:21] = 0  # missing codes
    own = make(batch_size=N).fit(TABLE, Y, sample_weight=weight)
    twin = make(batch_size=N).fit(TABLE[weight > 0], Y[weight > 0])
    assert own.embeddings_["shop"].shape == (78, 5)
    assert own.embeddings_["code"].shape[0] == 100
    np.testing.assert_allclose(own.predict_proba(TABLE), twin.predict_proba(TABLE), atol=1e-10)


def test_every_library_gives_the_same_bits():
    own = make().fit(TABLE.astype({"code": object}), Y)
    frame = pl.DataFrame({name: TABLE[name].tolist() for name in TABLE})
    chosen = ["shop", "colour", "code"]
    other = make(categorical_features=chosen).fit(frame, Y)
    own = make(categorical_features=chosen).fit(TABLE, Y)
    np.testing.assert_array_equal(other.predict_proba(frame), own.predict_proba(TABLE))


@BOTH
def test_parts_keep_the_levels_of_the_first_one(cls):
    shops = pd.CategoricalDtype([f"shop {i:02}" for i in range(90)])
    table = TABLE.astype({"shop": shops})
    first = {"classes": [0, 1]} if cls is MLPClassifier else {}
    own = make(cls, batch_size=10).partial_fit(table[:10], Y[:10], **first)
    before = own.embeddings_["shop"].copy()
    assert before.shape[0] == 90
    own.partial_fit(table[100:110], Y[100:110])
    changed = np.flatnonzero((own.embeddings_["shop"] != before).any(axis=1))
    assert changed.tolist() == sorted({int(shop[-2:]) for shop in SHOPS[100:110]})
    before = own.embeddings_["shop"].copy()
    own.set_params(warm_start=True, max_iter=1).fit(table, Y)
    assert own.embeddings_["shop"].shape == before.shape
    assert not np.array_equal(own.embeddings_["shop"], before)
    np.testing.assert_array_equal(own.embeddings_["shop"][80:], before[80:])


def test_copies():
    own = make(warm_start=True).fit(TABLE, Y)
    twin = pickle.loads(pickle.dumps(own))
    np.testing.assert_array_equal(
        clone(own).fit(TABLE, Y).predict_proba(TABLE), own.predict_proba(TABLE)
    )
    for each in (own, twin):
        each.fit(TABLE, Y)
    np.testing.assert_array_equal(twin.predict_proba(TABLE), own.predict_proba(TABLE))


def test_inspection():
    pytest.importorskip("matplotlib").use("agg")
    own = make(max_iter=30, n_hidden_layers=2).fit(TABLE, Y)
    assert not diagnose(own, TABLE)
    WeightsDisplay.from_estimator(own, image_shape=(3, 5))
    assert own.transform(TABLE).shape == (N, 8)
    linear = make(n_hidden_layers=0).fit(TABLE, Y)
    assert linear.transform(TABLE).shape == (N, 15)
    assert len(linear.get_feature_names_out()) == 15


def test_too_many_levels(monkeypatch):
    monkeypatch.setattr("skneural._estimators.table._MOST_LEVELS", 79)
    with refusal(make(), "column 'shop' of X", "at most 79 levels, got 80", "Join rare"):
        make().fit(TABLE, Y)


def test_a_diverged_fit_reports_the_size_of_numbers_and_not_of_level_codes():
    towns = [f"t{i % 80}" for i in range(N)]
    table = pd.DataFrame({"size": np.linspace(-1, 1, N), "town": towns})
    own = MLPClassifier(solver="sgd", learning_rate=1e30, max_iter=5, random_state=0)
    with pytest.raises(ValueError, match=r"largest \|X\| is 1\.\d+,"):
        own.fit(table, Y)
