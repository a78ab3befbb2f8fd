"""Shared-prefix training: rows with one system prompt as one sequence, exactly.

All rows of a catalogue begin with the same tokens. A sequence holds that prefix once and then the
rest of each row (its suffix). A suffix sees the prefix and itself; its positions go on where the
prefix ended. So every token sees what it would see in a row of its own, and loss and gradients are
those of separate rows. Attention being causal, the prefix itself sees no suffix.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import torch

from stages.contracts.command import InputError
from stages.training.tokens import NO_LOSS

WINDOWED = {"sliding_attention": "sliding_window", "chunked_attention": "attention_chunk_size"}
ATTENTIONS = ("sdpa", "eager")
# Logits of the same tokens in another shape differ by rounding; a wrong position or a seen
# neighbour differs by more. As a share of the largest logit.
ROUNDING = 0.05
LEAK = 1e-4


@dataclass(frozen=True)
class SharedPrefixCollator:
    """Turns a batch of rows into one sequence; any mix of prefixes, no padding.

    `additive`: the mask's dtype for attention that adds it to the scores (eager); None gives
    booleans, True where a token is seen (scaled-dot-product attention).
    """

    additive: torch.dtype | None = None

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """`rows` with input_ids, labels and prefix_length, as in `tokens.Row`.

        Returns input_ids, labels, position_ids of shape (1, tokens) and an attention_mask of shape
        (1, 1, tokens, tokens), where tokens = the prefixes once each + all suffixes.
        """
        groups: dict[tuple[int, ...], list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            groups[tuple(row["input_ids"][: row["prefix_length"]])].append(row)
        ids: list[int] = []
        labels: list[int] = []
        positions: list[int] = []
        group_of: list[int] = []
        row_of: list[int] = []
        number = 0
        for group, (prefix, members) in enumerate(groups.items()):
            start = len(prefix)
            parts = [(0, list(prefix), [NO_LOSS] * start)]
            parts += [(start, m["input_ids"][start:], m["labels"][start:]) for m in members]
            for part, (first, tokens, marks) in enumerate(parts):
                number += part > 0
                ids += tokens
                labels += marks
                positions += range(first, first + len(tokens))
                group_of += [group] * len(tokens)
                row_of += [number if part else 0] * len(tokens)
        mask = visible(torch.tensor(group_of), torch.tensor(row_of))
        if self.additive is not None:
            hidden = torch.finfo(self.additive).min
            mask = torch.zeros(mask.shape, dtype=self.additive).masked_fill_(~mask, hidden)
        return {
            "input_ids": torch.tensor([ids]),
            "labels": torch.tensor([labels]),
            "position_ids": torch.tensor([positions]),
            "attention_mask": mask[None, None],
        }


def visible(group_of: torch.Tensor, row_of: torch.Tensor) -> torch.Tensor:
    """Which token (second axis) each token (first axis) sees; booleans of shape (n, n).

    `group_of` numbers the prefixes, `row_of` the rows from 1, 0 for a prefix token; both (n,).
    """
    size = len(group_of)
    earlier = torch.ones(size, size, dtype=torch.bool).tril_()
    own = (row_of[None] == 0) | (row_of[None] == row_of[:, None])
    return earlier & own & (group_of[None] == group_of[:, None])


def _refuse(model: Any, why: str) -> InputError:
    return InputError(
        f"finetune.packing shared_prefix cannot train {model.config.model_type}: {why}. "
        "Set finetune.packing to none"
    )


def check_kind(model: Any, longest: int) -> None:
    """Refuse, by name, an attention that cannot take an explicit mask.

    A window is no obstacle while the longest row, of `longest` tokens, fits in it.
    """
    config = model.config.get_text_config()
    kind = config._attn_implementation
    if kind not in ATTENTIONS:
        raise _refuse(model, f"its attention is {kind}, which takes no explicit mask")
    default = "sliding_attention" if getattr(config, "sliding_window", None) else "full_attention"
    layers = getattr(config, "layer_types", None) or [default]
    for layer in sorted(set(layers) - {"full_attention"}):
        if layer not in WINDOWED:
            raise _refuse(model, f"it has {layer} layers, which take no explicit mask")
        window = getattr(config, WINDOWED[layer], None)
        if window is not None and longest > window:
            raise _refuse(model, f"its {layer} sees {window} tokens, the longest row has {longest}")


def collator_for(model: Any) -> SharedPrefixCollator:
    """The collator whose mask fits the attention of `model`."""
    eager = model.config.get_text_config()._attn_implementation == "eager"
    return SharedPrefixCollator(additive=model.dtype if eager else None)


@torch.no_grad()
def check_exact(model: Any) -> None:
    """Prove on two made-up rows that `model` obeys mask and positions, or refuse it by name.

    This catches what a configuration does not tell: recurrent layers, positions that the model
    counts itself, attention that ignores the mask.
    """
    draw = torch.Generator().manual_seed(0)
    tokens = torch.randint(
        min(model.config.get_text_config().vocab_size, 1000), (29,), generator=draw
    )
    prefix, first, second, other = tokens.tolist()[:8], *(t.tolist() for t in tokens[8:].split(7))
    collate = collator_for(model)

    def logits(*suffixes: list[int]) -> torch.Tensor:
        rows = [
            {"input_ids": prefix + s, "labels": [NO_LOSS] * (8 + len(s)), "prefix_length": 8}
            for s in suffixes
        ]
        batch = collate(rows)
        del batch["labels"]
        batch = {name: value.to(model.device) for name, value in batch.items()}
        return model(**batch, use_cache=False).logits[0, -len(suffixes[-1]) :].float()

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
        raise _refuse(model, f"it fails with an explicit mask ({str(error)[:200]})") from None
    finally:
        model.train(training)
    scale = alone.abs().max()
    if (together - moved).abs().max() > LEAK * scale:
        raise _refuse(model, "a row sees its neighbour through it")
    if (together - alone).abs().max() > ROUNDING * scale:
        raise _refuse(model, "it ignores the positions or the mask that it is given")
