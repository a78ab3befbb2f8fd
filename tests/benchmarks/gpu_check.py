"""Training on this machine's GPU: shared-prefix against TRL's packing, with random weights.

Command: make gpu-check, or python -m tests.benchmarks.gpu_check [--rows N]
Prints the device and one table: rows/s, tokens/s, peak memory, share of the device's bfloat16
matrix-product ceiling, measured in the same run. NF4, LoRA on the seven projections, models the
size of Qwen2.5-0.5B and of Llama-3.1-8B; the larger writes 16 GB to a temporary folder and needs
about 24 GB on the GPU. Where there is no GPU it says so and ends well.

`--device cpu --tiny` runs the same on a processor with a model of two small layers: a test of the
code, no measurement.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks import trainer

# Shapes of the two models; the vocabulary counts, for the answers are scored over it.
SMALL = {
    "vocab_size": 151936, "hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24,
    "num_attention_heads": 14, "num_key_value_heads": 2, "tie_word_embeddings": True,
}  # fmt: skip
LARGE = {
    "vocab_size": 128256, "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
    "num_attention_heads": 32, "num_key_value_heads": 8, "tie_word_embeddings": False,
}  # fmt: skip
TINY = {
    "vocab_size": 512, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": True,
}  # fmt: skip
# Tokens that all rows share: about the catalogue of the pack, and about one of 20 functions.
PREFIXES = {"2 functions": 91, "20 functions": 1679}
SUFFIX, ANSWER = 37, 21
# Packing and attention.
SIDES = (("shared_prefix", "sdpa"), ("shared_prefix", "flex"), ("trl_bfd", "sdpa"))


def save_model(kind: str, shape: dict[str, Any], folder: Path, device: str) -> int:
    """Write a random model and a tokenizer for padding; returns the weights a token multiplies."""
    import torch
    import transformers
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    config = {"Qwen2": transformers.Qwen2Config, "Llama": transformers.LlamaConfig}[kind](**shape)
    with torch.device(device):
        model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(folder)
    plain = Tokenizer(models.WordLevel({"<pad>": 0}, unk_token="<pad>"))
    PreTrainedTokenizerFast(tokenizer_object=plain, pad_token="<pad>", eos_token="<pad>"
                            ).save_pretrained(folder)  # fmt: skip
    return sum(
        module.weight.numel()
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and "lm_head" not in name
    )


def made_rows(count: int, prefix: int, vocabulary: int) -> list[dict[str, Any]]:
    """Rows of `prefix` shared and about `SUFFIX` own random tokens, the last `ANSWER` scored."""
    from stages.training.tokens import NO_LOSS, Row

    draw = random.Random(0)
    shared = draw.choices(range(vocabulary), k=prefix)
    rows = []
    for number in range(count):
        own = draw.choices(range(vocabulary), k=draw.randint(SUFFIX - 8, SUFFIX + 8))
        ids = shared + own
        labels = [NO_LOSS] * (len(ids) - ANSWER) + ids[-ANSWER:]
        rows.append(asdict(Row(str(number), ids, labels, prefix)))
    return rows


def ceiling(device: str, size: int, repeats: int = 20) -> float:
    """Floating-point operations a second of a product of two square matrices, in the type that
    models compute in there: bfloat16 on a GPU.
    """
    import torch

    from stages.core import processor

    one = torch.randn(size, size, dtype=processor.dtype(), device=device)
    best = float("inf")
    for _ in range(repeats):
        began = time.perf_counter()
        one @ one
        if device == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began)
    return 2 * size**3 / best


def operations(result: dict[str, Any], weights: int, shape: dict[str, Any]) -> float:
    """Matrix-product operations of the timed steps: 2 a weight and token forward, 2 for the inputs'
    gradients; frozen weights have none of their own. Attention and LoRA come on top, uncounted.
    The vocabulary is counted for scored tokens, whatever a trainer computes.
    """
    head = shape["vocab_size"] * shape["hidden_size"]
    return 4.0 * (weights * result["tokens"] + head * result["scored"])


def main(given: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=512, help="rows to train on (default: 512)")
    parser.add_argument("--batch", type=int, default=32, help="rows a step (default: 32)")
    parser.add_argument("--device", default="cuda", help=argparse.SUPPRESS)
    parser.add_argument("--tiny", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help="also write the figures to this JSON file")
    chosen = parser.parse_args(given)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import torch

    if chosen.device == "cuda" and not torch.cuda.is_available():
        print("gpu-check: no GPU at hand, so nothing was measured")
        return
    cuda = chosen.device == "cuda"
    name = torch.cuda.get_device_name() if cuda else "processor"
    sizes = {"0.5B": ("Qwen2", SMALL), "8B": ("Llama", LARGE)}
    if chosen.tiny:
        sizes = {"tiny": ("Llama", TINY)}
    peak = ceiling(chosen.device, 8192 if cuda else 256)
    print(f"gpu-check: {name}, torch {torch.__version__}, {peak / 1e12:.2f} TFLOP/s",
          flush=True)  # fmt: skip
    figures: list[dict[str, Any]] = []
    failed: list[str] = []
    for size, (kind, shape) in sizes.items():
        with tempfile.TemporaryDirectory() as folder:
            base, file = Path(folder) / "model", Path(folder) / "rows.json"
            weights = save_model(kind, shape, base, chosen.device)
            if cuda:
                torch.cuda.empty_cache()
            for catalogue, prefix in PREFIXES.items():
                file.write_text(json.dumps(made_rows(chosen.rows, prefix, shape["vocab_size"])))
                for side, attention in SIDES:
                    if attention == "flex" and not cuda:
                        continue
                    job = {"base": str(base), "rows": str(file), "side": side, "room": 4096,
                           "batch": chosen.batch, "layers": "bitsandbytes",
                           "attention": attention}  # fmt: skip
                    try:
                        result, _ = trainer.run(job, Path(folder))
                    except SystemExit as error:  # the others are worth their time all the same
                        failed.append(f"{size}, {catalogue}, {side}, {attention}: {error}")
                        continue
                    rate = operations(result, weights, shape) / result["seconds"]
                    figures.append({
                        "device": name, "model": size, "catalogue": catalogue, "packing": side,
                        "attention": attention,
                        "rows_per_second": result["rows"] / result["seconds"],
                        "tokens_per_second": result["tokens"] / result["seconds"],
                        "peak_mib": result["peak_mib"], "share": rate / peak,
                        "loss": result["loss"],
                    })  # fmt: skip
    shown = Table(
        "model",
        "catalogue",
        "packing",
        "attention",
        "rows/s",
        "tokens/s",
        "peak (MiB)",
        "of ceiling",
    )
    for one in figures:
        shown.add_row(one["model"], one["catalogue"], one["packing"], one["attention"],
                      f"{one['rows_per_second']:.1f}", f"{one['tokens_per_second']:.0f}",
                      f"{one['peak_mib']:.0f}", f"{one['share']:.1%}")  # fmt: skip
    Console(width=120).print(shown)
    if chosen.out:
        chosen.out.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    if failed:
        raise SystemExit("\n".join(failed))


if __name__ == "__main__":
    main()
