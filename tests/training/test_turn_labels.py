"""Conversations of several turns as tokens: each answer of the assistant carries loss, nothing else
does.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from stages import formats
from stages.formats import chat_template
from stages.training.tokens import NO_LOSS, encode
from tests.builders import make_tools
from tests.formats.test_serving import student
from tests.several_turns import SEVERAL_TURNS, conversations

TAKEN = 40


@pytest.mark.parametrize("name", ["pythonic", "hermes"])
@pytest.mark.parametrize("scenario", SEVERAL_TURNS)
def test_each_answer_carries_loss_and_nothing_else(
    tmp_path: Path, scenario: str, name: str
) -> None:
    form, template = formats.FORMATS[name], chat_template.read(student(tmp_path))
    for one in conversations(scenario)[:TAKEN]:
        spoken, tools = formats.conversation(form, one.messages, make_tools(), one.today)
        ids, labels = encode(template, "s", spoken, tools)
        assert all(label in (NO_LOSS, token) for token, label in zip(ids, labels, strict=True))
        answers = [formats.answer(form, m) for m in one.messages if m["role"] == "assistant"]
        learned = template.tokenizer.decode([label for label in labels if label != NO_LOSS])
        assert learned == "".join(f"{answer}</s>" for answer in answers)
        whole = template.tokenizer.decode(ids)
        for message in one.messages:
            if message["role"] != "assistant":
                assert message["content"] in whole
