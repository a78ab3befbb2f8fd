"""What begins comes before what ends it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stages.core import pack as packs
from stages.planning.plans import Settings, plans

DAY = {"type": "string", "format": "date"}


def write_pack(folder: Path, properties: dict[str, object], arguments: str) -> packs.Pack:
    (folder / "vocabularies").mkdir()
    tool = {
        "name": "f",
        "parameters": {"type": "object", "properties": properties, "required": [*properties]},
    }
    (folder / "catalogue.json").write_text(json.dumps([tool]), "utf-8")
    text = f"name: own\nlocales: [en]\narguments:\n{arguments}"
    (folder / "pack.yaml").write_text(text, "utf-8")
    words = " ".join(f"{{{name}}}" for name in properties)
    (folder / "vocabularies" / "en.yaml").write_text(
        f'phrases: {{f: ["do it {words}"]}}\n', "utf-8"
    )
    return packs.load(folder)


@pytest.mark.parametrize(
    ("first", "last", "schema", "source"),
    [
        ("to", "from", DAY, "{date: {days: [0, 9]}}"),
        ("start_date", "end_date", DAY, "{date: {days: [0, 9]}}"),
        ("from", "until", {"type": "string"}, '{time: {from: "08:00", to: "10:00", step: 30}}'),
        ("minPrice", "maxPrice", {"type": "integer"}, "{integer: {min: 1, max: 9}}"),
    ],
)
def test_ends_are_in_order(
    tmp_path: Path, first: str, last: str, schema: dict[str, str], source: str
) -> None:
    arguments = f"  f.{first}: {source}\n  f.{last}: {source}\n"
    pack = write_pack(tmp_path, {first: schema, last: schema}, arguments)
    begin, end = (last, first) if first == "to" else (first, last)
    made = plans(pack, Settings(rows=60), 0).plans
    calls = [c.call.arguments for p in made if p.turn.act == "call" for c in p.calls]
    assert len(calls) >= 40
    assert all(held[begin] < held[end] for held in calls)


def test_numbers_from_and_to_are_no_range(tmp_path: Path) -> None:
    held: dict[str, object] = {"from": {"type": "integer"}, "to": {"type": "integer"}}
    arguments = "  f.from: {integer: {min: 1, max: 9}}\n  f.to: {integer: {min: 1, max: 9}}\n"
    made = plans(write_pack(tmp_path, held, arguments), Settings(rows=60), 0).plans
    calls = [c.call.arguments for p in made if p.turn.act == "call" for c in p.calls]
    assert any(one["from"] > one["to"] for one in calls)


def test_ranges_of_their_own_are_kept(tmp_path: Path) -> None:
    late, early = '{time: {from: "20:00", to: "23:00"}}', '{time: {from: "05:00", to: "07:00"}}'
    held: dict[str, object] = {"start": {"type": "string"}, "end": {"type": "string"}}
    pack = write_pack(tmp_path, held, f"  f.start: {late}\n  f.end: {early}\n")
    made = plans(pack, Settings(rows=40), 0).plans
    calls = [c.call.arguments for p in made if p.turn.act == "call" for c in p.calls]
    assert calls and all(one["end"] <= "07:00" < "20:00" <= one["start"] for one in calls)


def test_an_identifier_is_said_in_its_digits(tmp_path: Path) -> None:
    held: dict[str, object] = {"cardNumber": {"type": "integer"}, "copies": {"type": "integer"}}
    source = "{integer: {min: 1000, max: 9999}}"
    pack = write_pack(tmp_path, held, f"  f.cardNumber: {source}\n  f.copies: {source}\n")
    made = plans(pack, Settings(rows=60), 0).plans
    said = [a for p in made for c in p.calls for a in c.arguments]
    assert all(a.surface == str(a.value) for a in said if a.name == "cardNumber")
    assert any("," in (a.surface or "") for a in said if a.name == "copies")
