"""study_report: tables of searches and cross-validations, in all formats."""

import builtins
import re
import warnings
from html.parser import HTMLParser

import numpy as np
import pytest
from _callbacks import Callback
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneural import MLPClassifier, MLPRegressor, epochs_scorer, study_report

X, Y = make_classification(120, 6, n_informative=4, n_classes=3, random_state=0)
SIZES = [(4,), (8, 4)]
N_PARAMETERS = [7 * 4 + 5 * 3, 7 * 8 + 9 * 4 + 5 * 3]  # weights and biases, by hand
NASTY = "<script>alert('&')</script> \"|$*"


def network(**params):
    params = {"max_iter": 3, "patience": None, "random_state": 0, **params}
    return MLPClassifier((4,), **params)


def pipeline(**params):
    return make_pipeline(StandardScaler(), network(**params))


def grid_search(estimator=None, grid=None, **settings):
    estimator = pipeline() if estimator is None else estimator
    grid = {"mlpclassifier__hidden_layer_sizes": SIZES} if grid is None else grid
    return GridSearchCV(estimator, grid, **{"cv": 3, **settings}).fit(X, Y)


class Labelled(TransformerMixin, BaseEstimator):
    """A transformer that changes nothing and has an arbitrary label."""

    def __init__(self, label=""):
        self.label = label

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return X


class Page(HTMLParser):
    """Collects the tags and the text of a page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


SEARCHES = {
    "grid": lambda est, grid: GridSearchCV(est, grid, cv=3),
    "random": lambda est, grid: RandomizedSearchCV(est, grid, n_iter=2, cv=3, random_state=0),
    "halving grid": lambda est, grid: HalvingGridSearchCV(
        est, grid, cv=3, factor=2, random_state=0
    ),
    "halving random": lambda est, grid: HalvingRandomSearchCV(
        est, grid, cv=3, factor=2, n_candidates=2, random_state=0
    ),
    "two jobs": lambda est, grid: GridSearchCV(est, grid, cv=3, n_jobs=2),
}


@pytest.mark.parametrize("kind", SEARCHES)
@pytest.mark.parametrize("in_pipeline", [False, True])
def test_every_search(kind, in_pipeline):
    estimator = pipeline() if in_pipeline else network()
    name = "mlpclassifier__hidden_layer_sizes" if in_pipeline else "hidden_layer_sizes"
    search = SEARCHES[kind](estimator, {name: SIZES}).fit(X, Y)
    report = study_report(search)
    frame = report.to_frame()
    results = search.cv_results_
    assert list(frame["hidden_layer_sizes"]) == [p[name] for p in results["params"]]
    np.testing.assert_array_equal(frame["mean_test_score"], results["mean_test_score"])
    np.testing.assert_array_equal(frame["std_test_score"], results["std_test_score"])
    np.testing.assert_array_equal(frame["mean_fit_time"], results["mean_fit_time"])
    assert list(frame["epochs"]) == [3] * len(frame)
    sizes = dict(zip(SIZES, N_PARAMETERS, strict=True))
    assert [sizes[s] for s in frame["hidden_layer_sizes"]] == list(frame["parameters"])
    assert list(np.flatnonzero(frame["best"])) == [search.best_index_]
    assert ("n_samples" in frame) == kind.startswith("halving")
    best = [line for line in str(report).splitlines() if line.endswith("best")]
    assert len(best) == 1
    assert f"{search.best_score_:.4f}" in best[0]


def test_halving_over_epochs():
    search = HalvingGridSearchCV(
        pipeline(),
        {"mlpclassifier__learning_rate": [1e-3, 1e-2, 0.1]},
        resource="mlpclassifier__max_iter",
        max_resources=9,
        cv=3,
        random_state=0,
    ).fit(X, Y)
    frame = study_report(search).to_frame()
    assert list(frame["epochs"]) == list(frame["max_iter"]) == [3, 3, 3, 9]
    assert list(frame["best"]) == [False, False, False, True]


def test_text_table():
    search = grid_search(scoring="accuracy")
    lines = str(study_report(search)).splitlines()
    assert lines[0] == "GridSearchCV of MLPClassifier, 2 candidates, 3 folds"
    columns = "hidden_layer_sizes rank accuracy seconds per fit epochs parameters"
    assert lines[2].split() == columns.split()
    mean, std = (search.cv_results_[f"{m}_test_score"][1] for m in ("mean", "std"))
    rank = search.cv_results_["rank_test_score"][1]
    assert re.match(
        rf"\(8, 4\) +{rank} +{mean:.4f} ± {std:.4f} +0\.\d+ ± 0\.\d+ +3 +107",
        lines[2 + rank],
    )
    refit = search.refit_time_
    best = search.best_params_["mlpclassifier__hidden_layer_sizes"]
    best = f"The best: hidden_layer_sizes={best}; accuracy {search.best_score_:.4g}."
    assert lines[-2] == best
    assert lines[-1] == (
        "Fitted on all rows: 3 epochs, "
        f"{search.best_estimator_[-1].network_.n_params} parameters, {refit:.3g} seconds."
    )


def search_with(means, stds, **results):
    """Return a search over alpha with these results, as if it had been fitted."""
    n = len(means)
    search = GridSearchCV(network(), {"alpha": [0.1]}, cv=5, refit=False)
    search.n_splits_ = 5
    search.best_index_ = int(np.nanargmax(means))
    search.cv_results_ = {
        "params": [{"alpha": 10.0**-i} for i in range(n)],
        "mean_test_score": np.array(means),
        "std_test_score": np.array(stds),
        "mean_fit_time": np.linspace(0.0512, 12.3, n),
        "std_fit_time": np.full(n, 0.00123),
        **results,
    }
    return search


def test_ranks_and_candidates_within_one_standard_error():
    """The standard error of 5 folds is half of the uncorrected standard deviation."""
    search = search_with([0.90, 0.91, np.nan, 0.93, 0.925, 0.91], [0.1] * 3 + [0.04] * 3)
    report = study_report(search)
    frame = report.to_frame()
    np.testing.assert_array_equal(frame["rank"], [5, 3, np.nan, 1, 2, 3])
    assert frame["within_standard_error"].tolist() == [False, True, False, False, True, True]
    rows = str(report).splitlines()[3:9]  # sorted by rank, what failed at the end
    assert [row.split()[1] for row in rows] == ["1", "2", "3", "3", "5", "-"]
    marked = [row.endswith("within 1 SE") for row in rows]
    assert marked == [False, True, True, True, False, False]
    assert "one standard error (0.02) below" in str(report)
    rows = [attrs.get("class") for tag, attrs in Page(report.to_html()).tags if tag == "tr"]
    assert rows[1:] == ["best", "near", "near", "near", None, None]


def test_a_repeated_candidate_is_no_rival_of_the_best():
    """A search may sample the same parameters twice."""
    search = search_with([0.9, 0.93, 0.93, 0.92], [0.04] * 4)
    search.cv_results_["params"][2] = search.cv_results_["params"][1]
    frame = study_report(search).to_frame()
    assert frame["within_standard_error"].tolist() == [False, False, False, True]


@pytest.mark.parametrize(("cls", "name"), [(MLPClassifier, "accuracy"), (MLPRegressor, "r2")])
def test_the_default_score_has_a_name(cls, name):
    own = cls((4,), max_iter=3, patience=None, random_state=0)
    search = GridSearchCV(own, {"alpha": [0.1, 1.0]}, cv=2).fit(X, Y)
    report = study_report(search)
    assert str(report).splitlines()[2].split()[2] == name
    assert f"{name} by alpha" in report.to_html()
    assert "mean_test_score" in report.to_frame()  # as in cv_results_


def test_later_iterations_of_halving_rank_first():
    search = search_with([0.9, 0.95, 0.7, 0.8], [0.5] * 4, iter=np.array([0, 0, 1, 1]))
    search.best_index_ = 3  # of those that were scored with most resources
    frame = study_report(search).to_frame()
    assert frame["rank"].tolist() == [4, 3, 2, 1]
    assert frame["within_standard_error"].tolist() == [False, False, True, False]


@pytest.mark.parametrize(
    ("means", "decimals"), [([0.95, 1.0, 0.005], 4), ([-3021.4, -12.25], 1), ([250.0, 3.0], 4)]
)
def test_numbers_of_a_column_have_the_same_decimals(means, decimals):
    lines = str(study_report(search_with(means, [0.01] * len(means)))).splitlines()
    for line in lines[3 : 3 + len(means)]:
        score, std, seconds, seconds_std = re.findall(r"(-?[\d,]+\.\d+)", line)[-4:]
        assert len(score.partition(".")[2]) == len(std.partition(".")[2]) == decimals
        assert len(seconds.partition(".")[2]) == len(seconds_std.partition(".")[2]) == 4


def test_random_draws_have_the_same_digits():
    rates = [0.1, 0.012344, 0.00056789]
    lines = str(study_report(grid_search(network(), {"learning_rate": rates}))).splitlines()
    assert [line.split()[0] for line in lines[3:6]] == ["0.1000", "0.01234", "0.0005679"]
    lines = str(study_report(grid_search(network(), {"alpha": [0.1, 0.01]}))).splitlines()
    assert [line.split()[0] for line in lines[3:5]] == ["0.1", "0.01"]


def test_short_names_stay_distinct():
    estimator = make_pipeline(Labelled(), PCA(), network())
    short = {"mlpclassifier__alpha": [0.1, 1], "pca__whiten": [False, True]}
    frame = study_report(grid_search(estimator, short)).to_frame()
    assert {"alpha", "whiten"} < set(frame)
    clash = {"mlpclassifier__random_state": [0, 1], "pca__random_state": [0, 1]}
    frame = study_report(grid_search(estimator, clash)).to_frame()
    assert {"mlpclassifier__random_state", "pca__random_state"} < set(frame)


def test_parameters_of_a_schedule_keep_its_name():
    from skneural.schedules import Step

    search = grid_search(pipeline(schedule=Step()), {"mlpclassifier__schedule__period": [1, 2]})
    assert "schedule__period" in study_report(search).to_frame()


def test_only_what_varies_is_shown():
    grid = {"hidden_layer_sizes": SIZES, "alpha": [0.1]}
    frame = study_report(grid_search(network(), grid)).to_frame()
    assert "alpha" not in frame
    frame = study_report(grid_search(network(), {"alpha": [0.1]})).to_frame()
    assert list(frame["alpha"]) == [0.1]  # nothing varies: better than nothing


def test_several_grids():
    grids = [{"hidden_layer_sizes": SIZES}, {"alpha": [0.5], "activation": ["tanh"]}]
    report = study_report(grid_search(network(), grids))
    frame = report.to_frame()
    assert list(frame["alpha"].isna()) == [True, True, False]
    assert frame["hidden_layer_sizes"][2] is None
    rows = [line.split() for line in str(report).splitlines()[3:6]]
    assert ["-", "tanh", "0.5"] in [row[:3] for row in rows]


def test_size_where_a_step_before_decides_on_the_features():
    """The size is known only for candidates with as many features as the best one."""
    estimator = make_pipeline(PCA(), network())
    grid = {"pca__n_components": [2, 6], "mlpclassifier__hidden_layer_sizes": SIZES}
    search = grid_search(estimator, grid)
    frame = study_report(search).to_frame()
    best = search.best_params_["pca__n_components"]
    known = frame["n_components"] == best
    assert frame["parameters"].notna().tolist() == known.tolist()
    refit = search.best_estimator_[-1].network_.n_params
    assert frame["parameters"][search.best_index_] == refit


def test_epochs_that_a_search_does_not_record():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = grid_search(pipeline(patience=2, max_iter=20))
    report = study_report(search)
    assert report.to_frame()["epochs"].isna().all()
    rows = [line.removesuffix("best").split() for line in str(report).splitlines()[3:5]]
    assert [row[-2] for row in rows] == ["-", "-"]
    assert "epochs_scorer" in str(report)
    for ends in ({"solver": "lbfgs"}, {"target_score": 2.0, "early_stopping": True}):
        frame = study_report(grid_search(pipeline(**ends))).to_frame()
        assert frame["epochs"].isna().all()


def test_epochs_that_a_callback_ended():
    class Stop(Callback):
        def on_fit_task_end(self, estimator, context):
            return context.task_name == "epoch"

    search = grid_search(network().set_callbacks(Stop()), {"hidden_layer_sizes": SIZES})
    assert search.best_estimator_.n_iter_ == 1
    assert study_report(search).to_frame()["epochs"].isna().all()


def test_several_scores_with_epochs():
    scoring = {"loss": "neg_log_loss", "accuracy": "accuracy", "epochs": epochs_scorer}
    search = grid_search(
        network(max_iter=60, early_stopping=True, patience=2),
        {"learning_rate": [0.1, 1.0], "loss": ["log_loss", "squared_error"]},
        scoring=scoring,
        refit="accuracy",
        return_train_score=True,
    )
    report = study_report(search)
    frame, results = report.to_frame(), search.cv_results_
    np.testing.assert_array_equal(frame["epochs"], results["mean_test_epochs"])
    assert frame["epochs"].nunique() > 1
    np.testing.assert_array_equal(frame["mean_test_loss"], results["mean_test_loss"])
    np.testing.assert_array_equal(frame["std_train_accuracy"], results["std_train_accuracy"])
    assert "mean_test_epochs" not in frame
    assert report.study.score_name == "accuracy"  # that of refit comes first
    header = str(report).splitlines()[2]
    assert header.split()[:5] == ["learning_rate", "loss", "rank", "accuracy", "loss"]
    assert "epochs_scorer" not in str(report)


def test_callable_refit():
    search = grid_search(
        scoring=["accuracy", "neg_log_loss"], refit=lambda results: 0, return_train_score=True
    )
    assert list(study_report(search).to_frame()["best"]) == [True, False]


def test_without_refit():
    search = grid_search(refit=False)
    report = study_report(search)
    assert list(np.flatnonzero(report.to_frame()["best"])) == [search.best_index_]
    assert report.to_frame()["parameters"].isna().all()  # how many features is not known
    assert report.to_frame()["epochs"].tolist() == [3, 3]
    assert "<img" in report.to_html()


def test_several_scores_without_refit():
    report = study_report(grid_search(scoring=["accuracy", "neg_log_loss"], refit=False))
    assert not report.to_frame()["best"].any()
    assert "No candidate is the best: refit=False" in str(report)
    assert "best" not in str(report).splitlines()[2]
    assert 'class="best"' not in report.to_html()


def test_failed_candidates():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = grid_search(grid={"mlpclassifier__alpha": [0.1, -1.0, 0.2]})
    report = study_report(search)
    assert report.to_frame()["mean_test_score"].isna().tolist() == [False, True, False]
    last = str(report).splitlines()[5]
    assert last.split()[:3] == ["-1", "-", "failed"]
    assert report.to_frame()["epochs"].isna().tolist() == [False, True, False]
    assert "1 of 3 candidates failed" in str(report)
    assert "nan" not in report.to_html().split('<div class="pictures">')[0].lower()
    assert "failed" in report.to_markdown()


def test_search_over_estimators():
    """The search compares a network with another estimator."""
    search = GridSearchCV(
        make_pipeline(StandardScaler(), "passthrough").set_params(passthrough=network()),
        {"passthrough": [network(), LogisticRegression()]},
        cv=3,
    ).fit(X, Y)
    frame = study_report(search).to_frame()
    assert frame["epochs"].isna().tolist() == [False, True]
    assert "LogisticRegression()" in str(study_report(search))


def test_regressor_in_a_target_transformer():
    reg = MLPRegressor((4,), max_iter=3, patience=None, random_state=0)
    wrapped = TransformedTargetRegressor(
        make_pipeline(StandardScaler(), reg),
        func=np.cbrt,
        inverse_func=np.power,
        check_inverse=False,
    )
    wrapped.set_params(inverse_func=lambda y: y**3)
    grid = {"regressor__mlpregressor__hidden_layer_sizes": SIZES}
    search = GridSearchCV(wrapped, grid, cv=3, scoring="neg_mean_squared_error").fit(X, X[:, 0])
    frame = study_report(search).to_frame()
    assert frame["hidden_layer_sizes"].tolist() == SIZES
    assert frame["parameters"].tolist() == [7 * 4 + 5, 7 * 8 + 9 * 4 + 5]
    assert (frame["mean_test_neg_mean_squared_error"] < 0).all()


def test_cross_validate():
    folds = cross_validate(pipeline(), X, Y, cv=4, return_estimator=True, n_jobs=2)
    report = study_report(folds)
    frame = report.to_frame()
    assert len(frame) == 1
    assert frame["mean_test_score"][0] == pytest.approx(folds["test_score"].mean())
    assert frame["std_test_score"][0] == pytest.approx(folds["test_score"].std())
    assert frame["epochs"][0] == 3
    assert frame["parameters"][0] == N_PARAMETERS[0]
    assert not frame["best"].any()
    assert "MLPClassifier, 4 folds" in str(report)
    assert all(f"{score:.4g}" in str(report) for score in folds["test_score"])
    assert report.to_html().count("<img") == 1  # the training of a fold


def test_cross_validate_without_estimators():
    scoring = {"f1": "f1_macro", "epochs": epochs_scorer, "accuracy": "accuracy"}
    folds = cross_validate(pipeline(), X, Y, cv=3, scoring=scoring, return_train_score=True)
    frame = study_report(folds).to_frame()
    assert frame["mean_train_f1"][0] == pytest.approx(folds["train_f1"].mean())
    assert frame["mean_test_accuracy"][0] == pytest.approx(folds["test_accuracy"].mean())
    assert frame["epochs"][0] == 3
    assert frame["parameters"].isna().all()
    assert "<table>" in study_report(folds).to_html()


def test_markdown():
    search = grid_search()
    lines = study_report(search).to_markdown().splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 4
    assert table[1] == "| :-- | --: | --: | --: | --: | --: | --: |"
    assert table[2].startswith("| **(")  # the best comes first
    assert table[2].endswith("| **best** |")


@pytest.fixture(scope="module")
def nasty():
    estimator = make_pipeline(Labelled(), network())
    return study_report(grid_search(estimator, {"labelled__label": [NASTY, "`_x_`"]}))


def test_html_is_escaped(nasty):
    html = nasty.to_html()
    page = Page(html)
    assert "script" not in [tag for tag, _ in page.tags]
    assert NASTY in page.text
    assert "&lt;script&gt;alert(&#x27;&amp;&#x27;)" in html
    assert NASTY in Page(nasty._repr_html_()).text


def test_html_title_is_escaped():
    scoring = {"<b>&": "accuracy", 'x" onload="y': "accuracy"}
    html = study_report(grid_search(scoring=scoring, refit='x" onload="y')).to_html()
    tags = Page(html).tags
    assert "b" not in [tag for tag, _ in tags]
    assert not [attrs for _, attrs in tags if "onload" in attrs]
    assert 'x" onload="y by hidden_layer_sizes' in [attrs.get("alt") for _, attrs in tags]


def test_markdown_is_escaped(nasty):
    rows = nasty.to_markdown().splitlines()[4:6]
    assert r"&lt;script&gt;alert('&amp;')&lt;/script&gt; " in rows[0]
    assert r"\|$\*" in rows[0]
    assert r"\`\_x\_\`" in rows[1]
    for row in rows:  # as many cells as the header
        assert len(re.findall(r"(?<!\\)\|", row)) == len(nasty._table()[0]) + 1


def test_page_is_self_contained(tmp_path):
    report = study_report(grid_search())
    path = tmp_path / "study.html"
    assert report.to_html(path) is None
    html = path.read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>")
    page = Page(html)
    assert ("meta", {"charset": "utf-8"}) in page.tags
    viewport = {"name": "viewport", "content": "width=device-width, initial-scale=1"}
    assert ("meta", viewport) in page.tags
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert len(images) == 3
    for image in images:
        assert image["src"].startswith("data:image/png;base64,iVBOR")
        assert image["alt"]
    assert not re.search(r'(src|href)="(?!data:)|url\(|@import', html)
    assert 'class="table"' in html
    assert "overflow-x: auto" in html
    assert "The table scrolls sideways." in html  # shown on a phone
    assert "prefers-color-scheme: dark" in html


def test_pictures_leave_no_open_figures():
    plt = pytest.importorskip("matplotlib.pyplot")
    before = plt.get_fignums()
    study_report(grid_search()).to_html()
    assert plt.get_fignums() == before


def test_a_picture_for_each_of_many_parameters():
    grid = {"alpha": [0.1, 1], "activation": ["relu", "tanh"], "batch_norm": [False, True]}
    html = study_report(grid_search(network(), grid)).to_html()
    alts = [attrs["alt"] for tag, attrs in Page(html).tags if tag == "img"]
    assert alts == [
        "accuracy by activation",
        "accuracy by alpha",
        "accuracy by batch_norm",
        "accuracy and what it costs",
        "Training of the best, on all rows",
    ]


def test_long_values_are_shortened():
    grid = {"labelled__label": ["x" * 500, "a\nb"]}
    text = str(study_report(grid_search(make_pipeline(Labelled(), network()), grid)))
    assert max(map(len, text.splitlines())) < 200
    assert "a b" in text


@pytest.mark.parametrize(
    ("search", "error", "words"),
    [
        (GridSearchCV(MLPClassifier(), {"alpha": [1]}), NotFittedError, "GridSearchCV is not"),
        (MLPClassifier(), TypeError, "cross_validate returns, got MLPClassifier"),
        ([1, 2], TypeError, r"GridSearchCV.*got \[1, 2\]"),
        ({"fit_time": [1.0]}, ValueError, r"'test_score'.*got the keys \['fit_time'\]"),
        ({}, ValueError, r"got the keys \[\]"),
    ],
)
def test_bad_input(search, error, words):
    with pytest.raises(error, match=words):
        study_report(search)


@pytest.mark.parametrize(
    ("module", "method", "words"),
    [
        ("pandas", "to_frame", "to_frame needs pandas: pip install pandas"),
        ("matplotlib", "to_html", "to_html needs matplotlib: pip install matplotlib"),
    ],
)
def test_missing_package(monkeypatch, module, method, words):
    report = study_report(grid_search())
    import_anything = builtins.__import__

    def import_but(name, *args, **kwargs):
        if name.partition(".")[0] == module:
            raise ImportError(name)
        return import_anything(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", import_but)
    with pytest.raises(ImportError, match=words):
        getattr(report, method)()
    assert "best" in str(report)  # the table needs neither
    assert "best" in report._repr_html_()
