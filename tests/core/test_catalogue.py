"""Catalogues: what is taken, what is refused, and what is wrong with a call."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from stages.core import catalogue as catalogues
from stages.core.catalogue import from_tools, problems
from stages.core.command import InputError
from stages.core.conversation import Call
from tests.conftest import ROOT

SHARED = ROOT.parent / "shared" / "data" / "catalogues"
BOOK: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "book",
        "description": "Book  a\ntable.",
        "parameters": {
            "type": "object",
            "properties": {
                "people": {"type": "integer", "minimum": 1},
                "kind": {"enum": ["inside", "outside"]},
                "day": {"type": "string", "format": "date"},
                "place": {"$ref": "#/$defs/place"},
                "wishes": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
            },
            "required": ["people"],
            "$defs": {
                "place": {"type": "object", "properties": {"city": {"type": "string"}},
                          "required": ["city"]}
            },
        },
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"people": 2, "kind": "inside", "place": {"city": "Rome"}}, []),
        ({}, [("missing_argument", "people")]),
        ({"people": 2, "pets": 1}, [("unknown_argument", "pets")]),
        ({"people": "2"}, [("wrong_type", "people")]),
        ({"people": True}, [("wrong_type", "people")]),
        ({"people": 0}, [("out_of_range", "people")]),
        ({"people": 2, "kind": "roof"}, [("not_in_enum", "kind")]),
        ({"people": 2, "day": "tomorrow"}, [("wrong_format", "day")]),
        ({"people": 2, "place": {}}, [("missing_argument", "place")]),
        ({"people": 2, "wishes": ["a", "a"]}, [("wrong_items", "wishes")]),
    ],
)
def test_what_is_wrong_with_a_call(
    arguments: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    found = problems(Call("book", arguments), from_tools([BOOK]))
    assert [(p.code, p.argument) for p in found] == expected


def test_an_unknown_function_is_told() -> None:
    assert problems(Call("brook", {}), from_tools([BOOK]))[0].code == "unknown_function"


def test_tools_keep_what_they_say() -> None:
    catalogue = from_tools([BOOK, {"name": "now"}, {"name": "a.b", "inputSchema": {}}])
    assert catalogue.names == ("book", "now", "a.b") and "now" in catalogue
    assert catalogue["book"].description == "Book a table."
    assert catalogue["book"].required == ["people"] and catalogue["now"].properties == {}
    assert "$defs" not in catalogue["book"].parameters
    assert catalogue.subset(["now"]).names == ("now",)
    assert from_tools(catalogue.tools).tools == catalogue.tools


@pytest.mark.parametrize(
    ("tools", "said"),
    [
        ([], "not empty"),
        ({}, "list of tools"),
        ([1], "function 1"),
        ([{"name": "two words"}], "two words"),
        ([{"name": "x", "parameters": {"type": "string"}}], "must be object"),
        ([{"name": "x", "parameters": {"properties": []}}], "map names"),
        ([{"name": "x", "parameters": {"required": ["y"]}}], "no property"),
        ([{"name": "x", "parameters": {"properties": {"a": {"type": "strng"}}}}], "properties.a"),
        (
            [{"name": "x", "parameters": {"properties": {"a": {"$ref": "x.json"}}}}],
            "out of",
        ),
        ([{"name": "x", "parameters": {"properties": {"a": {"$ref": "#/$defs/b"}}}}], "nowhere"),
        ([{"name": "x", "parameters": {"properties": {"a": {"$ref": "#"}}}}], "without end"),
        ([{"name": "x"}, {"name": "x"}], "two functions"),
        ([{"name": "x", "description": 3}], "description"),
    ],
)
def test_what_is_no_catalogue_is_refused_by_name(tools: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        from_tools(tools)


@pytest.mark.parametrize("text", ["[", '{"tools": [NaN]}', "[" * 100_000, ""])
def test_what_is_no_json_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "catalogue.json").write_text(text)
    with pytest.raises(InputError, match=r"catalogue\.json is no JSON"):
        catalogues.load(tmp_path / "catalogue.json")


@pytest.mark.skipif(not SHARED.is_dir(), reason="real catalogues are not here")
@pytest.mark.parametrize("folder", ["mcp", "openai", "broken"])
def test_real_catalogues_are_read_or_refused_in_one_line(folder: str, tmp_path: Path) -> None:
    read = 0
    for path in sorted((SHARED / folder).glob("*.json*")):
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix == ".gz" else data
        copy = tmp_path / path.name.removesuffix(".gz")
        copy.write_bytes(data)
        try:
            catalogue = catalogues.load(copy)
        except InputError as error:
            print(f"{folder}/{path.name}: {error!s:.200}")
            assert "\n" not in str(error) and len(str(error)) < 600
            continue
        read += 1
        assert json.dumps(catalogue.tools)
    assert read >= {"mcp": 18, "openai": 5, "broken": 0}[folder]
