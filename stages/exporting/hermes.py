"""Hermes: `conversations` with the tools in `<tools>` in the system turn, calls as JSON in
`<tool_call>` in the gpt turn, results in `<tool_response>` in the tool turn, and `tools` as JSON
text (NousResearch/hermes-function-calling-v1; the README of NousResearch/Hermes-Function-Calling).
"""

from __future__ import annotations

from typing import Any

from stages.core.conversation import Message, calls_of
from stages.exporting.sample import Sample, as_json, split_system
from stages.formats import hermes

SYSTEM = (
    "You answer by calling functions. You may call these:\n"
    "<tools>\n{tools}\n</tools>\n"
    "Write each call as one JSON object with the keys \"name\" and \"arguments\":\n"
    "<tool_call>\n{{\"name\": \"f\", \"arguments\": {{\"a\": 1}}}}\n</tool_call>\n"
    "Where a required argument was not said, ask for it. Where no function fits, say so."
)  # fmt: skip


def row(sample: Sample, number: int) -> dict[str, Any]:
    """The sample as the turns system, human, gpt and tool."""
    system, messages = split_system(sample.messages)
    tools = as_json(sample.tools)
    escaped = hermes.escaped(tools)
    for tag in ("<tools>", "</tools>"):
        escaped = escaped.replace(tag, f"\\u003c{tag[1:]}")
    text = SYSTEM.format(tools=escaped)
    turns = [{"from": "system", "value": f"{text}\n{system}".strip()}]
    turns += [_turn(message) for message in messages]
    return {"id": sample.sample_id, "conversations": turns, "tools": tools}


def _turn(message: Message) -> dict[str, str]:
    content = str(message.get("content") or "")
    if message["role"] == "user":
        return {"from": "human", "value": content}
    if message["role"] == "tool":
        return {"from": "tool", "value": f"<tool_response>\n{content}\n</tool_response>"}
    calls = [f"{hermes.BEGIN}\n{hermes.as_json(call)}\n{hermes.END}" for call in calls_of(message)]
    return {"from": "gpt", "value": "\n".join([content, *calls] if content else calls)}
