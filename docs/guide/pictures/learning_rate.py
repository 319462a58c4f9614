"""The range test of the learning rate, for two solvers."""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from skneural import LearningRateDisplay, MLPClassifier

X, y = load_digits(return_X_y=True)
figure, ax = plt.subplots(figsize=(4.8, 4))
for solver in ["adam", "sgd"]:
    network = MLPClassifier((64,), solver=solver, random_state=0)
    LearningRateDisplay.from_estimator(network, X / 16, y, ax=ax, name=solver)
