"""The population: statistics files, tables of observed queries, what may leave them."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from stages import population
from stages.checks import phrases, words
from stages.core import pack as packs
from stages.core.command import InputError
from stages.core.pack import Pack
from stages.core.settings import load
from stages.planning import observed, strata
from stages.planning.observed import Observed, Shape
from stages.planning.sources import Pools
from tests.conftest import PACK

ROOT = Path(__file__).parents[1]
ATELIER = ROOT.parent / "shared" / "data" / "atelier" / "observed" / "queries.csv"
LIMITS = {"Search": 10, "Generate": 40}


# --- statistics


def of_statistics(folder: Path, change: dict[str, Any]) -> list[Any]:
    """The strata of the pack with this in its population.yaml."""
    for name in ("catalogue.json", "pack.yaml"):
        shutil.copy(PACK / name, folder)
    shutil.copytree(PACK / "vocabularies", folder / "vocabularies")
    given_file = {
        "functions": {"Search": 0.5, "Generate": 0.5},
        "dimensions": {"content_type": {"Photo": 3, "Any": 1}},
        "words": {"Search": {0: 1, 1: 10}, "Generate": {0: 1, 1: 40}},
        "bands": {"Search": [4, 10], "Generate": [8, 40]},
        "scenarios": {"single": 1},
    }
    with (folder / "population.yaml").open("w") as stream:
        YAML().dump(given_file | change, stream)
    known = packs.load(folder)
    return strata.strata(known, Pools(known))[0]


def share(found: list[Any], **values: str) -> float:
    return sum(
        one.share for one in found if all(one[name] == value for name, value in values.items())
    )


def test_a_statistics_file_becomes_strata(tmp_path: Path) -> None:
    found = of_statistics(tmp_path, {})
    assert share(found) == pytest.approx(1)
    assert share(found, content_type="Photo") == pytest.approx(0.75)
    assert share(found, function="Search") == pytest.approx(0.5)
    assert share(found, function="Search", band="1-4") == pytest.approx(0.2, abs=0.005)


def test_a_joint_table_is_its_marginals_and_itself_as_affinity(tmp_path: Path) -> None:
    table = {"Search": {"Photo": 50, "Any": 0}, "Generate": {"Photo": 20, "Any": 30}}
    found = of_statistics(
        tmp_path,
        {
            "functions": {"Search": 50, "Generate": 50},
            "dimensions": {"content_type": {"Photo": 70, "Any": 30}},
            "affinity": {"function.content_type": table},
        },
    )
    for function, line in table.items():
        for kind, count in line.items():
            own = share(found, function=function, content_type=kind)
            assert own == pytest.approx(count / 100, abs=1e-6)


IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"functions": {"Search": -1}}, "functions.Search: Input should be greater"),
    ({"functions": {"Search": "half"}}, "functions.Search: Input should be a valid number"),
    ({"functions": {"Find": 1}}, "functions: 'Find' is unknown"),
    ({"functions": {"Search": 1e16}}, "less than or equal to 1000000000000000"),
    ({"dimensions": {"content_type": {"Hologram": 1}}}, "'Hologram' is none of its values"),
    ({"dimensions": {"content_type": {"Photo": 0}}}, "all shares are zero"),
    ({"dimensions": {"content_type": {"Photo": float("nan")}}}, "finite number"),
    ({"words": {"Search": {0: 5, 1: 2}}}, "must not fall"),
    ({"words": {"Search": {0: 1, 0.5: 2}}}, "quantiles 0 and 1"),
    ({"words": {"*": {0: 1, 1: 11}}}, "longest query has 11"),
    ({"affinity": {"function.content_type": {"Find": {"Photo": 1}}}}, "'Find' is no value"),
    ({"affinity": {"function.kind": {"Search": {"Photo": 1}}}}, "must be two dimensions"),
    (
        {"affinity": {"function.content_type": {"Search": {"Photo": 0}, "Generate": {"Photo": 0}}}},
        "content_type 'Photo' has the share 0.7500",
    ),
    ({"naming": 1.5}, "naming: Input should be less than or equal to 1"),
    ({"places": {0: 0.5, 1: 0.2}}, "must not fall"),
    ({"places": {0: 0, 1: 2}}, "places"),
    ({"bands": {"Search": [4, 4, 10]}}, "must rise"),
    ({"bands": {"Search": [4, 9]}}, "last band ends at 9"),
    ({"colour": 1}, "colour"),
]


@pytest.mark.parametrize(("change", "told"), IMPOSSIBLE)
def test_impossible_targets_are_refused(tmp_path: Path, change: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        of_statistics(tmp_path, change)


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


def form(known: Pack) -> Shape:
    pools = Pools(known)
    return observed.shape(known, lambda name, f: strata.values_of(known, pools, name, f))


def count(path: Path, known: Pack, least: int = 5) -> Any:
    def look(query: str, kind: str, locale: str) -> tuple[int, float | None]:
        return words.count(query), phrases.class_place(query, kind, known.frames[locale])

    def worded(kind: str, locale: str) -> bool:
        return bool(known.frames[locale].classes[kind])

    return observed.count(path, form(known), look, least, worded)


def counted(frame: pl.DataFrame, folder: Path, known: Pack, least: int = 5) -> Any:
    frame.write_csv(folder / "queries.csv")
    return count(folder / "queries.csv", known, least)


def told(counts: Any, known: Pack, least: int = 5, epsilon: float | None = None) -> Observed:
    return observed.observed(counts, form(known), known.population, least, epsilon)


def shares(found: Observed, known: Pack) -> dict[tuple[str, str], float]:
    """The share of each function and class that the strata of a population have."""
    pack = replace(known, population=found.population)
    made: dict[tuple[str, str], float] = {}
    for one in strata.strata(pack, Pools(pack))[0]:
        key = one["function"], one["content_type"]
        made[key] = made.get(key, 0) + one.share
    return made


def test_a_table_becomes_its_shares(creative: Pack, tmp_path: Path) -> None:
    found = told(counted(table_of(ROWS), tmp_path, creative), creative)
    made = shares(found, creative)
    assert made == pytest.approx(
        {("Search", "Photo"): 60 / 110, ("Search", "Any"): 30 / 110,
         ("Generate", "Photo"): 20 / 110}, abs=1e-6
    )  # fmt: skip
    # Three rows of one cell are told as "at most 5"; seven were longer than Search allows.
    assert found.other == {"rows": 5, "cells": 1, "unfit_rows": 7}
    population = found.population
    assert population.words["Search"] == {0: 2, 0.1: 2, 0.25: 2, 0.5: 4, 0.75: 4, 0.9: 4, 1: 4}
    # Generate has fewer than 50 rows: the quantiles of all functions.
    assert population.words["Generate"][0] == 2
    # 80 of 83 rows name their class; three that do not are too few to tell.
    assert population.naming == 1
    assert population.places[0] == pytest.approx(0.125, abs=0.5 / observed.BINS)
    assert population.places[1] == pytest.approx(0.875, abs=0.5 / observed.BINS)
    # What the table does not tell is the pack's.
    assert population.bands == creative.population.bands
    assert population.scenarios == {"single": 1}


@pytest.mark.parametrize("name", ["q.csv", "q.csv.gz", "q.jsonl", "q.jsonl.gz", "q.parquet"])
def test_every_format_counts_the_same(creative: Pack, tmp_path: Path, name: str) -> None:
    # An extra column, one with quotes, commas and line breaks, one that a sniffer takes for a
    # comment, one for a date.
    odd = [('#1 cat,\n"photo"', "Search", "Photo"), ("2024-01-01", "Search", "Any")] * 6
    frame = table_of([*ROWS, *odd]).with_columns(extra=pl.lit("x"))
    expected = counted(frame, tmp_path, creative)
    assert expected["function"].sum() == len(ROWS) + 12
    path = tmp_path / name
    if name.endswith("parquet"):
        frame.write_parquet(path)
    else:
        text = frame.write_csv() if "csv" in name else frame.write_ndjson()
        data = text.encode()
        path.write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    found = count(path, creative)
    assert all(np.array_equal(found[key], expected[key]) for key in expected)


def test_each_locale_is_read_by_its_own_words(creative: Pack, tmp_path: Path) -> None:
    english = creative.frames["en"]
    german = replace(english, classes={**english.classes, "Photo": ("bild",)})
    two = replace(creative, locales=("en", "de"), frames={"en": english, "de": german})
    rows = [("bild katze", "Search", "Photo", "de")] * 400
    path = tmp_path / "queries.csv"
    table_of(rows, "query function content_type locale").write_csv(path)
    block = load(ROOT / "params.yaml").population
    found, _ = population.observed(two, Pools(two), path, block)
    # Each names its class, by its first word.
    assert found.population.naming == 1
    assert max(found.population.places.values()) <= 0.5
    table_of([(*row[:3], "en") for row in rows], "query function content_type locale").write_csv(
        path
    )
    other, _ = population.observed(two, Pools(two), path, block)
    assert other.population.naming == 0


def test_locales_are_counted_and_default_to_the_first(creative: Pack, tmp_path: Path) -> None:
    two = replace(creative, locales=("en", "de"), frames=dict.fromkeys(
        ("en", "de"), creative.frames["en"]))  # fmt: skip
    rows = [*[("cat", "Search", "Any", "de")] * 10, *[("cat", "Search", "Any", None)] * 30]
    frame = pl.DataFrame(rows, schema=["query", "function", "content_type", "locale"], orient="row")
    found = told(counted(frame, tmp_path, two), two).population
    assert found.locales == {"en": 30, "de": 10}
    without = told(counted(frame.drop("locale"), tmp_path, two), two).population
    assert without.locales == creative.population.locales


histograms = st.lists(st.integers(0, 40), min_size=17, max_size=17)


@settings(max_examples=60, deadline=None)
@given(histograms, histograms, st.integers(1, 12), st.none() | st.floats(0.1, 50))
def test_no_figure_rests_on_fewer_than_min_count(
    creative: Pack, first: list[int], second: list[int], least: int, epsilon: float | None
) -> None:
    kinds = len(creative.frames["en"].classes)
    cells = np.array([first[:kinds], second[:kinds]])
    lengths = np.array([(first + second)[:40], (second + first)[:40]])
    counts = {
        "function": np.append(cells.sum(axis=1), first[kinds]),
        "content_type": cells,
        "words": np.pad(lengths, ((0, 0), (0, 40 - lengths.shape[1]))),
        "places": np.resize(np.array(second), observed.BINS + 1),
    }
    counts["words"][0, 10:] = 0
    try:
        found = told(counts, creative, least, epsilon)
    except InputError as error:
        assert "min_count" in str(error)
        return
    made = shares(found, creative)
    assert sum(made.values()) == pytest.approx(1)
    for name in ("rows", "unfit_rows"):
        assert found.other[name] == 0 or found.other[name] >= least
    if epsilon is None:
        kept = cells * (cells >= least)
        names = list(creative.frames["en"].classes)
        for i, function in enumerate(LIMITS):
            for j, kind in enumerate(names):
                wanted = kept[i, j] / kept.sum()
                assert made.get((function, kind), 0) == pytest.approx(wanted, abs=1e-4)
    for name, quantiles in found.population.words.items():
        values = list(quantiles.values())
        assert values == sorted(values)
        assert values[0] >= 1 and values[-1] <= LIMITS[name]
    places = list(found.population.places.values())
    assert places == sorted(places) and places[0] >= 0 and places[-1] <= 1


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
    counts = {name: np.full((200, 200), 1000) for name in ("a", "words", "places")}
    noisy = observed.noised(counts, 0.5, np.random.default_rng(1))
    for table in noisy.values():
        # Laplace of scale b = 3 / 0.5: mean 0, standard deviation b sqrt(2).
        assert (table - 1000).mean() == pytest.approx(0, abs=5 * 6 * 2**0.5 / 200)
        assert (table - 1000).std() == pytest.approx(6 * 2**0.5, rel=0.05)
    assert not np.array_equal(noisy["a"], noisy["words"])


def test_noise_reaches_empty_cells_and_never_a_negative_count() -> None:
    noisy = observed.noised({"a": np.zeros((50, 50), int)}, 0.1, np.random.default_rng(1))
    assert noisy["a"].min() == 0
    assert 0.3 < (noisy["a"] > 0).mean() < 0.7


def test_noise_differs_between_runs_unless_the_environment_fixes_it(
    creative: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = counted(table_of(ROWS * 20), tmp_path, creative)

    def figures() -> Any:
        return told(counts, creative, 5, 1.0).population.affinity

    monkeypatch.delenv("ROUTENATOR_NOISE_SEED", raising=False)
    assert figures() != figures()
    monkeypatch.setenv("ROUTENATOR_NOISE_SEED", "7")
    assert figures() == figures()
    monkeypatch.setenv("ROUTENATOR_NOISE_SEED", "x")
    with pytest.raises(InputError, match="ROUTENATOR_NOISE_SEED"):
        figures()


SHIFTED = [("cat", "a private query", "Any"), *[("cat", "Search", "Any")] * 20]


@pytest.mark.parametrize(
    ("frame", "message"),
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
    creative: Pack, tmp_path: Path, frame: pl.DataFrame, message: str
) -> None:
    with pytest.raises(InputError, match=message) as error:
        told(counted(frame, tmp_path, creative), creative)
    assert "private" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "data", "message"),
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
    creative: Pack, tmp_path: Path, name: str, data: bytes | None, message: str
) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=message) as error:
        count(tmp_path / name, creative)
    assert "private" not in str(error.value)


# --- the stage


def stage(folder: Path, source: str, **change: Any) -> subprocess.CompletedProcess[str]:
    """Run the stage in `folder`, whose pack is folder/pack with the functions of `creative`."""
    (folder / "pack").mkdir(exist_ok=True)
    for name in ("catalogue.json", "pack.yaml", "population.yaml"):
        shutil.copy(PACK / name, folder / "pack")
    shutil.copytree(PACK / "vocabularies", folder / "pack" / "vocabularies", dirs_exist_ok=True)
    pack = YAML().load((folder / "pack" / "pack.yaml").read_text("utf-8"))
    pack["name"] = "own"  # of no templates, so that nothing ingested is read
    with (folder / "pack" / "pack.yaml").open("w", encoding="utf-8") as stream:
        YAML().dump(pack, stream)
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
    found = [done.stdout.encode(), done.stderr.encode()]
    for file in tmp_path.rglob("*"):
        if file.is_file() and file.name != "queries.csv":
            found.append(file.read_bytes())
            found.append(file.name.encode())
    assert (tmp_path / "data/population/strata.json").is_file()
    for text in found:
        assert not re.search(rb"zq\d+xj|wv\dkk", text)
    record = json.loads((tmp_path / "data/population/strata.json").read_text("utf-8"))
    assert record["epsilon"] == epsilon
    assert sum(one["share"] for one in record["strata"]) == pytest.approx(1)


def test_the_projects_own_statistics_pass_the_stage(tmp_path: Path) -> None:
    done = stage(tmp_path, "population.yaml")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "data/population/strata.json").read_text("utf-8"))["strata"]
    search = sum(one["share"] for one in found if one["values"]["function"] == "Search")
    assert search == pytest.approx(237 / 460)
    assert len(found) == 64


def test_another_statistics_file_is_taken(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    text = (PACK / "population.yaml").read_text("utf-8").replace("Search: 237", "Search: 0")
    (tmp_path / "pack" / "other.yaml").write_text(text, "utf-8")
    done = stage(tmp_path, "other.yaml")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "data/population/strata.json").read_text("utf-8"))["strata"]
    assert {one["values"]["function"] for one in found} == {"Generate"}


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
def test_a_real_log_gives_sane_figures(creative: Pack, epsilon: float | None) -> None:
    found = told(count(ATELIER, creative), creative, 5, epsilon)
    made = shares(found, creative)
    frame = pl.read_csv(ATELIER)
    size = frame["query"].map_elements(words.count, return_dtype=pl.Int64)
    limit = frame["function"].replace_strict(LIMITS)
    fit = frame.filter((size >= 1) & (size <= limit))
    cells = fit.group_by("function", "content_type").len()
    kept = cells.filter(pl.col("len") >= 5)
    for function, kind, rows in kept.iter_rows():
        wanted = rows / int(kept["len"].sum())
        assert made[function, kind] == pytest.approx(wanted, abs=0.01 if epsilon else 1e-5)
    assert found.other["unfit_rows"] == pytest.approx(
        frame.height - fit.height, abs=60 if epsilon else 0
    )
    quantiles = found.population.words
    assert 5 <= quantiles["Search"][0.5] <= 8 <= quantiles["Generate"][0.5]
    assert found.population.naming is not None and 0.5 < found.population.naming < 0.9
