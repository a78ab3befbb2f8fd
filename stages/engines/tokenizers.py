"""A model's tokenizer by the model's name, before `models` has made it ready: no weights are read
and nothing is asked for over the network.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from stages.core import files
from stages.core.command import InputError
from stages.engines.models import load_tokenizer, package_folder

HUB = re.compile(r"([\w.-]+/[\w.-]+)@(\w+)")
# Beside a tokenizer that was made of a GGUF file: the most tokens that its model takes.
LIMITS = "limits.json"
# The class of a tokenizer that its tokenizer.json tells whole.
PLAIN = "TokenizersBackend"


class Known(NamedTuple):
    """A model as far as its small files tell. max_tokens: the longest text that it takes, None
    where they do not tell.
    """

    tokenizer: Any
    max_tokens: int | None


def known(name: str) -> Known | None:
    """The tokenizer of the model `name` (package:, path: or hub:) and its length; None for a model
    of the hub that is not in this machine's cache. InputError where it is there and cannot be read.
    """
    kind, _, rest = name.partition(":")
    if kind == "hub":
        folder = _cached(rest)
        return None if folder is None else _of_folder(folder)
    if kind == "path":
        return _of_folder(Path(rest))
    folder = package_folder(rest)
    gguf = sorted(folder.glob("*.gguf"))
    return _of_gguf(gguf[0]) if gguf else _of_folder(folder)


def _cached(name: str) -> Path | None:
    """The folder of a pinned model in the hub's cache, None where its tokenizer is not there."""
    from huggingface_hub import snapshot_download

    match = HUB.fullmatch(name)
    if not match:
        return None  # the stage `models` says what is wrong with it
    try:
        folder = Path(snapshot_download(match[1], revision=match[2], local_files_only=True))
    except (OSError, ValueError):
        return None
    there = any((folder / file).is_file() for file in ("tokenizer.json", "tokenizer_config.json"))
    return folder if there else None


@lru_cache(4)
def _of_folder(folder: Path) -> Known:
    config = folder / "config.json"
    described = files.read_json(config) if config.is_file() else {}
    return Known(load_tokenizer(str(folder)), _most(described))


def _most(described: Any) -> int | None:
    """`max_position_embeddings` of a config.json, of a model with several parts its text's."""
    if not isinstance(described, dict):
        return None
    most = described.get("max_position_embeddings")
    if most is None:
        return _most(described.get("text_config"))
    return most if isinstance(most, int) and most > 0 else None


@lru_cache(4)
def _of_gguf(file: Path) -> Known:
    """Of a GGUF file, whose tokenizer takes seconds to make, so it is kept in data/.work."""
    found = file.stat()
    text = f"{file.name} {found.st_size} {found.st_mtime_ns}"
    kept = files.work_dir() / "tokenizers" / hashlib.sha256(text.encode()).hexdigest()[:16]
    if not (kept / LIMITS).is_file():
        fresh = kept.with_name(f".{kept.name}.tmp")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        _unpack(file, fresh)
        shutil.rmtree(kept, ignore_errors=True)
        fresh.rename(kept)
    limits = files.read_json(kept / LIMITS)
    return Known(_plain(kept) or load_tokenizer(str(kept)), _most(limits))


def _plain(folder: Path) -> Any:
    """The tokenizer in a folder of data/.work where it has no class of its own, else None. To look
    for a class takes transformers some ten seconds, for it reads torch and all kinds of models.
    """
    if files.read_json(folder / "tokenizer_config.json").get("tokenizer_class") != PLAIN:
        return None
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)


def _unpack(file: Path, folder: Path) -> None:
    """Write the tokenizer of a GGUF file into a folder, and the length that its model takes."""
    from gguf import GGUFReader
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            file.parent, gguf_file=file.name, local_files_only=True, trust_remote_code=False
        )
        fields = GGUFReader(file).fields
        held = next((one for key, one in fields.items() if key.endswith(".context_length")), None)
        most = int(held.contents()) if held is not None else None
    # Whatever a file that is not as it should be makes the libraries raise.
    except Exception as error:
        told = " ".join(str(error).split())
        raise InputError(f"{file} has no tokenizer that can be read: {told:.300}") from None
    tokenizer.save_pretrained(folder)
    files.write_json(folder / LIMITS, {"max_position_embeddings": most})
