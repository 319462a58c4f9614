"""The curves of a fit that learns its rows by heart."""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skneural import LossCurveDisplay, MLPClassifier

X, y = load_digits(return_X_y=True)
X, X_val, y, y_val = train_test_split(X / 16, y, train_size=150, stratify=y, random_state=0)
network = MLPClassifier((100,), batch_size=30, max_iter=60, patience=None, random_state=0)
network.fit(X, y, X_val=X_val, y_val=y_val)
figure = plt.figure(figsize=(4.8, 6.4))
LossCurveDisplay.from_estimator(network, ax=figure.subplots())
