# `make` alone lists what can be made. Every target installs what it needs and is quick the second time.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run stop test nightly unit check fmt proto types docs lock bench fuzz doctor clean

PYTHON := .venv/bin/python
# Node comes from .venv where the machine has none; Debian keeps nats-server where ordinary users do not look.
export PATH := $(CURDIR)/.venv/ret-node:$(CURDIR)/.venv/bin:$(PATH):/usr/sbin
# Arguments for pytest or the product: `make unit ARGS="-k shape"`, `make run ARGS="--data /tmp/ret"`.
ARGS ?=

prepare = @"$$(scripts/find-python)" scripts/prepare.py

help: ## this list
	@echo 'RET: setup-data exports become tables.'
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## install what is missing, build the page, start everything on 127.0.0.1:8080 (Ctrl-C stops it)
	$(prepare) run
	@exec $(PYTHON) -m ret_run $(ARGS)

stop: ## stop a product that was started by `make run`
	@if [ -x $(PYTHON) ]; then exec $(PYTHON) -m ret_run --stop $(ARGS); fi

test: ## the whole check: style, types, drift, every test, coverage (what CI runs)
	$(prepare) test
	@exec $(PYTHON) scripts/run_tests.py $(ARGS)

# RET_TEST_DATABASES=both takes every test of a database on both of them; RET_TEST_OFFICE names the spreadsheet program
# that opens our workbooks (Debian's libreoffice-calc-nogui, installed where it is missing); RET_TEST_EXAMPLES_FACTOR is
# how many times the examples of `make test` hypothesis tries (300 documents become 10,200); RET_TEST_KILLS is how often
# convert's server is killed while edits are saved.
nightly: export RET_TEST_DATABASES = both
nightly: export RET_TEST_OFFICE = soffice
nightly: export RET_TEST_EXAMPLES_FACTOR = 34
nightly: export RET_TEST_KILLS = 100
nightly: ## as test, with every test on both databases, LibreOffice reading our workbooks, and many more made-up documents
	$(prepare) test
	@$(PYTHON) -m pytest -q tests/unit/convert/test_conservation.py -k every_value --hypothesis-show-statistics
	@exec $(PYTHON) scripts/run_tests.py $(ARGS)

unit: ## the unit tests only (seconds)
	$(prepare) python
	@exec $(PYTHON) -m pytest tests/unit -q $(ARGS)

check: ## style, types, generated files without drift, architecture; before every commit
	$(prepare) test
	@exec $(PYTHON) scripts/check.py $(ARGS)

fmt: ## format the code and repair what ruff can repair
	$(prepare) python
	@ruff format -q . && ruff check -q --fix . || true

proto: ## generate the Python stubs of proto/ into proto/gen
	$(prepare) python
	@exec $(PYTHON) scripts/proto.py

types: ## generate the page's types from the gateway's OpenAPI
	$(prepare) test
	@exec $(PYTHON) scripts/api_types.py

docs: ## generate docs/settings.md from the settings classes
	$(prepare) python
	@exec $(PYTHON) scripts/settings_doc.py

lock: ## pin the versions that are installed now in constraints.txt
	$(prepare) python
	@exec $(PYTHON) scripts/lock.py

bench: ## measure scanning, conversion and export on this machine; figures go into benchmarks/RESULTS.md by hand
	$(prepare) bench
	@exec $(PYTHON) -m benchmarks $(ARGS)

fuzz: ## the native core under AddressSanitizer: made-up documents for ten minutes, then its tests (`make fuzz ARGS=60`)
	$(prepare) test
	@exec $(PYTHON) scripts/fuzz.py $(ARGS)

doctor: ## what this machine has and lacks
	@"$$(scripts/find-python)" scripts/prepare.py doctor

clean: ## remove what was built and installed; data stays
	@rm -rf .venv .make frontend/node_modules frontend/dist .pytest_cache .ruff_cache .hypothesis .coverage*
