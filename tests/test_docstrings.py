"""Docstrings of public names are complete numpydoc."""

import inspect
import subprocess
import sys

import pytest
from numpydoc.validate import validate

import skneural

METHODS = ["fit", "partial_fit", "predict", "predict_proba", "predict_log_proba"]
METHODS += ["decision_function", "activations", "from_estimator", "from_search", "plot"]
METHODS += ["to_frame", "to_markdown", "to_html"]
# GL08 missing docstring, PR01-PR10 parameters, RT01-RT03 returns, SS03 summary, SA02-SA04 the
# entries of See Also, and so on;
# left out, as scikit-learn does: RT02 (`self : estimator`), SS06 (one-line summaries),
# and the demand for an extended summary, See Also and examples of every method
CHECKED = {"GL01", "GL02", "GL03", "GL08", "SS01", "SS02", "SS03", "SA02", "SA03", "SA04"} | {
    f"{kind}0{i}" for kind in ("PR", "RT") for i in range(1, 10)
} - {"RT02"}


def public_objects():
    for name in skneural.__all__:
        thing = getattr(skneural, name)
        if callable(thing):
            yield f"skneural.{name}"
            for method in METHODS:
                if hasattr(thing, method):
                    yield f"skneural.{name}.{method}"


@pytest.mark.parametrize("name", list(public_objects()))
def test_docstring_is_numpydoc(name):
    errors = validate(name)["errors"]
    assert not [(code, text) for code, text in errors if code in CHECKED]


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_every_parameter_and_default_is_documented(name):
    cls = getattr(skneural, name)
    doc = inspect.getdoc(cls)
    for parameter in inspect.signature(cls).parameters.values():
        default = parameter.default
        shown = f'"{default}"' if isinstance(default, str) else repr(default)
        line = next(li for li in doc.splitlines() if li.startswith(f"{parameter.name} : "))
        stated = line.rsplit("default=", 1)[1]
        assert stated == shown or float(stated) == default, line


def test_works_without_docstrings():
    code = """
import skneural
clf = skneural.MLPClassifier((), solver="lbfgs").fit([[0.0], [1.0]], [0, 1])
print(skneural.MLPClassifier.__doc__, skneural.ConvNetRegressor.__doc__, clf.predict([[1.0]]))
"""
    done = subprocess.run(
        [sys.executable, "-OO", "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("None None [1]\n", "")
