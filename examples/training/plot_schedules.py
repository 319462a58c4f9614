"""
Comparing learning-rate schedules
=================================

A high learning rate makes fast progress at first; a low one lets the weights settle. A
schedule combines both: it starts high and lowers the rate during the training.

The picture shows the learning rate and the training loss of each epoch. All fits start at a
rate that is a little too high to keep. Where it stays constant, the loss goes up and down;
where it falls, the loss ends low. Each restart of the cosine raises the loss for a short time.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skneural import MLPClassifier
from skneural.schedules import CosineRestarts, Exponential, Step

# %%
# The settings
# ------------
# A schedule is a name or, where it has parameters, an object. The accuracies with a falling
# rate are close to each other; that of the constant rate is lower.
schedules = {
    "constant": "constant",
    "step": Step(period=8, multiplier=0.3),
    "exponential": Exponential(multiplier=0.9),
    "linear": "linear",
    "cosine": "cosine",
    "cosine with restarts": CosineRestarts(period=8),
}
X, y = load_digits(return_X_y=True)
network = MLPClassifier((32,), solver="sgd", learning_rate=0.1, batch_size=8, alpha=0.01)
network.set_params(max_iter=24, random_state=0)
pipeline = make_pipeline(MinMaxScaler(), network)
histories, accuracies = {}, {}
for name, schedule in schedules.items():
    pipeline.set_params(mlpclassifier__schedule=schedule).fit(X, y)
    histories[name] = pipeline[-1].history_
    accuracies[name] = cross_val_score(pipeline, X, y, cv=3).mean()
    print(f"{name:22} accuracy {accuracies[name]:.4f}")

# %%
# The curves
# ----------
figure, (above, below) = plt.subplots(2, sharex=True, figsize=(7, 6), layout="constrained")
for name, history in histories.items():
    epochs = range(1, len(history["loss"]) + 1)
    above.plot(epochs, history["learning_rate"], label=name)
    below.plot(epochs, history["loss"])
above.set(ylabel="learning rate", ylim=0)
below.set(ylabel="training loss", yscale="log", xlabel="epoch")
above.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()
