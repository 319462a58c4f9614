"""SciPy reads SCIPY_ARRAY_API on import; without it, array API checks are skipped."""

import os

import pytest

os.environ["SCIPY_ARRAY_API"] = "1"

# a script that needs PyTorch, and computed what the tests compare with
collect_ignore = ["data/losses_and_links.py", "data/embeddings.py"]


@pytest.fixture(params=["compiled", "numpy"])
def engine(request, monkeypatch):
    """Run a test on each engine, and return the name of the engine."""
    from skneural._engine import program

    if request.param == "numpy":
        monkeypatch.setattr(program, "native", None)
    elif program.native is None:
        pytest.skip("there is no compiled engine here")
    return request.param
