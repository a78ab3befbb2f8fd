"""Best-fit-decreasing packing: whole rows in one sequence, each blind to the others.

TRL packs. No mask is given: positions start again at every row, and from that transformers builds
the mask (scaled-dot-product, eager, flex) or the boundaries come along (flash attention). Every row
brings its own copy of the system prompt, which is what `shared_prefix` saves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import datasets
from datasets import Dataset
from trl import pack_dataset
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from stages.training.isolation import refuse
from stages.training.tokens import Row


def collator_for(tokenizer: Any) -> DataCollatorForLanguageModeling:
    """TRL's collator: all it is given becomes one sequence, without padding."""
    pad = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    return DataCollatorForLanguageModeling(pad_token_id=pad, padding_free=True)


def room(rows: Sequence[Row], batch_size: int, max_length: int) -> int:
    """Tokens of a pack at most: those of `batch_size` rows of mean length, or of the longest row.

    Never more than `max_length`, which no row exceeds.
    """
    lengths = [len(row.input_ids) for row in rows]
    return min(max_length, max(max(lengths), batch_size * sum(lengths) // len(rows)))


def pack(rows: Sequence[Row], batch_size: int, max_length: int) -> tuple[Dataset, int]:
    """The packs, and how many of them are nearest to a batch of `batch_size` rows.

    A pack (input_ids, labels, seq_lengths) holds whole rows of `room` tokens together, so that a
    step has as many rows as without packing, in the mean. No row is longer than `max_length`.
    """
    plain = Dataset.from_list([{"input_ids": r.input_ids, "labels": r.labels} for r in rows])
    datasets.disable_progress_bars()
    packs = pack_dataset(plain, room(rows, batch_size, max_length), "bfd")
    return packs, max(1, round(batch_size * len(packs) / len(rows)))


def check_kind(model: Any, longest: int) -> None:
    """Refuse, by name, attention in chunks that a pack of `longest` tokens would not respect.

    transformers counts chunks from the start of the sequence, not of the row; a sliding window is
    counted backwards from each token, so that it stays right.
    """
    config = model.config.get_text_config()
    chunk = getattr(config, "attention_chunk_size", None)
    layers = getattr(config, "layer_types", None) or []
    if chunk and "chunked_attention" in layers and longest > chunk:
        why = f"its chunked_attention sees {chunk} tokens, the longest pack has {longest}"
        raise refuse(model, "bfd", why)
