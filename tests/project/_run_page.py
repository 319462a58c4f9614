"""Run the Python blocks of a Markdown page in order, in one namespace.

A block with prompts is a doctest. The output of any other block is compared with the `text`
block that follows it, if there is one; `...` matches anything. A block after a comment such as
`<!-- needs: optuna -->` is skipped if one of these packages is not installed.
"""

import contextlib
import doctest
import io
import re
import sys
import traceback
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
BLOCK = re.compile(
    r"(?:^<!-- needs: (?P<needs>[\w, ]+) -->\n)?"
    r"^```python\n(?P<code>.*?)^```$"
    r"(?:\n\n```text\n(?P<output>.*?)^```$)?",
    re.DOTALL | re.MULTILINE,
)


class Block(NamedTuple):
    """A block of code on a page."""

    line: int
    needs: list[str]
    code: str
    output: str | None


def blocks_of(text: str) -> list[Block]:
    """Return the Python blocks of a page, in order."""
    return [
        Block(
            line=text.count("\n", 0, found.start("code")),
            needs=(found["needs"] or "").replace(",", " ").split(),
            code=found["code"],
            output=found["output"],
        )
        for found in BLOCK.finditer(text)
    ]


def run_block(block: Block, names: dict[str, object], page: str) -> bool:
    """Run a block and print its errors; return whether there are none."""
    if ">>>" in block.code:
        parser = doctest.DocTestParser()
        test = parser.get_doctest(block.code, names, page, page, block.line)
        runner = doctest.DocTestRunner(verbose=False, optionflags=FLAGS)
        failed = runner.run(test, clear_globs=False).failed
        names.update(test.globs)
        return not failed
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile("\n" * block.line + block.code, page, "exec"), names)
    except Exception:
        traceback.print_exc(file=sys.stdout)
        return False
    if block.output is None or doctest.OutputChecker().check_output(
        block.output, printed.getvalue(), FLAGS
    ):
        return True
    print(f"{page}:{block.line}: expected\n{block.output}\nbut got\n{printed.getvalue()}")
    return False


def run_page(path: Path) -> bool:
    """Run a page and print its errors; return whether there are none."""
    names: dict[str, object] = {"__name__": "__main__"}
    right = True
    for block in blocks_of(path.read_text(encoding="utf-8")):
        lacking = [package for package in block.needs if find_spec(package) is None]
        if lacking:
            print(f"left out: line {block.line} needs {', '.join(lacking)}")
            continue
        with warnings.catch_warnings():
            if block.needs:  # what a package warns of in itself is not about this page
                warnings.simplefilter("ignore")
            right &= run_block(block, names, path.name)
    return right
