"""Preferences: `prompt`, `chosen` and `rejected` as lists of messages, and `tools`, as `DPOTrainer`
takes them (TRL documentation, "Dataset formats": preference, conversational, explicit prompt).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from stages.core.conversation import Message
from stages.exporting import trl
from stages.exporting.sample import Sample

TEXTS, LISTS = ("sample_id", "kind", "check"), ("prompt", "chosen", "rejected", "tools")


class Pair(NamedTuple):
    """A sample, whose last message is right, and a message that is wrong in its place. `kind`: how
    it was made; `check`: the check that refuses it for the user's words, or `act`, where words or a
    question are right and it calls.
    """

    sample: Sample
    rejected: Message
    kind: str
    check: str


def row(pair: Pair) -> dict[str, Any]:
    """The pair as a row."""
    *prompt, chosen = pair.sample.messages
    return {
        "sample_id": pair.sample.sample_id, "kind": pair.kind, "check": pair.check,
        "prompt": prompt, "chosen": [chosen], "rejected": [pair.rejected],
        "tools": pair.sample.tools,
    }  # fmt: skip


def write(folder: Path, split: str, rows: Iterable[dict[str, Any]]) -> None:
    """SPLIT.parquet, which `datasets` loads with the features that its metadata name."""
    trl.parquet(folder, split, rows, TEXTS, LISTS)
