"""Comparison of both engines with all numbers of the oracle that an engine can compute.

A layer is tested between a layer whose weights are its input (`_engine.Fed`) and a squared
error whose targets are chosen so that the gradient is that of the oracle.
"""

import math

import numpy as np
import pytest
from _engine import Fed, NoInterrupt, loss_and_gradient, make_job, raw_prediction, training_of
from _layers import DTYPES, TOLERANCE
from _networks import ORACLE
from _random_jobs import COMPILED_ACTIVATIONS
from test_conv import oracle_layer
from test_losses import ORACLE_LOSSES
from test_optimizers import of_case
from test_oracle import ORACLE_NAME, worked_network

from skneural._engine import native
from skneural._engine.optimizers import SGD
from skneural._engine.program import compile_program, program_of
from skneural._network.layers.activations import ACTIVATIONS
from skneural._network.layers.batch_norm import BatchNorm
from skneural._network.layers.conv import Conv2D
from skneural._network.layers.dense import Dense
from skneural._network.layers.dropout import Dropout
from skneural._network.layers.flatten import Flatten
from skneural._network.layers.pooling import AveragePool, GlobalAveragePool, MaxPool
from skneural._network.losses.classification import SoftmaxCrossEntropy, SoftmaxSquaredError
from skneural._network.losses.regression import AbsoluteError, HalfSquaredError
from skneural._network.network import Network

ENGINES = pytest.mark.parametrize(
    "engine",
    [
        "numpy",
        pytest.param(
            "compiled",
            marks=pytest.mark.skipif(native is None, reason="no compiled engine here"),
        ),
    ],
)
WORKED = ORACLE["a_dense_2_2_2"]
SOFTMAX = ORACLE["b_softmax"]
POOLS = ORACLE["c_pool2d"]
NORM = ORACLE["c_batchnorm"]
DROPOUT = ORACLE["c_dropout_inverted"]
RATES = ORACLE["e_schedules"]
OPTIMIZERS = ORACLE["f_optimizers"]
EXTRA = ORACLE["g_extra_activations_and_losses"]


def assert_close(found, expected, dtype, **more):
    np.testing.assert_allclose(found, expected, **{**TOLERANCE[dtype], **more})


def nhwc(array, dtype):
    """Convert images (n, c, h, w) of the oracle to our layout; vectors are unchanged."""
    array = np.array(array, dtype)
    return np.ascontiguousarray(np.moveaxis(array, 1, -1))


def check_layer(engine, fed, y, dy):
    """Check output and input gradient, and return the gradients of the layer's parameters.

    With these targets, `dy` is the gradient of the output only if the training output is `y`.
    """
    dtype = fed.X.dtype.type
    job = fed.job(y - len(y) * dy)
    loss, gradient = loss_and_gradient(engine, job)
    assert_close(loss, len(y) / 2 * np.sum(np.square(dy)), dtype)
    return fed.input_gradient(gradient), fed.network.views(gradient)[1]


def run_epochs(engine, job, rates):
    """Return losses and parameters of epochs at these rates, after the initial parameters."""
    training, theta = training_of(engine, job), job.progress.network.theta
    losses, thetas = [], [theta.copy()]
    for rate in rates:
        losses.append(training.epoch(None, rate, NoInterrupt())[0])
        thetas.append(theta.copy())
    training.close()
    return losses, np.array(thetas)


def flat(table, names):
    return np.concatenate([np.ravel(table[name]) for name in names])


@ENGINES
@DTYPES
def test_worked_network(engine, dtype):
    network, x, t = worked_network(dtype)
    network.release()
    for n_layers, name in ((1, "z1"), (2, "h"), (3, "z2"), (4, "o")):
        part = Network(network.layers[:n_layers], network.loss, (2,), dtype)
        part.init_params(np.random.default_rng(0))
        for kind in ("weight", "bias"):
            for copy, param in zip(part.params(kind), network.params(kind), strict=False):
                copy[...] = param
        assert_close(raw_prediction(engine, part, x)[0], WORKED[name], dtype)
    job = make_job(network, x, t)
    loss, gradient = loss_and_gradient(engine, job)
    assert_close(loss, WORKED["E"], dtype)
    assert_close(gradient, flat(WORKED, ("dW1", "dW2", "db1", "db2")), dtype)
    # of a single row, the gradients of the biases are the deltas
    assert_close(gradient[8:], flat(WORKED, ("delta1", "delta2")), dtype)
    losses, thetas = run_epochs(engine, job, [WORKED["inputs"]["lr"]] * 10)
    assert_close(losses, WORKED["E_before_each_of_10_steps"], dtype)
    assert_close(losses[1], WORKED["E_after_one_step"], dtype)
    assert_close(thetas[1], flat(WORKED, ("W1_new", "W2_new", "b1_new", "b2_new")), dtype)
    names = "W1", "W2", "b1", "b2"
    assert_close(thetas[10], flat(WORKED["params_after_10_steps"], names), dtype)


@ENGINES
@DTYPES
def test_input_gradient_of_the_worked_network(engine, dtype):
    network, x, t = worked_network(dtype)
    fed = Fed(x, network.layers, network.loss)
    for name in ("weight", "bias"):
        for copy, param in zip(fed.network.params(name)[1:], network.params(name), strict=True):
            copy[...] = param
    _, gradient = loss_and_gradient(engine, fed.job(t))
    assert_close(fed.input_gradient(gradient)[0], WORKED["dE_dx"], dtype)


def loss_of_logits(engine, loss, z, y, weight=None):
    """Return loss and gradient for logits (n, n_outputs), the weights of the only layer."""
    fed = Fed(z, [], loss)
    value, gradient = loss_and_gradient(engine, fed.job(y, weight))
    return value, fed.input_gradient(gradient)


@ENGINES
@DTYPES
@pytest.mark.parametrize("label", [0, 1, 2])
def test_softmax(engine, label, dtype):
    z, p = np.array([SOFTMAX["z"]], dtype), np.array([SOFTMAX["p"]], dtype)
    target = SOFTMAX["targets"][str(label)]
    y = np.array([target["y"]], dtype)
    value, gradient = loss_of_logits(engine, SoftmaxCrossEntropy(), z, y)
    assert_close(value, target["cross_entropy"]["loss"], dtype)
    assert_close(value, -SOFTMAX["log_p"][label], dtype)
    assert_close(gradient[0], target["cross_entropy"]["grad_z"], dtype)
    assert_close(gradient + y, p, dtype)
    value, gradient = loss_of_logits(engine, SoftmaxSquaredError(), z, y)
    for name, factor in (("half_sse", 1), ("sse", 2), ("mse_mean_over_classes", 2 / 3)):
        assert_close(factor * value, target[name]["loss"], dtype)
        assert_close(factor * gradient[0], target[name]["grad_z"], dtype)
    # where a single output is off by one, the gradient is its row of the Jacobian
    _, gradient = loss_of_logits(engine, SoftmaxSquaredError(), z, p - y)
    assert_close(gradient[0], SOFTMAX["jacobian"][label], dtype)


@ENGINES
@DTYPES
@pytest.mark.parametrize("label", [0, 1, 2])
def test_softmax_of_large_logits(engine, label, dtype):
    case = SOFTMAX["stability"]
    y = np.eye(3, dtype=dtype)[[label]]
    for z, p, log_p in zip(case["z"], case["p"], case["log_p"], strict=True):
        z = np.array([z], dtype)
        value, gradient = loss_of_logits(engine, SoftmaxCrossEntropy(), z, y)
        assert_close(value, -log_p[label], dtype)
        assert_close(gradient[0] + y[0], p, dtype)


@ENGINES
@DTYPES
@pytest.mark.parametrize("key", ORACLE["c_conv2d"]["cases"])
def test_convolution(engine, key, dtype):
    table = ORACLE["c_conv2d"]
    case = table["cases"][key]
    geometry = {name: case[name] for name in ("padding", "dilation")}
    layers = [Conv2D(4, 3, strides=case["stride"], **geometry), Flatten()]
    fed = Fed(nhwc(table["x"], dtype), layers, HalfSquaredError())
    fed.network.params("weight")[1][...] = np.transpose(table["w"], (2, 3, 1, 0))
    fed.network.params("bias")[1][...] = table["b"]
    y, dy = nhwc(case["y"], dtype), nhwc(case["grad_y"], dtype)
    predicted = raw_prediction(engine, fed.network, fed.X)
    assert_close(predicted, y.reshape(len(y), -1), dtype)
    dx, gradients = check_layer(engine, fed, y, dy)
    assert_close(dx, nhwc(case["grad_x"], dtype), dtype)
    assert_close(gradients["weight"], np.transpose(case["grad_w"], (2, 3, 1, 0)), dtype)
    assert_close(gradients["bias"], case["grad_b"], dtype)


def pool_cases():
    """Yield name, layer and case of every pooling layer of the oracle; None for its input."""
    for key, case in POOLS["max"].items():
        yield f"max {key}", MaxPool(case["kernel"], case["stride"], case["padding"]), case
    for key, case in POOLS["avg"].items():
        geometry = case["kernel"], case["stride"], case["padding"]
        layer = AveragePool(*geometry, count_padding=case["count_include_pad"])
        yield f"avg {key}", layer, case
    yield "ties", MaxPool(2), POOLS["max_ties_k2_stride2"]
    yield "global avg", GlobalAveragePool(), POOLS["global_avg"]
    yield "global max", MaxPool(9), POOLS["global_max"]


@ENGINES
@DTYPES
@pytest.mark.parametrize("name", [name for name, *_ in pool_cases()])
def test_pool(engine, name, dtype):
    layer, case = next(case for found, *case in pool_cases() if found == name)
    x = nhwc(case.get("x", POOLS["x"]), dtype)
    layers = [layer] if isinstance(layer, GlobalAveragePool) else [layer, Flatten()]
    fed = Fed(x, layers, HalfSquaredError())
    y, dy = (nhwc(case[key], dtype).reshape(len(x), -1) for key in ("y", "grad_y"))
    assert_close(raw_prediction(engine, fed.network, fed.X), y, dtype)
    dx, _ = check_layer(engine, fed, y, dy)
    assert_close(dx, nhwc(case["grad_x"], dtype), dtype)


@ENGINES
@DTYPES
@pytest.mark.parametrize("key", ["2d_N_F", "4d_N_C_H_W"])
def test_batch_norm(engine, key, dtype):
    case = NORM[key]
    x, y, dy = (nhwc(case[name], dtype) for name in ("x", "y", "grad_y"))
    layers = [BatchNorm(NORM["momentum"], NORM["eps"])] + [Flatten()] * (x.ndim > 2)
    fed = Fed(x, layers, HalfSquaredError())
    fed.network.params("scale")[0][...] = case["gamma"]
    fed.network.params("shift")[0][...] = case["beta"]
    dx, gradients = check_layer(engine, fed, y, dy)
    assert_close(dx, nhwc(case["grad_x"], dtype), dtype)
    assert_close(gradients["scale"], case["grad_gamma"], dtype)
    assert_close(gradients["shift"], case["grad_beta"], dtype)
    state = fed.network.state_views()[1]
    assert_close(state["mean"], case["running_mean_after"], dtype)
    assert_close(state["variance"], case["running_var_after_unbiased"], dtype)
    predicted = raw_prediction(engine, fed.network, fed.X)
    assert_close(predicted, nhwc(case["eval_y"], dtype).reshape(len(x), -1), dtype)


@ENGINES
@pytest.mark.parametrize("case", DROPOUT["cases"].values(), ids=DROPOUT["cases"])
def test_dropout(engine, case):
    """Means over 20,000 rows are within five standard errors of the expected values."""
    x, n_rows = np.array(DROPOUT["x"]), 20_000
    layers = [Dense(5), Dropout(case["p_drop"])]
    for loss, far in ((AbsoluteError(), -1e6), (HalfSquaredError(), 0.0)):
        network = Network(layers, loss, (1,), np.float64)
        network.init_params(np.random.default_rng(0))
        network.params("weight")[0][...] = x
        rows = np.ones((n_rows, 1))
        np.testing.assert_array_equal(raw_prediction(engine, network, rows[:1])[0], x)
        _, gradient = loss_and_gradient(
            engine, make_job(network, rows, np.full((n_rows, 5), far))
        )
        mean, variance = np.array(case["expected_mean"]), np.array(case["expected_var"])
        if far:  # a slope of 1 for each output: the gradient of a weight is the mean factor
            found, expected, spread = x * gradient[:5], mean, variance
        else:  # that times the output: the mean square
            found, expected = x * gradient[:5], variance + mean**2
            kept = 1 - case["p_drop"]
            spread = x**4 / kept**4 * kept * (1 - kept)
        error = np.abs(found - expected)
        assert (error <= 5 * np.sqrt(spread / n_rows) + 1e-10).all()
    # of a single row, every factor is that of a kept or a dropped unit
    network.loss = AbsoluteError()
    network._program = None if engine == "numpy" else compile_program(network)
    job = make_job(network, rows[:1], np.full((1, 5), -1e6))
    _, gradient = loss_and_gradient(engine, job)
    factors = {case["grad_x_of_kept_unit"], case["grad_x_of_dropped_unit"]}
    assert all(min(abs(g - factor) for factor in factors) < 1e-12 for g in gradient[:5])


@pytest.mark.skipif(native is None, reason="no compiled engine here")
@pytest.mark.parametrize("key", ["net1", "net2"])
def test_sizes_of_the_programs_of_large_networks(key):
    table = ORACLE["d_network_shapes"][key]
    channels, *sides = table["input_CHW"]
    layers = [oracle_layer(row["layer"]) for row in table["layers"]]
    network = Network(layers, HalfSquaredError(), (*sides, channels), np.float32)
    assert program_of(network).n_outputs == math.prod(table["layers"][-1]["output_shape_CHW"])
    sizes = [math.prod(row["output_shape_CHW"]) for row in table["layers"]]
    assert program_of(network).largest == max(math.prod(table["input_CHW"]), *sizes)


@ENGINES
@DTYPES
@pytest.mark.parametrize("name", RATES["cases"])
def test_rates_of_epochs(engine, name, dtype):
    """A bias with a gradient of 1 decreases by the learning rate in every epoch."""
    network = Network([Dense(1)], AbsoluteError(), (1,), dtype)
    network.init_params(np.random.default_rng(0))
    network.theta[...] = 0
    job = make_job(network, np.zeros((1, 1), dtype), np.full((1, 1), -100, dtype))
    rates = RATES["cases"][name]["lr_torch"]
    _, thetas = run_epochs(engine, job, rates)
    assert_close(thetas[1:, 1], -np.cumsum(rates), dtype)


def quadratic_job(problem, dtype, optimizer, alpha):
    """Return a job with the loss x'Ax / 2 - b'x plus a constant, for weights x of one output.

    Each row occurs with its negative, so the gradient of the bias is zero and it stays zero.
    """
    A, b = np.array(problem["A"]), np.array(problem["b"])
    n_rows = 2 * len(b)
    root = np.linalg.cholesky(A)
    X = np.repeat(math.sqrt(len(b)) * root.T, 2, axis=0)
    y = np.repeat(math.sqrt(len(b)) * np.linalg.solve(root, b), 2)
    X[1::2] *= -1
    y[1::2] *= -1
    network = Network([Dense(1)], HalfSquaredError(), (len(b),), dtype)
    network.init_params(np.random.default_rng(0))
    network.theta[: len(b)] = problem["x0"]
    y = y[:, None].astype(dtype)
    constant = float(np.mean(np.square(y)) / 2)
    more = {"optimizer": optimizer, "alpha": alpha * n_rows}
    return make_job(network, X.astype(dtype), y, **more), constant


def optimizer_of(name):
    if name in ("sgd", "momentum", "nesterov"):
        momentum = OPTIMIZERS["cases"][name]["params"].get("momentum", 0.0)
        return SGD(momentum=momentum, nesterovs_momentum=name == "nesterov")
    return of_case(name)


@ENGINES
@DTYPES
@pytest.mark.parametrize("name", OPTIMIZERS["cases"])
def test_trajectory(engine, name, dtype):
    case = OPTIMIZERS["cases"][name]
    alpha = case["params"]["weight_decay"] if name == "adam_l2_weight_decay" else 0.0
    job, constant = quadratic_job(OPTIMIZERS, dtype, optimizer_of(name), alpha)
    losses, thetas = run_epochs(engine, job, [case["params"]["lr"]] * OPTIMIZERS["steps"])
    expected = np.array(case["trajectory"])
    scale = np.abs(expected).max()
    assert_close(thetas[:, :5], expected, dtype, atol=TOLERANCE[dtype]["rtol"] * scale)
    if not alpha:  # the oracle's loss is without the penalty
        assert_close(np.array(losses) - constant, case["loss_before_each_step"], dtype)


@ENGINES
@DTYPES
@pytest.mark.parametrize("name", COMPILED_ACTIVATIONS)
def test_activation(engine, name, dtype):
    expected = EXTRA["activations"][ORACLE_NAME.get(name, name)]
    z = np.array([EXTRA["z"]], dtype)
    fed = Fed(z, [ACTIVATIONS[name]()], AbsoluteError())
    assert_close(raw_prediction(engine, fed.network, fed.X)[0], expected["y"], dtype)
    # below all outputs every slope is 1
    _, gradient = loss_and_gradient(engine, fed.job(np.full_like(z, -1e4)))
    assert_close(fed.input_gradient(gradient)[0], expected["dy_dz"], dtype)


@ENGINES
@DTYPES
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", EXTRA["losses"]["cases"])
def test_loss(engine, name, weighted, dtype):
    loss, outputs = ORACLE_LOSSES[name]
    table = EXTRA["losses"]
    case = table["cases"][name]
    z, y = np.array(table["z"], dtype), np.array(case["target"], dtype)
    if y.ndim == 1:
        y = np.eye(z.shape[1], dtype=dtype)[y.astype(int)]
    weight = np.array(table["sample_weight"], dtype) if weighted else None
    value, gradient = loss_of_logits(engine, loss, z, y, weight)
    mean = "weighted_mean" if weighted else "mean"
    assert_close(value, outputs * case[mean], dtype)
    assert_close(gradient, outputs * np.array(case[f"grad_z_of_{mean}"]), dtype)
