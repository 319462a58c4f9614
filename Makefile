# Everything runs in .venv, which each target makes for itself.
PYTHON ?= python3
PY = .venv/bin/python
# By default the study uses the bundled digits; use make study STUDY="--data mnist --jobs 2" for MNIST.
STUDY ?= --data digits --jobs 2
# If there is a C++ compiler and Python's headers, a native module that fails to build is an
# error, and so is a compiler warning. Otherwise the package is installed without them.
BUILD ?= $(shell command -v "$${CXX:-c++}" >/dev/null && $(PYTHON) -c 'import sysconfig; \
    open(sysconfig.get_path("include") + "/Python.h")' 2>/dev/null && echo require || echo auto)

.PHONY: study test test-quick test-long test-numpy lint docs linkcheck bench wheel coverage clean

study: .venv/plot.done
	$(PY) studies/architecture.py $(STUDY)

# Two processes; one that has no tests left takes half of those that the other one has.
PYTEST = $(PY) -m pytest -n 2 --dist worksteal

# all but the tests of `make test-long`
test: .venv/test.done
	$(PYTEST) -m "not long"

# nor those that run scripts and Ctrl-C at every instruction
test-quick: .venv/test.done
	$(PYTEST) -m "not slow and not long"

# the examples, whole studies and benchmarks, the checks of scikit-learn for every solver and
# schedule, and networks on MNIST where SKNEURAL_MNIST names its file
test-long: .venv/test.done
	$(PYTEST) -m long

# tests of an installation without a compiler: scikit-learn's checks, and fits with every solver
test-numpy: .venv/test.done
	SKNEURAL_ENGINE=numpy $(PYTEST) $(foreach name,common training \
	    lbfgs max_iter_zero one_row interrupt,$(wildcard tests/*/test_$(name).py))

lint: .venv/test.done
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	$(PY) -m mypy
	.venv/bin/codespell README.md CONTRIBUTING.md CHANGELOG.md docs skneural examples studies benchmarks tests

docs: .venv/docs.done
	.venv/bin/sphinx-build -W --keep-going -q docs docs/_build/html

# checks the links to other sites without running the examples; needs internet
linkcheck: .venv/docs.done
	.venv/bin/sphinx-build -b linkcheck -D plot_gallery=0 -q docs docs/_build/linkcheck

bench: .venv/bench.done
	$(PY) benchmarks $(BENCH)

# builds the source distribution in dist/, and from it a wheel for other Linux machines
wheel: .venv/wheel.done
	rm -rf dist
	SKNEURAL_BUILD=require $(PY) -m build --outdir dist/unrepaired
	PATH="$(CURDIR)/.venv/bin:$$PATH" .venv/bin/auditwheel repair --strip --wheel-dir dist dist/unrepaired/*.whl
	mv dist/unrepaired/*.tar.gz dist
	rm -r dist/unrepaired
	.venv/bin/auditwheel show dist/*.whl
	test "$$(stat -c %s dist/*.whl)" -lt 3000000

coverage: .venv/coverage.done
	$(PY) -m coverage run -m pytest
	$(PY) -m coverage report

# --no-compile makes installs faster, because Python compiles modules at their first import.
unexport PYTHONDONTWRITEBYTECODE
# The package itself, which is compiled again after a change of its native sources.
.venv/engine.done: pyproject.toml setup.py $(wildcard $(addprefix skneural/_engine/native/*.,pyx pxi h))
	test -x $(PY) || $(PYTHON) -m venv .venv
	SKNEURAL_BUILD=$(BUILD) $(PY) -m pip install --quiet --no-compile --editable .
	$(PY) -c "import skneural; skneural.show_versions()" | grep engine
	touch $@

# One marker per extra. The package is already installed, so this installs the dependencies of the extra.
.venv/%.done: .venv/engine.done
	$(PY) -m pip install --quiet --no-compile "skneural[$*]"
	touch $@

clean:
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache .hypothesis .coverage build dist
	rm -rf docs/_build docs/api docs/gallery
	rm -f skneural/_engine/native/*.so
