# `make demo` and `make test` each work alone on a machine with Python 3.10 - 3.12, git and make.

VENV := .venv
BIN := $(VENV)/bin
DEMO_ENTRY ?= yang2018/two_moons
DEMO_DIR ?= out/demo

# The first interpreter that really runs (a pyenv shim may not) and has a tested version. `make PYTHON=...` overrides.
RIGHT_VERSION := import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))
FIND_PYTHON := for python in python3.12 python3.11 python3.10 python3; do \
	if $$python -c "$(RIGHT_VERSION)" 2>/dev/null; then echo $$python; break; fi; done
PYTHON ?= $(shell $(FIND_PYTHON))

# tests/conftest.py puts the longest modules first.
PYTEST_FLAGS := -n 2 --dist loadfile --no-loadscope-reorder

export TF_CPP_MIN_LOG_LEVEL ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo docs notebooks catalogue fuzz test test-all wheel lint format install browser map clean

help: ## show the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1 - \2/p' Makefile

demo: $(VENV)/.installed ## cluster two moons along geodesics and write a report to out/demo
	$(BIN)/python -m launch.cluster --entry=$(DEMO_ENTRY) --output_dir=$(DEMO_DIR)

test: $(VENV)/.installed-dev ## run everything that CI runs: lint, types, imports, tests
	@$(MAKE) --no-print-directory lint
	@echo "== pytest"
	@$(BIN)/python -m pytest $(PYTEST_FLAGS) -m "not slow"

docs: $(VENV)/.installed-dev ## build the documentation's site in site/, to be opened at site/index.html
	$(BIN)/mkdocs build --strict --quiet

notebooks: $(VENV)/.installed-dev ## make notebooks of how-to pages in out/notebooks, from the pages' own text
	@$(BIN)/python docs/notebooks.py

catalogue: $(VENV)/.installed ## write zoo/CATALOGUE.md anew; DATA=FOLDER has the data files for its pictures
	$(BIN)/python -m launch.catalogue --write $(if $(DATA),--data_dir=$(DATA))

# Which Pythons of those that tfgeo is for really run here; `make wheel PYTHONS=` builds alone.
PYTHONS ?= $(shell for python in python3.10 python3.11 python3.12 python3.13; do \
	$$python -c "" 2>/dev/null && echo $$python; done)

wheel: $(VENV)/.installed-dev ## build wheel and source distribution in dist/, and try them in clean environments
	$(BIN)/python -m tests.packaging.run dist $(PYTHONS)

test-all: $(VENV)/.installed-dev ## run the slow tests too, on graphs that TensorFlow optimizes
	@$(MAKE) --no-print-directory lint
	@echo "== pytest"
	@TFGEO_TEST_OPTIMIZE_GRAPHS=1 $(BIN)/python -m pytest $(PYTEST_FLAGS)

FUZZ_INPUTS ?= 100000

fuzz: $(VENV)/.installed-dev ## try every reader of files on 100,000 altered ones, by atheris where it can be installed
	@$(BIN)/python -m pip install -q -e ".[fuzz]" || echo "without atheris: files are altered at random"
	@for parser in $$($(BIN)/python -c "from tests.fuzz.parsers import PARSERS; print(*PARSERS)"); do \
	$(BIN)/python -m tests.fuzz.run $$parser --inputs=$(FUZZ_INPUTS) \
	$$($(BIN)/python -c "import atheris; print('--guided')" 2>/dev/null) | tail -n 1 | sed "s/^/$$parser /"; done

lint: $(VENV)/.installed-dev ## check style, import directions and types
	@echo "== ruff check"
	@$(BIN)/ruff check .
	@echo "== ruff format --check"
	@$(BIN)/ruff format --check .
	@echo "== lint-imports"
	@$(BIN)/lint-imports
	@echo "== mypy"
	@$(BIN)/mypy

format: $(VENV)/.installed-dev ## rewrite the code in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

install: $(VENV)/.installed-dev ## create .venv with the package and the development tools

# Distributions' own packages need root; Playwright's download does not. Without either the tests are left out.
browser: $(VENV)/.installed-dev ## install a headless Chromium for the explorer's tests, where there is none
	@command -v chromium chromium-browser google-chrome >/dev/null \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && timeout 120 apt-get update -qq >/dev/null \
	     && timeout 300 apt-get install -y -qq --no-install-recommends chromium >/dev/null; } \
	|| timeout 300 $(BIN)/playwright install chromium \
	|| echo "no Chromium could be installed: the tests of the explorer in a browser will be left out"

# The standard library is enough for it: no .venv is made.
map: ## print the rooms of the code, one line each
	@$(or $(PYTHON),python3) docs/map.py

clean: ## remove caches, builds and the demo; .venv and other results stay
	rm -rf $(DEMO_DIR) site build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .import_linter_cache

# An existing .venv is kept. One left half made lacks `activate`, which venv writes last, and is made again.
$(BIN)/activate:
	@$(if $(PYTHON),,echo "make: no Python 3.10, 3.11 or 3.12 found; install one, or name it: make PYTHON=/path/to/python3.11" >&2; exit 2;) \
	$(PYTHON) -c "$(RIGHT_VERSION)" || { echo "make: PYTHON=$(PYTHON) is not Python 3.10, 3.11 or 3.12" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: setup.py constraints.txt | $(BIN)/activate
	@echo "Installing tfgeo and TensorFlow into $(VENV): this takes a few minutes, once."
	$(BIN)/python -m pip install -q -c constraints.txt -e .
	@touch $@

# After the plain installation, so that two pips never write to one .venv under `make -j`.
$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing the development tools into $(VENV)."
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[dev]"
	@touch $@
