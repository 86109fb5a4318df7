# Waystation's tasks. `make` alone lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FACES := tests/unit/api/ tests/unit/cli/ tests/unit/client/
QUICK := $(BIN)/python -m pytest -q -p no:schemathesis -p no:xdist --hypothesis-profile=quick
INSTALLING := echo "Installing Waystation into $(CURDIR)/$(VENV): it downloads what requirements/ names"
WORKERS := $(shell expr 2 '*' "$$(getconf _NPROCESSORS_ONLN)")
LOCK := $(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-emit-index-url \
	--no-emit-find-links --universal --python-version 3.11

# pytest keeps the tests that it has compiled: without, each run compiles them anew, for 15 s;
# two processes side by side, because workers that report each test to a third take half as long again;
# tests with sockets and processes wait most of their time, so that a processor has two WORKERS
unexport PYTHONDONTWRITEBYTECODE PYTHONUNBUFFERED

.DEFAULT_GOAL := help
.PHONY: help install demo serve test check format lock docs examples bench soak branches mutants clean style types contracts core faces drawn

help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/run.stamp ## make .venv with `waystation` and `waystation-simulator` in it
	@$(if $(and $(filter install,$(MAKECMDGOALS)),$(if $(RENEWED),,yes)),echo "already installed: $(CURDIR)/$(BIN)/waystation",:)

demo: install ## show everything once: simulator, service, two accounts, pictures, callback, mail
	@$(BIN)/waystation demo

serve: install ## run the service with the settings of the environment
	@$(BIN)/waystation serve

test: $(VENV)/dev.stamp $(VENV)/clients.stamp ## everything CI runs: check, then the tests with sockets, processes and databases
	@$(MAKE) --no-print-directory --jobs=2 --output-sync branches types core faces drawn contracts style
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup tests/integration tests/conformance tests/documents tests/e2e tests/clients

check: $(VENV)/dev.stamp ## the quick loop: format, lint, types, import contracts, unit tests
	@$(MAKE) --no-print-directory --jobs=2 --output-sync faces core types contracts style

style:
	$(BIN)/ruff format --check --quiet src tests benchmarks
	$(BIN)/ruff check --quiet src tests benchmarks

types:
	$(BIN)/mypy --no-error-summary

contracts:
	$(BIN)/lint-imports --no-logo

core:
	$(QUICK) tests/unit/*.py $(filter-out $(FACES) %__pycache__/,$(wildcard tests/unit/*/))

faces:
	$(QUICK) $(FACES) tests/architecture

drawn:
	$(BIN)/python -m pytest -q -p no:schemathesis -p no:xdist -m hypothesis tests/unit

format: $(VENV)/dev.stamp ## format the code and mend what the linter can
	$(BIN)/ruff check --quiet --fix src tests benchmarks
	$(BIN)/ruff format src tests benchmarks

docs: $(VENV)/dev.stamp ## write the generated pages of docs/ anew from the tables
	$(BIN)/python -m tests.documents.generated

examples: $(VENV)/dev.stamp ## write the examples of docs/api.md anew, from a run; then `make docs`
	WRITE_EXAMPLES=1 $(BIN)/python -m pytest -q tests/e2e/test_captured.py

bench: $(VENV)/dev.stamp ## ratios from interleaved rounds; takes minutes
	$(BIN)/python -m benchmarks

soak: $(VENV)/dev.stamp ## the long runs: kill, restart and load for minutes
	$(BIN)/python -m pytest -m soak tests/soak tests/clients

branches: $(VENV)/dev.stamp ## the branches of the pure core that a module's own test leaves out
	$(BIN)/python -m tests.pure.branches

mutants: $(VENV)/dev.stamp ## 400 small faults in the pure core, and those that no test notices
	$(BIN)/python -m tests.pure.mutants --count 400

lock: $(VENV)/dev.stamp ## compile requirements/*.txt anew: versions and hashes, no addresses
	$(LOCK) pyproject.toml requirements/build.in -o requirements/run.txt
	$(LOCK) pyproject.toml requirements/build.in --extra otel -o requirements/otel.txt
	$(LOCK) pyproject.toml requirements/build.in --extra postgresql -o requirements/postgresql.txt
	$(LOCK) pyproject.toml requirements/build.in --extra dev -o requirements/dev.txt
	for each in tests/clients/*/client.in; do $(LOCK) $$each -o $${each%.in}.txt; done

clean: ## delete what the tasks made
	find benchmarks src tests -name __pycache__ -prune -exec rm -r {} +
	rm -rf $(VENV) tests/clients/*/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(INSTALLING)
	@sh scripts/debian.sh venv $(PYTHON)
	@$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements/run.txt pyproject.toml | $(BIN)/python
	$(eval RENEWED := yes)
	@if test -e $@; then $(INSTALLING); fi
	@test -e $(VENV)/dev.stamp || $(BIN)/pip install --quiet --require-hashes -r requirements/run.txt
	@$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt pyproject.toml | $(BIN)/python
	@if test -e $@; then $(INSTALLING); fi
	@$(BIN)/pip install --quiet --require-hashes -r requirements/dev.txt
	@$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/clients.stamp: $(wildcard tests/clients/*/package-lock.json) | $(BIN)/python
	sh scripts/debian.sh node
	sh scripts/debian.sh nginx
	sh scripts/debian.sh postgresql
	for each in $^; do (cd $${each%/*} && npm ci --silent --no-audit --no-fund --ignore-scripts) || exit; done
	@touch $@
