"""Ctrl-C: the current step is completed, the fit is kept, and the user is informed."""

import contextlib
import itertools
import os
import pickle
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from _ctrl_c import call_interrupted
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from skneural import (
    Checkpoint,
    ConvNetClassifier,
    ConvNetRegressor,
    MLPClassifier,
    MLPRegressor,
)
from skneural._estimators import fitted_attributes

X, Y = load_digits(return_X_y=True)
X, Y = X[:200] / 16, Y[:200]
VALIDATION = {"X_val": X[100:], "y_val": Y[100:]}
STEPS = 5  # an epoch
SCRIPT = Path(__file__).parents[1] / "robustness" / "interrupts.py"


@pytest.fixture(autouse=True)
def pythons_own_handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.signal(signal.SIGINT, before) is signal.default_int_handler


class CtrlC:
    """Presses Ctrl-C in some of its calls, as a function of batches or of scores."""

    def __init__(self, *calls, times=1):
        self.calls, self.times, self.n_calls = calls, times, 0

    def press(self):
        self.n_calls += 1
        if self.n_calls in self.calls:
            for _ in range(self.times):
                signal.raise_signal(signal.SIGINT)

    def __call__(self, batch_or_estimator, rng_or_X, y=None):
        self.press()
        return batch_or_estimator if y is None else batch_or_estimator.score(rng_or_X, y)

    setup = teardown = on_fit_task_begin = on_fit_task_end = lambda self, *args, **more: None


def images(cls=ConvNetClassifier, **params):
    defaults = {"filters": 4, "input_shape": (8, 8, 1), "batch_size": 40, "max_iter": 6}
    defaults |= {"schedule": "constant", "patience": None, "random_state": 0}
    return cls(**{**defaults, **params})


def dense(cls=MLPClassifier, **params):
    defaults = {"schedule": "constant", "batch_size": 40, "max_iter": 6, "patience": None}
    return cls((12,), **{**defaults, "random_state": 0, **params})


def fit_interrupted(own, *data, match=None, **more):
    with pytest.raises(KeyboardInterrupt, match=match):
        own.fit(*(data or (X, Y)), **more)
    return own


def stored(own):
    """Return the complete state of the estimator."""
    return pickle.dumps({k: v for k, v in vars(own).items() if k != "augmentation"})


@pytest.mark.parametrize("cls", [ConvNetClassifier, ConvNetRegressor])
def test_the_step_is_ended_and_the_fit_is_kept(cls):
    weights = []

    def recorded(batch, rng):
        weights.append(whole._job.progress.network.theta.copy())
        return batch

    whole = images(cls, augmentation=recorded)
    whole.fit(X, Y)
    own = images(cls, augmentation=CtrlC(2 * STEPS + 3))
    fit_interrupted(own, match=rf"{cls.__name__}.fit was interrupted: .* n_iter_=2")
    assert own.n_iter_ == 2
    assert own.t_ == 2 * len(X) + 3 * 40
    assert own.loss_curve_ == whole.loss_curve_[:2]
    assert own.loss_ == own.loss_curve_[-1]
    assert {len(values) for values in own.history_.values()} == {2}
    np.testing.assert_array_equal(own.network_.theta, weights[2 * STEPS + 3])
    assert own.predict(X).shape == Y.shape


@pytest.mark.parametrize(
    ("cls", "rate", "epochs"), [(MLPClassifier, 0.1, 4), (MLPRegressor, 0.2, 3)]
)
def test_the_best_weights_are_restored(cls, rate, epochs):
    whole = dense(cls, learning_rate=rate).fit(X[:100], Y[:100], **VALIDATION)
    best = int(np.argmax(whole.validation_scores_[:epochs]))
    assert best < epochs - 1
    own = dense(cls, learning_rate=rate, scoring=CtrlC(2 * epochs))  # two scores an epoch
    fit_interrupted(own, X[:100], Y[:100], **VALIDATION)
    assert own.validation_scores_ == whole.validation_scores_[:epochs]
    assert own.score(X[100:], Y[100:]) == own.best_validation_score_
    assert own.best_validation_score_ == whole.validation_scores_[best]


def test_a_warning_instead():
    own = images(on_interrupt="warn", augmentation=CtrlC(STEPS + 1))
    with pytest.warns(ConvergenceWarning, match=r"interrupted: .* n_iter_=1") as caught:
        assert own.fit(X, Y) is own
    assert caught[0].filename == __file__
    assert own.n_iter_ == 1
    # nothing was learned that could be returned
    own = images(on_interrupt="warn", augmentation=CtrlC(2))
    fit_interrupted(own, match="before the end of the first epoch: the estimator is unchanged")
    assert not hasattr(own, "network_")


def test_in_the_last_step_of_an_epoch_the_fit_is_one_of_so_many_epochs():
    own = fit_interrupted(images(augmentation=CtrlC(2 * STEPS), warm_start=True))
    twin = images(augmentation=CtrlC(), warm_start=True, max_iter=2).fit(X, Y)
    for _ in range(2):
        assert (own.n_iter_, own.t_) == (twin.n_iter_, twin.t_)
        np.testing.assert_array_equal(own.network_.theta, twin.network_.theta)
        own.set_params(max_iter=1).fit(X, Y)
        twin.set_params(max_iter=1).fit(X, Y)


def test_before_the_end_of_the_first_epoch_the_estimator_stays_as_it_was():
    own = images(augmentation=CtrlC(STEPS - 1))
    fit_interrupted(own, match="unchanged")
    assert vars(own).keys() == vars(images()).keys()
    own = images(warm_start=True).fit(X, Y)
    before = stored(own)
    fit_interrupted(own.set_params(augmentation=CtrlC(STEPS - 1)), match="unchanged")
    assert stored(own) == before
    assert own.set_params(augmentation=None).fit(X, Y).n_iter_ == 12


def test_pressed_twice_it_ends_the_fit_at_once():
    own = images(augmentation=CtrlC(2 * STEPS + 3, times=2))
    fit_interrupted(own)
    assert own.augmentation.n_calls == 2 * STEPS + 3
    assert vars(own).keys() == vars(images()).keys()


def test_pressed_again_while_pythons_handler_is_put_back(monkeypatch):
    own, look = images(augmentation=CtrlC(2 * STEPS + 3)), signal.getsignal

    def slow(number):
        if own.augmentation.n_calls == 2 * STEPS + 3:
            own.augmentation.n_calls = 0
            signal.raise_signal(number)
        return look(number)

    monkeypatch.setattr(signal, "getsignal", slow)
    fit_interrupted(own)
    assert own.n_iter_ == 2


def test_all_of_a_part_is_learned_or_nothing():
    own = images(ConvNetRegressor).partial_fit(X, Y)
    before = stored(own)
    for step in (1, 3, STEPS):
        own.set_params(augmentation=CtrlC(step))
        with pytest.raises(KeyboardInterrupt):
            own.partial_fit(X, Y)
        assert stored(own) == before
    with pytest.raises(KeyboardInterrupt):
        images(ConvNetRegressor, augmentation=CtrlC(1)).partial_fit(X, Y)
    own.set_params(augmentation=None).partial_fit(X, Y)
    twin = images(ConvNetRegressor).partial_fit(X, Y).partial_fit(X, Y)
    np.testing.assert_array_equal(own.network_.theta, twin.network_.theta)


def test_lbfgs_ends_with_its_iteration():
    own = dense(solver="lbfgs", max_iter=30, scoring=CtrlC(2 * 2))
    fit_interrupted(own, X[:100], Y[:100], **VALIDATION)
    whole = dense(solver="lbfgs", max_iter=2).fit(X[:100], Y[:100])
    assert own.n_iter_ == 2
    assert own.loss_curve_ == whole.loss_curve_
    np.testing.assert_array_equal(own.network_.theta, whole.network_.theta)


def test_a_handler_of_the_user_is_left_alone():
    presses = []
    signal.signal(signal.SIGINT, lambda *args: presses.append(1))
    try:
        own = images(augmentation=CtrlC(STEPS + 1)).fit(X, Y)
        assert (own.n_iter_, presses) == (6, [1])

        def impatient(*args):
            raise KeyboardInterrupt("mine")

        signal.signal(signal.SIGINT, impatient)
        own = images(augmentation=CtrlC(STEPS + 1))
        fit_interrupted(own, match="mine")
        assert vars(own).keys() == vars(images()).keys()
        assert signal.getsignal(signal.SIGINT) is impatient
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def test_an_interrupt_of_a_callback_leaves_the_estimator_as_it_was():
    class Raises(CtrlC):
        def on_fit_task_end(self, estimator, context):
            raise KeyboardInterrupt("mine")

    own = dense().set_callbacks(Raises())
    before = vars(own).copy()
    fit_interrupted(own, match="mine")
    assert vars(own) == before


def test_in_another_thread_nothing_is_changed():
    handlers = set()

    def look(batch, rng):
        handlers.add(signal.getsignal(signal.SIGINT))
        return batch

    own = images(augmentation=look)
    thread = threading.Thread(target=own.fit, args=(X, Y))
    thread.start()
    thread.join()
    assert handlers == {signal.default_int_handler}
    assert own.n_iter_ == 6


def keeps_attributes(frame):
    """Return whether a frame belongs to restoring attributes after an error in partial_fit."""
    name, file = frame.f_code.co_name, frame.f_code.co_filename
    if file == contextlib.__file__:
        name = frame.f_back.f_code.co_name
    return name == "_partial_fit" or file == fitted_attributes.__file__


def test_nothing_is_given_back_once_the_exception_has_been_caught():
    """Ctrl-C at any instruction of `partial_fit` undoes it at once or not at all."""
    x, y = X[:10, :3], X[:10, 3]
    own = dense(MLPRegressor, batch_size=10)
    for place in itertools.count():
        vars(own).clear()
        vars(own).update(vars(dense(MLPRegressor, batch_size=10)))
        caught = None
        try:
            pressed = call_interrupted(lambda: own.partial_fit(x, y), place, keeps_attributes)
        except KeyboardInterrupt as error:
            caught = error  # keeps all frames alive, as sys.last_exc does
        else:
            assert not pressed
            break
        assert not hasattr(own, "_job")
        assert hasattr(own, "network_") == hasattr(own, "n_iter_")
        own.partial_fit(x, y)
        after = vars(own).copy()
        del caught
        assert vars(own) == after, place
    assert place > 100


def test_an_error_after_ctrl_c_does_not_swallow_it():
    def fail(own, x, y):
        signal.raise_signal(signal.SIGINT)
        raise ValueError("no score")

    own = dense(scoring=fail)
    search = GridSearchCV(own, {"alpha": [0.1, 0.2]}, error_score=0.0, cv=2)
    with pytest.raises(KeyboardInterrupt, match=r"interrupted, and then: .*no score"):
        search.fit(X, Y, **VALIDATION)


@pytest.mark.parametrize("on_interrupt", ["raise", "warn"])
def test_a_search_ends_or_goes_on(on_interrupt):
    own = images(on_interrupt=on_interrupt, max_iter=2)
    press = CtrlC(2 * 3 + 4)  # in the second of four fits, after an epoch of three steps

    def augment(batch, rng):
        return press(batch, rng)

    search = GridSearchCV(
        own.set_params(augmentation=augment), {"alpha": [0.1, 0.2]}, cv=2, refit=False
    )
    if on_interrupt == "raise":
        with pytest.raises(KeyboardInterrupt, match=r"fit was interrupted: .* n_iter_=1"):
            search.fit(X, Y)
        assert press.n_calls == 2 * 3 + 4
    else:
        with pytest.warns(ConvergenceWarning, match="fit was interrupted"):
            search.fit(X, Y)
        assert press.n_calls == 4 * 2 * 3 - 2


@pytest.mark.parametrize("step", [2 * STEPS + 3, 3 * STEPS])
def test_an_interrupted_fit_goes_on_from_its_checkpoint_to_the_bit(step, tmp_path):
    press = CtrlC(step)

    def augment(batch, rng):
        press.press()
        return batch + rng.normal(size=batch.shape)

    whole = images(augmentation=augment, dropout=0.1)
    fit_interrupted(whole)
    whole.fit(X, Y)
    press.n_calls = 0
    own = images(augmentation=augment, dropout=0.1)
    fit_interrupted(own.set_callbacks(Checkpoint(tmp_path / "fit")))
    press.n_calls = 100
    own = images(augmentation=augment, dropout=0.1, on_interrupt="warn")
    own.set_callbacks(Checkpoint(tmp_path / "fit", resume=True)).fit(X, Y)
    assert press.n_calls == 100 + (6 - step // STEPS) * STEPS
    np.testing.assert_array_equal(own.network_.theta, whole.network_.theta)
    assert own.loss_curve_ == whole.loss_curve_


@pytest.mark.slow
def test_ctrl_c_from_outside_at_random_times():
    """`tests/robustness/interrupts.py` presses Ctrl-C a hundred times."""
    command = [sys.executable, SCRIPT, "--interrupts", "14", "--presses", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "fitted, KeyboardInterrupt" in done.stdout


def test_a_script_ends_with_the_message_and_the_status_of_an_interrupt(tmp_path):
    script = (
        "import numpy as np, skneural; X = np.zeros((500, 5)); y = np.arange(500) % 2\n"
        "own = skneural.MLPClassifier(max_iter=10**6, patience=None, verbose=True)\n"
        "own.fit(X, y)"
    )
    child = subprocess.Popen(
        [sys.executable, "-u", "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert child.stdout.readline().startswith("Epoch 1")
    child.send_signal(signal.SIGINT)
    _, error = child.communicate()
    assert "KeyboardInterrupt: MLPClassifier.fit was interrupted: the estimator is" in error
    assert child.returncode == -signal.SIGINT
