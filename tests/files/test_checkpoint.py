"""Checkpoints: interrupted fits are resumed and end with the same bits."""

import os
import resource
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from _callbacks import Callback
from _interrupted import FITS, X, Y, digest, estimator, fit
from _mutations import damaged
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skneural
from skneural import Checkpoint, MLPClassifier

SCRIPT = Path(__file__).parents[1] / "_interrupted.py"
FIT = pytest.mark.parametrize("name", FITS)


class StopAt(Callback):
    """Raises at the end of an epoch, like Ctrl-C or a bug."""

    def __init__(self, epoch):
        self.left = epoch

    def on_fit_task_end(self, estimator, context):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def interrupted(own, path, epoch, every=1):
    """Fit up to an epoch, and keep only the checkpoint."""
    own.set_callbacks(Checkpoint(path, every=every), StopAt(epoch))
    with pytest.raises(KeyboardInterrupt):
        own.fit(X, Y)
    assert not hasattr(own, "network_")
    assert not hasattr(own, "_job")


def uninterrupted(name, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator(name, **more).fit(X, Y)


@FIT
def test_a_resumed_fit_ends_with_the_same_bits(name, tmp_path):
    path, whole = tmp_path / "fit", uninterrupted(name)
    for epoch in range(1, whole.n_iter_ + 1):
        interrupted(estimator(name), path, epoch)
        resumed = fit(name, path)
        assert digest(resumed) == digest(whole)
        vars(resumed).pop("_skl_callbacks")
        assert vars(resumed).keys() == vars(whole).keys()
    assert os.listdir(tmp_path) == ["fit"]


@FIT
def test_an_ended_fit_is_not_run_again_and_can_be_loaded(name, tmp_path):
    path, whole = tmp_path / "fit", fit(name, tmp_path / "fit")
    seconds = whole.history_["seconds"]
    assert fit(name, path).history_["seconds"] == seconds
    assert skneural.load(path).history_["seconds"] == seconds
    assert digest(skneural.load(path)) == digest(uninterrupted(name))


def test_the_early_stopping_of_these_tests_stops_early_and_restores():
    own = uninterrupted("early stopping")
    assert own.n_iter_ < 12
    assert np.argmax(own.validation_scores_) < own.n_iter_ - 1
    assert uninterrupted("adaptive").history_["learning_rate"][-1] < 1e-4


def test_every(tmp_path):
    path = tmp_path / "fit"
    interrupted(estimator("dense"), path, 8, every=3)
    assert skneural.load(path).n_iter_ == 6
    assert digest(fit("dense", path)) == digest(uninterrupted("dense"))


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw", "rmsprop", "adagrad"])
def test_every_solver_and_a_seed_from_the_system(solver, tmp_path):
    own = estimator("convolutions", solver=solver, random_state=None, warm_start=True)
    interrupted(own, tmp_path / "fit", 3)
    copy = (tmp_path / "fit").read_bytes()
    digests = set()
    for _ in range(2):
        (tmp_path / "fit").write_bytes(copy)
        more = {"solver": solver, "random_state": None, "warm_start": True}
        digests.add(digest(fit("convolutions", tmp_path / "fit", **more)))
    assert len(digests) == 1


def test_a_second_fit_of_a_warm_start(tmp_path):
    path = tmp_path / "second"
    first = uninterrupted("dense", warm_start=True, schedule="linear")
    skneural.save(first, tmp_path / "first")
    whole = skneural.load(tmp_path / "first").fit(X, Y)
    own = skneural.load(tmp_path / "first").set_callbacks(Checkpoint(path), StopAt(5))
    with pytest.raises(KeyboardInterrupt):
        own.fit(X, Y)
    assert own.n_iter_ == 12
    own = skneural.load(tmp_path / "first").set_callbacks(Checkpoint(path, resume=True))
    assert digest(own.fit(X, Y)) == digest(whole)
    with pytest.raises(ValueError, match="began after 12 epochs, and this one begins after 24"):
        own.fit(X, Y)


def test_functions_come_from_the_estimator_that_resumes(tmp_path):
    def scorer(own, x, y):
        return own.score(x, y)

    def doubled(images, rng):
        return images * rng.integers(1, 3)

    more = {"scoring": scorer, "augmentation": doubled}
    interrupted(estimator("convolutions", **more), tmp_path / "fit", 4)
    with pytest.raises(ValueError, match=r"its fit used augmentation=.*, which is not in"):
        skneural.load(tmp_path / "fit")
    resumed = fit("convolutions", tmp_path / "fit", **more)
    assert digest(resumed) == digest(uninterrupted("convolutions", **more))


def test_inside_a_pipeline(tmp_path):
    pipe = make_pipeline(StandardScaler(), estimator("dense"))
    whole = clone(pipe).fit(X, Y)
    pipe[-1].set_callbacks(Checkpoint(tmp_path / "fit"), StopAt(4))
    with pytest.raises(KeyboardInterrupt):
        pipe.fit(X, Y)
    pipe[-1].set_callbacks(Checkpoint(tmp_path / "fit", resume=True))
    assert digest(pipe.fit(X, Y)[-1]) == digest(whole[-1])


def test_what_is_not_the_same_fit_is_refused(tmp_path):
    path = tmp_path / "fit"
    interrupted(estimator("dense"), path, 4)
    before = path.read_bytes()
    for more in ({"alpha": 0.1}, {"max_iter": 13}, {"random_state": 1}):
        [(name, _)] = more.items()
        with pytest.raises(ValueError, match=f"a fit with {name}="):
            fit("dense", path, **more)
    with pytest.raises(ValueError, match="it contains a MLPClassifier"):
        fit("adaptive", path)
    own = estimator("dense").set_callbacks(Checkpoint(path, resume=True))
    for x, y, weight in ((X + 1, Y, None), (X, Y[::-1], None), (X, Y, np.ones(len(Y)))):
        with pytest.raises(ValueError, match="a fit on other data"):
            own.fit(x, y, sample_weight=weight)
    with pytest.raises(ValueError, match="same classes"):
        own.fit(X, Y % 5)
    assert not hasattr(own, "network_")
    skneural.save(uninterrupted("dense"), tmp_path / "saved")
    with pytest.raises(ValueError, match="is not a checkpoint"):
        fit("dense", tmp_path / "saved")
    assert path.read_bytes() == before


def test_what_cannot_be_checkpointed_is_refused(tmp_path):
    path = tmp_path / "fit"
    for every, error in ((0, ValueError), (1.5, TypeError), (None, TypeError)):
        with pytest.raises(error, match="every must be an integer >= 1"):
            Checkpoint(path, every=every)
    with pytest.raises(TypeError, match="resume must be True or False"):
        Checkpoint(path, resume="yes")
    with pytest.raises(ValueError, match="lbfgs"):
        MLPClassifier(solver="lbfgs").set_callbacks(Checkpoint(path)).fit(X, Y)
    with pytest.raises(TypeError, match="callback of the estimators of skneural"):
        Checkpoint(path).setup(LinearRegression(), None)

    class Mine(MLPClassifier):
        pass

    with pytest.raises(TypeError, match=r"Checkpoint supports MLPClassifier, .*got Mine"):
        Mine().set_callbacks(Checkpoint(path)).fit(X, Y)
    own = MLPClassifier().set_callbacks(Checkpoint(tmp_path / "nowhere" / "fit"))
    with pytest.raises(OSError, match="cannot be written"):
        own.fit(X, Y)


@FIT
def test_a_damaged_checkpoint_is_refused(name, tmp_path):
    path, rng = tmp_path / "fit", np.random.default_rng(0)
    interrupted(estimator(name), path, 3)
    data = path.read_bytes()
    for _ in range(20):
        path.write_bytes(damaged(data, rng))
        for read in (lambda: fit(name, path), lambda: skneural.load(path)):
            with pytest.raises(ValueError, match=r"fit cannot be loaded: it"):
                read()


def test_what_a_kill_has_left_half_written_is_removed(tmp_path):
    path = tmp_path / "fit"
    (tmp_path / "fit.0123abcd.tmp").write_bytes(b"half")
    (tmp_path / "fit.txt").write_bytes(b"of somebody else")
    fit("dense", path)
    assert sorted(os.listdir(tmp_path)) == ["fit", "fit.txt"]
    assert repr(Checkpoint(path)) == f"Checkpoint({str(path)!r}, every=1, resume=False)"


def run(name, path, delay=0, **options):
    """Fit in a process that kills itself after `delay` seconds; return the digest or None."""
    command = [sys.executable, SCRIPT, name, path, str(delay)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode in (0, -9), done.stderr
    return done.stdout.strip() or None


@pytest.mark.slow
def test_a_killed_process_is_resumed_by_the_next(tmp_path):
    """`tests/robustness/kills.py` repeats this hundreds of times."""
    path, start = tmp_path / "fit", time.perf_counter()
    expected = run("convolutions", tmp_path / "whole")
    seconds = time.perf_counter() - start
    digests = [run("convolutions", path, share * seconds) for share in (0.8, 0.95)]
    assert {*digests} <= {None, expected}
    assert run("convolutions", path) == expected
    assert sorted(os.listdir(tmp_path)) == ["fit", "whole"]


def test_a_full_disk_leaves_the_previous_checkpoint(tmp_path):
    path = tmp_path / "fit"
    interrupted(estimator("dense"), path, 4)
    before = path.read_bytes()
    limit = len(before) // 2  # no file may become larger, as on a disk that is full

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, SCRIPT, "dense", path, "0"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, preexec_fn=limited
    )
    assert done.returncode == 1
    assert f"{path} could not be written (File too large)" in done.stderr
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["fit"]
    assert digest(fit("dense", path)) == digest(uninterrupted("dense"))
