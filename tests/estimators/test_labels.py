"""Warnings of classifiers about labels that look like targets of a regression."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from skneural import ConvNetClassifier, MLPClassifier

X, Y = load_diabetes(return_X_y=True)  # 442 rows of 214 whole numbers


def make(cls, **params):
    return cls(max_iter=2, patience=None, random_state=0, **params)


@pytest.mark.parametrize("cls", [MLPClassifier, ConvNetClassifier])
@pytest.mark.parametrize("n_samples", [len(X), 100])  # 100 rows have 75 classes
def test_one_warning_of_more_classes_than_a_third_of_the_rows(cls, n_samples):
    words = rf"unique classes, \d+, .* samples, {n_samples}\..*regression problem"
    with pytest.warns(UserWarning, match=words) as caught:
        make(cls).fit(X[:n_samples], Y[:n_samples])
    assert [warning.filename for warning in caught] == [__file__]


def test_a_column_of_many_classes():
    y = np.column_stack([Y, Y > 100])
    with pytest.warns(UserWarning, match="regression problem") as caught:
        make(MLPClassifier).fit(X, y)
    assert len(caught) == 1


def test_silent_where_three_rows_have_a_class_each():
    make(MLPClassifier).fit(X[:441], np.arange(441) // 3)


def test_few_rows_and_parts_of_the_data_say_nothing():
    """There are as many classes as sampled rows, but other rows may have the same classes."""
    y = np.arange(20)
    make(MLPClassifier).fit(X[:20], y)
    labels = np.arange(60)
    own = make(MLPClassifier)
    own.partial_fit(X[:60], labels, classes=labels)
    many, y_many = np.tile(X[:60], (3, 1)), np.tile(labels, 3)
    own.fit(many, y_many, X_val=X[:60], y_val=labels)


def test_real_numbers_are_no_classes():
    with pytest.raises(ValueError, match=r"Unknown label type: continuous.*regressor"):
        make(MLPClassifier).fit(X, Y / 7)
