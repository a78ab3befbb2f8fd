"""Tokens that a server's answers cost, and the limit on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from typing import Any

from stages.core.fields import MOST_TOKENS

# Bytes of text that a token has at least, on average: for servers that do not count.
BYTES = 3
# Tokens of a picture, for the same.
PICTURE = 1_000


class Spent(Exception):
    """The limit is reached: nothing more is sent."""


@dataclass
class Spending:
    """What the answers of one run have cost, in tokens, those that were thrown away and asked for
    again included.

    limit: 0 for none. block: where params.yaml has it. guessed: answers whose tokens the server did
    not report; they are estimated from the length of their texts, rather too many than too few. A
    request without any answer, such as after a timeout, is not counted, for nobody reports what it
    cost.
    """

    limit: int = 0
    prompt: int = 0
    answer: int = 0
    answers: int = 0
    guessed: int = 0
    block: str = "generate.server"

    @property
    def total(self) -> int:
        return self.prompt + self.answer

    @property
    def is_over(self) -> bool:
        return 0 < self.limit <= self.total

    def check(self) -> None:
        """Raise Spent where nothing more may be sent."""
        if self.is_over:
            raise Spent(self.reason())

    def reason(self) -> str:
        """Why nothing more is asked, by what is used so far, and what to do."""
        return (
            f"{self.block}.max_tokens_total is {self.limit:,}, and {self.in_words()} are used: "
            "nothing more is asked. The answers so far are kept and cost nothing again: raise "
            "the limit, which each run counts anew, and run the stage again, or lower route.rows"
        )

    def add(self, completion: Any, messages: Iterable[Any]) -> None:
        """Count a completion, by its `usage` or, without it, its length. messages: the prompt."""
        usage = getattr(completion, "usage", None)
        reported = [getattr(usage, f"{name}_tokens", None) for name in ("prompt", "completion")]
        counts = [n for n in reported if type(n) is int and 0 <= n <= MOST_TOKENS]
        if len(counts) < len(reported):
            choices = getattr(completion, "choices", None)
            if not isinstance(choices, list) or not choices:
                return  # no completion
            content = getattr(getattr(choices[0], "message", None), "content", "")
            counts = [guess(messages), guess([{"content": content}])]
            self.guessed += 1
        self.prompt += counts[0]
        self.answer += counts[1]
        self.answers += 1

    def counts(self) -> dict[str, int]:
        """The tokens by kind."""
        return {"prompt": self.prompt, "answer": self.answer, "answers": self.answers}

    def in_words(self) -> str:
        """The tokens, in words."""
        unsure = f", for {self.guessed} of them by the length of the texts" * bool(self.guessed)
        return (
            f"{self.total:,} tokens ({self.prompt:,} of prompts, {self.answer:,} of answers, in "
            f"{self.answers:,} answers{unsure})"
        )


def guess(messages: Iterable[Any]) -> int:
    """Tokens of messages, estimated from the length of their texts."""
    total = 0
    for message in messages:
        content = message.get("content")
        parts = content if isinstance(content, list) else [{"text": content}]
        for part in parts:
            text = part.get("text") if isinstance(part, dict) else None
            if isinstance(text, str):
                total += ceil(len(text.encode("utf-8", "replace")) / BYTES)
            else:
                total += PICTURE
    return total
