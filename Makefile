.DEFAULT_GOAL := help
.ONESHELL:
.SHELLFLAGS := -eu -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NAMES ?= requirements/*.in requirements/frameworks/*.in requirements/fleets/*.in
UV := $(BIN)/uv
STAMP := $(VENV)/.installed
# The tests start some hundred interpreters: without bytecode, each of them would compile the whole SDK anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup test test-unit test-transparency test-heavy test-faults fuzz soak bench test-stack test-fleets fleet audit docs dashboards screenshots test-sdks test-pythons test-frameworks lint format types demo requirements clean

help: ## Show what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-22s %s\n", $$1, $$2}'

$(STAMP): requirements/uv.txt requirements/dev.txt requirements/no-deps.txt pyproject.toml demo/pyproject.toml demo/hatch_build.py
	@echo "Setting up $(VENV) (once)"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	test -x $(UV) || $(BIN)/python -m pip install --quiet --require-hashes -r requirements/uv.txt
	$(UV) pip install --quiet --python $(BIN)/python -r requirements/dev.txt
	# Its build writes what the demo needs: uv would not see that it changed.
	$(UV) pip install --quiet --python $(BIN)/python --refresh-package otel-claude-demo \
		--reinstall-package otel-claude-demo --no-deps -r requirements/no-deps.txt
	touch $@

setup: $(STAMP) ## Make .venv with everything in it

# Three workers on two cores: a quarter of the time is waiting for processes.
test: $(STAMP) ## Run the tests: about three minutes
	$(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

test-unit: $(STAMP) ## Run the tests that start no process and open no socket: under a minute
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not (heavy or timed) and (unit or sdk)" $(ARGS)

test-sdks: $(STAMP) ## Run the tests of the patches on every supported version of the client libraries (ARGS=otels: of OpenTelemetry)
	$(BIN)/python scripts/sdk_matrix.py $(ARGS)

test-pythons: $(STAMP) ## Run the tests on every supported version of CPython (ARGS="3.15 -- tests/unit": some)
	$(BIN)/python tools/pythons.py $(ARGS)

test-frameworks: $(STAMP) ## Run programs of LangChain, Pydantic AI, LlamaIndex, Instructor and LiteLLM, each in its own environment
	$(BIN)/python scripts/frameworks.py $(ARGS)

test-transparency: $(STAMP) ## Run the anthropic SDK's own tests, bare and with otel-claude (ARGS=--core: the core)
	$(BIN)/python scripts/transparency.py $(ARGS)

test-heavy: $(STAMP) ## Run the tests that take long and need no servers: `make test` leaves them out
	$(BIN)/python -m pytest -n 2 --dist worksteal -m heavy $(ARGS)

test-faults: $(STAMP) ## Run all tests of faults, hostile answers and prices, also those that take long; all drawn ones with more examples
	$(BIN)/python -m pytest -n 2 --dist worksteal --hypothesis-profile thorough -m hypothesis
	$(BIN)/python -m pytest -n 2 --dist worksteal tests/faults tests/hostile tests/pricing -m "heavy or not heavy" $(ARGS)

fuzz: $(STAMP) ## Fuzz with hostile answers for a minute (ARGS="--seconds 600": for longer)
	test -x .cache/fuzz/env/bin/python || $(UV) venv --quiet --python $(BIN)/python .cache/fuzz/env
	$(UV) pip install --quiet --python .cache/fuzz/env/bin/python atheris==3.0.0
	PYTHONPATH=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') .cache/fuzz/env/bin/python scripts/fuzz.py $(ARGS)

soak: $(STAMP) ## A million calls and 100,000 streams: memory stays flat, sums exact (half an hour)
	$(BIN)/python scripts/soak.py $(ARGS)

audit: $(STAMP) ## Look for known vulnerabilities in what we depend on (AUDIT=optional: where the advisories can be read)
	scripts/audit

bench: $(STAMP) ## Measure what it costs, beside others: 8 minutes (ARGS=--quick: one; --docs: write the page)
	$(BIN)/python -m benchmarks.run $(ARGS)

demo: $(STAMP) ## Show everything with simulated calls (ARGS=--live: with a few real ones)
	$(BIN)/otel-claude demo $(ARGS)

lint: $(STAMP) ## Check format, lint, types and spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check --no-cache .  # which modules are ours depends on the folders, and a cache does not see those
	$(BIN)/pyright
	$(BIN)/codespell

format: $(STAMP) ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(STAMP) ## Write docs/metrics.md from the code
	$(BIN)/python scripts/docs.py

requirements: ## Pin requirements/*.txt anew, with hashes (ARGS=--upgrade: to the newest versions)
	test -x $(UV) || ($(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --require-hashes -r requirements/uv.txt)
	pin() {
	  $(UV) pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header $(ARGS) "$$@"
	}
	for name in $(NAMES); do
	  pin "$$name" -o "$${name%.in}.txt"
	done
	pin --extra organization pyproject.toml -o requirements/image.txt # what the container image has beside the package

dashboards: $(STAMP) ## Generate deploy/ anew
	$(BIN)/python scripts/stack-files

test-stack: $(STAMP) ## Test on real servers (builds them once)
	scripts/stack
	STACK_TESTS=1 $(BIN)/python -m pytest tests/stack tests/fleets $(ARGS)

test-fleets: $(STAMP) ## Run fleets of processes on real servers, with five versions of OpenTelemetry (ARGS="-k celery": some)
	scripts/stack
	$(BIN)/python scripts/fleets.py $(ARGS)

fleet: $(STAMP) ## Write a fleet of 500 pods and 30 days and measure dashboards and rules on it (ARGS="--pods 50": another)
	scripts/stack
	folder=.cache/fleet/$$(date +%s)
	nice $(BIN)/python tools/fleet write "$$folder" --pods 500 $(ARGS)
	nice $(BIN)/python tools/fleet measure "$$folder"

screenshots: $(STAMP) ## Draw docs/images anew
	scripts/stack
	$(BIN)/python scripts/stack-pictures

clean: ## Remove what was made
	rm -rf $(VENV) .cache dist build .pytest_cache .ruff_cache
