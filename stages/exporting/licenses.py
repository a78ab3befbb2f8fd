"""What files and packages say of their license; nothing is guessed."""

from __future__ import annotations

import re
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from stages.core.command import InputError
from stages.core.yaml import parse, text_of

FILES = ("LICENSE*", "LICENCE*", "COPYING*", "ATTRIBUTION*", "NOTICE*")
# Names of the hub for licenses, by words that their texts begin with.
TEXTS = {
    "apache-2.0": r"Apache License\s+Version 2\.0",
    "mit": r"MIT License",
    "cc0-1.0": r"CC0 1\.0 Universal",
    "cc-by-sa-4.0": r"Attribution-ShareAlike 4\.0 International",
    "cc-by-nc-4.0": r"Attribution-NonCommercial 4\.0 International",
    "cc-by-4.0": r"Attribution 4\.0 International",
}
NAME = r"[A-Za-z0-9.+-]{2,40}"
SPDX = re.compile(rf"SPDX-License-Identifier:\s*({NAME})")
# Characters of a license's text that are looked at.
BEGINNING = 4_000


class License(NamedTuple):
    """`name` as the hub has it, "other" for a text that is not known, "unknown" without any;
    `text`: the same for a reader, with where it stands.
    """

    name: str
    text: str


NOT_STATED = License("unknown", "not stated")


def files_of(folder: Path) -> list[Path]:
    """The files of a folder that say what may be done with it, in the order of `FILES`."""
    return [file for pattern in FILES for file in sorted(folder.glob(pattern)) if file.is_file()]


def of_folder(folder: Path) -> License:
    """By its LICENSE or COPYING, else by the header of its README.md as the hub has it."""
    for file in files_of(folder):
        if not file.name.startswith(("ATTRIBUTION", "NOTICE")):
            name = _named(text_of(file)[:BEGINNING])
            return License(name, f"{name} ({file.name})" if name != "other" else f"see {file.name}")
    declared = _header(folder / "README.md").get("license")
    if isinstance(declared, str) and re.fullmatch(NAME, declared):
        return License(declared.lower(), f"{declared} (README.md)")
    return NOT_STATED


def _header(card: Path) -> dict[str, Any]:
    """What stands between the lines `---` of a card, {} where that cannot be read."""
    with suppress(InputError):
        parts = text_of(card).split("---\n", 2) if card.is_file() else []
        header = parse(parts[1], card) if len(parts) == 3 and not parts[0] else {}
        return header if isinstance(header, dict) else {}
    return {}


def _named(text: str) -> str:
    if found := SPDX.search(text):
        return found[1].lower()
    return next((name for name, words in TEXTS.items() if re.search(words, text)), "other")


def of_package(module: str) -> License:
    """By the metadata of the Python package that has a module."""
    names = metadata.packages_distributions().get(module, [])
    if not names:
        return NOT_STATED
    fields = metadata.metadata(names[0])
    name = next((fields[key] for key in ("License-Expression", "License") if key in fields), "")
    if not re.fullmatch(NAME, name):
        return NOT_STATED
    return License(name.lower(), f"{name}, as the package {names[0]} {fields['Version']} says")


def of_model(name: str, folder: Path) -> License:
    """Of a model as params.yaml names it, whose files lie in `folder`."""
    kind, _, rest = name.partition(":")
    license = of_package(rest) if kind == "package" else of_folder(folder)
    if license is NOT_STATED and kind == "hub":
        address = f"https://huggingface.co/{rest.partition('@')[0]}"
        return License(license.name, f"not stated in its files here: see {address}")
    return license
