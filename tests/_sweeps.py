"""Sweeps drawn at random: searches to compare, and tasks of every kind to mix."""

import threading
import time
import warnings

import numpy as np
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold, ShuffleSplit, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skneural import ConvNetClassifier, MLPClassifier, MLPRegressor

CLASSES = {load.__name__: load(return_X_y=True) for load in (load_digits, load_wine)}
CLASSES["cancer"] = load_breast_cancer(return_X_y=True)
NUMBERS = load_diabetes(return_X_y=True)
CHOICES = {  # one of these a candidate, or a sweep
    "learning_rate": [1e-3, 3e-3, 1e-2],
    "decay": [1.0, 0.9],
    "schedule": ["constant", "cosine", "exponential", "adaptive"],
    "alpha": [0.0, 1e-4, 1e-1],
    "l1_ratio": [0.0, 0.5],
    "momentum": [0.0, 0.9],
    "beta_1": [0.8, 0.9],
    "dropout": [0.0, 0.3],
    "tol": [1e-4, 1e-1],
    "patience": [2, np.inf],
    "max_iter": [2, 6],
    "random_state": [0, 1],
    "max_grad_norm": [None, 0.5],
    "batch_size": [16, 50, "auto"],
    "hidden_layer_sizes": [(), (10,), (12, 7)],
    "activation": ["relu", "tanh", "gelu"],
    "solver": ["adam", "sgd", "adamw", "rmsprop", "adagrad"],
    "shuffle": [True, False],
    "batch_norm": [False, True],
    "early_stopping": [False, True],
    "weight_init": ["auto", "lecun"],
}


class Scores:
    """A scorer that keeps predictions and epochs as scores, so that searches show them."""

    def __call__(self, estimator, X, y):
        rows = slice(0, 12)
        method = getattr(estimator, "predict_proba", estimator.predict)
        values = np.ravel(method(X[rows]))[:12]
        network = estimator[-1] if hasattr(estimator, "steps") else estimator
        told = {f"value{i}": value for i, value in enumerate(values)}
        return {"score": estimator.score(X, y), "epochs": network.n_iter_, **told}


def drawn_sweep(seed):
    """Return a search and the arguments of its fit."""
    rng = np.random.default_rng(seed)

    def one(values):
        return values[rng.integers(len(values))]

    regression, images = rng.random() < 0.25, rng.random() < 0.15
    X, y = NUMBERS if regression else CLASSES[one(list(CLASSES))]
    if images and not regression:
        X, y = CLASSES["load_digits"]
    keep = rng.permutation(len(y))[: rng.integers(90, 180)]
    X, y = X[keep], y[keep]
    if regression:
        y = (y - y.mean()) / y.std()
    fixed = {"max_iter": 5, "patience": np.inf, "random_state": 0}
    fixed |= {name: one(CHOICES[name]) for name in rng.permutation(list(CHOICES))[:9].tolist()}
    if fixed.get("early_stopping") and fixed["max_iter"] < 3:
        fixed["max_iter"] = 3
    if images and not regression:
        fixed["filters"], fixed["input_shape"] = (3,), (8, 8, 1)
        fixed["hidden_layer_sizes"] = fixed.pop("activation", None) and (6,)
        fixed = {name: value for name, value in fixed.items() if value is not None}
        network = ConvNetClassifier(**fixed)
    else:
        network = (MLPRegressor if regression else MLPClassifier)(**fixed)
    names = [name for name in CHOICES if name in network.get_params()]
    if images and not regression:
        names.remove("hidden_layer_sizes")
    grid = {name: CHOICES[name] for name in rng.permutation(names)[:2].tolist()}
    if "l1_ratio" in {**fixed, **grid}:  # adamw has no penalty to share out
        CHOICES_OF_SOLVER = [name for name in CHOICES["solver"] if name != "adamw"]
        grid = {**grid, "solver": CHOICES_OF_SOLVER} if "solver" in grid else grid
        network.set_params(solver="adam" if network.solver == "adamw" else network.solver)
    weights = {}
    if rng.random() < 0.3:
        weights = {"sample_weight": rng.integers(0, 3, len(y)).astype(float)}
    estimator, prefix = network, ""
    if rng.random() < 0.5:
        estimator = make_pipeline(one([StandardScaler(), MinMaxScaler()]), network)
        prefix = f"{estimator.steps[-1][0]}__"
    else:
        X = MinMaxScaler().fit_transform(X)
        if rng.random() < 0.2 and not images:
            X = sparse.csr_array(np.where(X > 0.3, X, 0))
    folds = one([KFold(3, shuffle=True, random_state=1), KFold(4), ShuffleSplit(3)])
    if not regression and rng.random() < 0.5:
        folds = StratifiedKFold(3)
    if isinstance(folds, ShuffleSplit):
        folds.random_state = 0
    search = GridSearchCV(
        estimator,
        {prefix + name: values for name, values in grid.items()},
        cv=folds,
        scoring=Scores(),
        refit="score",
    )
    return search, (X, y), {prefix + name: value for name, value in weights.items()}


def assert_same_search(one, other):
    """Compare all that two searches found, predictions and epochs included."""
    assert one.cv_results_.keys() == other.cv_results_.keys()
    for name, values in one.cv_results_.items():
        if "time" in name or "rank_test_value" in name:  # ranks of what rounding tells apart
            continue
        if "param" in name:
            assert list(map(repr, values)) == list(map(repr, other.cv_results_[name]))
        elif "value" in name:
            np.testing.assert_allclose(values, other.cv_results_[name], rtol=1e-6, atol=1e-6)
        elif "epochs" in name:
            np.testing.assert_array_equal(values, other.cv_results_[name], err_msg=name)
        else:
            np.testing.assert_allclose(values, other.cv_results_[name], rtol=1e-6, atol=1e-6)


# tasks of a Parallel call, of every kind; each returns what it would return alone
X, Y = load_wine(return_X_y=True)
X = MinMaxScaler().fit_transform(X)
LOCK = threading.Lock()


def network(seed, **params):
    settings = {"max_iter": 3, "patience": np.inf, "random_state": seed, "batch_size": 32}
    return MLPClassifier((8,), **{**settings, **params})


def fits(seed, **params):
    return network(seed, **params).fit(X, Y).predict_proba(X[:5]).sum(axis=0)


def fits_twice(seed):
    return fits(seed) + fits(seed + 1)


def never_fits(seed):
    return np.full(3, float(seed))


def is_slow(seed):
    time.sleep(0.4)
    return np.full(3, float(seed))


def fits_another(seed):
    return np.ravel(Ridge(alpha=1 + seed).fit(X, Y).predict(X[:3]))


def fits_in_a_thread(seed):
    out = []
    thread = threading.Thread(target=lambda: out.append(fits(seed)))
    thread.start()
    thread.join()
    return out[0]


def fits_under_a_lock(seed):
    with LOCK:
        return fits(seed)


def fits_alone(seed):
    return fits(seed, solver="lbfgs")


def calls_more(seed):
    return sum(Parallel()(delayed(fits)(seed + i) for i in range(3)))


def calls_threads(seed):
    return sum(Parallel(2, backend="threading")(delayed(fits)(seed + i) for i in range(3)))


def searches(seed):
    search = GridSearchCV(clone(network(seed)), {"alpha": [1e-4, 1e-1]}, cv=2)
    return search.fit(X, Y).cv_results_["mean_test_score"]


def fails(seed):
    raise ArithmeticError(seed)


KINDS = [
    fits,
    fits_twice,
    never_fits,
    is_slow,
    fits_another,
    fits_in_a_thread,
    fits_under_a_lock,
    fits_alone,
    calls_more,
    calls_threads,
    searches,
]


def drawn_tasks(seed, *, failing=False):
    """Return functions and seeds: a few of each of some kinds, mixed."""
    rng = np.random.default_rng(seed)
    kinds = rng.choice(len(KINDS), rng.integers(1, 5), replace=False)
    tasks = [(KINDS[kind], int(i)) for kind in kinds for i in range(rng.integers(1, 7))]
    if failing:
        tasks.append((fails, 0))
    return [tasks[i] for i in rng.permutation(len(tasks))]


def run(tasks, n_jobs=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Parallel(n_jobs)(delayed(function)(seed) for function, seed in tasks)
