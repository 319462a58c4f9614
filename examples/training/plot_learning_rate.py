"""
How to choose the learning rate
===============================

The learning rate is the length of a step of gradient descent. With a low rate the loss falls
slowly; with a high rate the steps overshoot, and the loss does not settle or even rises. In
between lies a range, often of a factor of ten or more, in which every rate does well.
Learning rates are therefore searched on a logarithmic scale, such as 0.01, 0.1 and 1.

The picture shows the mean accuracy of every rate on the held-out folds, with its standard
deviation.
"""

import warnings

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skneural import LossCurveDisplay, MLPClassifier, StudyDisplay, study_report

# Some of the rates are too high; the warnings about them are expected here.
warnings.simplefilter("ignore", ConvergenceWarning)

# %%
# The search
# ----------
# Gradient descent without momentum shows the effect of the rate alone. Every fit begins with
# the same weights and uses the same mini-batches.
X, y = load_digits(return_X_y=True)
network = MLPClassifier((64,), solver="sgd", momentum=0.0, nesterovs_momentum=False)
network.set_params(schedule="constant", batch_size=32, max_iter=15, random_state=0)
pipeline = make_pipeline(MinMaxScaler(), network)
rates = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]
search = GridSearchCV(pipeline, {"mlpclassifier__learning_rate": rates}, cv=3)
search.fit(X, y)
print(study_report(search))
StudyDisplay.from_search(search)
plt.show()

# %%
# The training loss
# -----------------
# The lowest rate has not converged after 15 epochs. The highest one never learns anything.
figure, ax = plt.subplots(layout="constrained")
best = search.best_params_["mlpclassifier__learning_rate"]
for rate in rates[0], best, rates[-1]:
    pipeline.set_params(mlpclassifier__learning_rate=rate).fit(X, y)
    LossCurveDisplay.from_estimator(pipeline, ax=ax, name=f"rate {rate:g}")
ax.set_yscale("log")
plt.show()
