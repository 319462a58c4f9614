"""What Diagnostics sees in a deep network of sigmoids."""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from skneural import Diagnostics, DiagnosticsDisplay, MLPClassifier

X, y = load_digits(return_X_y=True)
network = MLPClassifier((32,) * 4, activation="logistic", solver="sgd", learning_rate=0.05)
network.set_params(batch_size=32, max_iter=20, patience=None, random_state=0)
diagnostics = Diagnostics()
network.set_callbacks(diagnostics).fit(X / 16, y)
figure = plt.figure(figsize=(4.8, 6.4))
DiagnosticsDisplay.from_callback(diagnostics, ax=figure.subplots())
