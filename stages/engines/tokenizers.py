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
# Next to a tokenizer made from a GGUF file: the most tokens that its model takes.
LIMITS = "limits.json"
# The class of a tokenizer that its tokenizer.json describes completely.
PLAIN = "TokenizersBackend"


class TokenizerInfo(NamedTuple):
    """What a model's small files say of it. max_tokens: the longest text that it takes, None
    where they do not say.
    """

    tokenizer: Any
    max_tokens: int | None


def load(name: str) -> TokenizerInfo | None:
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
    has_tokenizer = any(
        (folder / file).is_file() for file in ("tokenizer.json", "tokenizer_config.json")
    )
    return folder if has_tokenizer else None


@lru_cache(4)
def _of_folder(folder: Path) -> TokenizerInfo:
    config = folder / "config.json"
    described = files.read_json(config) if config.is_file() else {}
    return TokenizerInfo(load_tokenizer(str(folder)), _max_tokens(described))


def _max_tokens(described: Any) -> int | None:
    """`max_position_embeddings` of a config.json, of a model with several parts its text's."""
    if not isinstance(described, dict):
        return None
    max_tokens = described.get("max_position_embeddings")
    if max_tokens is None:
        return _max_tokens(described.get("text_config"))
    return max_tokens if isinstance(max_tokens, int) and max_tokens > 0 else None


@lru_cache(4)
def _of_gguf(file: Path) -> TokenizerInfo:
    """Of a GGUF file, whose tokenizer takes seconds to make, so it is stored in data/.work."""
    status = file.stat()
    text = f"{file.name} {status.st_size} {status.st_mtime_ns}"
    folder = files.work_dir() / "tokenizers" / hashlib.sha256(text.encode()).hexdigest()[:16]
    if not (folder / LIMITS).is_file():
        fresh = folder.with_name(f".{folder.name}.tmp")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        _unpack(file, fresh)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
    limits = files.read_json(folder / LIMITS)
    return TokenizerInfo(_plain(folder) or load_tokenizer(str(folder)), _max_tokens(limits))


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
        field = next(
            (field for key, field in fields.items() if key.endswith(".context_length")), None
        )
        max_tokens = int(field.contents()) if field is not None else None
    # Whatever a file that is not as it should be makes the libraries raise.
    except Exception as error:
        message = " ".join(str(error).split())
        raise InputError(f"{file} has no tokenizer that can be read: {message:.300}") from None
    tokenizer.save_pretrained(folder)
    files.write_json(folder / LIMITS, {"max_position_embeddings": max_tokens})
