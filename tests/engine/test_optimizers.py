"""Optimizers: tests of all of them on two problems, and of their special properties."""

import pickle

import numpy as np
import pytest
from _networks import ORACLE

from skneural._engine.optimizers import SGD, AdaGrad, Adam, AdamW, RMSProp

DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32])
RTOL = {np.float64: 1e-10, np.float32: 1e-4}


def parabola(theta):
    """Return value and gradient; the minimum 0 is at (1, -2, 3)."""
    difference = theta - np.array([1, -2, 3], theta.dtype)
    return difference @ difference, 2 * difference


def rosenbrock(theta):
    """Return value and gradient; the minimum 0 is at (1, 1), at the end of a bent valley."""
    a, b = theta
    bend = b - a * a
    gradient = np.array([-2 * (1 - a) - 400 * a * bend, 200 * bend], theta.dtype)
    return (1 - a) ** 2 + 100 * bend * bend, gradient


# optimizer, rate on the parabola, rate on Rosenbrock's function
OPTIMIZERS = {
    "sgd": (SGD(momentum=0.0), 0.1, 1.5e-3),
    "momentum": (SGD(nesterovs_momentum=False), 0.01, 1e-3),
    "nesterov": (SGD(), 0.01, 1e-3),
    "adam": (Adam(), 0.1, 0.02),
    "adamw": (AdamW(decay=1e-6), 0.1, 0.02),
    "rmsprop": (RMSProp(), 0.1, 0.003),
    "adagrad": (AdaGrad(), 1.0, 0.5),
}
EVERY_OPTIMIZER = pytest.mark.parametrize("name", OPTIMIZERS)
STARTS = {parabola: [0.0, 0.0, 0.0], rosenbrock: [-1.0, 1.0]}


@DTYPES
@pytest.mark.parametrize("problem", [parabola, rosenbrock])
@EVERY_OPTIMIZER
def test_converges_in_place_and_keeps_the_dtype(name, problem, dtype):
    optimizer, *rates = OPTIMIZERS[name]
    rate = rates[problem is rosenbrock]
    theta = np.array(STARTS[problem], dtype)
    memory = theta.ctypes.data
    state = optimizer.init(theta)
    n_steps = 500 if problem is parabola else 20_000
    for step in range(n_steps):
        # the rate falls to zero, without which rmsprop circles around the minimum
        optimizer.step(theta, problem(theta)[1], rate * (1 - step / n_steps), state)
    assert theta.dtype == dtype
    assert theta.ctypes.data == memory
    for array in state.values():
        assert isinstance(array, int) or array.dtype == dtype
    expected = [1, -2, 3] if problem is parabola else [1, 1]
    np.testing.assert_allclose(theta, expected, atol=5e-3)


CASES = ORACLE["f_optimizers"]["cases"]
N_VARIABLES = len(ORACLE["f_optimizers"]["x0"])


def of_case(name):
    params = CASES[name]["params"]
    if name.startswith("rmsprop"):
        return RMSProp(params["alpha"], params["eps"])
    if name == "adagrad":
        return AdaGrad(params["eps"])
    adam = (*params["betas"], params["eps"])
    if name == "adamw":
        return AdamW(*adam, decay=params["weight_decay"], n_weights=N_VARIABLES)
    return Adam(*adam)


@DTYPES
@pytest.mark.parametrize(
    "name", ["adamw", "adam_l2_weight_decay", "rmsprop", "rmsprop_rho0.9", "adagrad"]
)
def test_trajectory(name, dtype):
    problem, case, optimizer = ORACLE["f_optimizers"], CASES[name], of_case(name)
    A, b = np.array(problem["A"], dtype), np.array(problem["b"], dtype)
    l2 = case["params"]["weight_decay"] if name == "adam_l2_weight_decay" else 0.0
    theta = np.array(problem["x0"], dtype)
    state = optimizer.init(theta)
    trajectory = [theta.copy()]
    for _ in range(problem["steps"]):
        optimizer.step(theta, A @ theta - b + l2 * theta, case["params"]["lr"], state)
        trajectory.append(theta.copy())
    assert theta.dtype == dtype
    expected = np.array(case["trajectory"])
    error = np.abs(trajectory - expected).max() / np.abs(expected).max()
    assert error < RTOL[dtype]


def test_gradient_descent_that_jumps_for_ever():
    theta, seen = np.array([-1.0]), []
    for _ in range(100):
        SGD(momentum=0.0).step(theta, 2 * (theta - 1), 1.0, {})
        seen.append(theta.item())
    assert seen == [3.0, -1.0] * 50


@DTYPES
def test_adamw_decays_weights_only(dtype):
    start = np.array([1.0, -2.0, 3.0, 4.0], dtype)
    theta, plain = start.copy(), start.copy()
    adamw, adam = AdamW(decay=0.5, n_weights=2), Adam()
    state, plain_state = adamw.init(theta), adam.init(plain)
    adamw.step(theta, np.zeros_like(theta), 0.1, state)
    np.testing.assert_allclose(theta, start * [0.95, 0.95, 1, 1], rtol=1e-6)
    assert (theta[2:] == start[2:]).all()
    for _ in range(5):
        gradient = np.array([0.3, -1.0, 2.0, 0.1], dtype)
        adamw.step(theta, gradient.copy(), 0.1, state)
        adam.step(plain, gradient.copy(), 0.1, plain_state)
    # the biases' steps, behind one of zero gradient, are Adam's with that step
    behind = Adam()
    expected = start.copy()
    state = behind.init(expected)
    for gradient in [np.zeros(4, dtype)] + [np.array([0.3, -1.0, 2.0, 0.1], dtype)] * 5:
        behind.step(expected, gradient.copy(), 0.1, state)
    np.testing.assert_array_equal(theta[2:], expected[2:])
    assert (np.abs(theta[:2]) < np.abs(expected[:2])).all()


@EVERY_OPTIMIZER
def test_state_survives_pickling(name):
    optimizer, rate, _ = OPTIMIZERS[name]
    gradients = np.random.default_rng(0).normal(size=(10, 4))
    whole = np.ones(4)
    state = optimizer.init(whole)
    for gradient in gradients:
        optimizer.step(whole, gradient.copy(), rate, state)
    halves = np.ones(4)
    state = optimizer.init(halves)
    for i, gradient in enumerate(gradients):
        if i == 5:
            optimizer, state = pickle.loads(pickle.dumps((optimizer, state)))
        optimizer.step(halves, gradient.copy(), rate, state)
    np.testing.assert_array_equal(halves, whole)


@DTYPES
@EVERY_OPTIMIZER
def test_zero_gradient_leaves_theta_unchanged(name, dtype):
    optimizer, rate, _ = OPTIMIZERS[name]
    theta = np.array([1.0, -2.0, 0.0], dtype)
    state = optimizer.init(theta)
    for _ in range(3):
        optimizer.step(theta, np.zeros_like(theta), rate, state)
    if name == "adamw":
        assert (np.abs(theta) <= [1, 2, 0]).all()
        np.testing.assert_allclose(theta, [1, -2, 0], rtol=1e-5)
    else:
        np.testing.assert_array_equal(theta, [1, -2, 0])


def test_states_of_different_solvers_cannot_be_confused():
    theta = np.ones(2)
    optimizers = {"sgd": SGD(), "adam": Adam(), "rmsprop": RMSProp(), "adagrad": AdaGrad()}
    for name, optimizer in optimizers.items():
        for other_name, other in optimizers.items():
            if name != other_name:
                with pytest.raises(KeyError):
                    optimizer.step(theta, np.ones(2), 0.1, other.init(theta))
