"""Losses compared with the oracle, finite differences and scikit-learn's metrics."""

import tracemalloc
from functools import partial

import numpy as np
import pytest
from _networks import ORACLE
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from sklearn import metrics

from skneural._engine.optimizers import SGD
from skneural._engine.prediction import raw_prediction
from skneural._network.layers.dense import Dense
from skneural._network.losses.classification import (
    CLASSIFIER_LOSSES,
    HingeLoss,
    LogisticCrossEntropy,
    LogisticSquaredError,
    MulticlassHinge,
    MulticlassPerceptron,
    MultiHead,
    PerceptronLoss,
    SoftmaxCrossEntropy,
    SoftmaxSquaredError,
)
from skneural._network.losses.links import LinkedLoss, LogitLink, LogLink
from skneural._network.losses.quantiles import QuantilesLoss
from skneural._network.losses.regression import (
    REGRESSOR_LOSSES,
    AbsoluteError,
    HalfGamma,
    HalfPoisson,
    HalfSquaredError,
    HuberLoss,
    PinballLoss,
)
from skneural._network.network import Network

TOLERANCE = {
    np.float64: {"rtol": 1e-10, "atol": 1e-12},
    np.float32: {"rtol": 1e-4, "atol": 1e-5},
}
DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32])
EXTRA = ORACLE["g_extra_activations_and_losses"]["losses"]
HEADS = partial(
    MultiHead, [SoftmaxCrossEntropy(), LogisticCrossEntropy(), MulticlassHinge()], [3, 1, 2]
)
# name -> loss, and what its targets are
TABLE = {
    "half_squared": (HalfSquaredError(), "real"),
    "absolute": (AbsoluteError(), "real"),
    "huber": (HuberLoss(), "real"),
    "huber_0.3": (HuberLoss(0.3), "real"),
    "pinball": (PinballLoss(), "real"),
    "pinball_0.9": (PinballLoss(0.9), "real"),
    "poisson": (HalfPoisson(), "counts"),
    "gamma": (HalfGamma(), "positive"),
    "squared_by_log_link": (LinkedLoss(HalfSquaredError(), LogLink()), "positive_log"),
    "absolute_by_log_link": (LinkedLoss(AbsoluteError(), LogLink()), "positive_log"),
    "huber_by_log_link": (LinkedLoss(HuberLoss(0.3), LogLink()), "positive_log"),
    "squared_by_logit_link": (LinkedLoss(HalfSquaredError(), LogitLink()), "real"),
    "absolute_by_logit_link": (LinkedLoss(AbsoluteError(), LogitLink()), "real"),
    "huber_by_logit_link": (LinkedLoss(HuberLoss(0.3), LogitLink()), "real"),
    "softmax_cross_entropy": (SoftmaxCrossEntropy(), "one_hot"),
    "logistic_cross_entropy": (LogisticCrossEntropy(), "columns"),
    "softmax_squared": (SoftmaxSquaredError(), "one_hot"),
    "logistic_squared": (LogisticSquaredError(), "columns"),
    "hinge": (HingeLoss(), "columns"),
    "perceptron": (PerceptronLoss(), "columns"),
    "multiclass_hinge": (MulticlassHinge(), "one_hot"),
    "multiclass_perceptron": (MulticlassPerceptron(), "one_hot"),
    "heads": (HEADS(), "heads"),
}


def one_hot(n_rows, n_classes, rng):
    return np.eye(n_classes)[rng.integers(0, n_classes, n_rows)]


def batch(name, n_rows, n_outputs, rng, dtype=np.float64):
    """Return targets of the right kind and raw predictions, of shape (n_rows, n_outputs)."""
    kind = TABLE[name][1]
    if kind == "heads":
        n_outputs = 6
        parts = [
            one_hot(n_rows, 3, rng),
            rng.integers(0, 2, (n_rows, 1)),
            one_hot(n_rows, 2, rng),
        ]
        y = np.hstack(parts)
    elif kind == "one_hot":
        n_outputs += n_outputs == 1
        y = one_hot(n_rows, n_outputs, rng)
    elif kind == "columns":
        y = rng.integers(0, 2, (n_rows, n_outputs))
    elif kind == "counts":
        y = rng.poisson(2.0, (n_rows, n_outputs))
    elif kind.startswith("positive"):
        y = rng.gamma(2.0, size=(n_rows, n_outputs))
    else:
        y = rng.normal(size=(n_rows, n_outputs))
    return y.astype(dtype), rng.normal(0, 1.5, (n_rows, n_outputs)).astype(dtype)


def loss_and_gradient(loss, y, z, weight=None):
    gradient = np.full_like(z, np.nan)  # OUT: nothing in it may be read
    return loss.loss_gradient(y, z, weight, gradient_out=gradient), gradient


# The oracle averages regression losses over outputs; here they are summed.
ORACLE_LOSSES = {
    "softmax_cross_entropy": (SoftmaxCrossEntropy(), 1),
    "binary_cross_entropy_with_logits_sum_over_outputs": (LogisticCrossEntropy(), 1),
    "half_squared_error_mean_over_outputs": (HalfSquaredError(), 3),
    "absolute_error_mean_over_outputs": (AbsoluteError(), 3),
    "huber_delta1_mean_over_outputs": (HuberLoss(), 3),
    "poisson_nll_log_input_mean_over_outputs": (HalfPoisson(), 3),
}


@DTYPES
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", EXTRA["cases"])
def test_oracle(name, weighted, dtype):
    loss, outputs = ORACLE_LOSSES[name]
    case = EXTRA["cases"][name]
    z = np.array(EXTRA["z"], dtype)
    y = np.array(case["target"], dtype)
    if y.ndim == 1:
        y = np.eye(z.shape[1], dtype=dtype)[y.astype(int)]
    weight = np.array(EXTRA["sample_weight"], dtype) if weighted else None
    value, gradient = loss_and_gradient(loss, y, z, weight)
    mean = "weighted_mean" if weighted else "mean"
    np.testing.assert_allclose(value, outputs * case[mean], **TOLERANCE[dtype])
    expected = outputs * np.array(case[f"grad_z_of_{mean}"])
    np.testing.assert_allclose(gradient, expected, **TOLERANCE[dtype])


@DTYPES
@pytest.mark.parametrize("label", ["0", "1", "2"])
def test_oracle_of_squared_error_through_softmax(label, dtype):
    case = ORACLE["b_softmax"]
    target = case["targets"][label]
    z, y = np.array([case["z"]], dtype), np.array([target["y"]], dtype)
    value, gradient = loss_and_gradient(SoftmaxSquaredError(), y, z)
    np.testing.assert_allclose(value, target["half_sse"]["loss"], **TOLERANCE[dtype])
    np.testing.assert_allclose(gradient[0], target["half_sse"]["grad_z"], **TOLERANCE[dtype])


# Draws are continuous: a kink lies within a step of them about once in 10,000 examples.
@pytest.mark.parametrize("name", TABLE)
@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    n_rows=st.integers(1, 6),
    n_outputs=st.integers(1, 5),
    weighted=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_gradient_along_a_direction(name, n_rows, n_outputs, weighted, seed):
    """Compare with central differences, relative to the norm of the gradient."""
    rng = np.random.default_rng(seed)
    loss = TABLE[name][0]
    y, z = batch(name, n_rows, n_outputs, rng)
    weight = rng.uniform(0.1, 3, n_rows) if weighted else None
    _, gradient = loss_and_gradient(loss, y, z, weight)
    direction = rng.normal(size=z.shape)
    direction /= np.linalg.norm(direction)
    step = 1e-5
    up, down = (
        np.sum(loss_and_gradient(loss, y, z + sign * step * direction, weight)[0])
        for sign in (1, -1)
    )
    error = abs(np.vdot(gradient, direction) - (up - down) / (2 * step))
    assert error <= 1e-6 * np.linalg.norm(gradient)


@pytest.mark.parametrize("weighted", [False, True])
class TestAgainstSklearn:
    """Metrics of scikit-learn average over outputs, while losses are sums."""

    def draw(self, name, n_outputs, weighted):
        rng = np.random.default_rng(3)
        y, z = batch(name, 40, n_outputs, rng)
        return y, z, rng.uniform(0, 2, 40) if weighted else None

    @pytest.mark.parametrize("quantile", [0.05, 0.5, 0.9])
    def test_pinball(self, quantile, weighted):
        y, z, weight = self.draw("pinball", 3, weighted)
        value, _ = loss_and_gradient(PinballLoss(quantile), y, z, weight)
        expected = metrics.mean_pinball_loss(y, z, sample_weight=weight, alpha=quantile)
        np.testing.assert_allclose(value, 3 * expected, rtol=1e-12)

    def test_absolute_error(self, weighted):
        y, z, weight = self.draw("absolute", 3, weighted)
        value, _ = loss_and_gradient(AbsoluteError(), y, z, weight)
        expected = metrics.mean_absolute_error(y, z, sample_weight=weight)
        np.testing.assert_allclose(value, 3 * expected, rtol=1e-12)

    @pytest.mark.parametrize("delta", [0.2, 1.0, 3.0])
    def test_huber_of_scipy(self, delta, weighted):
        y, z, weight = self.draw("huber", 3, weighted)
        value, _ = loss_and_gradient(HuberLoss(delta), y, z, weight)
        expected = np.average(special.huber(delta, z - y).sum(axis=1), weights=weight)
        np.testing.assert_allclose(value, expected, rtol=1e-12)

    def test_poisson_deviance(self, weighted):
        y, z, weight = self.draw("poisson", 1, weighted)
        value, _ = loss_and_gradient(HalfPoisson(), y, z, weight)
        constant = np.average(special.xlogy(y, y) - y, axis=0, weights=weight)
        mean = HalfPoisson().predict(z, out=np.empty_like(z))
        deviance = metrics.mean_poisson_deviance(y[:, 0], mean[:, 0], sample_weight=weight)
        np.testing.assert_allclose(value + constant[0], deviance / 2, rtol=1e-12)

    def test_gamma_deviance(self, weighted):
        y, z, weight = self.draw("gamma", 1, weighted)
        value, _ = loss_and_gradient(HalfGamma(), y, z, weight)
        constant = np.average(-np.log(y) - 1, axis=0, weights=weight)
        mean = HalfGamma().predict(z, out=np.empty_like(z))
        deviance = metrics.mean_gamma_deviance(y[:, 0], mean[:, 0], sample_weight=weight)
        np.testing.assert_allclose(value + constant[0], deviance / 2, rtol=1e-12)

    def test_hinge(self, weighted):
        y, z, weight = self.draw("hinge", 1, weighted)
        value, _ = loss_and_gradient(HingeLoss(), y, z, weight)
        expected = metrics.hinge_loss(y[:, 0], z[:, 0], sample_weight=weight)
        np.testing.assert_allclose(value, expected, rtol=1e-12)

    def test_multiclass_hinge(self, weighted):
        y, z, weight = self.draw("multiclass_hinge", 4, weighted)
        value, _ = loss_and_gradient(MulticlassHinge(), y, z, weight)
        expected = metrics.hinge_loss(y.argmax(1), z, sample_weight=weight)
        np.testing.assert_allclose(value, expected, rtol=1e-12)

    @pytest.mark.parametrize("name", ["softmax_squared", "logistic_squared"])
    def test_brier_score(self, name, weighted):
        y, z, weight = self.draw(name, 4 if name == "softmax_squared" else 1, weighted)
        loss = TABLE[name][0]
        value, _ = loss_and_gradient(loss, y, z, weight)
        p = loss.predict(z, out=np.empty_like(z))
        label, p = (y[:, 0], p[:, 0]) if p.shape[1] == 1 else (y.argmax(1), p)
        score = metrics.brier_score_loss(label, p, sample_weight=weight, scale_by_half=True)
        np.testing.assert_allclose(value, score if p.ndim == 2 else score / 2, rtol=1e-12)


@DTYPES
@pytest.mark.parametrize("name", TABLE)
def test_arrays(name, dtype):
    """Inputs are unchanged, the gradient is written in place, and dtypes are kept."""
    loss = TABLE[name][0]
    y, z = batch(name, 7, 4, np.random.default_rng(0), dtype)
    weight = np.linspace(0, 2, 7, dtype=dtype)
    for array in (y, z, weight):
        array.flags.writeable = False
    for given_weight in (None, weight):
        gradient = np.full_like(z, np.nan)
        address = gradient.ctypes.data
        value = loss.loss_gradient(y, z, given_weight, gradient_out=gradient)
        assert value.dtype == gradient.dtype == dtype
        assert np.isfinite(gradient).all()
        assert gradient.ctypes.data == address
    out = np.full_like(z, np.nan)
    assert loss.predict(z, out=out) is out
    in_place = z.copy()
    assert loss.predict(in_place, out=in_place) is in_place
    np.testing.assert_array_equal(in_place, out)
    rows = loss._row_losses(y, z, out)
    assert rows.shape == (7,)
    assert rows.dtype == dtype


@pytest.mark.parametrize("name", TABLE)
def test_allocations(name):
    """Only vectors and masks are allocated; squared errors with a link need one more array."""
    loss = TABLE[name][0]
    if name == "heads":  # wide ones, beside which vectors are small
        loss, name = MultiHead(loss.heads, [16, 8, 8]), "hinge"
    y, z = batch(name, 4096, 32, np.random.default_rng(0), np.float32)
    gradient = np.empty_like(z)
    loss.loss_gradient(y, z, gradient_out=gradient)
    tracemalloc.start()
    loss.loss_gradient(y, z, gradient_out=gradient)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    needs_one_more = name in ("softmax_squared", "logistic_squared") or name.endswith("_link")
    assert peak < (1.2 if needs_one_more else 0.45) * z.nbytes


@pytest.mark.parametrize("name", TABLE)
def test_a_row_of_a_larger_buffer(name):
    """A smaller last batch uses the first rows of a workspace."""
    loss = TABLE[name][0]
    y, z = batch(name, 5, 4, np.random.default_rng(0))
    workspace = np.full((9, z.shape[1]), 7.0)
    loss.loss_gradient(y, z, gradient_out=workspace[:5])
    np.testing.assert_array_equal(workspace[:5], loss_and_gradient(loss, y, z)[1])
    assert (workspace[5:] == 7).all()


@DTYPES
@pytest.mark.parametrize("name", TABLE)
def test_huge_raw_predictions(name, dtype):
    """Losses, gradients and predictions stay finite; pytest turns warnings into errors."""
    loss, kind = TABLE[name]
    n_outputs = {"heads": 6}.get(kind, 3)
    # exp(1000) is infinite, see below
    limits = {"counts": (-1000, 0), "positive": (-80, 80), "positive_log": (-1000, 40)}
    lowest, highest = limits.get(kind, (-1000, 1000))
    z = np.array(np.meshgrid(*[[lowest, 0, highest]] * n_outputs), dtype)
    z = z.reshape(n_outputs, -1).T.copy()
    for seed in range(5):
        y, _ = batch(name, len(z), n_outputs, np.random.default_rng(seed), dtype)
        assert np.isfinite(loss._row_losses(y, z, np.empty_like(z))).all()
        value, gradient = loss_and_gradient(loss, y, z)
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()
        assert np.isfinite(loss.predict(z, out=np.empty_like(z))).all()


@DTYPES
def test_poisson_beyond_the_largest_exponent(dtype):
    z = np.array([[1000.0], [-1000.0]], dtype)
    y = np.array([[1.0], [2.0]], dtype)
    value, gradient = loss_and_gradient(HalfPoisson(), y, z)
    assert value == np.inf
    np.testing.assert_array_equal(gradient, [[np.inf], [-1.0]])
    predicted = HalfPoisson().predict(z, out=np.empty_like(z))
    np.testing.assert_array_equal(predicted, [[np.inf], [0.0]])


@DTYPES
def test_gamma_beyond_the_largest_exponent(dtype):
    z = np.array([[1000.0], [-1000.0]], dtype)
    y = np.array([[1.0], [2.0]], dtype)
    value, gradient = loss_and_gradient(HalfGamma(), y, z)
    assert value == np.inf
    np.testing.assert_array_equal(gradient, [[0.5], [-np.inf]])
    assert loss_and_gradient(HalfGamma(), y[:1], z[:1])[0] == 1000
    predicted = HalfGamma().predict(z, out=np.empty_like(z))
    np.testing.assert_array_equal(predicted, [[np.inf], [0.0]])


@DTYPES
@pytest.mark.parametrize("make_loss", [HalfSquaredError, AbsoluteError, HuberLoss])
def test_log_link_beyond_the_largest_exponent(make_loss, dtype):
    loss = LinkedLoss(make_loss(), LogLink())
    z, y = np.array([[1000.0], [-1000.0]], dtype), np.array([[1.0], [2.0]], dtype)
    value, gradient = loss_and_gradient(loss, y, z)
    assert value == np.inf
    np.testing.assert_array_equal(gradient, [[np.inf], [0.0]])
    np.testing.assert_array_equal(loss.predict(z, out=np.empty_like(z)), [[np.inf], [0.0]])


@DTYPES
@pytest.mark.parametrize("low", [-3.0, 1e4])
def test_range_of_the_logit_link(low, dtype):
    loss = LinkedLoss(HalfSquaredError(), LogitLink(low, low + 2))
    z = np.array([[-1000.0], [0.0], [1000.0]], dtype)
    predicted = loss.predict(z, out=np.empty_like(z))
    np.testing.assert_array_equal(predicted, np.array([[low], [low + 1], [low + 2]], dtype))


def test_sorted_quantiles_have_no_larger_loss():
    rng = np.random.default_rng(0)
    loss = QuantilesLoss([0.1, 0.3, 0.5, 0.8])
    y, z = np.repeat(rng.normal(size=(500, 1)), 4, axis=1), rng.normal(size=(500, 4))
    as_they_are = loss._row_losses(y, z, np.empty_like(z))
    predicted = loss.predict(z, out=np.empty_like(z))
    assert (loss._row_losses(y, predicted, np.empty_like(z)) <= as_they_are + 1e-12).all()
    assert (np.diff(predicted, axis=1) >= 0).all()
    np.testing.assert_array_equal(predicted, np.sort(z, axis=1))
    np.testing.assert_array_equal(loss.predict(z, out=z), predicted)


def test_values_of_huge_raw_predictions():
    z, y = np.array([[1000.0, -1000.0, 0.0]]), np.array([[0.0, 1.0, 0.0]])
    assert loss_and_gradient(SoftmaxSquaredError(), y, z)[0] == 1.0
    assert loss_and_gradient(LogisticSquaredError(), y, z)[0] == 1.125
    assert loss_and_gradient(HingeLoss(), y, z)[0] == 2003.0
    assert loss_and_gradient(PerceptronLoss(), y, z)[0] == 2000.0
    assert loss_and_gradient(MulticlassHinge(), y, z)[0] == 2001.0
    assert loss_and_gradient(MulticlassPerceptron(), y, z)[0] == 2000.0


def test_gradients_at_kinks():
    y = z = np.zeros((1, 1))
    assert loss_and_gradient(AbsoluteError(), y, z)[1] == 0
    assert loss_and_gradient(PinballLoss(0.5), y, z)[1] == 0
    np.testing.assert_allclose(loss_and_gradient(PinballLoss(0.9), y, z)[1], -0.4)
    # hinge: on the margin there is a gradient, beyond it there is none
    z = np.array([[1.0], [1.5], [-1.0], [-1.5]])
    y = np.array([[1.0], [1.0], [0.0], [0.0]])
    value, gradient = loss_and_gradient(HingeLoss(), y, z)
    assert value == 0
    np.testing.assert_array_equal(4 * gradient[:, 0], [-1, 0, 1, 0])


def test_ties_count_as_wrong():
    """This holds for every label, and for any order of several classes."""
    z = np.zeros((2, 1))
    value, gradient = loss_and_gradient(PerceptronLoss(), np.array([[0.0], [1.0]]), z)
    assert value == 0
    np.testing.assert_array_equal(2 * gradient[:, 0], [1, -1])
    _, gradient = loss_and_gradient(MulticlassPerceptron(), np.eye(3), np.zeros((3, 3)))
    np.testing.assert_array_equal(3 * gradient, [[-1, 1, 0], [1, -1, 0], [1, 0, -1]])
    # two rivals and the label share the highest place; the first rival has the gradient
    z, y = np.array([[0.0, 2.0, 2.0, 2.0]]), np.array([[0.0, 0.0, 1.0, 0.0]])
    _, gradient = loss_and_gradient(MulticlassPerceptron(), y, z)
    np.testing.assert_array_equal(gradient, [[0, 1, -1, 0]])


@pytest.mark.parametrize(
    ("columns", "rows"), [(HingeLoss, MulticlassHinge), (PerceptronLoss, MulticlassPerceptron)]
)
def test_two_classes_are_several_classes(columns, rows):
    """For two classes the loss of rows equals that of columns on the difference, with ties."""
    rng = np.random.default_rng(0)
    z = rng.integers(-2, 3, (60, 2)).astype(float)
    y = one_hot((60,), 2, rng)
    value, gradient = loss_and_gradient(rows(), y, z)
    expected, slope = loss_and_gradient(columns(), y[:, 1:], z[:, 1:] - z[:, :1])
    np.testing.assert_allclose(value, expected, rtol=1e-14)
    np.testing.assert_allclose(gradient, np.hstack([-slope, slope]), rtol=1e-14)


def network_from_zero(n_outputs, loss):
    network = Network([Dense(n_outputs, "zeros")], loss, (3,), np.float64)
    network.init_params(np.random.default_rng(0))
    network.bind(1)
    assert not network.theta.any()
    return network


# multiples of 1/4 make every sum exact, and ties happen
INPUTS = {
    "exact": lambda rng: rng.integers(-6, 7, (50, 3)) / 4,
    "drawn": lambda rng: rng.normal(size=(50, 3)),
}


@pytest.mark.parametrize("inputs", INPUTS)
@pytest.mark.parametrize("seed", range(5))
def test_binary_perceptron_rule(inputs, seed):
    """A step of rate 1 on one row: ``w += s x`` and ``b += s`` where ``s (w x + b) <= 0``."""
    rng = np.random.default_rng(seed)
    X, labels = INPUTS[inputs](rng), rng.integers(0, 2, 50)
    network, optimizer = network_from_zero(1, PerceptronLoss()), SGD(momentum=0.0)
    w, b, mistakes = np.zeros(3), 0.0, 0
    for x, label in zip(X, labels, strict=True):
        s = 2 * label - 1
        if s * (w @ x + b) <= 0:
            w, b, mistakes = w + s * x, b + s, mistakes + 1
        network.loss_and_grad(x[None], np.array([[float(label)]]))
        optimizer.step(network.theta, network.grad, 1.0, {})
        np.testing.assert_array_equal(network.theta, [*w, b])
    assert 10 < mistakes < 50


def wrong_or_tied(z, label):
    """The rule with ties: the score of the class must be strictly the highest."""
    rivals = np.delete(z, label)
    return z[label] <= rivals.max()


def wrong(z, label):
    """The rule as it is usually taught: the first of the highest classes is another class."""
    return z.argmax() != label


@pytest.mark.parametrize(
    ("inputs", "is_mistake"),
    [("exact", wrong_or_tied), ("drawn", wrong_or_tied), ("drawn", wrong)],
)
@pytest.mark.parametrize("seed", range(5))
def test_multiclass_perceptron_rule(inputs, is_mistake, seed):
    """``W[:, label] += x``, ``W[:, rival] -= x``, and the biases likewise.

    The two rules differ only for ties in which argmax returns the right class. With random
    inputs such ties occur only in the first row, whose label is replaced here by another class.
    """
    rng = np.random.default_rng(seed)
    X, labels = INPUTS[inputs](rng), rng.integers(0, 4, 50)
    labels[0] = 2
    network, optimizer = network_from_zero(4, MulticlassPerceptron()), SGD(momentum=0.0)
    W, b, mistakes = np.zeros((3, 4)), np.zeros(4), 0
    for x, label in zip(X, labels, strict=True):
        z = x @ W + b
        if is_mistake(z, label):
            mistakes += 1
            rival = next(j for j in np.argsort(-z, kind="stable") if j != label)
            for j, sign in ((label, 1), (rival, -1)):
                W[:, j] += sign * x
                b[j] += sign
        network.loss_and_grad(x[None], np.eye(4)[[label]])
        optimizer.step(network.theta, network.grad, 1.0, {})
        np.testing.assert_array_equal(network.theta, [*W.ravel(), *b])
    assert 10 < mistakes < 50


def test_perceptron_separates():
    """Epochs of the rule end without a mistake on separable rows, and stay so."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = np.eye(4)[(X @ rng.normal(size=(3, 4))).argmax(1)]
    network, optimizer = network_from_zero(4, MulticlassPerceptron()), SGD(momentum=0.0)
    for _ in range(300):
        before = network.theta.copy()
        for i in range(60):
            network.loss_and_grad(X[i : i + 1], y[i : i + 1])
            optimizer.step(network.theta, network.grad, 1.0, {})
        if np.array_equal(before, network.theta):
            break
    np.testing.assert_array_equal(before, network.theta)
    np.testing.assert_array_equal(raw_prediction(network, X).argmax(1), y.argmax(1))


def test_heads_are_the_sum_of_losses():
    loss = HEADS()
    rng = np.random.default_rng(0)
    y, z = batch("heads", 9, 6, rng)
    weight = rng.uniform(size=9)
    value, gradient = loss_and_gradient(loss, y, z, weight)
    parts = [
        loss_and_gradient(head, y[:, a:b].copy(), z[:, a:b].copy(), weight)
        for head, a, b in zip(loss.heads, (0, 3, 4), (3, 4, 6), strict=True)
    ]
    np.testing.assert_allclose(value, sum(part for part, _ in parts), rtol=1e-14)
    np.testing.assert_allclose(gradient, np.hstack([g for _, g in parts]), rtol=1e-14)
    p = loss.predict(z, out=np.empty_like(z))
    np.testing.assert_allclose(p[:, :3], special.softmax(z[:, :3], axis=1))
    np.testing.assert_allclose(p[:, 3], special.expit(z[:, 3]))
    np.testing.assert_array_equal(p[:, 4:], z[:, 4:])
    assert loss.out_activation == ("softmax", "logistic", "identity")
    assert not loss.probabilistic
    alike = MultiHead([SoftmaxCrossEntropy(), SoftmaxSquaredError()], [3, 2])
    assert alike.out_activation == "softmax"
    assert alike.probabilistic
    with pytest.raises(ValueError, match="shorter"):
        MultiHead([SoftmaxCrossEntropy()] * 2, [3])


LINKS = {
    "identity": lambda z: z,
    "exp": np.exp,
    "logistic": special.expit,
    "softmax": lambda z: special.softmax(z, axis=-1),
}


@pytest.mark.parametrize("name", [name for name in TABLE if name != "heads"])
def test_predict_is_the_inverse_link(name):
    loss = TABLE[name][0]
    _, z = batch(name, 6, 3, np.random.default_rng(0))
    predicted = loss.predict(z, out=np.empty_like(z))
    np.testing.assert_allclose(predicted, LINKS[loss.out_activation](z), rtol=1e-13)


def test_names():
    for name, (columns, rows) in CLASSIFIER_LOSSES.items():
        gives_probabilities = name in ("log_loss", "squared_error")
        assert columns.probabilistic is rows.probabilistic is gives_probabilities
        links = ("logistic", "softmax") if gives_probabilities else ("identity", "identity")
        assert (columns.out_activation, rows.out_activation) == links
        assert columns.min_target == rows.min_target == -np.inf
    for name, cls in REGRESSOR_LOSSES.items():
        assert not cls.probabilistic
        has_log_link = name in ("poisson", "gamma")
        assert cls.min_target == (0 if has_log_link else -np.inf)
        assert cls.excludes_min_target is (name == "gamma")
        assert cls.out_activation == ("exp" if has_log_link else "identity")
    assert {
        "log_loss": (LogisticCrossEntropy, SoftmaxCrossEntropy),
        "squared_error": (LogisticSquaredError, SoftmaxSquaredError),
        "hinge": (HingeLoss, MulticlassHinge),
        "perceptron": (PerceptronLoss, MulticlassPerceptron),
    } == CLASSIFIER_LOSSES
    assert {
        "squared_error": HalfSquaredError,
        "absolute_error": AbsoluteError,
        "huber": HuberLoss,
        "quantile": PinballLoss,
        "poisson": HalfPoisson,
        "gamma": HalfGamma,
    } == REGRESSOR_LOSSES


@pytest.mark.parametrize("loss", [HuberLoss(np.float64(1)), PinballLoss(np.float64(0.3))])
def test_numpy_parameters_keep_float32(loss):
    y, z = batch("huber", 4, 2, np.random.default_rng(0), np.float32)
    assert loss_and_gradient(loss, y, z)[0].dtype == np.float32
