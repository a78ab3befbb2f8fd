"""Packs: sources by key and schema, vocabularies, and an error for whatever is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from stages.core import pack as packs
from stages.core.command import InputError
from stages.core.pack import Pack
from stages.core.source_kinds import SourceEntry
from tests.builders import TRAVEL

TEXT = {"type": "string"}
CITY = {
    "type": "object",
    "properties": {"street": TEXT, "city": {"enum": ["paris", "rome"]}},
    "required": ["city"],
}
ORDER = {
    "type": "object",
    "properties": {
        "dish": TEXT,
        "n": {"type": "integer", "minimum": 1, "maximum": 9},
        "day": {"type": "string", "format": "date"},
        "loud": {"type": "boolean"},
        "note": TEXT,
        "address": CITY,
        "sizes": {"type": "array", "items": {"enum": ["s", "m"]}, "maxItems": 2},
        "kind": {"const": "meal"},
        "unit": {"anyOf": [{"type": "null"}, {"enum": ["kg", "g"]}]},
        "temperature": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    },
    "required": ["dish", "kind"],
}
TOOLS = [{"name": "order", "parameters": ORDER}, {"name": "x.stop", "parameters": {}}]
PACK = "name: food\narguments:\n  order.dish: {vocabulary: dish}\n"
WORDS = "dish: [soup, {value: pizza, forms: {plain: [pizza], plural: [pizzas]}, from: italy}]\n"


def write(folder: Path, **files: str) -> Path:
    """A pack; keys are names of files without their ending."""
    texts = {"catalogue": json.dumps(TOOLS), "pack": PACK, "en": WORDS, **files}
    for name, text in texts.items():
        ending = "json" if name == "catalogue" else "yaml"
        path = folder / ("vocabularies" if name in ("en", "de") else "") / f"{name}.{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def loaded(folder: Path, **files: str) -> Pack:
    return packs.load(write(folder, **files))


def test_every_argument_has_the_source_of_its_schema(tmp_path: Path) -> None:
    pack = loaded(tmp_path)
    kinds = {key: source.kind for key, source in pack.by_key.items()}
    assert kinds == {
        "order.dish": "vocabulary", "order.n": "integer", "order.day": "date",
        "order.loud": "boolean", "order.address": "object", "order.address.city": "enum",
        "order.sizes": "list", "order.kind": "constant", "order.unit": "enum",
        "order.temperature": "number",
    }  # fmt: skip
    assert {(lack.key, lack.required) for lack in pack.lacking} == {
        ("order.note", False), ("order.address.street", False),
    }  # fmt: skip
    number = pack.by_key["order.temperature"].settings
    assert (number.min, number.max, number.step) == (0.1, 1.0, 0.1)
    assert pack.by_key["order.address.city"].required
    assert not pack.by_key["order.address"].required


def test_the_most_specific_key_wins(tmp_path: Path) -> None:
    text = PACK + (
        '  "*.n": {integer: {min: 2, max: 3}, share: 0.9}\n'
        "  order.n: {integer: {min: 4, max: 5}}\n"
        '  "*.loud": {share: 0.7}\n'
        "  order.address.street: {vocabulary: dish, share: 0.1}\n"
    )
    pack = loaded(tmp_path, pack=text)
    assert pack.by_key["order.n"].settings.min == 4 and pack.by_key["order.n"].share == 0.3
    assert pack.by_key["order.loud"].kind == "boolean" and pack.by_key["order.loud"].share == 0.7
    assert pack.by_key["order.address.street"].slot == "address.street"


def test_entries_forms_and_attributes(tmp_path: Path) -> None:
    soup, pizza = loaded(tmp_path).entries("dish", "en")
    assert (soup.value, soup.surfaces) == ("soup", ("soup",))
    assert pizza.surfaces == ("pizza",) and pizza.surfaces_of("plural") == ("pizzas",)
    assert pizza.surfaces_of("none") == ("pizza",) and pizza.attributes == {"from": "italy"}


def test_a_list_that_a_locale_lacks_is_the_first_locales(tmp_path: Path) -> None:
    text = "locales: [en, de]\n" + PACK
    pack = loaded(tmp_path, pack=text, de="other: {2: [zwei], true: [ja]}\n")
    assert pack.entries("dish", "de") == pack.entries("dish", "en")
    assert [entry.value for entry in pack.entries("other", "de")] == [2, True]
    assert pack.entries("nothing", "de") == ()


def test_travel() -> None:
    pack = packs.load(TRAVEL)
    assert not pack.lacking and pack.locales == ("en", "de")
    assert pack.dimensions == {"room": {"book_hotel": "room"}}
    assert pack.by_key["order_taxi.from.street"].path == ("from", "street")


def test_the_functions_held_out_are_not_trained(tmp_path: Path) -> None:
    assert loaded(tmp_path).trained.names == ("order", "x.stop")
    assert loaded(tmp_path, pack=f"{PACK}held_out: [x.stop]\n").trained.names == ("order",)


def test_what_is_commented_out_counts_as_left_out(tmp_path: Path) -> None:
    pack = loaded(tmp_path, pack="name: p\narguments:\nexclusive:\n", population="functions:\n")
    assert {lack.key for lack in pack.lacking} > {"order.dish"}


BAD: list[tuple[dict[str, str], str]] = [
    ({"pack": PACK + "  order.x: {text: dish}\n"}, r"'order\.x' is no argument.*has the argum"),
    ({"pack": PACK + "  other.x: {text: dish}\n"}, r"name FUNCTION\.ARGUMENT"),
    ({"pack": PACK + "  order.n: {integer: {min: 3, max: 1}}\n"}, "line 4.*below min"),
    ({"pack": PACK + "  order.n: {integer: {min: 1, max: 2}, text: dish}\n"}, "keep one"),
    ({"pack": PACK + "  order.n: {}\n"}, "is empty"),
    ({"pack": PACK + "  order.n: {whole: 3}\n"}, "has no .whole.: it may have enum"),
    ({"pack": PACK + "  order.note: {vocabulary: notes}\n"}, "no vocabulary is called 'notes'"),
    ({"pack": PACK + "  order.sizes: {list: {of: {share: 0.5}}}\n"}, "must name a source"),
    (
        {"pack": PACK + "  order.sizes: {list: {of: {enum: true, agrees_with: n}}}\n"},
        "beside `list`",
    ),
    ({"pack": PACK + "  order.note: {asset: notes.text}\n"}, r"assets/notes\.sql is missing"),
    ({"pack": PACK + "  order.note: {asset: notes}\n"}, "should match pattern"),
    ({"pack": PACK + "  order.note: {graph: {start: a}}\n"}, r"graph/concepts\*\.sql is missing"),
    ({"pack": PACK + "  order.note: {graph: {relations: [a]}}\n"}, "graph.start: Field required"),
    ({"pack": PACK + "  order.day: {date: {days: [3, 1]}}\n"}, "must rise"),
    ({"pack": PACK + '  order.day: {time: {from: "25:00"}}\n'}, "pattern"),
    ({"pack": PACK + "  order.n: {share: 0.5, agrees_with: note}\n"}, "agrees_with.*no argument"),
    ({"pack": PACK + "exclusive: [[order.n]]\n"}, "at least 2"),
    ({"pack": PACK + "exclusive: [[order.dish, order.kind]]\n"}, "kind is required together"),
    ({"pack": PACK + "dimensions: {function: order.n}\n"}, "choose another name"),
    ({"pack": "description: x\n"}, "name: Field required"),
    ({"pack": PACK + "locales: [en/us]\n"}, "locales"),
    ({"en": "dish: []\n"}, r"en\.yaml:1: dish: must be a list"),
    ({"en": WORDS + "x: {a: [' ']}\n"}, r"en\.yaml:2: x\.a\.0: is empty"),
    ({"en": WORDS + "x: [{forms: [a]}]\n"}, "needs the key `value`"),
    ({"en": WORDS + "x: [true]\n"}, "needs surfaces"),
    ({"en": WORDS + "x: [2026-01-02]\n"}, "quotes"),
    ({"en": WORDS + "phrases: {other: [a]}\n"}, "phrases.other: .*has no such function"),
    ({"en": WORDS + "phrases: [a]\n"}, "must map functions"),
    ({"en": WORDS + "phrases: {order: [a, 'b [c']}\n"}, r"2: phrases\.order\.1: .*not closed"),
    ({"population": "functions: {other: 1}\n"}, "functions: 'other' is unknown"),
    ({"population": "scenarios: {double: 1}\n"}, "scenarios: 'double' is unknown"),
    ({"population": "functions: {order: 0}\n"}, "all shares are zero"),
    ({"population": "words: {order: {0: 1, 0.5: 4}}\n"}, "quantiles 0 and 1"),
    ({"population": 'words: {"*": {0: 9, 1: 4}}\n'}, "must not fall"),
    ({"population": "bands: {order: [4, 9]}\n"}, "no quantiles"),
    ({"population": "affinity: {function: {order: {en: 1}}}\n"}, "two dimensions"),
    ({"catalogue": "[]"}, r"catalogue\.json"),
]


@pytest.mark.parametrize(("files", "message"), BAD)
def test_what_is_wrong_is_one_error(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=f"(?s){message}") as caught:
        loaded(tmp_path, **files)
    assert str(tmp_path) in str(caught.value)


def test_a_pack_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no folder"):
        packs.load(tmp_path / "none")
    with pytest.raises(InputError, match=r"catalogue\.json is missing.*stages\.new"):
        packs.load(tmp_path)


def test_a_link_out_of_the_pack_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("a: [b]", "utf-8")
    folder = write(tmp_path / "pack")
    (folder / "vocabularies" / "en.yaml").unlink()
    (folder / "vocabularies" / "en.yaml").symlink_to(tmp_path / "secret.yaml")
    with pytest.raises(InputError, match="leads out of the pack"):
        packs.load(folder)


def test_arguments_with_dots_in_their_names(tmp_path: Path) -> None:
    parameters: dict[str, Any] = {"type": "object", "properties": {"a.b": TEXT, "a": CITY}}
    tools = [{"name": "f.g", "parameters": parameters}, {"name": "f", "parameters": parameters}]
    text = "name: p\narguments:\n  f.g.a.b: {text: dish}\n  f.a.street: {text: dish}\n"
    pack = loaded(tmp_path, catalogue=json.dumps(tools), pack=text)
    assert pack.by_key["f.g.a.b"].path == ("a.b",)
    assert pack.by_key["f.a.street"].path == ("a", "street")


def test_an_unknown_key_of_a_source_is_told_with_those_there_are() -> None:
    with pytest.raises(ValidationError, match="has no 'hours': it may have from, to, step, as"):
        SourceEntry.model_validate({"time": {"hours": [8, 18]}})
    with pytest.raises(ValidationError, match="has no 'times': it may have enum, vocabulary"):
        SourceEntry.model_validate({"times": {}})
