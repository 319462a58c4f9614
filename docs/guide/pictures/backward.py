"""The backward pass: a gradient on every edge, and what comes back to every unit."""

import numpy as np
from _worked import B1, B2, RATE, W1, W2, X, draw, one_step

network = one_step()
new_weights, new_biases = network.coefs_[:2], network.intercepts_[:2]
# a step is the rate times the gradient; that of a bias is delta itself
gradients = [(old - new) / RATE for old, new in zip((W1, W2), new_weights, strict=True)]
deltas = [(old - new) / RATE for old, new in zip((B1, B2), new_biases, strict=True)]
draw(
    [X[0], *([f"{delta:+.4f}" for delta in pair] for pair in deltas)],
    [np.char.mod("%+.4f", gradient) for gradient in gradients],
    ["input x", "delta 1", "delta 2"],
    backward=True,
)
