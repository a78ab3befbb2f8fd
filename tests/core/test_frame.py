"""The frame of a locale, as a pack's vocabulary lists it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from stages.core import pack as packs
from stages.core.command import InputError
from stages.core.pack import Pack
from tests.conftest import PACK

LISTS = ("asks", "commands", "cues", "hints", "generic")


def changed(folder: Path, change: Any) -> Pack:
    """The pack `creative` with another vocabulary."""
    shutil.copytree(PACK, folder / "creative", ignore=shutil.ignore_patterns("*.parquet"))
    path = folder / "creative" / "vocabularies" / "en.yaml"
    yaml = YAML(typ="safe")
    words = yaml.load(path)
    change(words)
    with path.open("w") as stream:
        yaml.dump(words, stream)
    return packs.load(path.parents[1])


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_an_unknown_function_or_class_is_told(tmp_path: Path, name: str) -> None:
    def change(words: dict[str, Any]) -> None:
        words["frame"][name]["Hologram"] = ["beam"]

    with pytest.raises(InputError, match=rf"frame\.{name}: 'Hologram' is unknown"):
        changed(tmp_path, change)


def test_words_of_a_class_may_stand_under_one_of_its_functions(tmp_path: Path) -> None:
    known = changed(tmp_path, lambda words: words.update(
        {"Search.content_type": words.pop("content_type")}))  # fmt: skip
    assert known.frames["en"].classes == packs.load(PACK).frames["en"].classes
