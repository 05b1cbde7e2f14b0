# One command for each habit; CI runs the same ones. `make help` lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.setup-stamp
CODE := $(wildcard src tests benchmarks tools conftest.py)

.PHONY: help setup lock check format test test-all bench demo docs wheel clean

help: ## say what each target does
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

setup: $(STAMP) ## make .venv from the lock file (quick when nothing changed)

$(STAMP): requirements.lock pyproject.toml tools/setup.sh
	@sh tools/setup.sh $(VENV)
	@touch $@

lock: ## choose new versions of every dependency (KEEP=keep: only add what is new)
	@sh tools/lock.sh $(VENV) $(KEEP)

check: setup ## lint, format, types, import law, sizes, test docstrings
	@sh tools/check.sh $(VENV) $(CODE)

format: setup ## put the code in order
	$(VENV)/bin/ruff check --fix $(CODE)
	$(VENV)/bin/ruff format $(CODE)

test: setup ## unit and contract tests, doctests, README and docs, in random order
	$(PY) -m pytest -q -n auto --dist worksteal -m "not crash and not browser and not slow"

test-all: setup ## everything, crash and browser tests included
	$(PY) -m pytest -q -n auto --dist worksteal

bench: setup ## speed and quality benchmarks; each prints a table and writes JSON
	$(PY) -m benchmarks

demo: setup ## a simulated city, live in the browser
	$(VENV)/bin/micromoments demo

docs: setup ## build the documentation, warnings are errors
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict

wheel: setup ## build the package into dist/
	$(VENV)/bin/uv build --quiet --wheel --out-dir dist

clean: ## remove what checks and builds left (not .venv)
	rm -rf build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
