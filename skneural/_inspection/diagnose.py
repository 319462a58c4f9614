"""diagnose: what is wrong with a fitted network, in words."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from skneural._checks.feature_scale import unscaled_input
from skneural._estimators.base import BaseNeuralNetwork
from skneural._estimators.table import number_columns
from skneural._inspection.diagnostics import sample_rows
from skneural._inspection.find_network import as_the_network_sees, fitted_network
from skneural._inspection.finding import Diagnosis, Finding
from skneural._inspection.layer_measures import LayerMeasures, measure_layers
from skneural._inspection.output_findings import no_better_than_constant, output_findings
from skneural._network.array_types import Rows, Sparse

_N_ROWS = 500
# The penalty reduces the weights of units that the network does not need to 0: with the
# defaults those of up to 91 % (benchmarks/findings.py), and without harm.
_MOST_PRUNED = 0.95
_WIDEST_GAP = 0.2  # between the scores of training and validation rows
_NOISE = 0.05  # share of the fall of the loss that its ups and downs may have
_WEAKEST_PENALTY = 1e-3  # alpha by sample; a weaker one does not pull all weights to 0
_FLAT = 0.02  # size of weights, where 1 is usual: smaller ones have been pulled to 0
_AGAINST_OVERFITTING = "dropout, a higher alpha, fewer units, or more data."


def diagnose(estimator: BaseEstimator, X: ArrayLike | Sparse) -> Diagnosis:
    """Describe what is wrong with a fitted network, and what to try.

    Detects inputs and regression targets that are not scaled, a penalty that is too strong,
    dead rectifiers, saturated sigmoids, gradients that vanish toward the input, an output that
    can predict one class only, predictions that are the same for every sample, one-hot targets
    that were taken for a multilabel problem, one output that is not learned while another one
    is, a learning rate that is too high or too low, overfitting (if the fit had validation
    data), and predictions that are no better than a constant. Targets are examined at the end
    of `fit`, so nothing is reported of them for a network that was loaded from a file or
    trained by `partial_fit`.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator of skneural, a Pipeline that ends in one, or a fitted search over
        them.
    X : array-like of shape (n_samples, n_features)
        Samples, such as the training data; at most 500 of them are used.

    Returns
    -------
    diagnosis : Diagnosis
        A tuple of findings, each with `problem`, `evidence` and `advice`; empty for a
        network that looks healthy. Its `notes` say what could not be examined, such as
        overfitting where the fit had no validation data. ``print`` shows both.

    Raises
    ------
    TypeError, NotFittedError
        If `estimator` is not a network of skneural, or is not fitted.

    References
    ----------
    X. Glorot and Y. Bengio, Understanding the difficulty of training deep feedforward neural
    networks, AISTATS 2010.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skneural import MLPClassifier, diagnose
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier((8,), learning_rate=1e-6, max_iter=10, patience=None,
    ...                     random_state=0)
    >>> diagnose(clf.fit(X, y), X)[0].problem
    'the predictions are constant'
    """
    network = fitted_network(estimator)
    x, _ = sample_rows(network, as_the_network_sees(estimator, X), None, _N_ROWS)
    flattened = _flattened(network)
    if flattened is not None:  # the cause of whatever else would be found
        findings = [_unscaled(network, x), flattened]
    else:
        findings = _of_training(network, x)
    found = [finding for finding in findings if finding is not None]
    if not found and network.n_iter_:
        found = list(filter(None, [no_better_than_constant(network)]))
    return Diagnosis(found, notes=_not_examined(network))


def _of_training(network: BaseNeuralNetwork, x: Rows) -> list[Finding | None]:
    layers = measure_layers(network.network_, x)
    vanishing = _vanishing(layers)
    is_blocked = vanishing is not None or any(layer.dead_share == 1 for layer in layers)
    return [
        _untrained(network),
        _unscaled(network, x),
        *_of_layers(layers),
        vanishing,
        # what an untrained network answers has no cause but that
        *(output_findings(network, x, is_blocked=is_blocked) if network.n_iter_ else ()),
        _rate_too_high(network),
        _rate_too_low(network),
        _overfitting(network),
    ]


def _not_examined(network: BaseNeuralNetwork) -> tuple[str, ...]:
    """Return what nothing can be said about, in sentences."""
    if not network.n_iter_ or "validation_score" in network.history_:
        return ()
    return (
        "Overfitting was not examined, because the fit had no validation data. Set "
        "early_stopping=True, or pass X_val and y_val to fit.",
    )


def _flattened(network: BaseNeuralNetwork) -> Finding | None:
    """Say that the penalty has pulled all weights to 0; dead units and others follow."""
    alpha = network.alpha
    if alpha == "auto" or alpha / network._batch_size < _WEAKEST_PENALTY or not network.n_iter_:
        return None
    # a weight of usual size is one over the root of the number of inputs of its unit
    sizes = [
        float(np.sqrt(np.mean(np.square(weight)) * weight[..., 0].size))
        for weight in network.coefs_
    ]
    if max(sizes) > _FLAT:
        return None
    return Finding(
        "alpha is too high",
        f"The penalty alpha={alpha!r} has pulled the weights of every layer to almost 0: the "
        f"largest root mean square of a layer is {max(sizes):.1g} times the usual one. The "
        "predictions hardly depend on X.",
        "Lower alpha, for example to a hundredth, or use alpha='auto'.",
    )


def _untrained(network: BaseNeuralNetwork) -> Finding | None:
    if network.n_iter_:
        return None
    return Finding(
        "the network has not been trained",
        "It was fitted with max_iter=0, so n_iter_ is 0, and its weights are the initial ones "
        "or those that were given to fit.",
        "If this is not what you want, call fit with a larger max_iter.",
    )


def _unscaled(network: BaseNeuralNetwork, x: Rows) -> Finding | None:
    encoding = network._table_encoding
    if encoding is not None and encoding.is_categorical.any():
        return None  # the network standardizes its numbers
    unscaled = unscaled_input(network, network.network_, number_columns(encoding, x))
    if unscaled is None:
        return None
    return Finding("the input is not scaled", unscaled.evidence, unscaled.advice)


def _of_layers(layers: Sequence[LayerMeasures]) -> Iterator[Finding]:
    for layer in layers:
        if layer.dead_share == 1:
            yield Finding(
                "a whole layer is dead",
                f"All rectifiers of layer {layer.name} are 0 for every sample, so it passes no "
                "signal and does not learn.",
                "Lower learning_rate, scale the input, or use activation='leaky_relu'.",
            )
        elif layer.dead_share - layer.pruned_share >= 0.5:
            yield Finding(
                "many units are dead",
                f"{layer.dead_share:.0%} of the rectifiers of layer {layer.name} are 0 for "
                "every row.",
                "Lower learning_rate, or use activation='leaky_relu' or batch_norm=True.",
            )
        elif layer.dead_share >= _MOST_PRUNED:
            yield Finding(
                "almost all units are unused",
                f"{layer.dead_share:.1%} of the rectifiers of layer {layer.name} are 0 for "
                "every row, and most of their weights are almost 0.",
                "If the score is lower than you expect, lower learning_rate or alpha.",
            )
        if layer.saturated_share >= 0.5:
            yield Finding(
                "a sigmoid is saturated",
                f"{layer.saturated_share:.0%} of the outputs of layer {layer.name} are within "
                "1 % of a limit, where the slope is almost 0.",
                "Scale the input, start from smaller weights, or raise alpha.",
            )


def _vanishing(layers: Sequence[LayerMeasures]) -> Finding | None:
    hidden = layers[:-1]
    if len(hidden) < 2 or any(layer.dead_share == 1 for layer in hidden):
        return None  # dead layers are a finding of their own
    first, last = hidden[0], hidden[-1]
    if first.signal >= 0.01 * last.signal:
        return None
    return Finding(
        "gradients vanish toward the input",
        f"The gradient at layer {first.name} is {first.signal / last.signal:.1g} times that at "
        f"layer {last.name}.",
        "Use activation='relu', fewer layers, batch_norm=True, or weight_init='auto'.",
    )


def _rate_too_high(network: BaseNeuralNetwork) -> Finding | None:
    losses = np.asarray(network.loss_curve_)
    if len(losses) < 5 or network.solver == "lbfgs":
        return None
    late = losses[len(losses) // 2 :]
    rises = np.mean(np.diff(losses) > 0)
    above = late.mean() - losses.min()
    # the ups and downs of a loss that is almost 0 do no harm
    is_seen = above > _NOISE * (losses[0] - losses.min())
    jumps = rises >= 0.3 and above > losses.min() and is_seen
    never_recovers = late.mean() - losses[0] > 0.1 * abs(losses[0])
    if not (jumps or never_recovers):
        return None
    return Finding(
        "the learning rate is too high",
        f"The training loss rose in {rises:.0%} of the epochs, and was on average "
        f"{late.mean():.3g} in their second half, after {losses.min():.3g} at its lowest.",
        f"Lower learning_rate={network.learning_rate!r}, decrease it with decay or a schedule, "
        "or set max_grad_norm.",
    )


def _rate_too_low(network: BaseNeuralNetwork) -> Finding | None:
    losses = np.asarray(network.loss_curve_)
    if len(losses) < 10 or network.solver == "lbfgs":
        return None
    falls = -np.diff(losses)
    tenth = max(2, len(falls) // 10)
    steady = falls[-tenth:].mean() > 0.3 * falls[:tenth].mean() > 0
    fallen = 1 - losses[-1] / losses[0]
    if not steady or fallen > 0.3 or np.mean(falls > 0) < 0.8:
        return None
    return Finding(
        "the learning rate is too low",
        f"In {len(losses)} epochs the training loss fell by {fallen:.0%}, at the end nearly "
        "as fast as at the beginning.",
        f"Raise learning_rate={network.learning_rate!r} (try 10 times), or max_iter.",
    )


def _overfitting(network: BaseNeuralNetwork) -> Finding | None:
    history = network.history_
    losses = np.asarray(history.get("validation_loss", []))
    if len(losses) < 3 or np.isnan(losses).any():
        return None
    if network.early_stopping:
        return _overfitting_at_best(history)
    gap = history["score"][-1] - history["validation_score"][-1]
    best = int(losses.argmin())
    rose = losses[-1] > 1.3 * losses[best] and history["loss"][-1] < 0.9 * history["loss"][best]
    if not rose and gap <= _WIDEST_GAP:
        return None
    return Finding(
        "the network overfits",
        f"After the last epoch the score is {history['score'][-1]:.3f} on training and "
        f"{history['validation_score'][-1]:.3f} on validation rows; the validation loss was "
        f"lowest, {losses[best]:.3g}, in epoch {best + 1}, and is {losses[-1]:.3g} now.",
        f"Use early_stopping=True, {_AGAINST_OVERFITTING}",
    )


def _overfitting_at_best(history: Mapping[str, list[float]]) -> Finding | None:
    """Judge the epoch whose weights were kept: that later ones overfit does no harm."""
    best = int(np.nanargmax(history["validation_score"]))
    score, validation_score = history["score"][best], history["validation_score"][best]
    if not score - validation_score > _WIDEST_GAP:
        return None
    return Finding(
        "the network overfits",
        f"After epoch {best + 1}, whose weights were kept, the score is {score:.3f} on "
        f"training and {validation_score:.3f} on validation rows.",
        f"Use {_AGAINST_OVERFITTING}",
    )
