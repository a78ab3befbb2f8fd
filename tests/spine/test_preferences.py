"""Preferences of a whole small run: each wrong answer is refused by the real checks, and TRL reads
the rows.
"""

from __future__ import annotations

import datetime
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stages import export
from stages.checks import call as checks
from stages.core import catalogue as catalogues
from stages.core import files
from stages.core import pack as packs
from stages.core import plan as plans
from stages.core.command import InputError
from stages.core.conversation import Call, calls_of
from stages.core.pack import Pack
from stages.core.plan import Plan, PlannedCall
from stages.core.tables import Plans, ToolSets
from stages.dataset import masking
from stages.preferences import KINDS
from stages.spine.preferences import ACT, PROOFS
from tests.builders import TRAVEL, make_call
from tests.conftest import params
from tests.spine.runs import dataset, planned, write
from tests.test_evaluate import tiny_llama

ROWS, SHARE, SEED = 240, 0.5, 42
SCENARIOS = (
    "{single: 0.3, no_call: 0.1, missing_argument: 0.15, missing_function: 0.1, parallel: 0.25, "
    "parallel_multiple: 0.1}"
)
OUT = Path("data/export/preferences")
TEMPLATE = (
    "{% for t in tools %}{{ t | tojson }}\n{% endfor %}{% for m in messages %}<s>{{ m.role }}: "
    "{{ m.content }}{% for c in m.tool_calls or [] %}{{ c.function.name }}"
    "{{ c.function.arguments | tojson }}{% endfor %}\n{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant: {% endif %}"
)
Row = dict[str, Any]


def small(value: dict[str, Any]) -> None:
    value["seed"] = SEED
    value["route"].update(rows=ROWS, recipe="heuristic")
    value["validate"].update(masked_share=SHARE, validation_share=0.2)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the exported preferences of a dataset, half of its tool sets masked."""
    pack = tmp_path_factory.mktemp("pack") / "travel"
    shutil.copytree(TRAVEL, pack)
    population = pack / "population.yaml"
    text, count = re.subn("scenarios: {.*}", f"scenarios: {SCENARIOS}", population.read_text())
    assert count == 1
    population.write_text(text)
    with planned(tmp_path_factory.mktemp("preferences"), pack, small) as folder:
        write()
        export.main(["preferences"])
        yield folder


@pytest.fixture(scope="module")
def loaded(place: Path) -> Any:
    """The rows as `datasets` reads them, by split."""
    from datasets import load_dataset

    names = {split: str(place / OUT / f"{split}.parquet") for split in ("train", "validation")}
    return load_dataset("parquet", data_files=names, cache_dir=str(place / "cache"))


@pytest.fixture(scope="module")
def rows(loaded: Any) -> list[Row]:
    return [*loaded["train"], *loaded["validation"]]


@pytest.fixture(scope="module")
def pack(place: Path) -> Pack:
    return packs.load(place.name)


@pytest.fixture(scope="module")
def tools(place: Path) -> Mapping[str, list[dict[str, Any]]]:
    """The tools of each tool set, not masked."""
    table = files.read_table("data/routed/tool_sets.parquet", ToolSets)
    return {name: json.loads(text) for name, text in table.select("tool_set", "tools").rows()}


@pytest.fixture(scope="module")
def planned_of(place: Path) -> Mapping[str, tuple[Plan, datetime.date | None]]:
    """sample_id -> the plan of a sample, and its day."""
    table = files.read_table("data/routed/plans.parquet", Plans)
    made = {row["plan_id"]: plans.from_record(row) for row in table.to_dicts()}
    return {
        row["sample_id"]: (
            made[row["plan_id"]],
            datetime.date.fromisoformat(row["today"]) if row["today"] else None,
        )
        for row in dataset(place).to_dicts()
    }


def unmasked(row: Row, plan: Plan, tools: Mapping[str, list[dict[str, Any]]]) -> list[Call]:
    """The calls of the wrong answer by the names that the pack has."""
    calls = calls_of(row["rejected"][0])
    if row["tools"] == tools[plan.tool_set]:
        return calls
    masks = masking.names(tools[plan.tool_set], plan.tool_set, SEED)
    functions = {mask: name for name, mask in masks.functions.items()}
    made = []
    for call in calls:
        name = functions.get(call.name, call.name)
        own = {mask: parameter for parameter, mask in masks.parameters[name].items()}
        made.append(Call(name, {own.get(key, key): v for key, v in call.arguments.items()}))
    return made


def exact(calls: list[Call]) -> list[str]:
    return sorted(json.dumps([call.name, call.arguments], sort_keys=True) for call in calls)


def test_rows_are_those_of_the_dataset(place: Path, rows: list[Row]) -> None:
    table = {row["sample_id"]: row for row in dataset(place).to_dicts()}
    assert len(rows) > 0.85 * ROWS and len({row["sample_id"] for row in rows}) == len(rows)
    for row in rows:
        sample = table[row["sample_id"]]
        assert row["tools"] == json.loads(sample["tools"])
        said = [one for one in row["prompt"] if one["role"] != "system"]
        assert [*said, *row["chosen"]] == json.loads(sample["messages"])


def test_every_wrong_answer_is_a_valid_call_and_not_the_right_one(rows: list[Row]) -> None:
    for row in rows:
        shown = catalogues.from_tools(row["tools"])
        (chosen,), (rejected,) = row["chosen"], row["rejected"]
        wrong, right = calls_of(rejected), calls_of(chosen)
        assert wrong and rejected["content"] == ""
        assert exact(wrong) != exact(right)
        assert not [one for call in wrong for one in catalogues.problems(call, shown)], row
        assert bool(right) == (row["kind"] in KINDS["call"])


def test_the_checks_take_the_right_answer_and_refuse_the_wrong_one(
    rows: list[Row], pack: Pack, tools: Any, planned_of: Any
) -> None:
    """The plan of the wrong answer is made anew, from the exported call alone."""
    for row in rows:
        plan, today = planned_of[row["sample_id"]]
        query = row["prompt"][-1]["content"]
        context = checks.Context(pack, plan.locale, today)
        assert checks.verdict(query, plan, context) is None
        if row["check"] == ACT:
            assert plan.turn.act == "refuse"
            continue
        surfaces = {(call.function, one.slot, repr(one.value)): one.surface
                    for call in plan.calls for one in call.arguments}  # fmt: skip
        calls = []
        for call in unmasked(row, plan, tools):
            made = make_call(call.name, **call.arguments)
            said = [replace(one, surface=surfaces.get((call.name, one.slot, repr(one.value))))
                    for one in made.arguments]  # fmt: skip
            calls.append(PlannedCall(call.name, tuple(said)))
        changed = replace(plan, turns=(plans.Turn("call", tuple(calls)),))
        refusal = checks.verdict(query, changed, context)
        assert refusal is not None, row
        assert refusal.check == row["check"] and refusal.check in PROOFS, row


def test_masked_rows_are_masked_in_both_answers(
    rows: list[Row], pack: Pack, tools: Any, planned_of: Any
) -> None:
    masked = Counter[str]()
    for row in rows:
        plan, _ = planned_of[row["sample_id"]]
        is_masked = row["tools"] != tools[plan.tool_set]
        assert is_masked == (masking.is_masked(plan.tool_set, plan.turns, SHARE, SEED))
        names = [call.name for m in (*row["chosen"], *row["rejected"]) for call in calls_of(m)]
        assert all((name in pack.catalogue) != is_masked for name in names)
        masked[row["kind"]] += is_masked
    assert {kind for kind, n in masked.items() if n} >= {*KINDS["call"], *KINDS["refuse"]}


def test_every_kind_is_there_and_those_that_all_calls_can_have_alike(rows: list[Row]) -> None:
    kinds = Counter(row["kind"] for row in rows)
    assert kinds.keys() == {kind for made in KINDS.values() for kind in made}
    common = [kinds[name] for name in ("other_value", "argument_added", "argument_left_out")]
    assert max(common) - min(common) <= 4


def test_the_same_run_gives_the_same_bytes(place: Path) -> None:
    before = [(place / OUT / f"{split}.parquet").read_bytes() for split in ("train", "validation")]
    export.main(["preferences", "--out", "again"])
    again = [(place / f"again/{split}.parquet").read_bytes() for split in ("train", "validation")]
    assert again == before


def test_a_dataset_of_other_parameters_is_refused(place: Path) -> None:
    """Rows with masks, read as if there were none."""
    params(place, lambda value: value["validate"].update(masked_share=0.0))
    try:
        with pytest.raises(InputError, match=r"not what its plan gives now.*dvc repro"):
            export.main(["preferences", "--out", "other"])
    finally:
        params(place, lambda value: value["validate"].update(masked_share=SHARE))
    assert not Path("other/train.parquet").exists()


def test_trl_reads_the_rows(loaded: Any, tmp_path: Path) -> None:
    """As a conversational preference dataset with an explicit prompt."""
    from transformers import AutoTokenizer
    from trl import data_utils

    tokenizer = AutoTokenizer.from_pretrained(tiny_llama(tmp_path))
    tokenizer.chat_template = TEMPLATE
    for row in loaded["train"]:
        messages = {name: row[name] for name in ("prompt", "chosen", "rejected")}
        assert data_utils.is_conversational(row)
        assert data_utils.maybe_extract_prompt(messages) == messages
        texts = data_utils.apply_chat_template(messages, tokenizer, row["tools"])
        assert texts["prompt"].endswith("<s>assistant: ")
        assert row["tools"][0]["function"]["name"] in texts["prompt"]
        assert texts["chosen"] != texts["rejected"]
        for name in ("chosen", "rejected"):
            for call in calls_of(row[name][0]):
                written = f"{call.name}{json.dumps(call.arguments, ensure_ascii=False)}"
                assert written in texts[name]
    unpaired = data_utils.unpair_preference_dataset(
        loaded["validation"].select_columns(["prompt", "chosen", "rejected"])
    )
    assert len(unpaired) == 2 * len(loaded["validation"])


@pytest.mark.slow
def test_the_trainer_takes_the_rows(loaded: Any, tmp_path: Path) -> None:
    """A step of DPO."""
    from transformers import AutoTokenizer
    from trl import DPOConfig, DPOTrainer

    base = tiny_llama(tmp_path / "base")
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(base)
    config = DPOConfig(
        output_dir=str(tmp_path / "out"), max_steps=1, per_device_train_batch_size=2,
        max_length=None, report_to="none", use_cpu=True, bf16=False, save_strategy="no",
        disable_tqdm=True,
    )  # fmt: skip
    data = loaded["train"].select(range(8))
    trainer = DPOTrainer(str(base), args=config, train_dataset=data)
    trainer.train()
    assert trainer.state.global_step == 1
    for row, taken in zip(data, trainer.train_dataset, strict=True):
        text = tokenizer.decode(taken["rejected_ids"])
        for call in calls_of(row["rejected"][0]):
            assert f"{call.name}{json.dumps(call.arguments, ensure_ascii=False)}" in text
