"""The accuracy benchmark: its data, its file of results, and its tables."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def modules(monkeypatch):
    """Make the modules of the benchmark importable."""
    monkeypatch.syspath_prepend(BENCHMARKS)


def run_suite(results, *arguments):
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "accuracy.py", "--results", results, *arguments],
        env=os.environ | {"PYTHONPATH": str(BENCHMARKS.parent)},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """Return the file of results of a quick run, and its printed output."""
    folder = tmp_path_factory.mktemp("accuracy")
    page = folder / "page.md"
    page.write_text(
        "before\n<!-- tables: development -->\nold\n<!-- end: development -->\nafter\n"
    )
    methods = ["--methods", "linear", "boosting", "sklearn", "ours", "eight"]
    printed = run_suite(folder / "results.jsonl", "--quick", *methods, "--page", page)
    return folder / "results.jsonl", printed, page.read_text()


def read(results):
    return [json.loads(line) for line in results.read_text().splitlines()]


@pytest.mark.long
def test_quick_run_measures_each_method_once(quick):
    records = read(quick[0])
    assert len({(r["data_set"], r["method"]) for r in records}) == len(records) == 12
    for record in records:
        assert (record["log_loss"] is None) == (record["task"] == "regression")
        assert record["score"] <= 1
    linear = {r["data_set"]: r["score"] for r in records if r["method"] == "linear"}
    assert linear["iris"] > 0.9
    assert 0.2 < linear["diabetes"] < 0.6


@pytest.mark.long
def test_tables_are_printed_and_put_into_the_page(quick):
    _, printed, page = quick
    tables = printed[printed.index("| goal for skneural") :].strip()
    assert "| diabetes | regression | 442 | 10 |" in tables
    assert page == (
        "before\n<!-- tables: development -->\n\n"
        f"{tables}\n\n<!-- end: development -->\nafter\n"
    )


@pytest.mark.long
def test_only_what_is_missing_is_measured(quick, tmp_path):
    results = tmp_path / "results.jsonl"
    lines = quick[0].read_text().splitlines(keepends=True)
    results.write_text("".join(lines[1:]))
    run_suite(results, "--quick", "--methods", "linear", "ours")
    assert len(read(results)) == 12
    run_suite(results, "--quick", "--methods", "linear", "ours", "--again", "ours")
    assert [r["method"] for r in read(results)[12:]] == ["ours", "ours"]
    run_suite(results, "--quick", "--methods", "ours", "--label", "other")
    assert [r["version"] for r in read(results)[14:]] == ["other", "other"]


def records_of(scores, **others):
    """Return records of one data set; `scores` has the scores of the splits by method."""
    return [
        {"data_set": "made", "split": split, "method": method, "score": score}
        | {"version": "1", "task": "regression", "n_rows": 100, "n_features": 3}
        | {"log_loss": None, "seconds": 1.0, "warnings": []}
        | others
        for method, values in scores.items()
        for split, score in enumerate(values)
    ]


def reached(standing):
    return {asked: is_so for asked, _, is_so in standing.conditions()}


@pytest.mark.usefixtures("modules")
def test_the_best_method_has_1_and_the_constant_prediction_0():
    from _standing import Standing

    scores = {"constant": [-0.1, 0.1], "linear": [0.3, 0.7], "ours": [0.1, 0.3]}
    standing = Standing(records_of(scores))
    assert standing.scaled.loc["made"].to_dict() == pytest.approx(
        {"constant": 0, "linear": 1, "ours": 0.4}
    )


@pytest.mark.usefixtures("modules")
def test_methods_are_compared_on_the_splits_that_both_have():
    from _standing import Standing

    scores = {"constant": [0, 0], "linear": [1, 1], "realmlp": [0.4], "ours": [0.5, 0.1]}
    gap = Standing(records_of(scores)).difference("ours", "realmlp")
    assert gap.loc["made", "mean"] == pytest.approx(0.1)


@pytest.mark.usefixtures("modules")
def test_an_easy_split_is_no_merit_of_a_method_that_has_only_that():
    from _standing import Standing

    scores = {"constant": [0, 0], "linear": [0.9, 0.1], "ours": [0.8, 0], "realmlp": [0.9]}
    scaled = Standing(records_of(scores)).scaled.loc["made"]
    assert scaled.to_dict() == pytest.approx(
        {"constant": 0, "linear": 1, "ours": 0.8, "realmlp": 1}
    )


@pytest.mark.usefixtures("modules")
def test_conditions_are_reached_or_not():
    from _standing import Standing

    peers = {"constant": [0, 0, 0], "sklearn": [0.5, 0.5, 0.5], "linear": [0.8, 0.8, 0.8]}
    peers |= {"boosting": [0.8, 0.8, 0.8], "realmlp": [0.8, 0.8, 0.8]}
    for ours, eight in ((0.79, 0.81), (0.7, 0.79), (0.4, 0.9)):
        scores = {"ours": [ours - 0.01, ours, ours + 0.01], "eight": [eight] * 3}
        records = records_of(peers | scores)
        is_reached = reached(Standing(records))
        assert len(is_reached) == 10
        assert is_reached["of these, lower by more than two standard errors: none"] == (
            ours > 0.5
        )
        below_linear = "regressions with R² below the linear model by more than 0.02: none"
        assert is_reached[below_linear] == (ours > 0.75)
        assert not is_reached["skneural minus HistGradientBoosting, up to 2,000 samples: ≥ 0"]
        assert is_reached["skneural minus HistGradientBoosting, all: ≥ -0.03"] == (ours > 0.75)
        assert is_reached["skneural minus RealMLP: ≥ -0.02"] == (ours > 0.75)
        assert is_reached["eight of skneural minus RealMLP: ≥ 0"] == (eight > 0.8)
        assert not is_reached["CPU seconds of skneural / RealMLP: ≤ 0.1"]
        assert is_reached["fits that end with a ConvergenceWarning: none"]
    warned = records_of({"constant": [0], "ours": [1]}, warnings=["ConvergenceWarning"])
    assert reached(Standing(warned)) == {"fits that end with a ConvergenceWarning: none": False}


@pytest.mark.usefixtures("modules")
def test_preparation_has_seen_the_training_rows_only():
    import _tables

    X_train, X_test, _, y_test = _tables.split("iris", 0)
    assert len(X_test) == len(y_test) == 38
    np.testing.assert_allclose(X_train.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(X_train.std(axis=0), 1)
    assert np.abs(X_test.mean(axis=0)).min() > 1e-4
    assert set(np.bincount(y_test)) == {12, 13}  # stratified
    again = _tables.split("iris", 0)
    np.testing.assert_array_equal(again[0], X_train)
    assert not np.array_equal(_tables.split("iris", 1)[3], y_test)


@pytest.mark.usefixtures("modules")
def test_categories_and_missing_values_become_numbers():
    import _tables
    import pandas as pd

    X = pd.DataFrame({"a": [1.0, np.nan, 3, 3], "b": ["x", "y", None, "x"]})
    prepared = _tables.preparation(X).fit_transform(X)
    assert prepared.shape == (4, 2 + 3)  # a and whether it is missing; x, y and missing
    assert np.isfinite(prepared).all()
    other = pd.DataFrame({"a": [1.0], "b": ["never seen"]})
    with pytest.warns(UserWarning, match="unknown categories"):
        assert np.isfinite(_tables.preparation(X).fit(X).transform(other)).all()


@pytest.mark.usefixtures("modules")
def test_a_third_of_the_data_sets_is_held_out():
    import _tables

    groups = {group: _tables.names(group) for group in _tables.GROUPS}
    assert set(groups["held-out"]) == _tables.PUT_ASIDE
    assert set(groups["second-held-out"]) == _tables.PUT_ASIDE_LATER
    first = len(groups["development"]) + len(groups["held-out"])
    assert 3 * len(groups["held-out"]) >= first >= 24
    for group in ("held-out", "second-held-out", "third-held-out"):
        assert {_tables.TABLES[name].task for name in groups[group]} == set(_tables.TASKS)
    assert sum(map(len, groups.values())) == len(_tables.names()) == 76


@pytest.mark.usefixtures("modules")
def test_a_table_as_it_is_counts_where_there_is_one():
    from _standing import Standing

    peers = {"constant": [0, 0], "linear": [0.9, 0.9], "boosting_table": [0.8, 0.8]}
    scores = peers | {"ours": [0.5, 0.5], "table": [0.9, 1.0]}
    plain = [
        record | {"data_set": "plain"}
        for record in records_of({"constant": [0], "linear": [0.9], "ours": [0.9]})
    ]
    standing = Standing(records_of(scores) + plain)
    is_reached = reached(standing)
    assert is_reached["regressions with R² below the linear model by more than 0.02: none"]
    assert is_reached["skneural minus HistGradientBoosting, tables as they are: ≥ -0.02"]
    assert is_reached["CPU seconds, table / prepared data: ≤ 1.5"]
    assert "| made | 0.500 (0.53) | 0.950 (1.00) |" in standing.tables_as_they_are()
    assert "plain" not in standing.tables_as_they_are()


@pytest.mark.usefixtures("modules")
def test_tables_as_they_are_have_text_and_missing_values(monkeypatch):
    import _tables
    import pandas as pd
    from accuracy import estimator_for, rows_of

    table = pd.DataFrame({"a": [1.0, np.nan] * 20, "b": ["x", "y", "y", "x"] * 10})
    y = np.arange(40) % 2
    made = _tables.Table("made", "binary", lambda: (table, y))
    monkeypatch.setitem(_tables.TABLES, "made", made)
    X_train, X_test, y_train, _ = rows_of("table", "made", 0)
    assert _tables.is_mixed(X_train)
    assert X_train["a"].isna().any()
    network = estimator_for("table", "binary", 0, X_train).fit(X_train, y_train)
    assert set(network.predict(X_test)) <= {0, 1}
    numbers = estimator_for("table", "binary", 0, X_train[["a"]])
    assert list(numbers.named_steps) == ["standardscaler", "mlpclassifier"]
    categories = rows_of("boosting_table", "made", 0)[0]
    assert categories.dtypes.astype(str).tolist() == ["float64", "category"]


@pytest.mark.usefixtures("modules")
def test_diagnose_finds_nothing_in_healthy_fits():
    from findings import findings

    assert [findings("ours", "iris", 0), findings("ours", "friedman2", 0)] == [[], []]
