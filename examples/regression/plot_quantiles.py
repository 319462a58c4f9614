"""
Intervals from several quantiles
================================

A single prediction does not say how far off it may be. With ``loss="quantile"`` and several
quantiles, one network predicts all of them: here the 5 % and the 95 % quantile, between which
90 % of the targets should lie, the two quartiles, and the median. The noise of the data grows
with x, and it is skewed, so that the upper half of an interval is wider than the lower half.
The picture shows the predicted quantiles and samples that the network was not trained on.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import train_test_split

from skneural import MLPRegressor

rng = np.random.default_rng(0)
x = rng.uniform(-2, 2, 10_000)
y = 20 + 5 * np.sin(2 * x) + (2.2 + x) * (rng.gamma(2, size=10_000) - 2)
x, x_test, y, y_test = train_test_split(x[:, None], y, test_size=0.5, random_state=0)

quantiles = [0.05, 0.25, 0.5, 0.75, 0.95]
network = MLPRegressor((32, 32), loss="quantile", quantile=quantiles, max_iter=50)
network.set_params(random_state=0).fit(x, y)

line = np.linspace(-2, 2, 300)
curves = network.predict(line[:, None]).T
figure, ax = plt.subplots(layout="constrained")
ax.plot(x_test[:1000], y_test[:1000], ".", color="0.7", ms=3, label="test samples")
ax.fill_between(line, curves[0], curves[4], color="C0", alpha=0.2, label="5 % to 95 %")
ax.fill_between(line, curves[1], curves[3], color="C0", alpha=0.3, label="25 % to 75 %")
ax.plot(line, curves[2], color="C1", label="median")
ax.set(xlabel="x", ylabel="y")
ax.legend()
plt.show()

# %%
# The coverage
# ------------
# The share of the test samples below each predicted quantile should equal the quantile. The
# predictions are sorted for every sample, so no quantile crosses another.
predicted = network.predict(x_test)
coverage = np.mean(y_test[:, None] <= predicted, axis=0)
for quantile, share in zip(quantiles, coverage, strict=True):
    print(f"quantile {quantile:.2f}: {share:.3f} of the test samples are below it")
figure, ax = plt.subplots(layout="constrained")
ax.plot([0, 1], [0, 1], color="0.7")
ax.plot(quantiles, coverage, "o")
ax.set(xlabel="quantile", ylabel="share of the test samples below it")
plt.show()
