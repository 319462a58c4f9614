"""Thirty steps of three solvers down a narrow valley."""

import matplotlib.pyplot as plt
import numpy as np

from skneural._engine.optimizers import SGD, Adam

CURVATURE = np.array([1.0, 25.0])
START = [-4.0, 1.0]
SOLVERS = {
    "sgd, momentum 0, rate 0.07": (SGD(momentum=0.0), 0.07),
    "sgd, momentum 0.7, rate 0.03": (SGD(momentum=0.7, nesterovs_momentum=False), 0.03),
    "adam, rate 0.3": (Adam(), 0.3),
}
figure, panels = plt.subplots(3, figsize=(4.6, 6), sharex=True, sharey=True)
a, b = np.meshgrid(np.linspace(-4.6, 1.6, 100), np.linspace(-1.3, 1.3, 100))
height = (CURVATURE[0] * a**2 + CURVATURE[1] * b**2) / 2
for i, (ax, (name, (solver, rate))) in enumerate(zip(panels, SOLVERS.items(), strict=True)):
    theta = np.array(START)
    state, path = solver.init(theta), [theta.copy()]
    for _ in range(30):
        solver.step(theta, CURVATURE * theta, rate, state)
        path.append(theta.copy())
    ax.contour(a, b, height, levels=[0.05, 0.5, 2, 5, 10, 18], colors="0.75", linewidths=0.8)
    ax.plot(*np.transpose(path), "o-", color=f"C{i}", markersize=3)
    ax.plot(0, 0, "k*", markersize=10)
    ax.set_title(f"{name}: after 30 steps w1 = {theta[0]:.2f}")
    ax.set_ylabel("w2")
panels[-1].set_xlabel("w1")
