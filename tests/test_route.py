"""Apportionment, templates, walks, and plans by templates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as settings_
from hypothesis import strategies as st
from scipy import stats

from stages.core import ingested, pack, plan, prompts, settings
from stages.core.apportion import apportion
from stages.core.command import InputError
from stages.core.ingested import Ingested, Row
from stages.core.pack import Pack
from stages.core.plan import Plan
from stages.core.quantiles import probabilities
from stages.core.strata import Stratum
from stages.core.tables import Edges, Nodes, Plans
from stages.core.templates import Header, Template, environment
from stages.planning import plans, templated
from stages.planning.material import Material
from stages.planning.plans import Planned, Settings
from stages.planning.templated import Aims, Templates
from tests.conftest import PACK

ROOT = Path(__file__).parents[1]


# --- apportionment


@given(st.integers(0, 10_000), st.lists(st.floats(0, 1e6), min_size=1, max_size=40))
def test_apportionment_is_exact_and_within_one(total: int, shares: list[float]) -> None:
    if not sum(shares):
        with pytest.raises(ValueError, match="zero"):
            apportion(total, shares)
        return
    parts = apportion(total, shares)
    quotas = total * (np.asarray(shares) / np.sum(shares))
    assert parts.sum() == total
    assert (np.abs(parts - quotas) < 1 + 1e-6).all()


# --- templates


def write_template(folder: Path, header: str, body: str, name: str = "text/one.j2") -> None:
    path = folder / "own" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"---\n{header}\n---\n{body}\n", "utf-8")
    (folder / "own" / "lexicon.yaml").write_text("mood: [calm]\n", "utf-8")


HEADER = """route: text
functions: [Search]
values: {content_type: [Photo]}
words: [1, 5]
locales: [en]
weight: 1
sources: [scene]"""


@pytest.fixture
def own(filled: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pack:
    """The pack with templates in a folder of the test's own, prompts/own."""
    monkeypatch.setattr(pack, "PROMPTS", tmp_path)
    return replace(filled, name="own")


def test_the_projects_templates_load(filled: Pack) -> None:
    loaded = prompts.load(filled)
    routes = [t.header.route for t in loaded]
    assert routes.count("heuristic") >= 8
    assert routes.count("text") >= 24
    assert routes.count("vision") >= 4


@pytest.mark.parametrize(
    ("header", "body", "told"),
    [
        (HEADER, "{{ objct }}", "unknown variable 'objct'"),
        (HEADER.replace("[scene]", "[scene, theme]"), "x", "several sources fill 'object'"),
        (HEADER, "{{ title }}", "unknown variable 'title'; add asset to sources"),
        (HEADER.replace("scene", "dream"), "x", "unknown source 'dream'"),
        (HEADER.replace("[Photo]", "[Hologram]"), "x", "unknown content_type 'Hologram'"),
        (HEADER.replace("content_type", "kind"), "x", "unknown dimension 'kind'"),
        (HEADER.replace("[Search]", "[Find]"), "x", "unknown function 'Find'"),
        (HEADER.replace("[en]", "[xx]"), "x", "unknown locale 'xx'"),
        (HEADER.replace("[1, 5]", "[5, 1]"), "x", "is no range"),
        (HEADER + "\ncolour: red", "x", "colour: Extra inputs"),
        (HEADER + "\nrequires: [colour]", "x", "gives a column 'colour'"),
        (HEADER.replace("weight: 1", "weight: -1"), "x", "weight"),
        (HEADER.replace("route: text", "route: vision"), "x", "differs from its folder"),
        (HEADER, "{{ object ", r"one\.j2:10: unexpected end"),
        (HEADER, "", "body is empty"),
    ],
)
def test_bad_templates_are_refused(
    own: Pack, tmp_path: Path, header: str, body: str, told: str
) -> None:
    write_template(tmp_path, header, body)
    with pytest.raises(InputError, match=told) as error:
        prompts.load(own)
    assert "one.j2" in str(error.value)


def test_all_problems_are_told_at_once(own: Pack, tmp_path: Path) -> None:
    write_template(tmp_path, HEADER, "{{ a }} {{ b }}")
    write_template(tmp_path, HEADER, "{{ c }}", "text/two.j2")
    with pytest.raises(InputError, match=r"3 problem\(s\)"):
        prompts.load(own)


def test_templates_reach_no_internals() -> None:
    from jinja2.exceptions import SecurityError

    template = environment().from_string("{{ ''.__class__.__mro__ }}")
    with pytest.raises(SecurityError):
        template.render()


# --- material and plans

NODES = [("i1", "bake sale", "intent"), ("i2", "gala", "intent"), ("d1", "flyer", "design_type"),
         ("d2", "logo", "design_type"), ("o1", "cake", "scene_object"),
         ("o2", "stork", "scene_object"), ("a1", "rising", "action"),
         ("s1", "cosy", "style")]  # fmt: skip
LINKS = [("i1", "d1", "calls_for", 0.9), ("i1", "d2", "calls_for", 0.1),
         ("i2", "d2", "calls_for", 0.5), ("i1", "o1", "depicts", 0.9), ("i2", "o2", "depicts", 0.5),
         ("o1", "a1", "does", 1.0), ("i1", "s1", "suits", 1.0), ("i2", "s1", "suits", 1.0),
         ("o1", "o2", "near", 1.0), ("o1", "s1", "looks", 1.0)]  # fmt: skip


def photo(number: int, **changes: Any) -> Row:
    columns = {"asset_id": f"p{number}", "content_type": "Photo", "title": f"photo {number}",
               "work_title": None, "keywords": ["k"], "topics": [], "image_path": None,
               "function": ["Search", "Generate"] if number % 2 == 0 else ["Search"],
               "click_through_rate": 0.1}  # fmt: skip
    return Row(f"photos/p{number}", "en", columns | changes)


def small(creative: Pack, links: Any = LINKS, rows: list[Row] | None = None) -> Pack:
    """The pack with a graph of eight concepts and seven photos."""
    nodes = pl.DataFrame([(*node, "en") for node in NODES], Nodes.schema(), orient="row")
    edges = pl.DataFrame(links, Edges.schema(), orient="row")
    photos = [photo(n) for n in range(7)] if rows is None else rows
    return replace(creative, ingested=Ingested({"photos": photos}, nodes, edges))


def material(creative: Pack, seed: int = 1, **changes: Any) -> Material:
    return Material(small(creative, **changes), seed)


def template(name: str, **change: Any) -> Template:
    base = {
        "route": name.split("/")[0], "functions": ["Search"],
        "values": {"content_type": ["Photo", "Any"]}, "words": (1, 5), "locales": ["en"],
        "weight": 1.0, "sources": ["scene"],
    }  # fmt: skip
    # All that the slots hold.
    body = "{{ object }} {{ action }} {{ other }} {{ look }} {{ title }} {{ keywords }}"
    return Template(name, Header.model_validate(base | change), body)


def stratum(kind: str = "Photo", share: float = 1.0, band: str = "1-4", function: str = "Search"
            ) -> Stratum:  # fmt: skip
    low, high = (int(n) for n in band.split("-"))
    values = {"scenario": "single", "function": function, "locale": "en", "band": band,
              "content_type": kind}  # fmt: skip
    return Stratum(values, share, low, high)


STRATA = [stratum("Photo", 0.7), stratum("Any", 0.2), stratum("Audio", 0.1)]
BOTH = {"heuristic": 1.0, "text": 1.0}


def chosen(rows: int = 60, weights: Mapping[str, float] = BOTH) -> Settings:
    return Settings(rows, {}, weights, 1, surplus=0.2, heuristic_surplus=0.0, reserve=2.0)


def planned(
    creative: Pack, loaded: list[Template], strata: list[Stratum] = STRATA,
    settings: Settings | None = None, seed: int = 1, **changes: Any,
) -> Planned:  # fmt: skip
    made = Templates(loaded, material(creative, seed, **changes))
    pack = made.material.pack
    return plans.plans(pack, settings or chosen(), seed, all_strata=strata, templates=made)


def test_walks_keep_to_relations_and_classes(creative: Pack) -> None:
    made = material(creative)
    drawn = made.draw_walk("occasion", "Template", 50)
    # i2 has no design type for a Template and o2 does nothing, so only one walk gets through.
    for slot, only in {"intent": "bake sale", "design_type": "flyer", "object": "cake",
                       "action": "rising", "style": "cosy"}.items():  # fmt: skip
        assert {made.labels[i] for i in drawn[slot]} == {only}


def test_no_walk_gets_through(creative: Pack) -> None:
    assert material(creative).walk("occasion", "Audio") is None


def test_links_follow_weights(creative: Pack) -> None:
    links = [(a, b, r, 1e-9 if b == "o2" else w) for a, b, r, w in LINKS]
    made = material(creative, links=[*links, ("i1", "o2", "depicts", 1e-9)])
    _, steps = made.walk("theme", "Photo") or (None, [])
    drawn = steps[0].step(np.zeros(50, dtype=np.int64), np.random.default_rng(0))
    assert {made.labels[i] for i in drawn} == {"cake"}


@given(st.data(), st.integers(1, 60))
def test_draws_of_a_resource_are_its_first_and_all_different(data: st.DataObject, n: int) -> None:
    resource = np.array(data.draw(st.lists(st.integers(-1, 2), min_size=n, max_size=n)))
    kept = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    turn = np.array(data.draw(st.lists(st.floats(0, 3), min_size=n, max_size=n)))
    found = templated.draw_numbers(resource, turn, kept)
    for number in range(3):
        members = kept & (resource == number)
        assert sorted(found[members]) == list(range(members.sum()))
    assert (found[~kept | (resource < 0)] == -1).all()


def test_every_item_is_used_before_any_twice(creative: Pack) -> None:
    loaded = [template("text/a", sources=["asset"]), template("heuristic/b", sources=["asset"])]
    made = planned(creative, loaded, STRATA[:1]).plans
    uses = Counter(item for one in made for item in one.asset_ids).values()
    assert len(uses) == 7 and max(uses) - min(uses) <= 1


def test_other_weights_ask_for_the_same_plans_of_a_model(creative: Pack) -> None:
    """What another experiment paid for is asked for again, so the store has it."""
    loaded = [template("text/a"), template("text/c", sources=["asset"]),
              template("heuristic/b", sources=["asset", "scene"])]  # fmt: skip

    def asked(**weights: float) -> set[tuple[Any, ...]]:
        made = planned(creative, loaded, settings=chosen(400, weights)).plans
        return {(one.template_id, str(one.slots), one.seed, one.words)
                for one in made if one.route == "text"}  # fmt: skip

    many, few, alone = asked(heuristic=1, text=1), asked(heuristic=3, text=1), asked(text=1)
    assert len(few) < len(many) < len(alone)
    assert few < many < alone


def test_by_clicks_the_more_clicked_come_earlier_and_none_twice(creative: Pack) -> None:
    rates = [0.9, None, 0.01, 0.01, 0.01, 0.01, 0.01]
    rows = [photo(n, click_through_rate=rate) for n, rate in enumerate(rates)]
    header = template("text/a", sources=["asset"]).header
    places: dict[int, list[int]] = {i: [] for i in range(7)}
    for seed in range(200):
        made = Material(small(creative, rows=rows), seed, by_clicks=True)
        pool = made.pool(made.key("asset", header, STRATA[0]))
        assert pool is not None
        drawn = pool.tolist()
        assert sorted(drawn) == list(range(7))
        for place, row in enumerate(drawn):
            places[row].append(place)
    means = [np.mean(places[i]) for i in range(7)]
    assert means[0] < means[1] < min(means[2:])


def test_an_item_serves_the_strata_that_its_columns_name(creative: Pack) -> None:
    made = material(creative)
    header = template("text/a", functions=["Search", "Generate"], sources=["asset"]).header
    for function, size in (("Search", 7), ("Generate", 4)):
        pool = made.pool(made.key("asset", header, stratum(function=function)))
        assert pool is not None and len(pool) == size
    assert made.pool(made.key("asset", header, stratum("Video"))) is None
    other = template("text/a", sources=["asset"], items={"content_type": ["Photo"]}).header
    assert made.pool(made.key("asset", other, stratum("Video"))) is not None
    needy = template("text/a", sources=["asset"], requires=["work_title"]).header
    assert made.pool(made.key("asset", needy, stratum())) is None


def test_a_list_that_is_empty_has_the_items_first_text(creative: Pack) -> None:
    assert material(creative).items[3]["topics"] == ["Photo"]


def test_a_stratum_without_template_is_named_and_its_share_goes_to_the_others(
    creative: Pack,
) -> None:
    made = planned(creative, [template("text/a")])
    assert len(made.warnings) == 1
    assert "Search" in made.warnings[0] and "Audio" in made.warnings[0]
    assert sum(one.quota for one in made.strata) == 60


def test_a_stratum_without_a_walk_is_named_and_its_share_goes_to_the_others(
    creative: Pack,
) -> None:
    # The graph has no occasion that calls for a Photo, so only one stratum of two finds a walk.
    kinds = {"content_type": ["Photo", "Template"]}
    walker = template("text/a", values=kinds, sources=["occasion"])
    made = planned(creative, [walker], [STRATA[0], stratum("Template", 0.2)])
    assert [(one["content_type"], one.quota) for one in made.strata] == [("Template", 60)]
    assert "Photo" in made.warnings[0]


def test_an_empty_pack_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"catalogue\.json is missing"):
        pack.load(tmp_path)
    with pytest.raises(InputError, match="is no folder"):
        pack.load(tmp_path / "none")


def test_a_pack_without_items_and_graph_serves_nothing(creative: Pack) -> None:
    both = [template("text/a"), template("text/b", sources=["asset"])]
    bare = Material(replace(creative, ingested=Ingested()), 1)
    with pytest.raises(InputError, match="no stratum can be written"):
        plans.plans(bare.pack, chosen(), 1, all_strata=STRATA, templates=Templates(both, bare))


def test_nothing_served_is_refused(creative: Pack) -> None:
    only_audio = template("text/a", values={"content_type": ["Audio"]}, sources=["occasion"])
    with pytest.raises(InputError, match="no stratum can be written"):
        planned(creative, [only_audio])


def test_plans_are_complete_ranked_and_deterministic(creative: Pack) -> None:
    def table(seed: int) -> pl.DataFrame:
        items = {"content_type": ["Photo"]}
        both = template("heuristic/b", sources=["scene", "asset"], items=items)
        made = planned(creative, [template("text/a"), both], seed=seed).plans
        rows = pl.DataFrame([plan.to_record(one) for one in made], Plans.schema(), orient="row")
        return Plans.pandera_model().validate(rows)

    found = table(1)
    assert found.equals(table(1))
    assert not found.equals(table(2))
    assert sorted(found["route"].unique()) == ["heuristic", "text"]
    for _, group in found.group_by("route", "stratum"):
        assert sorted(group["rank"]) == list(range(group.height))
        assert group.height >= group["quota"][0] * 2
    one: Plan = plan.from_record(found.filter(route="heuristic").row(0, named=True))
    assert {"object", "action", "other", "look", "title", "keywords"} == set(one.slots)
    assert one.asset_ids and one.node_ids and one.template_id == "heuristic/b"
    assert [a.provenance for a in one.calls[0].arguments] == ["user", "derived"]


@settings_(deadline=None)
@given(st.integers(0, 10_000), st.integers(20, 300))
def test_aims_follow_the_quantiles_over_any_first_plans(
    creative: Pack, seed: int, first: int
) -> None:
    aims = Aims({"Search": {0.0: 1.0, 0.5: 2.0, 1.0: 4.0}})
    rng = np.random.default_rng(seed)
    made = templated.aimed(STRATA[0], 500, aims, material(creative), rng)
    places = pl.Series(made["place"])[:first].to_numpy()
    assert stats.kstest(places, "uniform").statistic < 6 / first + 0.03
    words = np.asarray(made["words"][:first])
    wanted = probabilities({0: 1, 0.5: 2, 1: 4}, 1, 4)
    found = np.bincount(words, minlength=5)[1:] / first
    assert np.abs(found - wanted).max() < 6 / first + 0.03


def test_a_class_without_words_has_no_place_for_one(creative: Pack) -> None:
    made = [
        templated.aimed(stratum(kind), 2, Aims(), material(creative), np.random.default_rng(0))
        for kind in ("Any", "Photo")
    ]
    assert [pl.Series(m["place"]).null_count() for m in made] == [2, 0]


# --- recipes


@pytest.mark.parametrize(
    ("recipe", "routes"),
    [
        ("heuristic", {"heuristic"}),
        ("single_prompt", {"text"}),
        ("router", {"text", "vision"}),
        ("router_heuristic", {"heuristic", "text", "vision"}),
    ],
)
def test_every_recipe_serves_every_stratum_of_the_pack(
    filled: Pack, recipe: Any, routes: set[str]
) -> None:
    served = [t.header for t in prompts.load(filled) if t.header.serves(recipe)]
    assert {h.route for h in served} == routes
    for function, bands in filled.population.bands.items():
        for kind in filled.frames["en"].classes:
            fits = [
                h for h in served if function in h.functions and kind in h.values["content_type"]
            ]
            assert min(h.words[0] for h in fits) <= 4
            assert max(h.words[1] for h in fits) == bands[-1]


def test_the_single_prompt_is_one_for_each_function(filled: Pack) -> None:
    single = [t.header for t in prompts.load(filled) if t.header.serves("single_prompt")]
    assert [h.functions for h in single] == [["Generate"], ["Search"]]


def test_without_bands_the_shares_stay() -> None:
    bands = [stratum(share=0.5), stratum(share=0.2, band="5-9"), STRATA[1]]
    merged = templated.unbanded(bands)
    assert [one["band"] for one in merged] == ["1-9", "1-4"]
    assert merged[0].share == pytest.approx(0.7)
    assert (merged[0].min_words, merged[0].max_words) == (1, 9)


def test_the_ingested_tables_are_those_of_the_pack(routed: Path) -> None:
    known = pack.load(PACK)
    names, with_graph = known.asked
    found = ingested.read(routed / "data" / "ingested", names, with_graph)
    assert set(found.rows) == set(names) and found.nodes.height > 1000


# --- settings


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("  rows: ", "  row: ", "route.rows"),
        ("    heuristic: 0.6", "    heuristic: much", "route.weights.heuristic"),
        ("    text: 0.3", "    text: -1", "route.weights.text"),
        ("seed: 42", "seed: [", "not readable YAML"),
    ],
)
def test_bad_params_are_one_message(tmp_path: Path, old: str, new: str, told: str) -> None:
    text = (ROOT / "params.yaml").read_text("utf-8")
    assert old in text
    (tmp_path / "params.yaml").write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(InputError, match=told):
        settings.load(tmp_path / "params.yaml")
