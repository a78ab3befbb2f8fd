# make repro: set up and run the pipeline. make test: set up and run every test.
# make ablation: run the four recipes as experiments and compare them. make ablation-vision: compare
# the last with the same without the vision route.
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

.PHONY: setup repro ablation ablation-vision carried test test-fast test-faults bench gpu-check lint clean

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
	python -m stages.check
	dvc repro

RECIPES = heuristic single_prompt router router_heuristic

# $(call experiment,NAME,SETTINGS): run one in a temporary folder. DVC refuses a name that exists, so
# that is removed first: the run cache makes again at no cost whatever has not changed.
define experiment
dvc exp remove $(1) >/dev/null 2>&1 || true
env -u ROUTENATOR_PARAMS dvc exp run --temp --name $(1) $(2) || { echo "error: experiment $(1) \
failed, see above; finished stages are kept: mend it and run make $(MAKECMDGOALS) again" >&2; exit 1; }

endef

ablation: $(DONE) carried
	$(foreach name,$(RECIPES),$(call experiment,$(name),-S route.recipe=$(name)))
	python -m stages.compare $(RECIPES) --markdown metrics/ablation.md --csv metrics/ablation.csv

ablation-vision: $(DONE) carried
	$(call experiment,router_heuristic,-S route.recipe=router_heuristic)
	$(call experiment,no_vision,-S route.recipe=router_heuristic -S route.weights.vision=0)
	python -m stages.compare router_heuristic no_vision \
	  --markdown metrics/ablation_vision.md --csv metrics/ablation_vision.csv

# A temporary run takes changed files along, not those that Git does not know.
carried:
	@new=$$(git ls-files --others --exclude-standard -- stages prompts data); test -z "$$new" \
	  || { echo "error: experiments would lack these files, git add them first:" $$new >&2; exit 1; }

lint: $(DONE)
	ruff check stages tests data
	ruff format --check stages tests data
	mypy

test: lint
	pytest

test-fast: lint
	pytest -m "not slow"

# The long form of the kills: 20 of generate, 5 of finetune (`test` has 4 and 2).
test-faults: $(DONE)
	ROUTENATOR_KILLS=20 pytest -s tests/test_faults.py tests/test_engines.py tests/test_training.py \
	  -k "killed or fault or experiments or dies or ray"

# Every stage against its limit or a peer; BENCH names some of them, such as BENCH="route light".
bench: $(DONE)
	python -m tests.benchmarks $(BENCH)

# Training speed on a GPU; without one it says so.
gpu-check: $(DONE)
	python -m tests.benchmarks.gpu_check

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
