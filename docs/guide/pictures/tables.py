"""Some rows of a table as the network sees them."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skneural import MLPRegressor

rng = np.random.default_rng(0)
table = pd.DataFrame(
    {"age": rng.normal(40, 10, 40), "city": rng.choice(["Bern", "Oslo", "Rome"], 40)}
)
table.loc[[2, 5], "age"] = np.nan
table.loc[[4], "city"] = None
# a linear model of one output for each input shows its input
network = MLPRegressor((), max_iter=1, normalize_y=False).fit(table, np.zeros((40, 6)))
network.coefs_[0][...], network.intercepts_[0][...] = np.eye(6), 0
figure, ax = plt.subplots(figsize=(4.6, 2.6))
image = ax.imshow(network.predict(table[:8]).T, cmap="RdBu", vmin=-2, vmax=2, aspect="auto")
ax.set_yticks(range(6), network.input_names_)
ax.set(xlabel="row")
figure.colorbar(image)
