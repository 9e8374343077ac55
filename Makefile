# make demo | test | e2e | check | bench | bench-bedrock — each sets up what it needs; python3 3.11+ with venv is enough.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test e2e check bench bench-bedrock clean

$(VENV)/.demo: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/pip install --quiet --disable-pip-version-check -e .[otlp]
	@touch $@

$(VENV)/.check: $(VENV)/.demo
	$(BIN)/pip install --quiet --disable-pip-version-check -e .[check]
	@touch $@

$(VENV)/.bench: $(VENV)/.demo
	$(BIN)/pip install --quiet --disable-pip-version-check -e .[bench]
	@touch $@

demo: $(VENV)/.demo
	$(BIN)/spanloom demo

check: $(VENV)/.check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright
	PYTHONPATH=src $(BIN)/lint-imports

test: check
	$(BIN)/python -m pytest -m "not e2e"

e2e: $(VENV)/.check
	$(BIN)/python -m pytest -m e2e

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks

bench-bedrock: $(VENV)/.demo
	$(BIN)/python -m benchmarks.bedrock

clean:
	rm -rf $(VENV) .bench .mypy_cache .ruff_cache .pytest_cache dist build
