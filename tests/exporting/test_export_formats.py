"""Exports: nothing is lost, and the rows have the shapes that are documented."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter

from stages import export, exporting
from stages.core import files
from stages.core.conversation import Call, assistant, calls_of, user
from stages.core.tables import Dialogues
from stages.exporting.sample import Sample, Unheld, sample
from tests.builders import make_call, make_messages, make_plan, make_tools
from tests.exporting.reading import CALLS

FORMATS = list(exporting.FORMATS)
# Numbers that every reader of JSON has, texts with all that has to be escaped.
TEXTS = st.text(min_size=1, max_size=12) | st.sampled_from(
    ["</tool_call>", "<tool_call>", '"', "'", "\\", "größe", "東京", "a\nb", "</tools>", "{}"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
ARGUMENTS = st.dictionaries(st.from_regex(r"[a-z]{1,6}", fullmatch=True), JSON, max_size=3)
MADE = st.lists(
    st.builds(Call, st.sampled_from(["book_hotel", "order_taxi"]), ARGUMENTS),
    min_size=1, max_size=3,
)  # fmt: skip


def calls_in(row_sample: Sample) -> list[Call]:
    return [call for message in row_sample.messages for call in calls_of(message)]


def exact(calls: list[Call]) -> str:
    """The calls so that 1, 1.0 and true differ."""
    return json.dumps([[call.name, call.arguments] for call in calls], sort_keys=True)


def texts(value: Any) -> list[str]:
    """All texts in a JSON value, keys left out."""
    values = list(value.values()) if isinstance(value, dict) else value
    if isinstance(values, str):
        return [values]
    return [text for one in values for text in texts(one)] if isinstance(values, list) else []


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=60)
@given(calls=MADE, words=TEXTS, today=st.sampled_from([None, "2026-11-27"]))
def test_calls_come_back_as_they_were(
    name: str, calls: list[Call], words: str, today: str | None
) -> None:
    row_sample = sample("0a", [user(words), assistant(calls)], make_tools(), today)
    row = exporting.FORMATS[name].row(row_sample, 7)
    decoded = json.loads(json.dumps(row, ensure_ascii=False))
    assert exact(CALLS[name](decoded)) == exact(calls)
    assert any(words in text for text in texts(decoded))


@settings(max_examples=25)
@given(calls=MADE)
def test_parquet_holds_every_value_as_it_is(
    tmp_path_factory: pytest.TempPathFactory, calls: list[Call]
) -> None:
    folder = tmp_path_factory.mktemp("parquet")
    row_sample = sample("0a", [user("x"), assistant(calls)], make_tools(), None)
    form = exporting.FORMATS["trl"]
    form.write(folder, "train", [form.row(row_sample, 0)])
    (row,) = pq.read_table(folder / "train.parquet").to_pylist()
    assert [json.loads(one) for one in row["messages"]] == row_sample.messages
    assert [json.loads(one) for one in row["tools"]] == row_sample.tools


# --- a dataset of the kinds of rows there are


TAXI = make_call("order_taxi", from_={"street": "Größe 1"}, budget=12.5)
HOTEL = make_call(city="paris", check_in="2026-06-02", nights=3, amenities=["pool", "gym"])
ROWS = [
    ("book a hotel", make_messages("book a hotel", make_plan(HOTEL)), None),
    ("a taxi and a hotel", make_messages("a taxi and a hotel", make_plan(TAXI, HOTEL)), None),
    ("tomorrow", make_messages("tomorrow", make_plan()), "2026-06-01"),
    ("hello", [user("hello"), assistant("Hello.")], None),
    ("where?", [user("where?"), assistant("Which city?")], None),
]


def table(rows: list[tuple[str, list[dict[str, Any]], str | None]]) -> pl.DataFrame:
    """Rows of Dialogues."""
    tools = json.dumps(make_tools())
    lines: list[dict[str, Any]] = [
        {
            "sample_id": f"{number:016x}", "messages": json.dumps(messages, ensure_ascii=False),
            "tools": tools, "today": today, "tool_set": "tools-0000", "scenario": "single",
            "function": "", "locale": "en", "stratum": "{}", "route": "heuristic",
            "template_id": "t", "plan_id": f"p{number}", "asset_ids": [], "node_ids": [],
            "image_path": None, "model": "m", "prompt_hash": "", "seed": 0,
        }
        for number, (_, messages, today) in enumerate(rows)
    ]  # fmt: skip
    return pl.DataFrame(lines, schema=Dialogues.schema())


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with data/dataset, which is the current one."""
    monkeypatch.chdir(tmp_path)
    files.write_table("data/dataset/train.parquet", table(ROWS), Dialogues)
    files.write_table("data/dataset/validation.parquet", table(ROWS[:1]), Dialogues)
    return tmp_path


def rows_of(name: str, split: str) -> list[dict[str, Any]]:
    """The rows of an export in data/export."""
    folder = Path("data/export") / name
    if name == "trl":
        read = pq.read_table(folder / f"{split}.parquet").to_pylist()
        return [{key: [json.loads(one) for one in row[key]] for key in ("messages", "tools")}
                for row in read]  # fmt: skip
    if name == "openai":
        return files.read_jsonl(folder / f"{split}.jsonl")
    if name == "bfcl":
        answers = {one["id"]: one for file in (folder / split).glob("possible_answer/*.json")
                   for one in files.read_jsonl(file)}  # fmt: skip
        return [
            {"question": one, **({"answer": answers[one["id"]]} if one["id"] in answers else {})}
            for file in sorted((folder / split).glob("*.json"))
            for one in files.read_jsonl(file)
        ]
    rows: list[dict[str, Any]] = files.read_json(folder / f"{split}.json")
    return rows


@pytest.mark.parametrize("name", FORMATS)
def test_every_row_is_there_or_counted(
    name: str, dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export.main([name])
    output = capsys.readouterr().out
    rows = rows_of(name, "train")
    without = [messages for _, messages, _ in ROWS if not calls_of(messages[-1])]
    wanted = [exact(calls_of(messages[-1])) for _, messages, _ in ROWS]
    if name == "xlam":
        wanted = [one for one in wanted if one != "[]"]
        assert f"left out: {len(without)} rows without a call" in output
    else:
        assert "left out" not in output
    assert Counter(exact(CALLS[name](row)) for row in rows) == Counter(wanted)
    assert f"{name}: {len(wanted)} train rows and 1 validation rows" in output
    assert len(rows_of(name, "validation")) == 1
    assert "Today is 2026-06-01" in json.dumps(rows)
    export.main([name])
    assert rows_of(name, "train") == rows


def test_an_export_may_lie_elsewhere(dataset: Path) -> None:
    export.main(["openai", "--out", "there"])
    assert (dataset / "there" / "train.jsonl").is_file() and not Path("data/export").exists()


# --- the documented shapes


def test_openai_takes_the_rows(dataset: Path) -> None:
    """By the types of its own package; the keys are those of a fine-tuning file."""
    from openai.types.chat import ChatCompletionFunctionToolParam, ChatCompletionMessageParam

    export.main(["openai"])
    messages = TypeAdapter(ChatCompletionMessageParam)
    tools = TypeAdapter(list[ChatCompletionFunctionToolParam])
    for row in rows_of("openai", "train"):
        assert row.keys() == {"messages", "tools", "parallel_tool_calls"}
        for message in row["messages"]:
            validated = messages.validate_python(message)
            assert validated["role"] == message["role"]
            for call in message.get("tool_calls", ()):
                assert call["id"] and isinstance(call["function"]["arguments"], str)
        tools.validate_python(row["tools"])
        assert row["messages"][-1]["role"] == "assistant"


TURN = {"type": "object", "required": ["from", "value"], "additionalProperties": False}
SHAREGPT = {
    "type": "object",
    "required": ["conversations", "system", "tools"],
    "additionalProperties": False,
    "properties": {
        "conversations": {
            "type": "array",
            "minItems": 2,
            "items": TURN | {"properties": {
                "from": {"enum": ["human", "gpt", "function_call", "observation"]},
                "value": {"type": "string"},
            }},
        },
        "system": {"type": "string"},
        "tools": {"type": "string"},
    },
}  # fmt: skip


def test_llama_factory_takes_the_rows(dataset: Path) -> None:
    """By data/README.md: who speaks in which place; dataset_info.json names file and columns."""
    export.main(["sharegpt"])
    for row in rows_of("sharegpt", "train"):
        Draft202012Validator(SHAREGPT).validate(row)
        for number, turn in enumerate(row["conversations"]):
            asks = turn["from"] in ("human", "observation")
            assert asks == (number % 2 == 0)
        for tool in json.loads(row["tools"]):
            assert tool["description"] is not None and "properties" in tool["parameters"]
    entries = files.read_json("data/export/sharegpt/dataset_info.json")
    for entry in entries.values():
        rows = files.read_json(Path("data/export/sharegpt") / entry["file_name"])
        assert entry["formatting"] == "sharegpt"
        assert set(entry["columns"].values()) == rows[0].keys()


HERMES = {
    "type": "object",
    "required": ["id", "conversations", "tools"],
    "properties": {
        "conversations": {
            "type": "array",
            "prefixItems": [{"properties": {"from": {"const": "system"}}},
                            {"properties": {"from": {"const": "human"}}}],
            "items": TURN | {"properties": {"from": {"enum": ["system", "human", "gpt", "tool"]},
                                            "value": {"type": "string"}}},
        },
        "tools": {"type": "string"},
    },
}  # fmt: skip


def test_hermes_rows_show_their_tools(dataset: Path) -> None:
    export.main(["hermes"])
    for row in rows_of("hermes", "train"):
        Draft202012Validator(HERMES).validate(row)
        shown = re.search("<tools>(.*?)</tools>", row["conversations"][0]["value"], re.DOTALL)
        assert shown and json.loads(shown[1]) == json.loads(row["tools"]) == make_tools()


def test_tags_in_a_description_do_not_end_the_tools() -> None:
    function = {"name": "f", "description": "not </tools> nor <tools> nor {a}",
                "parameters": {"type": "object", "properties": {}}}  # fmt: skip
    tools = [{"type": "function", "function": function}]
    row = exporting.FORMATS["hermes"].row(Sample("0a", [user("a"), assistant("b")], tools), 0)
    (shown,) = re.findall("<tools>(.*?)</tools>", row["conversations"][0]["value"], re.DOTALL)
    assert json.loads(shown) == tools


def test_xlam_parameters_are_flat(dataset: Path) -> None:
    export.main(["xlam"])
    for row in rows_of("xlam", "train"):
        assert list(row) == ["id", "query", "answers", "tools"]
        hotel, taxi, trips = json.loads(row["tools"])
        assert hotel["parameters"]["city"] == {"type": "str", "description": "City of the hotel."}
        assert hotel["parameters"]["room"]["type"] == "str, optional"
        assert hotel["parameters"]["room"]["enum"] == ["single", "double", "suite"]
        assert hotel["parameters"]["amenities"]["type"] == "List[str], optional"
        assert taxi["parameters"]["passengers"]["default"] == 1
        assert taxi["parameters"]["from"]["type"] == "dict" and trips["parameters"] == {}


def test_bfcl_has_a_file_a_category(dataset: Path) -> None:
    """The keys that bfcl_eval reads; irrelevance has no answers."""
    export.main(["bfcl"])
    folder = Path("data/export/bfcl/train")
    names = {file.name for file in folder.glob("*.json")}
    assert names == {f"BFCL_v4_{one}.json" for one in ("multiple", "parallel_multiple",
                                                       "irrelevance")}  # fmt: skip
    answered = {file.name for file in (folder / "possible_answer").iterdir()}
    assert answered == names - {"BFCL_v4_irrelevance.json"}
    for row in rows_of("bfcl", "train"):
        question = row["question"]
        assert list(question) == ["id", "question", "function"]
        assert question["question"][0][-1]["role"] == "user"
        for function in question["function"]:
            schema = function["parameters"]
            assert schema["type"] == "dict" and "required" in schema
            for one in schema["properties"].values():
                assert one["type"] in {"string", "integer", "float", "boolean", "array", "dict"}
    (parallel,) = files.read_jsonl(folder / "possible_answer" / "BFCL_v4_parallel_multiple.json")
    assert parallel["ground_truth"][0] == {
        "order_taxi": {"from": [{"street": ["Größe 1"]}], "budget": [12.5]}
    }
    files.write_table("data/dataset/train.parquet", table(ROWS[:1]), Dialogues)
    export.main(["bfcl"])  # what it no longer has is gone
    assert [file.name for file in folder.glob("*.json")] == ["BFCL_v4_multiple.json"]


def several(*messages: dict[str, Any]) -> Sample:
    return sample("0a", list(messages), make_tools(), None)


RESULT = {"role": "tool", "tool_call_id": "call_0", "content": '{"ok": true}'}
CHAIN = (user("a"), assistant([Call("show_trips", {})]), RESULT, assistant("Done."))


@pytest.mark.parametrize("name", ["trl", "openai", "hermes", "sharegpt"])
def test_several_turns_are_held(name: str) -> None:
    row = exporting.FORMATS[name].row(several(*CHAIN), 0)
    assert CALLS[name](row) == [Call("show_trips", {})]
    text = json.dumps(row)
    assert json.dumps(RESULT["content"])[1:-1] in text and "Done." in text


EMPTY = several(user("a"), assistant([Call("order_taxi", {"from": {"street": ""}})]))
DOTTED = Sample("0a", [user("a"), assistant("b")], [{"type": "function", "function": {
    "name": "a.b", "parameters": {"type": "object", "properties": {}}}}])  # fmt: skip
SPOKEN = several(user("a"), {**assistant([Call("show_trips", {})]), "content": "Wait."})


@pytest.mark.parametrize(
    ("name", "row_sample", "reason"),
    [
        ("xlam", several(*CHAIN), "several turns"),
        ("bfcl", several(*CHAIN), "several turns"),
        ("bfcl", EMPTY, "empty text"),
        ("openai", DOTTED, "a dot"),
        ("sharegpt", SPOKEN, "words beside calls"),
        ("xlam", SPOKEN, "words beside calls"),
        ("sharegpt", several(user("a"), user("b")), "alternate"),
    ],
)
def test_what_a_format_cannot_hold_is_said(name: str, row_sample: Sample, reason: str) -> None:
    with pytest.raises(Unheld, match=reason):
        exporting.FORMATS[name].row(row_sample, 0)
