"""`max_iter=0`: a fitted estimator with its initial weights."""

import pickle
import warnings

import numpy as np
import onnxruntime
import pytest
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skneural
from skneural import (
    Checkpoint,
    ConvNetClassifier,
    ConvNetRegressor,
    LossCurveDisplay,
    MLPClassifier,
    MLPRegressor,
    diagnose,
    study_report,
)

X, Y = load_digits(return_X_y=True)
X, Y = X[:200] / 16, Y[:200]
ALL = pytest.mark.parametrize(
    "cls",
    [MLPClassifier, MLPRegressor, ConvNetClassifier, ConvNetRegressor],
    ids=lambda cls: cls.__name__,
)


def make(cls=MLPClassifier, **params):
    shape = {"hidden_layer_sizes": (8,)}
    if cls in (ConvNetClassifier, ConvNetRegressor):
        shape |= {"filters": 4, "input_shape": (8, 8, 1)}
    return cls(**{**shape, "max_iter": 0, "random_state": 0, **params})


SETTINGS = {
    "defaults": {},
    **{name: {"solver": name} for name in ("adamw", "sgd", "rmsprop", "adagrad", "lbfgs")},
    "early stopping": {"early_stopping": True},
    "lbfgs, early stopping": {"solver": "lbfgs", "early_stopping": True},
    "patience": {"patience": 5},
    "adaptive": {"schedule": "adaptive", "patience": 5},
    "cosine": {"schedule": "cosine"},
    "linear, warm-up": {"schedule": skneural.schedules.Linear(warmup=2)},
    "batch norm and dropout": {"batch_norm": True, "dropout": 0.2},
    "float32": {"dtype": "float32"},
    "no hidden layers": {"hidden_layer_sizes": ()},
    "verbose": {"verbose": True},
}


@ALL
@pytest.mark.parametrize("params", SETTINGS.values(), ids=SETTINGS)
def test_is_fitted_with_the_initial_weights(cls, params, capsys):
    own = make(cls, **params).fit(X, Y)  # warnings are errors here
    assert (own.n_iter_, own.t_, own.loss_curve_) == (0, 0, [])
    assert set(map(len, own.history_.values())) == {0}
    assert np.isfinite(own.loss_)
    assert own.best_loss_ == own.loss_
    assert not hasattr(own, "validation_scores_")
    assert own.predict(X).shape == Y.shape
    assert np.isfinite(own.score(X, Y))
    assert capsys.readouterr().out == ""
    # any of the weights are those that every fit of this random_state starts from
    start = make(cls, **params | {"verbose": False}, on_interrupt="warn").fit(X, Y)
    np.testing.assert_array_equal(own.network_.theta, start.network_.theta)
    assert own.network_.theta.std() > 0


@ALL
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_a_warm_start_goes_on_as_a_fit_that_began_there(cls, solver):
    whole = make(cls, solver=solver, max_iter=3).fit(X, Y)
    own = make(cls, solver=solver, warm_start=True).fit(X, Y)
    untrained = own.predict(X)
    own.set_params(max_iter=3).fit(X, Y)
    np.testing.assert_array_equal(own.network_.theta, whole.network_.theta)
    assert own.history_["loss"] == whole.history_["loss"]
    np.testing.assert_array_equal(
        own.history_["learning_rate"], whole.history_["learning_rate"]
    )
    assert own.best_loss_ == whole.best_loss_ == min(own.loss_curve_)
    # and a further one of no epochs leaves what is there
    trained, loss = own.predict(X), own.loss_
    own.set_params(max_iter=0).fit(X, Y)
    np.testing.assert_array_equal(own.predict(X), trained)
    assert (own.n_iter_, own.loss_) == (whole.n_iter_, loss)
    assert not np.array_equal(trained, untrained)


def test_the_first_epoch_may_be_worse_than_the_start():
    own = make(learning_rate=1.0, warm_start=True).fit(X, Y)
    start = own.loss_
    own.set_params(max_iter=1).fit(X, Y)
    assert own.best_loss_ == own.loss_ > start


@ALL
def test_partial_fit_goes_on_from_there(cls):
    own = make(cls, schedule="constant", alpha=0.1).fit(X, Y).partial_fit(X, Y)
    whole = make(cls, schedule="constant", alpha=0.1, max_iter=1).fit(X, Y)
    np.testing.assert_array_equal(own.network_.theta, whole.network_.theta)
    assert own.loss_ == whole.loss_


@ALL
@pytest.mark.parametrize("solver", ["sgd", "adamw", "lbfgs"])
@pytest.mark.parametrize("weighted", [False, True])
def test_loss_is_that_of_an_epoch_whose_steps_do_nothing(cls, solver, weighted):
    weight = 1.0 + np.arange(len(Y)) % 3 if weighted else None
    params = {"solver": solver, "alpha": 5.0, "batch_size": 30}
    if solver == "sgd":
        params["l1_ratio"] = 0.3
    own = make(cls, **params).fit(X, Y, weight)
    if solver == "lbfgs":  # it ends where it starts
        other = make(cls, **params, max_iter=1, tol=1e9)
    else:
        other = make(cls, **params, max_iter=1, learning_rate=1e-300, schedule="constant")
    other.fit(X, Y, weight)
    assert own.loss_ == pytest.approx(other.loss_, rel=1e-12)


@ALL
def test_given_weights_are_kept(cls):
    start = make(cls).fit(X, Y)
    coefs = [coef + 0.5 for coef in start.coefs_]
    own = make(cls).fit(X, Y, coefs_init=coefs)
    for given, kept in zip(coefs, own.coefs_, strict=True):
        np.testing.assert_array_equal(given, kept)
    warm = make(cls, max_iter=2, warm_start=True).fit(X, Y).set_params(max_iter=0)
    warm.fit(X, Y, coefs_init=coefs)
    np.testing.assert_array_equal(warm.coefs_[0], coefs[0])
    assert warm.n_iter_ == 2


def test_weights_that_overflow_are_refused():
    own = make(MLPRegressor, hidden_layer_sizes=(), alpha=0)
    with pytest.raises(ValueError, match=r"max_iter=0 leaves.*smaller coefs_init"):
        own.fit(X, Y, coefs_init=[np.full((64, 1), 1e308)])
    assert not hasattr(own, "network_")


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_validation_data_are_checked_and_kept_apart(warm_start, solver):
    own = make(solver=solver, warm_start=warm_start, max_iter=2).fit(X, Y, X_val=X, y_val=Y)
    scores = own.validation_scores_
    own.set_params(max_iter=0).fit(X, Y, X_val=X, y_val=Y)
    if warm_start:
        assert own.validation_scores_ == scores
    else:
        assert not hasattr(own, "validation_scores_")
        assert not hasattr(own, "best_validation_score_")
    with pytest.raises(ValueError, match="y_val"):
        own.fit(X, Y, X_val=X, y_val=Y[:-1])
    with pytest.raises(ValueError, match=r"target_score=0\.9 needs validation data"):
        make(target_score=0.9).fit(X, Y)


@ALL
def test_copies_pickles_files_and_onnx(cls, tmp_path):
    own = make(cls, warm_start=True).fit(X, Y)
    skneural.save(own, tmp_path / "own")
    loaded = skneural.load(tmp_path / "own")
    for other in (clone(own).fit(X, Y), pickle.loads(pickle.dumps(own)), loaded):
        np.testing.assert_array_equal(other.predict(X), own.predict(X))
        assert (other.n_iter_, other.loss_, other.history_) == (0, own.loss_, own.history_)
        assert other.set_params(max_iter=2).fit(X, Y).n_iter_ == 2
    np.testing.assert_array_equal(loaded.predict(X), make(cls, max_iter=2).fit(X, Y).predict(X))
    session = onnxruntime.InferenceSession(skneural.to_onnx(own).SerializeToString())
    found = session.run(None, {"X": X.reshape(-1, *own.network_.input_shape)})[0]
    np.testing.assert_allclose(found.ravel(), own.predict(X), rtol=1e-5, atol=1e-5)


def test_callbacks_see_a_fit_without_epochs(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of rich, on terminals of another kind
        make().set_callbacks(ProgressBar()).fit(X, Y)
    path = tmp_path / "fit"
    own = make().set_callbacks(Checkpoint(path)).fit(X, Y)
    resumed = make().set_callbacks(Checkpoint(path, resume=True)).fit(X, Y)
    np.testing.assert_array_equal(own.network_.theta, resumed.network_.theta)
    assert skneural.load(path).n_iter_ == 0


@ALL
def test_diagnose_says_that_nothing_was_trained(cls):
    findings = diagnose(make(cls).fit(X, Y), X)
    assert [finding.problem for finding in findings] == ["the network has not been trained"]
    assert "max_iter=0" in findings[0].evidence
    trained = diagnose(make(cls, max_iter=2).fit(X, Y), X)
    assert "the network has not been trained" not in [finding.problem for finding in trained]
    # what is wrong with the data is said as well
    with pytest.warns(UserWarning, match="far from mean 0"):
        unscaled = make(cls).fit(100 * X + 1000, Y)
    problems = [finding.problem for finding in diagnose(unscaled, 100 * X + 1000)]
    assert problems[:2] == ["the network has not been trained", "the input is not scaled"]


def test_there_is_no_curve_to_draw():
    with pytest.raises(ValueError, match=r"no epochs to draw.*max_iter=0"):
        LossCurveDisplay.from_estimator(make().fit(X, Y))


def test_a_search_over_max_iter():
    pipe = make_pipeline(StandardScaler(), make(patience=None))
    search = GridSearchCV(pipe, {"mlpclassifier__max_iter": [0, 5]}, cv=2).fit(X, Y)
    assert search.best_params_ == {"mlpclassifier__max_iter": 5}
    report = study_report(search)
    assert list(report.to_frame()["epochs"]) == [0, 5]
    search.param_grid = {"mlpclassifier__max_iter": [0]}
    assert "0 epochs" in study_report(search.fit(X, Y)).to_html()
