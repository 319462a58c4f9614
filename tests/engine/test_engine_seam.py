"""Invalid calls from Python neither crash nor corrupt the compiled engine."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from _engine import make_job
from scipy import sparse

from skneural._engine import native
from skneural._engine.program import program_of
from skneural._network.layers.conv import Conv2D
from skneural._network.layers.dense import Dense
from skneural._network.layers.dropout import Dropout
from skneural._network.layers.flatten import Flatten
from skneural._network.losses.regression import HalfSquaredError
from skneural._network.network import Network

pytestmark = pytest.mark.skipif(native is None, reason="there is no compiled engine here")
N, N_INPUTS, N_OUTPUTS = 4, 2, 3
SETTINGS = {
    "batch_size": N, "optimizer": 0, "rate": 0.1, "first": 0.9, "second": 0.99, "epsilon": 1e-8,
    "decay": 0.0, "nesterov": False, "alpha": 0.0, "l1_ratio": 0.0, "max_norm": 1.0,
    "measure_norm": True, "updates": True, "seed": 0, "step": 0, "n_updates": 0,
}  # fmt: skip


def network(layers=None, shape=(N_INPUTS,), dtype=np.float64):
    layers = layers or [Dense(5), Dropout(0.5), Dense(N_OUTPUTS)]
    made = Network(layers, HalfSquaredError(), shape, dtype)
    made.init_params(np.random.default_rng(0))
    return made


NETWORK = network()
READ_ONLY = np.zeros(NETWORK.n_params)
READ_ONLY.setflags(write=False)
UNALIGNED = np.zeros(8 * N * N_INPUTS + 1, np.uint8)[1:].view(np.float64).reshape(N, N_INPUTS)
X, Y, WEIGHTS = np.ones((N, N_INPUTS)), np.ones((N, N_OUTPUTS)), np.ones(N)


def csr(data=(1.0, 2.0), indices=(0, 1), indptr=(0, 1, 2, 2, 2), dtype=np.int64, shape=None):
    """Return a CSR array with attributes that SciPy would refuse."""
    made = sparse.csr_array(shape or (N, N_INPUTS))
    made.data = np.array(data)
    made.indices, made.indptr = np.array(indices, dtype), np.array(indptr, dtype)
    return made


PROGRAM = program_of(NETWORK)


def samples(X=X, y=Y, sample_weight=None, program=PROGRAM):
    return native.Samples(program, X, y, sample_weight)


VALID = samples()


def run(order=None, n_rows=N, samples=VALID, **changed):
    """Train with a valid call in which some arguments are replaced."""
    arrays = {"theta": NETWORK.theta.copy(), "state": NETWORK.state, "m": None, "v": None}
    arrays["gradient"] = np.zeros(NETWORK.n_params)
    given = [changed.pop(name, value) for name, value in arrays.items()]
    training = native.Training(PROGRAM, N, 1)
    return training.run(samples, order, n_rows, *given, **{**SETTINGS, **changed})


def predict(samples=VALID, theta=NETWORK.theta, raw=None, block=2, n_threads=1):
    raw = np.empty((N, N_OUTPUTS)) if raw is None else raw
    native.predict(samples, theta, NETWORK.state, raw, block, n_threads)


@pytest.mark.parametrize(
    "make",
    [samples, lambda: samples(csr()), run, predict, lambda: run(np.arange(N)[::-1].copy())],
)
def test_what_the_calls_below_change_is_accepted(make):
    make()


FIELDS = [
    "kind", "option", "h", "w", "c", "out_h", "out_w", "out_c", "kh", "kw", "sh", "sw", "dh",
    "dw", "top", "left", "bottom", "right", "weight", "bias", "mean", "variance", "layer",
]  # fmt: skip
DENSE = dict.fromkeys(FIELDS, 0) | dict.fromkeys(FIELDS[2:14], 1)
DENSE |= {"c": 2, "out_c": 3, "bias": 6}


def step(**changed):
    """Return a row of a program's table: a dense layer with some fields replaced."""
    assert changed.keys() <= DENSE.keys()
    return list((DENSE | changed).values())


def program(
    steps=(), heads=((0, 0, 3),), sizes=(9, 6, 0), dtype=np.float64, reals=None, tables=()
):
    steps = np.array([*steps] or [step()], np.int64)
    reals = np.zeros((len(steps), 2)) if reals is None else reals
    # without a link, unless a fourth number says otherwise
    heads = np.array([[*head, 0][:4] for head in heads], np.int64)
    tables = np.array(tables, np.int64).reshape(len(tables), -1) if len(tables) else None
    return native.Program(steps, reals, heads, np.zeros((len(heads), 3)), sizes, dtype, tables)


def embedding(steps=None, tables=((6, 7, 1),)):
    """Return a program whose inputs are one number and one category with 7 levels."""
    steps = steps or [step(kind=9, out_c=2), step(bias=13)]
    return program(steps, sizes=(16, 6, 0), tables=tables)


def test_the_programs_that_are_changed_below_are_accepted():
    assert program().n_outputs == 3
    assert embedding().n_outputs == 3
    one_hot = [step(kind=9, out_c=8), step(c=8, bias=24)]
    assert program(one_hot, sizes=(27, 24, 0), tables=[(24, 7, 0)]).n_outputs == 3


HUGE, FAR = 2**62, 2**24
WIDE = {"kind": 1, "c": 2**14, "out_c": 1, "sh": HUGE, "sw": HUGE, "bias": 2**14}
PROGRAMS = {
    "no steps": lambda: native.Program(
        np.zeros((0, 23), np.int64), np.zeros((0, 2)), np.zeros((1, 3), np.int64), np.zeros(1),
        (9, 6, 0), np.float64),
    "steps without parameters": lambda: program([step(kind=8, c=3)]),
    "unknown kind": lambda: program([step(kind=10)]),
    "negative kind": lambda: program([step(kind=-1)]),
    "unknown activation": lambda: program([step(), step(kind=2, option=8, c=3)]),
    "activation of X": lambda: program([step(kind=2, out_c=2), step()]),
    "no size": lambda: program([step(c=0)]),
    "negative size": lambda: program([step(h=-1, w=-1)]),
    "size that overflows": lambda: program([step(h=2**31, w=2**31, c=4)]),
    "weights that overflow": lambda: program([step(c=2**31, out_c=2**31)]),
    "other input than output": lambda: program(
        [step(bias=18), step(c=4, weight=6, bias=21)], sizes=(24, 18, 0)),
    "weights outside": lambda: program([step(weight=1)]),
    "weights before": lambda: program([step(weight=-1)]),
    "weights very far outside": lambda: program([step(weight=HUGE)]),
    "biases outside": lambda: program([step(bias=7)]),
    "biases among the weights": lambda: program([step(bias=5)]),
    "state outside": lambda: program([step(kind=6, out_c=2, weight=6, bias=6), step()]),
    "windows beyond the image": lambda: program([step(kind=1, kh=2)]),
    "windows of nothing": lambda: program([step(kind=1, kh=0)]),
    "no strides": lambda: program([step(kind=1, sh=0)]),
    "padding that overflows": lambda: program(
        [step(**WIDE, top=HUGE)], ((0, 0, 1),), (2**15, 2**14, 0)),
    "image that overflows": lambda: program(
        [step(**WIDE, top=FAR, bottom=FAR - 1, left=FAR, right=FAR - 1)],
        ((0, 0, 1),), (2**15, 2**14, 0)),
    "too much padding of a pool": lambda: program(
        [step(kind=3, out_c=2, out_h=3, top=1, bottom=1), step(h=3, weight=0, bias=18)],
        sizes=(21, 18, 0)),
    "rate of 1": lambda: program([step(), step(kind=7, c=3)], reals=np.ones((2, 2))),
    "rate that is no number": lambda: program(
        [step(), step(kind=7, c=3)], reals=np.full((2, 2), np.nan)),
    "unknown loss": lambda: program(heads=[(12, 0, 3)]),
    "unknown link": lambda: program(heads=[(0, 0, 3, 3)]),
    "negative link": lambda: program(heads=[(0, 0, 3, -1)]),
    "link of a loss that has none": lambda: program(heads=[(4, 0, 3, 1)]),
    "loss on too many columns": lambda: program(heads=[(0, 0, 4)]),
    "losses with a gap": lambda: program(heads=[(0, 0, 1), (0, 2, 1)]),
    "columns without a loss": lambda: program(heads=[(0, 0, 2)]),
    "loss on no columns": lambda: program(heads=[(0, 0, 0), (0, 0, 3)]),
    "negative number of parameters": lambda: program(sizes=(-9, 6, 0)),
    "more weights than parameters": lambda: program(sizes=(9, 10, 0)),
    "two sizes": lambda: program(sizes=(9, 6)),
    "integers": lambda: program(dtype=np.int64),
    "steps of 32 bits": lambda: native.Program(
        np.array([step()], np.int32), np.zeros((1, 2)), np.array([[0, 0, 3]]), np.zeros(1),
        (9, 6, 0), np.float64),
    "rows of another length": lambda: native.Program(
        np.zeros((1, 22), np.int64), np.zeros((1, 2)), np.array([[0, 0, 3]]), np.zeros(1),
        (9, 6, 0), np.float64),
    "embedding without tables": lambda: program([step(kind=9, out_c=2), step()]),
    "tables without an embedding": lambda: program(tables=[(6, 1, 1)], sizes=(10, 6, 0)),
    "embedding of an output": lambda: embedding(
        [step(c=2, out_c=2, bias=13), step(kind=9, c=2, out_c=2), step(bias=13)]),
    "too few columns for the tables": lambda: embedding(
        tables=[(6, 2, 1), (8, 2, 1), (10, 3, 1)]),
    "table among the weights": lambda: embedding(tables=[(5, 7, 1)]),
    "table behind a gap": lambda: embedding(tables=[(7, 6, 1)]),
    "table of no levels": lambda: embedding(tables=[(6, 0, 1)]),
    "table of a negative width": lambda: embedding(tables=[(6, 7, -1)]),
    "one-hot columns of a negative number": lambda: embedding(tables=[(6, -1, 0)]),
    "one-hot columns that overflow": lambda: embedding(tables=[(6, HUGE, 0)]),
    "one-hot columns without an output": lambda: embedding(tables=[(6, 7, 0)]),
    "too few weights for one-hot columns": lambda: embedding(
        [step(kind=9, out_c=8), step(c=8, bias=6)], tables=[(6, 7, 0)]
    ),
    "table that overflows": lambda: embedding(tables=[(6, HUGE, 1)]),
    "table outside": lambda: embedding(tables=[(6, 11, 1)]),
    "biases in a table": lambda: embedding(tables=[(6, 8, 1)]),
    "other width of the table": lambda: embedding(tables=[(6, 3, 2)]),
    "tables of two numbers": lambda: embedding(tables=[(6, 7)]),
    "a list": lambda: native.Program(
        [step()], [[0, 0]], [[0, 0, 3]], [0], (9, 6, 0), np.float64),
    "nothing": lambda: native.Program.__new__(native.Program),
}  # fmt: skip
SAMPLES = {
    "no program": lambda: samples(program=None),
    "unfinished": lambda: native.Samples.__new__(native.Samples),
    "None": lambda: samples(None),
    "a list": lambda: samples(X.tolist()),
    "one dimension": lambda: samples(np.ones(N)),
    "no dimension": lambda: samples(np.array(1.0)),
    "other dtype": lambda: samples(X.astype(np.float32)),
    "other byte order": lambda: samples(X.astype(">f8")),
    "other width": lambda: samples(np.ones((N, 3))),
    "columns": lambda: samples(np.asfortranarray(X)),
    "every second row": lambda: samples(np.ones((2 * N, N_INPUTS))[::2]),
    "unaligned": lambda: samples(UNALIGNED),
    "targets of other rows": lambda: samples(y=np.ones((N - 1, N_OUTPUTS))),
    "targets of one column": lambda: samples(y=np.ones(N)),
    "weights in columns": lambda: samples(sample_weight=np.ones((N, 1))),
    "COO": lambda: samples(sparse.coo_array(X)),
    "CSC": lambda: samples(sparse.csc_array(X)),
    "CSR of other dtype": lambda: samples(csr(data=[1, 2])),
    "CSR of other width": lambda: samples(csr(shape=(N, 3))),
    "indptr too short": lambda: samples(csr(indptr=[0, 1, 2])),
    "indptr falls": lambda: samples(csr(indptr=[0, 2, 1, 2, 2])),
    "indptr falls, unsigned": lambda: samples(csr(indptr=[0, 9, 1, 2, 2], dtype=np.uint64)),
    "indptr falls, small": lambda: samples(csr(indptr=[0, 100, -100, 2, 2], dtype=np.int8)),
    "indptr begins late": lambda: samples(csr(indptr=[1, 1, 2, 2, 2])),
    "indptr below zero": lambda: samples(csr(indptr=[-1, 1, 2, 2, 2])),
    "indptr beyond the values": lambda: samples(csr(indptr=[0, 1, 2, 2, 3])),
    "indptr beyond 32 bits": lambda: samples(csr(indptr=[0, 2**32 + 1, 1, 1, 1])),
    "indptr beyond the indices": lambda: samples(csr(indices=[0])),
    "index too large": lambda: samples(csr(indices=[0, N_INPUTS])),
    "index below zero": lambda: samples(csr(indices=[0, -1])),
    "index beyond 32 bits": lambda: samples(csr(indices=[0, 2**32])),
    "indices that are no numbers": lambda: samples(csr(indices=[0, np.nan], dtype=float)),
    "sparse images": lambda: samples(
        sparse.csr_array(np.ones((N, 9))),
        program=program_of(network([Conv2D(1, 1), Flatten()], (3, 3, 1))), y=np.ones((N, 9))),
}  # fmt: skip
CALLS = {
    "samples of another program": lambda: run(samples=samples(program=program_of(network()))),
    "no targets": lambda: run(samples=samples(y=None)),
    "no samples": lambda: run(samples=None),
    "order too large": lambda: run(np.array([0, 1, 2, N])),
    "order below zero": lambda: run(np.array([0, 1, 2, -1])),
    "order too short": lambda: run(np.arange(N - 1)),
    "order of 32 bits": lambda: run(np.arange(N, dtype=np.int32)),
    "order with gaps": lambda: run(np.arange(2 * N)[::2]),
    "order in a list": lambda: run([0, 1, 2, 3]),
    "more rows than there are": lambda: run(n_rows=N + 1),
    "fewer rows than none": lambda: run(n_rows=-1),
    "batch_size of 0": lambda: run(batch_size=0),
    "batch_size too large": lambda: run(batch_size=N + 1),
    "unknown optimizer": lambda: run(optimizer=4),
    "Adam without moments": lambda: run(optimizer=1),
    "Adam with one moment": lambda: run(optimizer=1, m=np.zeros(NETWORK.n_params)),
    "AdaGrad without a sum": lambda: run(optimizer=2),
    "theta too short": lambda: run(theta=np.zeros(NETWORK.n_params - 1)),
    "theta of other dtype": lambda: run(theta=NETWORK.theta.astype(np.float32)),
    "theta not writable": lambda: run(theta=READ_ONLY),
    "gradient not writable": lambda: run(gradient=READ_ONLY),
    "gradient in pieces": lambda: run(gradient=np.zeros(2 * NETWORK.n_params)[::2]),
    "moment not writable": lambda: run(m=READ_ONLY),
    "moment too long": lambda: run(v=np.zeros(NETWORK.n_params + 1)),
    "state of another network": lambda: run(state=np.zeros(1)),
    "rate that is no number": lambda: run(rate="fast"),
    "training without a program": lambda: native.Training(None, N, 1),
    "unfinished training": lambda: native.Training.__new__(native.Training),
    "training of no rows": lambda: native.Training(PROGRAM, 0, 1),
    "training of too many rows": lambda: native.Training(PROGRAM, 2**31, 1),
    "training of no threads": lambda: native.Training(PROGRAM, N, 0),
    "training of too many threads": lambda: native.Training(PROGRAM, N, 10_000),
    "workspace that overflows": lambda: native.Training(
        program([step(c=2**30, out_c=1, bias=2**30)], ((0, 0, 1),), (2**30 + 1, 2**30, 0)),
        2**30, 1),
    "predictions of another shape": lambda: predict(raw=np.empty((N + 1, N_OUTPUTS))),
    "predictions not writable": lambda: predict(raw=np.broadcast_to(0.0, (N, N_OUTPUTS))),
    "predictions by rows of 0": lambda: predict(block=0),
    "predictions by no threads": lambda: predict(n_threads=0),
    "predictions for nothing": lambda: predict(samples=None),
    "predictions with other weights": lambda: predict(theta=np.zeros(3)),
}  # fmt: skip
REFUSED = {
    f"{kind}: {name}": call
    for kind, calls in {"program": PROGRAMS, "samples": SAMPLES, "call": CALLS}.items()
    for name, call in calls.items()
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    with pytest.raises((ValueError, TypeError)):
        REFUSED[name]()


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 2**200])
@pytest.mark.parametrize("name", ["batch_size", "n_rows", "step", "n_updates"])
def test_numbers_that_no_integer_holds(name, number):
    with pytest.raises((OverflowError, ValueError)):
        run(**{name: number if name != "step" else 2**64})


@pytest.mark.parametrize("name", ["rate", "first", "second", "epsilon", "alpha", "max_norm"])
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_a_setting_that_is_not_finite_spoils_numbers_only(name, number):
    """`fit` checks its loss; the engine itself accepts any values."""
    run(**{name: number})


def test_a_job_without_rows_of_any_weight_changes_nothing():
    job = make_job(network(), X, Y, np.zeros(N))
    theta = job.progress.network.theta.copy()
    loss, weight, _, n_updates = run(samples=samples(sample_weight=np.zeros(N)), theta=theta)
    assert (loss, weight, n_updates) == (0, 0, 0)
    np.testing.assert_array_equal(theta, job.progress.network.theta)


@pytest.mark.slow
def test_mutated_programs_are_refused_or_run():
    """Run in a new process, which must exit without an error."""
    script = Path(__file__).parents[1] / "robustness" / "mutated_programs.py"
    told = subprocess.run(
        [sys.executable, script, "--programs", "40"], check=True, capture_output=True, text=True
    )
    assert "40 programs" in told.stdout
