"""
Comparing solvers, each at its best learning rate
=================================================

The same learning rate means something different for each solver, so a comparison at one rate
says little. This search tries every pair of a solver and a rate.

The picture shows the accuracy on the held-out folds. Each solver has its own range of good
rates: that of ``"sgd"`` (with momentum) is about ten times higher than that of ``"adam"``.
At their best rates the solvers do about equally well.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skneural import MLPClassifier, StudyDisplay, study_report

# Some of the rates are too high; the warnings about them are expected here.
warnings.simplefilter("ignore", ConvergenceWarning)

# %%
# The search
# ----------
X, y = load_digits(return_X_y=True)
network = MLPClassifier((64,), batch_size=32, max_iter=15, random_state=0)
pipeline = make_pipeline(MinMaxScaler(), network)
solvers = ["sgd", "adagrad", "rmsprop", "adam", "adamw"]
rates = [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3]
grid = {"mlpclassifier__solver": solvers, "mlpclassifier__learning_rate": rates}
search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
print(study_report(search))
figure, ax = plt.subplots(figsize=(8, 5), layout="constrained")
StudyDisplay.from_search(search, param=["learning_rate", "solver"], ax=ax)
plt.show()

# %%
# The training loss
# -----------------
# Every solver is trained on all samples at its best rate. L-BFGS uses all samples in every
# step and chooses the length of a step itself, so it has no learning rate.
scores = search.cv_results_["mean_test_score"].reshape(len(rates), len(solvers))
best_rates = dict(zip(solvers, np.take(rates, scores.argmax(axis=0)), strict=True))
figure, ax = plt.subplots(layout="constrained")
for solver, rate in {**best_rates, "lbfgs": 0.003}.items():
    network.set_params(solver=solver, learning_rate=rate)
    name = solver if solver == "lbfgs" else f"{solver}, rate {rate:g}"
    ax.plot(pipeline.fit(X, y)[-1].loss_curve_, label=name)
ax.set(yscale="log", xlabel="epoch (of L-BFGS: iteration)", ylabel="training loss")
ax.legend()
plt.show()
