"""Stage `models`: make the base models ready.

Command: python -m stages.models
Reads:   params `models`
Writes:  models/base/{writer,student,embedder}/: a copy for `package:` models, else a pointer
         `source.json`; metrics/models.json

A model is named `package:NAME`, `path:DIR` or `hub:ORG/NAME@REVISION`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
from pathlib import Path

from stages.contracts import files, settings
from stages.contracts.command import InputError, run

BASE = Path("models/base")
HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]


def package_folder(name: str) -> Path:
    """The folder with the weights inside an installed package; the package is not imported."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise InputError(f"package:{name}: no such Python package; install it or name another")
    top = Path(spec.origin).parent
    for pattern in ("**/modules.json", "**/model*.safetensors", "**/*.gguf"):
        found = sorted(top.glob(pattern))
        if found:
            return found[0].parent
    raise InputError(f"package:{name}: {top} holds no GGUF or safetensors weights")


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
    )
    for key in ("quantization_config", "_pre_quantization_dtype"):
        if hasattr(model.config, key):
            delattr(model.config, key)
    model.save_pretrained(out)
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(out)


def check_safe(folder: Path, name: str) -> None:
    """Refuse a model folder without safetensors: pickled weights can run code."""
    if not folder.is_dir():
        raise InputError(f"{name}: {folder} is no folder")
    if not (folder / "config.json").is_file() and not (folder / "modules.json").is_file():
        raise InputError(f"{name}: {folder} has no config.json; name a transformers model folder")
    if not list(folder.rglob("*.safetensors")):
        raise InputError(f"{name}: {folder} has no safetensors weights; convert it first")


def prepare(name: str, out: Path) -> None:
    """Make the model `name` ready in the folder `out`."""
    kind, _, rest = name.partition(":")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    if kind == "package":
        folder = package_folder(rest)
        gguf = sorted(folder.glob("*.gguf"))
        if gguf:
            dequantize(gguf[0], out)
        else:
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

        snapshot_download(
            match[1],
            revision=match[2],
            allow_patterns=["*.json", "*.safetensors", "*.txt", "*.model"],
        )
        pointer = {"hub": match[1], "revision": match[2]}
        (out / "source.json").write_text(json.dumps(pointer) + "\n")
    else:
        raise InputError(f"models: {name!r} starts with none of package:, path:, hub:")


def describe(role: str, name: str) -> dict[str, str | int]:
    """The model's name and the size of its folder, in MiB."""
    size = sum(file.stat().st_size for file in (BASE / role).rglob("*") if file.is_file())
    return {"model": name, "mib": round(size / 2**20)}


def main() -> None:
    chosen = settings.load().models
    named = {"writer": chosen.writer, "student": chosen.student, "embedder": chosen.embedder}
    made: dict[str, Path] = {}
    for role, name in named.items():
        out = BASE / role
        if name in made:
            shutil.rmtree(out, ignore_errors=True)
            shutil.copytree(made[name], out)
        else:
            prepare(name, out)
        made[name] = out
        print(f"{role}: {name} -> {out}")
    sizes = {
        role: {
            "model": name,
            "mib": round(
                sum(f.stat().st_size for f in (BASE / role).rglob("*") if f.is_file()) / 2**20
            ),
        }
        for role, name in named.items()
    }
    files.write_json("metrics/models.json", sizes)


if __name__ == "__main__":
    run(main)
