"""The export for TRL, read by `datasets` and taken by TRL's own trainer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stages import exporting
from stages.core.conversation import Call, assistant, calls_of, user
from stages.exporting.sample import Sample, sample
from tests.builders import make_tools

TEMPLATE = (
    "{% for t in tools %}{{ t | tojson }}\n{% endfor %}{% for m in messages %}<s>{{ m.role }}: "
    "{{ m.content }}{% for c in m.tool_calls or [] %}{{ c.function.name }}"
    "{{ c.function.arguments | tojson }}{% endfor %}\n{% endfor %}"
)
# Objects of other keys in each row, which a column of one type would fill up with nulls.
CALLS: list[list[Call]] = [
    [Call("book_hotel", {"city": "größe \"x\"", "nights": 3, "breakfast": True})],
    [Call("order_taxi", {"from": {"street": "a'b"}, "budget": 12.5}), Call("show_trips", {})],
    [],
]  # fmt: skip


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return [
        sample(f"{n:02x}", [user("a"), assistant(calls or "No.")], make_tools(), "2026-11-27")
        for n, calls in enumerate(CALLS)
    ]


@pytest.fixture(scope="module")
def loaded(samples: list[Sample], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The rows as `datasets` reads them."""
    from datasets import load_dataset

    folder = tmp_path_factory.mktemp("trl")
    form = exporting.FORMATS["trl"]
    form.write(folder, "train", (form.row(row_sample, n) for n, row_sample in enumerate(samples)))
    files = {"train": str(folder / "train.parquet")}
    return load_dataset("parquet", data_files=files, split="train", cache_dir=str(folder))


def test_datasets_reads_the_rows_without_loss(samples: list[Sample], loaded: Any) -> None:
    assert len(loaded) == len(samples)
    for row, row_sample in zip(loaded, samples, strict=True):
        assert row["messages"] == row_sample.messages and row["tools"] == row_sample.tools


@pytest.mark.slow
def test_the_trainer_takes_the_rows(samples: list[Sample], loaded: Any, tmp_path: Path) -> None:
    """A step; what it tokenized holds each call as it is, and the tools."""
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    from tests.test_evaluate import tiny_llama

    base = tiny_llama(tmp_path / "base")
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(base)
    config = SFTConfig(
        output_dir=str(tmp_path / "out"), max_steps=1, per_device_train_batch_size=3,
        max_length=None, report_to="none", use_cpu=True, bf16=False, save_strategy="no",
        disable_tqdm=True,
    )  # fmt: skip
    trainer = SFTTrainer(str(base), args=config, train_dataset=loaded)
    trainer.train()
    assert trainer.state.global_step == 1
    for row, row_sample in zip(trainer.train_dataset, samples, strict=True):
        text = tokenizer.decode(row["input_ids"])
        for call in calls_of(row_sample.messages[-1]):
            assert f"{call.name}{json.dumps(call.arguments, ensure_ascii=False)}" in text
        assert "Today is 2026-11-27." in text and "order_taxi" in text
