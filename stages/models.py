"""Stage `models`: make the base models ready.

Command: python -m stages.models
Reads:   params `models`
Writes:  models/base/{writer,student,embedder,viewer}/: a copy for `package:` models, else a pointer
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
PICKLED = {".bin", ".pt", ".pth", ".ckpt", ".pkl"}
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
    """Refuse a model folder that would run code: pickled weights, or a model class of its own."""
    if not folder.is_dir():
        raise InputError(f"{name}: {folder} is no folder")
    if not (folder / "config.json").is_file() and not (folder / "modules.json").is_file():
        raise InputError(f"{name}: {folder} has no config.json; name a transformers model folder")
    if not list(folder.glob("*.safetensors")):
        pickled = [file.name for file in sorted(folder.glob("*")) if file.suffix in PICKLED]
        found = f", only {pickled[0]}, which can run code when it is read" if pickled else ""
        raise InputError(f"{name}: {folder} has no safetensors weights{found}: convert it first")
    config = folder / "config.json"
    described = files.read_json(config) if config.is_file() else {}
    if "auto_map" in described:
        from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

        if described.get("model_type") not in CONFIG_MAPPING_NAMES:
            raise InputError(
                f"{name}: {config} names Python code of its own (auto_map), which is "
                "never run; name a model whose kind transformers knows"
            )


def prepare(name: str, out: Path) -> None:
    """Make the model `name` ready in the folder `out`."""
    kind, _, rest = name.partition(":")
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

        try:
            snapshot = snapshot_download(match[1], revision=match[2], allow_patterns=HUB_FILES)
        except (OSError, ValueError) as error:
            told = " ".join(str(error).split())
            raise InputError(f"{name}: the hub does not give it: {told:.300}") from None
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
    chosen = settings.load().models
    named = {"writer": chosen.writer, "student": chosen.student, "embedder": chosen.embedder}
    if chosen.viewer:
        named["viewer"] = chosen.viewer
    made: dict[str, Path] = {}
    # Beside its place, so that a name that is wrong leaves the models of before.
    fresh = BASE.with_name(f".{BASE.name}.tmp")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        for role, name in named.items():
            if name in made:
                shutil.copytree(made[name], fresh / role)
            else:
                prepare(name, fresh / role)
            made[name] = fresh / role
            print(f"{role}: {name} -> {BASE / role}")
        shutil.rmtree(BASE, ignore_errors=True)
        fresh.rename(BASE)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    sizes = {role: describe(role, name) for role, name in named.items()}
    files.write_json("metrics/models.json", sizes)


if __name__ == "__main__":
    run(main, __doc__)
