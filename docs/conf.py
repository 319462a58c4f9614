"""Sphinx: the pages of this folder and the API from the docstrings."""

import skneural

project = "skneural"
copyright = "2026, the skneural developers"
release = skneural.__version__
extensions = ["sphinx.ext.autodoc", "numpydoc", "myst_parser"]
exclude_patterns = ["_build"]
numpydoc_show_class_members = False
html_theme = "pydata_sphinx_theme"
html_theme_options = {"show_prev_next": False}
