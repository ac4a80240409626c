# Each target does all its own set-up; what they promise is in README.md.
PYTHON := .venv/bin/python
PORT ?= 8000
VAR_DIR ?= var
ARGS ?=

export PORT VAR_DIR
.PHONY: run test lint bench reset setup setup-tests

run: setup
	@$(PYTHON) manage.py start

test: setup-tests
	@$(PYTHON) -m pytest -n 2 $(ARGS)

lint: setup-tests
	@tools/lint

bench: setup-tests
	@$(PYTHON) -m bench $(ARGS)

reset: setup
	@$(PYTHON) -m portal.embedded.reset

setup:
	@tools/setup run

setup-tests:
	@tools/setup test
