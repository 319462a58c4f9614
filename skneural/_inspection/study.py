"""The results of a search or a cross-validation in a common form."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError

from skneural._estimators.base import BaseNeuralNetwork
from skneural._inspection.find_network import described, network_path
from skneural._network.losses.base import Loss
from skneural._network.network import Network

MeanAndStd = tuple[np.ndarray, np.ndarray]  # over the folds, one entry per candidate
# of cross_validate: arrays with one entry per fold, estimators, and indices of rows
Folds = dict[str, Any]
_FACTS = ("epochs", "parameters")  # scores that are none: they get columns of their own


@dataclass
class Study:
    """The candidates of a study and their results; every list has one entry per candidate."""

    title: str
    varied: dict[
        str, list[object]
    ]  # short name of a parameter: values, MISSING where a grid leaves it alone
    scores: dict[
        str, MeanAndStd
    ]  # name: (means, standard deviations) over the folds; the first one decides
    train_scores: (
        MeanAndStd | None
    )  # means and standard deviations of that score, on training rows
    fit_time: MeanAndStd  # means and standard deviations, in seconds
    epochs: list[float | None]  # mean over the folds, None where not known
    n_parameters: list[float | None]  # of the network, None where not known
    best_index: int | None
    # a network to look into: the best on all rows, that of a fold, or None
    fitted: BaseNeuralNetwork | None
    notes: list[str]  # sentences for below the table
    n_folds: int | None = None  # None in reports pickled by earlier versions
    iterations: list[int] | None = None  # of halving: the iteration of each candidate
    # what the deciding score is, where its name is just "score"
    default_score: str | None = None

    @property
    def score_name(self) -> str:
        """Name of the score that determines the best candidate."""
        return next(iter(self.scores))

    @property
    def score_label(self) -> str:
        """Name of the score that decides, for tables and pictures: of "score" what it is."""
        if self.score_name == "score" and self.default_score is not None:
            return self.default_score
        return self.score_name

    @property
    def order(self) -> list[int]:
        """Return the candidates by rank, those that failed last."""
        candidates = list(range(len(self.epochs)))
        if self.best_index is None:  # nothing decides: the order of the search
            return candidates
        ranks = [math.inf if rank is None else rank for rank in self.ranks]
        return sorted(candidates, key=ranks.__getitem__)

    @property
    def ranks(self) -> list[int | None]:
        """Rank of each candidate by its mean score, 1 for the highest, or None if it failed.

        In a halving search, candidates of later iterations come first, because they were
        scored with more resources.
        """
        means = self.scores[self.score_name][0]
        keys = list(zip(self.iterations or [0] * len(means), means, strict=True))
        known = [key for key in keys if not np.isnan(key[1])]
        return [
            None if np.isnan(key[1]) else 1 + sum(other > key for other in known)
            for key in keys
        ]

    @property
    def standard_error(self) -> float:
        """Standard error of the mean score of the best candidate; NaN if not known."""
        if self.best_index is None or self.n_folds is None or self.n_folds < 2:
            return np.nan
        # searches compute standard deviations without Bessel's correction
        return (
            float(self.scores[self.score_name][1][self.best_index]) / (self.n_folds - 1) ** 0.5
        )

    @property
    def near_best(self) -> list[bool]:
        """Whether each other candidate is within one standard error of the best."""
        means, best = self.scores[self.score_name][0], self.best_index
        if best is None or np.isnan(self.standard_error):
            return [False] * len(means)
        iterations = self.iterations or [0] * len(means)
        return [
            any(repr(values[i]) != repr(values[best]) for values in self.varied.values())
            and iterations[i] == iterations[best]
            and bool(mean >= means[best] - self.standard_error)
            for i, mean in enumerate(means)
        ]


class _Missing:
    """The value of a parameter that is not in the grid of a candidate."""

    def __repr__(self) -> str:
        return "-"


MISSING = _Missing()


def format_value(value: object) -> str:
    """Return the value of a parameter as a short text in one line."""
    if isinstance(value, list | tuple):
        brackets = "[]" if isinstance(value, list) else "()"
        comma = "," if len(value) == 1 and isinstance(value, tuple) else ""
        return brackets[0] + ", ".join(map(format_value, value)) + comma + brackets[1]
    if isinstance(value, float | np.floating):
        return f"{value:.4g}"
    if callable(value):
        value = getattr(value, "__name__", value)
    text = value if isinstance(value, str) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:57] + "..."


def epochs_scorer(estimator: BaseEstimator, X: object = None, y: object = None) -> float:
    """Scorer that returns the number of epochs of a fit, so that a search records it.

    A search keeps the scores but not the fits. If this scorer is one of several scores,
    `study_report` can show the number of epochs of each candidate, even if `patience` or early
    stopping ended the fits.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator of skneural, or a Pipeline that ends in one.
    X : ignored
        Not used, present because every scorer takes it.
    y : ignored
        Not used, present because every scorer takes it.

    Returns
    -------
    epochs : int or nan
        The attribute ``n_iter_``, or NaN if there is no network.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skneural import MLPClassifier, epochs_scorer
    >>> X, y = load_iris(return_X_y=True)
    >>> search = GridSearchCV(
    ...     MLPClassifier(early_stopping=True, tol=0.1, random_state=0),
    ...     {"hidden_layer_sizes": [(4,), (8,)]},
    ...     scoring={"accuracy": "accuracy", "epochs": epochs_scorer},
    ...     refit="accuracy", cv=2)
    >>> search.fit(X, y).cv_results_["mean_test_epochs"].shape
    (2,)
    """
    network, _ = network_path(estimator)
    return np.nan if network is None else network.n_iter_


def read_study(search: BaseEstimator | Folds) -> Study:
    """Return the Study of a fitted search, or of the dict returned by cross_validate."""
    if isinstance(search, dict):
        return _of_cross_validate(search)
    if hasattr(search, "cv_results_"):
        return _of_search(search)
    if hasattr(search, "refit"):
        raise NotFittedError(
            f"search must be fitted: this {type(search).__name__} is not. Call fit first."
        )
    raise TypeError(
        "search must be a fitted GridSearchCV, RandomizedSearchCV, HalvingGridSearchCV, "
        "HalvingRandomSearchCV, BayesSearchCV or OptunaSearchCV, or the dict that "
        "cross_validate returns, got "
        f"{described(search)}."
    )


def _of_search(search: BaseEstimator) -> Study:
    results, candidates = search.cv_results_, _candidates(search)
    network, path = network_path(search.estimator)
    fitted, _ = network_path(getattr(search, "best_estimator_", None))
    metrics = [name.removeprefix("mean_test_") for name in results if name[:10] == "mean_test_"]
    deciding = search.refit if search.refit in metrics else metrics[0]
    means = results[f"mean_test_{deciding}"]
    best = getattr(search, "best_index_", None)
    best = None if best is None or np.isnan(means[best]) else int(best)
    varied = _varied(candidates, path)
    if getattr(search, "resource", None) == "n_samples":  # of halving; others are parameters
        varied["n_samples"] = [int(n) for n in results["n_resources"]]
    label = search.scoring if isinstance(search.scoring, str) else "score"
    study = Study(
        title=f"{type(search).__name__} of {_class_name(network, search.estimator)}, "
        f"{len(candidates)} candidates, {search.n_splits_} folds",
        varied=varied,
        scores={
            label if name == "score" else name: _mean_and_std(results, f"test_{name}")
            for name in sorted(metrics, key=lambda name: name != deciding)  # that one first
            if name == deciding or name not in _FACTS
        },
        train_scores=_train_scores(results, deciding),
        fit_time=_mean_and_std(results, "fit_time"),
        epochs=_known(results.get("mean_test_epochs")),
        n_parameters=_known(results.get("mean_test_parameters")),
        best_index=best,
        fitted=fitted if hasattr(fitted, "network_") else None,
        notes=[],
        n_folds=search.n_splits_,
        iterations=[int(i) for i in results["iter"]] if "iter" in results else None,
        default_score=None if network is None else _default_score(search),
    )
    _add_notes(study, search)
    _add_what_follows_from_parameters(study, search, path)
    failed = np.isnan(means)
    study.epochs = [None if failed[i] else epochs for i, epochs in enumerate(study.epochs)]
    return study


def _default_score(search: BaseEstimator) -> str | None:
    """Return what the method score measures, if it is what the search has used."""
    if search.scoring is not None:
        return None
    if is_classifier(search.estimator):
        return "accuracy"
    return "r2" if is_regressor(search.estimator) else None


def _candidates(search: BaseEstimator) -> list[dict[str, Any]]:
    """Return the parameters of every candidate, which OptunaSearchCV stores in its trials."""
    if "params" in search.cv_results_:
        return search.cv_results_["params"]
    return [trial.params for trial in search.trials_]


def _class_name(network: BaseNeuralNetwork | None, estimator: BaseEstimator) -> str:
    return type(estimator if network is None else network).__name__


def _mean_and_std(results: Mapping[str, ArrayLike], name: str) -> MeanAndStd:
    return np.asarray(results[f"mean_{name}"]), np.asarray(results[f"std_{name}"])


def _train_scores(results: Mapping[str, ArrayLike], deciding: str) -> MeanAndStd | None:
    """Return the deciding score on training rows, if the search has computed it."""
    name = f"train_{deciding}"
    return _mean_and_std(results, name) if f"mean_{name}" in results else None


def _known(numbers: Iterable[float] | None) -> list[float | None]:
    """Return a list with None for NaN, or an empty list if all are NaN."""
    return [] if numbers is None else [None if np.isnan(n) else float(n) for n in numbers]


def _varied(candidates: Sequence[Mapping[str, object]], path: str) -> dict[str, list[object]]:
    """Return the values of the parameters that vary (or of all) by their short names."""
    names = dict.fromkeys(name for params in candidates for name in params)
    values = {name: [params.get(name, MISSING) for params in candidates] for name in names}
    varying = [name for name in names if len(set(map(repr, values[name]))) > 1] or list(names)
    # without the way to the network, or that to another step
    short = [
        name.removeprefix(f"{path}__") if _within(path, name) else name.rsplit("__", 1)[-1]
        for name in varying
    ]
    return {
        tail if short.count(tail) == 1 else name: values[name]
        for name, tail in zip(varying, short, strict=True)
    }


def _within(path: str, name: str) -> bool:
    """Return whether a parameter is the network at `path`, or belongs to it."""
    return not path or name == path or name.startswith(f"{path}__")


def _add_what_follows_from_parameters(study: Study, search: BaseEstimator, path: str) -> None:
    """Return the epochs and network size of each candidate that its parameters determine."""
    candidates, best = _candidates(search), study.best_index
    networks = [
        network_path(clone(search.estimator).set_params(**clone(params, safe=False)))[0]
        for params in candidates
    ]
    if not study.epochs:
        study.epochs = [_certain_epochs(network) for network in networks]
        certain = None if best is None else study.epochs[best]
        if study.fitted is not None and certain not in (None, study.fitted.n_iter_):
            study.epochs = [None] * len(networks)  # something else ends fits: a callback
        unknown = None in [
            epochs
            for epochs, network in zip(study.epochs, networks, strict=True)
            if network is not None
        ]
        if unknown and not hasattr(search, "resource"):  # halving takes one score only
            study.notes.append(
                "Searches do not record epochs; skneural.epochs_scorer among the scores does."
            )
    if not study.n_parameters:
        # steps before the network decide how many features it gets
        before = [
            {name: repr(value) for name, value in params.items() if not _within(path, name)}
            for params in candidates
        ]
        study.n_parameters = [
            _count_parameters(network, study.fitted)
            if study.fitted is not None and best is not None and before[i] == before[best]
            else None
            for i, network in enumerate(networks)
        ]


def _certain_epochs(network: BaseNeuralNetwork | None) -> int | None:
    """Return the epochs of a fit that nothing ends before `max_iter`, else None."""
    if network is None or network.solver == "lbfgs" or network.target_score is not None:
        return None
    return network.max_iter if network.patience in (None, np.inf) else None


def _count_parameters(
    network: BaseNeuralNetwork | None, fitted: BaseNeuralNetwork
) -> int | None:
    """Return the size of an unfitted network on the data of a fitted one, or None."""
    # rows of another shape make another network of the same parameters
    if network is None or vars(network).get("input_shape") != vars(fitted).get("input_shape"):
        return None
    shapes, dtype = fitted.network_, fitted.network_.dtype
    try:
        layers = network._build_layers(shapes.input_shape, shapes.output_shape)
        return Network(layers, Loss(), shapes.input_shape, dtype).n_params
    except (TypeError, ValueError):  # parameters that its fit refused as well
        return None


def _add_notes(study: Study, search: BaseEstimator) -> None:
    failed = np.isnan(study.scores[study.score_name][0])
    if failed.any():
        study.notes.append(
            f"{failed.sum()} of {len(failed)} candidates failed: at least one of their fits "
            "or scores ended in an error."
        )
    if not hasattr(search, "best_index_"):
        study.notes.append("No candidate is the best: refit=False leaves it open which score.")
    if any(study.near_best):
        study.notes.append(
            f"Within 1 SE: at most one standard error ({study.standard_error:.2g}) below the "
            "score of the best, so the difference may be due to chance."
        )
    if study.best_index is not None:
        i, mean = study.best_index, study.scores[study.score_name][0][study.best_index]
        has = [f"{name}={format_value(study.varied[name][i])}" for name in study.varied]
        study.notes.append(f"The best: {', '.join(has)}; {study.score_label} {mean:.4g}.")
    if study.fitted is not None:
        size = study.fitted.network_.n_params
        study.notes.append(
            f"Fitted on all rows: {study.fitted.n_iter_} epochs, {size:,} parameters, "
            f"{search.refit_time_:.3g} seconds."
        )


def _of_cross_validate(folds: Folds) -> Study:
    metrics = [name.removeprefix("test_") for name in folds if name.startswith("test_")]
    if "fit_time" not in folds or not metrics:
        raise ValueError(
            "A dict must be what cross_validate returns, with the keys 'fit_time' and "
            f"'test_score' (or 'test_' and another score), got the keys {list(folds)}."
        )
    results: dict[str, list[float]] = {}
    for name, values in folds.items():
        if name not in ("estimator", "indices"):
            results[f"mean_{name}"] = [float(np.mean(values))]
            results[f"std_{name}"] = [float(np.std(values))]
    found = [network_path(estimator)[0] for estimator in folds.get("estimator", [])]
    networks = [net for net in found if net is not None and hasattr(net, "network_")]
    if networks:
        results.setdefault(
            "mean_test_epochs", [float(np.mean([net.n_iter_ for net in networks]))]
        )
        sizes = [net.network_.n_params for net in networks]
        results.setdefault("mean_test_parameters", [float(np.mean(sizes))])
    deciding = metrics[0]
    scores = ", ".join(f"{score:.4g}" for score in folds[f"test_{deciding}"])
    of_what = f" of {type(networks[0]).__name__}" if networks else ""
    return Study(
        title=f"cross_validate{of_what}, {len(folds['fit_time'])} folds",
        varied={},
        scores={
            name: _mean_and_std(results, f"test_{name}")
            for name in metrics
            if name == deciding or name not in _FACTS
        },
        train_scores=_train_scores(results, deciding),
        fit_time=_mean_and_std(results, "fit_time"),
        epochs=_known(results.get("mean_test_epochs")) or [None],
        n_parameters=_known(results.get("mean_test_parameters")) or [None],
        best_index=None,
        fitted=networks[0] if networks else None,
        notes=[f"The {deciding} of every fold: {scores}."],
    )
