"""Training of convolutional estimators: all options of dense networks work on images."""

import pickle
import tracemalloc
from functools import cache

import numpy as np
import pytest
from _callbacks import Callback
from _convnets import FLAT, IMAGES, SIGNALS, X, Y, classifier, regressor, theta
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss

from skneural import ConvNetClassifier
from skneural._engine.program import program_of
from skneural._estimators.preparation import prepare
from skneural._training.epochs import train
from skneural._training.progress import spawn_generators

BOTH = pytest.mark.parametrize("make", [classifier, regressor])
CLASSES = [0, 1, 2]


def outputs(own, x=X):
    return own.predict_proba(x) if hasattr(own, "predict_proba") else own.predict(x)


def partial_fit(own, x=X, y=Y, **more):
    first = hasattr(own, "predict_proba") and not hasattr(own, "network_")
    return own.partial_fit(x, y, **({"classes": CLASSES} if first else {}), **more)


def test_learns_where_a_bar_stands():
    own = classifier((8, 8), max_iter=40, learning_rate=0.01).fit(X[:30], Y[:30])
    assert own.score(X[30:], Y[30:]) > 0.9
    own = regressor((8, 8), max_iter=60, learning_rate=0.01).fit(X[:30], Y[:30])
    assert own.score(X[30:], Y[30:]) > 0.6
    own = classifier((8, 8), max_iter=40, learning_rate=0.01, input_shape=(12, 2))
    assert own.fit(SIGNALS[:30], Y[:30]).score(SIGNALS[30:], Y[30:]) > 0.75


@BOTH
@pytest.mark.parametrize("seed", [0, np.random.RandomState])
def test_same_seed_same_bits(make, seed):
    params = {"dropout": 0.2, "augmentation": {"shift": 1}, "input_noise": 0.1}
    a, b = (make(random_state=seed if seed == 0 else seed(3), **params).fit(X, Y) for _ in "ab")
    np.testing.assert_array_equal(theta(a), theta(b))
    c = make(random_state=7, **params).fit(X, Y)
    assert not np.array_equal(theta(a), theta(c))


@BOTH
@pytest.mark.parametrize(
    "params",
    [{}, {"shuffle": False}, {"solver": "sgd"}, {"batch_norm": True, "dropout": 0.2},
     {"augmentation": {"shift": 1, "horizontal_flip": True, "gaussian_noise": 0.1}},
     {"dtype": "float32", "decay": 0.9}],
    ids=str,
)  # fmt: skip
def test_three_partial_fits_equal_one_fit(make, params):
    whole = make(max_iter=3, **params).fit(X, Y)
    own = make(**params)
    for images in (X, FLAT, IMAGES) if params else (X, X, X):
        own.input_shape = None if images is X else (6, 6, 1)
        partial_fit(own, images)
    np.testing.assert_array_equal(theta(own), theta(whole))
    np.testing.assert_array_equal(own.network_.state, whole.network_.state)
    assert own.loss_curve_ == whole.loss_curve_
    assert (own.n_iter_, own.t_) == (whole.n_iter_, whole.t_) == (3, 135)


@BOTH
def test_warm_start_goes_on_and_cold_start_takes_another_shape(make):
    long = make(max_iter=4).fit(X, Y)
    warm = make(warm_start=True).fit(X, Y).fit(IMAGES, Y)
    np.testing.assert_array_equal(theta(warm), theta(long))
    cold = make().fit(X, Y).fit(SIGNALS[:, :8].reshape(45, 4, 4), Y)
    assert cold.input_shape_ == (4, 4, 1)
    assert cold.n_iter_ == 2


@BOTH
def test_a_copy_trains_on_bit_for_bit(make):
    own = make(batch_norm=True, dropout=0.2, augmentation={"shift": 1}).fit(X, Y)
    twin = pickle.loads(pickle.dumps(own))
    assert vars(twin).keys() == vars(own).keys()
    np.testing.assert_array_equal(outputs(twin), outputs(own))
    np.testing.assert_array_equal(theta(partial_fit(twin)), theta(partial_fit(own)))
    assert str(twin.summary()) == str(own.summary())
    # weights and moments, not the columns of a batch
    assert len(pickle.dumps(own)) < 30_000 + 5 * theta(own).nbytes


# ---------------------------------------------------------------------------- validation


@BOTH
def test_early_stopping_restores_the_best_weights(make):
    own = make(max_iter=100, early_stopping=True, patience=3, validation_fraction=0.3,
               learning_rate=0.05).fit(X, Y)  # fmt: skip
    assert own.n_iter_ == len(own.validation_scores_) < 100
    assert own.best_validation_score_ == max(own.validation_scores_)
    of_rows = clone(own).set_params(input_shape=(6, 6, 1)).fit(FLAT, Y)
    np.testing.assert_array_equal(theta(of_rows), theta(own))


@BOTH
def test_validation_images_come_in_every_form(make):
    own = make(max_iter=4).fit(X[:30], Y[:30], X_val=X[30:], y_val=Y[30:])
    best = np.argmax(own.validation_scores_)
    assert own.score(X[30:], Y[30:]) == pytest.approx(own.validation_scores_[best])
    for form in (IMAGES, FLAT, list(X)):
        same = make(max_iter=4).fit(X[:30], Y[:30], X_val=form[30:], y_val=Y[30:])
        assert same.validation_scores_ == own.validation_scores_
    partial_fit(own, X_val=IMAGES[30:], y_val=Y[30:])
    assert len(own.validation_scores_) == 5


def test_a_scorer_and_a_target_score():
    own = classifier(max_iter=50, early_stopping=True, scoring="neg_log_loss",
                     target_score=-1.05, validation_fraction=0.3).fit(X, Y)  # fmt: skip
    assert own.n_iter_ < 50
    assert own.validation_scores_[-1] >= -1.05


# ------------------------------------------------------------------------------- weights


@BOTH
def test_a_weight_of_two_equals_a_repeated_row(make):
    weight = np.random.default_rng(0).integers(0, 3, 45)
    weighted = make(batch_size=200, max_iter=9).fit(X, Y, sample_weight=weight)
    repeated = make(batch_size=200, max_iter=9)
    repeated.fit(np.repeat(X, weight, axis=0), np.repeat(Y, weight))
    np.testing.assert_allclose(outputs(weighted), outputs(repeated), rtol=1e-7, atol=1e-9)


def test_class_weights_are_sample_weights():
    weights = {0: 1.0, 1: 5.0, 2: 0.5}
    own = classifier(class_weight=weights).fit(X, Y)
    by_hand = classifier().fit(X, Y, sample_weight=[weights[label] for label in Y])
    np.testing.assert_array_equal(theta(own), theta(by_hand))
    few = np.r_[0:45:3, 1:10:3, 2:10:3]  # 15 of class 0, 3 of either other
    balanced = classifier(class_weight="balanced").fit(X[few], Y[few])
    by_hand = classifier(class_weight={0: 21 / 45, 1: 21 / 9, 2: 21 / 9}).fit(X[few], Y[few])
    np.testing.assert_allclose(theta(balanced), theta(by_hand), rtol=1e-9, atol=1e-12)


# ------------------------------------------------------------------------- kinds of target


def test_multilabel():
    labels = np.column_stack([Y == 0, Y == 1, Y > 0]).astype(int)
    own = classifier(max_iter=60, learning_rate=0.02).fit(X, labels)
    assert own.out_activation_ == "logistic"
    assert own.predict(X).shape == own.predict_proba(X).shape == (45, 3)
    assert own.score(X, labels) > 0.9


def test_several_columns_of_labels_and_of_numbers():
    columns = np.column_stack([Y, np.where(Y > 0, 5, 7), Y])
    own = classifier(max_iter=60, learning_rate=0.02).fit(X, columns)
    assert [proba.shape for proba in own.predict_proba(X)] == [(45, 3), (45, 2), (45, 3)]
    assert own.score(X, columns) > 0.9
    own = regressor(max_iter=60, learning_rate=0.02).fit(X, np.column_stack([Y, -2 * Y]))
    assert own.predict(X).shape == (45, 2)
    assert own.score(X, np.column_stack([Y, -2 * Y])) > 0.5


def test_labels_of_text():
    names = np.array(["bar across", "bar down", "none"])[Y]
    own = classifier().fit(X, names)
    np.testing.assert_array_equal(own.classes_, np.unique(names))
    np.testing.assert_array_equal(own.predict_proba(X), classifier().fit(X, Y).predict_proba(X))


# ------------------------------------------------------------------------------- settings


@cache
def usual_outputs(make):
    return outputs(make(max_iter=40, learning_rate=0.01).fit(X, Y))


@BOTH
@pytest.mark.parametrize(
    "params",
    [
        *({"solver": name} for name in ("sgd", "adamw", "rmsprop", "adagrad", "lbfgs")),
        {"solver": "lbfgs", "pool": "average", "activation": "tanh"},
        {"batch_norm": True},
        {"batch_norm": True, "pool": "average", "activation": "gelu"},
        {"dropout": (0.1, 0.0, 0.3)},
        {"alpha": 0.1, "l1_ratio": 0.5},
        {"max_grad_norm": 0.5},
        {"input_noise": 0.1},
        {"schedule": "cosine"},
        {"pool": "global_average", "filters": 6},
        {"activation": ("tanh", "identity", "silu")},
        {"weight_init": "lecun"},
    ],
    ids=str,
)
def test_every_option_learns(make, params):
    if params.get("solver") in ("sgd", "adagrad"):
        params = {**params, "learning_rate": 0.05}
    own = make(**{"max_iter": 40, "learning_rate": 0.01, **params}).fit(X, Y)
    assert own.loss_ < 0.7 * own.loss_curve_[0]
    assert own.history_.keys() == {"learning_rate", "loss", "grad_norm", "seconds"}
    assert {len(values) for values in own.history_.values()} == {own.n_iter_}
    assert not np.array_equal(outputs(own), usual_outputs(make))


def test_dropout_of_a_block_is_its_own():
    rates = [
        [layer.rate for layer in classifier(dropout=dropout).fit(X, Y).network_.layers
         if layer.only_training]
        for dropout in (0.25, (0.1, 0.0, 0.3))
    ]  # fmt: skip
    assert rates == [[0.25, 0.25, 0.25], [0.1, 0.3]]


def test_alpha_penalizes_kernels_and_not_biases():
    own = classifier(max_iter=1, learning_rate=1e-12, alpha=7.0, batch_size=100).fit(X, Y)
    penalty = 7.0 / 2 * sum((coef**2).sum() for coef in own.coefs_) / 45
    assert own.loss_ == pytest.approx(log_loss(Y, own.predict_proba(X)) + penalty, rel=1e-8)


def test_attributes():
    own = classifier().fit(X, Y)
    shapes = [(3, 3, 1, 3), (3, 3, 3, 4), (4, 6), (6, 3)]
    assert [coef.shape for coef in own.coefs_] == shapes
    assert [bias.shape for bias in own.intercepts_] == [(3,), (4,), (6,), (3,)]
    assert (own.n_layers_, own.n_outputs_, own.out_activation_) == (5, 3, "softmax")
    own.coefs_[3][...] = 0  # views of the network
    assert np.ptp(own.decision_function(X), axis=0).max() == 0


def test_the_loss_must_have_settled():
    with pytest.warns(ConvergenceWarning, match="ConvNetClassifier: max_iter=2"):
        classifier(patience=10).fit(X, Y)


class Recorder(Callback):
    """A callback that predicts after every epoch."""

    def __init__(self):
        self.scores = []

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        if context.task_name == "epoch":
            self.scores.append((fitted_estimator.score(X, Y), fitted_estimator.score(FLAT, Y)))


@BOTH
def test_callbacks_see_a_fitted_network_after_every_epoch(make):
    recorder, own = Recorder(), make(max_iter=3)
    own.set_callbacks(recorder).fit(X, Y)
    assert len(recorder.scores) == 3
    assert recorder.scores[-1] == (own.score(X, Y), own.score(X, Y))


# --------------------------------------------------------------------------------- memory


class SecondEpoch:
    """A callback that measures the additional memory of the second epoch."""

    interrupted = False

    def __init__(self):
        self.peaks = []

    def begin(self):
        tracemalloc.start()

    def end(self, progress):
        self.peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(
    "params",
    [{}, {"batch_norm": True, "dropout": 0.2, "pool": "average"}, {"activation": "gelu"},
     {"augmentation": {"shift": 2, "horizontal_flip": True, "gaussian_noise": 0.1}},
     {"max_grad_norm": 1.0, "strides": 2, "pool": None}],
    ids=str,
)  # fmt: skip
def test_epochs_allocate_nothing_of_a_batchs_size(params, shuffle):
    images = np.random.default_rng(0).normal(size=(600, 24, 24)).astype(np.float32)
    own = classifier((8, 16), batch_size=250, max_iter=2, shuffle=shuffle, **params)
    job = prepare(own, images, np.arange(600) % 3, None, resume=False)
    reporting = SecondEpoch()
    train(job, reporting)
    # the images of a batch, in bytes: much beside the buffers of ufuncs in two threads
    batch = 250 * 24 * 24 * 4
    assert max(reporting.peaks[1:]) < batch / 2
    if program_of(job.progress.network) is None:  # the compiled engine's memory is not traced
        assert batch / 2 < reporting.peaks[0]


def test_training_on_large_images_keeps_to_its_workspace():
    """128 filters of 5x5 on 224x224: the columns of a single image would take 1.2 GB.

    The table contains the memory of the outputs and gradients of a batch. Parameters, the
    arrays of overlapping pooling windows and everything else take less than 1.25 times as much.
    """
    images = np.random.default_rng(0).normal(size=(2, 224, 224)).astype(np.float32)
    own = ConvNetClassifier(
        128, kernel_size=5, padding="valid", pool_size=5, pool_strides=2,
        hidden_layer_sizes=(), batch_size=2, max_iter=1, patience=None, random_state=0,
    )  # fmt: skip
    tracemalloc.start()
    own.fit(images, [0, 1])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    stated = sum(row.training_bytes for row in own.summary().rows)
    assert peak < 2.25 * stated < 300e6


def test_a_purpose_more_leaves_the_draws_of_the_others():
    names = ["weights", "shuffle", "dropout", "split"]
    seeds = np.random.SeedSequence(0).spawn(4)
    rngs = spawn_generators(0)
    for name, seed in zip(names, seeds, strict=True):
        assert rngs[name].random() == np.random.default_rng(seed).random()
