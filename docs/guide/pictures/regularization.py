"""One network, twenty points, three strengths of the penalty."""

import matplotlib.pyplot as plt
import numpy as np

from skneural import MLPRegressor

rng = np.random.default_rng(0)
x = np.sort(rng.uniform(-1, 1, 20))
y = np.sin(3 * x) + rng.normal(scale=0.3, size=20)
wide = np.linspace(-1.05, 1.05, 400)
figure, panels = plt.subplots(3, figsize=(4.6, 6.4), sharex=True, sharey=True)
for i, (ax, alpha) in enumerate(zip(panels, (0.0, 0.1, 30.0), strict=True)):
    network = MLPRegressor((100,), activation="tanh", solver="lbfgs", alpha=alpha)
    network.set_params(max_iter=3000, patience=None, random_state=0)
    network.fit(x[:, None], y)
    ax.plot(wide, np.sin(3 * wide), ":", color="0.5", label="what is true")
    ax.plot(x, y, "o", color="k", markersize=4, label="20 rows")
    ax.plot(wide, network.predict(wide[:, None]), color=f"C{i}", label="the network")
    size = sum(np.sum(weights**2) for weights in network.coefs_)
    ax.set(title=f"alpha={alpha:g}: the sum of squared weights is {size:.3g}", ylim=(-2, 2))
    ax.set_ylabel("y")
panels[0].legend(loc="lower right", fontsize="small")
panels[-1].set_xlabel("x")
