"""Rows as files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stages.core import files
from stages.exporting.sample import as_json


def jsonl(folder: Path, split: str, rows: Iterable[Any]) -> None:
    """SPLIT.jsonl: one JSON object a line."""
    with (
        files.replacing(folder / f"{split}.jsonl") as temporary,
        temporary.open("w", encoding="utf-8") as stream,
    ):
        stream.writelines(f"{as_json(row)}\n" for row in rows)


def json_list(folder: Path, split: str, rows: Iterable[Any]) -> None:
    """SPLIT.json: one JSON list, a row a line."""
    with (
        files.replacing(folder / f"{split}.json") as temporary,
        temporary.open("w", encoding="utf-8") as stream,
    ):
        stream.write("[")
        for number, row in enumerate(rows):
            stream.write(f"{',' if number else ''}\n{as_json(row)}")
        stream.write("\n]\n")
