"""The code on the pages of docs/."""

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.parametrize(("page", "n_examples"), [("guide", 30), ("sweeps", 8)])
def test_code_on_pages(page, n_examples):
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    done = doctest.testfile(str(DOCS / f"{page}.md"), module_relative=False, optionflags=flags)
    assert done.attempted > n_examples
    assert done.failed == 0
