"""
How many filters, and how large?
================================

Each filter of the first block of a convolutional network responds to one small pattern,
wherever it is in the image. A grid search over `filters` and `kernel_size` shows how many
patterns it takes to recognize digits, and how large they should be.

The picture shows the mean accuracy of every pair with its standard deviation. Pairs that
differ by less than that are about equally good.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skneural import ConvNetClassifier, StudyDisplay, WeightsDisplay, study_report

# %%
# The search
# ----------
# Scalers need one row of pixels per image, so ``input_shape`` tells the network the shape of
# the images.
X, y = load_digits(return_X_y=True)
network = ConvNetClassifier(input_shape=(8, 8, 1), batch_size=32, max_iter=12)
network.set_params(random_state=0)
pipeline = make_pipeline(MinMaxScaler(), network)
grid = {
    "convnetclassifier__filters": [(8, 16), (16, 32), (32, 64)],
    "convnetclassifier__kernel_size": [3, 5],
}
search = GridSearchCV(pipeline, grid, cv=3).fit(X, y)
print(study_report(search))
StudyDisplay.from_search(search)
plt.show()

# %%
# The best network
# ----------------
# ``summary`` shows its layers, and `WeightsDisplay` the filters of the first block.
network = search.best_estimator_[-1]
print(network.summary())
WeightsDisplay.from_estimator(network)
plt.show()
