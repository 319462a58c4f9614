"""scikit-learn's callbacks, on an estimator alone, in a Pipeline and in a search."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneural import MLPClassifier, MLPRegressor

X, Y = load_digits(return_X_y=True)
X, Y = X[:200] / 16, Y[:200]
BOTH = pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])


def make(cls=MLPClassifier, **params):
    return cls(**{"max_iter": 4, "patience": np.inf, "random_state": 0, **params})


class Recorder:
    """Writes down what it is told, and stops the fit after some epochs."""

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
