"""Population targets, apportionment, templates, walks and the plan of requests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.contracts import prompts, settings
from stages.contracts.apportion import apportion
from stages.contracts.command import InputError
from stages.contracts.domain import Domain
from stages.contracts.settings import Route, Weights
from stages.contracts.tables import Assets, Edges, Nodes, Requests
from stages.routing import plan, targets
from stages.routing.material import Material

ROOT = Path(__file__).parents[1]


# --- apportionment and targets


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


@given(st.integers(2, 5), st.integers(2, 8), st.randoms(use_true_random=False))
def test_fitting_meets_both_marginals(r: int, c: int, random: Any) -> None:
    affinity = np.array([[random.uniform(0.1, 3) for _ in range(c)] for _ in range(r)])
    rows, columns = np.array([random.uniform(0.1, 1) for _ in range(r)]), np.ones(c) / c
    rows /= rows.sum()
    table = targets.fit(affinity, rows, columns)
    assert np.allclose(table.sum(axis=1), rows, atol=1e-8)
    assert np.allclose(table.sum(axis=0), columns, atol=1e-8)


def test_fitting_without_affinity_is_the_product() -> None:
    rows, columns = np.array([0.3, 0.7]), np.array([0.5, 0.25, 0.25])
    assert np.allclose(targets.fit(np.ones((2, 3)), rows, columns), np.outer(rows, columns))


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


BANDS = {"Search": [4, 10], "Generate": [8, 40]}


def test_joint_target_sums_to_one(creative: Domain) -> None:
    cells = targets.joint(good_statistics(), BANDS, creative, Path("p.yaml"))
    assert sum(c["share"] for c in cells) == pytest.approx(1)
    photo = sum(c["share"] for c in cells if c["content_type"] == "Photo")
    assert photo == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"functions": {"Search": 0.5, "Generate": 0.6}}, "sum to 1.1, not to 1"),
        ({"functions": {"Search": -1, "Generate": 2}}, "functions.Search: -1 must not be negative"),
        ({"functions": {"Search": "half"}}, "'half' is no number"),
        ({"functions": {"Find": 1}}, "'Find' is unknown to domain.yaml"),
        ({"content_types": {"Hologram": 1}}, "'Hologram' is unknown"),
        ({"content_types": {"Photo": 0}}, "all shares are zero"),
        ({"content_types": {"Photo": float("nan")}}, "must not be negative"),
        ({"words": {"Search": {0: 1, 1: 10}}}, "no quantiles for Generate"),
        ({"words": {"Search": {0: 5, 1: 2}, "Generate": {0: 1, 1: 40}}}, "must not fall"),
        ({"words": {"Search": {0: 1, 1: 11}, "Generate": {0: 1, 1: 40}}}, "longest query has 11"),
        ({"affinity": {"Search": {"Photo": 0}, "Generate": {"Photo": 0}}}, "forbids everything"),
        ({"affinity": {"Search": {"Photo": -1}}}, "must be >= 0"),
        ({"colour": 1}, "unknown keys"),
    ],
)
def test_impossible_targets_are_refused(creative: Domain, change: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        targets.joint(good_statistics() | change, BANDS, creative, Path("p.yaml"))


def test_bands_must_end_at_the_functions_limit(creative: Domain) -> None:
    with pytest.raises(InputError, match="max_words 10"):
        targets.joint(good_statistics(), BANDS | {"Search": [4, 9]}, creative, Path("p.yaml"))


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
        (HEADER, "{{ object ", "line 1"),
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
        Nodes.validate(nodes),
        Edges.validate(edges),
        Assets.validate(assets),
        np.random.default_rng(seed),
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


def test_every_asset_is_drawn_before_any_twice(creative: Domain) -> None:
    made = material(creative)
    header = prompts.Header(
        route="text", functions=["Search"], content_types=["Photo"], words=(1, 5),
        locales=["en"], weight=1, sources=["asset"],
    )  # fmt: skip
    pool = made.pool(header, "Search", "Photo")
    assert pool is not None
    drawn = np.concatenate([pool.draw(3), pool.draw(5), pool.draw(6)])
    assert sorted(drawn[:7]) == sorted(drawn[7:]) == list(range(7))


def test_generated_pictures_only_where_the_domain_says(creative: Domain) -> None:
    made = material(creative)
    header = prompts.Header(
        route="text", functions=["Generate"], content_types=["Photo"], words=(1, 5),
        locales=["en"], weight=1, sources=["asset"],
    )  # fmt: skip
    pool = made.pool(header, "Generate", "Photo")
    assert pool is not None
    assert made.assets["ai_generated"].gather(pool.draw(4)).all()


def chosen(**change: Any) -> Route:
    base = {
        "rows": 60, "weights": Weights(heuristic=1, text=1, vision=0), "min_per_cell": 1,
        "surplus": 0.2, "heuristic_surplus": 0.0, "reserve": 2.0,
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


def test_zero_weights_are_refused(creative: Domain) -> None:
    nothing = chosen(weights=Weights(heuristic=0, text=0, vision=0))
    with pytest.raises(InputError, match="all are zero"):
        plan.share_out(CELLS, [template("text/a")], material(creative), nothing)


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
        return Requests.validate(plan.requests(cells, loaded, made, chosen()))

    table = planned(1)
    assert table.equals(planned(1))
    assert not table.equals(planned(2))
    assert sorted(table["route"].unique()) == ["heuristic", "text"]
    for _, group in table.group_by("route", "content_type"):
        assert sorted(group["rank"]) == list(range(group.height))
        assert group.height >= group["quota"][0] * 2
    slots = json.loads(table.filter(pl.col("route") == "heuristic")["slots"][0])
    assert {"object", "action", "other", "look", "title", "keywords"} <= set(slots)


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
