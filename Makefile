# Two commands: `make demo` and `make test`. Each sets everything up first; a second run starts in seconds.
PYTHON ?= python3
BIN := .venv/bin
SETUP := $(PYTHON) lib/stack/bootstrap.py

.PHONY: help setup demo up test prova bench check format lock docs clean

help: ## Show the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

setup: ## Install the pinned packages into .venv
	@$(SETUP)

demo: setup ## Start everything and watch Júlia answer a doctor (EXIT=1: end with a verdict)
	@$(BIN)/agente demo $(if $(EXIT),--sair)

up: setup ## Start the whole stack and keep it in the foreground
	@$(BIN)/agente up

test: setup ## Run all tests with small round counts, three files at a time
	@$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

prova: setup ## Run all tests with the full round counts
	@AGENTE_RODADAS=10 HYPOTHESIS_PROFILE=prova $(BIN)/pytest

bench: setup ## Measure: messages a second and their cost; BENCH=selecao the send claim, BENCH=trust its flow (ARGS=--json)
	@$(BIN)/python -m tests.bench.$(or $(BENCH),hot_path) $(ARGS)

check: setup ## Format, lint, types, layers, dependencies
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/deptry .
	@! grep -n '://' requirements.lock

format: setup ## Format and mend what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: setup ## Pin the dependencies again: hashes only, no addresses
	@$(BIN)/uv pip compile --universal --generate-hashes --no-header --group dev --python-version 3.11 \
	  --upgrade --quiet pyproject.toml --output-file requirements.lock

docs: setup ## Produce the outputs and pictures that README and docs show
	@$(BIN)/python docs/gerar.py

clean: ## Remove what the build made (not the data: that is `agente reset`)
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
