"""Every reader on 440 damaged inputs: it takes them or says in one InputError what is wrong; never
a traceback, never more than a minute, never more than 2 GiB.

What is given begins as a good file; a few random edits put strange values, bytes and shapes in it.
The same inputs each time.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

from stages.core import golden_rows, prompts, settings
from stages.core import pack as packs
from stages.core.command import InputError
from stages.core.pack import Pack
from stages.core.tables import Items
from stages.engines import server, session
from stages.engines.adapter import check_adapter
from stages.formats import pythonic
from stages.ingest import sources
from stages.ingest.assets import own_columns
from tests import fakes
from tests.conftest import PACK, ROOT
from tests.test_engines import asks, options

SECONDS, MIB = 60, 2048
# What stands in the place of a value, or anywhere.
ODD = [
    "NaN", ".inf", "-1", "0", "1e999", "9" * 5_000, "18446744073709551616", "null", "true", "[]",
    "{}", "''", '"', "'", "[" * 3_000, "{" * 3_000, "- " * 2_000, "&a [*a, *a]", "*unknown",
    "<<: *a",
    "!!python/object/apply:os.system ['true']", "!!binary '=='", "%TAG ! tag:x,2000:", "---\n---",
    "\ufeff", "\u202e", "\u0000", "\u2028", "\ud83d", "é" * 10_000, "a.b." * 2_000, "{{ x.y.z }}",
    "{{ 1 / 0 }}", "{% for i in range(10**9) %}{% endfor %}", "{{ 'a' * 10**9 }}", "{% raw %}",
    "{{ ''.__class__ }}", "{% include 'x' %}", "{#", "\t", "\r", "../../etc/passwd", "http://[::1",
    "C" * 100_000, "\\", "\\ud83d", "; DROP TABLE x", "COPY x TO 'y'", "range(1000000000000)",
    "repeat('a', 4000000000)", "/*", "--", "SELECT 1; SELECT 2", "ignore_errors = true",
]  # fmt: skip


def damaged(text: str, rng: random.Random) -> bytes:
    """A good text with one to four edits, as the bytes of a file."""
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(text) + 1)
        end = min(len(text), at + rng.choice((0, 1, 5, 30, 300)))
        kind = rng.randrange(6)
        if kind == 0:  # a piece gone
            text = text[:at] + text[end:]
        elif kind == 1:  # a piece again
            text = text[:at] + text[at:end] * rng.choice((2, 50)) + text[end:]
        elif kind == 2:  # something odd put in
            text = text[:at] + rng.choice(ODD) + text[at:]
        elif kind == 3:  # cut off
            text = text[: max(at, 1)]
        else:  # a value exchanged: what follows a colon, an equals sign or a comma
            marks = [i for i, c in enumerate(text) if c in ":=,"]
            if marks:
                at = rng.choice(marks) + 1
                end = min((text + "\n").index("\n", at), at + 40)
                text = f"{text[:at]} {rng.choice(ODD)}{text[end:]}"
    raw = text.encode("utf-8", "surrogatepass")
    if rng.random() < 0.1:  # no UTF-8
        at = rng.randrange(len(raw) + 1)
        raw = raw[:at] + bytes([rng.randrange(128, 256)]) + raw[at:]
    return raw


def attack(read: Callable[[bytes], object], good: str, times: int, seed: int) -> None:
    """`read` on `times` damaged forms of `good`, after the good one itself."""
    read(good.encode())
    rng = random.Random(seed)
    refused = 0
    for number in range(times):
        raw = damaged(good, rng)
        began = time.monotonic()
        try:
            read(raw)
        except InputError as error:
            refused += 1
            assert str(error).strip() and len(str(error)) < 20_000
        except Exception as error:
            raise AssertionError(
                f"input {number}: {type(error).__name__}: {raw[:500]!r}"
            ) from error
        assert time.monotonic() - began < SECONDS, (number, raw[:500])
    assert refused > times // 10  # the edits do harm
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    grown = peak - attack.before  # type: ignore[attr-defined]
    assert grown < MIB, f"{grown:.0f} MiB more"


@pytest.fixture(autouse=True)
def _memory() -> None:
    # Other tests of this process may have needed more.
    attack.before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # type: ignore[attr-defined]


def test_params(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"

    def read(raw: bytes) -> None:
        file.write_bytes(raw)
        settings.load(file)

    attack(read, (ROOT / "params.yaml").read_text("utf-8"), 60, 1)


@pytest.mark.parametrize(
    "name", ["pack.yaml", "catalogue.json", "population.yaml", "vocabularies/en.yaml"]
)
def test_pack(tmp_path: Path, name: str) -> None:
    shutil.copytree(PACK, tmp_path / "pack")

    def read(raw: bytes) -> None:
        (tmp_path / "pack" / name).write_bytes(raw)
        packs.load(tmp_path / "pack")

    attack(read, (PACK / name).read_text("utf-8"), 40, 2)


@pytest.mark.parametrize(
    "name", ["heuristic/generate_kind_late.j2", "text/search_any_style_short.j2"]
)
def test_templates(
    tmp_path: Path, filled: Pack, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    templates, folder = ROOT / "prompts" / "creative", tmp_path / "own"
    (folder / name).parent.mkdir(parents=True)
    shutil.copy(templates / "lexicon.yaml", folder)
    monkeypatch.setattr(packs, "PROMPTS", tmp_path)
    own = replace(filled, name="own")

    def read(raw: bytes) -> None:
        (folder / name).write_bytes(raw)
        prompts.load(own)

    attack(read, (templates / name).read_text("utf-8"), 30, 4)


def test_golden_queries(tmp_path: Path, creative: Pack) -> None:
    lines = (PACK / "golden.jsonl").read_text("utf-8").splitlines()[:8]
    for suffix, times in ((".jsonl", 50), (".csv", 20)):
        file = tmp_path / f"golden{suffix}"

        def read(raw: bytes, file: Path = file) -> None:
            file.write_bytes(raw)
            golden_rows.read(file, creative.catalogue)

        text = "\n".join(lines)
        if suffix == ".csv":
            rows = [json.loads(line) for line in lines]
            text = "\n".join(
                [",".join(rows[0])] + [",".join(json.dumps(v) for v in r.values()) for r in rows]
            )
        attack(read, text, times, 5)


@pytest.mark.slow
def test_sql(tmp_path: Path) -> None:
    folder = tmp_path / "assets"
    folder.mkdir()
    rows = "\n".join(f"{n},barn {n},1.5" for n in range(20))
    (folder / "photos.csv").write_text(f"id,title,ratio\n{rows}\n")
    good = (
        "SELECT 'a' || id AS asset_id, 'Photo' AS content_type, title,\n"
        "    NULL::VARCHAR AS work_title, ['barn'] AS keywords, ['farm'] AS topics,\n"
        "    'en' AS locale, false AS ai_generated, TRY_CAST(ratio AS DOUBLE) AS aspect_ratio,\n"
        "    NULL::DOUBLE AS click_through_rate, NULL::VARCHAR AS image_path\n"
        "FROM read_csv(getvariable('pack') || '/assets/photos.csv', header = true,\n"
        "    all_varchar = true, delim = ',', quote = '\"', escape = '\"', comment = '',\n"
        "    skip = 0)\n"
    )
    sql = folder / "photos.sql"

    def read(raw: bytes) -> None:
        sql.write_bytes(raw)
        # A database of its own each time: one that was stopped stays so.
        with sources.Database(tmp_path, max_seconds=5, max_memory_gib=0.5) as database:
            for frame in database.batches(sql):
                known = own_columns(frame, "assets/photos.sql")
                sources.sort_rows(known, Items, "photos.sql", is_typed=True)

    before = (folder / "photos.csv").read_bytes()
    attack(read, good, 60, 6)
    assert sorted(p.name for p in folder.iterdir()) == ["photos.csv", "photos.sql"]
    assert (folder / "photos.csv").read_bytes() == before


def test_answers_of_models(creative: Pack) -> None:
    """The text of an answer: calls, or why it has none."""

    def read(raw: bytes) -> None:
        text = raw.decode("utf-8", "surrogateescape")
        found = pythonic.parse(text, creative.catalogue)
        if not found.calls:
            raise InputError(found.error or "words")

    attack(read, '[Search(content_type="Photo", extracted_prompt="old barn, at dawn")]', 60, 7)


def test_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The body of a server's reply."""
    monkeypatch.setattr(session, "PAUSE", 0.01)
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    body = b""

    def reply(handler: Any, _: dict[str, Any]) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        return True

    good = json.dumps(
        {"id": "x", "object": "chat.completion", "created": 0, "model": "fake",
         "choices": [{"index": 0, "message": {"role": "assistant", "content": " old barn"},
                      "finish_reason": "stop"}]}
    )  # fmt: skip
    with fakes.running() as fake:
        fake.behave = reply

        def read(raw: bytes) -> None:
            nonlocal body
            body = raw
            with server.serving(options(fake.address, retries=0, timeout=5)) as complete:
                (answer,) = complete(asks(1))
            if not isinstance(answer, str):
                raise InputError(answer.reason)

        attack(read, good, 40, 8)


def test_adapters(tmp_path: Path) -> None:
    """adapter_config.json, and a header of weights that lies."""
    base, adapter = tmp_path / "base", tmp_path / "adapter"
    config = LlamaConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, vocab_size=32,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(base)
    adapter.mkdir()
    module = "base_model.model.model.layers.0.self_attn.q_proj"
    save_file(
        {
            f"{module}.lora_A.weight": torch.zeros(2, 16),
            f"{module}.lora_B.weight": torch.zeros(16, 2),
        },
        adapter / "adapter_model.safetensors",
    )
    good = json.dumps(
        {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 2, "lora_alpha": 4, "bias": "none",
         "target_modules": ["q_proj"], "base_model_name_or_path": "base", "lora_dropout": 0.0,
         "fan_in_fan_out": False, "use_dora": False, "rank_pattern": {}, "alpha_pattern": {}}
    )  # fmt: skip

    def read_config(raw: bytes) -> None:
        (adapter / "adapter_config.json").write_bytes(raw)
        check_adapter(adapter, str(base))

    attack(read_config, good, 30, 9)
    (adapter / "adapter_config.json").write_text(good)
    weights = (adapter / "adapter_model.safetensors").read_bytes()

    def read_weights(raw: bytes) -> None:
        (adapter / "adapter_model.safetensors").write_bytes(raw)
        check_adapter(adapter, str(base))

    def in_latin_1(raw: bytes) -> None:
        read_weights(raw.decode("utf-8", "replace").encode("latin-1", "replace"))

    attack(in_latin_1, weights.decode("latin-1"), 10, 10)
