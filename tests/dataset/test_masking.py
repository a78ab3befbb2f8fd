"""Masked names: the calls stay those of the tools, values and descriptions untouched."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.core.catalogue import from_tools
from stages.core.conversation import Call, assistant, calls_of, user
from stages.core.plan import Turn
from stages.dataset import masking

CALL = (Turn("call"),)
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "rooms.find",
            "description": "Find a free room.",
            "parameters": {
                "type": "object",
                "properties": {
                    "seats": {"type": "integer", "description": "Number of seats."},
                    "floor": {"type": "integer"},
                },
                "required": ["seats"],
            },
        },
    },
    {
        "type": "function",
        "function": {
            "name": "rooms.free",
            "description": "",
            "parameters": {"type": "object", "properties": {}},
        },
    },
]
SAID = [user("a room for 8"), assistant([Call("rooms.find", {"seats": 8, "floor": 2})])]


def masked(tool_set: str = "tools-0001", seed: int = 1) -> tuple[list[dict], list[dict]]:
    messages, tools = masking.masked(json.dumps(SAID), json.dumps(TOOLS), tool_set, seed)
    return json.loads(messages), json.loads(tools)


def test_names_with_a_description_become_masks_and_all_else_stays() -> None:
    messages, tools = masked()
    name = tools[0]["function"]["name"]
    schema = tools[0]["function"]["parameters"]
    seats = schema["required"][0]
    assert name != "rooms.find"
    assert seats != "seats"
    assert list(schema["properties"]) == [seats, "floor"]  # floor has no description
    assert tools[1] == TOOLS[1]
    assert tools[0]["function"]["description"] == "Find a free room."
    assert messages[0] == SAID[0]
    assert calls_of(messages[1]) == [Call(name, {seats: 8, "floor": 2})]


@given(st.text("abc-0123456789", min_size=1), st.integers(0, 99))
def test_masked_calls_keep_the_masked_schema(tool_set: str, seed: int) -> None:
    messages, tools = masked(tool_set, seed)
    catalogue = from_tools(tools, "tools")
    (call,) = calls_of(messages[1])
    assert call.name in catalogue
    assert set(call.arguments) <= set(catalogue[call.name].properties)
    assert masked(tool_set, seed) == (messages, tools)  # the same for the same set


def test_a_share_of_the_sets_is_masked() -> None:
    share = sum(masking.is_masked(f"tools-{n:04d}", CALL, 0.33, 42) for n in range(2000)) / 2000
    assert share == pytest.approx(0.33, abs=0.04)
    assert not masking.is_masked("tools-0001", CALL, 0.0, 42)
    asks = (Turn("ask", missing="seats"),)
    assert not any(masking.is_masked(f"tools-{n:04d}", asks, 1.0, 42) for n in range(9))
