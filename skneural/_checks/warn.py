"""Warnings that refer to a line of the user's program."""

import os
import sys
import warnings
from pathlib import Path

import joblib
import sklearn

# fit is called through decorators of scikit-learn, and often by a Pipeline or by a search,
# which uses joblib
_LIBRARIES = tuple(
    f"{folder}{os.sep}"
    for folder in (
        Path(__file__).parents[1],
        Path(sklearn.__file__).parent,
        Path(joblib.__file__).parent,
    )
)


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Give a warning for the innermost line outside this package, scikit-learn and joblib."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_LIBRARIES):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
