.PHONY: serve test test-all check bench measure build clean

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

serve: $(VENV)/installed
	$(BIN)/vapitools serve examples/restaurant.py

test: $(VENV)/installed-test
	$(BIN)/python -m pytest -q

test-all: $(VENV)/installed-nox
	$(BIN)/nox

check: $(VENV)/installed-check
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/python -m pytest -q tests/test_architecture.py

# In an environment of its own: what we are measured against brings a hundred packages.
bench:
	$(MAKE) VENV=$(VENV)/bench measure

# What cannot be installed is a row that says so.
measure: $(VENV)/installed
	-$(BIN)/python -m pip install -q --group bench
	$(BIN)/python -m benchmarks --docs $(BENCH)

build: $(VENV)/installed-nox
	$(BIN)/python -m build

clean:
	rm -rf $(VENV) .nox build dist

# Each stamp stands for one group of packages, installed for the pyproject.toml of now.
$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade "pip>=25.1"

$(VENV)/installed: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install -q --editable .
	touch $@

$(VENV)/installed-%: $(VENV)/installed
	$(BIN)/python -m pip install -q --group $*
	touch $@
