"""BFCL: its rows as ours, its checker behind our parser, and the figures of judged answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from stages.core import files
from stages.core.command import InputError
from stages.core.conversation import Call, user
from stages.core.tables import BenchmarkAnswers
from stages.evaluation import bfcl, bfcl_checker, bfcl_scores
from stages.evaluation.bfcl import SINGLE_TURN, Questions, Row
from stages.evaluation.bfcl_checker import Judged, judged, not_asked
from stages.formats import FORMATS
from tests.conftest import ROOT

ROWS = {
    "simple_python": 400, "multiple": 200, "parallel": 200, "parallel_multiple": 200,
    "irrelevance": 240, "live_simple": 258, "live_multiple": 1053, "live_parallel": 16,
    "live_parallel_multiple": 24, "live_irrelevance": 884, "live_relevance": 16,
}  # fmt: skip
# Rows whose ground truth breaks their own schema: no answer is right.
WITHOUT_ANSWER = ["live_simple_106-63-0", "live_simple_112-68-0", "live_multiple_862-181-3",
                  "live_multiple_964-207-0"]  # fmt: skip
PYTHONIC = FORMATS["pythonic"]


@pytest.fixture(scope="module")
def questions() -> Questions:
    """All single turns of the package."""
    return bfcl.read(SINGLE_TURN)


def plain(value: Any) -> Any:
    """A value of the ground truth, in whose objects a list holds the accepted values."""
    if isinstance(value, dict):
        lists = {name: some if isinstance(some, list) else [some] for name, some in value.items()}
        return {name: plain(some[0]) for name, some in lists.items() if "" not in some}
    return [plain(one) for one in value] if isinstance(value, list) else value


def right_calls(row: Row) -> list[Call]:
    """The calls of the ground truth, without what may be left out."""
    required = {one["name"]: one["parameters"]["required"] for one in row.functions}
    return [
        Call(name, {
            argument: plain(next((one for one in accepted if one != ""), ""))
            for argument, accepted in arguments.items()
            if "" not in accepted or argument in required[name]
        })
        for call in row.expected
        for name, arguments in call.items()
    ]  # fmt: skip


def made(category: str = "simple_python", expected: Any = None, **properties: Any) -> Row:
    """A row with the function `a.f`, whose arguments all may be left out."""
    parameters = {"type": "dict", "properties": properties, "required": []}
    function = {"name": "a.f", "description": "", "parameters": parameters}
    return bfcl._row(
        category, {"id": "x", "question": [[user("q")]], "function": [function]},
        [] if expected is None else [{"a.f": expected}],
    )  # fmt: skip


NUMBER = made(
    expected={"n": [5], "unit": ["", "cm"]}, n={"type": "integer"}, unit={"type": "string"}
)


# --- the data


def test_all_rows_are_read(questions: Questions) -> None:
    assert Counter(row.category for row in questions.rows) == ROWS
    assert len({row.row_id for row in questions.rows}) == sum(ROWS.values())
    assert list(dict.fromkeys(row.category for row in questions.rows)) == list(SINGLE_TURN)
    for row in questions.rows:
        assert bool(row.expected) == (row.category in (*bfcl.NON_LIVE, *bfcl.LIVE))
        assert row.messages[-1]["role"] == "user"


def test_functions_keep_their_names_and_have_types_of_json_schema(questions: Questions) -> None:
    seen = set()
    for row in questions.rows:
        assert row.catalogue.names == tuple(one["name"] for one in row.functions)
        for function, ours in zip(row.functions, row.catalogue.functions, strict=True):
            assert list(function["parameters"]["properties"]) == list(ours.properties)
            assert function["parameters"].get("required", []) == ours.required
            seen.add(json.dumps(ours.parameters))
    allowed = {"object", "number", "array", "string", "integer", "boolean"}
    for text in seen:
        assert {one["type"] for one in schemas(json.loads(text)) if "type" in one} <= allowed


def schemas(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    for one in [*schema.get("properties", {}).values(), *filter(None, [schema.get("items")])]:
        yield from schemas(one)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"type": "float", "default": 0.5}, {"type": "number", "default": 0.5}),
        ({"type": "any", "description": "x"}, {"description": "x"}),
        (
            {"type": "tuple", "items": {"type": "float"}},
            {"type": "array", "items": {"type": "number"}},
        ),
        (
            {"type": "dict", "properties": {"type": {"type": "dict"}, "items": {"type": "any"}}},
            {"type": "object", "properties": {"type": {"type": "object"}, "items": {}}},
        ),
        ({"type": "string", "enum": ["dict"]}, {"type": "string", "enum": ["dict"]}),
    ],
)  # fmt: skip
def test_types_as_json_schema(theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    before = json.dumps(theirs)
    assert bfcl.schema(theirs) == ours
    assert json.dumps(theirs) == before, "BFCL's checker needs its own"


@pytest.mark.parametrize("name", FORMATS)
def test_a_row_is_asked_with_all_its_functions(name: str, questions: Questions) -> None:
    for row in questions.rows[::20]:
        messages, tools = bfcl.conversation(row, FORMATS[name])
        assert [one["role"] for one in messages].count("system") <= 1
        assert messages[-1] == row.messages[-1]
        shown = messages[0]["content"] if tools is None else json.dumps(tools)
        for function in row.functions:
            written = function["name"].replace(".", "_") if name == "pythonic" else function["name"]
            assert written in shown


def test_a_system_message_of_the_row_follows_ours(questions: Questions) -> None:
    row = next(row for row in questions.rows if row.messages[0]["role"] == "system")
    (first, *rest), tools = bfcl.conversation(row, PYTHONIC)
    assert first["content"].startswith("Call functions for the user.") and tools is None
    assert first["content"].endswith(f"\n\n{row.messages[0]['content']}")
    assert rest == row.messages[1:]
    messages, _ = bfcl.conversation(row, FORMATS["native"])
    assert messages == row.messages


def test_the_digest_is_that_of_the_files_that_were_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = bfcl.read(["live_parallel", "live_relevance"])
    assert one.sha256 == bfcl.read(["live_parallel", "live_relevance"]).sha256
    assert one.sha256 != bfcl.read(["live_parallel"]).sha256
    (tmp_path / "possible_answer").mkdir()
    for name in ("BFCL_v4_live_parallel.json", "possible_answer/BFCL_v4_live_parallel.json"):
        (tmp_path / name).write_bytes((bfcl.data() / name).read_bytes())
    before = bfcl.read(["live_parallel"]).sha256
    monkeypatch.setattr(bfcl, "data", lambda: tmp_path)
    assert bfcl.read(["live_parallel"]).sha256 == before
    answers = tmp_path / "possible_answer" / "BFCL_v4_live_parallel.json"
    answers.write_text(answers.read_text("utf-8").replace("San Francisco", "Paris", 1), "utf-8")
    assert bfcl.read(["live_parallel"]).sha256 != before


# --- what is refused


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["simple_python", "simple", "java"], "simple java: none of .*, which are simple_p"),
        (["irrelevance"], "irrelevance: a model that never calls has it right; name .*"),
        (["irrelevance", "live_simple"], "irrelevance: .* name one of simple_python"),
        (["simple_python", "live_irrelevance"], "live_irrelevance: .* live_relevance beside it"),
    ],
)  # fmt: skip
def test_categories_that_cannot_be_scored(names: list[str], says: str) -> None:
    with pytest.raises(InputError, match=says):
        bfcl.select(names)


def test_categories_come_once_and_in_order() -> None:
    assert bfcl.select(["irrelevance", "multiple", "multiple"]) == ("multiple", "irrelevance")
    assert bfcl.select(bfcl.DEFAULT) == bfcl.DEFAULT
    assert bfcl.select(["live_relevance", "live_irrelevance"])


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bfcl, "find_spec", lambda _: None)
    with pytest.raises(InputError, match="bfcl-eval is not installed: run `make setup`"):
        bfcl.read(["simple_python"])


@pytest.mark.parametrize(
    "line",
    [
        {"id": "a", "question": [[user("q")]]},
        {"id": "a", "question": [[user("q")], [user("q")]], "function": []},
        {"id": "a", "question": [["q"]], "function": []},
        {"id": "a", "question": 5, "function": []},
        {"id": "a", "question": [[user("q")]], "function": [{"name": "f"}]},
    ],
)
def test_data_that_are_not_bfcls(
    line: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "BFCL_v4_irrelevance.json").write_text(json.dumps(line))
    monkeypatch.setattr(bfcl, "data", lambda: tmp_path)
    with pytest.raises(InputError, match=r"BFCL_v4_irrelevance.json is not as BFCL v4 has it"):
        bfcl.read(["irrelevance"])
    with pytest.raises(InputError, match=r"BFCL_v4_simple_python.json is missing"):
        bfcl.read(["simple_python"])


# --- the checker


@pytest.mark.parametrize("name", FORMATS)
def test_the_ground_truth_is_right(name: str, questions: Questions) -> None:
    """Rendered by us, parsed by us, judged by BFCL's checker."""
    form = FORMATS[name]
    answers = [
        judged(row, form.render(right_calls(row)), form) for row in questions.rows if row.expected
    ]
    assert len(answers) == 2351
    assert [one.row.row_id for one in answers if not one.is_right] == WITHOUT_ANSWER


def test_the_ground_truth_of_another_row_is_wrong(questions: Questions) -> None:
    rows = [row for row in questions.rows if row.category in bfcl.NON_LIVE]
    for row, other in zip(rows, rows[1:] + rows[:1], strict=True):
        if row.expected != other.expected:
            assert not judged(row, PYTHONIC.render(right_calls(other)), PYTHONIC).is_right


@pytest.mark.parametrize(
    ("completion", "error"),
    [
        ("[a_f(n=5)]", None),
        ("[a.f(n=5)]", None),
        ('[a_f(n=5, unit="CM")]', None),
        ("<think>[a_f(n=4)]</think>[a_f(n=5)]", None),
        ("[a_f(n=6)]", "value_error:others"),
        ('[a_f(n="5")]', "type_error:simple"),
        ("[a_f(n=True)]", "type_error:simple"),
        ('[a_f(n=5, unit="m")]', "value_error:string"),
        ("[a_f(n=5, m=1)]", "simple_function_checker:unexpected_param"),
        ("[a_f()]", "simple_function_checker:missing_optional"),
        ("[g(n=5)]", "simple_function_checker:wrong_func_name"),
        ("[a_f(n=5), a_f(n=5)]", "simple_function_checker:wrong_count"),
        ("[a_f(5)]", "positional_argument"),
        ("[a_f(n=2+3)]", "unreadable"),
        ("[a_f(n=5", "unreadable"),
        ("[a_f(n=int(5))]", "unreadable"),
        ("It is 5.", "no_call"),
        ("", "no_call"),
        ("[]", "no_call"),
    ],
)
def test_what_is_wrong_with_an_answer(completion: str, error: str | None) -> None:
    answer = judged(NUMBER, completion, PYTHONIC)
    assert (answer.error, answer.is_right) == (error, error is None)
    assert bool(answer.reason) == (error is not None and ":" in error)


@pytest.mark.parametrize(
    ("completion", "error"),
    [
        ("[a_f(n=6), a_f(n=5)]", None),
        ("[a_f(n=5), a_f(n=7)]", "value_error:others"),
        ("[a_f(n=5), g(n=6)]", "simple_function_checker:wrong_func_name"),
        ("[g(n=5), a_f(m=1, n=6)]", "simple_function_checker:unexpected_param"),
        ("[a_f(n=5)]", "parallel_function_checker_no_order:wrong_count"),
    ],
)
def test_what_is_wrong_with_one_of_several_calls(completion: str, error: str | None) -> None:
    row = made("parallel", {"n": [5]}, n={"type": "integer"})
    row = replace(row, expected=[*row.expected, {"a.f": {"n": [6]}}])
    answer = judged(row, completion, PYTHONIC)
    assert answer.error == error and bool(answer.reason) == bool(error)


def test_an_object_of_objects_stays_one() -> None:
    """BFCL's own decoder takes its keys for functions."""
    row = made(expected={"o": [{"x": [{"y": 1}]}]}, o={"type": "dict"})
    assert judged(row, '[a_f(o={"x": {"y": 1}})]', PYTHONIC).is_right
    assert not judged(row, '[a_f(o={"x": {"y": 2}})]', PYTHONIC).is_right


@pytest.mark.parametrize(
    ("category", "completion", "error"),
    [
        ("irrelevance", "No function fits.", None),
        ("irrelevance", "[a_f(n=5", None),
        ("irrelevance", "[a_f(n=5)]", "called"),
        ("live_irrelevance", "[g()]", "called"),
        ("live_relevance", "[a_f(n=9)]", None),
        ("live_relevance", "[a_f(n=", "unreadable"),
        ("live_relevance", "Which one?", "no_call"),
    ],
)
def test_where_no_particular_call_is_right(
    category: str, completion: str, error: str | None
) -> None:
    assert judged(made(category, n={"type": "integer"}), completion, PYTHONIC).error == error


LISTS = made(
    expected={"a": ["", [{"x": [1]}]]},
    a={"type": "array", "items": {"type": "dict", "properties": {"x": {"type": "integer"}}}},
)
HOSTILE = [
    "[a_f(n=__import__('os').system('touch hostile'))]", "[a_f(**{'n': 5})]", "[a_f(n=5)]" * 9,
    f"[a_f(n={'[' * 60}{']' * 60})]", f"[a_f(n={'9' * 5000})]", f"[a_f(n=1{'0' * 400})]",
    "[a_f(n=1e999)]", "[a_f(n=float('nan'))]", "[a_f(n='\\ud800')]", "[a_f(n={'a': {}, 'a': 1})]",
    "[a_f(n=f'{open(\"/etc/passwd\").read()}')]", "[a_f(n=(lambda: 5)())]", "[(a_f := g)(n=5)]",
    f"[{'a_f(n=5), ' * 20000}]", "\x00[a_f(n=5)]", "[a_f(n=5, n=5)]", "[a_f(n=[x for x in [5]])]",
]  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("completion", HOSTILE)
def test_hostile_answers_are_wrong_and_do_nothing(
    name: str, completion: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for row in (NUMBER, LISTS):
        answer = judged(row, completion, FORMATS[name])
        assert not answer.is_right and len(answer.reason) <= bfcl_checker.MAX_REASON
    assert not list(tmp_path.iterdir())


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda held: st.lists(held, max_size=3)
    | st.dictionaries(st.text(max_size=3), held, max_size=3),
    max_leaves=6,
)  # fmt: skip
KINDS = [{"type": name, "items": {"type": of}} for name in
         ("string", "integer", "float", "boolean", "array", "tuple", "dict", "any")
         for of in ("string", "dict", "integer")]  # fmt: skip


@given(VALUES, st.sampled_from(KINDS), st.sampled_from(["parallel", "multiple", "simple_python"]))
def test_any_value_is_judged(value: Any, kind: dict[str, Any], category: str) -> None:
    """BFCL's checker may fail over a value; we do not."""
    for accepted in ([[{"x": [1]}]], ["", "x"], [{"x": [1]}, ""], [[1, 2]]):
        row = made(category, {"n": accepted}, n=kind)
        judged(row, PYTHONIC.render([Call("a.f", {"n": value})]), PYTHONIC)


def test_where_bfcls_checker_fails_the_answer_is_wrong() -> None:
    answer = judged(LISTS, '[a_f(a=["text"])]', PYTHONIC)
    assert answer.error == "checker_failed" and "AttributeError" in answer.reason


def test_the_checker_comes_without_the_rest_of_the_package() -> None:
    """Neither its executor nor its clients nor the module that writes folders are imported."""
    code = (
        "import sys; from stages.evaluation import bfcl, bfcl_checker;"
        "bfcl.read(['live_parallel']); bfcl_checker._checker();"
        "print(*sorted(m for m in sys.modules if 'bfcl_eval' in m))"
    )
    folder = bfcl.data().parent
    before = sorted(folder.rglob("[!_]*"))
    loaded = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=ROOT, env=os.environ, text=True, check=True,
        stdout=subprocess.PIPE,
    ).stdout.split()  # fmt: skip
    assert sorted(folder.rglob("[!_]*")) == before
    assert "bfcl_eval.eval_checker.ast_eval.ast_checker" in loaded
    parts = ("utils", "model_config", "model_handler", "multi_turn", "eval_runner", "executable")
    assert not [name for name in loaded if any(part in name for part in parts)]


# --- the figures


def answers(by_category: dict[str, str]) -> list[Judged]:
    """Judged answers: r right, w wrong call, n no call, u unreadable, l too long."""
    found = []
    for category, kinds in by_category.items():
        for number, kind in enumerate(kinds):
            expected = {"n": [5]} if category in (*bfcl.NON_LIVE, *bfcl.LIVE) else None
            row = made(category, expected, n={"type": "integer"})
            row = replace(row, row_id=f"{category}_{number}")
            text = {"r": "[a_f(n=5)]", "w": "[a_f(n=6)]", "n": "no", "u": "[a_f(", "l": ""}[kind]
            found.append(not_asked(row) if kind == "l" else judged(row, text, PYTHONIC))
    return found


ALL = {
    "simple_python": "rrrrwwnu", "multiple": "rn", "parallel": "rr", "parallel_multiple": "ww",
    "irrelevance": "nnuw", "live_simple": "rrrrrrrr", "live_multiple": "nn",
    "live_parallel": "w", "live_parallel_multiple": "l", "live_irrelevance": "nl",
    "live_relevance": "rn",
}  # fmt: skip


def test_scores_by_hand() -> None:
    found = bfcl_scores.estimates(answers(ALL), 200, 1)
    expected = {
        "simple_python": 0.5, "multiple": 0.5, "parallel": 1, "parallel_multiple": 0,
        "irrelevance": 0.75, "must_call": 11 / 14, "live_simple": 1, "live_multiple": 0,
        "live_parallel": 0, "live_parallel_multiple": 0, "live_irrelevance": 0.5,
        "live_must_call": 10 / 14, "live_relevance": 0.5, "non_live_python": 0.5, "live": 8 / 12,
    }  # fmt: skip
    assert {name: one.value for name, one in found.items()} == pytest.approx(expected)
    assert list(found) == list(expected)
    for name, one in found.items():
        assert 0 <= one.low <= one.value <= one.high <= 1, name
    assert found["simple_python"].low < 0.5 < found["simple_python"].high


def test_the_interval_of_the_mean_is_that_of_independent_categories() -> None:
    """Four categories of 400 rows, half right: the mean varies half as much as each of them."""
    found = bfcl_scores.estimates(answers({name: "rn" * 200 for name in bfcl.NON_LIVE}), 2000, 1)
    widths = {name: one.high - one.low for name, one in found.items()}
    assert widths["simple_python"] == pytest.approx(2 * 1.96 * 0.025, rel=0.1)
    assert widths["non_live_python"] == pytest.approx(1.96 * 0.025, rel=0.1)


def test_a_score_of_several_categories_wants_all_of_them() -> None:
    some = {name: kinds for name, kinds in ALL.items() if name not in ("multiple", "live_parallel")}
    found = bfcl_scores.estimates(answers(some), 50, 1)
    assert {"non_live_python", "live"}.isdisjoint(found) and {"must_call"} <= set(found)
    assert "overall" not in json.dumps(list(found))


def test_result_and_table(tmp_path: Path) -> None:
    both = {"base": answers({name: "n" * len(kinds) for name, kinds in ALL.items()}),
            "tuned": answers(ALL)}  # fmt: skip
    value = bfcl_scores.result(both, 50, 1)
    json.dumps(value, allow_nan=False)
    assert list(value) == ["rows", "exceed_context", "base", "tuned", "tests"]
    assert value["rows"] == {name: len(ALL[name]) for name in SINGLE_TURN}
    assert value["tuned"]["unreadable"] == {"simple_python": 1, "irrelevance": 1}
    assert value["tuned"]["errors"]["simple_python"] == {
        "value_error:others": 2, "no_call": 1, "unreadable": 1,
    }  # fmt: skip
    assert value["tuned"]["errors"]["parallel"] == {}
    assert value["tuned"]["errors"]["live_irrelevance"] == {"exceeds_context": 1}
    assert value["base"]["must_call"] == 0 and value["base"]["irrelevance"] == 1
    names = ("mcnemar_simple_python_p", "simple_python_base_only", "simple_python_tuned_only")
    assert [value["tests"][name] for name in names] == [0.125, 0, 4]
    assert "tests" not in bfcl_scores.result({"base": both["base"]}, 50, 1)

    table = bfcl_scores.table(both)
    files.write_table(tmp_path / "answers.parquet", table, BenchmarkAnswers)
    assert table.height == 2 * sum(map(len, ALL.values()))
    (row,) = table.filter(row_id="simple_python_4", model="tuned").to_dicts()
    assert row["error"] == "value_error:others" and "Expected one of [5]" in row["reason"]
    assert json.loads(row["predicted"]) == [{"name": "a.f", "arguments": {"n": 6}}]
    assert json.loads(row["expected"]) == [{"a.f": {"n": [5]}}]


def test_printed_tables() -> None:
    both = {"base": answers({name: "n" * len(kinds) for name, kinds in ALL.items()}),
            "tuned": answers(ALL)}  # fmt: skip
    both["base"][-5:] = both["tuned"][-5:]
    value = bfcl_scores.result(both, 50, 1)
    console = Console(markup=False, width=120, record=True)
    for table in bfcl_scores.tables(value, list(both), {"base": 1.0, "tuned": 0.25}):
        console.print(table)
    text = console.export_text()
    lines = [line.split("│")[1].strip() for line in text.splitlines() if line.startswith("│")]
    assert lines[lines.index("irrelevance") + 1] == "must call"
    assert lines[lines.index("live_irrelevance") + 1] == "live must call"
    for said in ("non-live, Python only", "live (mean of the rows", "0.500 [", "0.12 ", "0.250",
                 "value_error:others", "exceeds_context", "2 rows exceed the context"):  # fmt: skip
        assert said in " ".join(text.split()), said
    assert "irrelevance, tuned: 1 unreadable calls count as none" in " ".join(text.split())
    assert "overall" not in text
