"""The grammar of answers: it takes what a format writes, and nothing that cannot be read."""

from __future__ import annotations

import random
import re
from functools import cache
from typing import Any

import pytest
import xgrammar
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stages.core import catalogue as catalogues
from stages.core.catalogue import Catalogue
from stages.core.command import InputError
from stages.core.conversation import Call
from stages.core.text import MAX_ANSWER
from stages.formats import FORMATS, names
from stages.formats.grammar import grammar
from tests.builders import make_tools
from tests.formats.test_formats import calls

NAMES = ("pythonic", "hermes")
TRAVEL = catalogues.from_tools(make_tools())
# One byte a token, so that a random walk reaches every rule.
BYTES: list[bytes] = [bytes([n]) for n in range(256)] + [b"</s>"]
END = 256


@cache
def compiler() -> Any:
    info = xgrammar.TokenizerInfo(BYTES, stop_token_ids=[END])
    return xgrammar.GrammarCompiler(info)


def matcher(name: str, catalogue: Catalogue) -> Any:
    return xgrammar.GrammarMatcher(compiler().compile_grammar(grammar(name, catalogue.functions)))


def takes(name: str, catalogue: Catalogue, text: str) -> bool:
    """Whether an answer may be `text` and end there."""
    one = matcher(name, catalogue)
    return bool(one.accept_string(text) and one.accept_token(END))


def walk(one: Any, rng: random.Random, start: str) -> str:
    """A random answer that begins with `start`; ends as soon as it may, after some hundred bytes
    texts being closed where that is allowed.
    """
    assert one.accept_string(start)
    mask = xgrammar.allocate_token_bitmask(1, len(BYTES))
    text = bytearray(start.encode())
    while len(text) < 3_000:
        one.fill_next_token_bitmask(mask)
        bits = mask[0].tolist()
        allowed = [n for n in range(len(BYTES)) if bits[n // 32] >> n % 32 & 1]
        # Bytes of other letters, drawn one by one, may be no UTF-8; a name leaves no choice.
        allowed = [n for n in allowed if n < 128 or n == END] or allowed
        if END in allowed:
            return text.decode()
        closing = [n for n in allowed if chr(n) in '"]})']
        token = rng.choice(closing if closing and (len(text) > 150 or rng.random() < 0.2)
                           else allowed)  # fmt: skip
        assert one.accept_token(token)
        text.append(token)
    raise AssertionError(bytes(text[:300]))


@settings(max_examples=100)
@given(calls(), st.sampled_from(NAMES))
def test_what_is_written_is_allowed(made: tuple[list[Call], Catalogue], name: str) -> None:
    written, catalogue = made
    try:
        for function in catalogue.functions:
            names.check(Catalogue([function]), "here")
    except InputError:
        assume(False)
    ordered = [
        Call(c.name, {k: c.arguments[k] for k in catalogue[c.name].properties if k in c.arguments})
        for c in written
    ]
    text = FORMATS[name].render(ordered)
    # Deeper than an open schema goes here, numbers longer than anybody says, and tags.
    assume("<" not in text and not any(len(part) > 18 for part in _digits(text)))
    assume(not re.search(r"e\+\d{3}", text))
    assume(_depth(ordered) <= 3 and len(text) < MAX_ANSWER)
    assume(_in_order(ordered, catalogue))
    assert takes(name, catalogue, text)


def _digits(text: str) -> list[str]:
    return "".join(c if c.isdigit() else " " for c in text).split()


def _depth(value: Any) -> int:
    if isinstance(value, list):
        return max(map(_depth, value), default=0) + (not any(isinstance(v, Call) for v in value))
    if isinstance(value, dict):
        return max(map(_depth, value.values()), default=0) + 1
    return max(map(_depth, value.arguments.values()), default=0) if isinstance(value, Call) else 0


def _in_order(made: list[Call], catalogue: Catalogue) -> bool:
    """Whether nested objects, too, have their keys in the order of the schema."""

    def ordered(value: Any, schema: Any) -> bool:
        properties = schema.get("properties") if isinstance(schema, dict) else None
        if not isinstance(value, dict) or not properties:
            return True
        keys = [key for key in properties if key in value]
        return keys == list(value) and all(ordered(value[k], properties[k]) for k in keys)

    return all(ordered(call.arguments, catalogue[call.name].parameters) for call in made)


@settings(max_examples=60)
@given(calls(), st.sampled_from(NAMES), st.integers(0, 2**32))
def test_whatever_is_allowed_is_a_right_call(
    made: tuple[list[Call], Catalogue], name: str, seed: int
) -> None:
    _, catalogue = made
    try:
        names.check(catalogue, "here")
    except InputError:
        assume(False)
    start = "[" if name == "pythonic" else "<tool_call>"
    text = walk(matcher(name, catalogue), random.Random(seed), start)
    parsed = FORMATS[name].parse(text, catalogue)
    assert parsed.error is None and parsed.calls, text
    for call in parsed.calls:
        assert not catalogues.problems(call, catalogue), text


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("name", NAMES)
def test_bounds_and_enums_of_a_real_pack(name: str, seed: int) -> None:
    start = "[" if name == "pythonic" else "<tool_call>"
    text = walk(matcher(name, TRAVEL), random.Random(seed), start)
    parsed = FORMATS[name].parse(text, TRAVEL)
    assert parsed.calls, text
    found = {p.code for call in parsed.calls for p in catalogues.problems(call, TRAVEL)}
    # February has no 30th day, and ranges of numbers that are not whole are the schema's.
    assert found <= {"wrong_format", "out_of_range"}, text


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("Which city?", True),
        (" Which city do you mean, [Oslo] or (Rome)?", True),
        ("[show_trips()]", True),
        ("[show_trips(), show_trips()]", True),
        ('[order_taxi(from_={"street": "7 mill lane"}, passengers=8)]', True),
        ("[book_hotel(city=\"oslo\", check_in=\"2026-06-09\", nights=14, amenities=[\"gym\"])]",
         True),
        ('[order_taxi(from_={"street": "7 mill lane"}, passengers=9)]', False),
        ('[order_taxi(passengers=3, from_={"street": "7 mill lane"})]', False),
        ("[order_taxi()]", False),
        ("[show_trips(a=1)]", False),
        ("[fly()]", False),
        ("[book_hotel(city=\"oslo\", check_in=\"tomorrow\", nights=2)]", False),
        ("[book_hotel(city=oslo)]", False),
        ("[show_trips()] and more", False),
        ("[sic] which?", False),
        ("<think>x</think>[fly()]", False),
        ("Well <tool_call>", False),
        ("[]", False),
        ("", False),
    ],
)  # fmt: skip
def test_answers(text: str, allowed: bool) -> None:
    assert takes("pythonic", TRAVEL, text) == allowed


def test_a_format_of_the_model_has_none() -> None:
    with pytest.raises(ValueError, match="native"):
        grammar("native", TRAVEL.functions)
