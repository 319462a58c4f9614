"""Short runs of the scripts in `tests/robustness`; its README describes the full runs."""

import ast

import bad_inputs
import mutants
import pytest
import same_bits
import threads

pytestmark = pytest.mark.slow


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("cls", bad_inputs.CLASSES)
def test_bad_inputs_are_refused_by_name_and_leave_the_estimator(cls):
    counts, wrong = bad_inputs.check(cls, every=37)
    assert not wrong
    assert counts.total() > 100


def test_predictions_of_many_threads():
    assert threads.threads_predict(100) == 0


def test_searches_inside_parallel_calls_end():
    assert threads.nested_searches(2, [("threading", "loky")]) == 2


def test_nothing_stays_open_after_fits():
    descriptors, tasks = threads.opened()
    for i in range(12):
        threads.cycle(i)
    after = threads.opened()
    assert after[0] <= descriptors
    assert after[1] <= tasks


def test_the_same_bits_in_another_process():
    assert same_bits.child("fits", PYTHONHASHSEED="7") == same_bits.fits()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_the_same_bits_in_parallel(backend):
    assert same_bits.search(2, backend) == same_bits.search()


def test_blas_threads_change_next_to_nothing():
    assert same_bits.across_blas_threads() <= same_bits.BOUND


@pytest.mark.parametrize(
    "module", ["_engine/batches.py", "_network/layers/dense.py", "_training/lbfgs.py"]
)
def test_mutants_are_programs_that_differ(module):
    original = ast.unparse(ast.parse((mutants.ROOT / "skneural" / module).read_text()))
    sources = [source() for _, source in mutants.mutants(module)]
    assert len(sources) > 10
    for source in sources:
        compile(source, module, "exec")
        assert source != original
    assert len(set(sources)) > 0.9 * len(sources)


def test_mutants_leave_out_what_changes_no_result():
    tree = ast.parse(
        "def f(x, *, used=2, unused=3):\n"
        "    return [x.reshape(-1, 3) for _ in zip(x, used, strict=True)]\n"
    )
    spared = [ast.unparse(node) for node in mutants.equivalent(tree)]
    assert sorted(spared) == ["1", "3", "True"]


def test_every_module_of_the_mutants_has_tests():
    for module, names in mutants.TESTS.items():
        assert (mutants.ROOT / "skneural" / module).exists()
        assert all(
            len(list((mutants.ROOT / "tests").glob(f"*/test_{name}.py"))) == 1 for name in names
        )
