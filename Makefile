# Everything a person or a machine does with this tree. `make help` lists it.
# A fresh machine needs Python 3.11 or later with pip, and make.

PYTHON ?= python3
# One more than there are cores, at least: many tests wait for other processes.
PYTEST_ARGS ?= -n 3
BENCH_ARGS ?=
SOAK_SECONDS ?= 600
SOAK_SEED := $(or $(SOAK_SEED),$(shell date +%s))
NIGHT_EXAMPLES ?= 200
NIGHT_SEED := $(or $(NIGHT_SEED),$(shell date +%s))
UPGRADE ?=

VENV := .venv
BIN := $(VENV)/bin
SOURCE := cli.py commands config models workers workflow
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -qq

# Bytecode is what makes a command start fast, and some machines forbid it.
unexport PYTHONDONTWRITEBYTECODE
# The tree installed here is the one that runs, whatever else is around.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help install demo test soak night lint bench fmt docs lock pyright audit coverage dist clean

help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1|/p' $(MAKEFILE_LIST) | \
		while IFS='|' read -r target text; do printf '%-16s %s\n' "$$target" "$$text"; done

install: $(VENV)/.runtime ## make .venv with what the program needs to run

demo: $(VENV)/.runtime ## show one real call from publication to plans in progress
	@$(BIN)/python -m compileall -q $(SOURCE)
	@$(BIN)/sportello demo

test: $(VENV)/.dev ## run every test (PYTEST_ARGS="-n 3")
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

soak: $(VENV)/.dev ## do harm to the whole for SOAK_SECONDS, from a new SOAK_SEED on
	@SOAK_SECONDS=$(SOAK_SECONDS) SOAK_SEED=$(SOAK_SEED) \
		$(BIN)/python -m pytest -n 0 -s tests/faults/soak

lint: $(VENV)/.dev ## run every static check
	@PATH="$(CURDIR)/$(BIN):$$PATH" lint/run

bench: $(VENV)/.dev ## measure how fast everything is, beside its peers (an hour)
	@$(BIN)/python -m compileall -q $(SOURCE)
	@for measured in startup intake click_day advance decisions terms due growth sweep relay notices \
			verify export peers/run; do \
		echo "== $$measured"; $(BIN)/python benchmarks/$$measured.py $(BENCH_ARGS) || exit 1; \
	done

fmt: $(VENV)/.dev ## format the code and mend what can be mended
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

docs: $(VENV)/.dev ## write the generated pages of docs/ again
	@$(BIN)/python lint/docs.py

lock: ## pin the dependencies again (UPGRADE=--upgrade for newer ones)
	@PYTHON="$(PYTHON)" lint/lock $(UPGRADE)

pyright: $(VENV)/.dev ## ask for a second opinion on types (downloads pyright itself)
	@$(BIN)/pyright

audit: $(VENV)/.dev ## look for known holes in the dependencies (needs the network)
	@$(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements.lock

night: $(VENV)/.dev ## try what tests draw at random with other seeds, for hours
	@echo "seed $(NIGHT_SEED), $(NIGHT_EXAMPLES) examples: make night NIGHT_SEED=$(NIGHT_SEED) draws the same"
	@HYPOTHESIS_PROFILE=night NIGHT_EXAMPLES=$(NIGHT_EXAMPLES) \
		$(BIN)/python -m pytest $(PYTEST_ARGS) -p no:randomly --timeout=0 \
		--hypothesis-seed=$(NIGHT_SEED) tests/fuzz tests/properties \
		tests/integration/test_*stateful*.py tests/integration/test_*walk*.py \
		tests/integration/test_sweep.py

coverage: $(VENV)/.dev ## show which branches of the rules and of the machine are not tested
	@mkdir -p .cache
	@$(BIN)/coverage run -m pytest -q -n 0 tests/unit tests/properties
	@$(BIN)/coverage report --include='workflow/rules/*,workflow/machine.py' --fail-under=100

dist: $(VENV)/.dev ## build the wheel and the source archive in dist/
	@$(BIN)/hatchling build

clean: ## remove .venv and everything that was made
	@rm -rf $(VENV) __pycache__ .cache build dist .hypothesis .import_linter_cache \
		.mypy_cache .pytest_cache .ruff_cache
	@find $(SOURCE) tests benchmarks lint -name __pycache__ -prune -exec rm -rf {} + \
		2>/dev/null || true

# --- the environment, made again only when what it is made from changes -------

$(VENV)/.base:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "sportello needs Python 3.11 or later, and '$(PYTHON)' is not: try make PYTHON=python3.12" >&2; \
		exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) || { \
		echo "'$(PYTHON) -m venv' does not work here: install the venv package of your system" >&2; \
		rm -rf $(VENV); exit 1; }
	@touch $@

$(VENV)/.runtime: $(VENV)/.base requirements.lock requirements-build.lock pyproject.toml
	@echo "Installing what sportello needs in $(VENV) ..."
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --require-hashes -r requirements-build.lock
	@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@$(BIN)/python -m compileall -q $(VENV)/lib || true
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	@echo "Installing what the checks need in $(VENV) ..."
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@
