"""alpha="auto" follows the training loss, on both engines."""

import numpy as np
import pytest

from skneural import ConvNetRegressor, MLPClassifier, MLPRegressor

RNG = np.random.default_rng(0)
N = 240
X = RNG.normal(size=(N, 3))
CLASSES = (X[:, 0] > 0).astype(int)
Y = 10 + 5 * X[:, 0] + RNG.normal(size=N)
WEIGHT = RNG.uniform(0.5, 2, N)
STRONGEST = 2 * 20 / N**0.75  # with squared error and without weights


def make(cls, **params):
    defaults = {"batch_size": 20, "learning_rate": 0.05, "schedule": "constant"}
    defaults |= {"hidden_layer_sizes": 8, "patience": None, "max_iter": 10, "random_state": 0}
    return cls(**{**defaults, **params})


def epoch_by_epoch(own, strongest, full_loss, y, weight):
    """Fit one epoch at a time, with the strength that the last loss calls for."""
    own.set_params(max_iter=1, warm_start=True)
    used = []
    for _ in range(10):
        share = own.loss_curve_[-1] / full_loss if used else 1.0
        used.append(strongest * min(max(share, 0.2), 1.0))
        own.set_params(alpha=used[-1]).fit(X, y, weight)
    return used


def entropy(weight):
    share = np.average(CLASSES, weights=weight)
    return -share * np.log(share) - (1 - share) * np.log(1 - share)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weighted"])
def test_the_penalty_of_a_classifier(weight):
    """It decreases once half of the loss of the class frequencies has been removed."""
    own = make(MLPClassifier).fit(X, CLASSES, weight)
    other = make(MLPClassifier)
    used = epoch_by_epoch(other, 3 * 20 / N, entropy(weight) / 2, CLASSES, weight)
    assert used[1] == used[0] > 2 * used[-1]
    np.testing.assert_allclose(own.loss_curve_, other.loss_curve_, rtol=1e-5)
    assert own.loss_curve_ != make(MLPClassifier, alpha=1.0).fit(X, CLASSES, weight).loss_curve_


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weighted"])
@pytest.mark.parametrize("normalize_y", [False, True])
def test_the_penalty_of_a_regressor(weight, normalize_y):
    """It is proportional to the loss, relative to that of the mean."""
    own = make(MLPRegressor, normalize_y=normalize_y).fit(X, Y, weight)
    other = make(MLPRegressor, normalize_y=normalize_y)
    variance = np.average((Y - np.average(Y, weights=weight)) ** 2, weights=weight)
    full_loss = 0.5 if normalize_y else variance / 2
    total = 1 if weight is None else WEIGHT.mean()  # more than 1
    used = epoch_by_epoch(other, STRONGEST * total**0.25, full_loss, Y, weight)
    assert used[0] > used[-1]
    np.testing.assert_allclose(own.loss_curve_, other.loss_curve_, rtol=1e-5)


@pytest.mark.parametrize(
    ("cls", "y", "params"),
    [
        (MLPClassifier, CLASSES, {"loss": "squared_error"}),
        (MLPClassifier, CLASSES, {"loss": "hinge"}),
        (MLPRegressor, Y, {"loss": "absolute_error"}),
        (MLPRegressor, Y, {"loss": "quantile", "quantile": (0.1, 0.9)}),
        (MLPRegressor, np.abs(Y), {"link": "log"}),
        (MLPRegressor, np.full(N, 7.0), {}),
    ],
)
def test_it_is_constant_for_other_losses_and_constant_targets(cls, y, params):
    own = make(cls, **params).fit(X, y)
    other = make(cls, alpha=3 * 20 / N, **params).fit(X, y)
    assert own.loss_curve_ == other.loss_curve_


@pytest.mark.parametrize(
    ("cls", "y"), [(MLPClassifier, CLASSES), (MLPRegressor, Y), (ConvNetRegressor, Y)]
)
def test_a_warm_start_continues_with_the_penalty_it_had(cls, y):
    whole = make(cls, max_iter=8).fit(X, y)
    part = make(cls, max_iter=5, warm_start=True).fit(X, y).set_params(max_iter=3).fit(X, y)
    assert part.loss_curve_ == whole.loss_curve_
    np.testing.assert_array_equal(part.network_.theta, whole.network_.theta)


def test_targets_without_noise_leave_a_fifth_of_the_penalty():
    """A network that fits them exactly is still penalized."""
    own = make(MLPRegressor, max_iter=200).fit(X, X[:, 0])
    other = make(MLPRegressor, max_iter=200)
    other.fit(X, X[:, 0])
    other.set_params(max_iter=1, warm_start=True, alpha=STRONGEST / 5).fit(X, X[:, 0])
    own.set_params(max_iter=1, warm_start=True).fit(X, X[:, 0])
    np.testing.assert_allclose(own.network_.theta, other.network_.theta, rtol=1e-12)
    assert own.loss_curve_[-2] < 0.5 / 5


def test_targets_of_any_size():
    """Squares that overflow are no reason for a warning before the fit fails."""
    with pytest.raises(ValueError, match="diverged"):
        make(MLPRegressor, normalize_y=False).fit(X, 1e200 * Y)


@pytest.mark.parametrize(("cls", "y"), [(MLPClassifier, CLASSES), (MLPRegressor, Y)])
def test_weights_that_add_up_to_1_do_not_strengthen_the_penalty(cls, y):
    own, other = make(cls).fit(X, y, np.full(N, 1 / N)), make(cls).fit(X, y)
    np.testing.assert_allclose(own.loss_curve_, other.loss_curve_, rtol=1e-9)
