"""Plans: the population's strata, each with valid calls, a tool set and a route."""

from __future__ import annotations

import datetime
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from stages.core.command import InputError
from stages.core.pack import Pack
from stages.core.plan import Plan, ToolSet, origins
from stages.core.strata import FUNCTION, LOCALE, SCENARIO, Stratum
from stages.planning import chatter
from stages.planning.calls import Calls, Unbound
from stages.planning.presence import Presence, Sayable
from stages.planning.saying import sayable
from stages.planning.scenarios import SCENARIOS, traits
from stages.planning.scenarios.draws import Draws
from stages.planning.sources import TODAY, Pools, Stream, seed_of
from stages.planning.states import States
from stages.planning.strata import quotas, strata
from stages.planning.templated import Aims, Filling, Request, Templates
from stages.planning.tool_sets import ToolSets, tool_sets
from stages.planning.world_sets import world_sets

# Routes that write phrases, and the one that writes several turns.
ROUTES = ("heuristic", "text")
TURNS_ROUTE = "heuristic"
# Plans of a stratum that its world may not be able to do before they are given up; more by one for
# each that could be.
UNBOUND = 200
# What a plan without a template gets from it.
NOTHING = Filling("", {}, (), (), None, 0, None, 0)


@dataclass(frozen=True)
class Settings:
    """How much is planned. rows: of the dataset; weights: route -> weight where phrases write;
    by_template: the same where templates do; minimum: rows of every stratum at least; surplus,
    heuristic_surplus, reserve: as in params.yaml; sets, shown: number of tool sets, and functions
    of a set from and to; today: the day of all conversations, None for one of each tool set.
    """

    rows: int
    weights: Mapping[str, float] = field(default_factory=lambda: {"heuristic": 1.0})
    by_template: Mapping[str, float] = field(default_factory=dict)
    minimum: int = 0
    surplus: float = 0.15
    heuristic_surplus: float = 1.0
    reserve: float = 3.0
    sets: int = 200
    shown: tuple[int, int] = (8, 24)
    today: datetime.date | None = None


@dataclass(frozen=True)
class Planned:
    """What planning makes: plans ordered by stratum, route and rank; the strata with their quotas;
    the tool sets; warnings about what could not be planned.
    """

    plans: list[Plan]
    strata: list[Stratum]
    tool_sets: tuple[ToolSet, ...]
    warnings: list[str]


def plans(
    pack: Pack, settings: Settings, seed: int, can_say: Sayable | None = None,
    pools: Pools | None = None, all_strata: Sequence[Stratum] | None = None,
    templates: Templates | None = None, aims: Aims | None = None,
) -> Planned:  # fmt: skip
    """All plans of a pack, each call of which keeps its function's schema.

    can_say: whether a phrase says a set of arguments; by default the pack's phrases tell. pools:
    the pack's, where they are made already. all_strata: the population's, where they are made
    already. templates: what writes strata, beside phrases; aims: lengths and places for these. The
    plans of a stratum and route depend on the seed and its name alone; other sizes and weights keep
    the first of them. Raises InputError.
    """
    pools, warnings = pools or Pools(pack), list[str]()
    if all_strata is None:
        all_strata, warnings = strata(pack, pools)

    def weights(stratum: Stratum) -> dict[str, float]:
        if traits(stratum[SCENARIO]).has_turns:
            return {TURNS_ROUTE: settings.weights.get(TURNS_ROUTE, 0.0)}
        if templates is None or not templates.writes(stratum):
            return {route: settings.weights.get(route, 0.0) for route in ROUTES}
        return {r: settings.by_template.get(r, 0.0) for r in templates.eligible(stratum)}

    served, more = quotas(all_strata, settings.rows, settings.minimum, weights)
    warnings += more
    groups = world_sets(pack, seed, settings.sets, settings.shown) if pack.worlds else None
    sets = tool_sets(
        pack.trained, seed, count=settings.sets, shown=settings.shown,
        dated=dated(pack), today=settings.today,
        with_lacking=any(not traits(s[SCENARIO]).shows_target for s in served),
        together=max((traits(s[SCENARIO]).min_shown for s in served), default=1),
        groups=groups,
    )  # fmt: skip
    requests: dict[str, tuple[str, ...]] = {}
    if any(traits(s[SCENARIO]).chats for s in served):
        for locale in pack.locales:
            requests[locale], warning = chatter.requests(pack, locale)
            warnings += warning
    says = can_say or sayable(pack)
    filled: dict[tuple[str, str], Iterator[Filling]] = {}
    if templates is not None:
        to_fill = [
            Request(stratum, route, *_sizes(stratum, route, settings))
            for stratum in served
            if templates.writes(stratum)
            for route in stratum.routes
        ]
        filled = {
            (one.stratum.name, one.route): fillings
            for one, fillings in zip(
                to_fill, templates.fillings(to_fill, aims or Aims()), strict=True
            )
        } if to_fill else {}  # fmt: skip
    made: list[Plan] = []
    states = States(pack) if pack.worlds else None
    for stratum in served:
        for route, quota in stratum.routes.items():
            before = len(made)
            made += _plans(
                pack, pools, stratum, route, quota, settings, seed, sets, requests, says,
                filled.get((stratum.name, route)), states,
            )  # fmt: skip
            if traits(stratum[SCENARIO]).has_world and len(made) - before < quota:
                warnings.append(
                    f"{stratum[FUNCTION]}: {len(made) - before} conversations could be done in its "
                    f"world, of {quota} wanted: look at its conditions and at the initial states"
                )
    return Planned(made, served, sets.sets, warnings)


def _sizes(stratum: Stratum, route: str, settings: Settings) -> tuple[int, int]:
    """Plans of a stratum and route, and how many there would be if it had the whole stratum."""
    return tuple(  # type: ignore[return-value]
        math.ceil(candidates_needed(quota, stratum, route, settings) * settings.reserve)
        for quota in (stratum.routes[route], stratum.quota)
    )


def dated(pack: Pack) -> frozenset[str]:
    """The functions with an argument that is a date which users name by words and the call by its
    ISO value, and all of worlds, whose states have days.
    """
    return frozenset(pack.world_of) | frozenset(
        source.function
        for source in pack.by_key.values()
        for one in (source, *([source.of] if source.of else []))
        if one.kind == "date" and one.settings.as_ == "iso"
    )


def candidates_needed(quota: int, stratum: Stratum, route: str, settings: Settings) -> int:
    """Accepted candidates that a route with `quota` rows of a stratum should deliver."""
    spare = stratum.quota * settings.heuristic_surplus if route == "heuristic" else 0
    return math.ceil(quota * (1 + settings.surplus) + spare)


def _plans(
    pack: Pack, pools: Pools, stratum: Stratum, route: str, quota: int,
    settings: Settings, seed: int, sets: ToolSets, requests: Mapping[str, tuple[str, ...]],
    says: Sayable, fillings: Iterator[Filling] | None, states: States | None,
) -> Iterator[Plan]:  # fmt: skip
    """The plans of one stratum and route, by rank; none from where its world cannot be brought to
    do the function.
    """
    scenario, like = SCENARIOS[stratum[SCENARIO]], traits(stratum[SCENARIO])
    function, locale = stratum[FUNCTION], stratum[LOCALE]
    own = seed_of(seed, route, *stratum.key)
    name = f"{seed_of(0, *stratum.key):016x}"[:10]
    calls = None
    if like.has_function:
        fixed = {
            slots[function]: stratum[name]
            for name, slots in pack.dimensions.items()
            if function in slots
        }
        words = (stratum.min_words, stratum.max_words)
        calls = Calls(pools, Presence(pack, function, locale, own, says, fixed, words))

    @cache
    def of(other: str) -> Calls:
        return Calls(pools, Presence(pack, other, locale, seed_of(own, "beside", other), says))

    draws = Draws(pack, own, calls, of, requests.get(locale, ()), locale, states=states)
    if not like.has_function and not draws.chatter:
        raise InputError(
            f"{pack.folder}/vocabularies/{locale}.yaml: the scenario {stratum[SCENARIO]} needs "
            "requests that no function serves: list some under `chatter`"
        )
    usable = tuple(
        n
        for n in sets.for_plan(function, like.shows_target)
        if len(sets.sets[n].functions) >= like.min_shown
    )
    if not usable:
        raise InputError(
            f"tools.shown: the scenario {stratum[SCENARIO]} needs sets of {like.min_shown} "
            f"functions or more, and {function} is in none: raise tools.shown or tools.sets"
        )
    no_plan = {*pack.blocked, *(() if like.has_world else pack.stateful)}
    order = Stream(len(usable), seed_of(own, "tool sets"))
    seeds = random.Random(seed_of(own, "seeds"))
    needed = candidates_needed(quota, stratum, route, settings)
    wanted, failures, rank = math.ceil(needed * settings.reserve), 0, 0
    while rank < wanted:
        tool_set = sets.sets[usable[next(order)]]
        filling = next(fillings) if fillings is not None else NOTHING
        plan_seed = seeds.randrange(2**31 - 1) if fillings is None else filling.seed
        draws.choices = random.Random(plan_seed)
        draws.today = datetime.date.fromisoformat(tool_set.today) if tool_set.today else TODAY
        draws.shown = tuple(name for name in tool_set.functions if name not in no_plan)
        draws.tool_set = tool_set.tool_set
        try:
            turns, text = scenario.turns(draws)
        except Unbound:
            failures += 1
            if failures > UNBOUND + rank:
                return
            continue
        asset_ids, node_ids = origins(turns)
        if fillings is not None:
            asset_ids = tuple(dict.fromkeys((*filling.asset_ids, *asset_ids)))
            node_ids = tuple(dict.fromkeys((*filling.node_ids, *node_ids)))
        yield Plan(
            plan_id=f"{route}-{name}-{rank:06d}",
            scenario=stratum[SCENARIO],
            stratum=stratum.values,
            tool_set=tool_set.tool_set,
            turns=turns,
            route=route,
            template_id=filling.template_id,
            rank=rank,
            quota=needed,
            locale=locale,
            seed=plan_seed,
            asset_ids=asset_ids,
            node_ids=node_ids,
            text=text,
            image_path=filling.image_path,
            slots=filling.slots,
            words=filling.words,
            place=filling.place,
        )
        rank += 1
