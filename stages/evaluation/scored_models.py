"""Which models the commands `evaluate` and `benchmark` score: the base model and one with an
adapter, or either alone.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from stages.core.command import InputError
from stages.core.settings import Settings
from stages.engines.adapter import check_adapter
from stages.evaluation.asking import served_name

ADAPTER = Path("models/adapter")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options `adapter`, `base_only`, `no_base` and `out` to a command's."""
    parser.add_argument("--adapter", type=Path, help=f"LoRA adapter (default {ADAPTER})")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--base-only", action="store_true", help="score the base model alone")
    which.add_argument("--no-base", action="store_true", help="score the adapter alone")
    parser.add_argument("--out", type=Path, help="folder for what is written")


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
    if options.out is not None and options.out.exists() and not options.out.is_dir():
        raise InputError(f"--out {options.out} is no folder")
    return adapters
