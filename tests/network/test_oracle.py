"""Comparison with the oracle: automatic differentiation of PyTorch in float64."""

import numpy as np
import pytest
from _networks import ORACLE, dense_network

from skneural._engine.optimizers import SGD, Adam
from skneural._engine.prediction import raw_prediction
from skneural._network.layers.activations import ACTIVATIONS
from skneural._network.layers.base import Binding
from skneural._network.losses.classification import LogisticCrossEntropy, SoftmaxCrossEntropy
from skneural._network.losses.regression import HalfSquaredError

TOLERANCE = {
    np.float64: {"rtol": 1e-10, "atol": 1e-12},
    np.float32: {"rtol": 1e-4, "atol": 1e-5},
}
DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32])
WORKED = ORACLE["a_dense_2_2_2"]
EXTRA = ORACLE["g_extra_activations_and_losses"]
ORACLE_NAME = {"leaky_relu": "leaky_relu_0.01", "elu": "elu_1", "gelu": "gelu_exact"}


def worked_network(dtype):
    """Return the 2-2-2 logistic network with half the squared error, bound, and its batch."""
    network = dense_network((2, 2, 2), "logistic", HalfSquaredError(), dtype, 0, "logistic")
    inputs = WORKED["inputs"]
    for name, keys in (("weight", ("W1", "W2")), ("bias", ("b1", "b2"))):
        for param, key in zip(network.params(name), keys, strict=True):
            param[...] = inputs[key]
    network.bind(1)
    return network, np.array([inputs["x"]], dtype), np.array([inputs["t"]], dtype)


@DTYPES
def test_worked_network_gradients(dtype):
    network, x, t = worked_network(dtype)
    loss = network.loss_and_grad(x, t)
    np.testing.assert_allclose(loss, WORKED["E"], **TOLERANCE[dtype])
    np.testing.assert_allclose(raw_prediction(network, x)[0], WORKED["o"], **TOLERANCE[dtype])
    expected = [WORKED[key] for key in ("dW1", "dW2", "db1", "db2")]
    np.testing.assert_allclose(
        network.grad, np.concatenate([np.ravel(part) for part in expected]), **TOLERANCE[dtype]
    )


def test_worked_network_as_printed_in_textbooks():
    network, x, t = worked_network(np.float64)
    assert round(float(network.loss_and_grad(x, t)), 4) == 0.1984
    SGD(momentum=0.0).step(network.theta, network.grad, WORKED["inputs"]["lr"], {})
    first, second = network.params("weight")
    assert first.round(4).tolist() == [[0.0999, 0.1999], [0.1496, 0.2496]]
    assert second.round(4).tolist() == [[0.2708, 0.4078], [0.3205, 0.4578]]


@DTYPES
def test_worked_network_after_ten_steps(dtype):
    network, x, t = worked_network(dtype)
    losses = []
    for _ in range(10):
        losses.append(network.loss_and_grad(x, t))
        SGD(momentum=0.0).step(network.theta, network.grad, WORKED["inputs"]["lr"], {})
    np.testing.assert_allclose(losses, WORKED["E_before_each_of_10_steps"], **TOLERANCE[dtype])
    after = WORKED["params_after_10_steps"]
    for name, keys in (("weight", ("W1", "W2")), ("bias", ("b1", "b2"))):
        for param, key in zip(network.params(name), keys, strict=True):
            np.testing.assert_allclose(param, after[key], **TOLERANCE[dtype])


@DTYPES
def test_input_gradient_of_dense_layers(dtype):
    network, x, t = worked_network(dtype)
    network.loss_and_grad(x, t)
    delta = np.array([WORKED["delta2"]], dtype)
    dense_1, logistic, dense_2, _ = network._bound
    delta = dense_2.backward(delta)
    np.testing.assert_allclose(delta[0], WORKED["dE_dh"], **TOLERANCE[dtype])
    delta = logistic.backward(delta.copy())
    np.testing.assert_allclose(delta[0], WORKED["delta1"], **TOLERANCE[dtype])
    np.testing.assert_allclose(dense_1.backward(delta)[0], WORKED["dE_dx"], **TOLERANCE[dtype])


@DTYPES
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name, dtype):
    expected = EXTRA["activations"][ORACLE_NAME.get(name, name)]
    layer = ACTIVATIONS[name]()
    z = np.array([EXTRA["z"]], dtype)
    layer.build(z.shape[1:])
    layer.bind(Binding(1, z.shape[1:], z.dtype, params={}, state={}, grads={}))
    y = layer.forward(z.copy(), training=True)
    np.testing.assert_allclose(y[0], expected["y"], **TOLERANCE[dtype])
    slope = layer.backward(np.ones_like(z))
    np.testing.assert_allclose(slope[0], expected["dy_dz"], **TOLERANCE[dtype])
    predicted = layer.forward(z.copy(), training=False)
    np.testing.assert_array_equal(predicted, layer.forward(z.copy(), training=True))


# The oracle averages regression losses over outputs; here they are summed.
LOSSES = {
    "softmax_cross_entropy": (SoftmaxCrossEntropy(), 1),
    "binary_cross_entropy_with_logits_sum_over_outputs": (LogisticCrossEntropy(), 1),
    "half_squared_error_mean_over_outputs": (HalfSquaredError(), 3),
}


@DTYPES
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", LOSSES)
def test_loss(name, weighted, dtype):
    loss, outputs = LOSSES[name]
    table = EXTRA["losses"]
    case = table["cases"][name]
    z = np.array(table["z"], dtype)
    y = np.array(case["target"], dtype)
    if y.ndim == 1:
        y = np.eye(z.shape[1], dtype=dtype)[y.astype(int)]
    weight = np.array(table["sample_weight"], dtype) if weighted else None
    gradient = np.empty_like(z)
    value = loss.loss_gradient(y, z, weight, gradient_out=gradient)
    mean = "weighted_mean" if weighted else "mean"
    np.testing.assert_allclose(value / outputs, case[mean], **TOLERANCE[dtype])
    np.testing.assert_allclose(
        gradient / outputs, case[f"grad_z_of_{mean}"], **TOLERANCE[dtype]
    )


@DTYPES
@pytest.mark.parametrize("label", ["0", "1", "2"])
def test_softmax(label, dtype):
    case = ORACLE["b_softmax"]
    z = np.array([case["z"]], dtype)
    gradient = np.empty_like(z)
    y = np.array([case["targets"][label]["y"]], dtype)
    loss = SoftmaxCrossEntropy().loss_gradient(y, z, gradient_out=gradient)
    expected = case["targets"][label]["cross_entropy"]
    np.testing.assert_allclose(loss, expected["loss"], **TOLERANCE[dtype])
    np.testing.assert_allclose(gradient[0], expected["grad_z"], **TOLERANCE[dtype])
    p = SoftmaxCrossEntropy().predict(z, out=np.empty_like(z))
    np.testing.assert_allclose(p[0], case["p"], **TOLERANCE[dtype])


@DTYPES
def test_softmax_of_large_logits(dtype):
    case = ORACLE["b_softmax"]["stability"]
    z = np.array(case["z"], dtype)
    p = SoftmaxCrossEntropy().predict(z, out=np.empty_like(z))
    np.testing.assert_allclose(p, case["p"], **TOLERANCE[dtype])


@pytest.mark.parametrize("label", [0, 1])
def test_logistic_loss_of_large_logits(label):
    z = np.array([[1000.0], [-1000.0]])
    y = np.full((2, 1), float(label))
    gradient = np.empty_like(z)
    loss = LogisticCrossEntropy().loss_gradient(y, z, gradient_out=gradient)
    assert loss == 500.0  # one of the two rows is wrong by 1000
    np.testing.assert_array_equal(gradient, ([[1.0], [0.0]] - y) / 2)


OPTIMIZERS = {
    "sgd": SGD(momentum=0.0),
    "momentum": SGD(momentum=0.9, nesterovs_momentum=False),
    "nesterov": SGD(momentum=0.9, nesterovs_momentum=True),
    "adam": Adam(),
}


@DTYPES
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer_trajectory(name, dtype):
    problem, optimizer = ORACLE["f_optimizers"], OPTIMIZERS[name]
    A, b = np.array(problem["A"], dtype), np.array(problem["b"], dtype)
    case = problem["cases"][name]
    theta = np.array(problem["x0"], dtype)
    state = optimizer.init(theta)
    trajectory = [theta.copy()]
    for _ in range(problem["steps"]):
        optimizer.step(theta, A @ theta - b, case["params"]["lr"], state)
        trajectory.append(theta.copy())
    assert theta.dtype == dtype
    np.testing.assert_allclose(trajectory, case["trajectory"], **TOLERANCE[dtype])
