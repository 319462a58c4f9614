"""Sphinx: the pages of this folder, the API from the docstrings, and the examples, run."""

import contextlib
import inspect
import io
import re
import sys
from pathlib import Path

import matplotlib as mpl
from cycler import cycler
from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.errors import SphinxError

import skneural
from skneural._display.axes import COLOURS

mpl.use("agg")


def own_methods(module: str, name: str) -> list[str]:
    """Names of the public methods of a class that skneural itself defines, `fit` first."""
    cls = getattr(sys.modules[module], name)
    functions = inspect.getmembers(cls, callable)
    own = [
        method
        for method, function in functions
        if method[0] != "_" and getattr(function, "__module__", "").startswith("skneural")
    ]
    return sorted(own, key=lambda method: (method not in ("fit", "partial_fit"), method))


def own_parameters(module: str, name: str) -> list[str]:
    """Names of the parameters of a class or function, which the search of the site finds."""
    return list(inspect.signature(getattr(sys.modules[module], name)).parameters)


def draw_small(gallery_conf: dict[str, object], example: str) -> None:
    """Small figures, so that their letters can be read in the gallery and on a phone."""
    mpl.rcParams["figure.figsize"] = (5.2, 3.9)


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
    "sphinx.ext.autosummary",
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
    *(("py:obj", name) for name in ("coefs_", "intercepts_", "input_names_", "embeddings_")),
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
toc_object_entries_show_parents = "hide"
templates_path = ["_templates"]
autosummary_context = {"own_methods": own_methods, "own_parameters": own_parameters}
html_theme = "pydata_sphinx_theme"
html_title = "skneural"
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": {"**": ["page-toc"], "gallery/index": []},
    "footer_end": [],
}
html_sidebars = {"index": [], "search": []}
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["wide.js"]
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "subsection_order": [
        f"../examples/{topic}"
        for topic in ("training", "network", "overfitting", "regression", "images", "data")
    ],
    "reset_modules": ("matplotlib", draw_small),
    "parallel": 2,
    "image_srcset": ["2x"],
    "download_all_examples": False,
    "show_signature": False,
    "remove_config_comments": True,
    "within_subsection_order": "ExampleTitleSortKey",
    "abort_on_example_error": True,
}


def show_picture_first(app: Sphinx, docname: str, source: list[str]) -> None:
    """Move the first picture of an example from below its code to below its introduction."""
    if docname.startswith("gallery/") and "/plot_" in docname:
        picture = re.search(r"\.\. image-sg:: .*\n(?:   :.*\n)*", source[0])[0]
        above, code, below = source[0].partition(".. GENERATED FROM PYTHON SOURCE")
        source[0] = f"{above}{picture}\n{code}{below.replace(picture, '', 1)}"


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
    app.connect("source-read", show_picture_first)
    app.connect("build-finished", write_report)
