"""A plan: one conversation to be written, its calls and what is said of them fixed beforehand.

Everything here is immutable and survives `from_json(to_json(plan)) == plan`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, get_args

from stages.core.conversation import Call
from stages.core.strata import BAND

# Where an argument's value comes from: said by the user, not said and taken as the schema's or the
# pack's default, computed from the text, given back by an earlier call, known from the world.
Provenance = Literal["user", "default", "derived", "result", "state"]
# What the assistant does in a turn; `step`: calls that go on from what earlier calls gave back.
Act = Literal["call", "step", "ask", "refuse", "answer"]
# Those that call; those with which it answers what calls gave back, not the user.
CALLING: tuple[Act, ...] = ("call", "step")
UNASKED: tuple[Act, ...] = ("step", "answer")
# Why a call fails.
Failing = Literal["not_found", "unavailable", "invalid_value", "permission"]
PROVENANCES: tuple[str, ...] = get_args(Provenance)
FAILING: tuple[str, ...] = get_args(Failing)
ACTS: tuple[str, ...] = get_args(Act)
# Lists of an argument that are left out where they are empty, in the order of its fields.
LISTS = ("path", "asset_ids", "node_ids")


@dataclass(frozen=True)
class Argument:
    """One value of a call. `surface`: the words chosen to say it, None if it is not said.

    `path`: the nested property below `name` that the value stands at, () for the argument itself.
    asset_ids, node_ids: the content items and the concepts of the graph that the value comes from.
    """

    name: str
    value: Any
    provenance: Provenance
    surface: str | None = None
    path: tuple[str, ...] = ()
    asset_ids: tuple[str, ...] = ()
    node_ids: tuple[str, ...] = ()

    @property
    def slot(self) -> str:
        """The name by which a phrase asks for it: `party_size`, nested `address.city`."""
        return ".".join((self.name, *self.path))


@dataclass(frozen=True)
class PlannedCall:
    """A call with its arguments in the order of the schema; nested ones stand side by side."""

    function: str
    arguments: tuple[Argument, ...] = ()

    @property
    def call(self) -> Call:
        """The call as the model must answer it, nested properties put together."""
        values: dict[str, Any] = {}
        for argument in self.arguments:
            holder, last = values, argument.name
            for key in argument.path:
                holder = holder.setdefault(last, {})
                last = key
            holder[last] = argument.value
        return Call(self.function, values)

    @property
    def said(self) -> tuple[Argument, ...]:
        """The arguments that the user says."""
        return tuple(a for a in self.arguments if a.surface is not None)


@dataclass(frozen=True)
class Turn:
    """One turn of the assistant, with which it answers a message of the user; but for `step` and
    `answer`, with which it answers what the calls of the turn before gave back.

    For the act `ask`, `calls` holds the one call that is wanted, with what is known of it, and
    `missing` is the required argument that the user did not say. For `refuse` it holds the call
    that the user wants of a function which the tool set does not show, or nothing for chit-chat.
    The turn after one that asks is the call that was wanted, whole.

    results: what calls give back, a JSON object each, () for a conversation that ends before. For
    `answer`, `failing` is why the call failed, None if it did not, and `missing` the argument that
    its error names. text: the request itself, for a turn of several that refuses chit-chat.

    wanted: the calls that the user's message asks for, where they are not the turn's own: of a
    request that takes several steps the last, an argument of which may be said by how it is found
    ("my latest order"). state: the digest of the world after the last step of a request.
    """

    act: Act
    calls: tuple[PlannedCall, ...] = ()
    missing: str | None = None
    results: tuple[Mapping[str, Any], ...] = ()
    failing: Failing | None = None
    text: str | None = None
    wanted: tuple[PlannedCall, ...] = ()
    state: str | None = None

    @property
    def spoken(self) -> tuple[PlannedCall, ...]:
        """The calls that the user's message asks for."""
        return self.wanted or self.calls


@dataclass(frozen=True)
class Plan:
    """One conversation to be written. `stratum`: dimension -> value; `rank`: 0, 1, ... within the
    stratum and route, of which the first `quota` accepted are wanted; `seed`: for all that is drawn
    while it is written.

    A `no_call` plan of chit-chat has the request itself in `text`. What a template needs: slots,
    its variables' values; words, place: number of words, and place of the word for the class (0,
    the start, to 1), that are aimed at, 0 and None for any.
    """

    plan_id: str
    scenario: str
    stratum: Mapping[str, str]
    tool_set: str
    turns: tuple[Turn, ...]
    route: str
    template_id: str
    rank: int
    quota: int
    locale: str
    seed: int
    asset_ids: tuple[str, ...] = ()
    node_ids: tuple[str, ...] = ()
    image_path: str | None = None
    text: str | None = None
    slots: Mapping[str, Any] = field(default_factory=dict)
    words: int = 0
    place: float | None = None

    @property
    def band(self) -> tuple[int, int]:
        """Fewest and most words that its stratum allows, (0, 0) for any."""
        low, _, high = self.stratum.get(BAND, "").partition("-")
        return (int(low), int(high)) if low.isdigit() and high.isdigit() else (0, 0)

    def request_seed(self, seed: int) -> int:
        """The seed with which a model writes it, in a run of this seed."""
        return (seed + self.seed) % 2**31

    @property
    def turn(self) -> Turn:
        """The last turn, of a conversation of one turn the only one."""
        return self.turns[-1]

    @property
    def calls(self) -> tuple[PlannedCall, ...]:
        """The calls of the last turn."""
        return self.turns[-1].calls


class UserTurn(NamedTuple):
    """A message of the user. plan: the plan as if it had the one turn that answers the message, its
    calls with no more than what the message says; asked: the argument that the assistant has just
    asked for, None where it did not.
    """

    plan: Plan
    asked: str | None = None


def user_turns(plan: Plan) -> tuple[UserTurn, ...]:
    """The messages of the user, in their order: what writes and checks one query does so with each.
    A plan of one turn is that of its only message itself.
    """
    if len(plan.turns) == 1:
        return (UserTurn(plan),)
    messages = []
    asked: str | None = None
    for turn in plan.turns:
        if turn.act in UNASKED:
            continue
        own = replace(turn, calls=turn.spoken, wanted=())
        own = own if asked is None else replace(own, calls=_asked_for(own.calls, asked))
        messages.append(UserTurn(replace(plan, turns=(own,), text=own.text), asked))
        asked = turn.missing if turn.act == "ask" else None
    return tuple(messages)


def _asked_for(calls: tuple[PlannedCall, ...], name: str) -> tuple[PlannedCall, ...]:
    """The calls with this argument alone: the user has said the others before."""
    return tuple(
        replace(call, arguments=tuple(a for a in call.arguments if a.name == name))
        for call in calls
    )


def with_derived(plan: Plan, values: Mapping[tuple[str, str], str]) -> Plan:
    """The plan with the values of its derived arguments, by function and slot."""

    def filled(call: PlannedCall) -> PlannedCall:
        arguments = tuple(
            replace(a, value=values[call.function, a.slot])
            if (call.function, a.slot) in values
            else a
            for a in call.arguments
        )
        return replace(call, arguments=arguments)

    turns = tuple(replace(turn, calls=tuple(map(filled, turn.calls))) for turn in plan.turns)
    return replace(plan, turns=turns)


def origins(turns: tuple[Turn, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The content items and the concepts that the values of these turns come from, each once."""
    arguments = [a for turn in turns for call in turn.calls for a in call.arguments]
    assets = dict.fromkeys(one for a in arguments for one in a.asset_ids)
    return tuple(assets), tuple(dict.fromkeys(one for a in arguments for one in a.node_ids))


def turns_to_json(turns: tuple[Turn, ...]) -> str:
    """The column `turns` of routed/plans.parquet; what has its default is left out."""
    return json.dumps([_turn(turn) for turn in turns], ensure_ascii=False, separators=(",", ":"))


def _turn(turn: Turn) -> dict[str, Any]:
    record: dict[str, Any] = {"act": turn.act}
    if turn.calls:
        record["calls"] = [_call(call) for call in turn.calls]
    if turn.missing is not None:
        record["missing"] = turn.missing
    if turn.results:
        record["results"] = list(turn.results)
    if turn.failing is not None:
        record["failing"] = turn.failing
    if turn.text is not None:
        record["text"] = turn.text
    if turn.wanted:
        record["wanted"] = [_call(call) for call in turn.wanted]
    if turn.state is not None:
        record["state"] = turn.state
    return record


def _call(call: PlannedCall) -> dict[str, Any]:
    return {"function": call.function, "arguments": [_argument(a) for a in call.arguments]}


def _argument(argument: Argument) -> dict[str, Any]:
    record = {
        "name": argument.name,
        "value": argument.value,
        "provenance": argument.provenance,
    }
    if argument.surface is not None:
        record["surface"] = argument.surface
    for name in LISTS:
        if ids := getattr(argument, name):
            record[name] = list(ids)
    return record


def turns_from_json(text: str) -> tuple[Turn, ...]:
    """The turns that `turns_to_json` wrote. Raises ValueError, KeyError or TypeError otherwise."""
    turns = []
    for record in json.loads(text):
        if record["act"] not in ACTS:
            raise ValueError(f"act {record['act']!r:.40} is none of {', '.join(ACTS)}")
        failing = record.get("failing")
        if failing not in (None, *FAILING):
            raise ValueError(f"failing {failing!r:.40} is none of {', '.join(FAILING)}")
        calls, wanted = (tuple(map(_read_call, record.get(key, ()))) for key in ("calls", "wanted"))
        results = tuple(record.get("results", ()))
        missing, text, state = (record.get(key) for key in ("missing", "text", "state"))
        turns.append(Turn(record["act"], calls, missing, results, failing, text, wanted, state))
    return tuple(turns)


def _read_call(record: dict[str, Any]) -> PlannedCall:
    return PlannedCall(record["function"], tuple(map(_read_argument, record["arguments"])))


def _read_argument(record: dict[str, Any]) -> Argument:
    if record["provenance"] not in PROVENANCES:
        raise ValueError(
            f"provenance {record['provenance']!r:.40} is none of {', '.join(PROVENANCES)}"
        )
    return Argument(
        record["name"],
        record["value"],
        record["provenance"],
        record.get("surface"),
        *(tuple(record.get(name, ())) for name in LISTS),
    )


def to_record(plan: Plan) -> dict[str, Any]:
    """A row of routed/plans.parquet: `stratum` and `turns` are JSON texts, ids are lists."""
    return {
        "plan_id": plan.plan_id,
        "scenario": plan.scenario,
        "stratum": json.dumps(dict(plan.stratum), ensure_ascii=False, separators=(",", ":")),
        "tool_set": plan.tool_set,
        "turns": turns_to_json(plan.turns),
        "route": plan.route,
        "template_id": plan.template_id,
        "rank": plan.rank,
        "quota": plan.quota,
        "locale": plan.locale,
        "seed": plan.seed,
        "asset_ids": list(plan.asset_ids),
        "node_ids": list(plan.node_ids),
        "image_path": plan.image_path,
        "text": plan.text,
        "slots": json.dumps(dict(plan.slots), ensure_ascii=False, separators=(",", ":")),
        "words": plan.words,
        "place": plan.place,
    }


def from_record(record: Mapping[str, Any]) -> Plan:
    """The plan of a row that `to_record` made."""
    return Plan(
        **{
            **record,
            "stratum": json.loads(record["stratum"]),
            "turns": turns_from_json(record["turns"]),
            "slots": json.loads(record["slots"]),
            "asset_ids": tuple(record["asset_ids"]),
            "node_ids": tuple(record["node_ids"]),
        }
    )


def to_json(plan: Plan) -> str:
    """A plan as one line of JSON."""
    return json.dumps(to_record(plan), ensure_ascii=False, separators=(",", ":"))


def from_json(text: str) -> Plan:
    """The plan that `to_json` wrote."""
    return from_record(json.loads(text))


@dataclass(frozen=True)
class ToolSet:
    """The functions that a conversation shows, in their order. `today`: the ISO date that the
    prompt names, for packs whose users say dates by words such as "tomorrow"; None for the others.
    """

    tool_set: str
    functions: tuple[str, ...]
    today: str | None = None
