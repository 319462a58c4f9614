"""Sphinx: the pages of this folder, the API from the docstrings, and the examples, run."""

import contextlib
import io
import os
import re
import sys
import tempfile
from pathlib import Path

import matplotlib as mpl
from cycler import cycler
from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.errors import SphinxError

import skneural

mpl.use("agg")
examples = Path(__file__).parents[1] / "examples"
# processes that run examples find what they share
os.environ["PYTHONPATH"] = os.pathsep.join([str(examples), os.environ.get("PYTHONPATH", "")])
sys.path.insert(0, str(examples))
from _common import COLOURS  # noqa: E402


def example_options(gallery_conf, script_vars):
    """Options that an example runs with here: its picture goes nowhere but into its page."""
    picture = f"{Path(script_vars['src_file']).stem}.png"
    return ["--output", str(Path(tempfile.gettempdir()) / picture)]


def write_mathml(writer, node):
    """Formulas as MathML, which browsers draw themselves: no script from another site."""
    as_block = isinstance(node, nodes.math_block)
    try:
        math = tex2mathml(node.astext(), as_block=as_block)
    except MathError as error:
        raise SphinxError(f"{node.source}:{node.line}: {error}") from error
    writer.body.append(f'<div class="formula">{math}</div>' if as_block else math)
    raise nodes.SkipNode


project = "skneural"
copyright = "2026, the skneural developers"
release = skneural.__version__
extensions = [
    "sphinx.ext.autodoc",
    "numpydoc",
    "myst_parser",
    "matplotlib.sphinxext.plot_directive",
    "sphinx_gallery.gen_gallery",
]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
html_math_renderer = "mathml"
nitpicky = True
nitpick_ignore = [
    # properties in a list of attributes, and scikit-learn's site, which is not here
    *(("py:obj", name) for name in ("coefs_", "intercepts_")),
    *(("py:obj", f"sklearn.neural_network.MLP{kind}") for kind in ("Classifier", "Regressor")),
]
# pictures of the guide, drawn when the site is built
plot_basedir = "guide/pictures"
plot_formats = ["svg"]
plot_html_show_formats = plot_html_show_source_link = False
plot_rcparams = {
    "figure.constrained_layout.use": True,
    "axes.prop_cycle": cycler(color=COLOURS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": "medium",
}
suppress_warnings = ["config.cache"]  # a function in the settings cannot be pickled
exclude_patterns = ["_build", "sg_execution_times.rst"]
autodoc_typehints = "none"  # the docstrings have the types
numpydoc_show_class_members = False
html_theme = "pydata_sphinx_theme"
html_title = "skneural"
html_theme_options = {"secondary_sidebar_items": ["page-toc"]}
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
    app.add_html_math_renderer("mathml", (write_mathml, None), (write_mathml, None))
    app.connect("build-finished", write_report)
