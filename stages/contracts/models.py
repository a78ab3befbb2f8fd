"""Where a prepared base model lies: what stages.models wrote, resolved for the libraries."""

from __future__ import annotations

import hashlib
from mmap import ACCESS_READ, mmap
from pathlib import Path

from stages.contracts.command import InputError
from stages.contracts.files import read_json


def resolve(role: str, base: str | Path = "models/base") -> str:
    """The folder that transformers and vLLM load for `role` (writer, student, embedder, viewer)."""
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


def digest(folder: str | Path) -> str:
    """A short hash of a model's weights and tokenizer: the same model under any path."""
    hashed = hashlib.sha256()
    for file in sorted(Path(folder).glob("*")):
        if file.suffix in {".safetensors", ".json", ".jinja"}:
            hashed.update(_sha256(file))
    return hashed.hexdigest()[:16]


def _sha256(file: Path) -> bytes:
    """The file's digest, in one go: other threads run meanwhile, which pieces would wait for."""
    if not file.stat().st_size:  # cannot be mapped
        return hashlib.sha256().digest()
    with file.open("rb") as stream, mmap(stream.fileno(), 0, access=ACCESS_READ) as mapped:
        return hashlib.sha256(mapped).digest()


def identity(role: str, base: str | Path = "models/base") -> str:
    """Which weights `role` has, for the keys of completions: ORG/NAME@REVISION for a model of the
    hub, whose many gigabytes need not be read again, else the digest of its files.
    """
    pointer = Path(base) / role / "source.json"
    source = read_json(pointer) if pointer.is_file() else {}
    return (
        f"{source['hub']}@{source['revision']}" if "hub" in source else digest(resolve(role, base))
    )
