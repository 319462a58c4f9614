"""Links in README, CONTRIBUTING, CHANGELOG and docs/: paths and anchors exist, URLs are https.

These tests need no internet connection. `make linkcheck` checks links to other sites, and
`make docs` fails if a cross-reference has no target.
"""

import re
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES += sorted([*DOCS.glob("*.md"), *DOCS.glob("guide/*.md"), DOCS / "api.rst"])
# what the build of the site writes into its own folder
MADE_BY_THE_BUILD = {DOCS / "report.html"}
MARKDOWN_LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
HTML_LINK = re.compile(r"""(?:href|src)=["']([^"']+)["']""")
DEFINITION = re.compile(r"^\[[^\]]+\]:\s+(\S+)", re.MULTILINE)
RST_LINK = re.compile(r"`[^`<]*<([^`>]+)>`__?")
URL = re.compile(r"\bhttps?:[^\s)>\]\"'`]*")


def text_of(path):
    """Return the page without code blocks, where brackets have another meaning."""
    text = path.read_text("utf-8")
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def links(path):
    text = re.sub(r"``?[^`\n<]*``?", "", text_of(path))  # nor in code within the text
    patterns = (MARKDOWN_LINK, HTML_LINK, DEFINITION) if path.suffix == ".md" else (RST_LINK,)
    return {link for pattern in patterns for link in pattern.findall(text)}


@cache
def anchors(path):
    """Return the anchors of a page's headings, as MyST and GitHub create them."""
    heading = r"^(\S.*)\n[-=~]{3,}$" if path.suffix == ".rst" else r"^#+ (.*)$"
    headings = re.findall(heading, text_of(path), re.MULTILINE)
    slugs = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    assert len(slugs) == len(set(slugs)), f"two headings of {path.name} have one anchor"
    return set(slugs)


def target_of(page, link):
    """Return the file to which a relative link leads: the source of a built page."""
    target = (page.parent / link.partition("#")[0]).resolve() if link[0] != "#" else page
    if target.is_relative_to(DOCS / "gallery"):
        source = ROOT / "examples" / target.relative_to(DOCS / "gallery")
        is_index = source.name == "index.rst"
        return source.with_name("GALLERY_HEADER.rst") if is_index else source.with_suffix(".py")
    return target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_lead_somewhere(page):
    for link in links(page):
        if urlsplit(link).scheme:
            continue
        target = target_of(page, link)
        assert target.exists() or target in MADE_BY_THE_BUILD, f"{page.name}: {link}"
        anchor = link.partition("#")[2]
        assert not anchor or anchor in anchors(target), f"{page.name}: {link}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_other_sites_are_well_formed_and_https(page):
    outside = {link for link in links(page) if urlsplit(link).scheme}
    for link in outside | set(URL.findall(text_of(page))):
        parts = urlsplit(link)
        assert parts.scheme == "https", f"{page.name}: {link}"
        assert re.fullmatch(r"([a-z0-9-]+\.)+[a-z]{2,}", parts.netloc), f"{page.name}: {link}"
        assert re.fullmatch(r"[\w./~%+=&?#:-]*", link.partition("://")[2]), (
            f"{page.name}: {link}"
        )


def test_the_files_that_are_named_exist():
    """Return file names in the text of the design, extending and contributing pages."""
    named = r"`((?:skneural|tests|examples|studies|docs|benchmarks)/[\w/.]+\.\w+|\.ci/run)"
    found = set()
    for page in PAGES:
        found |= set(re.findall(named, page.read_text("utf-8")))
    assert len(found) > 30
    assert not [name for name in sorted(found) if not (ROOT / name).exists()]


def test_there_are_links():
    """The patterns find file names."""
    found = [link for page in PAGES for link in links(page)]
    assert sum(bool(urlsplit(link).scheme) for link in found) >= 4
    assert sum("#" in link for link in found) >= 10
    assert len(found) > 80
