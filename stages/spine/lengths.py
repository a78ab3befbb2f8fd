"""Whether the longest prompts and conversations of a pack fit the student, before any is made."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from stages import formats
from stages.core.conversation import Message
from stages.core.golden_rows import GoldenRow
from stages.core.pack import Pack
from stages.core.settings import Settings
from stages.core.strata import FUNCTION, LOCALE
from stages.engines import tokenizers
from stages.formats import Format, chat_template
from stages.formats.chat_template import ChatTemplate
from stages.generation.patterns import Patterns
from stages.planning.plans import dated
from stages.planning.sources import Pools
from stages.planning.strata import strata
from stages.planning.tool_sets import FIRST_DAY, tool_sets
from stages.spine.longest import longest, longest_chatter, longest_templated
from stages.training.tokens import encode

# Functions that an error names, and conversations that are counted exactly.
NAMED, COUNTED = 3, 3


class Lengths(NamedTuple):
    """What is too long for the stages to run, and notes."""

    problems: list[str]
    notes: list[str]


class Student(NamedTuple):
    """The student's limits and its chat template. costs: function -> tokens that it takes in a
    system prompt, to name the largest functions and tool sets.
    """

    template: ChatTemplate
    max_tokens: int | None
    form: Format
    today: str | None
    costs: Mapping[str, int]


class Case(NamedTuple):
    """A conversation, the functions that it shows, and about how many tokens it has."""

    shown: tuple[str, ...]
    spoken: Sequence[Message]
    about: int


def look(
    pack: Pack, pools: Pools, golden: Sequence[GoldenRow], settings: Settings,
    templated: frozenset[str] = frozenset(),
) -> Lengths:  # fmt: skip
    """Compare the largest tool sets, with the longest that the pack can say, to what the student
    and the settings take. templated: functions that templates write. Raises InputError for a
    student that cannot be read.
    """
    loaded = tokenizers.load(settings.models.student)
    if loaded is None:
        return Lengths([], [
            f"models.student: {settings.models.student} is not in this machine's cache: whether "
            "the prompts fit it was not checked"
        ])  # fmt: skip
    template = chat_template.read(loaded.tokenizer)
    form = formats.FORMATS[settings.tools.format]
    student = Student(
        template, loaded.max_tokens, form, FIRST_DAY.isoformat() if dated(pack) else None,
        _costs(pack, form, lambda text: len(template.ids(text))),
    )  # fmt: skip
    spoken, lacking = _spoken(pack, pools, templated)
    problems = [
        problem
        for problem in (
            _trained(pack, student, spoken, lacking, settings),
            _scored(pack, student, spoken, golden, settings),
            _engine(student, settings),
        )
        if problem
    ]
    return Lengths(problems, _cut(student, spoken, settings))


def _costs(pack: Pack, form: Format, count: Callable[[str], int]) -> dict[str, int]:
    """function -> tokens of it in a system prompt; about that, where a template writes it."""
    if not form.plain:
        return {f.name: count(json.dumps(f.tool, ensure_ascii=False))
                for f in pack.catalogue.functions}  # fmt: skip
    empty = count(formats.system(form, []))
    return {f.name: count(formats.system(form, [f.tool])) - empty for f in pack.catalogue.functions}


def _spoken(
    pack: Pack, pools: Pools, templated: frozenset[str]
) -> tuple[list[tuple[str, list[Message]]], dict[str, list[Message]]]:
    """(function, its longest conversation) for each that is planned, in each locale; and the
    longest that needs none, by locale.
    """
    limits: dict[tuple[str, str], int] = {}
    for one in strata(pack, pools)[0]:
        key = one[FUNCTION], one[LOCALE]
        limits[key] = max(limits.get(key, 0), one.max_words)
    writer = Patterns(pack)
    conversations = [
        (
            function,
            longest_templated(pack, pools, function, locale, max_words)
            if function in templated
            else longest(writer, pools, function, locale, max_words),
        )
        for (function, locale), max_words in limits.items()
        if function
    ]
    chat = {
        locale: conversation
        for function, locale in limits
        if not function and (conversation := longest_chatter(pack, locale))
    }
    return [
        (function, conversation) for function, conversation in conversations if conversation
    ], chat


def _trained(
    pack: Pack, student: Student, spoken: Sequence[tuple[str, list[Message]]],
    chatter: Mapping[str, list[Message]], settings: Settings,
) -> str:  # fmt: skip
    """What is wrong with the longest row that may be trained on, "" if nothing."""
    shown = (settings.tools.shown[0], settings.tools.shown[1])
    sets = tool_sets(
        pack.trained, settings.seed, count=settings.tools.sets, shown=shown,
        dated=dated(pack),
    )  # fmt: skip
    sizes = [sum(student.costs[name] for name in one.functions) for one in sets.sets]
    cases = []
    for function, conversation in [
        *spoken,
        *(("", conversation) for conversation in chatter.values()),
    ]:
        largest = max(sets.for_plan(function, True), key=lambda number: sizes[number])
        about = sizes[largest] + _count(student, conversation)
        cases.append(Case(sets.sets[largest].functions, conversation, about))
    length, case = _longest(pack, student, cases)
    limit = settings.finetune.max_length
    if student.max_tokens is not None and student.max_tokens < limit:
        limit, name = student.max_tokens, f"{settings.models.student} takes"
    else:
        name = "finetune.max_length is"
    if length <= limit:
        return ""
    advice = _advice(student, "tools.shown", "finetune.max_length", length)
    return (
        f"a row to train on may have {length} tokens, {name} {limit}: "
        f"{_shown(student, case)}; {_said(student, case)}. Mend: {advice}"
    )


def _advice(student: Student, shown: str, limit: str, tokens: int) -> str:
    """What to do about `need` tokens: by the parameters `shown` and `limit`."""
    advice = f"show fewer functions ({shown}), shorten their descriptions"
    if student.max_tokens is None or tokens <= student.max_tokens:
        return f"{advice}, or raise {limit} to {tokens}"
    return f"{advice}, or name a student that takes more"


def _scored(
    pack: Pack, student: Student, spoken: Sequence[tuple[str, list[Message]]],
    golden: Sequence[GoldenRow], settings: Settings,
) -> str:  # fmt: skip
    """What is wrong with the longest prompt that may be scored, "" if nothing: the golden queries,
    or without any the longest that the pack can say.
    """
    names = sorted(pack.catalogue.names, key=lambda name: -student.costs[name])
    largest = tuple(names[: settings.tools.scored])
    prompts = [(row.tools or largest, row.messages) for row in golden]
    prompts = prompts or [(largest, conversation[:1]) for _, conversation in spoken]
    cases = []
    for shown, asked in prompts:
        about = sum(student.costs[name] for name in shown) + _count(student, asked)
        cases.append(Case(shown, asked, about))
    length, case = _longest(pack, student, cases)
    room = settings.engine.max_model_len - settings.evaluate.max_tokens
    if length <= room:
        return ""
    tokens = length + settings.evaluate.max_tokens
    advice = _advice(student, "tools.scored", "engine.max_model_len", tokens)
    return (
        f"a prompt to score may have {length} tokens; engine.max_model_len "
        f"{settings.engine.max_model_len} less evaluate.max_tokens {settings.evaluate.max_tokens} "
        f"leaves {room}: {_shown(student, case)}; {_said(student, case)}. Mend: {advice}"
    )


def _engine(student: Student, settings: Settings) -> str:
    """What is wrong with the engine's length, "" if nothing. That of a folder is checked before."""
    name, length = settings.models.student, settings.engine.max_model_len
    if student.max_tokens is None or length <= student.max_tokens or name.startswith("path:"):
        return ""
    return (
        f"engine.max_model_len is {length}, but models.student {name} takes {student.max_tokens} "
        "tokens: lower it"
    )


def _cut(
    student: Student, spoken: Sequence[tuple[str, list[Message]]], settings: Settings
) -> list[str]:
    """A note where the longest answer is longer than one that is scored may be."""
    if not spoken:
        return []
    answers = [(_count(student, held[-1:]), function) for function, held in spoken]
    length, function = max(answers)
    if length < settings.evaluate.max_tokens:
        return []
    return [
        f"evaluate.max_tokens is {settings.evaluate.max_tokens}, but a call of {function} may have "
        f"{length} tokens, and what is cut off counts as wrong: raise it"
    ]


def _count(student: Student, spoken: Sequence[Message]) -> int:
    """The tokens of what is said, without what a template puts around it."""
    return sum(len(student.template.ids(formats.answer(student.form, one))) for one in spoken)


def _longest(pack: Pack, student: Student, cases: Sequence[Case]) -> tuple[int, Case]:
    """The tokens of the longest of these conversations as the student reads them, and which it is;
    of those that come near to it, each is counted. (0, ...) without any.
    """
    if not cases:
        return 0, Case((), (), 0)
    counted = []
    for case in sorted(cases, key=lambda case: -case.about)[:COUNTED]:
        tools = pack.catalogue.subset(case.shown).tools
        messages, own = formats.conversation(student.form, case.spoken, tools, student.today)
        if case.spoken[-1]["role"] == "assistant":
            length = len(encode(student.template, "of the longest", messages, own)[0])
        else:
            length = len(student.template.ids(student.template.prompt(messages, own)))
        counted.append((length, case))
    return max(counted, key=lambda one: one[0])


def _shown(student: Student, case: Case) -> str:
    names = sorted(case.shown, key=lambda name: -student.costs[name])
    parts = ", ".join(f"{name} {student.costs[name]}" for name in names[:NAMED])
    whole = sum(student.costs[name] for name in case.shown)
    return f"{len(case.shown)} functions shown together take {whole}, the longest are {parts}"


def _said(student: Student, case: Case) -> str:
    query = str(case.spoken[0]["content"])
    kind = "query and answer" if len(case.spoken) > 1 else "query"
    return f"the {kind} {_count(student, case.spoken)} ({query[:60]!r})"
