"""Stage `models`: make the base models ready.

Command: python -m stages.models
Reads:   params `models`
Writes:  models/base/{writer,student,embedder,viewer}/: a copy for `package:` models, else a pointer
         `source.json`; metrics/models.json

A model is named `package:NAME`, `path:DIR` or `hub:ORG/NAME@REVISION`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

from stages.core import files, settings
from stages.core.command import InputError, run
from stages.engines import models

BASE = Path("models/base")
PICKLED = {".bin", ".pt", ".pth", ".ckpt", ".pkl"}
# Keys of a model's files that make a library import code from the folder.
CODE = {"auto_map", "custom_pipelines", "custom_generate", "trust_remote_code"}
ACTIVATION = re.compile(r"[^.]*|torch\.nn(\.\w+)+")
HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]


def dequantize(gguf: Path, out: Path) -> None:
    """Turn a GGUF file into an ordinary bfloat16 model with safetensors in `out`."""
    os.environ.setdefault("TQDM_DISABLE", "1")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent,
        gguf_file=gguf.name,
        dtype=torch.bfloat16,
        quantization_config=GgufConfig(dequantize=True),
        trust_remote_code=False,
    )
    for key in ("quantization_config", "_pre_quantization_dtype"):
        if hasattr(model.config, key):
            delattr(model.config, key)
    model.save_pretrained(out)
    tokenizer = AutoTokenizer.from_pretrained(
        gguf.parent, gguf_file=gguf.name, trust_remote_code=False
    )
    tokenizer.save_pretrained(out)


def check_safe(folder: Path, name: str) -> None:
    """Refuse a model folder that would run code: pickled weights, or code of its own, named in any
    of its files.
    """
    if not folder.is_dir():
        raise InputError(f"{name}: {folder} is no folder")
    if (folder / "adapter_config.json").is_file():
        raise InputError(f"{name}: {folder} holds an adapter: merge it into its base model first")
    if not (folder / "config.json").is_file() and not (folder / "modules.json").is_file():
        raise InputError(f"{name}: {folder} has no config.json; name a transformers model folder")
    modules = folder / "modules.json"
    parts = [folder]
    if modules.is_file():
        parts += _modules(modules, name)
    for part in parts:
        check_weights(part, name, needed=part == folder)
    for file in sorted(folder.rglob("*.json")):
        key = _code(_described(file, name))
        if key is None or (file == folder / "config.json" and _is_known(file, key)):
            continue
        raise InputError(
            f"{name}: {file} names Python code of its own ({key}), which is never run; name a "
            "model whose kind transformers knows"
        )


def check_weights(folder: Path, name: str, needed: bool) -> None:
    """Refuse a folder whose weights are pickled, or has none though they are `needed`."""
    index = folder / "model.safetensors.index.json"
    shards = _described(index, name).get("weight_map") if index.is_file() else {}
    for shard in shards.values() if isinstance(shards, dict) else ["no weight_map"]:
        if not isinstance(shard, str) or not re.fullmatch(r"[\w.-]+\.safetensors", shard):
            raise InputError(f"{name}: {index} names {shard!r:.80}, which is no safetensors file")
    if list(folder.glob("*.safetensors")):
        return
    pickled = [file.name for file in sorted(folder.glob("*")) if file.suffix in PICKLED]
    if pickled or needed:
        detail = f", only {pickled[0]}, which can run code when it is read" if pickled else ""
        raise InputError(f"{name}: {folder} has no safetensors weights{detail}: convert it first")


def _described(file: Path, name: str) -> dict[str, Any]:
    """What a JSON file holds; {"": value} where that is no object."""
    try:
        value = files.read_json(file)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    except RecursionError:
        raise InputError(f"{name}: {file} is nested too deeply") from None
    return value if isinstance(value, dict) else {"": value}


def _modules(file: Path, name: str) -> list[Path]:
    """The folders of a sentence-transformers model's modules, which are all the library's own."""
    folders = []
    for module in files.read_json(file):
        kind, path = (str(module.get(key)) for key in ("type", "path"))
        if not re.fullmatch(r"sentence_transformers(\.\w+)+", kind):
            raise InputError(
                f"{name}: {file} names Python code of its own (type {kind!r:.80}), which is never "
                "run; name a model of sentence-transformers' own modules"
            )
        if not (file.parent / path).resolve().is_relative_to(file.parent.resolve()):
            raise InputError(f"{name}: {file} leads out of the folder (path {path!r:.80})")
        folders.append(file.parent / path)
    return folders


def _code(value: Any) -> str | None:
    """The key, anywhere in `value`, that makes a library run code; None without one."""
    stack = [value]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            for key, inner in part.items():
                if key in CODE and inner:
                    return str(key)
                # What sentence-transformers' Dense imports and calls.
                if key == "activation_function" and not ACTIVATION.fullmatch(str(inner)):
                    return f"{key} {inner!r:.80}"
            stack += part.values()
        elif isinstance(part, list):
            stack += part
    return None


def _is_known(config: Path, key: str) -> bool:
    """Whether transformers has the class of a config.json with `auto_map`, and so takes its own."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    described = files.read_json(config)
    # Deeper, the key is of a part that transformers may not have.
    return (
        key == "auto_map"
        and described.get("model_type") in CONFIG_MAPPING_NAMES
        and _code({n: v for n, v in described.items() if n != "auto_map"}) is None
    )


def prepare(name: str, out: Path) -> None:
    """Make the model `name` ready in the folder `out`."""
    kind, _, rest = name.partition(":")
    out.mkdir(parents=True)
    if kind == "package":
        folder = models.package_folder(rest)
        gguf = sorted(folder.glob("*.gguf"))
        if gguf:
            dequantize(gguf[0], out)
        else:
            check_safe(folder, name)
            ignore = shutil.ignore_patterns("*.py", "__pycache__", ".git*", "*.md")
            shutil.copytree(folder, out, dirs_exist_ok=True, ignore=ignore)
    elif kind == "path":
        check_safe(Path(rest), name)
        digest = hashlib.sha256()
        for file in sorted(p for p in Path(rest).rglob("*") if p.is_file()):
            digest.update(file.name.encode())
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        pointer = {"path": rest, "sha256": digest.hexdigest()}
        (out / "source.json").write_text(json.dumps(pointer) + "\n")
    elif kind == "hub":
        match = re.fullmatch(r"([\w.-]+/[\w.-]+)@(\w+)", rest)
        if not match:
            raise InputError(f"{name}: expected hub:ORG/NAME@REVISION, with the revision pinned")
        from huggingface_hub import snapshot_download

        try:
            snapshot = snapshot_download(match[1], revision=match[2], allow_patterns=HUB_FILES)
        except (OSError, ValueError) as error:
            message = " ".join(str(error).split())
            raise InputError(f"{name}: the hub does not give it: {message:.300}") from None
        check_safe(Path(snapshot), name)
        pointer = {"hub": match[1], "revision": match[2]}
        (out / "source.json").write_text(json.dumps(pointer) + "\n")
    else:
        raise InputError(f"models: {name!r} starts with none of package:, path:, hub:")


def describe(role: str, name: str) -> dict[str, str | int]:
    """The model's name and the size of its folder, in MiB."""
    size = sum(file.stat().st_size for file in (BASE / role).rglob("*") if file.is_file())
    return {"model": name, "mib": round(size / 2**20)}


def main() -> None:
    block = settings.load().models
    named = {"writer": block.writer, "student": block.student, "embedder": block.embedder}
    if block.viewer:
        named["viewer"] = block.viewer
    folders: dict[str, Path] = {}
    # A temporary folder, so that a wrong name leaves the models of before.
    temporary = BASE.with_name(f".{BASE.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        for role, name in named.items():
            if name in folders:
                shutil.copytree(folders[name], temporary / role)
            else:
                prepare(name, temporary / role)
            if role == "student":
                models.check_student(models.resolve(role, temporary))
            folders[name] = temporary / role
            print(f"{role}: {name} -> {BASE / role}")
        if "viewer" not in named:
            # DVC expects an output there, and keeps no folder without a file.
            (temporary / "viewer").mkdir()
            (temporary / "viewer" / "none").touch()
        shutil.rmtree(BASE, ignore_errors=True)
        temporary.rename(BASE)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    sizes = {role: describe(role, name) for role, name in named.items()}
    files.write_json("metrics/models.json", sizes)


if __name__ == "__main__":
    run(main, __doc__)
