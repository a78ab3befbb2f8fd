"""What we write as calls, vLLM's own tool parsers read: whole, and streamed piece by piece."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from stages.core.conversation import Call, equal
from stages.formats import FORMATS, names

pytestmark = pytest.mark.slow

CALLS = [
    [Call("now", {})],
    [Call("book", {"place": "Saturn's \"Ring\"", "people": 2, "quiet": True, "note": None})],
    [Call("a", {"x": -1.5, "items": ["one", "two, 3", ")]"]}), Call("b", {}), Call("a", {"x": 0})],
    [Call("order", {"to": {"street": "Größe 1\n2", "zip": "00123"}, "tags": [], "d": {"a": 1}})],
    [Call("translate", {"text": "[f(a=1)] = x, (y)", "language": "日本語"})],
    [Call("from_to", {"from": "Oslo", "class": "first"})],
]  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    """The parsers ask for one; `hermes` looks its tags up in it."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {
        text: n for n, text in enumerate(["<s>", "<tool_call>", "</tool_call>", *alphabet])
    }
    plain = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return PreTrainedTokenizerFast(tokenizer_object=plain, bos_token="<s>", eos_token="<s>")


def parser_of(name: str, tokenizer: Any) -> Any:
    if name == "pythonic":
        from vllm.tool_parsers.pythonic_tool_parser import PythonicToolParser

        return PythonicToolParser(tokenizer)
    from vllm.tool_parsers.hermes_tool_parser import Hermes2ProToolParser

    return Hermes2ProToolParser(tokenizer)


def request() -> Any:
    from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest

    return ChatCompletionRequest(messages=[{"role": "user", "content": "x"}], model="m")


def as_read(name: str, call: Call) -> Call:
    """The call with the names that the format writes, which the parsers give back."""
    if name != "pythonic":
        return call
    arguments = {names.written(key): value for key, value in call.arguments.items()}
    return Call(names.written(call.name), arguments)


@pytest.mark.parametrize("name", ["pythonic", "hermes"])
@pytest.mark.parametrize("calls", CALLS, ids=lambda calls: calls[0].name)
def test_a_whole_answer_is_read(name: str, calls: list[Call], tokenizer: Any) -> None:
    text = FORMATS[name].render(calls)
    found = parser_of(name, tokenizer).extract_tool_calls(text, request())
    assert found.tools_called
    read = [Call(c.function.name, json.loads(c.function.arguments)) for c in found.tool_calls]
    assert len(read) == len(calls)
    for one, other in zip(read, calls, strict=True):
        wanted = as_read(name, other)
        assert one.name == wanted.name and equal(one.arguments, wanted.arguments)


@pytest.mark.parametrize("calls", CALLS, ids=lambda calls: calls[0].name)
def test_a_streamed_answer_is_read(calls: list[Call], tokenizer: Any) -> None:
    text = FORMATS["pythonic"].render(calls)
    parser, asked = parser_of("pythonic", tokenizer), request()
    rng, read, at = random.Random(3), "", 0
    streamed: dict[int, list[str]] = {}
    while at < len(text):
        piece = text[at : at + rng.randint(1, 6)]
        at += len(piece)
        delta = parser.extract_tool_calls_streaming(read, read + piece, piece, [], [], [], asked)
        read += piece
        for tool in (delta.tool_calls or []) if delta else []:
            parts = streamed.setdefault(tool.index, ["", ""])
            parts[0] += tool.function.name or ""
            parts[1] += tool.function.arguments or ""
    assert len(streamed) == len(calls)
    for (name, arguments), other in zip(streamed.values(), calls, strict=True):
        wanted = as_read("pythonic", other)
        assert name == wanted.name and equal(json.loads(arguments), wanted.arguments)


@pytest.mark.parametrize("name", ["pythonic", "hermes"])
def test_words_are_no_call(name: str, tokenizer: Any) -> None:
    found = parser_of(name, tokenizer).extract_tool_calls("Which city?", request())
    assert not found.tools_called and found.content == "Which city?"
