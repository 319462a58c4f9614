"""Programs with changed numbers are refused by name, or run without an access out of bounds.

    python tests/robustness/mutated_programs.py [--programs 500] [--seed 0]

The numbers in the tables of randomly generated programs are changed, one or two at a time.
Accepted programs train and predict in this process, which must not crash. With valgrind, or
with `MALLOC_PERTURB_` in the environment, invalid accesses are found even if they cause no
crash. `tests/engine/test_engine_seam.py` contains a short run.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from _random_jobs import random_job

from skneural._engine import native, program

VALUES = [-1, 0, 1, 2, 3, 100, 2**24, 2**31, 2**40, 2**62, 2**63 - 1, -(2**63)]
LARGEST = 100_000  # numbers of a sample that are tried out


def tables_of(network):
    """Return the arguments from which a network's program is made."""
    made = []

    class Recorded:
        @staticmethod
        def Program(*arguments):  # noqa: N802
            made.append(arguments)

    real, program.native = program.native, Recorded
    try:
        program.compile_program(network)
    finally:
        program.native = real
    return made[0]


def mutated(tables, rng):
    """Return the tables with one or two numbers changed."""
    steps, step_reals, heads, head_reals, sizes, dtype, embeddings = tables
    changed = [steps.copy(), heads.copy(), np.array(sizes, np.int64), embeddings.copy()]
    reals = [step_reals.copy(), head_reals.copy()]
    for _ in range(rng.integers(1, 3)):
        if rng.random() < 0.1:
            table = reals[rng.integers(2)]
            table.flat[rng.integers(table.size)] = rng.choice([-1, 0, 1, 2, np.nan, np.inf])
            continue
        table = changed[rng.choice(4, p=[0.7, 0.1, 0.1, 0.1])]
        if not table.size:  # no embeddings
            continue
        place = rng.integers(table.size)
        near = int(table.flat[place]) + int(rng.integers(-2, 3))
        value = near if rng.random() < 0.5 else VALUES[rng.integers(len(VALUES))]
        table.flat[place] = min(max(value, VALUES[-1]), VALUES[-2])
    steps, heads, sizes, embeddings = changed
    return steps, reals[0], heads, reals[1], tuple(sizes.tolist()), dtype, embeddings


def try_out(made, n_inputs, sizes, rng):
    """Train with a program and predict, on random rows."""
    n_rows, (n_params, _, n_state) = int(rng.integers(1, 20)), sizes
    X = rng.normal(scale=3, size=(n_rows, n_inputs)).astype(made.dtype)
    y = rng.integers(0, 2, (n_rows, made.n_outputs)).astype(made.dtype)
    samples = native.Samples(made, X, y)
    theta, gradient, m, v = (np.zeros(n_params, made.dtype) for _ in range(4))
    theta[...] = rng.normal(size=n_params)
    state = np.ones(n_state, made.dtype)
    training = native.Training(made, n_rows, 1)
    training.run(
        samples, rng.permutation(n_rows), n_rows, theta, state, m, v, gradient,
        batch_size=int(rng.integers(1, n_rows + 1)), optimizer=int(rng.integers(4)), rate=0.01,
        first=0.9, second=0.99, epsilon=1e-8, decay=0.0, nesterov=True, alpha=0.1, l1_ratio=0.5,
        max_norm=float(rng.choice([1.0, np.inf])), measure_norm=True, updates=True, seed=0,
        step=0, n_updates=0,
    )  # fmt: skip
    raw = np.empty((n_rows, made.n_outputs), made.dtype)
    native.predict(samples, theta, state, raw, int(rng.integers(1, 9)), 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    settings = parser.parse_args()
    rng, refused, ran, too_large = np.random.default_rng(settings.seed), 0, 0, 0
    for i in range(settings.programs):
        network = random_job(rng, (np.float32, np.float64)[i % 2]).progress.network
        tables = tables_of(network)
        for _ in range(tables[0].size):
            changed = mutated(tables, rng)
            try:
                made = native.Program(*changed)
            except ValueError:
                refused += 1
                continue
            n_inputs = int(np.prod(changed[0][0, 2:5]))
            if max(made.largest, *changed[4]) > LARGEST:
                too_large += 1
                continue
            try_out(made, n_inputs, changed[4], rng)
            ran += 1
    print(
        f"{settings.programs} programs, changed {refused + ran + too_large} times: {refused} "
        f"refused, {ran} ran, {too_large} would have been large"
    )


if __name__ == "__main__":
    main()
