"""Whatever the schema of a function: it is planned with valid calls, or told in one message."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from stages.core import catalogue as catalogues
from stages.core import pack as packs
from stages.core.command import InputError
from stages.new import write
from stages.planning.pack_checks import pack_notes, pack_problems
from stages.planning.plans import Settings, plans
from tests.planning.catalogues import write_pack

NAMES = st.sampled_from(["a", "b", "from", "c.d", "e f", "é", "date"])
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 9), st.sampled_from(["x", "", "two words", "_", "A"]),
    st.lists(st.integers(0, 2), max_size=2), st.just({"k": 1}),
)  # fmt: skip
TYPES = st.sampled_from(
    ["string", "integer", "number", "boolean", "array", "object", "null", ["string", "null"]]
)
KEYWORDS: dict[str, st.SearchStrategy[Any]] = {
    "type": TYPES,
    "enum": st.lists(VALUES, max_size=4),
    "const": VALUES,
    "minimum": st.integers(-5, 5) | st.floats(-5, 5),
    "maximum": st.integers(-5, 50) | st.floats(-5, 5),
    "exclusiveMinimum": st.integers(-5, 5),
    "exclusiveMaximum": st.integers(0, 9),
    "multipleOf": st.sampled_from([1, 2, 0.5, 0.1, 3.0]),
    "format": st.sampled_from(["date", "time", "date-time", "email", "uri", "odd"]),
    "pattern": st.sampled_from(["^a+$", "."]),
    "minLength": st.integers(0, 30),
    "maxLength": st.integers(0, 30),
    "minItems": st.integers(0, 4),
    "maxItems": st.integers(0, 4),
    "uniqueItems": st.booleans(),
    "examples": st.lists(VALUES, max_size=3),
    "default": VALUES,
    "description": st.sampled_from(["", "Some: text # here", "line\nbreak"]),
}


@st.composite
def schemas(draw: st.DrawFn, depth: int = 0) -> Any:
    names = draw(st.lists(st.sampled_from(sorted(KEYWORDS)), max_size=4, unique=True))
    schema = {name: draw(KEYWORDS[name]) for name in names}
    if depth < 3:
        more = draw(st.sampled_from(["", "", "properties", "items", "anyOf", "allOf"]))
        if more == "properties":
            schema |= draw(objects(depth + 1))
        elif more == "items":
            schema |= {"type": "array", "items": draw(st.booleans() | schemas(depth + 1))}
        elif more:
            schema[more] = draw(st.lists(schemas(depth + 1), min_size=1, max_size=2))
    return schema


@st.composite
def objects(draw: st.DrawFn, depth: int = 0) -> dict[str, Any]:
    properties = draw(st.dictionaries(NAMES, schemas(depth), max_size=4))
    required = [name for name in properties if draw(st.booleans())]
    return {"type": "object", "properties": properties, "required": required}


@given(st.lists(objects(), min_size=1, max_size=2))
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
def test_it_is_planned_or_told(parameters: list[dict[str, Any]]) -> None:
    tools = [{"name": f"f{i}", "parameters": one} for i, one in enumerate(parameters)]
    with tempfile.TemporaryDirectory() as folder:
        try:
            pack = packs.load(write_pack(Path(folder) / "p", tools))
        except InputError:
            assume(False)
            return
        found = pack_problems(pack)
        pack_notes(pack)
        try:
            made = plans(pack, Settings(20, reserve=1), 3)
        except InputError:
            assert found
            return
        for plan in made.plans:
            for call in plan.calls:
                codes = {p.code for p in catalogues.problems(call.call, pack.catalogue)}
                assert codes <= ({"missing_argument"} if plan.turn.missing else set())
                json.dumps(call.call.arguments, allow_nan=False)


@given(st.lists(objects(), min_size=1, max_size=2))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_its_skeleton_loads(parameters: list[dict[str, Any]]) -> None:
    tools = [
        {"name": f"f{i}", "description": "Do (it) [now] | {x}.", "parameters": one}
        for i, one in enumerate(parameters)
    ]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "tools.json").write_text(json.dumps(tools), "utf-8")
        try:
            catalogues.load(Path(folder) / "tools.json")
        except InputError:
            assume(False)
        packs.load(write("p", Path(folder) / "tools.json", Path(folder))[0])
