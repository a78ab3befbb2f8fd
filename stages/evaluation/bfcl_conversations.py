"""BFCL's conversations (multi-turn): played as BFCL plays them, and judged."""

from __future__ import annotations

import json
from collections.abc import Sequence

from stages import formats
from stages.evaluation import episodes
from stages.evaluation.bfcl import PACKAGE, Row
from stages.evaluation.bfcl_checker import EXCEEDS, MAX_REASON, Judged, Played
from stages.evaluation.bfcl_worlds import World, Worlds, start_of, worlds
from stages.evaluation.episodes import MOST_STEPS, TOO_LONG, TOO_MANY_STEPS, Ask, Episode, Turn
from stages.formats import Format
from stages.formats.parsed import Parsed

# BFCL's code of a conversation that was ended before its last turn.
TERMINATED = "multi_turn:force_terminated"


def episode(row: Row, form: Format, done_in: Worlds) -> Episode:
    """A row's conversation before its first turn. All functions of its classes are shown, but those
    held back.
    """
    assert row.scenario is not None
    formats.check(form, row.catalogue, f"{PACKAGE}, {row.row_id}")
    turns = [Turn(said, row.shown(at)) for at, said in enumerate(row.scenario.turns)]
    return Episode(form, turns, World(done_in, start_of(row)), MOST_STEPS)


def play(rows: Sequence[Row], form: Format, ask: Ask) -> list[Judged]:
    """The rows' conversations, played and judged, in order."""
    with worlds() as done_in:
        played = [episode(row, form, done_in) for row in rows]
        episodes.play(played, ask)
        return [judged(row, one) for row, one in zip(rows, played, strict=True)]


def judged(row: Row, played: Episode) -> Judged:
    """A conversation that has ended, judged as BFCL does: it is right if all turns are. One that
    had to end before its last turn is wrong.
    """
    assert row.scenario is not None and isinstance(played.environment, World)
    gold, asked = row.scenario.gold, [turn for turn in played.steps if turn]
    is_whole = len(played.steps) == len(gold) and played.ended != TOO_LONG
    ended = played.steps if is_whole else played.steps[:-1]
    calls = [[list(zip(step.parsed.calls, step.results, strict=True)) for step in turn]
             for turn in ended]  # fmt: skip
    error, reason, right = played.environment.verdict(calls, gold)
    if played.ended == TOO_LONG:
        error, reason = EXCEEDS, f"turn {len(played.steps) - 1}"
    elif played.ended == TOO_MANY_STEPS and not is_whole:
        error, reason = TERMINATED, f"turn {len(played.steps) - 1}"
    steps = [step for turn in asked for step in turn]
    unreadable = next((step.parsed.error for step in steps if step.parsed.error), None)
    parsed = Parsed(tuple(call for step in steps for call in step.parsed.calls), unreadable, "")
    said = json.dumps([[step.completion for step in turn] for turn in asked], ensure_ascii=False)
    return Judged(row, said, parsed, error, reason[:MAX_REASON], Played(asked, right))
