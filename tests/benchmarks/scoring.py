"""Scoring: the `evaluate` stage against bare vLLM on the same prompts.

Both answer every golden query with the base model and with a merged adapter, in one process, the
start of Python and of both engines included. Ours also checks and merges the adapter, embeds
sub-prompts, draws the bootstrap samples and keeps the answers; the reference finds the merged model
ready. The adapter is random and small, so its answers are as long as the base model's.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial

from tests.benchmarks.frame import (
    PACK,
    Line,
    Size,
    at_most,
    in_turns,
    project,
    script,
    stage,
    timed,
)

QUERIES = 460

# An adapter with the default run's shape, and its base model with it merged.
ADAPT = """
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM
from stages.engines import models
from stages.core import settings
from stages.engines.adapter import merge

base, options = models.resolve("student"), settings.load()
torch.manual_seed(0)
chosen = options.finetune
made = get_peft_model(AutoModelForCausalLM.from_pretrained(base), LoraConfig(
    r=chosen.r, lora_alpha=chosen.lora_alpha, target_modules=chosen.target_modules,
    task_type="CAUSAL_LM",
))
for name, value in made.named_parameters():
    if ".lora_B." in name:  # zeros, as PEFT makes them
        torch.nn.init.normal_(value, std=1e-3)
made.save_pretrained("models/adapter")
merge(base, "models/adapter", "models/merged")
"""
BARE = """
from stages import formats
from stages.core import golden_rows, pack, settings
from stages.engines import engine, models

options = settings.load()
known = pack.load(options.pack)
system = formats.system(formats.FORMATS[options.tools.format], known.catalogue.tools)
asked = [
    [{"role": "system", "content": system}, {"role": "user", "content": row.query}]
    for row in golden_rows.read(known.golden, known.catalogue)
]
for folder in (models.resolve("student"), "models/merged"):
    llm = engine.engine(folder, options.engine, options.seed)
    from vllm import SamplingParams

    sampling = SamplingParams(temperature=0.0, max_tokens=options.evaluate.max_tokens)
    answers = llm.chat(asked, sampling, use_tqdm=False)
    assert len(answers) == len(asked)
    engine.shutdown(llm)
"""


def lines(size: Size) -> Iterator[Line]:
    n = size.rows(QUERIES)
    with project() as folder:
        timed(stage("models"), folder, 1)
        timed(script(ADAPT), folder, 1)
        golden = folder / PACK / "golden.jsonl"
        whole = golden.read_text("utf-8").splitlines(keepends=True)
        forget = partial(shutil.rmtree, folder / "data/.work", ignore_errors=True)
        golden.write_text("".join(whole[: max(2, n // 10)]), "utf-8")
        tenth = timed(stage("evaluate"), folder, size.repeats, forget)
        golden.write_text("".join(whole[:n]), "utf-8")
        ours, bare = in_turns(
            size.repeats,
            partial(timed, stage("evaluate"), folder, 1, forget),
            partial(timed, script(BARE), folder, 1),
        )
        yield at_most(
            "evaluate", f"{n} golden queries, base and adapter merged", ours, bare.seconds,
            "vLLM alone on the same prompts, both models, both with start-up", 1.2,
            growth=ours.seconds / tenth.seconds,
        )  # fmt: skip
