"""save and load: the same bits and the same further training; bad files are refused."""

import errno
import json
import os
import pickle
import re
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from _mutations import damaged, mutated, rewrite, strangers
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import skneural
from skneural import ConvNetClassifier, ConvNetRegressor, MLPClassifier, MLPRegressor
from skneural._files.safetensors_file import ModelFile
from skneural._files.save import plain_parameters
from skneural.schedules import Cosine, Schedule

X, Y = load_digits(return_X_y=True)
X, Y = X[:120] / 16, Y[:120]
IMAGES = X.reshape(-1, 8, 8)
TARGETS = {
    "binary": Y > 4,
    "integers": Y,
    "uint8": Y.astype("uint8"),
    "floats": Y / 1.0,
    "text": np.array([*"abcdefghi", "\u00e4\U0001f600\u0440 long"])[Y],
    "text objects": np.array(["no", "yes"], dtype=object)[Y % 2],
    "indicator": (Y[:, None] >> np.arange(3)) & 1,
    "columns": np.column_stack([Y, Y % 3]),
    "days": np.array(["2020-01-01", "2021-05-05"], dtype="M8[D]")[Y % 2],
    "nanoseconds": np.array(["2020-01-01", "2021-05-05", "1969-01-01"], dtype="M8[ns]")[Y % 3],
    "durations": np.array([1, 5, 7], dtype="m8[25s]")[Y % 3],
    "columns of days": np.array(["2020", "2021", "2022"], dtype="M8[D]")[np.c_[Y % 3, Y % 2]],
    "mixed columns": np.array([[int(y), "even" if y % 2 else "odd"] for y in Y], dtype=object),
}


def make(cls=MLPClassifier, **params):
    defaults = {"batch_size": 32, "max_iter": 2, "patience": None, "random_state": 0}
    sizes = {"hidden_layer_sizes": (12,)}
    if cls in (ConvNetClassifier, ConvNetRegressor):
        sizes |= {"filters": (3, 4), "input_shape": (8, 8, 1)}
    return cls(**{**defaults, **sizes, **params})


def again(own, tmp_path):
    skneural.save(own, tmp_path / "own.skneural")
    return skneural.load(tmp_path / "own.skneural")


def described(own):
    """Return the parameters with the types and values of everything in them."""
    params = own.get_params()
    if isinstance(params["random_state"], np.random.RandomState):
        params["random_state"] = str(params["random_state"].get_state())
    return repr(params)


def assert_same(twin, own):
    """Check that types, parameters, attributes and weights are equal to the bit."""
    assert type(twin) is type(own)
    assert described(twin) == described(own)
    # what `diagnose` says of training targets is not in files
    not_in_files = {"_target_fit", "_explained_share"}
    assert vars(twin).keys() - not_in_files == vars(own).keys() - not_in_files
    for name in ("theta", "state"):
        a, b = getattr(twin.network_, name), getattr(own.network_, name)
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    assert repr(twin.history_) == repr(own.history_)
    for name in ("n_iter_", "t_", "loss_", "best_loss_", "n_features_in_", "n_outputs_"):
        assert getattr(twin, name) == getattr(own, name)
        assert type(getattr(twin, name)) is type(getattr(own, name))


@pytest.mark.parametrize("name", TARGETS)
def test_every_kind_of_labels(name, tmp_path):
    own = make().fit(X, TARGETS[name])
    twin = again(own, tmp_path)
    assert_same(twin, own)
    np.testing.assert_array_equal(twin.predict(X), own.predict(X))
    assert twin.predict(X).dtype == own.predict(X).dtype
    for a, b in zip(twin.predict_proba(X), own.predict_proba(X), strict=True):
        np.testing.assert_array_equal(a, b)
    pairs = zip(twin.classes_, own.classes_, strict=True)
    assert all(type(a) is type(b) and np.array_equal(a, b) for a, b in pairs)


SETTINGS = [
    (MLPRegressor, {"loss": "huber", "delta": np.float32(0.3)}, X, Y / 10),
    (MLPRegressor, {"loss": "quantile", "dtype": "float32"}, X, np.c_[Y, -Y] / 10),
    (MLPRegressor, {"hidden_layer_sizes": (), "loss": "poisson"}, X, Y[:, None] / 10),
    (MLPRegressor, {"loss": "gamma"}, X, np.c_[Y, 2 * Y] + 1.0),
    (MLPRegressor, {"solver": "lbfgs", "activation": ["tanh"]}, X, Y / 10),
    (MLPClassifier, {"hidden_layer_sizes": np.array([8, 4]), "batch_size": np.int8(9)}, X, Y),
    (MLPClassifier, {"early_stopping": True, "scoring": "balanced_accuracy"}, X, Y % 3),
    (MLPClassifier, {"activation": np.array(["tanh"]), "weight_init": np.str_("he")}, X, Y),
    (MLPClassifier, {"class_weight": {1: 2.0, np.int64(0): 1}, "verbose": False}, X, Y % 2),
    (MLPClassifier, {"random_state": np.random.RandomState(3), "decay": 0.9}, X, Y),
    (ConvNetClassifier, {"batch_norm": True, "dropout": [0.1, 0.2, 0.3]}, IMAGES, Y),
    (ConvNetClassifier, {"augmentation": {"shift": 1}, "kernel_size": ((3, 2), 2)}, IMAGES, Y),
    (ConvNetRegressor, {"input_shape": (8, 8, 1), "pool": ("average", None)}, X, Y / 10),
    (ConvNetRegressor, {"input_shape": 64, "padding": "valid", "dtype": "float32"}, X, Y / 10),
]  # fmt: skip


@pytest.mark.parametrize(("cls", "params", "x", "y"), SETTINGS, ids=range(len(SETTINGS)))
def test_every_estimator_and_kind_of_parameter(cls, params, x, y, tmp_path):
    own = make(cls, **params).fit(x, y)
    twin = again(own, tmp_path)
    assert_same(twin, own)
    np.testing.assert_array_equal(twin.predict(x), own.predict(x))
    assert twin.score(x, y) == own.score(x, y)
    assert str(twin.summary()) == str(own.summary())


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw", "rmsprop", "adagrad"])
@pytest.mark.parametrize("cls", [MLPClassifier, ConvNetClassifier])
@pytest.mark.parametrize(
    "schedule", ["adaptive", Cosine(period=np.int64(7), warmup=2)], ids=str
)
def test_training_goes_on_to_the_bit(solver, cls, schedule, tmp_path):
    x = X if cls is MLPClassifier else IMAGES
    params = {"dropout": 0.2, "input_noise": 0.1, "batch_norm": True, "warm_start": True}
    own = make(cls, solver=solver, schedule=schedule, **params)
    own.set_params(patience=1, tol=10.0)  # which "adaptive" answers by a lower rate
    if schedule == "adaptive":
        with pytest.warns(ConvergenceWarning):
            own.fit(x, Y)
    else:
        own.fit(x, Y)
    own.set_params(patience=100)
    for go_on in ("partial_fit", "fit"):
        twin = again(own, tmp_path)
        for estimator in (own, twin):
            with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
                getattr(estimator, go_on)(x, Y)  # ends before patience does
        np.testing.assert_array_equal(twin.network_.theta, own.network_.theta)
        np.testing.assert_array_equal(twin.network_.state, own.network_.state)
        assert twin.loss_curve_ == own.loss_curve_
        assert twin.history_["learning_rate"] == own.history_["learning_rate"]


def test_a_fit_without_warm_start_saves_and_pickles_no_more_than_its_weights(tmp_path):
    for solver in ("adam", "sgd", "adagrad"):
        own = make(hidden_layer_sizes=(300, 200), solver=solver, early_stopping=True).fit(X, Y)
        twin = again(own, tmp_path)
        weights = own.network_.theta.nbytes
        assert (tmp_path / "own.skneural").stat().st_size < 1.1 * weights
        assert len(pickle.dumps(own)) < 1.1 * weights
        assert len(pickle.dumps(twin)) < 1.1 * weights


def test_feature_names(tmp_path):
    frame = pd.DataFrame(X, columns=[f"p\u00efxel {i}" for i in range(64)])
    own = make().fit(frame, Y)
    twin = again(own, tmp_path)
    np.testing.assert_array_equal(twin.feature_names_in_, own.feature_names_in_)
    assert twin.feature_names_in_.dtype == object
    np.testing.assert_array_equal(twin.predict(frame), own.predict(frame))
    with pytest.raises(ValueError, match="feature names"):
        twin.predict(frame[frame.columns[::-1]])


@pytest.mark.parametrize("cls", [MLPClassifier, ConvNetRegressor])
def test_a_pipeline_through_skops_trusting_our_own_classes_alone(cls, tmp_path):
    pipe = make_pipeline(StandardScaler(), make(cls, batch_norm=True, schedule=Cosine()))
    skops.io.dump(pipe.fit(X, Y), tmp_path / "pipe.skops")
    types = skops.io.get_untrusted_types(file=tmp_path / "pipe.skops")
    assert all(name.startswith("skneural.") for name in types)
    twin = skops.io.load(tmp_path / "pipe.skops", trusted=types)
    assert_same(twin[-1], pipe[-1])
    np.testing.assert_array_equal(twin.predict(X), pipe.predict(X))
    for own in (pipe, twin):
        own[-1].partial_fit(X, Y)
    np.testing.assert_array_equal(twin.predict(X), pipe.predict(X))


class OwnSchedule(Schedule):
    def factor(self, epoch, max_iter, stalls):
        return 1.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scoring", make_scorer(accuracy_score)), ("schedule", OwnSchedule()),
        ("augmentation", lambda images, rng: images), ("tol", np.longdouble(1)),
    ],
)  # fmt: skip
def test_what_is_not_plain_is_refused_by_name(name, value, tmp_path):
    cls = ConvNetClassifier if name == "augmentation" else MLPClassifier
    own = make(cls, **{name: value}, early_stopping=name == "scoring").fit(X, Y)
    with pytest.raises(TypeError, match=f"{name} cannot be saved"):
        skneural.save(own, tmp_path / "own.skneural")
    assert not list(tmp_path.iterdir())


def test_labels_that_are_no_plain_values_are_refused(tmp_path):
    own = make().fit(X, TARGETS["text objects"])
    own._labels.classes = np.array([pd.Timestamp(2020, 1, k) for k in (1, 2)], dtype=object)
    with pytest.raises(
        TypeError, match=r"(?s)classes_ cannot .*Labels must be text, numbers or datetimes"
    ):
        skneural.save(own, tmp_path / "own.skneural")


def test_what_cannot_be_saved_is_refused(tmp_path):
    path = tmp_path / "own.skneural"
    with pytest.raises(NotFittedError):
        skneural.save(make(), path)
    with pytest.raises(TypeError, match=r"estimator must be one of .*got SVC"):
        skneural.save(SVC(), path)
    own = make().fit(X, Y)
    for changed in ({"hidden_layer_sizes": (13,)}, {"loss": "squared_error"}):
        with pytest.raises(ValueError, match="parameters describe"):
            skneural.save(make().fit(X, Y).set_params(**changed), path)
    with pytest.raises(ValueError, match="a parameter of the estimator is too long"):
        skneural.save(own.set_params(class_weight=dict.fromkeys(range(10**5), 1.0)), path)
    with pytest.raises(FileNotFoundError, match="could not be written"):
        skneural.save(make().fit(X, Y), tmp_path / "nowhere" / "own.skneural")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "state",
    [
        [[0] * 624, 10**6, 0, 0.0],
        [[0] * 624, -1, 0, 0.0],
        [[0] * 3, 1, 0, 0.0],
        [[-1], 1, 0, 0],
    ],
    ids=range(4),
)
def test_a_generator_that_numpy_would_read_beyond_its_end(state, tmp_path):
    own, path = make().fit(X, Y), tmp_path / "own.skneural"
    params = {**plain_parameters(own), "random_state": {"RandomState": state}}
    rewrite(own, path, params=params)
    with pytest.raises(ValueError, match=r"cannot be loaded: .*(RandomState|bounds)"):
        skneural.load(path)


TRAINING = {"begun": 0, "schedule_length": 1, "stalled": 0, "data": 0}
BAD_TEXT = {"array": ["<U4", [1], [{"tuple": []}]]}
# what is rewritten of a classifier of text: text, arrays and description, by the complaint
WRONG = {
    "not a model file": {"text": {"format": "other 1"}},
    "not a model file of skneural": {"text": {"format": "skneural one"}},
    "its header is not an object": {"text": {"estimator": "[]"}},
    "unknown arrays: ['more']": {"arrays": {"more": np.zeros(2)}},
    "'theta' is missing": {"arrays": {"theta": None}},
    "'theta' must be float64 of shape (": {"arrays": {"theta": np.zeros(3)}},
    "'classes.0' does not contain text": {"arrays": {"classes.0": np.zeros((10, 0), "<u4")}},
    "array 'classes.0' does not contain": {
        "arrays": {"classes.0": np.full((2, 3), 2**21, "<u4")}
    },
    "classes.0 has too few labels": {"arrays": {"classes.0": np.ones((1, 3), "<u4")}},
    "input_shape has an invalid description: [8, 8]": {"input_shape": [8, 8]},
    "the history has an invalid description": {"history": ["learning_rate"]},
    "the optimizer has an invalid description": {"optimizer": {"first": 1}},
    "a random generator has an invalid description": lambda told: told["rngs"]["split"].update(
        uinteger=2**32
    ),
    "best_loss must be a number": lambda told: told["progress"].update(best_loss=1),
    "the best loss must be a number": {
        "training": {**TRAINING, "best_loss": 1, "best_tie_breaker": 0.5}
    },
    "may have 10,000 entries": ("hidden_layer_sizes", {"tuple": [1] * 10_001}),
    "'<O8' is not a dtype": ("alpha", {"numpy": ["<O8", 1]}),
    "an array of text has an invalid description": ("activation", BAD_TEXT),
    "without entries is too long": ("activation", {"array": ["<i8", [10**9, 0], []]}),
    "array 'theta' has an invalid description": {"arrays": {"theta": np.zeros((10**9, 0))}},
    "does not describe a value": ("alpha", {"float": "1e5"}),
}


@pytest.mark.parametrize("complaint", WRONG)
def test_a_wrong_description_is_refused_in_words(complaint, tmp_path):
    own, path, change = make().fit(X, TARGETS["text"]), tmp_path / "own", WRONG[complaint]
    if isinstance(change, tuple):
        change = {"params": {**plain_parameters(own), change[0]: change[1]}}
    elif callable(change):
        rewrite(own, path)
        with ModelFile(path) as file:
            told = json.loads(file.text["estimator"])
        change(told)
        change = told
    rewrite(own, path, **change)
    with pytest.raises(ValueError, match=f"own cannot be loaded: .*{re.escape(complaint)}"):
        skneural.load(path)


def test_bytes_that_are_no_booleans(tmp_path):
    own, path = make().fit(X, Y > 4), tmp_path / "own"
    rewrite(own, path, arrays={"classes.0": np.array([0, 2], np.uint8).view(bool)})
    with pytest.raises(ValueError, match="neither 0 nor 1"):
        skneural.load(path)


def test_other_versions(tmp_path):
    own, path = make().fit(X, Y), tmp_path / "own.skneural"
    rewrite(own, path, text={"skneural_version": "0.9.3"})
    with pytest.warns(UserWarning, match=r"written by skneural 0\.9\.3, and this is"):
        assert_same(skneural.load(path), own)
    rewrite(own, path, text={"format": "skneural 4", "skneural_version": "7.1"})
    with pytest.raises(ValueError, match=r"format 4, of skneural 7\.1.*up to 3\. Upgrade"):
        skneural.load(path)


@pytest.mark.filterwarnings("ignore:.*was written by skneural:UserWarning")
def test_a_file_of_the_first_format():
    iris, y = load_iris(return_X_y=True, as_frame=True)
    labels = np.array(["setosa", "versicolor", "virginica"], dtype=object)[y]
    own = skneural.load(Path(__file__).parents[1] / "data" / "format_1.skneural")
    np.testing.assert_array_equal(own.classes_, np.unique(labels))
    np.testing.assert_array_equal(own.feature_names_in_, iris.columns)
    assert own.score(iris, labels) == pytest.approx(133 / 150)
    assert own.loss_ == pytest.approx(0.3762487482236324)
    assert own.fit(iris, labels).n_iter_ == 80


def test_the_previous_file_stays_when_the_disk_is_full(tmp_path, monkeypatch):
    own, path = make().fit(X, Y), tmp_path / "own.skneural"
    skneural.save(own, path)
    before = path.read_bytes()

    def full(file):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"could not be written \(No space left on device\)"):
        skneural.save(own.partial_fit(X, Y), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupt_while_a_file_is_written(tmp_path, monkeypatch):
    own, path = make().fit(X, Y), tmp_path / "own.skneural"
    skneural.save(own, path)
    before = path.read_bytes()

    def interrupted(file):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        skneural.save(own.partial_fit(X, Y), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def refusal_or_model(path, data):
    """Load the bytes; return the ValueError or the estimator, and the peak memory."""
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the version that is told
            result = skneural.load(path)
    except ValueError as error:
        result = error
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert not isinstance(result, ValueError) or str(path) in str(result)
    assert os.getenv("SKNEURAL_PAYLOAD") is None
    return result, peak


@pytest.mark.parametrize("name", strangers())
def test_a_file_of_another_kind_is_refused(name, tmp_path):
    result, peak = refusal_or_model(tmp_path / "own.skneural", strangers()[name])
    assert isinstance(result, ValueError)
    assert peak < 2**24
    assert os.listdir(tmp_path) == ["own.skneural"]


@pytest.mark.parametrize("cls", [MLPClassifier, ConvNetRegressor])
def test_damaged_files_are_never_loaded(cls, tmp_path):
    path, rng = tmp_path / "own.skneural", np.random.default_rng(0)
    skneural.save(make(cls).fit(X, Y), path)
    data = path.read_bytes()
    for _ in range(100):
        bad = damaged(data, rng)
        result, _ = refusal_or_model(path, bad)
        assert isinstance(result, ValueError) or bad == data


@pytest.mark.parametrize("cls", [MLPClassifier, ConvNetRegressor])
def test_mutated_files_are_refused_or_load(cls, tmp_path):
    """Mutated files have a correct checksum."""
    path, rng = tmp_path / "own.skneural", np.random.default_rng(0)
    own = make(cls, early_stopping=True, warm_start=True, random_state=np.random.RandomState(0))
    skneural.save(own.fit(X, Y), path)
    data, refused = path.read_bytes(), 0
    for _ in range(150):
        result, peak = refusal_or_model(path, mutated(data, rng))
        assert peak < 2 * len(data) + 2**23
        refused += isinstance(result, ValueError)
        if not isinstance(result, ValueError):
            result.summary()
    assert refused > 75
