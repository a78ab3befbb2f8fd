"""Whether a server that is to score takes prompts as tokens, has the student's and keeps to a
grammar: a field that a server does not know it may pass over without a word.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

# Words that no model says by itself, and tokens enough for them.
GRAMMAR, WORDS, ENOUGH = 'root ::= "zq vx"', "zq vx", 8


class Probe(NamedTuple):
    """A prompt as text and as the student's tokens, and whether answers are to keep to grammars."""

    text: str
    tokens: tuple[int, ...]
    has_grammar: bool


async def problem(ask: Callable[..., Awaitable[Any]], probe: Probe) -> str:
    """What is wrong with a server; empty if nothing is. `ask` sends a request for a completion with
    these fields, and gives its choice. Raises what `ask` raises.
    """
    own: dict[str, Any] = {"add_special_tokens": False, "return_token_ids": True}
    answer = await ask(prompt=probe.text, max_tokens=1, extra_body=own)
    tokens = getattr(answer, "prompt_token_ids", None)
    if not isinstance(tokens, list):
        return (
            "does not tell the tokens of a prompt, as vLLM does: set evaluate.server.vllm to false"
        )
    if tokens != list(probe.tokens):
        return (
            "cuts a prompt into other tokens than models/base/student: it is another base model, "
            "serve that one"
        )
    if probe.has_grammar:
        own = {"structured_outputs": {"grammar": GRAMMAR}}
        answer = await ask(prompt=list(probe.tokens), max_tokens=ENOUGH, extra_body=own)
        text = getattr(answer, "text", None)
        if not isinstance(text, str) or not text or not WORDS.startswith(text):
            return (
                "does not keep to a grammar (vLLM's structured_outputs): set evaluate.decoding to "
                "free"
            )
    return ""
