"""The multi-turn categories of BFCL v4: a model calls, the package's systems do it, and after each
turn their state and what they gave are compared with those of the ground truth.

As BFCL has it: a turn ends with an answer that holds no call; more than 20 messages with calls in
a turn end the row; a turn whose ground truth is empty is not scored, but what it calls is done.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

from stages import formats
from stages.core import catalogue as catalogues
from stages.core import files
from stages.core.catalogue import Catalogue
from stages.core.command import InputError
from stages.core.conversation import Call, Message, assistant, user
from stages.engines.thinking import after_thoughts
from stages.evaluation.asking import Conversation
from stages.evaluation.bfcl import MULTI_TURN, PACKAGE, Questions, Row, data, schema
from stages.evaluation.bfcl_checker import EXCEEDS, NO_CALLS, Judged
from stages.evaluation.bfcl_systems import Systems, written
from stages.formats import Format
from stages.formats.parsed import Parsed

# bfcl_eval.constants.default_prompts: MAXIMUM_STEP_LIMIT, and what the user says where functions
# are added.
STEPS = 20
ADDED = "I have updated some more functions you can choose from. What about now?"
# Codes of what is wrong, after BFCL's error types.
STATE, RESPONSE, ENDLESS = (
    "instance_state_mismatch",
    "execution_response_mismatch",
    "force_terminated",
)


@dataclass(frozen=True)
class Task:
    """A row. turns: the user's messages of each; tools: the functions shown from the beginning;
    added: turn -> functions shown from there on; truth: each turn's calls as Python text.
    """

    row_id: str
    category: str
    turns: list[list[Message]]
    tools: list[dict[str, Any]]
    added: Mapping[int, list[dict[str, Any]]]
    truth: list[list[str]]
    classes: list[str]
    config: dict[str, Any]

    def systems(self) -> Systems:
        """Its systems as they are in the beginning."""
        return Systems(self.classes, self.config, "long_context" in self.category)


def read(categories: Sequence[str]) -> tuple[list[Task], Questions]:
    """The rows of the multi-turn categories among these, and version and digest of what was read.
    Raises InputError for data that are not BFCL v4's.
    """
    folder, digest, tasks = data(), hashlib.sha256(), list[Task]()
    names = [name for name in MULTI_TURN if name in categories]
    if names:
        from bfcl_eval.constants.executable_backend_config import (
            MULTI_TURN_FUNC_DOC_FILE_MAPPING as DOCS,
        )
    docs: dict[str, list[dict[str, Any]]] = {}
    for category in names:
        questions = folder / f"BFCL_v4_{category}.json"
        answers = folder / "possible_answer" / questions.name
        try:
            truth = {line["id"]: line["ground_truth"] for line in files.read_jsonl(answers)}
            for line in files.read_jsonl(questions):
                for name in line["involved_classes"]:
                    if name not in docs:
                        docs[name] = files.read_jsonl(folder / "multi_turn_func_doc" / DOCS[name])
                tasks.append(_task(category, line, truth[line["id"]], docs))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{questions} is not as BFCL v4 has it ({type(error).__name__}: {error!s:.100}): "
                f"install the version of {PACKAGE} that `make setup` has"
            ) from None
        for path in (questions, answers):
            digest.update(path.read_bytes())
    version = metadata.version(PACKAGE) if names else ""
    return tasks, Questions([], version, digest.hexdigest())


def _task(
    category: str, line: dict[str, Any], truth: list[list[str]],
    docs: Mapping[str, list[dict[str, Any]]],
) -> Task:  # fmt: skip
    shown = [one for name in line["involved_classes"] for one in docs[name]]
    missed = {int(turn): set(names) for turn, names in line.get("missed_function", {}).items()}
    held = {name for names in missed.values() for name in names}
    added = {turn: [one for one in shown if one["name"] in names] for turn, names in missed.items()}
    turns = [
        [{"role": m["role"], "content": m["content"]} for m in turn] or [user(ADDED)]
        for turn in line["question"]
    ]
    return Task(
        line["id"], category, turns, [one for one in shown if one["name"] not in held], added,
        truth, line["involved_classes"], line["initial_config"],
    )  # fmt: skip


def _catalogue(tools: Sequence[dict[str, Any]]) -> Catalogue:
    made = [{k: v for k, v in one.items() if k != "response"} for one in tools]
    return catalogues.from_tools(
        [{**one, "parameters": schema(one["parameters"])} for one in made], PACKAGE
    )


@dataclass
class Played:
    """A task as one model goes through it; an episode of `episodes.play`. made, given: by turn, by
    message, the calls and what they gave; right: turns that ended right, before the first that did
    not.
    """

    task: Task
    form: Format
    turn: int = -1
    messages: list[Message] = field(default_factory=list)
    made: list[list[list[Call]]] = field(default_factory=list)
    given: list[list[list[str]]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    is_over: bool = False
    error: str | None = None

    def __post_init__(self) -> None:
        self.systems, self.tools = self.task.systems(), list(self.task.tools)
        self.catalogue, self.calls = _catalogue(self.tools), 0
        self._next_turn()

    def _next_turn(self) -> None:
        self.turn += 1
        if self.turn == len(self.task.turns):
            self.is_over = True
            return
        if self.turn in self.task.added:
            self.tools += self.task.added[self.turn]
            self.catalogue = _catalogue(self.tools)
        self.messages += self.task.turns[self.turn]
        self.made.append([])
        self.given.append([])

    @property
    def conversation(self) -> Conversation | None:
        """What the model is asked to go on with; None when it is over."""
        if self.is_over:
            return None
        return formats.conversation(self.form, self.messages, self.catalogue.tools)

    def answered(self, text: str) -> None:
        """Do what the model calls; without a call the next turn begins."""
        self.answers.append(text)
        parsed = self.form.parse(after_thoughts(text), self.catalogue)
        if parsed.error is not None or not parsed.calls:
            self.messages.append(assistant(after_thoughts(text).strip() or "..."))
            self._next_turn()
            return
        given = [self.systems.call(one.name, one.arguments) for one in parsed.calls]
        message = assistant(parsed.calls, self.calls)
        self.calls += len(parsed.calls)
        self.messages.append(message)
        self.messages += [
            {"role": "tool", "tool_call_id": call["id"], "content": one}
            for call, one in zip(message["tool_calls"], given, strict=True)
        ]
        self.made[-1].append([*parsed.calls])
        self.given[-1].append(given)
        if len(self.made[-1]) > STEPS:
            self.error, self.is_over = ENDLESS, True

    def too_long(self) -> None:
        """End, for there is no room for an answer."""
        self.error, self.is_over = EXCEEDS, True


@dataclass(frozen=True)
class Verdict:
    """error: why the row is wrong, None where it is right; turns: those that the ground truth has
    calls for, and of these the right ones before the first wrong one; idle: turns that want no
    call, and those without one.
    """

    error: str | None
    turns: tuple[int, int]
    idle: tuple[int, int]


def verdict(task: Task, made: Sequence[Sequence[Sequence[Call]]], error: str | None) -> Verdict:
    """Go through the turns again beside the ground truth, as bfcl_eval's multi_turn_checker does.
    made: by turn, by message; error: of a row that did not come to its end.
    """
    model, truth = task.systems(), task.systems()
    seen: list[str] = []
    right, wanted = 0, sum(bool(calls) for calls in task.truth)
    found = None
    idle = [
        not any(made[n]) if n < len(made) else True
        for n, calls in enumerate(task.truth)
        if not calls
    ]
    for turn, calls in enumerate(task.truth):
        steps = made[turn] if turn < len(made) else []
        seen += [model.call(one.name, one.arguments) for step in steps for one in step]
        expected = [truth.call(name, named, values) for name, values, named in map(written, calls)]
        if not calls:
            continue
        if not any(steps):
            found = NO_CALLS
        elif model.differs(truth):
            found = STATE
        elif _lacks(expected, seen):
            found = RESPONSE
        if found:
            break
        right += 1
    return Verdict(error or found, (wanted, right), (len(idle), sum(idle)))


def _lacks(expected: Sequence[str], seen: Sequence[str]) -> bool:
    """Whether one of the results, each as often as it stands there, was not seen."""
    return bool(Counter(expected) - Counter(seen))


def judged(one: Played) -> Judged:
    """A row as the single-turn ones are judged, for the same figures and tests."""
    task = one.task
    row = Row(task.row_id, task.category, one.messages, one.tools, one.catalogue, [])
    calls = tuple(call for turn in one.made for step in turn for call in step)
    outcome = verdict(task, one.made, one.error)
    completion = json.dumps(one.answers, ensure_ascii=False)
    return Judged(row, completion, Parsed(calls, None, ""), outcome.error)


def figures(played: Sequence[Played]) -> dict[str, Any]:
    """By category: share of the turns with calls that are right before the first wrong one;
    refraining, of the turns that want no call, which BFCL does not score; messages with calls a
    turn.
    """
    value = {}
    for category in dict.fromkeys(one.task.category for one in played):
        own = [one for one in played if one.task.category == category]
        verdicts = [verdict(one.task, one.made, one.error) for one in own]
        turns, right = (sum(one.turns[n] for one in verdicts) for n in (0, 1))
        idle, refrained = (sum(one.idle[n] for one in verdicts) for n in (0, 1))
        steps = [len(turn) for one in own for turn in one.made]
        value[category] = {
            "turns": turns, "turns_right": round(right / max(turns, 1), 4),
            "turns_without_call": idle,
            "refraining": round(refrained / idle, 4) if idle else None,
            "messages_with_calls_a_turn": round(sum(steps) / max(len(steps), 1), 2),
        }  # fmt: skip
    return value
