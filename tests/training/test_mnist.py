"""The study on MNIST; it needs the file SKNEURAL_MNIST (X and y of dtype uint8)."""

import os

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from skneural import ConvNetClassifier, MLPClassifier

MNIST = os.environ.get("SKNEURAL_MNIST")
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not MNIST, reason="SKNEURAL_MNIST does not name mnist.npz"),
]


@pytest.mark.parametrize(("hidden", "expected"), [((64,), 0.972), ((128, 64), 0.978)])
def test_validation_accuracy_of_the_study(hidden, expected):
    """PyTorch with the same settings reaches `expected`; the mean of 3 seeds is close to it."""
    data = np.load(MNIST)
    X = data["X"][:60000].reshape(60000, -1).astype(np.float32) / 255
    y = data["y"][:60000]
    scores = []
    for seed in range(3):
        X_train, X_val, y_train, y_val = train_test_split(
            X, y, test_size=0.2, random_state=seed, stratify=y
        )
        network = MLPClassifier(
            hidden, solver="sgd", momentum=0.0, learning_rate=0.1, schedule="constant",
            decay=0.95, batch_size=64, max_iter=15, patience=None, random_state=seed,
        )  # fmt: skip
        scores.append(network.fit(X_train, y_train).score(X_val, y_val))
    assert np.mean(scores) == pytest.approx(expected, abs=0.003)


def test_convolutional_network_on_the_test_images():
    """PyTorch with the same settings reaches 0.982 to 0.984."""
    data = np.load(MNIST)
    X, y = data["X"].astype(np.float32) / 255, data["y"]
    scores = []
    for seed in range(3):
        network = ConvNetClassifier(
            (16, 32), learning_rate=1e-3, schedule="constant", beta_2=0.999, batch_size=64,
            max_iter=5, patience=None, random_state=seed,
        )  # fmt: skip
        scores.append(network.fit(X[:60000], y[:60000]).score(X[60000:], y[60000:]))
    assert np.mean(scores) >= 0.981
