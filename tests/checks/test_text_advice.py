"""Advice in messages about text, and about missing values in sparse X."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.ensemble import BaggingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneural import ConvNetRegressor, MLPRegressor

TABLE = {
    "x": np.linspace(-1, 1, 20).tolist(),
    "n": [0, 1] * 10,
    "c": list("ab") * 10,
    "d": list("uuvv") * 5,
}
FRAME = pd.DataFrame(TABLE)
Y = np.arange(20.0)


def make(**params):
    return MLPRegressor((4,), max_iter=1, patience=None, random_state=0, **params)


def message(estimator, X, y=Y):
    with pytest.raises((ValueError, TypeError)) as info:
        estimator.fit(X, y)
    return str(info.value)


def test_text_behind_a_column_transformer_is_to_be_passed_as_a_frame_or_chosen():
    columns = make_column_transformer((StandardScaler(), ["x"]), remainder="passthrough")
    said = message(make_pipeline(columns, make()), FRAME)
    assert "Tfidf" not in said
    assert "set_output(transform='pandas')" in said
    assert said.endswith("Or write categorical_features=[2, 3].")
    make(categorical_features=[2, 3]).fit(columns.fit_transform(FRAME), Y)
    columns.set_output(transform="pandas")
    make_pipeline(columns, make()).fit(FRAME, Y)


def test_text_that_an_ensemble_has_made_an_array():
    said = message(BaggingRegressor(make(), n_estimators=2), FRAME)
    assert "categorical_features=[2, 3]" in said
    chosen = make(categorical_features=[2, 3])
    BaggingRegressor(chosen, n_estimators=2).fit(FRAME, Y)


@pytest.mark.parametrize("as_column", [True, False])
def test_texts_are_to_be_counted(as_column):
    texts = [f"a sentence with the number {i}" for i in range(20)]
    assert "TfidfVectorizer" in message(
        make(), [[text] for text in texts] if as_column else texts
    )


def test_dates_and_networks_without_tables():
    dates = pd.DataFrame({"day": pd.date_range("2020-01-01", periods=20)})
    assert message(make(), dates).endswith("differences in days.")
    assert "with OneHotEncoder" in message(ConvNetRegressor(), FRAME.to_numpy())


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("chosen", [["n"], [1], [False, True, False, False]], ids=str)
def test_columns_of_text_that_a_choice_leaves_out_are_named(frame, chosen):
    said = message(make(categorical_features=chosen), frame(TABLE))
    assert "without 'c', 'd'. Write categorical_features=['n', 'c', 'd']." in said
    make(categorical_features=["n", "c", "d"]).fit(frame(TABLE), Y)


def test_columns_of_an_array_that_a_choice_leaves_out_have_indices():
    said = message(make(categorical_features=[1]), FRAME.to_numpy())
    assert "without 2, 3. Write categorical_features=[1, 2, 3]." in said


def test_a_frame_with_text_where_no_column_is_chosen():
    said = message(make(categorical_features=None), FRAME)
    columns = "for the columns with text: 'c', 'd'."
    assert said.endswith(f"Write categorical_features='from_dtype', {columns}")


def test_text_after_a_fit_on_numbers_is_not_advised_to_be_chosen():
    own = make().fit(FRAME[["x", "n"]].to_numpy(), Y)
    with pytest.raises(ValueError, match=r"text. Pass numbers, as in fit\.$"):
        own.predict(FRAME[["c", "d"]].to_numpy())


@pytest.mark.parametrize("fitted_on", ["numbers", "missing", "sparse"])
def test_missing_values_of_a_sparse_matrix_have_a_reason_and_a_remedy(fitted_on):
    holes = sparse.csr_array([[1.0, np.nan], [0.0, 2.0]] * 10)
    X = {
        "numbers": np.nan_to_num(holes.toarray()),
        "missing": holes.toarray(),
        "sparse": sparse.csr_array(np.nan_to_num(holes.toarray())),
    }[fitted_on]
    remedy = "sparse, got NaN in 10 entries.*SimpleImputer.*a DataFrame"
    own = make().fit(X, Y)
    with pytest.raises(ValueError, match=remedy):
        own.predict(holes)
    with pytest.raises(ValueError, match=remedy):
        make().fit(holes, Y)
