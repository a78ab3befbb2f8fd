"""The strata of a population: shares, defaults, own dimensions, bands, errors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from stages.core.command import InputError
from stages.core.pack import Pack, load
from stages.core.pack_files import DEFAULT_SCENARIOS
from stages.core.strata import Stratum
from stages.planning.plans import Settings, plans
from stages.planning.sources import Pools
from stages.planning.strata import strata

CUISINE = {"type": "string", "enum": ["vegan", "noodles", "pizza"]}
TOOLS: list[dict[str, Any]] = [
    {
        "name": "order",
        "parameters": {
            "type": "object", "properties": {"cuisine": CUISINE}, "required": ["cuisine"],
        },
    },
    {
        "name": "rate",
        "parameters": {
            "type": "object",
            "properties": {
                "cuisine": {"enum": ["vegan", "pizza"]},
                "stars": {"type": "integer", "minimum": 1, "maximum": 5},
            },
            "required": ["stars"],
        },
    },
    {"name": "stop", "parameters": {}},
]  # fmt: skip
PACK = """
name: food
locales: [en, de]
arguments: {rate.cuisine: {share: 0.5}}
dimensions: {kind: "*.cuisine"}
"""


def pack(folder: Path, population: str = "", text: str = PACK, tools: Any = TOOLS) -> Pack:
    (folder / "catalogue.json").write_text(json.dumps(tools), "utf-8")
    (folder / "pack.yaml").write_text(text, "utf-8")
    if population:
        (folder / "population.yaml").write_text(population, "utf-8")
    return load(folder)


def made(folder: Path, population: str = "", **changes: Any) -> list[Stratum]:
    return strata(read := pack(folder, population, **changes), Pools(read))[0]


def share(found: Sequence[Stratum], **values: str) -> float:
    """The share of all strata that have these values."""
    return sum(s.share for s in found if all(s[name] == value for name, value in values.items()))


def test_without_a_population_functions_are_equal(tmp_path: Path) -> None:
    found = made(tmp_path)
    assert share(found) == pytest.approx(1)
    for name, part in DEFAULT_SCENARIOS.items():
        assert share(found, scenario=name) == pytest.approx(part, abs=1e-4)
    for function in ("order", "rate", "stop"):
        assert share(found, function=function) == pytest.approx(0.94 / 3, abs=1e-4)
    assert share(found, function="") == share(found, scenario="no_call")
    assert share(found, function="stop", scenario="missing_argument") == 0
    assert share(found, locale="de") == pytest.approx(0.5)


def test_a_dimension_of_two_functions(tmp_path: Path) -> None:
    found = made(tmp_path, "dimensions: {kind: {vegan: 1, noodles: 2, pizza: 1}}\n")
    said = share(found) - share(found, kind="")
    assert share(found, kind="noodles") == pytest.approx(said / 2, abs=1e-3)
    assert share(found, function="rate", kind="noodles") == 0
    assert share(found, function="stop") == pytest.approx(share(found, function="stop", kind=""))
    # Where the cuisine is all that can be missing, it is not said.
    asked = {"scenario": "missing_argument", "function": "order"}
    assert share(found, **asked) == pytest.approx(share(found, **asked, kind=""))
    rated = {"scenario": "single", "function": "rate"}
    assert share(found, **rated, kind="") == pytest.approx(share(found, **rated) / 2, abs=1e-3)


def test_affinities_and_marginals(tmp_path: Path) -> None:
    found = made(
        tmp_path,
        "functions: {order: 3, rate: 1}\n"
        "scenarios: {single: 9, missing_argument: 1}\n"
        "locales: {en: 0.8, de: 0.2}\n"
        "affinity:\n"
        "  function.locale: {order: {de: 4}, rate: {de: 0}}\n"
        "  kind.locale: {pizza: {de: 3}}\n",
    )
    assert share(found, function="order") == pytest.approx(0.75)
    assert share(found, scenario="missing_argument") == pytest.approx(0.1)
    assert share(found, locale="de") == pytest.approx(0.2)
    assert share(found, function="rate", locale="de") == 0
    assert share(found, function="stop") == 0 == share(found, scenario="no_call")
    in_german = share(found, kind="pizza", locale="de") / share(found, locale="de")
    assert in_german > 2 * share(found, kind="pizza", locale="en") / share(found, locale="en")


def test_length_bands(tmp_path: Path) -> None:
    words = 'words: {"*": {0: 1, 0.5: 5, 1: 20}, stop: {0: 1, 1: 2}}\n'
    found = made(tmp_path, words + 'bands: {"*": [5, 10, 20], stop: [2]}\n')
    order = share(found, function="order")
    assert share(found, function="order", band="1-5") == pytest.approx(order / 2, rel=0.12)
    assert share(found, function="stop", band="1-2") == pytest.approx(share(found, function="stop"))
    assert {(s.min_words, s.max_words) for s in found} == {(1, 5), (6, 10), (11, 20), (1, 2)}
    own = made(tmp_path, words)
    assert share(own) == pytest.approx(1) and len({s["band"] for s in own}) == 4


def test_a_value_that_a_locale_lacks_has_no_stratum_there(tmp_path: Path) -> None:
    tools = [{"name": "go", "parameters": {"type": "object", "properties": {"to": {}}}}]
    folder = tmp_path / "vocabularies"
    folder.mkdir()
    (folder / "en.yaml").write_text("city: [rome, oslo]\n", "utf-8")
    (folder / "de.yaml").write_text("city: {rome: [Rom]}\n", "utf-8")
    text = "name: p\nlocales: [en, de]\narguments: {go.to: {vocabulary: city}}\n"
    read = pack(tmp_path, text=text + "dimensions: {city: go.to}\n", tools=tools)
    found = strata(read, Pools(read))[0]
    assert share(found, city="oslo", locale="en") > 0 == share(found, city="oslo", locale="de")
    assert plans(read, Settings(50), 0).plans


BAD = [
    ("scenarios: {single: 1, missing_argument: 9}\nfunctions: {stop: 9, order: 1}\n", "share"),
    ("functions: {stop: 1}\naffinity: {function.scenario: {stop: {other: 1}}}\n", "no value of"),
    ("dimensions: {kind: {soup: 1}}\n", "'soup' is none of its values"),
    ('words: {"*": {0: 1, 1: 20}}\nbands: {"*": [5]}\n', "raise it"),
]


@pytest.mark.parametrize(("population", "message"), BAD)
def test_what_clashes_is_told(tmp_path: Path, population: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        made(tmp_path, population)


def test_a_dimension_needs_a_list_of_values(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no list of values"):
        made(tmp_path, text="name: p\ndimensions: {n: rate.stars}\n")


def test_a_scenario_that_nothing_allows_is_left_out(tmp_path: Path) -> None:
    read = pack(tmp_path, text="name: p\n", tools=TOOLS[2:])
    found, warnings = strata(read, Pools(read))
    assert {s["scenario"] for s in found} == {"single", "no_call"}
    assert len(warnings) == 2 and share(found) == pytest.approx(1)
