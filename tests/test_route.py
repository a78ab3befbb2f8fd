"""Population targets, apportionment, templates, walks and the plan of requests."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as settings_
from hypothesis import strategies as st
from scipy import stats

from stages.core import domain, prompts, settings
from stages.core.apportion import apportion
from stages.core.command import InputError
from stages.core.domain import Domain
from stages.core.quantiles import probabilities
from stages.core.settings import Route, Weights
from stages.core.tables import Assets, Edges, Nodes, Requests
from stages.planning import plan
from stages.planning.material import Material

ROOT = Path(__file__).parents[1]
CREATIVE = domain.load(ROOT / "data" / "domains" / "creative")


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
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"---\n{header}\n---\n{body}\n", "utf-8")
    (folder / "lexicon.yaml").write_text("mood: [calm]\n", "utf-8")


HEADER = """route: text
functions: [Search]
content_types: [Photo]
words: [1, 5]
locales: [en]
weight: 1
sources: [scene]"""


def test_the_projects_templates_load(creative: Domain) -> None:
    loaded = prompts.load(creative)
    routes = [t.header.route for t in loaded]
    assert routes.count("heuristic") >= 8
    assert routes.count("text") >= 24
    assert routes.count("vision") >= 4


@pytest.mark.parametrize(
    ("header", "body", "told"),
    [
        (HEADER, "{{ objct }}", "unknown variable 'objct'"),
        (HEADER.replace("[scene]", "[scene, theme]"), "x", "several sources fill 'object'"),
        (HEADER, "{{ title }}", "unknown variable 'title'"),
        (HEADER.replace("scene", "dream"), "x", "unknown source 'dream'"),
        (HEADER.replace("[Photo]", "[Hologram]"), "x", "unknown content type 'Hologram'"),
        (HEADER.replace("[Search]", "[Find]"), "x", "unknown function 'Find'"),
        (HEADER.replace("[en]", "[xx]"), "x", "unknown locale 'xx'"),
        (HEADER.replace("[1, 5]", "[5, 1]"), "x", "is no range"),
        (HEADER + "\ncolour: red", "x", "colour: Extra inputs"),
        (HEADER.replace("weight: 1", "weight: -1"), "x", "weight"),
        (HEADER.replace("route: text", "route: vision"), "x", "differs from its folder"),
        (HEADER, "{{ object ", r"one\.j2:10: unexpected end"),
        (HEADER, "", "body is empty"),
    ],
)
def test_bad_templates_are_refused(
    creative: Domain, tmp_path: Path, header: str, body: str, told: str
) -> None:
    write_template(tmp_path, header, body)
    with pytest.raises(InputError, match=told) as error:
        prompts.load(creative, tmp_path)
    assert "one.j2" in str(error.value)


def test_all_problems_are_told_at_once(creative: Domain, tmp_path: Path) -> None:
    write_template(tmp_path, HEADER, "{{ a }} {{ b }}")
    write_template(tmp_path, HEADER, "{{ c }}", "text/two.j2")
    with pytest.raises(InputError, match=r"3 problem\(s\)"):
        prompts.load(creative, tmp_path)


def test_templates_reach_no_internals() -> None:
    from jinja2.exceptions import SecurityError

    template = prompts.environment().from_string("{{ ''.__class__.__mro__ }}")
    with pytest.raises(SecurityError):
        template.render()


# --- material and plan


def material(creative: Domain, seed: int = 1) -> Material:
    ids = ["i1", "i2", "d1", "d2", "o1", "o2", "a1", "s1"]
    kinds = ["intent", "intent", "design_type", "design_type", "scene_object", "scene_object",
             "action", "style"]  # fmt: skip
    labels = ["bake sale", "gala", "flyer", "logo", "cake", "stork", "rising", "cosy"]
    nodes = pl.DataFrame({"node_id": ids, "label": labels, "kind": kinds, "locale": "en"})
    links = [
        ("i1", "d1", "calls_for", 0.9), ("i1", "d2", "calls_for", 0.1),
        ("i2", "d2", "calls_for", 0.5), ("i1", "o1", "depicts", 0.9),
        ("i2", "o2", "depicts", 0.5), ("o1", "a1", "does", 1.0), ("i1", "s1", "suits", 1.0),
        ("i2", "s1", "suits", 1.0), ("o1", "o2", "near", 1.0), ("o1", "s1", "looks", 1.0),
    ]  # fmt: skip
    edges = pl.DataFrame(links, schema=["source", "target", "relation", "weight"], orient="row")
    assets = pl.DataFrame(
        {
            "asset_id": [f"p{i}" for i in range(7)],
            "content_type": "Photo",
            "title": [f"photo {i}" for i in range(7)],
            "work_title": None,
            "keywords": [["k"]] * 7,
            "topics": [["t"]] * 7,
            "locale": "en",
            "ai_generated": [i % 2 == 0 for i in range(7)],
            "aspect_ratio": 1.0,
            "click_through_rate": 0.1,
            "image_path": None,
        },
        schema_overrides={"work_title": pl.String, "image_path": pl.String},
    )
    return Material(
        creative,
        Nodes.pandera_model().validate(nodes),
        Edges.pandera_model().validate(edges),
        Assets.pandera_model().validate(assets),
        seed,
    )


def test_walks_keep_to_relations_and_types(creative: Domain) -> None:
    drawn = material(creative).draw_walk("occasion", "Template", 50)
    labels = material(creative).labels
    # i2 has no Template design type and o2 does nothing, so only one walk gets through.
    for slot, only in {"intent": "bake sale", "design_type": "flyer", "object": "cake",
                       "action": "rising", "style": "cosy"}.items():  # fmt: skip
        assert {labels[i] for i in drawn[slot]} == {only}


def test_no_walk_gets_through(creative: Domain) -> None:
    assert material(creative).walk("occasion", "Audio") is None


def test_links_follow_weights(creative: Domain) -> None:
    made = material(creative)
    made.edges = made.edges.with_columns(
        weight=pl.when(pl.col("target") == "d2").then(0.3).otherwise(0.9)
    )
    made.__post_init__()
    kept = made.numbered.filter(pl.col("relation") == "calls_for")
    assert kept.height == 3
    _, links = made.walk("theme", "Photo") or (None, [])
    assert (
        links[0].step(np.zeros(10, dtype=np.int64), np.random.default_rng(0)).tolist() == [4] * 10
    )


@given(st.data(), st.integers(1, 60))
def test_draws_of_a_resource_are_its_first_and_all_different(data: st.DataObject, n: int) -> None:
    resource = np.array(data.draw(st.lists(st.integers(-1, 2), min_size=n, max_size=n)))
    kept = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    turn = np.array(data.draw(st.lists(st.floats(0, 3), min_size=n, max_size=n)))
    found = plan.places(resource, turn, kept)
    for number in range(3):
        members = kept & (resource == number)
        assert sorted(found[members]) == list(range(members.sum()))
    assert (found[~kept | (resource < 0)] == -1).all()


def test_every_asset_is_used_before_any_twice(creative: Domain) -> None:
    made = material(creative)
    loaded = [template("text/a", sources=["asset"]), template("heuristic/b", sources=["asset"])]
    cells, _ = plan.share_out(CELLS[:1], loaded, made, chosen())
    table = plan.requests(cells, loaded, made, chosen(), {})
    uses = Counter(table["asset_id"]).values()
    assert len(uses) == 7 and max(uses) - min(uses) <= 1


def test_other_weights_ask_for_the_same_requests_of_a_model(creative: Domain) -> None:
    """What another experiment paid for is asked for again, so the store has it."""
    made = material(creative)
    loaded = [template("text/a"), template("text/c", sources=["asset"]),
              template("heuristic/b", sources=["asset", "scene"])]  # fmt: skip

    def asked(**weights: float) -> set[tuple[str, ...]]:
        settings = chosen(rows=400, weights=Weights(**{"vision": 0} | weights))
        cells, _ = plan.share_out(CELLS, loaded, made, settings)
        table = plan.requests(cells, loaded, made, settings, {}).filter(route="text")
        return set(table.select("template_id", "slots", "seed", "words").iter_rows())

    many, few, alone = (
        asked(heuristic=1, text=1),
        asked(heuristic=3, text=1),
        asked(text=1, heuristic=0),
    )
    assert len(few) < len(many) < len(alone)
    assert few < many < alone


def test_by_clicks_the_more_clicked_come_earlier_and_none_twice(creative: Domain) -> None:
    header = prompts.Header(
        route="text", functions=["Search"], content_types=["Photo"], words=(1, 5),
        locales=["en"], weight=1, sources=["asset"],
    )  # fmt: skip
    places: dict[int, list[int]] = {i: [] for i in range(7)}
    for seed in range(200):
        made = material(creative, seed)
        made.by_clicks = True
        rates = [0.9, None, 0.01, 0.01, 0.01, 0.01, 0.01]
        made.assets = made.assets.with_columns(click_through_rate=pl.Series(rates))
        pool = made.pool(header, "Search", "Photo")
        assert pool is not None
        drawn = pool.tolist()
        assert sorted(drawn) == list(range(7))
        for place, row in enumerate(drawn):
            places[row].append(place)
    means = [np.mean(places[i]) for i in range(7)]
    assert means[0] < means[1] < min(means[2:])


def test_generated_pictures_only_where_the_domain_says(creative: Domain) -> None:
    made = material(creative)
    header = prompts.Header(
        route="text", functions=["Generate"], content_types=["Photo"], words=(1, 5),
        locales=["en"], weight=1, sources=["asset"],
    )  # fmt: skip
    pool = made.pool(header, "Generate", "Photo")
    assert pool is not None
    assert made.assets["ai_generated"].gather(pool).all()


def chosen(**change: Any) -> Route:
    base = {
        "rows": 60, "weights": Weights(heuristic=1, text=1, vision=0), "min_per_cell": 1,
        "recipe": "router_heuristic", "asset_order": "shuffled", "surplus": 0.2,
        "heuristic_surplus": 0.0, "reserve": 2.0,
    }  # fmt: skip
    return Route.model_validate(base | change)


def template(name: str, **change: Any) -> prompts.Template:
    base = {
        "route": name.split("/")[0], "functions": ["Search"], "content_types": ["Photo", "Any"],
        "words": (1, 5), "locales": ["en"], "weight": 1.0, "sources": ["scene"],
    }  # fmt: skip
    return prompts.Template(name, prompts.Header.model_validate(base | change), "{{ object }}")


CELLS = [
    {"function": "Search", "content_type": kind, "band": "1-4", "min_words": 1, "max_words": 4,
     "locale": "en", "share": share}
    for kind, share in (("Photo", 0.7), ("Any", 0.2), ("Audio", 0.1))
]  # fmt: skip


def test_a_cell_without_template_is_named_and_its_share_goes_to_the_others(
    creative: Domain,
) -> None:
    cells, warnings = plan.share_out(CELLS, [template("text/a")], material(creative), chosen())
    assert len(warnings) == 1
    assert "Search x Audio" in warnings[0]
    assert sum(cell["quota"] for cell in cells) == 60


def test_a_cell_without_a_walk_is_named_and_its_share_goes_to_the_others(
    creative: Domain,
) -> None:
    # The graph has no occasion that calls for a Photo, so only one cell of two finds a walk.
    walker = template("text/a", content_types=["Photo", "Template"], sources=["occasion"])
    wanted = [CELLS[0], {**CELLS[1], "content_type": "Template"}]
    cells, warnings = plan.share_out(wanted, [walker], material(creative), chosen())
    assert [c["content_type"] for c in cells] == ["Template"]
    assert cells[0]["quota"] == 60
    assert "Search x Photo" in warnings[0]


def test_an_empty_pack_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"domain\.yaml is missing"):
        domain.load(tmp_path)
    with pytest.raises(InputError, match="is no folder"):
        domain.load(tmp_path / "none")


def test_a_pack_without_assets_and_graph_serves_nothing(creative: Domain) -> None:
    made = material(creative)
    bare = Material(creative, made.nodes.clear(), made.edges.clear(), made.assets.clear(), 1)
    templates = [template("text/a"), template("text/b", sources=["asset"])]
    with pytest.raises(InputError, match="no cell can be served"):
        plan.share_out(CELLS, templates, bare, chosen())


def test_nothing_served_is_refused(creative: Domain) -> None:
    only_audio = template("text/a", content_types=["Audio"], sources=["occasion"])
    with pytest.raises(InputError, match="no cell can be served"):
        plan.share_out(CELLS, [only_audio], material(creative), chosen())


def test_requests_are_complete_ranked_and_deterministic(creative: Domain) -> None:
    def planned(seed: int) -> pl.DataFrame:
        made = material(creative, seed)
        both = template("heuristic/b", sources=["scene", "asset"], asset_types=["Photo"])
        loaded = [template("text/a"), both]
        cells, _ = plan.share_out(CELLS, loaded, made, chosen())
        return Requests.pandera_model().validate(plan.requests(cells, loaded, made, chosen(), {}))

    table = planned(1)
    assert table.equals(planned(1))
    assert not table.equals(planned(2))
    assert sorted(table["route"].unique()) == ["heuristic", "text"]
    for _, group in table.group_by("route", "content_type"):
        assert sorted(group["rank"]) == list(range(group.height))
        assert group.height >= group["quota"][0] * 2
    slots = json.loads(table.filter(pl.col("route") == "heuristic")["slots"][0])
    assert {"object", "action", "other", "look", "title", "keywords"} <= set(slots)


@settings_(deadline=None)
@given(st.integers(0, 10_000), st.integers(20, 300))
def test_aims_follow_the_quantiles_over_any_first_requests(seed: int, first: int) -> None:
    known = CREATIVE
    cell = {"function": "Search", "content_type": "Photo", "min_words": 1, "max_words": 4}
    target = {"words": {"Search": {"0": 1, "0.5": 2, "1": 4}}}
    made = plan.aims(cell, 500, target, known, np.random.default_rng(seed))
    positions = pl.Series(made["type_position"])[:first].to_numpy()
    assert stats.kstest(positions, "uniform").statistic < 6 / first + 0.03
    words = np.asarray(made["words"][:first])
    wanted = probabilities({0: 1, 0.5: 2, 1: 4}, 1, 4)
    found = np.bincount(words, minlength=5)[1:] / first
    assert np.abs(found - wanted).max() < 6 / first + 0.03


def test_a_type_without_words_has_no_place_for_one(creative: Domain) -> None:
    cells = [{"function": "Search", "content_type": t, "min_words": 1, "max_words": 4}
             for t in ("Any", "Photo")]  # fmt: skip
    made = [plan.aims(cell, 2, {}, creative, np.random.default_rng(0)) for cell in cells]
    assert [pl.Series(m["type_position"]).null_count() for m in made] == [2, 0]


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
def test_every_recipe_serves_every_cell_of_the_pack(
    creative: Domain, recipe: Any, routes: set[str]
) -> None:
    served = [t.header for t in prompts.load(creative) if t.header.serves(recipe)]
    assert {h.route for h in served} == routes
    for function in creative.functions:
        for kind in creative.content_types:
            fits = [h for h in served if function.name in h.functions and kind in h.content_types]
            assert min(h.words[0] for h in fits) <= 4
            assert max(h.words[1] for h in fits) == function.max_words


def test_the_single_prompt_is_one_for_each_function(creative: Domain) -> None:
    single = [t.header for t in prompts.load(creative) if t.header.serves("single_prompt")]
    assert [h.functions for h in single] == [["Generate"], ["Search"]]


def test_without_bands_the_shares_stay() -> None:
    bands = [
        {**CELLS[0], "band": "1-4", "share": 0.5},
        {**CELLS[0], "band": "5-9", "min_words": 5, "max_words": 9, "share": 0.2},
        CELLS[1],
    ]
    merged = plan.unbanded(bands)
    assert [c["band"] for c in merged] == ["1-9", "1-4"]
    assert merged[0]["share"] == pytest.approx(0.7)
    assert (merged[0]["min_words"], merged[0]["max_words"]) == (1, 9)


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
