"""
How to choose the batch size
============================

Each step of the training follows the gradient of one mini-batch. With small batches the
gradient is noisy, but an epoch has many steps. With large batches the gradient is more exact,
and an epoch has few steps.

The picture shows the accuracy after 15 epochs with one learning rate for all batch sizes. It
falls as the batches grow, because the fits with large batches have not converged yet. A
larger batch allows a higher learning rate: for a fair choice, search both together, as
:ref:`sphx_glr_gallery_training_plot_optimizers.py` does with the solver and the rate.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skneural import LossCurveDisplay, MLPClassifier, StudyDisplay, study_report

# %%
# The search
# ----------
X, y = load_digits(return_X_y=True)
network = MLPClassifier((64,), solver="sgd", momentum=0.0, nesterovs_momentum=False)
network.set_params(learning_rate=0.1, schedule="constant", max_iter=15, random_state=0)
pipeline = make_pipeline(MinMaxScaler(), network)
sizes = [4, 16, 64, 256, 1024]
search = GridSearchCV(pipeline, {"mlpclassifier__batch_size": sizes}, cv=3).fit(X, y)
print(study_report(search))
StudyDisplay.from_search(search)
plt.show()

# %%
# The training loss
# -----------------
figure, ax = plt.subplots(layout="constrained")
for size in sizes:
    pipeline.set_params(mlpclassifier__batch_size=size).fit(X, y)
    LossCurveDisplay.from_estimator(pipeline, ax=ax, name=f"batches of {size}")
ax.set_yscale("log")
plt.show()

# %%
# The time of a fit
# -----------------
# Small batches take longer, because every step has a cost that does not depend on the number
# of samples.
figure, ax = plt.subplots(layout="constrained")
ax.plot(sizes, search.cv_results_["mean_fit_time"], "o-")
ax.set(xscale="log", xlabel="batch_size", ylabel="seconds per fit", ylim=0)
ax.set_xticks(sizes, sizes)
ax.minorticks_off()
plt.show()
