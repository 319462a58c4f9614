"""Files of networks that were fitted on tables: the encoding is saved and checked."""

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import skops.io
from test_checkpoint import StopAt
from test_persistence import again, assert_same
from test_persistence_refusals import changed_file

import skneural
from skneural import Checkpoint, MLPClassifier, MLPRegressor

RNG = np.random.default_rng(0)
N = 80
TABLE = pd.DataFrame(
    {
        "age": RNG.normal(40, 10, N),
        "city": RNG.choice(["Bern", "Zürich", "Rome"], N),
        "code": pd.Categorical(RNG.integers(3, 6, N)),
        "size": pd.Categorical(RNG.choice([0.5, 1.5], N)),
    }
)
TABLE.loc[:5, ["age", "city"]] = np.nan
SHOPS = TABLE.assign(shop=[f"shop {i % 66}" for i in range(N)])  # embedded
SHOPS.loc[7, "shop"] = None
NUMBERS = TABLE[["age"]].to_numpy() / 10
Y = np.arange(N) % 2
DATA = pytest.mark.parametrize("x", [TABLE, NUMBERS, NUMBERS[10:40], SHOPS], ids=range(4))


def make(cls=MLPClassifier, **params):
    return cls((4,), **{"max_iter": 3, "random_state": 0, "warm_start": True, **params})


@DATA
def test_files_keep_the_encoding(x, tmp_path):
    own = make().fit(x, Y[: len(x)])
    twin = again(own, tmp_path)
    assert_same(twin, own)
    unseen = (
        x.assign(city="Paris", age=np.nan) if hasattr(x, "assign") else np.full_like(x, np.nan)
    )
    for rows in (x, unseen):
        np.testing.assert_array_equal(twin.predict_proba(rows), own.predict_proba(rows))
    assert twin.input_names_.tolist() == own.input_names_.tolist()
    for each in (own, twin):
        each.fit(x, Y[: len(x)])
    np.testing.assert_array_equal(twin.network_.theta, own.network_.theta)


@DATA
def test_skops_knows_the_type(x):
    own = make(MLPRegressor).fit(x, Y[: len(x)])
    twin = skops.io.loads(skops.io.dumps(own), trusted=skneural.SKOPS_TYPES)
    np.testing.assert_array_equal(twin.predict(x), own.predict(x))


@DATA
def test_checkpoints_keep_the_encoding(x, tmp_path):
    expected = make(max_iter=6).fit(x, Y[: len(x)]).predict_proba(x)
    checkpoint = Checkpoint(tmp_path / "own.checkpoint", every=2, resume=True)

    with pytest.raises(KeyboardInterrupt):
        make(max_iter=6).set_callbacks(checkpoint, StopAt(3)).fit(x, Y[: len(x)])
    own = make(max_iter=6).set_callbacks(checkpoint).fit(x, Y[: len(x)])
    np.testing.assert_array_equal(own.predict_proba(x), expected)


WRONG = {
    "a mean that is not finite": ({"table.mean": np.array([np.nan])}, "must be finite"),
    "a scale of 0": ({"table.scale": np.array([0.0])}, "above 0"),
    "no column": ({"table.is_categorical": np.zeros((2, 2), bool)}, "invalid description"),
    "another column": ({"table.is_categorical": np.zeros(4, bool)}, r"must be .* of shape"),
    "unordered levels": ({"table.levels.1": np.array([4, 3, 5])}, "distinct levels"),
    "equal levels": ({"table.levels.1": np.array([3, 3, 5])}, "distinct levels"),
    "levels that are not finite": ({"table.levels.2": np.array([0.5, np.inf])}, "distinct"),
    "levels of another type": ({"table.levels.1": np.array([3.0, 4.0, 5.0])}, "must be int64"),
    "no text": ({"table.levels.0": np.full((3, 2), 0x110000, np.uint32)}, "not contain text"),
    "an embedding of some levels": (
        {"table.embedding_widths": np.array([0, 2, 0])},
        r"theta' must be .* of shape \(51,\)",
    ),
    "an embedding of two levels": (
        {"table.embedding_widths": np.array([0, 0, 2])},
        r"theta' must be .* of shape \(57,\)",
    ),
    "embeddings of negative widths": (
        {"table.embedding_widths": np.array([0, -1, 0])},
        "from 0 to",
    ),
    "huge embeddings": ({"table.embedding_widths": np.array([0, 2**40, 0])}, "from 0 to"),
    "an embedding of no levels": (
        {
            "table.embedding_widths": np.array([0, 2, 0]),
            "table.levels.1": np.zeros(0, np.int64),
        },
        "must have levels",
    ),
    "more levels": ({"table.levels.1": np.array([3, 4, 5, 6])}, r"of shape \(53,\)"),
}


@pytest.mark.parametrize(("arrays", "complaint"), WRONG.values(), ids=WRONG)
def test_wrong_encodings_are_refused(arrays, complaint, tmp_path):
    path = tmp_path / "own.skneural"
    changed_file(make().fit(TABLE, Y), path, **arrays)
    with pytest.raises(ValueError, match=f"cannot be loaded: .*{complaint}"):
        skneural.load(path)


@pytest.mark.parametrize(
    "kinds", [["text", "<i8"], "text", ["text", "<i8", "O"], [1, 2, 3], {}]
)
def test_wrong_kinds_of_levels_are_refused(kinds, tmp_path):
    path = tmp_path / "own.skneural"
    changed_file(make().fit(TABLE, Y), path, lambda about: about.update(table=kinds))
    with pytest.raises(ValueError, match="cannot be loaded"):
        skneural.load(path)


def test_a_file_without_an_encoding_has_none(tmp_path):
    """Files of earlier versions have no encoding."""
    own, path = make().fit(NUMBERS[10:], Y[10:]), tmp_path / "own.skneural"
    own._table_encoding = None
    skneural.save(own, path)
    twin = skneural.load(path)
    np.testing.assert_array_equal(twin.predict(NUMBERS[10:]), own.predict(NUMBERS[10:]))
    assert twin.input_names_.tolist() == ["x0"]
    with pytest.raises(ValueError, match=r"X.*NaN"):
        twin.predict(NUMBERS)
    with pytest.raises(ValueError, match=r"X.*NaN"):
        twin.partial_fit(NUMBERS, Y)


def test_onnx_takes_missing_numbers():
    x = np.c_[NUMBERS, RNG.normal(size=N)]
    own = make().fit(x, Y)
    model = skneural.to_onnx(own).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    [probabilities] = session.run(["probabilities"], {"X": x})
    np.testing.assert_allclose(probabilities, own.predict_proba(x), atol=1e-5)


@pytest.mark.parametrize("width", [4, 6])
def test_embeddings_of_another_width_are_refused(width, tmp_path):
    own, path = make().fit(SHOPS, Y), tmp_path / "own.skneural"
    assert own.embeddings_["shop"].shape == (67, 5)
    changed_file(own, path, **{"table.embedding_widths": np.array([0, 0, 0, width])})
    with pytest.raises(ValueError, match=r"cannot be loaded: .*theta.* must be .* of shape"):
        skneural.load(path)
