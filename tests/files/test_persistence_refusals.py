"""Pipelines that cannot be saved, and files of Pipelines that cannot be loaded."""

import json
import os
import warnings

import numpy as np
import pytest
import sklearn
from _mutations import damaged, mutated
from _pipelines import (
    DOCUMENTS,
    FRAME,
    INTEGERS,
    NUMBERS,
    Y,
    again,
    assert_same_predictions,
    mixed_columns,
    network,
)
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

import skneural
from skneural._files.safetensors_file import ModelFile, write


class OwnScaler(StandardScaler):
    """A class that must not be in a file."""


@pytest.mark.parametrize(
    ("step", "complaint"),
    [
        (FunctionTransformer(lambda x: x), r"steps\.functiontransformer\.func cannot be saved"),
        (OwnScaler(), r"steps\.ownscaler cannot be saved: OwnScaler\(\)"),
        (
            make_union(StandardScaler(), FunctionTransformer(np.sort)),
            r"transformer_list\.functiontransformer\.func cannot be saved: <function sort",
        ),
        (
            ColumnTransformer([("one", StandardScaler(), lambda x: [0])]),
            r"steps\.columntransformer\.transformers\.one\.2 cannot be saved",
        ),
        (TfidfVectorizer(tokenizer=str.split, token_pattern=None), r"tokenizer cannot"),
    ],
    ids=range(5),
)
def test_what_cannot_be_saved_is_named(step, complaint, tmp_path):
    x = DOCUMENTS if isinstance(step, TfidfVectorizer) else NUMBERS
    own = make_pipeline(step, network()).fit(x, Y)
    with pytest.raises(TypeError, match=complaint):
        skneural.save(own, tmp_path / "own.skneural")
    assert not list(tmp_path.iterdir())


def test_what_else_cannot_be_saved(tmp_path):
    path = tmp_path / "own.skneural"
    for own in (make_pipeline(StandardScaler(), network()), StandardScaler().fit(NUMBERS)):
        with pytest.raises(NotFittedError, match="must contain a fitted network"):
            skneural.save(own, path)
    with pytest.raises(TypeError, match=r"docs/persistence.md.*got LogisticRegression|got Log"):
        skneural.save(LogisticRegression(), path)
    own = Pipeline([("scaler", StandardScaler()), ("net", network())]).fit(NUMBERS, Y)
    with pytest.raises(ValueError, match="memory of the Pipeline must be None, got 'cache'"):
        skneural.save(own.set_params(memory="cache"), path)
    own.set_params(memory=None, net__alpha=lambda: 1)
    with pytest.raises(TypeError, match=r"steps\.net: alpha cannot be saved"):
        skneural.save(own, path)
    assert not list(tmp_path.iterdir())


def changed_file(own, path, change=lambda about: None, text=(), **arrays):
    """Save with a changed description, text or arrays, and a correct checksum."""
    skneural.save(own, path)
    with ModelFile(path) as file:
        about, told = json.loads(file.text["estimator"]), dict(file.text)
        shapes = list(file.arrays.items())
        kept = {name: file.read(name, dtype, shape) for name, (dtype, shape, _) in shapes}
    change(about)
    told |= {"estimator": json.dumps(about), **dict(text)}
    write(path, told, {**kept, **arrays})


def at(about, *place):
    """Return the description of an estimator inside a Pipeline."""
    for index in place:
        about = about["params"]["steps"]["list"][index]["tuple"][1]["estimator"]
    return about


def with_entry(place, part, name, value):
    return lambda about: at(about, *place)[part].update({name: value})


RUN = {"name": "os.system"}
MEAN = "steps.standardscaler.mean_"
# what is changed in a file of a scaler before a network, by the complaint
WRONG = {
    "the class 'Popen', which is not allowed": lambda a: at(a, 0).update({"class": "Popen"}),
    "it names 'os.system', which is not allowed": with_entry((0,), "fitted", "mean_", RUN),
    "a parameter 'norm', which does not exist": with_entry((0,), "params", "norm", None),
    "has an attribute 'transform', which no fit sets": with_entry(
        (0,), "fitted", "transform", None
    ),
    "has an attribute '__class__', which no fit": with_entry((0,), "fitted", "__class__", 1),
    "attribute 'copy', which": with_entry((0,), "fitted", "copy", True),
    "memory of the Pipeline must be None": with_entry((), "params", "memory", "/tmp/cache"),
    "steps of the Pipeline has": with_entry((), "params", "steps", {"list": [1]}),
    "mean_ of the StandardScaler is missing": lambda a: at(a, 0)["fitted"].pop("mean_"),
    "mean_ of the StandardScaler has an invalid description": with_entry(
        (0,), "fitted", "mean_", {"list": []}
    ),
    "n_features_in_ of the StandardScaler": with_entry((0,), "fitted", "n_features_in_", 4.0),
    "var_ of the StandardScaler has an invalid description": with_entry(
        (0,), "fitted", "var_", {"stored": ["more", "<i8"]}
    ),
    "array 'nothing' is missing": with_entry(
        (0,), "fitted", "mean_", {"stored": ["nothing", "<f8"]}
    ),
    "not a dtype of an array": with_entry((0,), "fitted", "mean_", {"stored": [MEAN, "|O"]}),
    f"array '{MEAN}' is missing": with_entry(
        (0,), "fitted", "var_", {"stored": [MEAN, "<f8"]}
    ),
    "not a dtype of datetimes": with_entry((0,), "fitted", "mean_", {"times": ["more", "O"]}),
    "'<U999999' is not a dtype": with_entry((0,), "fitted", "x_", {"dtype": "<U999999"}),
    "slice has an invalid desc": with_entry((0,), "fitted", "x_", {"slice": [1.5, 2, 3]}),
    "unknown arrays": lambda a: at(a, 1).pop("at"),
}  # fmt: skip


@pytest.mark.parametrize("complaint", WRONG)
def test_a_wrong_description_is_refused_in_words(complaint, tmp_path):
    own, path = make_pipeline(StandardScaler(), network()).fit(NUMBERS, Y), tmp_path / "own"
    changed_file(own, path, WRONG[complaint], more=np.zeros(4, np.int64))
    with pytest.raises(ValueError) as caught:  # noqa: PT011, the complaint is asked for below
        skneural.load(path)
    assert str(caught.value).startswith(f"{path} cannot be loaded: ")
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("step", "x", "name", "value", "complaint"),
    [
        (CountVectorizer(), ["a1 b1", "b1 c1", "c1"], "input", "filename", "input of the"),
        (HashingVectorizer(), DOCUMENTS[:3], "n_features", 0, "n_features of the"),
        (make_union(PCA(2)), NUMBERS[:3], "n_jobs", 10**6, "n_jobs of the FeatureUnion"),
    ],
)
def test_a_dangerous_parameter_is_refused(step, x, name, value, complaint, tmp_path):
    own, path = make_pipeline(step, network()).fit(x, [0, 1, 2]), tmp_path / "own"
    changed_file(own, path, with_entry((0,), "params", name, value))
    with pytest.raises(ValueError, match=complaint):
        skneural.load(path)


@pytest.mark.parametrize("numbers", [[0, 1, 3], [0, 1, 1], [0, 1, -1], [0, 1, 0.5]])
def test_a_vocabulary_that_leads_beyond_the_matrix_is_refused(numbers, tmp_path):
    own = make_pipeline(CountVectorizer(), network()).fit(["a1 b1", "b1 c1", "c1"], Y[:3])
    pairs = [[word, number] for word, number in zip(["a1", "b1", "c1"], numbers, strict=True)]
    change = with_entry((0,), "fitted", "vocabulary_", {"dict": pairs})
    changed_file(own, tmp_path / "own", change)
    with pytest.raises(ValueError, match="vocabulary_ of the CountVectorizer"):
        skneural.load(tmp_path / "own")


def test_columns_of_an_encoder_are_counted_anew(tmp_path):
    """They become indices of a sparse matrix, which are not checked in products."""
    own, path = make_pipeline(OneHotEncoder(), network()).fit(INTEGERS, Y), tmp_path / "own"
    expected = own.predict_proba(INTEGERS)
    own[0]._n_features_outs = [1, 1]
    np.testing.assert_array_equal(again(own, tmp_path).predict_proba(INTEGERS), expected)
    unsorted = {"steps.onehotencoder.categories_.0": np.array([4, 3, 2, 1, 0])}
    changed_file(own, path, **unsorted)
    with pytest.raises(ValueError, match="categories_ of the OneHotEncoder"):
        skneural.load(path)


def test_another_version_of_scikit_learn(tmp_path):
    own, path = make_pipeline(StandardScaler(), network()).fit(NUMBERS, Y), tmp_path / "own"
    changed_file(own, path, text={"sklearn_version": "1.8.2"})
    expected = rf"written by scikit-learn 1\.8\.2, and this is {sklearn.__version__}"
    with pytest.warns(UserWarning, match=expected):
        assert_same_predictions(skneural.load(path), own, NUMBERS)


def test_a_parameter_that_the_file_does_not_know_has_its_default(tmp_path):
    own, path = make_pipeline(StandardScaler(), network()).fit(NUMBERS, Y), tmp_path / "own"
    changed_file(own, path, lambda about: at(about, 0)["params"].pop("copy"))
    assert_same_predictions(skneural.load(path), own, NUMBERS)


def load_or_refusal(path, data):
    path.write_bytes(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the version that is told
            return skneural.load(path)
    except ValueError as error:
        if f"{path} cannot be loaded: " not in str(error):
            raise
        return None
    finally:
        assert os.getenv("SKNEURAL_PAYLOAD") is None
        assert os.listdir(path.parent) == [path.name]


def test_damaged_files_are_never_loaded(tmp_path):
    path, rng = tmp_path / "own.skneural", np.random.default_rng(0)
    skneural.save(mixed_columns().fit(FRAME, Y), path)
    data = path.read_bytes()
    for _ in range(100):
        bad = damaged(data, rng)
        assert load_or_refusal(path, bad) is None or bad == data


def test_mutated_files_are_refused_or_load(tmp_path):
    """Mutated files have a correct checksum; a wrong parameter raises an error when used."""
    path, rng = tmp_path / "own.skneural", np.random.default_rng(0)
    skneural.save(mixed_columns().fit(FRAME, Y), path)
    data, refused, predicted = path.read_bytes(), 0, 0
    for _ in range(150):
        loaded = load_or_refusal(path, mutated(data, rng))
        refused += loaded is None
        if loaded is not None:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    predicted += len(loaded.predict(FRAME)) == len(FRAME)
            except (ValueError, TypeError, LookupError, AttributeError, OverflowError):
                pass
    assert refused > 75
    assert refused + predicted > 140
