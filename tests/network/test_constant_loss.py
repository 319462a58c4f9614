"""The loss of the best constant prediction, on which the penalty of alpha="auto" depends."""

import numpy as np
import pytest
from scipy.optimize import minimize

from skneural._network.losses.classification import (
    LogisticCrossEntropy,
    MulticlassHinge,
    MultiHead,
    SoftmaxCrossEntropy,
)
from skneural._network.losses.quantiles import QuantilesLoss
from skneural._network.losses.regression import AbsoluteError, HalfSquaredError

RNG = np.random.default_rng(0)
N = 30
CLASSES = np.eye(3)[RNG.integers(0, 3, N)]
LABELS = RNG.integers(0, 2, (N, 2)).astype(float)
CASES = {
    "squared error": (HalfSquaredError(), RNG.normal(5, 3, (N, 2))),
    "classes": (SoftmaxCrossEntropy(), CLASSES),
    "labels": (LogisticCrossEntropy(), LABELS),
    "heads": (
        MultiHead([SoftmaxCrossEntropy(), LogisticCrossEntropy()], [3, 2]),
        np.hstack([CLASSES, LABELS]),
    ),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_no_constant_has_a_lower_loss(name, weighted, dtype):
    loss, y = CASES[name]
    weight = RNG.integers(0, 4, N).astype(float) if weighted else None

    def of_constant(z):
        gradient = np.empty_like(y)
        return loss.loss_gradient(y, np.tile(z, (N, 1)), weight, gradient_out=gradient)

    lowest = minimize(of_constant, np.zeros(y.shape[1]), method="BFGS").fun
    given = (y.astype(dtype), None if weight is None else weight.astype(dtype))
    assert loss.constant_loss(*given) == pytest.approx(lowest, rel=1e-5)


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy(), LogisticCrossEntropy()])
def test_a_class_without_samples(loss):
    y = np.eye(3)[[0, 0, 1, 1]]
    assert loss.constant_loss(y, None) == pytest.approx(
        np.log(2) * (1 if isinstance(loss, SoftmaxCrossEntropy) else 2)
    )
    assert loss.constant_loss(y, np.array([1.0, 1, 0, 0])) == 0


def test_float32_columns_of_many_samples_are_added_exactly():
    y = np.ones((2**24 + 8, 2), np.float32)
    y[:, 1] = 0
    y[-8:] = 0, 1
    share = 8 / len(y)
    expected = -share * np.log(share) - (1 - share) * np.log1p(-share)
    assert SoftmaxCrossEntropy().constant_loss(y, None) == pytest.approx(expected, rel=1e-6)


def test_other_losses_have_none():
    assert AbsoluteError().constant_loss(LABELS, None) is None
    assert QuantilesLoss([0.1, 0.9]).constant_loss(LABELS, None) is None
    heads = MultiHead([SoftmaxCrossEntropy(), MulticlassHinge()], [3, 2])
    assert heads.constant_loss(np.hstack([CLASSES, LABELS]), None) is None
