"""Problems that `diagnose` finds in the targets and predictions of a network."""

import numpy as np

from skneural._engine.prediction import raw_prediction
from skneural._estimators.base import BaseNeuralNetwork
from skneural._estimators.labels import LabelColumn, LabelIndicator
from skneural._inspection.finding import Finding
from skneural._network.array_types import Rows
from skneural._network.losses.regression import HalfSquaredError

_LEAST_EXPLAINED = 0.01  # share of the loss of a constant
_FEWEST_ROWS = 50  # fewer rows of one answer may well be of one class


def output_findings(network: BaseNeuralNetwork, x: Rows, *, is_blocked: bool) -> list[Finding]:
    """Return the problems at the output of a fitted network, with one finding per cause.

    Parameters
    ----------
    network : estimator
        A fitted network.
    x : ndarray or CSR of shape (n_samples, n_features)
        Rows in the form of the network's input.
    is_blocked : bool
        Whether a layer blocks nearly all signals, which already explains poor predictions.

    Returns
    -------
    findings : list of Finding
    """
    findings = [_one_hot(network), _one_answer(network)]
    if not is_blocked and findings[-1] is None:
        # the first of these is the cause of the others
        others = _unscaled_targets(network), _constant(network, x), _unlearned_output(network)
        findings.append(next(filter(None, others), None))
    return list(filter(None, findings))


def no_better_than_constant(network: BaseNeuralNetwork) -> Finding | None:
    """Say that the predictions on training rows are as poor as those of a constant."""
    fit, share = (
        getattr(network, "_target_fit", None),
        getattr(network, "_explained_share", None),
    )
    if fit is not None:
        share = float(np.nanmax(fit.explained, initial=-np.inf))
    if share is None or not -np.inf < share < _LEAST_EXPLAINED:
        return None
    amount = "none" if share <= 0 else f"only {share:.1%}"
    return Finding(
        "the predictions are no better than a constant",
        f"On training rows the network removes {amount} of the loss that the best constant "
        "prediction has.",
        "Check that the rows of y belong to those of X. Then try a higher learning_rate, more "
        "epochs, or more units. If nothing helps, X may say nothing about y.",
    )


def _one_hot(network: BaseNeuralNetwork) -> Finding | None:
    labels = getattr(network, "_labels", None)
    if not (isinstance(labels, LabelIndicator) and labels.is_one_hot):
        return None
    return Finding(
        "one-hot targets are taken for a multilabel problem",
        f"Every row of y has exactly one 1 in its {len(labels.classes)} columns, but each "
        "column is learned as a label of its own, so a prediction may have several of them, "
        "or none.",
        "Pass the classes themselves, such as y.argmax(axis=1).",
    )


def _one_answer(network: BaseNeuralNetwork) -> Finding | None:
    net = network.network_
    positive = len(net.layers) > 1 and getattr(net.layers[-2], "never_negative", False)
    if net.loss.out_activation != "logistic" or not (net.loss.probabilistic and positive):
        return None
    weight, bias = net.params("weight")[-1], net.params("bias")[-1]
    for sign, answer in ((1, "the second class"), (-1, "the first class")):
        always = (sign * weight >= 0).all(axis=0) & (sign * bias >= 0)
        if always.any():
            return Finding(
                "the output can predict one class only",
                "The last hidden layer gives nothing below 0, and all weights and the bias of "
                f"the output have one sign: the prediction is {answer} for every sample.",
                "Start from another random_state, use more hidden units, or an activation "
                "that gives both signs, such as 'tanh'.",
            )
    return None


def _unscaled_targets(network: BaseNeuralNetwork) -> Finding | None:
    fit = getattr(network, "_target_fit", None)
    if fit is None:
        return None
    wrong = fit.is_worse_than_constant
    if fit.target_scale is None and isinstance(network.network_.loss, HalfSquaredError):
        # its predictions have the mean of y as soon as it has been learned
        wrong |= np.abs(fit.predicted_mean - fit.mean) > 0.5 * fit.spread
    wrong &= ~fit.is_scaled & (fit.spread > 0)
    if not wrong.any():
        return None
    k = int(np.argmin(np.where(wrong, fit.explained, np.inf)))
    return Finding(
        "the targets are not scaled",
        f"On training rows {fit.describe(k)}.",
        fit.scaling_advice,
    )


def _constant(network: BaseNeuralNetwork, x: Rows) -> Finding | None:
    problem, advice = (
        "the predictions are constant",
        "Try another learning_rate, more epochs, or",
    )
    fit, labels = getattr(network, "_target_fit", None), getattr(network, "_labels", None)
    if fit is not None and (fit.predicted_spread < 0.01 * fit.spread).all():
        evidence = f"On training rows {fit.describe(0)}."
        return Finding(problem, evidence, f"{advice} a lower alpha or dropout.")
    if not isinstance(labels, LabelColumn) or x.shape[0] < _FEWEST_ROWS:
        return None
    answers = labels.decode(raw_prediction(network.network_, x))
    if (answers != answers[0]).any():
        return None
    return Finding(
        problem,
        f"All {len(answers)} samples that were examined are predicted as {answers[0]}.",
        f"{advice} class_weight='balanced' if this class is far more frequent than others.",
    )


def _unlearned_output(network: BaseNeuralNetwork) -> Finding | None:
    fit = getattr(network, "_target_fit", None)
    if fit is None or np.nanmax(fit.explained, initial=0) < 0.5:
        return None
    unlearned = fit.explained < 0.1
    if not unlearned.any():
        return None
    best = int(np.nanargmax(fit.explained))
    k = int(np.argmin(np.where(unlearned, fit.explained, np.inf)))
    spreads = fit.spread_of_y
    advice = "X may say nothing about this column, or the column may need a network of its own."
    if fit.target_scale is None:
        advice = (
            "Set normalize_y=True, which gives all columns of y the same scale. If they have "
            f"it, {advice}"
        )
    return Finding(
        "one output is learned and another one is not",
        f"On training rows the network explains {fit.explained[best]:.0%} of column {best} of "
        f"y, whose standard deviation is {spreads[best]:.3g}, and "
        f"{max(fit.explained[k], 0):.0%} of column {k}, whose standard deviation is "
        f"{spreads[k]:.3g}.",
        advice,
    )
