"""The chat template for servers writes the prompt that training has."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import textwrap
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from stages import formats, serve
from stages.core import catalogue, pack
from stages.core.conversation import Call, assistant, user
from stages.formats import chat_template
from stages.formats.grammar import grammar
from stages.formats.serving import chat_template as served
from tests.builders import TRAVEL
from tests.conftest import ROOT, params, start
from tests.test_engines import free_port
from tests.test_evaluate import MODULES, tiny_llama

# The client that the command's help shows, and what it asks.
CLIENT = textwrap.dedent(str(serve.__doc__).partition("A client:\n")[2].partition("Not a stage")[0])
DEFAULT_PACK, QUERY = "data/domains/creative", "photos of a calm sea at night"
ODD = [
    {
        "type": "function",
        "function": {
            "name": "mail.send-now",
            "description": "Send a mail.",
            "parameters": {
                "type": "object",
                "properties": {
                    "from": {"type": "string"},
                    "copies": {"type": "array", "items": {"type": "string"}},
                    "urgent": {"type": "boolean", "default": False},
                    "weight": {"type": "number"},
                    "more": {"type": "object", "properties": {"from": {"type": "string"}}},
                },
                "required": ["from"],
            },
        },
    }
]


def student(folder: Path) -> Any:
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama(folder))
    tokenizer.chat_template = (
        "{% for m in messages %}<s>{{ m.role }}: {{ m.content }}</s>{% endfor %}"
        "{% if add_generation_prompt %}<s>assistant: {% endif %}"
    )
    return tokenizer


@pytest.mark.parametrize("name", ["pythonic", "hermes"])
@pytest.mark.parametrize("which", ["travel", "odd"])
def test_it_writes_the_prompt_of_training(tmp_path: Path, name: str, which: str) -> None:
    form, tokenizer = formats.FORMATS[name], student(tmp_path)
    given = pack.load(str(TRAVEL)).catalogue if which == "travel" else catalogue.from_tools(ODD)
    learned = chat_template.read(tokenizer)
    call = Call(given.functions[0].name, {next(iter(given.functions[0].properties)): 'ab "c" ü'})
    if which == "odd":
        call = Call("mail.send-now", {"from": "a", "copies": ["x"], "urgent": True, "weight": 1.5,
                                      "more": {"from": None}})  # fmt: skip
    chat = [user("first"), assistant([call]), user("and then?")]
    messages, tools = formats.conversation(form, chat, given.tools, "2026-06-01")
    expected = learned.prompt(messages, tools)
    tokenizer.chat_template = served(form, learned, given, with_today=True)
    plain = [
        {"role": m["role"], "content": m["content"], "tool_calls": m.get("tool_calls")}
        for m in chat
    ]
    text = tokenizer.apply_chat_template(
        plain, tools=given.tools, tokenize=False, add_generation_prompt=True,
        today="Monday, 2026-06-01",
    )  # fmt: skip
    assert text == expected
    today = tokenizer.apply_chat_template(plain, tools=given.tools, tokenize=False)
    assert "Today is " in today and "2026-06-01" not in today
    without = tokenizer.apply_chat_template(plain[:1], tokenize=False)
    assert json.dumps("Call functions")[1:-1] not in without


def test_native_has_its_own(tmp_path: Path) -> None:
    learned = chat_template.read(student(tmp_path))
    with pytest.raises(ValueError, match="native"):
        served(formats.FORMATS["native"], learned, catalogue.from_tools(ODD))


def memorized(base: Path, prompt: str, answer: str, folder: Path) -> Path:
    """A LoRA adapter with which the tiny student answers everything by `answer`."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(base)
    torch.manual_seed(0)
    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32),
        LoraConfig(r=16, lora_alpha=32, target_modules=MODULES, task_type="CAUSAL_LM"),
    )
    before = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    after = tokenizer(f"{answer}</s>", add_special_tokens=False)["input_ids"]
    ids = torch.tensor([before + after])
    labels = torch.tensor([[-100] * len(before) + after])
    optimizer = torch.optim.Adam((p for p in model.parameters() if p.requires_grad), lr=0.02)
    for _ in range(400):
        loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if loss.item() < 0.01:
            break
    model.save_pretrained(folder)
    return folder


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """`python -m stages.serve` in a folder; its address once it says that it is ready."""
    port = free_port()
    process = start(folder, "stages.serve", "--port", str(port), VLLM_CPU_OMP_THREADS_BIND="0-1")
    try:
        assert process.stdout is not None
        while "serving models/adapter" not in (line := process.stdout.readline()):
            assert line, process.communicate()[1][-4000:]
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT
    assert not list((folder / "data" / ".work").glob("merged-*"))


@pytest.mark.slow
def test_the_command_serves_tool_calls_to_the_client_that_its_help_shows(tmp_path: Path) -> None:
    """vLLM's OpenAI server with our template, the adapter and its parser `pythonic`."""
    form, given = formats.FORMATS["pythonic"], pack.load(str(TRAVEL)).catalogue
    base = tmp_path / "models" / "base" / "student"
    base.parent.mkdir(parents=True)
    tokenizer = student(base)
    tokenizer.save_pretrained(base)
    learned = chat_template.read(tokenizer)
    call = Call(given.functions[0].name, {next(iter(given.functions[0].properties)): "Old Mill"})
    answer = form.render([call])
    chat = [user("a room at the Old Mill")]
    messages, _ = formats.conversation(form, chat, given.tools, None)
    adapter = tmp_path / "models" / "adapter"
    memorized(base, learned.prompt(messages), answer, adapter)
    (adapter / "chat_template.jinja").write_text(served(form, learned, given))
    shutil.copy(ROOT / "params.yaml", tmp_path)
    params(tmp_path, lambda v: v["engine"].update(max_model_len=4096, max_num_seqs=16))
    asked = {"model": "tuned", "messages": [dict(chat[0])], "tools": given.tools,
             "max_tokens": len(answer) + 8}  # fmt: skip
    with serving(tmp_path) as address:
        whole = json.loads(posted(address, asked))["choices"][0]
        lines = posted(address, asked | {"stream": True}).splitlines()
        others = grammar(form.name, given.functions[1:])
        bound = posted(address, asked | {"structured_outputs": {"grammar": others}})
        client = CLIENT.replace("http://127.0.0.1:8000/v1", address)
        client = client.replace(f"{DEFAULT_PACK}/catalogue.json", f"{TRAVEL}/catalogue.json")
        assert client.count(address) == client.count(str(TRAVEL)) == 1
        client = client.replace(QUERY, chat[0]["content"])
        told = subprocess.run([sys.executable, "-c", client], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    name, _, arguments = told.stdout.strip().partition(" ")
    assert (name, json.loads(arguments)) == (call.name, call.arguments)
    assert whole["finish_reason"] == "tool_calls", whole
    (made,) = whole["message"]["tool_calls"]
    assert made["function"]["name"] == call.name
    assert json.loads(made["function"]["arguments"]) == call.arguments
    message = json.loads(bound)["choices"][0]["message"]
    assert call.name not in json.dumps(message) and (message["content"] or message["tool_calls"])
    name, arguments = "", ""
    for line in lines:
        part = line.removeprefix("data: ")
        if part and part != "[DONE]":
            for one in json.loads(part)["choices"][0]["delta"].get("tool_calls") or ():
                name += one["function"].get("name") or ""
                arguments += one["function"].get("arguments") or ""
    assert (name, json.loads(arguments)) == (call.name, call.arguments)


def posted(address: str, body: dict[str, Any]) -> str:
    """What a server answers to a request for a chat completion."""
    request = urllib.request.Request(
        f"{address}/chat/completions", json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=120) as answer:
        return str(answer.read().decode())
