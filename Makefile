# make repro: set up and run the pipeline. make serve: serve the tuned model at PORT, 8000 if not
# given. make test: set up and run every test.
# make ablation: run the four recipes as experiments and compare them. make ablation-vision: compare
# the last with the same without the vision route.
PLATFORM ?= cpu
$(if $(filter cpu gpu,$(PLATFORM)),,$(error PLATFORM is cpu or gpu, not "$(PLATFORM)"))
# Makes the environment: 3.11 or 3.12. Where it is missing and uv is there, uv brings it.
PYTHON ?= python3.11
# One environment a platform: torch's CPU build and vLLM's GPU build do not mix.
VENV ?= $(if $(filter gpu,$(PLATFORM)),.venv-gpu,.venv)
SETUP = -m stages.install.environment --platform $(PLATFORM) --venv $(VENV)
# bin first on PATH, so that the stages' `python` is the environment's.
export PATH := $(abspath $(VENV))/bin:$(PATH)
export DVC_NO_ANALYTICS = 1

.PHONY: setup repro serve lock assistant pool worlds ablation ablation-vision carried test test-fast test-faults bench gpu-check lint clean

# What is installed already costs a tenth of a second.
setup:
	@if $(PYTHON) -c "import sys; assert sys.version_info >= (3, 11)" 2>/dev/null; then $(PYTHON) $(SETUP); \
	elif command -v uv >/dev/null; then \
	  uv run --quiet --no-project --python $(patsubst python%,%,$(notdir $(PYTHON))) python $(SETUP); \
	else echo "error: $(PYTHON) is missing or too old: install 3.11 or 3.12, with venv, or uv, which brings \
	it; another one: make PYTHON=python3.12" >&2; exit 1; fi

repro: setup
	python -m stages.check
	dvc repro
	@printf '%s\n' "Open metrics/report/index.html: figures, samples, rejects, golden errors; it needs no network." \
	  "Or look here: python -m stages.report --samples 50   --rejects   --errors   --plan ID" \
	  "Try another setting: dvc exp run -S route.weights.text=0.5, then python -m stages.compare"

# The tuned model behind OpenAI's API, on 127.0.0.1 alone.
PORT ?= 8000
serve: setup
	python -m stages.serve --port $(PORT)

# Hashes of the pinned lists anew, after a version was changed; needs uv.
lock:
	$(PYTHON) -m stages.install.lists

# 67 functions are more to learn than two: more rows and larger matrices, on weights that are not rounded.
ASSISTANT = -S pack=data/domains/assistant -S route.recipe=heuristic -S route.rows=11000 \
  -S finetune.per_device_train_batch_size=16 -S finetune.num_train_epochs=1 \
  -S finetune.learning_rate=1e-3 -S finetune.quantize=false -S finetune.r=64 -S finetune.lora_alpha=128 \
  -S evaluate.decoding=both

# A thousand functions, of which a conversation shows a few: many sets, names masked in a third of
# them, so that the model reads the functions that it is shown.
POOL = -S pack=data/domains/pool -S route.recipe=heuristic -S route.rows=9500 \
  -S route.min_per_cell=0 -S route.heuristic_surplus=0.2 -S route.reserve=1.5 -S tools.sets=1010 \
  -S 'tools.shown=[1,5]' -S validate.masked_share=0.33 \
  -S finetune.per_device_train_batch_size=16 -S finetune.num_train_epochs=1 \
  -S finetune.learning_rate=1e-3 -S finetune.quantize=false -S finetune.r=64 \
  -S finetune.lora_alpha=128 -S evaluate.max_tokens=300 \
  -S 'benchmark.categories=[simple_python,multiple,parallel,parallel_multiple,irrelevance,live_simple,live_multiple]'

# Systems with state: conversations of several steps, done while they are planned. Rows are long, so
# these are few, for two cores; on a GPU give route.rows 10000 and tools.sets 400.
WORLDS = -S pack=data/domains/worlds -S route.recipe=heuristic -S route.rows=900 \
  -S route.min_per_cell=0 -S route.heuristic_surplus=0.2 -S route.reserve=1.5 -S tools.sets=160 \
  -S 'tools.shown=[4,10]' -S validate.masked_share=0.33 -S engine.max_model_len=4096 \
  -S finetune.max_length=3072 -S finetune.per_device_train_batch_size=8 \
  -S finetune.num_train_epochs=1 -S finetune.learning_rate=1e-3 -S finetune.quantize=false \
  -S finetune.r=64 -S finetune.lora_alpha=128 -S evaluate.max_tokens=200

# The second pack, as an experiment beside the default run; its figures go to metrics/packs.
assistant: setup carried
	$(call experiment,assistant,$(ASSISTANT))
	python -m stages.figures assistant metrics/packs/assistant.json

# The third, for functions never seen; its golden queries ask for those that are held out.
pool: setup carried
	$(call experiment,pool,$(POOL))
	python -m stages.figures pool metrics/packs/pool.json --held-out

# The fourth; its golden queries are of the worlds that are held out.
worlds: setup carried
	$(call experiment,worlds,$(WORLDS))
	python -m stages.figures worlds metrics/packs/worlds.json --held-out

RECIPES = heuristic single_prompt router router_heuristic

# $(call experiment,NAME,SETTINGS): run one in a temporary folder. DVC refuses a name that exists, so
# that is removed first: the run cache makes again at no cost whatever has not changed.
define experiment
dvc exp remove $(1) >/dev/null 2>&1 || true
env -u ROUTENATOR_PARAMS dvc exp run --temp --name $(1) $(2) || { echo "error: experiment $(1) \
failed, see above; finished stages are kept: mend it and run make $(MAKECMDGOALS) again" >&2; exit 1; }

endef

ablation: setup carried
	$(foreach name,$(RECIPES),$(call experiment,$(name),-S route.recipe=$(name)))
	python -m stages.compare $(RECIPES) --markdown metrics/ablation.md --csv metrics/ablation.csv

ablation-vision: setup carried
	$(call experiment,router_heuristic,-S route.recipe=router_heuristic)
	$(call experiment,no_vision,-S route.recipe=router_heuristic -S route.weights.vision=0)
	python -m stages.compare router_heuristic no_vision \
	  --markdown metrics/ablation_vision.md --csv metrics/ablation_vision.csv

# A temporary run takes changed files along, not those that Git does not know.
carried:
	@new=$$(git ls-files --others --exclude-standard -- stages prompts data); test -z "$$new" \
	  || { echo "error: experiments would lack these files, git add them first:" $$new >&2; exit 1; }

lint: setup
	ruff check stages tests data
	ruff format --check stages tests data
	mypy
	lint-imports

# As many processes as cores, at most four; one: pytest -n 0.
test: lint
	pytest

test-fast: lint
	pytest -m "not slow"

# The long form of the kills: 20 of generate, 5 of finetune (`test` has 4 and 2).
test-faults: setup
	ROUTENATOR_KILLS=20 pytest -s tests/test_faults.py tests/test_engines.py tests/test_training.py \
	  -k "killed or stopped or fault or experiments or dies or ray"

# Every stage against its limit or a peer; BENCH names some of them, such as BENCH="route light".
bench: setup
	python -m tests.benchmarks $(BENCH)

# Training speed on a GPU; without one it says so.
gpu-check: setup
	python -m tests.benchmarks.gpu_check

# Both environments, and another that VENV names, if it is one.
clean:
	test ! -f "$(VENV)/pyvenv.cfg" || rm -rf "$(VENV)"
	rm -rf .venv .venv-gpu .mypy_cache .ruff_cache .pytest_cache
