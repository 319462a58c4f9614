"""What a loss costs: of a logit, and of an error."""

import matplotlib.pyplot as plt
import numpy as np

from skneural._network.losses.classification import (
    HingeLoss,
    LogisticCrossEntropy,
    LogisticSquaredError,
    PerceptronLoss,
)
from skneural._network.losses.regression import (
    AbsoluteError,
    HalfSquaredError,
    HuberLoss,
    PinballLoss,
)


def costs(loss, z, y):
    """The loss of each raw prediction alone."""
    return [
        loss.loss_gradient(y[:1], v, gradient_out=np.empty((1, 1))) for v in z[:, None, None]
    ]


figure, (top, bottom) = plt.subplots(2, figsize=(4.6, 6.2))
z, one, zero = np.linspace(-4, 4, 201), np.ones((1, 1)), np.zeros((1, 1))
of_classes = {
    "log_loss": LogisticCrossEntropy(),
    "squared_error": LogisticSquaredError(),
    "hinge": HingeLoss(),
    "perceptron": PerceptronLoss(),
}
of_numbers = {
    "squared_error": HalfSquaredError(),
    "absolute_error": AbsoluteError(),
    "huber, delta 1": HuberLoss(),
    "quantile 0.9": PinballLoss(0.9),
}
for (name, loss), style in zip(of_classes.items(), ("-", "--", "-.", ":"), strict=True):
    top.plot(z, costs(loss, z, one), style, label=name)
for (name, loss), style in zip(of_numbers.items(), ("-", "--", "-.", ":"), strict=True):
    bottom.plot(z, costs(loss, z, zero), style, label=name)
top.set(xlabel="logit z of the right class", ylabel="loss", title="two classes")
bottom.set(xlabel="prediction - target", ylabel="loss", ylim=(-0.2, 5), title="numbers")
top.legend()
bottom.legend()
