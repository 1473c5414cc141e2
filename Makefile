# `make repro` is all a newcomer needs; `make help` lists the rest.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
# PYTHON=... chooses another interpreter than the one that the search returns.
INTERPRETER = $(shell tools/find-python.sh $(PYTHON))

.PHONY: help repro setup params docs test test-slow lint clean

help:           ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 12

repro: setup    ## set up if needed, then run the whole pipeline
	PATH="$(CURDIR)/$(BIN):$$PATH" dvc repro

setup: $(BIN)/.ready  ## make .venv and install what requirements.lock pins

# face-alignment is installed without its dependencies: its opencv-python would overwrite the build of
# OpenCV that mediapipe installs; the rest is in the lock.
$(BIN)/.ready: requirements.lock pyproject.toml
	@test -n "$(INTERPRETER)" || { echo "error: $(or $(PYTHON),this machine) has no Python 3.11 or 3.12 with venv; install one (Debian: python3 python3-venv) or say PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(INTERPRETER) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps face-alignment==1.5.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python tools/check_libraries.py
	@$(BIN)/python -m tools.offline_plots
	@touch $@

params: setup   ## compose conf/ into params.yaml
	$(BIN)/python -m pipeline.compose

docs: setup     ## write docs/data-flow.md and docs/config.md, which are made from the code
	$(BIN)/python -m tools.write_docs

# One worker per core, each with one thread, so that they do not wait for each other. Which tests stay
# together is decided in tests/conftest.py. nproc counts threads of OpenMP where they are limited.
WORKERS := $(shell env -u OMP_NUM_THREADS nproc)
PYTEST = PATH="$(CURDIR)/$(BIN):$$PATH" OMP_NUM_THREADS=1 python -m pytest -n $(WORKERS) --dist loadgroup

test: setup     ## the fast tests (ten minutes on 2 cores)
	$(PYTEST) -m "not slow"

test-slow: setup  ## the tests that take minutes (a quarter of an hour on 2 cores)
	$(PYTEST) -m slow

lint: setup     ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:          ## remove the environment and caches of tools, keep data and reports
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache *.egg-info
