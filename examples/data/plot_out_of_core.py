"""
Training on data that do not fit into memory
============================================

``fit`` needs all samples in memory. ``partial_fit`` takes them block by block: each call is
one epoch over the samples it is given, and continues where the last call ended. A file that
is larger than the memory can be opened with ``np.load(path, mmap_mode="r")``, which reads rows
from the disk when they are asked for.

The picture shows the test accuracy while a network goes through such a file once.
"""

import tempfile
import tracemalloc
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skneural import MLPClassifier

# %%
# A large file
# ------------
# The file holds 40,000 noisy copies of digits, about 10 MB, and is written block by block.
X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X / 16, y, stratify=y, random_state=0)
rng = np.random.default_rng(0)
block_size, n_samples = 2_000, 40_000
drawn = rng.integers(len(X), size=n_samples)
folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
path = Path(folder.name) / "digits.npy"
file = np.lib.format.open_memmap(path, "w+", np.float32, (n_samples, 64))
for start in range(0, n_samples, block_size):
    rows = drawn[start : start + block_size]
    file[start : start + block_size] = X[rows] + rng.normal(0, 0.1, (len(rows), 64))
file.flush()

# %%
# Training, block by block
# ------------------------
# The blocks are read in random order, and ``partial_fit`` shuffles the samples of each block.
# If the samples were sorted by class, the file itself would have to be shuffled first.
samples = np.load(path, mmap_mode="r")
network = MLPClassifier((64,), batch_size=64, random_state=0)
accuracies = []
tracemalloc.start()
for start in rng.permutation(np.arange(0, n_samples, block_size)):
    block = slice(start, start + block_size)
    network.partial_fit(samples[block], y[drawn[block]], classes=np.unique(y))
    accuracies.append(network.score(X_test, y_test))
peak, size = tracemalloc.get_traced_memory()[1] / 1e6, path.stat().st_size / 1e6
print(f"The file has {size:.1f} MB. At most {peak:.1f} MB were in memory at a time.")
figure, ax = plt.subplots(layout="constrained")
ax.plot(block_size * np.arange(1, len(accuracies) + 1), accuracies, "o-")
ax.set(xlabel="samples seen", ylabel="test accuracy")
plt.show()
folder.cleanup()
