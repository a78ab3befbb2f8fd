"""OpenAI fine-tuning: one JSON object a line with `messages`, `tools`, `parallel_tool_calls`; the
arguments of a call are JSON text, each call has an id (OpenAI's guide "Fine-tuning and tool
calling"; `FineTuneChatRequestInput` in its OpenAPI description).
"""

from __future__ import annotations

import re
from typing import Any

from stages.core.conversation import Message
from stages.exporting.sample import Sample, Unheld, as_json

# What the API takes as the name of a function, and how many functions.
NAME, MAX_TOOLS = re.compile(r"[A-Za-z0-9_-]{1,64}"), 128


def row(sample: Sample, number: int) -> dict[str, Any]:
    """Raises Unheld where a function's name has a dot, or more than 128 are shown."""
    if not all(NAME.fullmatch(tool["function"]["name"]) for tool in sample.tools):
        raise Unheld("with a dot in a function's name")
    if len(sample.tools) > MAX_TOOLS:
        raise Unheld(f"that show more than {MAX_TOOLS} functions")
    messages = [_message(message) for message in sample.messages]
    if not sample.tools:
        return {"messages": messages}
    # The same in every row: whether there are several calls is for the model to tell.
    return {"messages": messages, "tools": sample.tools, "parallel_tool_calls": True}


def _message(message: Message) -> Message:
    """The message with its arguments as text, without a content that says nothing."""
    if not message.get("tool_calls"):
        return message
    calls = [
        {**call, "function": {**call["function"],
                              "arguments": as_json(call["function"]["arguments"])}}
        for call in message["tool_calls"]
    ]  # fmt: skip
    content = {"content": message["content"]} if message.get("content") else {}
    return {"role": message["role"], **content, "tool_calls": calls}
