"""Steps of many optimizers of one kind at once, each with numbers of its own.

The arithmetic is that of `_optimizers`, to the bit: what differs between models stands in
columns, and the one fused operation, ``theta += factor * x``, is a call of BLAS a model. A
stepper serves few enough models that all it touches stays in the cache of a core.
"""

import math

import numpy as np

from skneural._optimizers import SGD, AdaGrad, Adam, AdamW, RMSProp
from skneural.ops import _numpy as ops


def column(values, dtype):
    """Numbers of models as a factor of their rows: a float if all are equal."""
    if len(set(values)) == 1:
        return float(values[0])
    return np.array(values, dtype)[:, None]


def columns(table, dtype):
    """`column` for every row of a table of steps and models."""
    if (table == table[:, :1]).all():
        return table[:, 0].tolist()
    return table.astype(dtype)[:, :, None]


class _Stepper:
    """The steps of some models.

    Parameters
    ----------
    jobs : list of Job
        Their optimizer states become views of arrays that are held here.
    theta, grad : ndarray of shape (n_models, n_params)
        `step` updates one and destroys the other.
    """

    arrays = ()  # of the optimizer's state

    def __init__(self, jobs, theta, grad):
        self.optimizers = [job.optimizer for job in jobs]
        self.states = [job.progress.optimizer_state for job in jobs]
        self.theta, self.grad = theta, grad
        self.theta_rows, self.grad_rows = list(theta), list(grad)
        for name in self.arrays:
            stacked = np.stack([state[name] for state in self.states])
            setattr(self, name, stacked)
            for state, row in zip(self.states, stacked, strict=True):
                state[name] = row

    def numbers(self, name):
        """One hyperparameter of every model."""
        return [getattr(optimizer, name) for optimizer in self.optimizers]

    def column(self, values):
        return column(values, self.theta.dtype)

    def add(self, rows, factors):
        """``theta += factor * row``, model by model."""
        ops.add_scaled_rows(self.theta_rows, rows, factors, self.theta.shape[1])

    def begin_epoch(self, rates, taken):
        """Work out what the steps of an epoch need.

        Parameters
        ----------
        rates : list of float
        taken : ndarray of int of shape (n_steps, n_models)
            How many steps of the epoch a model has behind it after each.
        """
        raise TypeError(f"{type(self).__name__} does not define begin_epoch.")

    def step(self, k):
        """Take the step number `k` of the epoch."""
        raise TypeError(f"{type(self).__name__} does not define step.")

    def add_quotient(self, numerator, squares, factors, epsilon, scratch, scratch_rows):
        np.sqrt(squares, out=scratch)
        scratch += epsilon
        np.divide(numerator, scratch, out=scratch)
        self.add(scratch_rows, factors)


class StackedDescent(_Stepper):
    """`SGD` without momentum."""

    def begin_epoch(self, rates, taken):
        self.factors = [-rate for rate in rates]

    def step(self, k):
        self.add(self.grad_rows, self.factors)


class StackedMomentum(StackedDescent):
    """`SGD` with momentum."""

    arrays = ("velocity",)

    def __init__(self, jobs, theta, grad):
        super().__init__(jobs, theta, grad)
        self.momenta = self.numbers("momentum")
        self.momentum = self.column(self.momenta)
        self.velocity_rows = list(self.velocity)

    def begin_epoch(self, rates, taken):
        super().begin_epoch(rates, taken)
        self.further = self.factors

    def step(self, k):
        self.velocity *= self.momentum
        self.velocity += self.grad
        self.add(self.velocity_rows, self.further)


class StackedNesterov(StackedMomentum):
    """`SGD` with Nesterov's momentum."""

    def begin_epoch(self, rates, taken):
        super().begin_epoch(rates, taken)
        self.further = [-(rate * m) for rate, m in zip(rates, self.momenta, strict=True)]

    def step(self, k):
        self.add(self.grad_rows, self.factors)
        super().step(k)


class StackedAdam(_Stepper):
    """`Adam`."""

    arrays = ("first", "second")

    def __init__(self, jobs, theta, grad):
        super().__init__(jobs, theta, grad)
        self.beta_1 = self.column(self.numbers("beta_1"))
        self.beta_2 = self.column(self.numbers("beta_2"))

    def begin_epoch(self, rates, taken):
        # models mostly have the same numbers and steps behind them
        known, tables = {}, []
        for optimizer, state in zip(self.optimizers, self.states, strict=True):
            at = optimizer.beta_1, optimizer.beta_2, optimizer.epsilon, state["steps"]
            if at not in known:
                known[at] = _corrections(*at, len(taken))
            tables.append(known[at])
        corrections, roots, epsilons = np.array(tables).transpose(1, 2, 0)
        behind = np.maximum(taken - 1, 0)
        factors = -(np.array(rates) * corrections / roots)
        self.factors = np.take_along_axis(factors, behind, 0).tolist()
        self.epsilon = columns(np.take_along_axis(epsilons, behind, 0), self.theta.dtype)
        for state, steps in zip(self.states, taken[-1].tolist(), strict=True):
            state["steps"] += steps

    def step(self, k):
        grad, first, second = self.grad, self.first, self.second
        first *= self.beta_1
        first += grad
        grad *= grad
        second *= self.beta_2
        second += grad
        epsilon = self.epsilon[k]
        self.add_quotient(first, second, self.factors[k], epsilon, grad, self.grad_rows)


def _corrections(beta_1, beta_2, epsilon, steps, n_steps):
    """What the numbers of `Adam.step` are in the steps to come."""
    table = []
    for step in range(steps + 1, steps + 1 + n_steps):
        root = math.sqrt((1 - beta_2) / (1 - beta_2**step))
        table.append(((1 - beta_1) / (1 - beta_1**step), root, epsilon / root))
    return np.array(table).T


class StackedAdamW(StackedAdam):
    """`AdamW`."""

    def begin_epoch(self, rates, taken):
        super().begin_epoch(rates, taken)
        decays = self.numbers("decay")
        self.shrink = self.column([1 - r * d for r, d in zip(rates, decays, strict=True)])

    def step(self, k):
        self.theta[:, : self.optimizers[0].n_weights] *= self.shrink
        super().step(k)


class _StackedQuotient(_Stepper):
    def __init__(self, jobs, theta, grad):
        super().__init__(jobs, theta, grad)
        self.scratch = np.empty_like(theta)
        self.scratch_rows = list(self.scratch)

    def add_step(self, squares):
        squares += np.multiply(self.grad, self.grad, out=self.scratch)
        self.add_quotient(
            self.grad, squares, self.factors, self.epsilon, self.scratch, self.scratch_rows
        )


class StackedAdaGrad(_StackedQuotient):
    """`AdaGrad`."""

    arrays = ("sum_of_squares",)

    def begin_epoch(self, rates, taken):
        self.factors = [-rate for rate in rates]
        self.epsilon = self.column(self.numbers("epsilon"))

    def step(self, k):
        self.add_step(self.sum_of_squares)


class StackedRMSProp(_StackedQuotient):
    """`RMSProp`."""

    arrays = ("discounted_squares",)

    def begin_epoch(self, rates, taken):
        roots = [math.sqrt(1 - rho) for rho in self.numbers("rho")]
        epsilons = self.numbers("epsilon")
        self.rho = self.column(self.numbers("rho"))
        self.factors = [-rate / root for rate, root in zip(rates, roots, strict=True)]
        self.epsilon = self.column([e / root for e, root in zip(epsilons, roots, strict=True)])

    def step(self, k):
        self.discounted_squares *= self.rho
        self.add_step(self.discounted_squares)


_STEPPERS = {
    Adam: StackedAdam,
    AdamW: StackedAdamW,
    AdaGrad: StackedAdaGrad,
    RMSProp: StackedRMSProp,
}


def stepper_of(optimizer):
    """Return the class that takes the steps of optimizers like this one, or None."""
    if type(optimizer) is SGD:
        if not optimizer.momentum:
            return StackedDescent
        return StackedNesterov if optimizer.nesterovs_momentum else StackedMomentum
    return _STEPPERS.get(type(optimizer))
