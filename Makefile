# make repro: set up and run the pipeline. make test: set up and run every test.
PLATFORM ?= cpu
PYTHON ?= python3.11
VENV ?= .venv
TORCH = torch==2.13.0+cpu
TORCH_INDEX = https://download.pytorch.org/whl/cpu
DONE = $(VENV)/.installed-$(PLATFORM)
# bin first on PATH, so that the stages' `python` is the environment's.
export PATH := $(abspath $(VENV))/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export DVC_NO_ANALYTICS = 1

.PHONY: setup repro test test-fast lint clean

setup: $(DONE)

$(DONE): requirements-$(PLATFORM).txt
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
ifeq ($(PLATFORM),cpu)
	$(VENV)/bin/python -m pip install --quiet --no-deps "$(TORCH)" \
	  || $(VENV)/bin/python -m pip install --quiet --no-deps --index-url $(TORCH_INDEX) "$(TORCH)"
endif
	$(VENV)/bin/python -m pip install --quiet --no-deps -r $<
	touch $@

repro: $(DONE)
	dvc repro

lint: $(DONE)
	ruff check stages tests data
	ruff format --check stages tests data
	mypy

test: lint
	pytest

test-fast: lint
	pytest -m "not slow"

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
