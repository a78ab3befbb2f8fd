"""Which models the commands `evaluate` and `benchmark` score: the base model and one with an
adapter, or either alone; `benchmark` also any other model, of a folder or behind a server.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from stages.core.command import InputError
from stages.core.settings import Settings
from stages.engines import models
from stages.engines.adapter import ADAPTER_CONFIG, check_adapter
from stages.evaluation.asking import Student, served_name

ADAPTER = Path("models/adapter")


class Scored(NamedTuple):
    """A model to score. student: None for models.student; adapter: on it, None for none."""

    student: Student | None
    adapter: Path | None


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options `adapter`, `base_only`, `no_base` and `out` to a command's."""
    parser.add_argument("--adapter", type=Path, help=f"LoRA adapter (default {ADAPTER})")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--base-only", action="store_true", help="score the base model alone")
    which.add_argument("--no-base", action="store_true", help="score the adapter alone")
    parser.add_argument("--out", type=Path, help="folder for what is written")


def add_others(parser: argparse.ArgumentParser) -> None:
    """Add the options `model`, `server` and `served` to a command's."""
    parser.add_argument("--model", type=Path, metavar="DIR", help="score the model in this folder")
    parser.add_argument(
        "--server", metavar="URL", help="score what this OpenAI-compatible server has"
    )
    parser.add_argument(
        "--served", metavar="NAME", help="the server's name of it, if it has several"
    )


def adapters_of(
    options: argparse.Namespace, settings: Settings, student: str
) -> dict[str, Path | None]:
    """Name of each model to score -> its adapter, None for the base model alone. Adapters, and
    whether a server has them, are checked here, before the base model has cost a minute.
    """
    adapters: dict[str, Path | None] = {"base": None, "tuned": options.adapter or ADAPTER}
    if options.base_only:
        del adapters["tuned"]
    elif options.no_base:
        del adapters["base"]
    for adapter in adapters.values():
        if adapter is not None:
            check_adapter(adapter, student)
        served_name(settings, adapter)
    _check_out(options)
    return adapters


def _check_out(options: argparse.Namespace) -> None:
    if options.out is not None and options.out.exists() and not options.out.is_dir():
        raise InputError(f"--out {options.out} is no folder")


def check_choice(options: argparse.Namespace) -> None:
    """InputError where the options choose several models in different ways."""
    chosen = {"--model": options.model, "--server": options.server, "--adapter": options.adapter,
              "--base-only": options.base_only or None}  # fmt: skip
    given = [name for name, value in chosen.items() if value is not None]
    if options.no_base and given != ["--adapter"]:
        given += ["--no-base"]
    if len(given) > 1:
        raise InputError(f"{' and '.join(given)} name different models: give one of them")
    if options.served is not None and options.server is None:
        raise InputError(f"--served {options.served} names a model of a server: give --server URL")


def with_server(settings: Settings, url: str, name: str) -> Settings:
    """The settings where the server at `url` answers, with messages, as its model `name` ("": its
    only one). Raises InputError for an address that is none, and for a format of calls that the
    model's own template would have to write.
    """
    value = settings.model_dump(by_alias=True)
    value["evaluate"] |= {"engine": "server", "decoding": "free"}
    value["evaluate"]["server"] |= {"address": url, "vllm": False, "base": name, "tuned": ""}
    try:
        return Settings.model_validate(value)
    except ValidationError as error:
        said = "; ".join(one["msg"].removeprefix("Value error, ") for one in error.errors())
        raise InputError(f"--server: {said}") from None


def scored_models(options: argparse.Namespace, settings: Settings) -> dict[str, Scored]:
    """Name of each model to score -> the model; checked as in `adapters_of`. settings: those of
    `with_server`, where a server is given.
    """
    _check_out(options)
    if options.model is not None:
        _check_folder(options.model)
        student = Student(str(options.model), str(options.model))
        served_name(settings, None, student)
        return {"model": Scored(student, None)}
    folder = models.resolve("student")
    if options.server is not None:
        student = Student(folder, None)
        try:
            served_name(settings, None, student)
        except InputError as error:
            raise InputError(f"{error} (evaluate.server.base is --served here)") from None
        return {"server": Scored(student, None)}
    adapters = adapters_of(options, settings, folder)
    return {name: Scored(None, adapter) for name, adapter in adapters.items()}


def _check_folder(folder: Path) -> None:
    """InputError where a folder holds no whole model that can be loaded."""
    if not folder.is_dir():
        raise InputError(f"--model {folder} is no folder: name one with a model's safetensors")
    if not (folder / "config.json").is_file():
        if (folder / ADAPTER_CONFIG).is_file():
            raise InputError(f"--model {folder} is an adapter: give it as --adapter {folder}")
        raise InputError(f"--model {folder} has no config.json: name a model's own folder")
    if not any(folder.glob("*.safetensors")):
        raise InputError(
            f"--model {folder} has no weights as safetensors, the only ones that are loaded"
        )
