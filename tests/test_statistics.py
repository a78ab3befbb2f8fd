"""The figures that prove a dataset: hand-computed values, and invariants."""

from __future__ import annotations

from math import exp
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from stages.checks.phrases import class_place
from stages.core.divergence import js_bits
from stages.core.frame import Frame
from stages.core.quantiles import cdf, cumulative, probabilities
from stages.core.runs import Runs
from stages.core.strata import Stratum
from stages.dataset import columns, diversity, statistics

UNIFORM = statistics.UNIFORM


def queries(*texts: str) -> pl.Series:
    return pl.Series(texts, dtype=pl.String)


SENTENCES = st.lists(
    st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6).map(" ".join), max_size=12
)
QUANTILES = st.lists(st.integers(1, 12), min_size=3, max_size=3).map(
    lambda v: dict(zip((0.0, 0.4, 1.0), sorted(v), strict=True))
)


# The target


def test_quantiles_to_probabilities() -> None:
    # 10% lie in (0.5, 1], 15% evenly in (1, 2]: one word has 0.1 + 0.075.
    words: dict[str, float] = {"0": 1, "0.1": 1, "0.25": 2, "0.5": 3, "1": 4}
    assert probabilities(words, 1, 4) == pytest.approx([0.175, 0.2, 0.125 + 1 / 6, 1 / 3])
    assert probabilities(words, 1, 2) == pytest.approx(np.array([0.175, 0.2]) / 0.375)
    assert probabilities(words, 7, 8) == pytest.approx([0.5, 0.5])
    assert cumulative(words, [0, 4, 9]).tolist() == [0, 1, 1]
    assert cumulative({0.0: 3, 1.0: 3}, [2, 3]).tolist() == [0, 1]


def test_a_jump_belongs_to_its_value() -> None:
    jump = {0: 0, 0.5: 2.5, 0.6: 2.5, 1: 5}
    assert cdf(jump, [2.5, 5]).tolist() == [0.6, 1]
    assert cdf(jump, 2.4999) == pytest.approx(0.5, abs=1e-4)


@settings(deadline=None)
@given(QUANTILES)
def test_probabilities_are_a_distribution(quantiles: dict[float, float]) -> None:
    found = probabilities(quantiles, 1, 14)
    assert found.sum() == pytest.approx(1) and (found >= 0).all()
    assert found[[n < quantiles[0] or n > quantiles[1] for n in range(1, 15)]] == pytest.approx(0)


# Distributions


def test_js_bits() -> None:
    assert js_bits([1, 0], [0, 1]) == pytest.approx(1)
    assert js_bits([2, 1], [4, 2]) == pytest.approx(0)
    # JS of (1, 0, 0, 0) and uniform over 4: H(.625, .125 x 3) - H(uniform)/2 = 0.5488 bit.
    assert js_bits([1, 0, 0, 0], [1, 1, 1, 1]) == pytest.approx(0.5488, abs=1e-4)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=6))
def test_js_bits_is_symmetric_and_bounded(pairs: list[tuple[int, int]]) -> None:
    p, q = np.array(pairs).T + 0.01
    assert js_bits(p, q) == pytest.approx(js_bits(q, p), abs=1e-9)
    assert 0 <= js_bits(p, q) <= 1


def test_dimensions_against_the_target() -> None:
    pairs = [(f, t) for f in ("Search", "Generate") for t in ("Photo", "Any")]
    strata = [
        Stratum({"function": f, "band": band, "kind": t}, 0.125)
        for f, t in pairs
        for band in ("1-2", "3-4")
    ]
    names = [one.name for one in strata]
    table = statistics.shares(names, strata, ["function", "kind"])
    assert table.select("function", "kind").rows() == pairs
    assert table["target"].to_list() == [0.25] * 4 and table["rows"].to_list() == [2] * 4
    js, p = statistics.divergence(table)
    assert js == pytest.approx(0) and p == pytest.approx(1)
    js, p = statistics.divergence(statistics.shares(names[:1], strata, ["function", "kind"]))
    assert js == pytest.approx(0.5488, abs=1e-4)
    assert p == pytest.approx(0.3916, abs=1e-4)  # chi-square 3 with 3 degrees of freedom
    assert statistics.divergence(statistics.shares([], strata, ["kind"])) == (None, None)


def histogram(texts: list[str], target: dict[Any, float]) -> pl.DataFrame:
    words = columns.counts(pl.Series(texts, dtype=pl.String))
    frame = pl.DataFrame({"words": words}).with_columns(function=pl.lit("Search"))
    return statistics.lengths(frame, {"Search": target})["Search"]


def test_words_against_the_target() -> None:
    table = histogram(["red fox photo", "red fox", "fox", "a"], {"0": 1, "1": 4})
    assert table.to_dict(as_series=False) == {
        "words": [1, 2, 3, 4], "rows": [2, 1, 1, 0], "accepted": [0.5, 0.25, 0.25, 0],
        "target": pytest.approx([0.25] * 4),
    }  # fmt: skip
    # Cumulative: .5 .75 1 1 against .25 .5 .75 1.
    assert statistics.length_figures(table) == {
        "median": 1.5, "q1": 1, "q3": 2.25, "mean": 1.75, "target_mean": 2.5,
        "ks": 0.25, "wasserstein": 0.75,
    }  # fmt: skip
    assert statistics.length_figures(histogram([], {0: 1, 1: 4})) is None
    longer = histogram(["a b c"], {0: 1, 1: 2})
    assert longer["target"].to_list() == pytest.approx([0.5, 0.5, 0])


@settings(deadline=None)
@given(SENTENCES.filter(bool), QUANTILES)
def test_word_distances_are_bounded(texts: list[str], target: dict[float, float]) -> None:
    figures = statistics.length_figures(histogram(texts, target))
    assert figures is not None
    assert 0 <= figures["ks"] <= 1
    # The means differ by no more than the Wasserstein distance.
    assert abs(figures["mean"] - figures["target_mean"]) <= figures["wasserstein"] + 2e-3


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_ks_is_that_of_scipy(sample: list[float]) -> None:
    found = statistics.ks(np.array(sample), lambda at: at)
    assert found == pytest.approx(stats.kstest(sample, "uniform").statistic)


# Places of the class words


def placed(frame: Frame, **texts: str) -> pl.DataFrame:
    """Class (with _ for a space) -> query, with the place where it names the class."""
    names = [name.rstrip("_0123456789").replace("_", " ") for name in texts]
    table = pl.DataFrame({"kind": names, "query": list(texts.values())})
    found = [class_place(query, name, frame) for name, query in table.iter_rows()]
    return table.with_columns(
        place=pl.Series(found, dtype=pl.Float64),
        worded=pl.Series([bool(frame.classes[name]) for name in names], dtype=pl.Boolean),
    )


def test_places_of_class_words(frame: Frame) -> None:
    table = placed(frame, Photo="red fox photo", Any="red fox", Photo_2="a photo of a fox",
                   Photo_3="fox")  # fmt: skip
    assert table["place"].to_list() == [pytest.approx(2.5 / 3), None, 0.3, None]
    # One of three worded queries names no class; two of all four.
    assert statistics.place_figures(table, {0.0: 0.3, 1.0: 1.0}) == {
        "share_naming": 0.6667, "share_without": 0.5, "share_worded_without": 0.3333,
        "ks_uniform": 0.3333,  # just before 5/6 half the rows are there, uniform has 0.8333
        "ks_target": 0.5,  # at 0.3 half the rows are there, the target has none
        "mean": 0.5667, "start": 0.5, "middle": 0.0, "end": 0.5,
    }  # fmt: skip
    bins = statistics.place_histogram(table["place"], UNIFORM)
    assert bins["place"].to_list() == pytest.approx([0.05 + 0.1 * i for i in range(10)])
    assert bins["accepted"].to_list()[8] == 0.5 and bins["accepted"].sum() == 1
    assert bins["target"].to_list() == pytest.approx([0.1] * 10)


def test_no_worded_query_has_no_place(frame: Frame) -> None:
    figures = statistics.place_figures(placed(frame, Any="red fox"))
    assert figures["share_without"] == 1.0
    assert all(v is None for k, v in figures.items() if k != "share_without")
    empty = placed(frame, Any="red fox").clear()
    assert set(statistics.place_figures(empty).values()) == {None}


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_place_distances_are_bounded(places: list[float]) -> None:
    figures = statistics.place_figures(pl.DataFrame({"worded": True, "place": places}))
    assert 0 <= (figures["ks_uniform"] or 0) <= 1
    assert figures["ks_target"] == figures["ks_uniform"]
    assert sum(figures[k] or 0 for k in ("start", "middle", "end")) == pytest.approx(1, abs=2e-4)


# Variety


def test_distinct() -> None:
    assert diversity.distinct(queries("a b a", "a b")) == {
        "distinct_1": 0.4, "distinct_2": 0.6667, "distinct_3": 1.0,
    }  # fmt: skip
    assert set(diversity.distinct(queries()).values()) == {0.0}


@settings(deadline=None)
@given(SENTENCES)
def test_distinct_is_what_sets_give(texts: list[str]) -> None:
    found = [text.split() for text in texts]
    for n in (1, 2, 3):
        grams = [tuple(w[i : i + n]) for w in found for i in range(len(w) - n + 1)]
        expected = round(len(set(grams)) / max(len(grams), 1), 4)
        assert diversity.distinct(queries(*texts))[f"distinct_{n}"] == expected


def test_self_bleu() -> None:
    same = queries(*["find a red fox now"] * 3)
    assert diversity.self_bleu(same) == pytest.approx(1)
    assert diversity.self_bleu(queries("fox", "fox")) == pytest.approx(1)
    assert diversity.self_bleu(queries("a b c", "d e f")) == 0
    # 2 of 3 words, 1 of 2 pairs, and no triple, which counts as 0.1 of 1.
    expected = (2 / 3 * 1 / 2 * 0.1) ** (1 / 3)
    assert diversity.self_bleu(queries("a b c", "a b d")) == pytest.approx(expected)
    # Repeated words match as often as one other query has them: 1 of 2; and "a a" is no pair there.
    # "a b" finds its a, but no pair: both are (1/2 x 0.1)^(1/2).
    assert diversity.self_bleu(queries("a a", "a b")) == pytest.approx((0.5 * 0.1) ** 0.5)
    # Brevity: "a" is 1 word, the nearest other has 2; "a b" has 1 of 2 words and no pair.
    expected = (exp(1 - 2) + (0.5 * 0.1) ** 0.5) / 2
    assert diversity.self_bleu(queries("a", "a b")) == pytest.approx(expected)
    assert diversity.self_bleu(queries("a")) is None


@settings(deadline=None)
@given(SENTENCES.filter(lambda t: len(t) > 1))
def test_self_bleu_is_bounded_and_blind_to_order(texts: list[str]) -> None:
    score = diversity.self_bleu(queries(*texts))
    assert score is not None and 0 <= score <= 1 + 1e-9
    assert diversity.self_bleu(queries(*reversed(texts))) == pytest.approx(score)


def test_a_sample_is_the_same_for_a_seed() -> None:
    every = queries(*map(str, range(100)))
    few = diversity.sample(every, 10, 1)
    assert len(few) == few.n_unique() == 10
    assert few.to_list() == diversity.sample(every, 10, 1).to_list()
    assert few.to_list() != diversity.sample(every, 10, 2).to_list()
    assert diversity.sample(every, 100, 1).to_list() == every.to_list()


def test_near_duplicates_left(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = queries(
        "find a birthday card with balloons and confetti",
        "a lighthouse at dawn over the bay",
        "find a birthday card with balloons and confettis",
        "café",
    )
    assert diversity.near_left(texts, 0.8, 0) == 0.5
    assert diversity.near_left(texts, 1.0, 0) == 0
    assert diversity.near_left(queries(), 0.8, 0) is None
    monkeypatch.setattr(diversity, "_PAIRS", 0)
    monkeypatch.setattr(diversity, "_MIN_ROWS", 2)  # two rows with all
    assert {diversity.near_left(texts, 0.8, seed) for seed in range(9)} <= {0, 0.5, 1}


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text("abc ", min_size=1, max_size=8), min_size=1, max_size=8))
def test_near_left_is_what_sets_give(texts: list[str]) -> None:
    sets = [{t.ljust(3)[i : i + 3] for i in range(max(len(t), 3) - 2)} for t in texts]
    near = [
        any(len(a & b) / len(a | b) >= 0.6 for j, b in enumerate(sets) if i != j)
        for i, a in enumerate(sets)
    ]
    assert diversity.near_left(queries(*texts), 0.6, 0) == np.mean(near)


# Overlap with the golden set


def test_longest_run_shared_with_a_golden_query() -> None:
    golden = Runs(["Find a red fox, now!", "a red barn"])
    told = {
        "a RED fox": 3,
        "the red barn door": 2,
        "red a": 1,
        "owls": 0,
        "": 0,
        "please find a red fox now, thanks": 5,
    }
    texts = columns.normalize(pl.Series(list(told)))
    assert golden.longest_runs(texts).tolist() == list(told.values())
    assert golden.longest_runs(texts[:0]).tolist() == []
    assert Runs([]).longest_runs(texts).tolist() == [0] * len(texts)


WORDS = st.lists(st.sampled_from("abcdx"), max_size=7).map(" ".join)


@settings(deadline=None)
@given(st.lists(WORDS, max_size=5), st.lists(WORDS, max_size=8))
def test_longest_runs_are_those_that_a_search_finds(known: list[str], texts: list[str]) -> None:
    def longest(text: str) -> int:
        words = text.split()
        spans = [words[i:j] for i in range(len(words)) for j in range(i + 1, len(words) + 1)]
        padded = [f" {query} " for query in known]
        return max(
            (len(s) for s in spans if any(f" {' '.join(s)} " in query for query in padded)),
            default=0,
        )

    found = Runs(known).longest_runs(pl.Series(texts, dtype=pl.String))
    assert found.tolist() == [longest(text) for text in texts]


def test_a_histogram_of_runs() -> None:
    table = statistics.golden_runs(np.array([3, 0, 3, 1]))
    assert table.rows() == [(0, 1), (1, 1), (2, 0), (3, 2)]
    assert statistics.golden_runs(np.array([], np.int64)).rows() == [(0, 0)]
