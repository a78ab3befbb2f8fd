"""One training run for the benchmarks, in a process of its own: our trainer, or TRL's as it comes.

Command: python -m tests.benchmarks.trainer JOB.json, which names base (folder), rows (JSON of
`tokens.Row`s), side (shared_prefix, bfd or none for ours; trl_bfd or trl_none for TRL's), batch
(rows a step), room (tokens of a pack at most), layers (dequantized, or bitsandbytes'), attention
(that of `finetune.attention`, by default sdpa; or fused, PyTorch's own wherever it runs), before
(true: bfloat16 on every processor, PEFT's own layers, threads as OpenMP has them), out.
Writes `out`: rows, tokens, scored tokens and seconds of the steps after the warm-up, loss, peak.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.frame import ROOT, Timed, timed

# Optimizer steps before the clock starts: kernels are prepared in them.
WARM_UP = 1


def run(job: dict[str, Any], folder: Path, **environment: str) -> tuple[dict[str, Any], Timed]:
    """What `job` measured, and its process's time and memory. `job` needs no `out`."""
    given, out = folder / "job.json", folder / "result.json"
    given.write_text(json.dumps({**job, "out": str(out)}), "utf-8")
    command = [sys.executable, "-m", "tests.benchmarks.trainer", str(given)]
    whole = timed(command, ROOT, 1, None, HF_HUB_OFFLINE="1", **environment)
    return json.loads(out.read_text("utf-8")), whole


def trl_trainer(model: Any, tokenizer: Any, rows: list[Any], tune: Any, job: dict[str, Any],
                scratch: Path, callback: Any) -> Any:  # fmt: skip
    """SFTTrainer as its documentation sets it up, with our LoRA and optimizer settings.

    Tokens and labels are given, so that both sides have the same; everything after is TRL's:
    packing, collator, loss over the vocabulary, adapter type.
    """
    from datasets import Dataset
    from trl import SFTTrainer

    from stages.training import bfd, configuration

    arguments = configuration.sft_config(tune, 0, scratch)
    arguments.dataset_kwargs = None
    arguments.max_length = bfd.room(rows, job["batch"], job["room"])
    if job["side"] == "trl_bfd":
        arguments.packing, arguments.packing_strategy = True, "bfd"
        # As many packs a step as are nearest to its rows; joined in one pass they run slower.
        arguments.per_device_train_batch_size = 1
        _, arguments.gradient_accumulation_steps = bfd.pack(rows, job["batch"], job["room"])
    plain = [{"input_ids": row.input_ids, "labels": row.labels} for row in rows]
    return SFTTrainer(
        model=model, args=arguments, train_dataset=Dataset.from_list(plain),
        processing_class=tokenizer, peft_config=configuration.lora_config(tune),
        callbacks=[callback],
    )  # fmt: skip


def main(job: dict[str, Any]) -> None:
    import resource
    from contextlib import nullcontext

    import torch
    import transformers
    from peft.helpers import disable_input_dtype_casting
    from transformers import AutoTokenizer, TrainerCallback

    from stages.core import memory, processor, settings
    from stages.training import lora, qlora
    from stages.training.tokens import NO_LOSS, Row

    if job.get("before"):
        processor.dtype = lambda: torch.bfloat16
        lora.fuse = lambda model: 0
    cuda = torch.cuda.is_available()
    rows = [Row(**row) for row in json.loads(Path(job["rows"]).read_text("utf-8"))]
    ours = not job["side"].startswith("trl")
    wanted = job.get("attention", "sdpa")
    kind = "sdpa" if wanted == "fused" else wanted
    tune = settings.load(ROOT / "params.yaml").finetune.model_copy(
        update={
            "attention": kind,
            "packing": job["side"] if ours else "none", "max_length": job["room"],
            "per_device_train_batch_size": job["batch"], "gradient_accumulation_steps": 1,
            "num_train_epochs": 1.0, "max_steps": -1, "logging_steps": 1, "save_steps": 10**6,
            "gradient_checkpointing": job.get("checkpointing", False),
        }
    )  # fmt: skip
    if job["layers"] == "bitsandbytes":
        transformers.PreTrainedModel.dequantize = lambda self, dtype: self
    tokenizer = AutoTokenizer.from_pretrained(job["base"], local_files_only=True)
    model = qlora.load_base(job["base"], quantize=True, attention=kind)
    if wanted == "fused" or not ours:
        model.set_attn_implementation("sdpa")
    if ours and not cuda:
        memory.keep_freed()
    seen: list[tuple[int, int, int]] = []
    ends: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if cuda:
                torch.cuda.synchronize()
            ends.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as scratch:
        if ours:
            trainer = qlora.make_trainer(
                model, tokenizer, rows, tune, 0, Path(scratch), [Clock()]
            )  # fmt: skip
        else:
            trainer = trl_trainer(model, tokenizer, rows, tune, job, Path(scratch), Clock())
        collate = trainer.data_collator

        def counted(batch: list[Any]) -> dict[str, Any]:
            made = collate(batch)
            n = sum(len(row.get("seq_lengths") or [0]) for row in batch)
            scored = int((made["labels"] != NO_LOSS).sum())
            seen.append((n, made["input_ids"].numel(), scored))
            return made

        trainer.data_collator = counted
        with disable_input_dtype_casting(trainer.model) if ours else nullcontext():
            trainer.train()
    # The loader reads a batch ahead; a pass that no step came of is not counted.
    if len(ends) <= WARM_UP:
        raise SystemExit(f"error: {len(ends)} steps leave none to time after the first: more rows")
    passes = trainer.args.gradient_accumulation_steps
    done, clock = seen[WARM_UP * passes : len(ends) * passes], ends[-1] - ends[WARM_UP - 1]
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    weights = [
        sum(scored for _, _, scored in seen[n * passes : (n + 1) * passes])
        for n in range(len(ends))
    ]
    peak = torch.cuda.max_memory_allocated() / 2**20 if cuda else (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10)  # fmt: skip
    result = {
        "seconds": clock,
        "steps": len(ends) - WARM_UP,
        "rows": sum(n for n, _, _ in done),
        "tokens": sum(tokens for _, tokens, _ in done),
        "scored": sum(scored for _, _, scored in done),
        # Mean over the answer tokens of all rows, each seen once, while training.
        "loss": sum(w * x for w, x in zip(weights, losses, strict=True)) / sum(weights),
        "peak_mib": peak,
    }
    Path(job["out"]).write_text(json.dumps(result), "utf-8")


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    job = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    if not job["side"].startswith("trl") and not job.get("before"):
        from stages.core.processor import share_cores

        share_cores()
    main(job)
