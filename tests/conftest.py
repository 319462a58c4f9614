"""SciPy reads SCIPY_ARRAY_API on import; scikit-learn skips array API checks without it."""

import os
import threading

import pytest

os.environ["SCIPY_ARRAY_API"] = "1"


@pytest.fixture
def no_part_is_left():
    """No thread that worked on a part of something outlives a test."""
    yield
    assert not [t for t in threading.enumerate() if t.name == "skneural-part"]
