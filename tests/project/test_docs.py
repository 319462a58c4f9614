"""The code in README and docs/ runs, and the names that they mention exist."""

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from _run_page import run_page
from sklearn import config_context, neural_network

plt = pytest.importorskip("matplotlib.pyplot")

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [
    path
    for path in [ROOT / "README.md", *DOCS.glob("*.md"), *DOCS.glob("guide/*.md")]
    if "```python" in path.read_text("utf-8")
]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], bool]]:
    """Return a function that runs the code of a page in an empty folder."""
    plt.switch_backend("agg")
    monkeypatch.chdir(tmp_path)
    with config_context():  # what a page sets holds for this page alone
        yield run_page
    plt.close("all")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_code_of_a_page(path, run):
    assert run(path)


@pytest.mark.parametrize(
    "page",
    [
        "```python\n>>> 1 + 1\n3\n```\n",
        "```python\nprint(1 + 1)\n```\n\n```text\n3\n```\n",
        "```python\nprint(undefined)\n```\n",
        "```python\nimport warnings\nwarnings.warn('old')\n```\n",
        "<!-- needs: numpy -->\n```python\n1 / 0\n```\n",
        "```python\n1 / 0\n```\n\n```python\nprint(1)\n```\n",
    ],
    ids=["doctest", "output", "undefined", "warning", "needs", "first"],
)
def test_wrong_code_of_a_page_is_found(page, run, tmp_path):
    path = tmp_path / "page.md"
    path.write_text(page)
    assert not run(path)


def test_code_that_needs_a_package_that_is_not_installed_is_left_out(run, tmp_path, capsys):
    path = tmp_path / "page.md"
    path.write_text("<!-- needs: numpy, no_such_package -->\n```python\n1 / 0\n```\n")
    assert run(path)
    assert "no_such_package" in capsys.readouterr().out


def pages_under(caption: str) -> set[str]:
    """Return the pages under a caption in the table of contents of the guide."""
    index = (DOCS / "guide/index.md").read_text("utf-8")
    return set(re.search(rf":caption: {caption}\n(.*?)```", index, re.DOTALL)[1].split())


def test_every_page_of_the_guide_is_in_its_table_of_contents_and_has_code():
    tasks, theory = pages_under("Tasks"), pages_under("Theory")
    here = {page for page in tasks | theory if not page.startswith("../")}
    assert here == {path.stem for path in DOCS.glob("guide/*.md")} - {"index"}
    assert {path.stem for path in PAGES} >= here


def test_every_chapter_of_the_theory_has_a_formula_and_a_picture():
    pictures, theory = set(), pages_under("Theory")
    for path in DOCS.glob("guide/*.md"):
        text, name = path.read_text("utf-8"), path.stem
        found = re.findall(r"^\.\. plot:: (\S+)$", text, re.MULTILINE)
        if name in theory:
            assert "$" in text or name == "watching"
            assert found, f"{name} has no picture"
        assert text.count("   :alt: ") == len(found)
        pictures |= set(found)
    drawn = {path.name for path in DOCS.glob("guide/pictures/[!_]*.py")}
    assert pictures == drawn


def test_the_guide_leads_to_every_example():
    index = (DOCS / "guide/index.md").read_text("utf-8")
    linked = set(re.findall(r"gallery/\w+/(plot_\w+)\.rst", index))
    assert linked == {path.stem for path in DOCS.parent.glob("examples/*/plot_*.py")}


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
