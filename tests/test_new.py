"""`python -m stages.new`: a pack that loads and plans at once."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from stages import new
from stages.core import pack as packs
from stages.core.command import InputError
from stages.planning.pack_checks import pack_notes, pack_problems
from stages.planning.plans import Settings, plans
from tests.planning.catalogues import catalogues

TOOLS: list[dict[str, Any]] = [
    {
        "name": "play.music",
        "description": "Play a song (or an album). More about it.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "song": {"type": "string", "description": "Name: of the song # here"},
                "mood": {"enum": ["HAPPY", "very_sad", "no"]},
                "is_loud": {"type": "boolean"},
                "start date": {"type": "string"},
                "price": {"type": "number"},
                "tags": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["mood", "song"],
        },
    },
    {"name": "stop"},
]


def written(folder: Path, tools: Any = TOOLS) -> Path:
    (folder / "tools.json").write_text(json.dumps({"tools": tools}), "utf-8")
    return new.write("demo", folder / "tools.json", folder)[0]


def test_a_skeleton_loads_and_lists_what_is_open(tmp_path: Path) -> None:
    folder = written(tmp_path)
    pack = packs.load(folder)
    assert {(lack.key, lack.required) for lack in pack.lacking} == {
        ("play.music.song", True), ("play.music.tags", False),
    }  # fmt: skip
    kinds = {key: source.kind for key, source in pack.by_key.items()}
    assert kinds == {
        "play.music.mood": "enum", "play.music.is_loud": "boolean",
        "play.music.start date": "date", "play.music.price": "money",
    }  # fmt: skip
    assert [e.surfaces for e in pack.entries("play.music.mood", "en")] == [
        ("happy",), ("very sad",), ("no",),
    ]  # fmt: skip
    assert [p for p in pack_problems(pack) if "song is required" not in p] == []
    assert any("tags is optional and has no source" in note for note in pack_notes(pack))
    assert folder.joinpath("golden.jsonl").read_text() == ""


def test_the_open_lines_work_once_they_are_filled_in(tmp_path: Path) -> None:
    folder = written(tmp_path)
    text = (folder / "pack.yaml").read_text()
    (folder / "pack.yaml").write_text(text.replace("  # play.music.", "  play.music."))
    words = folder / "vocabularies" / "en.yaml"
    words.write_text(words.read_text() + "song: [hello, goodbye]\ntags: [rock, jazz]\n")
    pack = packs.load(folder)
    assert not pack.lacking and not pack_problems(pack)
    made = plans(pack, Settings(60), 0)
    assert {a.name for p in made.plans for c in p.calls for a in c.arguments} == {
        "song", "mood", "is_loud", "start date", "price", "tags",
    }  # fmt: skip


@given(catalogues())
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_catalogue_has_a_skeleton_that_is_in_order(tools: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert pack_problems(packs.load(written(Path(folder), tools))) == []


def test_nothing_is_overwritten_and_names_are_plain(tmp_path: Path) -> None:
    written(tmp_path)
    with pytest.raises(InputError, match="is there already"):
        written(tmp_path)
    for name in ("../x", "A", "", "a b"):
        with pytest.raises(InputError, match="is no name for a pack"):
            new.write(name, tmp_path / "tools.json", tmp_path)


def test_the_command(tmp_path: Path) -> None:
    (tmp_path / "tools.json").write_text(json.dumps(TOOLS), "utf-8")
    command = [sys.executable, "-m", "stages.new", "demo", "--from", str(tmp_path / "tools.json")]
    done = subprocess.run(
        [*command, "--into", str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "no source: play.music.song (required" in done.stdout
    again = subprocess.run([*command, "--into", str(tmp_path)], capture_output=True, text=True)
    assert again.returncode == 1 and again.stderr.startswith("error: ")
    assert "Traceback" not in again.stderr


def test_rough_phrases_say_counts_days_and_times_as_people_do(tmp_path: Path) -> None:
    day = {"type": "string", "format": "date"}
    properties = {
        "date": day, "time": {"type": "string", "description": "HH:MM"},
        "hotel_nights": {"type": "integer"}, "guests": {"type": "integer"},
    }  # fmt: skip
    tool = {"name": "stay", "inputSchema": {"properties": properties, "required": [*properties]}}
    pack = packs.load(written(tmp_path, [tool]))
    assert pack.by_key["stay.time"].kind == "time"
    assert pack.vocabulary("en").phrases["stay"][0] == (
        "stay {date} at {time} hotel nights {hotel_nights} {guests} guests"
    )


def test_large_numbers_many_arguments_and_open_objects_load(tmp_path: Path) -> None:
    """As real catalogues have them: colors and identifiers, dozens of arguments, an optional object
    whose properties have no source.
    """
    text = {"type": "string"}
    big = {"type": "integer", "minimum": 0}
    address = {"type": "object", "properties": {"city": text}, "required": ["city"]}
    tool = {"name": "paint", "parameters": {
        "properties": {
            "color": big | {"maximum": 16_777_215}, "permissions": big | {"maximum": 2**63},
            "weight": {"type": "number", "minimum": 0.1234567, "maximum": 2_000_000.5,
                       "multipleOf": 0.0000001},
            "address": address,
            **{f"the_option_of_the_number_{n}": text for n in range(60)}, "mood": {"enum": ["a"]},
        },
        "required": ["color", "mood"],
    }}  # fmt: skip
    folder = written(tmp_path, [tool])
    pack = packs.load(folder)
    assert pack.by_key["paint.color"].settings.max == 16_777_215
    assert pack.by_key["paint.weight"].settings.min == 0.1234567
    assert "paint.permissions" in {lack.key for lack in pack.lacking}
    assert pack_problems(pack) == []
    for phrase in pack.vocabulary("en").phrases["paint"]:
        assert len(phrase) <= 2_000 and "{color}" in phrase and "{mood}" in phrase
