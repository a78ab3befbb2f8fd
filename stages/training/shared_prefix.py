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

from stages.training import attention
from stages.training.isolation import refuse
from stages.training.tokens import NO_LOSS

WINDOWED = {"sliding_attention": "sliding_window", "chunked_attention": "attention_chunk_size"}
ATTENTIONS = ("sdpa", "eager", "flex_attention", attention.NAME)
# Padding adds less than one token in so many.
PADDING_SHARE = 20


@dataclass(frozen=True)
class SharedPrefixCollator:
    """Turns a batch of rows into one sequence; any mix of prefixes.

    Rows of any length follow one another, so none is padded to another's. The sequence alone is,
    to a multiple of a power of two that adds less than 5%: a processor prepares its kernels for
    each length anew and keeps them, at some 30 MiB per length. A batch is the tokens of one step's
    rows, so a budget in tokens could only cut it, never fill it.

    `additive`: the mask's dtype for attention that adds it to the scores; None gives
    booleans, True where a token is seen (scaled-dot-product attention). `blocks`: the device for
    the sparse mask of flex attention, which leaves out the blocks where nothing is seen.
    """

    additive: torch.dtype | None = None
    blocks: torch.device | None = None

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """`rows` with input_ids, labels and prefix_length, as in `tokens.Row`.

        Returns input_ids, labels, position_ids of shape (1, tokens) and an attention_mask of shape
        (1, 1, tokens, tokens), where tokens = the prefixes once each + all suffixes + padding.
        With `blocks` the mask is flex attention's BlockMask.
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
        padding = -len(ids) % multiple(len(ids))
        ids += [0] * padding
        labels += [NO_LOSS] * padding
        positions += [0] * padding
        # A group of its own: such a token sees itself and earlier padding, no row sees it.
        group_of += [len(groups)] * padding
        row_of += [0] * padding
        return {
            "input_ids": torch.tensor([ids]),
            "labels": torch.tensor([labels]),
            "position_ids": torch.tensor([positions]),
            "attention_mask": self.mask(torch.tensor(group_of), torch.tensor(row_of)),
        }

    def mask(self, group_of: torch.Tensor, row_of: torch.Tensor) -> Any:
        """The attention_mask that `Visible` describes, as the attention wants it."""
        size = len(group_of)
        if self.blocks is not None:
            from torch.nn.attention.flex_attention import create_block_mask

            seen = Visible(group_of.to(self.blocks), row_of.to(self.blocks))
            return create_block_mask(seen, 1, 1, size, size, device=self.blocks)
        position = torch.arange(size)
        mask = Visible(group_of, row_of)(0, 0, position[:, None], position[None])
        if self.additive is not None:
            hidden = torch.finfo(self.additive).min
            mask = torch.zeros(mask.shape, dtype=self.additive).masked_fill_(~mask, hidden)
        return mask[None, None]


def multiple(tokens: int) -> int:
    """What a sequence of `tokens` tokens is padded to a multiple of, adding less than 5%."""
    return 1 << max(1, tokens // PADDING_SHARE).bit_length() - 1


@dataclass(frozen=True)
class Visible:
    """Which tokens see which; called as flex attention calls its `mask_mod`.

    `group_of` numbers the prefixes, `row_of` the rows from 1, 0 for a prefix token; both (n,).
    """

    group_of: torch.Tensor
    row_of: torch.Tensor

    def __call__(self, batch: Any, head: Any, query: Any, key: Any) -> Any:
        """Whether the token at `query` sees the one at `key`: tensors of numbers, broadcast."""
        own = (self.row_of[key] == 0) | (self.row_of[key] == self.row_of[query])
        return (query >= key) & own & (self.group_of[key] == self.group_of[query])


def check_kind(model: Any, longest: int) -> None:
    """Refuse, by name, an attention that cannot take an explicit mask.

    A window is no obstacle while the longest row, of `longest` tokens, fits in it.
    """
    config = model.config.get_text_config()
    kind = config._attn_implementation
    if kind not in ATTENTIONS:
        raise refuse(
            model, "shared_prefix", f"its attention is {kind}, which takes no explicit mask"
        )
    default = "sliding_attention" if getattr(config, "sliding_window", None) else "full_attention"
    layers = getattr(config, "layer_types", None) or [default]
    for layer in sorted(set(layers) - {"full_attention"}):
        if layer not in WINDOWED:
            raise refuse(
                model, "shared_prefix", f"it has {layer} layers, which take no explicit mask"
            )
        window = getattr(config, WINDOWED[layer], None)
        if window is not None and longest > window:
            raise refuse(
                model,
                "shared_prefix",
                f"its {layer} sees {window} tokens, the longest row has {longest}",
            )


def collator_for(model: Any) -> SharedPrefixCollator:
    """The collator whose mask fits the attention of `model`."""
    kind = model.config.get_text_config()._attn_implementation
    return SharedPrefixCollator(
        additive=model.dtype if kind in ("eager", attention.NAME) else None,
        blocks=model.device if kind == "flex_attention" else None,
    )
