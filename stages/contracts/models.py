"""Where a prepared base model lies: what stages.models wrote, resolved for the libraries."""

from __future__ import annotations

from pathlib import Path

from stages.contracts.command import InputError
from stages.contracts.files import read_json


def resolve(role: str, base: str | Path = "models/base") -> str:
    """The folder that transformers and vLLM load for `role` (writer, student, embedder)."""
    folder = Path(base) / role
    if not folder.is_dir():
        raise InputError(f"{folder} is missing: run `dvc repro models`")
    pointer = folder / "source.json"
    if not pointer.is_file():
        return str(folder)
    source = read_json(pointer)
    if "path" in source:
        return str(source["path"])
    from huggingface_hub import snapshot_download

    return snapshot_download(source["hub"], revision=source["revision"], local_files_only=True)
