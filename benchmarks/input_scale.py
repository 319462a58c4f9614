"""Scores that justify the bounds in skneural/_checks/feature_scale.py.

    python benchmarks/input_scale.py

prints the table of the guide (docs/guide/scaling.md): the mean accuracy or R² on the test rows
of three splits, for X as it is and for scaled X. Regression targets are standardized.
"""

import warnings

import numpy as np
from scipy import sparse
from sklearn import datasets
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder, StandardScaler

from skneural import ConvNetClassifier, MLPClassifier, MLPRegressor

SETTINGS = {"schedule": "cosine", "max_iter": 50, "batch_size": 32, "patience": None}
RATES = 1e-3, 3e-3
SEEDS = range(3)
CLOCK = (1, 13), (1, 32), (0, 24)  # month, day, hour


def standardized(y):
    return (y - y.mean(axis=0)) / y.std(axis=0)


def made_up(rng, n=1500):
    """Return data sets that can be learned, each of which has one particular property."""
    normal, age = rng.normal(size=(n, 6)), rng.uniform(18, 80, n)
    z = (age - 49) / 18
    y = normal[:, 0] * normal[:, 1] + np.sin(2 * normal[:, 2]) + normal[:, 3] + z + z**2 / 2
    categories = rng.integers(0, 20, (n, 5))
    one_hot = OneHotEncoder(sparse_output=False).fit_transform(categories)
    effect = np.take_along_axis(rng.normal(size=(20, 5)), categories, axis=0).sum(axis=1)
    topics = rng.dirichlet(np.full(1000, 0.05), 4)
    topic = rng.integers(0, 4, n)
    counts = [rng.multinomial(40, topics[t] / 2 + 5e-4) for t in topic]
    clock = np.column_stack([rng.integers(low, high, n) for low, high in CLOCK])
    season = np.sin(clock[:, 2] / 24 * 6.28) + np.cos(clock[:, 0] / 12 * 6.28)

    def beside(column):
        return np.column_stack([normal, column])

    return {
        "six normal features and z": (beside(z), y > 1),
        "and z + 7, tenfold smaller": (beside(7 + z / 10), y > 1),
        "and z / 100": (beside(z / 100), y > 1),
        "and a year, 2000 + 9 z": (beside(2000 + 9 * z), y > 1),
        "and an age": (beside(age), y > 1),
        "all / 100": (beside(z) / 100, y > 1),
        "month, day, hour": (clock.astype(float), season > 0),
        "100 one-hot columns": (one_hot, effect > 0),
        "100 one-hot columns and an age": (np.column_stack([one_hot, age]), effect + z > 0),
        "TF-IDF, CSR": (
            TfidfTransformer().fit_transform(sparse.csr_array(counts, dtype=float)),
            topic,
        ),
    }


def data_sets():
    load = {
        "iris": datasets.load_iris,
        "wine": datasets.load_wine,
        "breast cancer": datasets.load_breast_cancer,
        "digits, 0 to 16": datasets.load_digits,
    }
    yield from ((name, *f(return_X_y=True)) for name, f in load.items())
    X, y = datasets.load_digits(return_X_y=True)
    yield "digits, 0 to 1", X / 16, y
    yield "digits, 0 to 16, as images", X.reshape(-1, 8, 8), y
    yield "digits, 0 to 1, as images", X.reshape(-1, 8, 8) / 16, y
    yield "digits, 0 to 16, as numbers", X, standardized(y)
    yield "diabetes, scaled", *datasets.load_diabetes(return_X_y=True)
    yield "diabetes, raw", *datasets.load_diabetes(return_X_y=True, scaled=False)
    yield "friedman1", *datasets.make_friedman1(1000, noise=1.0, random_state=0)
    yield "friedman2", *datasets.make_friedman2(1000, noise=50.0, random_state=0)
    yield "friedman3", *datasets.make_friedman3(1000, noise=0.1, random_state=0)
    yield from ((name, *data) for name, data in made_up(np.random.default_rng(0)).items())


def split(X, y, seed):
    """Return a split into training and test rows, with standardized regression targets."""
    is_real = y.dtype.kind == "f"
    stratify = None if is_real else y
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=0.3, random_state=seed, stratify=stratify
    )
    if is_real:
        y_test, y = (y_test - y.mean()) / y.std(), standardized(y)
    return X, X_test, y, y_test


def scaled(X, X_test):
    if X.ndim > 2:
        return X / X.max(), X_test / X.max()
    scaler = (MaxAbsScaler() if sparse.issparse(X) else StandardScaler()).fit(X)
    return scaler.transform(X), scaler.transform(X_test)


def score(X, X_test, y, y_test, **params):
    if X.ndim > 2:
        network = ConvNetClassifier((8, 16), **params, **SETTINGS)
    elif y.dtype.kind == "f":
        network = MLPRegressor(**params, **SETTINGS)
    else:
        network = MLPClassifier(**params, **SETTINGS)
    return network.fit(X, y).score(X_test, y_test)


def row(name, X, y):
    """Return one row of the table."""
    cells = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for rate in RATES:
            scores = []
            for seed in SEEDS:
                train, test, *targets = split(X, y, seed)
                params = {"learning_rate": rate, "random_state": seed}
                scores.append(
                    (
                        score(train, test, *targets, **params),
                        score(*scaled(train, test), *targets, **params),
                    )
                )
            cells += [f"{mean:.2f}" for mean in np.mean(scores, axis=0)]
    warned = any("standard deviation 1" in str(warning.message) for warning in caught)
    return f"| {name} | {' | '.join(cells)} | {'yes' if warned else ''} |"


def main():
    head = [f"{kind}, rate {rate:g}" for rate in RATES for kind in ("raw", "scaled")]
    print(f"| data | {' | '.join(head)} | warns |\n|{'---|' * 6}")
    for name, X, y in data_sets():
        print(row(name, X, np.asarray(y)), flush=True)


if __name__ == "__main__":
    main()
