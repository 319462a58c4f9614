"""
How many hidden layers, and how wide?
=====================================

A grid search trains every architecture on four fifths of the samples and scores it on the
remaining fifth, five times with another fifth held out each time.

The picture shows the mean accuracy with its standard deviation. Architectures that differ by
less than that are about equally good, and the one that trains fastest is a good choice. The
accuracy of the winner was used to choose it, so it is measured again on test samples that the
search has not seen.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skneural import MLPClassifier, StudyDisplay, study_report

# %%
# The search
# ----------
# The scaler is part of the pipeline, so it is fitted only on the training samples of each fold
# and nothing leaks from the held-out samples. The table has the scores, the time of a fit, and
# the number of parameters of every network.
X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X, y, test_size=0.2, stratify=y, random_state=0)
layers = [(64,), (128, 64), (256, 128, 64), (512, 64), (512, 256)]
network = MLPClassifier(batch_size=32, max_iter=20, random_state=0)
pipeline = make_pipeline(MinMaxScaler(), network)
search = GridSearchCV(pipeline, {"mlpclassifier__hidden_layer_sizes": layers}, cv=5)
search.fit(X, y)
print(study_report(search))
print(f"\nTest accuracy of the best model: {search.score(X_test, y_test):.4f}")
StudyDisplay.from_search(search)
plt.show()

# %%
# The cost
# --------
# The time of a fit grows with the number of weights, while the accuracy hardly changes.
figure, ax = plt.subplots(layout="constrained")
ax.barh([str(sizes) for sizes in layers], search.cv_results_["mean_fit_time"])
ax.invert_yaxis()
ax.set_xlabel("seconds per fit")
plt.show()
