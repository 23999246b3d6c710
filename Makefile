# Each target sets up .venv by itself: a machine with Python 3.11 and make is enough.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STAMP := .venv/.installed
SCENARIO ?= scenarios/plan-2026.yaml
JOBS ?= 2
PYTEST_ARGS ?=

.PHONY: help setup run test verify bench lint clean
help:
	@echo "make run     simulate $(SCENARIO) and write its report (SCENARIO=… JOBS=…)"
	@echo "make test    the test suite"
	@echo "make verify  the engine against queueing theory and published values"
	@echo "make bench   speed of both engines, one table"
	@echo "make lint    ruff, mypy, import contracts"

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@test -x $(BIN)/python || { test -n "$(PYTHON)" || { echo "Python 3.11 is needed" >&2; exit 1; }; "$(PYTHON)" -m venv .venv; }
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	@touch $@

run: $(STAMP)
	$(BIN)/twin run $(SCENARIO) --jobs $(JOBS)

test: $(STAMP)
	$(BIN)/python -m pytest -n 2 -m "not verify" $(PYTEST_ARGS)

verify: $(STAMP)
	$(BIN)/python -m pytest -n 2 -m verify $(PYTEST_ARGS)

bench: $(STAMP)
	$(BIN)/python -m benchmarks

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
