"""Whether a model keeps packed rows apart: proved on made-up rows, or refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from stages.core.command import InputError
from stages.training.tokens import NO_LOSS

# Logits of the same tokens in another shape differ by rounding; a wrong position or a seen
# neighbour differs by more. As a share of the largest logit.
ROUNDING = 0.05
LEAK = 1e-4


def refuse(model: Any, packing: str, why: str) -> InputError:
    """The error that names the packing, the model and the way out."""
    return InputError(
        f"finetune.packing {packing} cannot train {model.config.model_type}: {why}. "
        "Set finetune.packing to none"
    )


@torch.no_grad()
def check_exact(
    model: Any, collate: Callable[[list[dict[str, Any]]], dict[str, Any]], packing: str
) -> None:
    """Prove on two made-up rows that `model` keeps apart what `collate` packs, or refuse it.

    `collate` turns rows with input_ids, labels and prefix_length into one sequence that ends with
    the last row's own part, padding after it. This catches what a configuration does not say:
    recurrent layers, positions that the model counts itself, attention that ignores the mask.
    """
    draw = torch.Generator().manual_seed(0)
    tokens = torch.randint(
        min(model.config.get_text_config().vocab_size, 1000), (29,), generator=draw
    )
    prefix, first, second, other = tokens.tolist()[:8], *(t.tolist() for t in tokens[8:].split(7))

    def logits(*suffixes: list[int]) -> torch.Tensor:
        rows = [
            {"input_ids": prefix + s, "labels": [NO_LOSS] * 8 + s, "prefix_length": 8}
            for s in suffixes
        ]
        batch = collate(rows)
        last = int((batch.pop("labels")[0] != NO_LOSS).nonzero().max()) + 1
        batch = {n: v.to(model.device) if torch.is_tensor(v) else v for n, v in batch.items()}
        out = model(**batch, use_cache=False).logits[0]
        return out[last - len(suffixes[-1]) : last].float()

    training = model.training
    model.eval()
    try:
        alone = (
            model(input_ids=torch.tensor([prefix + second], device=model.device), use_cache=False)
            .logits[0, -len(second) :]
            .float()
        )
        together, moved = logits(first, second), logits(other, second)
    except (TypeError, ValueError, RuntimeError, IndexError) as error:
        raise refuse(model, packing, f"it fails when packed ({str(error)[:200]})") from None
    finally:
        model.train(training)
    scale = alone.abs().max()
    if (together - moved).abs().max() > LEAK * scale:
        raise refuse(model, packing, "a row sees its neighbour through it")
    if (together - alone).abs().max() > ROUNDING * scale:
        raise refuse(model, packing, "it ignores the positions or the mask that it is given")


@torch.no_grad()
def check_causal(model: Any) -> None:
    """Prove that no token of `model` sees a later one, as in an encoder, or refuse it."""
    size = min(model.config.get_text_config().vocab_size, 1000)
    tokens = torch.arange(1, 9, device=model.device)[None] % size
    other = tokens.clone()
    other[0, -1] = 0
    training = model.training
    model.eval()
    try:
        one, two = (model(input_ids=ids, use_cache=False).logits[0, :-1] for ids in (tokens, other))
    finally:
        model.train(training)
    if (one - two).abs().max() > LEAK * one.abs().max():
        raise InputError(
            f"models.student is {model.config.model_type}, no causal language model (a token sees "
            "those after it): name a decoder model"
        )
