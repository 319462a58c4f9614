"""The code on the pages of docs/."""

import doctest
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def test_user_guide():
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    done = doctest.testfile(str(DOCS / "guide.md"), module_relative=False, optionflags=flags)
    assert done.attempted > 30
    assert done.failed == 0
