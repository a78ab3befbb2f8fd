"""Random catalogues for property tests: every kind of schema that has a source of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

NAMES = st.text("abcdefgh_", min_size=1, max_size=8)
WORDS = st.text("abc xyz", min_size=1, max_size=10).map(str.strip).filter(bool)


@st.composite
def integers(draw: st.DrawFn) -> dict[str, Any]:
    low = draw(st.integers(-50, 50))
    high = low + draw(st.integers(4, 200))
    schema: dict[str, Any] = {"type": draw(st.sampled_from(["integer", "number"]))}
    schema[draw(st.sampled_from(["minimum", "exclusiveMinimum"]))] = low
    schema[draw(st.sampled_from(["maximum", "exclusiveMaximum"]))] = high
    if draw(st.booleans()):
        schema["multipleOf"] = draw(st.integers(1, 2))
    return schema


def leaves() -> st.SearchStrategy[dict[str, Any]]:
    enums = st.lists(st.one_of(WORDS, st.integers(-5, 5), st.booleans()), min_size=1, max_size=5)
    return st.one_of(
        integers(),
        enums.map(lambda values: {"enum": values}),
        st.just({"type": "boolean"}),
        st.just({"type": "string", "format": "date"}),
        st.just({"type": "string", "format": "time"}),
        st.lists(WORDS, min_size=1, max_size=4).map(lambda v: {"type": "string", "examples": v}),
        st.just({"const": "fixed"}),
        st.just({"$ref": "#/$defs/size"}),
        st.just({"anyOf": [{"type": "null"}, {"type": "integer", "minimum": 1, "maximum": 9}]}),
        st.just({"type": ["boolean", "null"]}),
        st.lists(WORDS, min_size=3, max_size=6, unique=True).map(
            lambda v: {"type": "array", "items": {"enum": v}, "minItems": 2, "uniqueItems": True}
        ),
    )


@st.composite
def objects(draw: st.DrawFn, depth: int = 0) -> dict[str, Any]:
    inner = leaves() if depth > 1 else st.one_of(leaves(), leaves(), objects(depth + 1))
    properties = draw(st.dictionaries(NAMES, inner, min_size=depth and 1, max_size=5))
    required = [name for name in properties if draw(st.booleans())]
    return {"type": "object", "properties": properties, "required": required}


@st.composite
def catalogues(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Bare tools of 1 to 4 functions."""
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    size = {"size": {"type": "string", "enum": ["small", "large"]}}
    return [
        {"name": f"f_{name}", "description": "", "parameters": {**draw(objects()), "$defs": size}}
        for name in names
    ]


def write_pack(folder: Path, tools: list[dict[str, Any]], pack: str = "name: p\n") -> Path:
    """A pack of a catalogue and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "catalogue.json").write_text(json.dumps(tools), "utf-8")
    (folder / "pack.yaml").write_text(pack, "utf-8")
    return folder
