"""Sphinx: the pages of this folder, the API from the docstrings, and the examples, run."""

import contextlib
import io
import os
import re
import sys
import tempfile
from pathlib import Path

import matplotlib as mpl

import skneural

mpl.use("agg")
examples = Path(__file__).parents[1] / "examples"
# processes that run examples find what they share
os.environ["PYTHONPATH"] = os.pathsep.join([str(examples), os.environ.get("PYTHONPATH", "")])
sys.path.insert(0, str(examples))


def example_options(gallery_conf, script_vars):
    """Options that an example runs with here: its picture goes nowhere but into its page."""
    picture = f"{Path(script_vars['src_file']).stem}.png"
    return ["--output", str(Path(tempfile.gettempdir()) / picture)]


project = "skneural"
copyright = "2026, the skneural developers"
release = skneural.__version__
extensions = [
    "sphinx.ext.autodoc",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
suppress_warnings = ["config.cache"]  # a function in the settings cannot be pickled
exclude_patterns = ["_build", "sg_execution_times.rst"]
numpydoc_show_class_members = False
html_theme = "pydata_sphinx_theme"
html_title = "skneural"
html_theme_options = {"show_prev_next": False, "secondary_sidebar_items": ["page-toc"]}
html_sidebars = {"**": []}
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["wide.js"]
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": "/plot_",
    "ignore_pattern": "_common",
    "reset_argv": example_options,
    "parallel": 2,
    "image_srcset": ["2x"],
    "download_all_examples": False,
    "show_signature": False,
    "remove_config_comments": True,
    "within_subsection_order": "ExampleTitleSortKey",
    "abort_on_example_error": True,
}


def write_report(app, error):
    """Run the first code of reports.md, and put the page of its search beside it."""
    if not error and app.builder.format == "html":
        text = (Path(app.srcdir) / "reports.md").read_text(encoding="utf-8")
        names = {}
        code = re.search("```python\n(.*?)```", text, re.DOTALL)[1]
        with contextlib.redirect_stdout(io.StringIO()):
            exec(code, names)
        names["report"].to_html(Path(app.outdir) / "report.html")


def setup(app):
    """Sphinx calls this."""
    app.connect("build-finished", write_report)
