"""
Data that do not fit into memory
================================

`fit` wants all rows in memory. `partial_fit` takes them in parts: every call is one epoch over
the rows it is given, and goes on from where the last one ended. So a network can learn from
a file that is larger than the memory: ``np.load(path, mmap_mode="r")`` maps it, and rows are
read from disk when they are asked for.

This example writes such a file first, part by part as well: images moved at random, with
noise, many times over. Then a network goes through it, a block of rows at a time. The blocks
come in a random order, and `partial_fit` shuffles the rows of a block; rows that are sorted by
class in the file would need to be shuffled there. Another network gets all rows in one `fit`,
for the same number of passes.

The left picture shows the accuracy on the test rows, ten times a pass: it is high before the
first pass is over, and ends near that of `fit`. The right one shows the most memory that
NumPy has held at a time, without the mapped file: `fit` holds more than all rows,
`partial_fit` no more than a block and the network.
"""

import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
from _common import COLOURS, finish, plt, read_study, shifted, study_parser
from sklearn.preprocessing import MinMaxScaler

from skneural import MLPClassifier

BLOCK = 2_000


# %%
# The file
# --------
# Labels are small: they stay in memory.
def write(path, X, y, n_rows, seed):
    """Write moved and noisy copies of the rows of X to an npy file; return their labels."""
    rng = np.random.default_rng(seed)
    rows = np.lib.format.open_memmap(path, "w+", np.float32, (n_rows, X.shape[1]))
    labels = np.empty(n_rows, y.dtype)
    for start in range(0, n_rows, BLOCK):
        block = slice(start, min(start + BLOCK, n_rows))
        drawn = rng.integers(len(X), size=block.stop - start)
        rows[block] = shifted(X[drawn], rng) + rng.normal(0, 0.1, (len(drawn), X.shape[1]))
        labels[block] = y[drawn]
    rows.flush()
    return labels


# %%
# The networks
# ------------
# Every call of `partial_fit` counts as an epoch: a schedule would count the blocks.
def make_network(args):
    network = MLPClassifier((64,), batch_size=64, max_iter=args.epochs, patience=None)
    return network.set_params(random_state=args.seed)


def fit_in_parts(path, labels, args, X_test, y_test):
    """Rows seen and test accuracy, now and then."""
    rows = np.load(path, mmap_mode="r")
    network, classes = make_network(args), np.unique(labels)
    starts = np.arange(0, len(rows), BLOCK)
    rng = np.random.default_rng(args.seed)
    seen, accuracy = [], []
    for _ in range(args.epochs):
        for i, start in enumerate(rng.permutation(starts)):
            block = slice(start, start + BLOCK)
            network.partial_fit(rows[block], labels[block], classes=classes)
            if i % max(1, len(starts) // 10) == 0:
                seen.append(network.t_)
                accuracy.append(network.score(X_test, y_test))
    return seen, accuracy


def fit_at_once(path, labels, args):
    return make_network(args).fit(np.load(path), labels)


def peak_memory(function, *args):
    """What a function returns, and the most megabytes that it held at a time."""
    tracemalloc.start()
    result = function(*args)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return result, peak / 1e6


# %%
# The results
# -----------
def plot(seen, accuracy, at_once, megabytes):
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    left.plot(
        np.divide(seen, 1000),
        accuracy,
        "o-",
        color=COLOURS[0],
        label="partial_fit, block by block",
    )
    left.axhline(at_once, color=COLOURS[1], linestyle="--", label="fit on all rows, at its end")
    left.set_xlabel("rows seen, in thousands")
    left.set_ylabel("test accuracy")
    left.legend(loc="lower right")
    colours = ["#777777", COLOURS[0], COLOURS[1]]
    bars = right.bar(list(megabytes), list(megabytes.values()), 0.6, color=colours)
    right.bar_label(bars, fmt="%.0f", padding=3)
    right.set_ylabel("megabytes")
    right.margins(y=0.12)
    return figure


def main(argv=None):
    parser = study_parser("Data that do not fit into memory", "out_of_core.png", epochs=2)
    parser.add_argument(
        "--copies", type=int, default=100_000, help="rows of the file; default: 100000"
    )
    args, X, X_test, y, y_test = read_study(parser, argv)
    scaler = MinMaxScaler(clip=True).fit(X)
    X, X_test = scaler.transform(X), scaler.transform(X_test)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npy"
        labels = write(path, X, y, args.copies, args.seed)
        megabytes = {"the file": path.stat().st_size / 1e6}
        (seen, accuracy), peak = peak_memory(fit_in_parts, path, labels, args, X_test, y_test)
        megabytes["partial_fit"] = peak
        whole, megabytes["fit"] = peak_memory(fit_at_once, path, labels, args)
    at_once = whole.score(X_test, y_test)
    print(f"{args.copies:,} rows in a file, {args.epochs} passes, blocks of {BLOCK:,} rows")
    print(f"            test accuracy  megabytes (the file: {megabytes['the file']:.1f})")
    print(f"partial_fit {accuracy[-1]:13.4f} {megabytes['partial_fit']:10.1f}")
    print(f"fit         {at_once:13.4f} {megabytes['fit']:10.1f}")
    finish(plot(seen, accuracy, at_once, megabytes), args.output)
    return megabytes, accuracy, at_once


if __name__ == "__main__":
    main()
