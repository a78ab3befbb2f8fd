"""chat: the system prompt, calls as text and back, and hostile answers."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.core.domain import Domain
from stages.core.text import composed
from stages.formats.chat import (
    Call,
    ParseError,
    answer,
    messages,
    parse_call,
    render_call,
    system_prompt,
)

START = "Search(content_type='Photo', extracted_prompt="


def test_prompt_names_every_function_type_and_argument_once(creative: Domain) -> None:
    prompt = system_prompt(creative.tools)
    for word in ["Search(", "Generate(", *creative.content_types]:
        assert word in prompt
    assert prompt.count("extracted_prompt:") == 1


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        (START + "'cat')", "cat"),
        ("  \n" + START + "'cat')\n", "cat"),
        (START + '"nephew\'s card")', "nephew's card"),
        (START + r"'it\'s')", "it's"),
        (START + "'cat',)", "cat"),
        ("Search(\n  extracted_prompt='cat',\n  content_type='Photo'\n)", "cat"),
        (START + "'a) or b(')", "a) or b("),
        (START + "'__import__(\"os\")')", '__import__("os")'),
        (START + "'猫 🐈')", "猫 🐈"),
        (START + "'')", ""),
    ],
)
def test_accepts(creative: Domain, text: str, prompt: str) -> None:
    call = parse_call(text, creative.tools)
    assert call == Call("Search", {"content_type": "Photo", "extracted_prompt": prompt})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no expression"),
        ("I'm sorry, but I cannot do that.", "no expression"),
        ("Search", "no call"),
        ("Search()", "missing argument 'content_type'"),
        ("```python\n" + START + "'a')\n```", "no expression"),
        (START + "'a') Done.", "no expression"),
        (START + "'a'); import os", "no expression"),
        (START + "'a')\n" + START + "'b')", "no expression"),
        (START + "'a'), " + START + "'b')", "no call"),
        ("[" + START + "'a')]", "no call"),
        ("os.system('rm -rf /')", "no call of a named function"),
        ("__import__('os').system('true')", "no call of a named function"),
        ("eval('1')", "unknown function 'eval'"),
        ("(lambda: 1)()", "no call of a named function"),
        ("Delete(content_type='Photo', extracted_prompt='a')", "unknown function 'Delete'"),
        ("Search('Photo', 'a')", "arguments must be named"),
        ("Search(*['Photo', 'a'])", "arguments must be named"),
        ("Search(**{'content_type': 'Photo'})", "arguments must be named"),
        ("Search(content_type='Photo')", "missing argument 'extracted_prompt'"),
        (START + "'a', limit=5)", "unknown argument 'limit'"),
        ("Search(content_type='photo', extracted_prompt='a')", "none of the allowed values"),
        ("Search(content_type='Sculpture', extracted_prompt='a')", "none of the allowed values"),
        ("Search(content_type=['Photo'], extracted_prompt='a')", "'content_type'"),
        (START + START + "'b'))", "no literal"),
        (START + "open('/etc/passwd').read())", "no literal"),
        (START + "f'{1}')", "no literal"),
        (START + "'a' + 'b')", "no literal"),
        (START + "cat)", "no literal"),
        (START + "None)", "no text"),
        (START + "b'a')", "no text"),
        (START + "['a'])", "no text"),
        (START + "7)", "no text"),
        (START + "'unclosed)", "no expression"),
        (START + "'a'", "no expression"),
        (START + "'a\x00b')", "no expression"),
        ("\x00", "no expression"),
        (START + "'" + "a" * 10_000 + "')", "answer of 10"),
        ("a" * 10_000, "answer of 10"),
        ("(" * 3_000 + ")" * 3_000, "no expression"),
        ("-" * 7_000 + "1", "no expression"),
        (START + "-" * 7_000 + "1)", "no expression"),
        (START + "[" * 150 + "]" * 150 + ")", "no text"),
        ("Search(content_type=" + "9" * 5_000 + ", extracted_prompt='a')", "no expression"),
    ],
)
def test_refuses(creative: Domain, text: str, reason: str) -> None:
    with pytest.raises(ParseError, match=reason.replace("(", r"\(")):
        parse_call(text, creative.tools)


@pytest.mark.parametrize(
    "text",
    [
        # Which of the two is meant?
        "Search(content_type='Photo', content_type='Any', extracted_prompt='a')",
        # Its repr needs more digits than Python prints.
        "Search(content_type=0x" + "f" * 7_000 + ", extracted_prompt='a')",
        # A lone surrogate cannot be written to any table.
        START + r"'\ud800')",
    ],
)
def test_refuses_what_a_table_or_message_cannot_hold(creative: Domain, text: str) -> None:
    with pytest.raises(ParseError):
        parse_call(text, creative.tools)


@given(text=st.text(max_size=300))
def test_any_text_is_a_call_or_a_parse_error(creative: Domain, text: str) -> None:
    for candidate in (text, START + text + ")", START + "'" + text + "')"):
        with contextlib.suppress(ParseError):
            assert parse_call(candidate, creative.tools).name in {"Search", "Generate"}


@given(prompt=st.text(st.characters(exclude_categories=["Cs"]), max_size=200).map(composed))
def test_render_and_parse_are_inverse(creative: Domain, prompt: str) -> None:
    call = Call("Generate", {"content_type": "Design Asset", "extracted_prompt": prompt})
    assert parse_call(render_call(call), creative.tools) == call


def test_messages_hold_the_answer() -> None:
    call = Call("Search", {"content_type": "Photo", "extracted_prompt": "café"})
    user, assistant = messages("show me a café", call)
    assert user == {"role": "user", "content": "show me a café"}
    assert json.loads(assistant["tool_calls"][0]["function"]["arguments"]) == call.arguments
    assert answer(assistant) == 'Search(content_type="Photo", extracted_prompt="café")'
    assert answer({"role": "assistant", "content": "no call"}) == "no call"
