"""Calls as text and back, for functions of any shape."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stages import formats
from stages.core import catalogue as catalogues
from stages.core.catalogue import Catalogue
from stages.core.command import InputError
from stages.core.conversation import Call, assistant, calls_of, equal, user
from stages.core.text import composed
from stages.formats import FORMATS, names, pythonic

TABLE = {
    "name": "book_table",
    "description": "Book a table.",
    "parameters": {
        "type": "object",
        "properties": {
            "restaurant": {"type": "string", "description": "its name"},
            "party_size": {"type": "integer", "minimum": 1, "maximum": 12, "default": 2},
            "cuisine": {"enum": ["vegan", "noodles"]},
            "address": {
                "type": "object",
                "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
                "required": ["street"],
            },
            "days": {"type": "array", "items": {"type": "string", "format": "date"}},
            "from": {"type": ["string", "null"]},
        },
        "required": ["restaurant"],
    },
}
ODD = {"name": "a.b-c", "description": "Odd.", "parameters": {}}
CATALOGUE = catalogues.from_tools([TABLE, ODD])
# Names as catalogues have them: keywords, dots, hyphens, blanks, other scripts.
NAMES = st.one_of(
    st.sampled_from(
        ["from", "class", "x", "in.reply-to", "the name", "stadt", "größe", "城市", "_id"]
    ),
    st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,8}", fullmatch=True),
)
LEAVES = st.sampled_from(
    [
        {"type": "string"},
        {"type": "integer"},
        {"type": "number"},
        {"type": "boolean"},
        {"type": ["string", "null"]},
        {"enum": ["a", 'say "b"', "it's", 3, None, True]},
        {},
        {"type": "array", "items": {"type": "number"}, "maxItems": 4},
    ]
)


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(NAMES, inner, max_size=4).map(
        lambda p: {"type": "object", "properties": p, "additionalProperties": False}
    )


SCHEMAS = objects(st.recursive(LEAVES, objects, max_leaves=4))


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=12).map(composed),
              st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=5).map(composed), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
KINDS = {
    "string": st.text(max_size=30).map(composed),
    "integer": st.integers(),
    "number": st.floats(allow_nan=False, allow_infinity=False) | st.integers(),
    "boolean": st.booleans(),
    "null": st.none(),
}


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a schema of `SCHEMAS` takes."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if not schema:
        return JSON
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if kinds == ["array"]:
        return st.lists(values(schema["items"]), max_size=4)
    if kinds == ["object"]:
        return st.fixed_dictionaries(
            {}, optional={name: values(one) for name, one in schema["properties"].items()}
        )
    return st.one_of(*(KINDS[kind] for kind in kinds))


@st.composite
def calls(draw: st.DrawFn) -> tuple[list[Call], Catalogue]:
    """Some calls of random functions, and their catalogue."""
    functions = st.sampled_from(["go", "a.b", "x-y", "import", "Find"])
    drawn = draw(st.lists(functions, min_size=1, max_size=3, unique=True))
    catalogue = catalogues.from_tools([{"name": n, "parameters": draw(SCHEMAS)} for n in drawn])
    made = [Call(f.name, draw(values(f.parameters))) for f in catalogue.functions]
    return made, catalogue


@settings(max_examples=150)
@given(calls(), st.sampled_from(sorted(FORMATS)))
def test_what_is_written_is_read_back(made: tuple[list[Call], Catalogue], name: str) -> None:
    written, catalogue = made
    try:
        for function in catalogue.functions:
            names.check(Catalogue([function]), "here")
    except InputError:
        assume(False)
    text = FORMATS[name].render(written)
    assume(len(text) <= 8_000)
    parsed = FORMATS[name].parse(text, catalogue)
    assert parsed.error is None
    assert len(parsed.calls) == len(written)
    for one, other in zip(parsed.calls, written, strict=True):
        assert one.name == other.name and equal(one.arguments, other.arguments)
        assert not catalogues.problems(one, catalogue)


@given(st.text(max_size=300), st.sampled_from(sorted(FORMATS)))
def test_whatever_is_answered_is_read_or_has_a_code(text: str, name: str) -> None:
    for answer in (text, f"[f({text}", f"<tool_call>{text}", f'{{"name": {text}'):
        parsed = FORMATS[name].parse(answer, CATALOGUE)
        assert parsed.error in (None, "unreadable", "positional_argument", "too_long", "too_deep")
        assert not (parsed.error and parsed.calls)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[book_table('x')]", "positional_argument"),
        ("[book_table(restaurant=open('x'))]", "unreadable"),
        ("[book_table(restaurant='a', restaurant='b')]", "unreadable"),
        ("[book_table(restaurant='a')", "unreadable"),
        ("[book_table(**{'restaurant': 'a'})]", "unreadable"),
        (f"[book_table(days={'[' * 40}{']' * 40})]", "too_deep"),
        (f"[book_table(restaurant='{'a' * 9_000}')]", "too_long"),
        ("[book_table(party_size=1e999)]", "unreadable"),
        ("[book_table(party_size=True + 1)]", "unreadable"),
        ("Which restaurant?", None),
        ("[sic] which one?", None),
        ("[]", None),
    ],
)
def test_pythonic_evaluates_nothing(text: str, error: str | None) -> None:
    parsed = pythonic.parse(text, CATALOGUE)
    assert parsed.error == error and parsed.calls == ()


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize("part", ["[", "a.b.", '{"a":', "f(", "<tool_call>", "'", "\\"])
def test_reading_takes_time_in_proportion(name: str, part: str) -> None:
    text = ("[f(a=" + part * 40_000)[:40_000]
    began = time.process_time()
    for start in ("", "[f(a=", "<tool_call>", "{"):
        FORMATS[name].parse(start + text, CATALOGUE)
    assert time.process_time() - began < 1


def test_odd_names_are_written_as_identifiers() -> None:
    call = Call("a.b-c", {})
    assert pythonic.render([call]) == "[a_b_c()]"
    assert pythonic.parse("[a_b_c()]", CATALOGUE).calls == (call,)
    assert pythonic.parse("[a.b()]", CATALOGUE).calls == (Call("a.b", {}),)
    text = pythonic.render([Call("book_table", {"restaurant": "Saturn's", "from": None})])
    assert text == '[book_table(restaurant="Saturn\'s", from_=None)]'
    with pytest.raises(InputError, match=r"a_b.*rename"):
        formats.check(FORMATS["pythonic"], catalogues.from_tools(
            [{"name": "a.b"}, {"name": "a-b"}]), "catalogue.json")  # fmt: skip


def test_the_system_prompt_says_all_that_a_call_needs() -> None:
    text = formats.system(FORMATS["pythonic"], CATALOGUE.tools, "2026-11-26")
    assert (
        'book_table(restaurant: str (its name), party_size?: int 1..12 = 2, cuisine?: "vegan"|'
        '"noodles", address?: {street: str, city?: str}, days?: [date], from_?: str|None): '
        "Book a table.\na_b_c(): Odd.\n"
    ) in text
    assert text.endswith("\nToday is Thursday, 2026-11-26.")
    assert text.startswith(formats.system(FORMATS["pythonic"], CATALOGUE.tools))
    assert "from?: str|None" in formats.system(FORMATS["hermes"], CATALOGUE.tools)


def test_a_conversation_for_any_chat_template_and_for_one_that_knows_tools() -> None:
    made = [Call("book_table", {"restaurant": "The Crown"})]
    messages = [user("a table at the crown"), assistant(made)]
    plain, tools = formats.conversation(FORMATS["pythonic"], messages, CATALOGUE.tools)
    assert tools is None and [m["role"] for m in plain] == ["system", "user", "assistant"]
    assert plain[2]["content"] == '[book_table(restaurant="The Crown")]'
    own, tools = formats.conversation(FORMATS["native"], messages, CATALOGUE.tools)
    assert own == messages and tools == CATALOGUE.tools
    assert formats.answer(FORMATS["hermes"], assistant("Which one?")) == "Which one?"


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "book_table", "parameters": {"restaurant": "x"}}',
        '<|python_tag|>{"name": "book_table", "parameters": {"restaurant": "x"}}',
        '[TOOL_CALLS][{"name": "book_table", "arguments": {"restaurant": "x"}}]',
        '<tool_call>\n{"name": "book_table", "arguments": {"restaurant": "x"}}\n</tool_call>',
    ],
)
def test_native_reads_what_well_known_templates_write(text: str) -> None:
    parsed = FORMATS["native"].parse(text, CATALOGUE)
    assert parsed.calls == (Call("book_table", {"restaurant": "x"}),)


def test_calls_as_openai_has_them() -> None:
    message = assistant([Call("f", {"a": 1})])
    message["tool_calls"][0]["function"]["arguments"] = json.dumps({"a": 1})
    assert calls_of(message) == [Call("f", {"a": 1})]
    assert not equal(1, True) and equal(1, 1.0) and equal("é", "é") and not equal([1], [1, 2])
