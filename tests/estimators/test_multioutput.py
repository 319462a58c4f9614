"""Several columns of labels, with one head for each, and the conventions of scikit-learn."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.multioutput import MultiOutputClassifier
from sklearn.utils.class_weight import compute_sample_weight

from skneural import MLPClassifier
from skneural._network.losses.classification import CLASSIFIER_LOSSES, MultiHead

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4))
# 3, 2 and 4 labels, of which no column needs to know another
Y = np.c_[(X[:, 0] > 0) * 1 + (X[:, 1] > 0), X[:, 2] > 0, 5 + np.digitize(X[:, 3], [-1, 0, 1])]
CLASSES = [[0, 1, 2], [0, 1], [5, 6, 7, 8]]
TEXT = np.column_stack([np.array(list("abcdefghi"))[Y[:, k]] for k in range(3)])


def make(**params):
    defaults = {"hidden_layer_sizes": (16,), "learning_rate": 0.02, "batch_size": 30}
    defaults |= {"schedule": "constant", "alpha": 1e-4}
    return MLPClassifier(
        **{**defaults, "max_iter": 30, "patience": None, "random_state": 0, **params}
    )


def assert_same_lists(one, other, **tolerance):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, **tolerance)


@pytest.mark.parametrize("y", [Y, TEXT, TEXT.astype(object)], ids=["int", "text", "object"])
def test_looks_like_a_random_forest(y):
    own = make().fit(X, y)
    forest = RandomForestClassifier(5, random_state=0).fit(X, y)
    for ours, theirs in zip(own.classes_, forest.classes_, strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype
    predicted = own.predict(X)
    assert predicted.shape == y.shape
    assert predicted.dtype == y.dtype
    proba, log_proba = own.predict_proba(X), own.predict_log_proba(X)
    assert [p.shape for p in proba] == [p.shape for p in forest.predict_proba(X)]
    for k, p in enumerate(proba):
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
        np.testing.assert_allclose(np.exp(log_proba[k]), p, rtol=1e-12)
        np.testing.assert_array_equal(own.classes_[k][p.argmax(axis=1)], predicted[:, k])
    assert [z.shape for z in own.decision_function(X)] == [(120, 3), (120,), (120, 4)]
    np.testing.assert_array_equal(own.decision_function(X)[1] > 0, proba[1][:, 1] > 0.5)
    for p in make().fit(X, y[:, 1:]).predict_proba(X):
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    assert (own.n_outputs_, own.out_activation_) == (8, ("softmax", "logistic", "softmax"))


@pytest.mark.parametrize("loss", CLASSIFIER_LOSSES)
def test_a_linear_network_of_two_heads_is_two_networks(loss):
    start = RNG.normal(size=(4, 7)), RNG.normal(size=7)
    own = make(hidden_layer_sizes=(), loss=loss, batch_size=120, solver="sgd", alpha=0.1)
    both = clone(own).fit(X, Y[:, [0, 2]], coefs_init=[start[0]], intercepts_init=[start[1]])
    total = 0
    for k, (column, part) in enumerate([(0, slice(0, 3)), (2, slice(3, 7))]):
        coefs, intercepts = [start[0][:, part]], [start[1][part]]
        one = clone(own).fit(X, Y[:, column], coefs_init=coefs, intercepts_init=intercepts)
        np.testing.assert_allclose(both.coefs_[0][:, part], one.coefs_[0], rtol=1e-9)
        np.testing.assert_allclose(
            both.decision_function(X)[k], one.decision_function(X), rtol=1e-9, atol=1e-12
        )
        np.testing.assert_array_equal(both.predict(X)[:, k], one.predict(X))
        total += np.array(one.loss_curve_)
    np.testing.assert_allclose(both.loss_curve_, total, rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", CLASSIFIER_LOSSES)
@pytest.mark.parametrize("others", range(2, 17))
def test_a_head_of_one_column_beside_others(others, loss, dtype):
    """np.negative of NumPy 2.4.6 fails for one column of 4 in float32, or of 8 in float64."""
    of_column, of_one_hot = (kind() for kind in CLASSIFIER_LOSSES[loss])
    heads = MultiHead([of_one_hot, of_column], [others, 1])
    z = RNG.normal(size=(30, others + 1)).astype(dtype)
    y = np.c_[np.eye(others)[RNG.integers(0, others, 30)], RNG.integers(0, 2, 30)].astype(dtype)
    gradient, alone = np.empty_like(z), np.empty((30, 1), dtype)
    heads.loss_gradient(y, z, gradient_out=gradient)
    of_column.loss_gradient(y[:, -1:].copy(), z[:, -1:].copy(), gradient_out=alone)
    tolerance = {"rtol": 1e-5, "atol": 1e-7}
    np.testing.assert_allclose(gradient[:, -1:], alone, **tolerance)
    predicted = heads.predict(z, out=np.empty_like(z))
    expected = of_column.predict(z[:, -1:].copy(), out=alone)
    np.testing.assert_allclose(predicted[:, -1:], expected, **tolerance)


@pytest.mark.parametrize("loss", CLASSIFIER_LOSSES)
def test_learns_every_column(loss):
    own = make(loss=loss, max_iter=100, hidden_layer_sizes=(32,)).fit(X, Y)
    assert (own.predict(X) == Y).mean(axis=0).min() > 0.9
    assert hasattr(own, "predict_proba") == (loss in ("log_loss", "squared_error"))


def test_score_counts_the_rows_that_are_all_right():
    own = make(max_iter=10).fit(X, Y)
    right = (own.predict(X) == Y).all(axis=1)
    assert 0.1 < right.mean() < (own.predict(X) == Y).mean(axis=0).min()
    assert own.score(X, Y) == right.mean()
    weight = RNG.uniform(size=120)
    assert own.score(X, Y, sample_weight=weight) == pytest.approx(right @ weight / weight.sum())
    assert own.score(X, pd.DataFrame(Y)) == own.score(X, sparse.csr_array(Y)) == right.mean()
    for y in (Y[:, 0], Y[:, :2], Y[1:]):
        with pytest.raises(ValueError, match=r"y must have shape \(120, 3\), got"):
            own.score(X, y)


def test_a_matrix_of_0_and_1_remains_multilabel():
    own = make().fit(X, Y[:, [1, 1]])
    assert own.predict_proba(X).shape == (120, 2)
    np.testing.assert_array_equal(own.classes_, [0, 1])
    of_text = make().fit(X, Y[:, [1, 1]].astype(str))  # text is never an indicator
    assert [p.shape for p in of_text.predict_proba(X)] == [(120, 2), (120, 2)]


@pytest.mark.parametrize("container", [pd.DataFrame, sparse.csr_array, np.ndarray.tolist])
def test_containers_of_y(container):
    plain, own = make().fit(X, Y), make().fit(X, container(Y))
    np.testing.assert_array_equal(own.network_.theta, plain.network_.theta)


def test_three_partial_fits_equal_one_fit():
    whole, own = make(max_iter=3).fit(X, Y), make(max_iter=3)
    for _ in range(3):
        own.partial_fit(X, Y, classes=CLASSES)
    np.testing.assert_array_equal(own.network_.theta, whole.network_.theta)
    assert own.loss_curve_ == whole.loss_curve_
    warm = make(max_iter=1, warm_start=True).fit(X, Y).fit(X, Y).fit(X, Y)
    np.testing.assert_array_equal(warm.network_.theta, whole.network_.theta)
    own.partial_fit(X, Y)
    assert own.n_iter_ == 4


def test_the_first_call_decides_what_y_is():
    """A part of the data may look like a label indicator matrix, or contain only one label."""
    bits = (Y[:, 0] < 2) & (Y[:, 1] < 2)
    first = make().partial_fit(X[bits], Y[bits, :2], classes=CLASSES[:2])
    assert [p.shape[1] for p in first.predict_proba(X)] == [3, 2]
    later = make().partial_fit(X, Y[:, :2], classes=CLASSES[:2])
    later.partial_fit(X[bits], Y[bits, :2]).partial_fit(X[:1], Y[:1, :2])
    assert later.predict(X).shape == (120, 2)
    assert later.n_iter_ == 3
    given = {"X_val": X[bits], "y_val": Y[bits, :2]}
    own = make().fit(X, Y[:, :2], **given)
    assert own.best_validation_score_ == own.score(X[bits], Y[bits, :2])
    two = make().partial_fit(X, Y[:, [1, 1]], classes=[[0, 1], [0, 1]])
    assert [p.shape for p in two.predict_proba(X)] == [(120, 2), (120, 2)]


def test_columns_of_text_and_of_numbers():
    frame = pd.DataFrame({"a": TEXT[:, 0], "b": Y[:, 2]})
    own = make().fit(X, frame)
    assert {type(label) for label in own.predict(X)[0]} == {str, int}
    assert own.score(X, frame) > 0.8
    parts = make()
    for _ in range(own.n_iter_):
        parts.partial_fit(X, frame, classes=[frame["a"].unique(), frame["b"].unique()])
    np.testing.assert_array_equal(parts.predict(X), own.predict(X))
    with pytest.raises(TypeError, match="y must contain only text or only numbers"):
        make().fit(X, np.array(["a", 1] * 60, dtype=object))


@pytest.mark.parametrize("weighted", [False, True])
def test_class_weight_multiplies_the_columns(weighted):
    dicts = [{0: 1.0, 1: 2.0, 2: 0.5}, {0: 3.0, 1: 1.0}, {5: 1.0, 6: 0.0, 7: 2.0, 8: 1.0}]
    own_weight = RNG.uniform(0.5, 2, 120) if weighted else None
    for class_weight in (dicts, "balanced"):
        own = make(class_weight=class_weight).fit(X, Y, sample_weight=own_weight)
        weight = compute_sample_weight(class_weight, Y) * (own_weight if weighted else 1)
        plain = make().fit(X, Y, sample_weight=weight)
        assert_same_lists(own.predict_proba(X), plain.predict_proba(X), rtol=1e-9)
    # labels of a multilabel problem can be weighted likewise
    bits, dicts = Y[:, [1, 1]], [{0: 1.0, 1: 2.0}, {0: 3.0, 1: 1.0}]
    own = make(class_weight=dicts).fit(X, bits)
    plain = make().fit(X, bits, sample_weight=compute_sample_weight(dicts, bits))
    assert_same_lists(own.predict_proba(X), plain.predict_proba(X), rtol=1e-9)


def test_early_stopping_watches_the_share_of_rows_all_right():
    own = make(early_stopping=True, validation_fraction=0.25, patience=20, max_iter=200)
    rare = Y.copy()
    rare[0, 0] = 9  # would stop a stratified split
    own.fit(X, rare)
    assert own.n_iter_ < 200
    assert own.best_validation_score_ > 0.5
    given = make().fit(X[:80], Y[:80], X_val=X[80:], y_val=Y[80:])
    assert given.score(X[80:], Y[80:]) == given.best_validation_score_
    of_frame = make().fit(X[:80], Y[:80], X_val=X[80:], y_val=pd.DataFrame(Y[80:]))
    assert of_frame.validation_scores_ == given.validation_scores_


def test_in_the_tools_of_scikit_learn():
    scores = cross_val_score(make(), X, TEXT, cv=3)
    assert scores.mean() > 0.5
    search = GridSearchCV(make(), {"hidden_layer_sizes": [(), (16,)]}, cv=3).fit(X, TEXT)
    assert search.best_score_ >= scores.mean()
    assert search.score(X, TEXT) == search.best_estimator_.score(X, TEXT)
    proba = cross_val_predict(make(), X, Y, cv=3, method="predict_proba")
    assert [p.shape for p in proba] == [(120, 3), (120, 2), (120, 4)]
    assert (MultiOutputClassifier(make()).fit(X, Y).predict(X) == Y).mean() > 0.95


def test_clone_and_pickle():
    own = make(class_weight=[{0: 2.0, 1: 1.0, 2: 1.0}, {0: 1.0, 1: 1.0}]).fit(X, Y[:, :2])
    again = pickle.loads(pickle.dumps(own))
    assert_same_lists(again.predict_proba(X), own.predict_proba(X), rtol=0)
    assert not hasattr(clone(own), "classes_")
    again.partial_fit(X, Y[:, :2])
    own.partial_fit(X, Y[:, :2])
    np.testing.assert_array_equal(again.network_.theta, own.network_.theta)


def test_float32_and_csr():
    own = make(dtype="float32").fit(sparse.csr_array(X), Y)
    assert {p.dtype.name for p in own.predict_proba(X)} == {"float32"}
    assert own.score(X, Y) > 0.8


# ------------------------------------------------------------------------------- refused

CHANGED = Y.copy()
CHANGED[3, 2] = 9
ONE_LABEL = Y * [1, 0, 1]
FIRST = {
    "not told": (Y, None, "classes must be a list of 3 arrays of labels, .* got None"),
    "flat": (Y, [0, 1, 2], "classes must be a list of 3 arrays .* got \\[0, 1, 2\\]"),
    "too few": (Y, CLASSES[:2], "y must have 2 columns of labels, .* got shape \\(120, 3\\)"),
    "one column": (Y[:, 0], CLASSES, "y must have 3 columns .* got shape \\(120,\\)"),
    "one label": (Y, [*CLASSES[:2], [5]], "Column 2 of y: classes .* at least 2 .* \\[5\\]"),
    "ragged": (Y, [*CLASSES[:2], [[5, 6], 7]], "classes must be a list of 3 arrays"),
    "not in": (CHANGED, CLASSES, r"Column 2 of y: y has labels \[9\] .* not in classes"),
    "text": (TEXT, CLASSES, r"Column 0 of y: y has labels \['a', 'b', 'c'\] .* not in"),
}


@pytest.mark.parametrize(("y", "classes", "message"), FIRST.values(), ids=FIRST)
def test_a_first_partial_fit_is_refused(y, classes, message):
    own = make()
    with pytest.raises(ValueError, match=message):
        own.partial_fit(X, y, classes=classes)
    assert vars(own) == vars(make())


LATER = {
    "one column": (Y[:, 0], None, r"y must have 3 columns .* got shape \(120,\)"),
    "two columns": (Y[:, :2], None, r"y must have 3 columns .* got shape \(120, 2\)"),
    "new label": (CHANGED, None, r"Column 2 of y: y has labels \[9\]"),
    "real": (Y + 0.5, None, r"Column 0 of y: y has labels \[0.5"),
    "other classes": (Y, [*CLASSES[:2], [5, 6, 7]], "Column 2 of y: classes=.* not the same"),
    "flat": (Y, [0, 1, 2], "classes must be a list of 3 arrays"),
}


@pytest.mark.parametrize(("y", "classes", "message"), LATER.values(), ids=LATER)
def test_a_later_partial_fit_is_refused(y, classes, message):
    own = make(max_iter=1).fit(X, Y)
    before = vars(own).copy()
    with pytest.raises(ValueError, match=message):
        own.partial_fit(X, y, classes=classes)
    assert vars(own) == before


WARM = {
    "one column": (Y[:, 0], r"y must have 3 columns .* got shape \(120,\)"),
    "one label": (ONE_LABEL, r"Column 1 of y: With warm_start=True .* \[0 1\], got \[0\]"),
    "new label": (CHANGED, r"Column 2 of y: With warm_start=True .* got \[5 6 7 8 9\]"),
}


@pytest.mark.parametrize(("y", "message"), WARM.values(), ids=WARM)
def test_a_warm_start_needs_the_same_labels(y, message):
    own = make(max_iter=1, warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match=message):
        own.fit(X, y)


@pytest.mark.parametrize("first", [Y[:, 0], Y[:, [1, 1, 1]]], ids=["column", "indicator"])
def test_the_kind_of_target_stays(first):
    own = make(max_iter=1, warm_start=True).fit(X, first)
    for train in (own.fit, own.partial_fit):
        with pytest.raises(ValueError, match=r"same kind .*; got several columns of labels"):
            train(X, Y)


def test_a_column_of_one_label_is_refused_by_name():
    with pytest.raises(ValueError, match=r"Column 1 of y: .* at least 2 classes; .* 1 class"):
        make().fit(X, ONE_LABEL)


def test_validation_labels_are_refused_by_name_and_column():
    with pytest.raises(ValueError, match=r"y_val: Column 2 of y: .* \[9\] .* not in classes"):
        make().fit(X, Y, X_val=X, y_val=CHANGED)
    with pytest.raises(ValueError, match=r"y_val: .* 3 columns .* got shape \(120,\)"):
        make().fit(X, Y, X_val=X, y_val=Y[:, 0])


BAD_CLASS_WEIGHTS = [
    (Y, {0: 1.0}, "a list of dicts, one per column, if it has several"),
    (Y, [{0: 1.0}], "a dict for each of the 3 columns of y, got 1"),
    (Y, [{0: 1.0}, {0: -1.0}, {}], r"class_weight\[0\] must be .* >= 0"),
    (Y[:, 0], [{0: 1.0}], "class_weight must be a dict if y is one column"),
    (Y, [], "class_weight must be .* list of such dicts"),
]


@pytest.mark.parametrize(("y", "class_weight", "message"), BAD_CLASS_WEIGHTS)
def test_class_weight_must_fit_the_columns(y, class_weight, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make(class_weight=class_weight).fit(X, y)
