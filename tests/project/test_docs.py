"""The code on the pages of docs/, and the names that they promise to have."""

import doctest
import inspect
import re
from pathlib import Path

import pytest
from sklearn import neural_network

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [
    path
    for path in [*DOCS.glob("*.md"), *DOCS.glob("guide/*.md")]
    if ">>>" in path.read_text("utf-8")
]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_code_of_a_page(path):
    text = re.sub("^```.*", "", path.read_text("utf-8"), flags=re.MULTILINE)
    examples = doctest.DocTestParser().get_doctest(text, {}, path.name, str(path), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert runner.run(examples) == (0, len(examples.examples))
    assert len(examples.examples) > 5


def test_every_chapter_has_code_a_formula_a_picture_and_is_in_the_table_of_contents():
    chapters = {path.stem for path in DOCS.glob("guide/*.md")} - {"index"}
    index = (DOCS / "guide/index.md").read_text("utf-8")
    toctree = re.search(r"```{toctree}(.*?)```", index, re.DOTALL)[1].split()
    assert set(toctree[1:]) == chapters
    assert {path.stem for path in PAGES} >= chapters
    pictures = set()
    for name in chapters:
        text = (DOCS / f"guide/{name}.md").read_text("utf-8")
        assert "$" in text or name == "watching"
        found = re.findall(r"^\.\. plot:: (\S+)$", text, re.MULTILINE)
        assert found, f"{name} has no picture"
        assert text.count("   :alt: ") == len(found)
        pictures |= set(found)
    drawn = {path.name for path in DOCS.glob("guide/pictures/[!_]*.py")}
    assert pictures == drawn


def test_the_guide_leads_to_every_example():
    index = (DOCS / "guide/index.md").read_text("utf-8")
    linked = set(re.findall(r"gallery/(plot_\w+)\.rst", index))
    assert linked == {path.stem for path in DOCS.parent.glob("examples/plot_*.py")}


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_the_table_of_names_has_all_that_scikit_learns_networks_have(name):
    text = (DOCS / "moving.md").read_text("utf-8")
    table = text[text.index("## From scikit-learn") : text.index("## From skorch")]
    there = set(re.findall(r"`(\w+)", table))
    theirs = getattr(neural_network, name)
    assert theirs().get_params().keys() <= there
    attributes = re.findall(r"^(\w+_) :", inspect.getdoc(theirs), re.MULTILINE)
    assert len(attributes) > 10
    assert set(attributes) <= there
