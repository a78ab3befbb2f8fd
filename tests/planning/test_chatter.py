"""Requests that no function serves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stages.core.pack import load
from stages.planning import chatter
from tests.builders import TRAVEL
from tests.planning.catalogues import write_pack


@pytest.mark.parametrize("locale", ["en", "de"])
def test_general_requests_are_many_and_clean(locale: str) -> None:
    found = chatter.general(locale)
    assert len(found) >= 80 and len(set(found)) == len(found)
    assert all(line == " ".join(line.split()) for line in found)
    assert chatter.general(f"{locale}-XX") == found
    assert chatter.general("../en") == () == chatter.general("xx")


def test_what_a_function_may_serve_is_left_out(tmp_path: Path) -> None:
    tools: list[Any] = [
        {"name": name, "parameters": {}} for name in ("get_jokes", "tellStory", "sing.song")
    ]
    pack = load(write_pack(tmp_path, tools))
    found, warnings = chatter.requests(pack, "en")
    assert not warnings and 80 < len(found) < len(chatter.general("en"))
    assert not [x for x in found if "joke" in x or "story" in x or x.startswith(("tell", "sing"))]


def test_a_packs_own_requests_go_first(tmp_path: Path) -> None:
    folder = write_pack(tmp_path, [{"name": "f", "parameters": {}}])
    (folder / "vocabularies").mkdir()
    (folder / "vocabularies" / "en.yaml").write_text("chatter: [hello there]\n", "utf-8")
    assert chatter.requests(load(folder), "en") == (("hello there",), [])


def test_too_few_are_a_warning(tmp_path: Path) -> None:
    pack = load(write_pack(tmp_path, [{"name": "f", "parameters": {}}], "name: p\nlocales: [fr]\n"))
    found, warnings = chatter.requests(pack, "fr")
    assert found == () and "list some of your own" in warnings[0]
    assert chatter.requests(load(TRAVEL), "en")[1] == []
