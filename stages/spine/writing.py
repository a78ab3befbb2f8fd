"""What the stage `generate` writes for plans, and the checks of it: one writer per route."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, NamedTuple

from stages.checks import call as checks
from stages.checks.call import Context, Refusal
from stages.core import pack as packs
from stages.core import plan, prompts
from stages.core.parallel import over_rows
from stages.core.plan import Plan, user_turns
from stages.core.settings import Settings
from stages.core.templates import lexicon
from stages.core.text import normalized
from stages.engines import Answer, Ask, Failed, Messages, store
from stages.generation import dialogue
from stages.generation.asking import Asker
from stages.generation.heuristic import Grammar
from stages.generation.patterns import Patterns
from stages.generation.prompting import query_of
from stages.generation.rewording import Rewording
from stages.generation.writer import Writer
from stages.generation.written import Written
from stages.spine.said import messages

# Plans from which on it pays to start processes, and those that one gets at a time.
LEAST, PART = 2_048, 256
# In place of a check: the engine had no answer; the query repeats another.
ENGINE, DUPLICATE = "engine", "duplicate"
# A row of Plans, with `today` of its tool set.
Row = dict[str, Any]


class Candidate(NamedTuple):
    """A query, of several messages of the user a line each; the template or phrase that it is of,
    the check that refuses it and why, None for one that may be taken, its conversation as JSON, and
    where it names its class.
    """

    query: str
    template_id: str
    check: str | None
    reason: str | None
    messages: str
    place: float | None


class Reply(NamedTuple):
    """What was written for a plan. answer: the model's, or Failed; model, key: who was asked."""

    candidates: list[Candidate]
    answer: Answer
    model: str
    key: str


Wait = Callable[[], list[Reply]]


def planned(row: Row) -> tuple[Plan, datetime.date | None]:
    """The plan of a row, and the day of its conversation."""
    record = dict(row)
    today = record.pop("today")
    return plan.from_record(record), datetime.date.fromisoformat(today) if today else None


def judged(
    said: Sequence[Written], one: Plan, context: Context, template_id: str,
    refusal: Refusal | None = None,
) -> Candidate:  # fmt: skip
    """The user's messages with the checks' verdict on them, each against its own turn. context: of
    all of them, but for their surfaces; refusal: one that was made already.
    """
    own = [(w.query, turn.plan, replace(context, surfaces=w.surfaces))
           for w, turn in zip(said, user_turns(one), strict=True)]  # fmt: skip
    refusal = refusal or next(filter(None, (checks.verdict(*three) for three in own)), None)
    labeled, position = (one, None)
    if refusal is None and len(one.turns) == 1:
        labeled, position = checks.labels(*own[0])
    queries = [w.query for w in said]
    spoken = json.dumps(messages(queries, labeled, context.pack.catalogue), ensure_ascii=False)
    check, reason = refusal or (None, None)
    return Candidate("\n".join(queries), template_id, check, reason, spoken, position)


@lru_cache(1)
def patterns(folder: str, typo_share: float) -> tuple[Patterns, Grammar, dict[str, str]]:
    """A pack's phrases and its templates of the heuristic route, read once per process; and the
    digest of each template.
    """
    pack = packs.load_ingested(folder)
    templates = prompts.load(pack, "heuristic")
    words = lexicon(pack.templates) if pack.templates is not None else {}
    grammar = Grammar(templates, pack, words, typo_share)
    return Patterns(pack, typo_share), grammar, {t.template_id: t.digest for t in templates}


def heuristic(rows: list[Row], folder: str, typo_share: float) -> list[Reply]:
    """What templates and phrases give for plans: no model, no prompt."""
    phrases, grammar, digests = patterns(folder, typo_share)
    made = []
    for row in rows:
        one, today = planned(row)
        said = (
            [Written(grammar.write(one), one.template_id)]
            if one.template_id
            else dialogue.write(one, phrases, *one.band)
        )
        context = Context(phrases.pack, one.locale, today)
        candidate = judged(said, one, context, dialogue.template_of(said))
        digest = digests.get(one.template_id, "")
        made.append(Reply([candidate], candidate.query, "heuristic", digest))
    return made


def by_patterns(settings: Settings) -> Callable[[list[Row]], Wait]:
    """The writer of the route heuristic."""
    arguments = settings.pack, settings.generate.heuristic.typo_share
    patterns(*arguments)  # before any process is started, for what is wrong with a template
    return lambda batch: partial(over_rows, heuristic, batch, *arguments, least=LEAST, part=PART)


class Models:
    """The writer of a route that asks a model: from the templates of its plans, and where a plan
    has none, for other words of a pattern's sentence.
    """

    def __init__(self, settings: Settings, route: str, rows: Sequence[Row]) -> None:
        self.settings, self.pack = settings, packs.load_ingested(settings.pack)
        plans = [planned(row)[0] for row in rows]
        phrased = [one for one in plans if not one.template_id]
        self.writer = Writer(self.pack, settings, route) if len(phrased) < len(plans) else None
        self.asker = self.writer.asker if self.writer else Asker(settings, "writer", route)
        self.rewording = Rewording(Patterns(self.pack), phrased)
        sampling = getattr(settings.generate, route).sampling.model_dump()
        self.sampling = self.asker.accepted(sampling)

    def start(self, batch: list[Row]) -> Wait:
        """Begin to write, and give what waits for it."""
        plans = [planned(row) for row in batch]
        by_template = [n for n, (one, _) in enumerate(plans) if one.template_id]
        phrased = [n for n, (one, _) in enumerate(plans) if not one.template_id]
        waits = [(by_template, self._templates([plans[n] for n in by_template])),
                 (phrased, self._phrases([plans[n] for n in phrased]))]  # fmt: skip

        def written() -> list[Reply]:
            replies = {n: reply for numbers, wait in waits
                     for n, reply in zip(numbers, wait(), strict=True)}  # fmt: skip
            return [replies[n] for n in range(len(batch))]

        return written

    def prompt(self, row: Row) -> Messages:
        """The messages that the model gets for a plan, but for a picture; of plans with pictures
        those that were started alone.
        """
        one, _ = planned(row)
        if one.template_id and self.writer is not None:
            return self.writer.prompt(one)[0]
        return self.rewording.ask(one, *one.band).messages

    def _templates(self, plans: list[tuple[Plan, datetime.date | None]]) -> Wait:
        if not plans or self.writer is None:
            return list
        wait = self.writer.start([one for one, _ in plans])

        def written() -> list[Reply]:
            made = []
            for (one, today), draft in zip(plans, wait(), strict=True):
                context = Context(
                    self.pack, one.locale, today, prompt=draft.prompt, seen=draft.seen
                )
                refusal = _failed(draft.answer)
                candidates = [
                    judged([Written(query, "")], one, context, one.template_id, refusal)
                    for query in draft.queries
                ]
                prompt_hash = store.short(draft.key)
                made.append(Reply(candidates, draft.answer, self.asker.model, prompt_hash))
            return made

        return written

    def _phrases(self, plans: list[tuple[Plan, datetime.date | None]]) -> Wait:
        if not plans:
            return list
        rewordings = [self.rewording.ask(one, *one.band) for one, _ in plans]
        seeds = [one.request_seed(self.settings.seed) for one, _ in plans]
        wait = self.asker.start(
            [
                Ask(a.messages, self.sampling, seed)
                for a, seed in zip(rewordings, seeds, strict=True)
            ]
        )

        def written() -> list[Reply]:
            made = []
            for (one, today), a, (key, answer) in zip(plans, rewordings, wait(), strict=True):
                query = "" if isinstance(answer, Failed) else query_of(answer)
                # Of the prompt nothing may leak but the sentence that is to be said anew.
                prompt = "\n".join(message["content"] for message in a.messages[:-1])
                context = Context(
                    self.pack, one.locale, today, prompt=prompt, sentence=a.sentence.query
                )
                said, template_id = a.sentence._replace(query=query), a.sentence.template_id
                candidate = judged([said], one, context, template_id, _failed(answer))
                if candidate.check is None and normalized(query) == normalized(a.sentence.query):
                    candidate = candidate._replace(
                        check=DUPLICATE, reason="the pattern's own words"
                    )
                made.append(Reply([candidate], answer, self.asker.model, store.short(key)))
            return made

        return written


def _failed(answer: Answer) -> Refusal | None:
    return Refusal(ENGINE, answer.reason) if isinstance(answer, Failed) else None
