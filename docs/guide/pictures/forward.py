"""The forward pass of the worked network."""

from _worked import W1, W2, X, draw, values

hidden, output = values()
draw(
    [X[0], [f"{h:.4f}" for h in hidden], [f"{o:.4f}" for o in output]],
    [W1, W2],
    ["input x", "hidden h\nbiases 0.3", "output o\nbiases 0.5"],
)
