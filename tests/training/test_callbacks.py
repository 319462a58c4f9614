"""scikit-learn's callbacks on an estimator alone, in a Pipeline and in a search."""

import pickle
import warnings

import numpy as np
import pytest
from _callbacks import Callback
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneural import MLPClassifier, MLPRegressor, load, save

X, Y = load_digits(return_X_y=True)
X, Y = X[:200] / 16, Y[:200]
BOTH = pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])


def make(cls=MLPClassifier, **params):
    defaults = {"schedule": "constant", "max_iter": 4, "patience": None}
    return cls(**{**defaults, "random_state": 0, **params})


class Recorder:
    """Records its calls, and stops the fit after some epochs."""

    def __init__(self, stop_after=None, error_after=None):
        self.stop_after, self.error_after = stop_after, error_after
        self.events = []

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.events.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        self.events.append(f"end {context.task_name}")
        assert fitted_estimator.predict(X).shape == Y.shape
        epochs = self.events.count("end epoch")
        if epochs == self.error_after:
            raise RuntimeError("no more")
        return epochs == self.stop_after


@BOTH
def test_hooks_are_called_in_order_and_change_nothing(cls):
    plain = make(cls).fit(X, Y)
    recorder = Recorder()
    own = make(cls).set_callbacks(recorder).fit(X, Y)
    epochs = ["begin epoch", "end epoch"] * 4
    assert recorder.events == ["setup", "begin fit", *epochs, "end fit", "teardown"]
    np.testing.assert_array_equal(own.network_.theta, plain.network_.theta)


def test_a_callback_can_stop_a_fit_without_a_warning():
    own = make(patience=10).set_callbacks(Recorder(stop_after=2)).fit(X, Y)
    assert own.n_iter_ == 2
    np.testing.assert_array_equal(own.network_.theta, make(max_iter=2).fit(X, Y).network_.theta)


def test_an_error_in_a_callback_leaves_the_estimator_as_it_was():
    recorder = Recorder(error_after=2)
    own = make().set_callbacks(recorder)
    with pytest.raises(RuntimeError, match="no more"):
        own.fit(X, Y)
    assert recorder.events[-1] == "teardown"
    assert not hasattr(own, "network_")
    assert vars(own).keys() == vars(clone(own).set_callbacks(recorder)).keys()


@BOTH
def test_scoring_monitor_sees_every_epoch(cls):
    monitor = ScoringMonitor(scoring="accuracy" if cls is MLPClassifier else "r2")
    own = make(cls).set_callbacks(monitor).fit(X, Y, sample_weight=np.ones(len(Y)))
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    scores = [row["accuracy" if cls is MLPClassifier else "r2"] for row in rows]
    assert len(set(scores)) == 4  # each epoch has weights of its own
    assert scores[-1] == pytest.approx(own.score(X, Y))


@BOTH
@pytest.mark.parametrize("depth", [1, None])
def test_progress_bar_alone_in_a_pipeline_and_in_a_search(cls, depth, capsys):
    make(cls).set_callbacks(ProgressBar(max_propagation_depth=depth)).fit(X, Y)
    assert f"{cls.__name__} - fit" in capsys.readouterr().out
    pipeline = make_pipeline(StandardScaler(), make(cls))
    clone(pipeline).set_callbacks(ProgressBar(max_propagation_depth=depth)).fit(X, Y)
    assert cls.__name__ in capsys.readouterr().out
    search = GridSearchCV(pipeline, {"standardscaler__with_std": [True]}, cv=2)
    search.set_callbacks(ProgressBar(max_propagation_depth=depth)).fit(X, Y)
    assert "GridSearchCV - fit" in capsys.readouterr().out


class Collector(Callback):
    """Keeps the fitted estimators of all epochs and of the whole fit."""

    def setup(self, estimator, context):
        self.epochs, self.whole = [], None

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        if context.task_name == "epoch":
            self.epochs.append(fitted_estimator)
        else:
            self.whole = fitted_estimator


def fitted_attributes(own):
    """Return all public attributes by name, without the seconds, which differ between fits."""
    names = [name for name in vars(own) if name.endswith("_") and not name.startswith("_")]
    values = {name: getattr(own, name) for name in names if name != "network_"}
    values["history_"] = {k: v for k, v in own.history_.items() if k != "seconds"}
    return {name: repr(value) for name, value in values.items()}


@BOTH
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("warm_start", [False, True])
def test_an_epoch_ends_with_an_estimator_as_if_fit_had_stopped(cls, solver, warm_start):
    params = {"solver": solver, "warm_start": warm_start}
    collector = Collector()
    make(cls, **params).set_callbacks(collector).fit(X, Y)
    assert len(collector.epochs) == 4
    for i, own in enumerate(collector.epochs, 1):
        stopped = make(cls, **params, max_iter=i).fit(X, Y)
        assert own.n_iter_ == len(own.loss_curve_) == len(own.history_["loss"]) == i
        assert own.loss_ == own.loss_curve_[-1] == stopped.loss_
        assert fitted_attributes(own) == fitted_attributes(stopped)
        np.testing.assert_array_equal(own.network_.theta, stopped.network_.theta)
        # an optimizer goes on from where it stood only with a warm start, as after a fit
        own.partial_fit(X, Y) if solver == "adam" else own.predict(X)
        stopped.partial_fit(X, Y) if solver == "adam" else stopped.predict(X)
        np.testing.assert_array_equal(own.network_.theta, stopped.network_.theta)
    assert collector.whole.n_iter_ == 4


@BOTH
def test_an_epoch_ends_with_the_scores_so_far_and_the_weights_of_the_epoch(cls):
    def large_weights(estimator, x, y):
        return float(np.square(estimator.network_.theta).sum())  # they shrink

    collector = Collector()
    own = make(cls, early_stopping=True, scoring=large_weights).set_callbacks(collector)
    own.fit(X, Y)
    assert own.validation_scores_[-1] < own.validation_scores_[0]
    for i, at_epoch in enumerate(collector.epochs, 1):
        assert at_epoch.validation_scores_ == own.validation_scores_[:i]
        assert at_epoch.best_validation_score_ == max(own.validation_scores_[:i])
        assert at_epoch.history_["score"] == own.history_["score"][:i]
    last = collector.epochs[-1].network_.theta
    assert (last != own.network_.theta).any()
    np.testing.assert_array_equal(collector.whole.network_.theta, own.network_.theta)


def test_scores_of_an_earlier_fit_are_not_those_of_an_epoch():
    collector = Collector()
    own = make(early_stopping=True).fit(X, Y)
    own.set_params(early_stopping=False).set_callbacks(collector).fit(X, Y)
    assert not any(hasattr(at_epoch, "validation_scores_") for at_epoch in collector.epochs)
    assert not any(hasattr(at_epoch, "best_validation_score_") for at_epoch in collector.epochs)
    # an error leaves them where they were
    own.set_params(early_stopping=True).fit(X, Y)
    own.set_params(early_stopping=False).set_callbacks(Recorder(error_after=1))
    with pytest.raises(RuntimeError, match="no more"):
        own.fit(X, Y)
    assert len(own.validation_scores_) == 4


def test_an_estimator_of_an_epoch_is_independent_of_the_fit(tmp_path):
    class Meddler(Collector):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            super().on_fit_task_end(estimator, context, fitted_estimator=fitted_estimator)
            if context.task_name == "epoch":
                fitted_estimator.partial_fit(X, Y)
                fitted_estimator.coefs_[0][...] = 0
                fitted_estimator.history_["loss"].clear()

    own = make().set_callbacks(Meddler()).fit(X, Y)
    plain = make().fit(X, Y)
    np.testing.assert_array_equal(own.network_.theta, plain.network_.theta)
    assert own.loss_curve_ == plain.loss_curve_

    own = make().set_callbacks(collector := Collector()).fit(X, Y)
    second = collector.epochs[1]
    save(second, tmp_path / "second")
    expected = make(max_iter=2).fit(X, Y).predict_proba(X)
    for copy in (second, load(tmp_path / "second"), pickle.loads(pickle.dumps(second))):
        np.testing.assert_array_equal(copy.predict_proba(X), expected)


def test_warnings_come_after_the_callbacks_have_ended(monkeypatch):
    """Messages must not interrupt the lines of a progress bar."""
    recorder = Recorder()

    def show(message, *args, **kwargs):
        recorder.events.append(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", show)
        make(patience=10).set_callbacks(recorder).fit(X, Y)
    assert recorder.events[-2] == "teardown"
    assert "max_iter=4 epochs were run before" in recorder.events[-1]
