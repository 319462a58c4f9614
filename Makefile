# Everything runs in .venv, which each target makes for itself.
PYTHON ?= python3
PY = .venv/bin/python
# The bundled digits by default; make study STUDY="--data mnist --jobs 2" for more.
STUDY ?= --data digits --jobs 2

.PHONY: study test lint docs linkcheck bench coverage clean

study: .venv/plot.done
	$(PY) examples/plot_architecture_study.py $(STUDY)

test: .venv/test.done
	$(PY) -m pytest -n 2

lint: .venv/test.done
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

docs: .venv/docs.done
	.venv/bin/sphinx-build -W --keep-going -q docs docs/_build/html

# no examples are run; says which links to other sites are broken, and needs internet
linkcheck: .venv/docs.done
	.venv/bin/sphinx-build -b linkcheck -D plot_gallery=0 -q docs docs/_build/linkcheck

bench: .venv/bench.done
	$(PY) benchmarks $(BENCH)

coverage: .venv/coverage.done
	$(PY) -m coverage run -m pytest
	$(PY) -m coverage report

# one marker an extra; a change of pyproject.toml installs again
.venv/%.done: pyproject.toml
	test -x $(PY) || $(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --editable ".[$*]"
	touch $@

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis .coverage build dist
