# One door: `make help`. Needs make and Python 3.11 or newer, nothing else.

PYTHON ?= $(firstword $(foreach python,python3.11 python3 python3.12 python3.13,$(if $(shell $(python) -c 'import sys, venv, ensurepip; print(sys.version_info >= (3, 11) or "")' 2>/dev/null),$(python))))
VENV := .venv
BIN := $(VENV)/bin
STAMP := .stamps/installed
PACKAGES := mirror catalog
SOURCES := $(PACKAGES) tests oomirror.py $(wildcard bench/*.py)
# One more than the two cores that the suite is made for: many tests wait more than they compute.
WORKERS ?= 3
FIGURES := .stamps/soak.json
# A fresh catalog, brought to head: is there anything left that the tables say and the migrations do not?
DRIFT = OOMIRROR_CATALOG="sqlite:///$(CURDIR)/.stamps/drift.db" $(BIN)/alembic

.DEFAULT_GOAL := help
.PHONY: help demo check test bench soak lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(STAMP): requirements-dev.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "oomirror needs Python 3.11 or newer with its venv module, and none of python3.11, python3, python3.12, python3.13 is one: install it (Debian: python3.11 and python3.11-venv), or name it: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	@echo "Installing into $(VENV): once, and again when $< or pyproject.toml change."
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@mkdir -p $(@D) && touch $@

demo: $(STAMP) ## a small mirror of two sample buckets, served on this machine, step by step
	$(BIN)/oomirror demo

check: $(STAMP) ## format, lint, types, imports, docstrings, README, migrations; no tests
	$(BIN)/ruff format --check $(SOURCES) alembic examples
	$(BIN)/ruff check $(SOURCES) alembic examples
	$(BIN)/mypy $(SOURCES)
	$(BIN)/lint-imports --no-logo
	$(BIN)/interrogate --quiet $(PACKAGES) tests oomirror.py || $(BIN)/interrogate -v $(PACKAGES) tests oomirror.py
	$(BIN)/python -m tests.readme_check
	rm -f .stamps/drift.db
	$(DRIFT) upgrade head && $(DRIFT) check

test: $(STAMP) ## the tests, doctests and contracts
	$(BIN)/python -m pytest -n $(WORKERS) -m "not soak and not aws"

bench: $(STAMP) ## side-by-side runs against other tools: half an hour; BENCH=--quick takes two minutes
	$(BIN)/python -m bench bars $(BENCH)

soak: $(STAMP) ## the long tests; their figures
	rm -f $(FIGURES)
	OOMIRROR_TEST_FIGURES=$(FIGURES) $(BIN)/python -m pytest -n $(WORKERS) -m soak --timeout 3600
	@cat $(FIGURES)

lock: $(STAMP) ## resolve the dependencies again into requirements-dev.lock
	$(BIN)/uv pip compile pyproject.toml --group dev --extra demo --extra explain --extra parquet --extra postgres --extra view --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --quiet --output-file requirements-dev.lock

clean: ## remove what the other targets made, the virtual environment too
	rm -rf $(VENV) .stamps .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info
	find $(SOURCES) alembic -name __pycache__ -type d -prune -exec rm -rf {} +
