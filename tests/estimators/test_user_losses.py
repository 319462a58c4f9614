"""User-defined losses: a function, or an object with the method `loss_gradient`."""

import copy
import pickle
from dataclasses import dataclass

import numpy as np
import pytest
from _refusal import X, Y, make, refusal
from sklearn.base import BaseEstimator, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import GridSearchCV

import skneural
from skneural import ConvNetRegressor, MLPClassifier, MLPRegressor
from skneural._engine.program import program_of

BOTH = pytest.mark.parametrize(
    "cls", [MLPRegressor, ConvNetRegressor], ids=lambda cls: cls.__name__
)
TARGETS = {"one": Y.astype(float), "column": Y[:, None] + 0.5, "two": np.c_[Y, 1.0 - Y**2]}


def squared_error(y, raw_prediction):
    error = raw_prediction - y
    return 0.5 * (error**2).sum(axis=1), error


def name_of(value):
    """Return the name of a function or an object, without its address."""
    if isinstance(value, float):
        return str(value)
    return getattr(value, "__name__", type(value).__name__)


class Poisson:
    """A loss whose predictions are the exponential of the output."""

    def loss_gradient(self, y, raw_prediction):
        mean = np.exp(raw_prediction)
        return (mean - y * raw_prediction).sum(axis=1), mean - y

    def predict(self, raw_prediction):
        return np.exp(raw_prediction)


class Huber(BaseEstimator):
    """A loss with a parameter that a search can set."""

    def __init__(self, delta=1.0):
        self.delta = delta

    def loss_gradient(self, y, raw_prediction):
        error = raw_prediction - y
        inner = np.clip(error, -self.delta, self.delta)
        loss = inner**2 / 2 + self.delta * np.abs(error - inner)
        return loss.sum(axis=1), inner


@dataclass
class Distance:
    """The norm of the errors of a row, not a sum over outputs; it cannot be hashed."""

    small: float = 0.1

    def loss_gradient(self, y, raw_prediction):
        error = raw_prediction - y
        norm = np.sqrt((error**2).sum(axis=1) + self.small)
        return norm, error / norm[:, None]


SAME = [(squared_error, "squared_error"), (Poisson(), "poisson"), (Huber(), "huber")]


@BOTH
@pytest.mark.parametrize("targets", TARGETS)
@pytest.mark.parametrize(("own", "name"), SAME, ids=[name for _, name in SAME])
def test_trains_as_the_named_one_does(cls, own, name, targets):
    """The user-defined loss runs on NumPy, the built-in loss in the compiled engine."""
    y = TARGETS[targets] - TARGETS[targets].min()
    weight = np.linspace(0, 2, len(X))
    params = {"alpha": 0.1, "max_iter": 5}  # alpha="auto" depends on the loss
    ours = make(cls, loss=own, **params).fit(X, y, weight, X_val=X, y_val=y)
    named = make(cls, loss=name, **params).fit(X, y, weight, X_val=X, y_val=y)
    for key in ("loss", "validation_loss", "validation_score"):
        np.testing.assert_allclose(ours.history_[key], named.history_[key], rtol=1e-8)
    np.testing.assert_allclose(ours.predict(X), named.predict(X), rtol=1e-8)
    assert ours.predict(X[:1]).shape == named.predict(X[:1]).shape
    np.testing.assert_array_equal(ours.y_scale_, named.y_scale_)  # 1 where there is a link
    assert program_of(named.network_) is not None
    assert program_of(ours.network_) is None  # by itself


def test_float32():
    x = X.astype(np.float32)
    ours = make(MLPRegressor, loss=squared_error, solver="lbfgs").fit(x, Y)
    named = make(MLPRegressor, loss="squared_error", solver="lbfgs").fit(x, Y)
    assert ours.network_.dtype == ours.predict(x).dtype == np.float32
    np.testing.assert_allclose(ours.predict(x), named.predict(x), rtol=1e-4)


def test_targets_are_standardized_unless_there_is_a_link():
    y = 1000 + 50.0 * Y
    seen = []

    def look(y, raw_prediction):
        seen.append(y.copy())
        return squared_error(y, raw_prediction)

    own = make(MLPRegressor, loss=look, batch_size=24).fit(X, y)
    assert np.abs(seen[-1].mean()) < 1e-9
    assert np.abs(seen[-1].std() - 1) < 1e-9
    assert own.predict(X).mean() == pytest.approx(1050, rel=0.1)
    assert own.out_activation_ == "identity"
    make(MLPRegressor, loss=look, normalize_y=False, batch_size=24).fit(X, y)
    assert seen[-1].mean() == pytest.approx(y.mean())
    linked = make(MLPRegressor, loss=Poisson()).fit(X, Y)
    assert linked.y_scale_ == 1
    assert linked.out_activation_ == "Poisson"
    np.testing.assert_allclose(linked.activations(X)[-1].ravel(), linked.predict(X))


@BOTH
def test_a_loss_that_needs_all_outputs_of_a_row(cls):
    """The loss cannot be computed separately for each output."""
    covariance = np.array([[1.0, 0.5], [0.5, 1.0]])

    def mahalanobis(y, raw_prediction):
        error = raw_prediction - y
        gradient = error @ covariance
        return (error * gradient).sum(axis=1) / 2, gradient

    y = X[:, :2] - X[:, 1:]
    own = make(cls, loss=mahalanobis, max_iter=100, learning_rate=0.02).fit(X, y)
    assert own.score(X, y) > 0.2
    own = make(cls, loss=Distance(), max_iter=100, learning_rate=0.02).fit(X, y)
    assert own.score(X, y) > 0.2


@pytest.mark.parametrize(
    "loss", [squared_error, Poisson(), Huber(0.5), Distance()], ids=name_of
)
def test_clone_copy_and_pickle(loss):
    own = make(MLPRegressor, loss=loss).fit(X, Y)
    np.testing.assert_array_equal(clone(own).fit(X, Y).predict(X), own.predict(X))
    for other in (copy.deepcopy(own), pickle.loads(pickle.dumps(own))):
        np.testing.assert_array_equal(other.predict(X), own.predict(X))
        other.partial_fit(X, Y)
        assert other.n_iter_ == own.n_iter_ + 1


def test_repr_and_parameters_of_the_loss():
    own = MLPRegressor(loss=Huber(delta=0.5))
    assert repr(own) == "MLPRegressor(loss=Huber(delta=0.5))"
    assert own.set_params(loss__delta=2.0).loss.delta == 2.0
    twin = clone(own)
    assert twin.loss is not own.loss
    assert twin.loss.delta == 2.0


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_searches_over_them(n_jobs):
    grid = [
        {"loss": ["squared_error", squared_error, Distance()]},
        {"loss": [Huber()], "loss__delta": [0.1, 0.5]},
    ]
    network = make(MLPRegressor, alpha=0.1, max_iter=5)
    search = GridSearchCV(network, grid, cv=2, n_jobs=n_jobs).fit(X, Y)
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert scores[0] == pytest.approx(scores[1], rel=1e-6)
    assert len(set(np.round(scores, 6))) == 4  # of five


def test_inside_another_estimator():
    own = TransformedTargetRegressor(make(MLPRegressor, loss=squared_error), func=np.sqrt,
                                     inverse_func=np.square)  # fmt: skip
    assert own.fit(X, Y).predict(X).shape == Y.shape


def test_the_loss_may_change_between_calls():
    """As for built-in losses, training continues with the same weights."""
    own = make(MLPRegressor, schedule="constant").partial_fit(X, Y)
    own.set_params(loss=Distance()).partial_fit(X, Y)
    assert own.n_iter_ == 2


SHAPE = "returns must have shape"
PAIR = "must return two arrays, the loss of each row and its gradient, got"


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (
            lambda y, z: (squared_error(y, z)[0], y - z),
            ["is not the derivative", "y = ", "output 0"],
        ),
        (lambda y, z: (squared_error(y, z)[0], 2 * (z - y)), ["is not the derivative"]),
        (lambda y, z: (squared_error(y, z)[0], (z - y) / len(y)), ["is not the derivative"]),
        (lambda y, z: ((z - y).mean() ** 2 + 0 * y[:, 0], z - y), ["is not the derivative"]),
        (
            lambda y, z: (0.5 * np.mean((z - y) ** 2), z - y),
            ["shape (7,), got shape ()", "Sum"],
        ),
        (lambda y, z: (0.5 * (z - y) ** 2, z - y), ["must have shape (7,), got shape (7, 2)"]),
        (lambda y, z: (squared_error(y, z)[0], (z - y)[:, 0]), ["(7, 2), got shape (7,)"]),
        (
            lambda y, z: (np.log(z).sum(axis=1), 1 / z),
            ["the loss of", "must be finite, got nan"],
        ),
        (lambda y, z: (squared_error(y, z)[0], z * np.inf), ["the gradient of", "got -inf"]),
        (lambda y, z: (squared_error(y, z)[0], (z - y) * 1j), ["real numbers", "complex128"]),
        (lambda y, z: squared_error(y, z)[0], [f"{PAIR} ndarray"]),
        (mean_squared_error, [f"{PAIR} float"]),
    ],
)
@BOTH
@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
def test_wrong_losses_are_refused(cls, loss, words):
    y = TARGETS["two"]
    own = make(cls, loss=loss)
    with refusal(own, "loss: ", *words):
        own.fit(X, y)
    fitted = make(cls).fit(X, y).set_params(loss=loss)
    with refusal(fitted, "loss: ", *words, data=(X, y)):
        fitted.partial_fit(X, y)


def test_wrong_predictions_are_refused():
    own = Poisson()
    own.predict = np.ravel
    estimator = make(MLPRegressor, loss=own)
    with refusal(estimator, "loss: what predict of", "(7, 1), got shape (7,)"):
        estimator.fit(X, Y)
    own.predict = lambda raw_prediction: raw_prediction * np.nan
    with refusal(estimator, "loss: what predict of", "must be finite, got nan"):
        estimator.fit(X, Y)


def test_gradients_of_every_output_are_checked():
    def wrong_in_the_last(y, raw_prediction):
        loss, gradient = squared_error(y, raw_prediction)
        gradient[:, -1] *= 1.01
        return loss, gradient

    estimator = make(MLPRegressor, loss=wrong_in_the_last)
    with refusal(estimator, "in output 1 is not the derivative"):
        estimator.fit(X, TARGETS["two"])


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("loss", [squared_error, Distance(), Huber()], ids=name_of)
def test_right_gradients_pass_on_any_scale(loss, scale):
    own = make(MLPRegressor, loss=loss, normalize_y=False, max_iter=1)
    own.fit(X, scale * TARGETS["two"])


def test_arrays_cannot_be_changed():
    """The arrays are the targets and the workspace of the network."""

    def in_place(y, raw_prediction):
        y -= raw_prediction
        return (y**2).sum(axis=1), y

    with pytest.raises(ValueError, match="read-only"):
        make(MLPRegressor, loss=in_place).fit(X, Y)


def test_shapes_are_checked_in_training_too():
    def broadcast(y, raw_prediction):
        loss, gradient = squared_error(y, raw_prediction)
        return (loss, gradient) if len(y) == 7 else (loss, gradient[:1])

    estimator = make(MLPRegressor, loss=broadcast)
    with refusal(estimator, "loss: the gradient of", "(8, 1), got shape (1, 1)"):
        estimator.fit(X, Y)


def test_what_is_no_loss():
    allowed = r"or an object with the method loss_gradient, got "
    with pytest.raises(TypeError, match=allowed + r"<class .*Write Poisson\(\)\.$"):
        make(MLPRegressor, loss=Poisson).fit(X, Y)
    with pytest.raises(TypeError, match=r"'gamma', a function of y and raw_prediction, or an"):
        make(MLPRegressor, loss=3).fit(X, Y)
    with pytest.raises(ValueError, match=r"got 'mse'\. Write 'squared_error'"):
        make(MLPRegressor, loss="mse").fit(X, Y)


@pytest.mark.parametrize("loss", [squared_error, Poisson()], ids=name_of)
def test_classifiers_refuse_them(loss):
    own = make(MLPClassifier, loss=loss)
    with refusal(own, "loss must be one of 'log_loss'", "are for regressors", "0/1 columns"):
        own.fit(X, Y)


def test_files_refuse_them(tmp_path):
    path = tmp_path / "own.skneural"
    for loss in (squared_error, Huber()):
        own = make(MLPRegressor, loss=loss).fit(X, Y)
        with pytest.raises(TypeError, match=r"loss cannot be saved: .*no code\. Pickle"):
            skneural.save(own, path)
        assert not path.exists()


def test_onnx_needs_no_loss():
    """ONNX needs only the predictions, which are the network's output without `predict`."""
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    own = make(MLPRegressor, loss=Huber()).fit(X, Y)
    session = runtime.InferenceSession(skneural.to_onnx(own).SerializeToString())
    (predicted,) = session.run(None, {"X": X})
    np.testing.assert_allclose(predicted, own.predict(X), rtol=1e-4)
    own = make(MLPRegressor, loss=Poisson()).fit(X, Y)
    with pytest.raises(TypeError, match=r"loss=<.*Poisson.* cannot be .*method predict"):
        skneural.to_onnx(own)


def test_skops_wants_them_to_be_trusted_by_name(tmp_path):
    sio = pytest.importorskip("skops.io")
    own = make(MLPRegressor, loss=Poisson()).fit(X, Y)
    sio.dump(own, tmp_path / "own.skops")
    with pytest.raises(TypeError, match="Poisson"):
        sio.load(tmp_path / "own.skops", trusted=skneural.SKOPS_TYPES)
    types = sio.get_untrusted_types(file=tmp_path / "own.skops")
    twin = sio.load(tmp_path / "own.skops", trusted=types)
    np.testing.assert_array_equal(twin.predict(X), own.predict(X))


def test_divergence_and_diagnosis():
    own = make(MLPRegressor, loss=squared_error, solver="sgd", learning_rate=1e9)
    with refusal(own, "diverged"):
        own.fit(X, Y)
    own = make(MLPRegressor, loss=squared_error).fit(X, Y)
    assert isinstance(str(skneural.diagnose(own, X)), str)
