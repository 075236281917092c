# Everything starts here; bare `make` explains.
PYTEST ?= .venv/bin/pytest
.DEFAULT_GOAL := help
.PHONY: help setup demo test check format bench shell lock clean

help:  ## Explain these targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

setup:  ## Make .venv with homeport and the tools; install what the system lacks
	@scripts/setup run

demo: setup  ## Run a Fargate task on its own network interface, and look at it
	@scripts/demo

test:  ## Run all tests, inside labs
	@scripts/setup test
	@scripts/test

check: setup  ## Format, lint, types, layers: what CI asks before it tests
	.venv/bin/ruff format --check src tests bench
	.venv/bin/ruff check src tests bench
	.venv/bin/mypy
	.venv/bin/lint-imports

format: setup  ## Format the code
	.venv/bin/ruff format src tests bench && .venv/bin/ruff check --fix src tests bench

bench:  ## Measure against Docker Engine and moto, side by side
	@scripts/setup bench
	@scripts/bench

shell: setup  ## Open a shell in a fresh lab, with AWS's tools pointed at it
	@.venv/bin/homeport lab

lock: setup  ## Resolve the dependencies again
	@scripts/lock

clean:  ## Remove what setup and the tools made in this folder
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis node_modules tests/clients/node_modules
