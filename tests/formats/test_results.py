"""Results of calls in chat templates: as a message of the role `tool`, or as what a user says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stages import formats
from stages.core import pack
from stages.core.conversation import Call, assistant, results, user
from stages.formats import chat_template
from stages.formats.chat_template import with_responses
from stages.formats.serving import chat_template as served
from stages.training.tokens import NO_LOSS, encode
from tests.builders import TRAVEL
from tests.formats.test_serving import student

ANY_ROLE = (
    "{% for m in messages %}<s>{{ m.role }}: {{ m.content }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant: {% endif %}"
)
# As Gemma and Mistral do.
IN_TURN = (
    "{% for m in messages %}{% if m.role not in ('system', 'user', 'assistant') %}"
    "{{ raise_exception('no such role') }}{% endif %}"
    "{% if loop.index0 and m.role == messages[loop.index0 - 1].role %}"
    "{{ raise_exception('not in turn') }}{% endif %}"
    "<s>{{ m.role }}: {{ m.content }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant: {% endif %}"
)
LEFT_OUT = (
    "{% for m in messages %}{% if m.role in ('system', 'user', 'assistant') %}"
    "<s>{{ m.role }}: {{ m.content }}</s>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant: {% endif %}"
)
# As Llama 3 writes a text.
AS_JSON = (
    "{% for m in messages %}<s>{{ m.role }}: "
    "{% if m.role == 'tool' %}{{ m.content | tojson }}{% else %}{{ m.content }}{% endif %}</s>"
    "{% endfor %}{% if add_generation_prompt %}<s>assistant: {% endif %}"
)
CALLS = assistant([Call("show_trips", {}), Call("show_trips", {})])
CHAT = [
    user("my trips, twice"), CALLS, *results(CALLS, [{"error": "a"}, {"error": "b"}]),
    user("once more"), assistant([Call("show_trips", {})]),
]  # fmt: skip
TAGGED = (
    '<s>user: <tool_response>\n{"error": "a"}\n</tool_response>\n'
    '<tool_response>\n{"error": "b"}\n</tool_response>\nonce more</s>'
)


@pytest.mark.parametrize("name", ["pythonic", "hermes"])
@pytest.mark.parametrize(
    ("template", "takes"), [(ANY_ROLE, True), (IN_TURN, False), (LEFT_OUT, False), (AS_JSON, False)]
)
def test_training_and_serving_show_results_alike(
    tmp_path: Path, name: str, template: str, takes: bool
) -> None:
    form, tokenizer = formats.FORMATS[name], student(tmp_path)
    tokenizer.chat_template = template
    learned, catalogue = chat_template.read(tokenizer), pack.load(str(TRAVEL)).catalogue
    assert learned.takes_results == takes
    spoken, tools = formats.conversation(form, CHAT, catalogue.tools)
    ids, labels = encode(learned, "s", spoken, tools)
    answers = [formats.answer(form, m) for m in CHAT if m["role"] == "assistant"]
    said = tokenizer.decode([label for label in labels if label != NO_LOSS])
    assert said == "".join(f"{answer}</s>" for answer in answers)
    text = tokenizer.decode(ids)
    assert (TAGGED in text) != takes and ('<s>tool: {"error": "a"}</s>' in text) == takes
    expected = learned.prompt(spoken[:-1], tools)
    tokenizer.chat_template = served(form, learned, catalogue)
    plain: list[dict[str, Any]] = [{"tool_calls": None, **m} for m in CHAT[:-1]]
    given = {"tools": catalogue.tools, "tokenize": False, "add_generation_prompt": True}
    assert tokenizer.apply_chat_template(plain, **given) == expected


def test_results_are_one_message_with_what_the_user_says_next() -> None:
    spoken = [{"role": m["role"], "content": m["content"]} for m in CHAT]
    assert [m["role"] for m in with_responses(spoken)] == ["user", "assistant", "user", "assistant"]
    assert with_responses(spoken[:2]) == spoken[:2]
    alone = with_responses([*spoken[:3], spoken[5]])
    assert alone[2] == {
        "role": "user",
        "content": '<tool_response>\n{"error": "a"}\n</tool_response>',
    }


def test_native_leaves_results_to_the_template(tmp_path: Path) -> None:
    form, tokenizer = formats.FORMATS["native"], student(tmp_path)
    tokenizer.chat_template = (
        "{{ tools | tojson }}{% for m in messages %}<s>{{ m.role }}: {{ m.content }}"
        "{% if m.tool_calls %}{{ m.tool_calls | tojson }}{% endif %}</s>{% endfor %}"
        "{% if add_generation_prompt %}<s>assistant: {% endif %}"
    )
    learned, catalogue = chat_template.read(tokenizer), pack.load(str(TRAVEL)).catalogue
    spoken, tools = formats.conversation(form, CHAT, catalogue.tools)
    assert spoken[2]["tool_call_id"] == CALLS["tool_calls"][0]["id"]
    ids, labels = encode(learned, "s", spoken, tools)
    assert '<s>tool: {"error": "a"}</s>' in tokenizer.decode(ids)
    assert tokenizer.decode([n for n in labels if n != NO_LOSS]).count("show_trips") == 3
    tokenizer.chat_template = tokenizer.chat_template.replace(
        "{{ m.content }}", "{{ m.content | tojson if m.role == 'tool' else m.content }}"
    )
    assert encode(chat_template.read(tokenizer), "s", spoken, tools)[0]
