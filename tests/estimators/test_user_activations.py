"""User-defined activations: objects with the methods `f` and `df`."""

import copy
import pickle
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
from _refusal import CLASSES, X, Y, make, refusal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import skneural
from skneural import ConvNetClassifier, ConvNetRegressor, MLPClassifier, MLPRegressor
from skneural._engine.program import program_of
from skneural._network.layers.pooling import MaxPool
from skneural._network.layers.user_activation import UserActivation

EVERY = (MLPClassifier, MLPRegressor, ConvNetClassifier, ConvNetRegressor)
ALL = pytest.mark.parametrize("cls", EVERY, ids=lambda cls: cls.__name__)


class OwnTanh:
    """The same function as a built-in activation."""

    def f(self, x):
        return np.tanh(x)

    def df(self, x):
        return 1 - np.tanh(x) ** 2


@dataclass
class Ramp:
    """Compared by value, so it cannot be hashed; the slope below 0 is a parameter."""

    slope: float = 0.1

    def f(self, x):
        return np.where(x > 0, x, self.slope * x)

    def df(self, x):
        return np.where(x > 0, 1, self.slope)


class OwnReLU:
    """Its derivative is a boolean array."""

    def f(self, x):
        return np.maximum(x, 0)

    def df(self, x):
        return x > 0


@ALL
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("own", [OwnTanh(), OwnReLU()], ids=["tanh", "relu"])
def test_computes_what_the_named_one_does(cls, own, dtype, monkeypatch):
    """From the same initial weights (Glorot's for both), with all kinds of layers."""
    if dtype == "float32":  # where the engines differ by rounding
        monkeypatch.setattr("skneural._engine.program.compile_program", lambda network: None)
    params = {"dtype": dtype, "weight_init": "glorot", "hidden_layer_sizes": (5, 4)}
    params |= {"batch_norm": True, "dropout": 0.2, "max_iter": 5}
    name = type(own).__name__.removeprefix("Own").lower()
    ours = make(cls, activation=own, **params).fit(X, Y)
    named = make(cls, activation=name, **params).fit(X, Y)
    rtol = 1e-5 if dtype == "float32" else 1e-9
    np.testing.assert_allclose(ours.loss_curve_, named.loss_curve_, rtol=rtol)
    predict = "predict_proba" if hasattr(ours, "predict_proba") else "predict"
    expected = getattr(named, predict)(X)
    np.testing.assert_allclose(getattr(ours, predict)(X), expected, rtol=rtol, atol=rtol)
    one = getattr(ours, predict)(X[:1])
    np.testing.assert_allclose(one, expected[:1], rtol=rtol, atol=rtol)
    assert one.dtype == dtype
    if dtype == "float64":
        assert program_of(named.network_) is not None
        assert program_of(ours.network_) is None  # by itself


def test_weights_before_it_are_those_of_glorot():
    params = {"max_iter": 1, "learning_rate": 1e-12}
    ours = make(MLPClassifier, activation=OwnReLU(), **params).fit(X, Y)
    glorot = make(MLPClassifier, activation="tanh", **params).fit(X, Y)
    np.testing.assert_allclose(ours.coefs_[0], glorot.coefs_[0], atol=1e-9)


def test_one_per_layer():
    own = make(MLPClassifier, hidden_layer_sizes=(4, 3), activation=("relu", OwnTanh()))
    named = make(MLPClassifier, hidden_layer_sizes=(4, 3), activation=("relu", "tanh"))
    np.testing.assert_allclose(
        own.fit(X, Y).predict_proba(X), named.fit(X, Y).predict_proba(X), rtol=1e-9
    )
    assert repr(own.network_) == "Dense(3, 4) - ReLU - Dense(4, 3) - OwnTanh - Dense(3, 3)"
    assert "Dense 3, OwnTanh" in str(own.summary())


def test_max_pooling_comes_after_it():
    """Pooling must come after the activation, because the function may decrease."""
    own = ConvNetClassifier(3, activation=OwnTanh(), input_shape=(8, 1))
    layers = own._build_layers((8, 1), (3,))
    kinds = [type(layer) for layer in layers]
    assert kinds.index(UserActivation) < kinds.index(MaxPool)


@ALL
def test_clone_copy_and_pickle(cls):
    own = make(cls, activation=Ramp(0.3))
    twin = clone(own)
    assert twin.activation == Ramp(0.3)
    assert twin.activation is not own.activation
    own.fit(X, Y)
    np.testing.assert_array_equal(twin.fit(X, Y).predict(X), own.predict(X))
    for other in (copy.deepcopy(own), pickle.loads(pickle.dumps(own))):
        np.testing.assert_array_equal(other.predict(X), own.predict(X))
        other.set_params(warm_start=True).fit(X, Y)  # goes on, with another object of the class
        assert other.n_iter_ == 2 * own.n_iter_
    assert "Ramp(slope=0.3)" in repr(own)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_searches_over_them(n_jobs):
    grid = {"activation": ["relu", Ramp(0.1), Ramp(0.9)]}
    search = GridSearchCV(make(MLPRegressor), grid, cv=2, n_jobs=n_jobs).fit(X, Y)
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert len(set(scores)) == 3


def test_partial_fit_goes_on():
    own = make(MLPClassifier, activation=Ramp(), schedule="constant")
    own.partial_fit(X, Y, classes=CLASSES).partial_fit(X, Y)
    assert own.n_iter_ == 2


def function(f, df):
    """An object with the methods `f` and `df`."""
    return type("Own", (), {"f": staticmethod(f), "df": staticmethod(df)})()


SHAPE = "returns must have shape (7, 3), got shape"
NUMBERS = "must be an array of real numbers, got"


@pytest.mark.parametrize(
    ("f", "df", "words"),
    [
        (np.tanh, np.ones_like, ["df of", "is not the derivative of its function: for x = "]),
        (np.tanh, lambda x: -1 / np.cosh(x) ** 2, ["is not the derivative"]),
        (lambda x: np.exp(x) / np.exp(x).sum(), np.exp, ["is not the derivative"]),
        (np.sum, np.ones_like, ["what f of", f"{SHAPE} ()"]),
        (np.tanh, np.ravel, ["what df of", f"{SHAPE} (21,)"]),
        (lambda x: x * np.nan, np.tanh, ["what f of", "must be finite, got nan"]),
        (np.tanh, lambda x: x / 0 * 0, ["what df of", "must be finite, got nan"]),
        (lambda x: x + 1j, np.tanh, ["what f of", f"{NUMBERS} an array of dtype complex128"]),
        (lambda x: None, np.tanh, ["what f of", f"{NUMBERS} None"]),
    ],
)
@pytest.mark.parametrize("cls", [MLPClassifier, ConvNetRegressor])
@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
def test_wrong_functions_are_refused(cls, f, df, words):
    own = function(f, df)
    estimator = make(cls, activation=own)
    with refusal(estimator, "activation: ", *words):
        estimator.fit(X, Y)
    fitted = make(cls, activation=OwnTanh()).fit(X, Y)
    fitted.set_params(activation=own, warm_start=True)
    with refusal(fitted, "activation: ", *words, make=partial(make, activation=OwnTanh())):
        fitted.fit(X, Y)


def test_functions_cannot_change_their_argument():
    """The array belongs to the workspace of the network."""
    own = function(lambda x: np.tanh(x, out=x), np.ones_like)
    with pytest.raises(ValueError, match="read-only"):
        make(MLPClassifier, activation=own).fit(X, Y)


def test_shapes_are_checked_in_training_too():
    """A derivative with another shape is refused, even if it could be broadcast."""
    own = function(lambda x: x, lambda x: np.ones(x.shape if len(x) == 7 else (1, x.shape[1])))
    estimator = make(MLPRegressor, activation=own)
    with refusal(estimator, "activation: what df of", "must have shape (8, 4)"):
        estimator.fit(X, Y)


def test_a_class_is_no_object():
    with pytest.raises(
        TypeError, match=r"the methods f and df, got <class .*Write OwnTanh\(\)"
    ):
        make(MLPClassifier, activation=OwnTanh).fit(X, Y)
    own = make(MLPClassifier, hidden_layer_sizes=(3, 3), activation=("relu", np.sin))
    with pytest.raises(TypeError, match=r"activation\[1\] must .*f and df, got <ufunc 'sin'>"):
        own.fit(X, Y)


def test_files_refuse_them(tmp_path):
    own = make(MLPRegressor, activation=Ramp()).fit(X, Y)
    path = tmp_path / "own.skneural"
    with pytest.raises(TypeError, match=r"activation cannot be saved: Ramp.*no code\. Pickle"):
        skneural.save(own, path)
    assert not path.exists()
    pytest.importorskip("onnx")
    with pytest.raises(TypeError, match=r"activation=Ramp\(slope=0.1\) cannot be .*'silu'"):
        skneural.to_onnx(own)


def test_skops_wants_them_to_be_trusted_by_name(tmp_path):
    sio = pytest.importorskip("skops.io")
    own = make(MLPRegressor, activation=OwnTanh()).fit(X, Y)
    sio.dump(own, tmp_path / "own.skops")
    with pytest.raises(TypeError, match="OwnTanh"):
        sio.load(tmp_path / "own.skops", trusted=skneural.SKOPS_TYPES)
    types = sio.get_untrusted_types(file=tmp_path / "own.skops")
    twin = sio.load(tmp_path / "own.skops", trusted=types)
    np.testing.assert_array_equal(twin.predict(X), own.predict(X))


def test_diagnosis():
    own = make(MLPClassifier, activation=OwnTanh()).fit(X, Y)
    assert isinstance(str(skneural.diagnose(own, X)), str)
