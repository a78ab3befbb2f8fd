"""Where a prepared base model is: what stages.models wrote, resolved for the libraries."""

from __future__ import annotations

import hashlib
import importlib.util
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

from stages.core.command import InputError
from stages.core.files import read_json


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


def package_folder(name: str) -> Path:
    """The folder with the weights inside an installed package; the package is not imported."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise InputError(f"package:{name}: no such Python package; install it or name another")
    top = Path(spec.origin).parent
    for pattern in ("**/modules.json", "**/model*.safetensors", "**/*.gguf"):
        matches = sorted(top.glob(pattern))
        if matches:
            return matches[0].parent
    raise InputError(f"package:{name}: {top} holds no GGUF or safetensors weights")


def public_name(name: str) -> str:
    """A model's name as in params.yaml, for other people: where a folder lies is not for them."""
    kind, _, rest = name.partition(":")
    return f"path:{Path(rest).name}" if kind == "path" else name


def load_tokenizer(folder: str) -> Any:
    """The tokenizer in a model's folder, without running any code of the model's own. InputError
    where that cannot be.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    # Whatever a file that is not as it should be makes the library raise.
    except Exception as error:
        message = " ".join(str(error).split())
        raise InputError(f"{folder} has no tokenizer that can be read: {message:.300}") from None


def check_student(folder: str | Path) -> None:
    """Refuse a model that the pipeline cannot tune, by its config.json alone: one that is quantized
    already, or is not a causal language model.
    """
    file = Path(folder) / "config.json"
    config = read_json(file) if file.is_file() else {}
    if not isinstance(config, dict):
        raise InputError(f"models.student: {file} holds no object")
    for key in ("quantization_config", "compression_config"):
        if quantized := config.get(key):
            method = quantized.get("quant_method") if isinstance(quantized, dict) else quantized
            raise InputError(
                f"models.student: {folder} is quantized already ({key} of {file.name}: "
                f"{method!s:.40}), which cannot be tuned and merged: name the model that it was "
                "made from (finetune.quantize rounds it to four bits itself)"
            )
    kinds = config.get("architectures") or []
    if config.get("is_encoder_decoder") or (kinds and not any(map(_is_causal, kinds))):
        raise InputError(
            f"models.student: {folder} is no causal language model ({file.name}: "
            f"{', '.join(map(str, kinds)) or 'is_encoder_decoder'!s:.80}): name a decoder model"
        )


def skeleton(folder: str) -> Any:
    """The model in a folder without its weights, to see what it consists of."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    # Whatever a configuration that is not as it should be makes the library raise.
    except Exception as error:
        message = " ".join(str(error).split())
        raise InputError(f"{folder} is no causal language model: {message:.300}") from None


def _is_causal(kind: object) -> bool:
    """Whether transformers has the class as a causal language model."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    names = MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values()
    return any(kind == name or (isinstance(name, tuple) and kind in name) for name in names)


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
