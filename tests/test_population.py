"""The population's target: statistics files, tables of observed queries, what may leave them."""

from __future__ import annotations

import ast
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from scipy import optimize

from stages.checks import phrases, words
from stages.core.command import InputError
from stages.core.domain import Domain
from stages.core.settings import load
from stages.planning import observed, targets

ROOT = Path(__file__).parents[1]
ATELIER = ROOT.parent / "shared" / "data" / "atelier" / "observed" / "queries.csv"
BANDS = {"Search": [4, 10], "Generate": [8, 40]}
WHERE = Path("p.yaml")


# --- statistics


@given(st.integers(2, 5), st.integers(2, 8), st.randoms(use_true_random=False))
def test_fitting_meets_both_marginals(r: int, c: int, random: Any) -> None:
    affinity = np.array([[random.uniform(0.1, 3) for _ in range(c)] for _ in range(r)])
    rows, columns = np.array([random.uniform(0.1, 1) for _ in range(r)]), np.ones(c) / c
    rows /= rows.sum()
    table = targets.fit(affinity, rows, columns, list("abcde")[:r], list("stuvwxyz")[:c])
    assert np.allclose(table.sum(axis=1), rows, atol=1e-8)
    assert np.allclose(table.sum(axis=0), columns, atol=1e-8)


def test_fitting_without_affinity_is_the_product() -> None:
    rows, columns = np.array([0.3, 0.7]), np.array([0.5, 0.25, 0.25])
    table = targets.fit(np.ones((2, 3)), rows, columns, ["a", "b"], ["x", "y", "z"])
    assert np.allclose(table, np.outer(rows, columns))


def test_fitting_reaches_the_only_table_that_zeros_leave() -> None:
    half = np.array([0.5, 0.5])
    table = targets.fit(np.array([[1.0, 0], [1, 1]]), half, half, ["a", "b"], ["x", "y"])
    assert np.allclose(table, np.diag(half))


def test_fitting_solves_what_hardly_any_room_is_left_for() -> None:
    """One query in 10,000 decides: proportional fitting alone would take millions of rounds."""
    rows, columns = np.array([2999, 7001]) / 10_000, np.array([3000, 7000]) / 10_000
    table = targets.fit(np.array([[1.0, 0], [1, 1]]), rows, columns, ["a", "b"], ["x", "y"])
    assert np.allclose(table, [[0.2999, 0], [0.0001, 0.7]], atol=1e-9, rtol=0)


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A table of counts with zeros, its cells perhaps orders of magnitude apart, and an affinity
    that is 0 in some of its zeros.
    """
    random = np.random.default_rng(seed)
    shape = random.integers(1, 6), random.integers(1, 7)
    counts = np.exp(random.normal(0, 1, shape) * random.choice([0, 2, 6]))
    counts *= random.random(shape) < random.choice([0.3, 0.6, 0.9])
    counts.flat[random.integers(counts.size)] = 1
    fills = (counts > 0) | (random.random(shape) < random.choice([0, 0.3]))
    return counts, np.exp(random.normal(0, 1, shape) * random.choice([0, 1, 4])) * fills


@given(st.integers(0, 10**9))
@settings(max_examples=60, deadline=None)
def test_marginals_of_a_real_table_are_always_met(seed: int) -> None:
    counts, affinity = drawn(seed)
    table = counts / counts.sum()
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    names = list("abcde")[: len(rows)], list("stuvwxyz")[: len(columns)]
    found = targets.fit(affinity, rows, columns, *names)
    assert np.abs(found.sum(axis=1) - rows).max() < 1e-9
    assert np.abs(found.sum(axis=0) - columns).max() < 1e-9
    assert (found >= 0).all() and not found[affinity == 0].any()


@given(st.integers(0, 10**9))
@settings(max_examples=60, deadline=None)
def test_marginals_are_refused_only_with_the_numbers_that_clash(seed: int) -> None:
    """Small whole numbers, so that many are just in reach or just out of it; scipy decides."""
    random = np.random.default_rng(seed)
    n, m, total = *random.integers(2, 6, 2), random.choice([5, 20, 10_000])
    allowed = random.random((n, m)) < random.choice([0.3, 0.5, 0.8])
    allowed[0, 0] = True
    rows, columns = (random.multinomial(total, np.ones(k) / k) for k in (n, m))
    cells = np.argwhere(allowed)
    sums = [(cells[:, axis] == i) for axis, k in ((0, n), (1, m)) for i in range(k)]
    solved = optimize.linprog(np.zeros(len(cells)), A_eq=np.array(sums, dtype=float),
                              b_eq=np.concatenate([rows, columns]))  # fmt: skip
    names = list("abcde")[:n], list("stuvw")[:m]
    try:
        targets.fit(allowed.astype(float), rows / total, columns / total, *names)
    except InputError as error:
        assert solved.status == 2, error
        told = re.search(r"leave (\[.*?\]) .* only the content types (\[.*?\])", str(error))
        if told:  # else one of them has no partner at all
            clash = np.isin(names[0], ast.literal_eval(told[1]))
            reach = np.isin(names[1], ast.literal_eval(told[2]))
            assert (reach == (allowed & (columns > 0))[clash].any(axis=0)).all()
            assert rows[clash].sum() > columns[reach].sum()
    else:
        assert solved.status == 0


def test_band_shares_follow_the_quantiles() -> None:
    shares = targets.band_shares({0: 1, 0.5: 4, 1: 10}, [4, 10], "x")
    assert shares.sum() == pytest.approx(1)
    assert shares[0] == pytest.approx(0.5, abs=0.05)


def good_statistics() -> dict[str, Any]:
    return {
        "functions": {"Search": 0.5, "Generate": 0.5},
        "content_types": {"Photo": 3, "Any": 1},
        "words": {"Search": {0: 1, 1: 10}, "Generate": {0: 1, 1: 40}},
        "locales": {"en": 1},
    }


def recorded(statistics: dict[str, Any], known: Domain, bands: Any = BANDS) -> dict[str, Any]:
    return targets.record(targets.from_statistics(statistics, known, WHERE), bands, known, WHERE)


def test_a_statistics_file_becomes_cells_and_aggregates(creative: Domain) -> None:
    record = recorded(good_statistics(), creative)
    assert sum(c["share"] for c in record["cells"]) == pytest.approx(1)
    photo = sum(c["share"] for c in record["cells"] if c["content_type"] == "Photo")
    assert photo == pytest.approx(0.75)
    assert record["functions"] == {"Search": 0.5, "Generate": 0.5}
    assert record["words"]["Search"] == {"0": 1, "1": 10}
    assert record["locales"] == {"en": 1}
    assert record["type_words"] == {"share": None, "positions": {"0": 0, "1": 1}}
    assert record["other"] is None and record["epsilon"] is None


def test_type_words_of_a_statistics_file(creative: Domain) -> None:
    given_words = {"share": 0.4, "positions": {0: 0.1, 0.5: 0.8, 1: 1}}
    record = recorded(good_statistics() | {"type_words": given_words}, creative)
    assert record["type_words"] == {"share": 0.4, "positions": {"0": 0.1, "0.5": 0.8, "1": 1}}


def with_joint(**change: Any) -> dict[str, Any]:
    table = {"Search": {"Photo": 0.5}, "Generate": {"Photo": 0.2, "Video": 0.3}}
    kept = {k: v for k, v in good_statistics().items() if k in ("words", "locales")}
    return kept | {"joint": table} | change


@pytest.mark.parametrize(
    "more", [{}, {"functions": {"Search": 1, "Generate": 1}, "content_types": {"Photo": 0.7,
                                                                               "Video": 0.3}}]
)  # fmt: skip
def test_a_joint_table_is_taken_as_it_is(creative: Domain, more: dict[str, Any]) -> None:
    table = targets.from_statistics(with_joint(**more), creative, WHERE).table
    types = list(creative.content_types)
    assert table[1, types.index("Video")] == pytest.approx(0.3)
    assert table[0, types.index("Video")] == 0
    assert table.sum() == pytest.approx(1)


IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"functions": {"Search": 0.5, "Generate": 0.6}}, "sum to 1.1, not to 1"),
    ({"functions": {"Search": -1, "Generate": 2}}, "functions.Search: -1 must not be negative"),
    ({"functions": {"Search": "half"}}, "'half' is no number"),
    ({"functions": {"Find": 1}}, "'Find' is unknown to domain.yaml"),
    ({"content_types": {"Hologram": 1}}, "'Hologram' is unknown"),
    ({"content_types": {"Photo": 0}}, "all shares are zero"),
    ({"content_types": {"Photo": float("nan")}}, "must not be negative"),
    ({"words": {"Search": {0: 1, 1: 10}}}, "no quantiles for Generate"),
    ({"words": {"Search": {0: 5, 1: 2}, "Generate": {0: 1, 1: 40}}}, "must not fall"),
    ({"words": {"Search": {0: 1, 0.5: 2}, "Generate": {0: 1, 1: 40}}}, "quantiles 0 and 1"),
    ({"words": {"Search": {"low": 1}, "Generate": {0: 1, 1: 40}}}, "'low' is no number"),
    ({"words": {"Search": {0: 1, 1: 11}, "Generate": {0: 1, 1: 40}}}, "longest query has 11"),
    ({"affinity": {"Search": {"Photo": -1}}}, "affinity.Search.Photo: -1 must not be negative"),
    ({"affinity": {"Find": {"Photo": 1}}}, "'Find' is unknown"),
    ({"affinity": {"Search": {"Hologram": 1}}}, "'Hologram' is unknown"),
    ({"affinity": ["Search"]}, "must map functions"),
    (
        {"affinity": {"Search": {"Photo": 0}, "Generate": {"Photo": 0}}},
        "content_types.Photo has the share 0.7500",
    ),
    (
        {"affinity": {"Search": {"Any": 1, "Photo": 0}}},
        r"\['Search'\] \(share 0.5000\).*\['.*Any'\] \(share 0.2500\); 0.2500 is out of reach",
    ),
    ({"functions": {"Search": 1e16, "Generate": 1}}, "1e.16 is more than 1e.15"),
    ({"affinity": {"Search": {"Photo": 1e-200}}}, "1e-200 is nearly 0"),
    ({"type_words": {"share": 1.5}}, "share: 1.5 must lie in 0 to 1"),
    ({"type_words": {"positions": {0: 0.5, 1: 0.2}}}, "must not fall"),
    ({"type_words": {"positions": {0: 0, 1: 2}}}, "positions: 2 must lie in 0"),
    ({"type_words": {"positions": {0: -0.1, 1: 1}}}, "-0.1 must not be negative"),
    ({"type_words": {"place": 1}}, "takes the keys share and positions"),
    ({"colour": 1}, "unknown keys"),
    (with_joint(affinity={}), "affinity does not go with joint"),
    (with_joint(joint={"Search": {"Photo": 0.5}}), "joint: the shares sum to 0.5"),
    (with_joint(joint={"Search": {"Photo": -1}}), "joint.Search.Photo: -1"),
    (with_joint(joint={"Search": {"Hologram": 1}}), "'Hologram' is unknown"),
    (
        with_joint(content_types={"Photo": 1}, functions={"Search": 0.4, "Generate": 0.6}),
        "functions.Search is 0.4, but joint gives it 0.5",
    ),
]


@pytest.mark.parametrize(("change", "told"), IMPOSSIBLE)
def test_impossible_targets_are_refused(creative: Domain, change: Any, told: str) -> None:
    with pytest.raises(InputError, match=told) as error:
        recorded(good_statistics() | change, creative)
    assert str(error.value).startswith("p.yaml: ")


@pytest.mark.parametrize(("bounds", "told"), [([4, 9], "max_words 10"), ([4, 4, 10], "must rise")])
def test_bands_rise_to_the_functions_limit(creative: Domain, bounds: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        recorded(good_statistics(), creative, BANDS | {"Search": bounds})


# --- observed tables

ROWS = [
    *[("find a cat photo", "Search", "Photo")] * 60,
    *[("calm sea", "Search", "Any")] * 30,
    *[("photo of a cat please", "Generate", "Photo")] * 20,
    *[("a very long tail of a cat", "Generate", "Video")] * 3,
    *[("one two three four five six seven eight nine ten eleven", "Search", "Any")] * 7,
]


def table_of(rows: Sequence[tuple[str, ...]], names: str = "query function content_type"
             ) -> pl.DataFrame:  # fmt: skip
    return pl.DataFrame(rows, schema=names.split(), orient="row")


def look(known: Domain) -> observed.Look:
    return lambda query, kind: (words.count(query), phrases.type_position(query, kind, known))


def counted(frame: pl.DataFrame, folder: Path, known: Domain, least: int = 5) -> Any:
    path = folder / "queries.csv"
    frame.write_csv(path)
    return observed.count(path, known, look(known), least)


def test_a_table_becomes_its_shares(creative: Domain, tmp_path: Path) -> None:
    target = observed.target(counted(table_of(ROWS), tmp_path, creative), creative, 5)
    record = targets.record(target, BANDS, creative, WHERE)
    assert record["functions"] == pytest.approx({"Search": 90 / 110, "Generate": 20 / 110})
    types = list(creative.content_types)
    assert target.table[0, types.index("Photo")] == pytest.approx(60 / 110)
    assert target.table[1, types.index("Video")] == 0
    # Three rows of one cell are told as "at most 5"; seven were longer than Search allows.
    assert target.other == {"rows": 5, "cells": 1, "unfit_rows": 7}
    assert target.words["Search"] == {0: 2, 0.1: 2, 0.25: 2, 0.5: 4, 0.75: 4, 0.9: 4, 1: 4}
    # Generate has fewer than 50 rows: the quantiles of all functions.
    assert target.words["Generate"][0] == 2
    # 80 of 83 rows name their type; three that do not are too few to tell.
    assert target.type_share == 1
    assert target.positions[0] == pytest.approx(0.125, abs=0.5 / observed.BINS)
    assert target.positions[1] == pytest.approx(0.875, abs=0.5 / observed.BINS)


@pytest.mark.parametrize("name", ["q.csv", "q.csv.gz", "q.jsonl", "q.jsonl.gz", "q.parquet"])
def test_every_format_counts_the_same(creative: Domain, tmp_path: Path, name: str) -> None:
    # An extra column, one with quotes, commas and line breaks, one that a sniffer takes for a
    # comment, one for a date.
    odd = [('#1 cat,\n"photo"', "Search", "Photo"), ("2024-01-01", "Search", "Any")] * 6
    frame = table_of([*ROWS, *odd]).with_columns(extra=pl.lit("x"))
    expected = counted(frame, tmp_path, creative)
    assert expected["joint"].sum() == len(ROWS) + 12
    path = tmp_path / name
    if name.endswith("parquet"):
        frame.write_parquet(path)
    else:
        text = frame.write_csv() if "csv" in name else frame.write_ndjson()
        data = text.encode()
        path.write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    found = observed.count(path, creative, look(creative), 5)
    assert all(np.array_equal(found[key], expected[key]) for key in expected)


def test_locales_are_counted_and_default_to_the_first(creative: Domain, tmp_path: Path) -> None:
    two = creative.model_copy(update={"locales": ["en", "de"]})
    rows = [*[("cat", "Search", "Any", "de")] * 10, *[("cat", "Search", "Any", None)] * 30]
    frame = pl.DataFrame(rows, schema=["query", "function", "content_type", "locale"], orient="row")
    target = observed.target(counted(frame, tmp_path, two), two, 5)
    assert target.locales.tolist() == [0.75, 0.25]
    without = observed.target(counted(frame.drop("locale"), tmp_path, two), two, 5)
    assert without.locales.tolist() == [1, 0]


histograms = st.lists(st.integers(0, 40), min_size=17, max_size=17)


@settings(max_examples=60, deadline=None)
@given(histograms, histograms, st.integers(1, 12), st.none() | st.floats(0.1, 50))
def test_no_figure_rests_on_fewer_than_min_count(
    creative: Domain, first: list[int], second: list[int], least: int, epsilon: float | None
) -> None:
    kinds = len(creative.content_types)
    counts = {
        "joint": np.array([first[: kinds + 1], second[: kinds + 1]]),
        "words": np.array([(first + second)[:40], (second + first)[:40]]),
        "positions": np.resize(np.array(second), observed.BINS + 1),
    }
    counts["words"] = np.pad(counts["words"], ((0, 0), (0, 40 - counts["words"].shape[1])))
    counts["words"][0, 10:] = 0
    try:
        target = observed.target(counts, creative, least, epsilon)
    except InputError as error:
        assert "min_count" in str(error)
        return
    assert target.table.sum() == pytest.approx(1)
    assert target.locales.sum() == pytest.approx(1)
    assert target.other is not None
    assert all(n == 0 or n >= least for n in (target.other["rows"],
                                              target.other["unfit_rows"]))  # fmt: skip
    if epsilon is None:
        cells = counts["joint"][:, :-1]
        assert ((target.table > 0) == (cells >= least)).all()
        assert np.allclose(target.table * cells[cells >= least].sum(), cells * (cells >= least))
    for name, quantiles in target.words.items():
        values = list(quantiles.values())
        assert values == sorted(values)
        assert values[0] >= 1 and values[-1] <= creative.function(name).max_words
    places = list(target.positions.values())
    assert places == sorted(places) and places[0] >= 0 and places[-1] <= 1
    targets.record(target, BANDS, creative, WHERE)


@given(st.lists(st.integers(0, 9), min_size=3, max_size=30), st.integers(1, 9))
def test_a_quantile_is_the_mean_of_the_rows_around_it(counts: list[int], least: int) -> None:
    rows = np.repeat(np.arange(len(counts)), counts)
    if len(rows) < least:
        return
    found = observed.smooth_quantiles(np.array(counts), np.arange(len(counts), dtype=float), least)
    assert found[0] == pytest.approx(rows[:least].mean(), abs=1e-6)
    assert found[1] == pytest.approx(rows[-least:].mean(), abs=1e-6)
    assert list(found.values()) == sorted(found.values())


def test_noise_is_unbiased_and_of_the_scale_that_epsilon_buys() -> None:
    counts = {name: np.full((200, 200), 1000) for name in ("joint", "words", "positions")}
    noisy = observed.noised(counts, 0.5, np.random.default_rng(1))
    for table in noisy.values():
        # Laplace of scale b = 3 / 0.5: mean 0, standard deviation b sqrt(2).
        assert (table - 1000).mean() == pytest.approx(0, abs=5 * 6 * 2**0.5 / 200)
        assert (table - 1000).std() == pytest.approx(6 * 2**0.5, rel=0.05)
    assert not np.array_equal(noisy["joint"], noisy["words"])


def test_noise_reaches_empty_cells_and_never_a_negative_count() -> None:
    noisy = observed.noised({"joint": np.zeros((50, 50), int)}, 0.1, np.random.default_rng(1))
    assert noisy["joint"].min() == 0
    assert 0.3 < (noisy["joint"] > 0).mean() < 0.7


def test_noise_differs_between_runs_unless_the_environment_fixes_it(
    creative: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = counted(table_of(ROWS * 20), tmp_path, creative)

    def shares() -> list[float]:
        return list(observed.target(counts, creative, 5, 1.0).table.flatten())

    monkeypatch.delenv("ROUTENATOR_NOISE_SEED", raising=False)
    assert shares() != shares()
    monkeypatch.setenv("ROUTENATOR_NOISE_SEED", "7")
    assert shares() == shares()
    monkeypatch.setenv("ROUTENATOR_NOISE_SEED", "x")
    with pytest.raises(InputError, match="ROUTENATOR_NOISE_SEED"):
        shares()


SHIFTED = [("cat", "a private query", "Any"), *[("cat", "Search", "Any")] * 20]


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (table_of(ROWS).drop("function"), r"lacks the column\(s\) \['function'\]"),
        (table_of([("cat", "Find", "Any")] * 6), "6 rows have labels .* the function 'Find'"),
        (table_of([("cat", "Search", "Hologram")] * 6), "the content_type 'Hologram'"),
        (table_of(ROWS).with_columns(locale=pl.lit("xx")), "the locale 'xx'"),
        (table_of(SHIFTED), r"1 rows .* function \(withheld"),
        (table_of(ROWS).clear(), "holds no row"),
        (table_of([("cat", "Search", "Any")] * 4), "has min_count 5 rows: lower"),
        (table_of([("?", "Search", "Any")] * 9), "has min_count 5 rows: lower"),
    ],
)
def test_bad_tables_are_refused(
    creative: Domain, tmp_path: Path, frame: pl.DataFrame, told: str
) -> None:
    with pytest.raises(InputError, match=told) as error:
        observed.target(counted(frame, tmp_path, creative), creative, 5)
    assert "private" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("q.csv", b'query,function,content_type\nprivate,b,c,d\n"private\n', "is not readable"),
        ("q.csv", b"query,function,content_type\nprivate \xff,Search,Any\n", "is not readable"),
        ("q.jsonl", b'{"query": "private", "function": \n', "is not readable"),
        ("q.parquet", b"private", "is not readable"),
        ("q.csv.gz", b"private", "is not readable"),
        ("q.xlsx", b"private", "must end in"),
        ("q.parquet.gz", b"private", "must end in"),
        ("q.csv", None, "is missing"),
    ],
)
def test_unreadable_tables_are_refused_and_not_quoted(
    creative: Domain, tmp_path: Path, name: str, data: bytes | None, told: str
) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=told) as error:
        observed.count(tmp_path / name, creative, look(creative), 5)
    assert "private" not in str(error.value)


# --- the stage


def stage(folder: Path, source: str, **change: Any) -> subprocess.CompletedProcess[str]:
    """Run the stage in `folder`, whose pack is folder/pack with the domain `creative`."""
    (folder / "pack").mkdir(exist_ok=True)
    shutil.copy(ROOT / "data/domains/creative/domain.yaml", folder / "pack")
    yaml = YAML()
    params = yaml.load((ROOT / "params.yaml").read_text("utf-8"))
    params["pack"] = "pack"
    params["population"].update({"source": source} | change)
    with (folder / "params.yaml").open("w", encoding="utf-8") as stream:
        yaml.dump(params, stream)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-m", "stages.population"],
        cwd=folder, env=environment, capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("epsilon", [None, 1.0])
def test_no_text_of_a_query_leaves_the_stage(tmp_path: Path, epsilon: float | None) -> None:
    rows = [(f"zq{i}xj photo wv{i % 9}kk", "Search", "Photo") for i in range(300)]
    (tmp_path / "pack").mkdir()
    table_of(rows).write_csv(tmp_path / "pack" / "queries.csv")
    done = stage(tmp_path, "queries.csv", epsilon=epsilon)
    assert done.returncode == 0, done.stderr
    told = [done.stdout.encode(), done.stderr.encode()]
    given_files = {"params.yaml", "pack/domain.yaml", "pack/queries.csv"}
    for file in tmp_path.rglob("*"):
        if file.is_file() and str(file.relative_to(tmp_path)) not in given_files:
            told.append(file.read_bytes())
            told.append(file.name.encode())
    assert (tmp_path / "data/population/target.json").is_file()
    for text in told:
        assert not re.search(rb"zq\d+xj|wv\dkk", text)
    record = json.loads((tmp_path / "data/population/target.json").read_text("utf-8"))
    assert record["epsilon"] == epsilon
    assert sum(cell["share"] for cell in record["cells"]) == pytest.approx(1)


def test_the_projects_own_statistics_pass_the_stage(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    shutil.copy(ROOT / "data/domains/creative/population.yaml", tmp_path / "pack")
    done = stage(tmp_path, "population.yaml")
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "data/population/target.json").read_text("utf-8"))
    assert record["functions"]["Search"] == pytest.approx(237 / 460)
    assert len(record["cells"]) == 64


@pytest.mark.parametrize("epsilon", [0, -1])
def test_an_epsilon_of_zero_is_refused(tmp_path: Path, epsilon: float) -> None:
    done = stage(tmp_path, "population.yaml", epsilon=epsilon)
    assert done.returncode == 1
    assert f"epsilon: {epsilon} would mean infinite noise" in done.stderr
    assert "null for none" in done.stderr


def test_a_min_count_of_zero_is_refused(tmp_path: Path) -> None:
    stage(tmp_path, "population.yaml", min_count=0)
    with pytest.raises(InputError, match=r"population\.min_count"):
        load(tmp_path / "params.yaml")


@pytest.mark.skipif(not ATELIER.is_file(), reason="the public query log is not here")
@pytest.mark.parametrize("epsilon", [None, 1.0])
def test_a_real_log_gives_sane_figures(creative: Domain, epsilon: float | None) -> None:
    counts = observed.count(ATELIER, creative, look(creative), 5)
    target = observed.target(counts, creative, 5, epsilon)
    record = targets.record(target, BANDS, creative, ATELIER)
    frame = pl.read_csv(ATELIER)
    size = frame["query"].map_elements(words.count, return_dtype=pl.Int64)
    limit = frame["function"].replace_strict({f.name: f.max_words for f in creative.functions})
    fit = frame.filter((size >= 1) & (size <= limit))
    cells = fit.group_by("function", "content_type").len()
    kept = cells.filter(pl.col("len") >= 5)
    for i, name in enumerate(record["functions"]):
        for j, kind in enumerate(creative.content_types):
            one = kept.filter((pl.col("function") == name) & (pl.col("content_type") == kind))
            share = int(one["len"].sum()) / int(kept["len"].sum())
            assert target.table[i, j] == pytest.approx(share, abs=0.01 if epsilon else 1e-9)
    assert target.other is not None
    assert target.other["unfit_rows"] == pytest.approx(
        frame.height - fit.height, abs=60 if epsilon else 0
    )
    assert 5 <= target.words["Search"][0.5] <= 8 <= target.words["Generate"][0.5]
    assert target.type_share is not None and 0.5 < target.type_share < 0.9
