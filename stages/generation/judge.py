"""The judge: a model that scores a conversation with the functions it shows.

Three questions, as in GenesisFunc (arXiv 2605.28835): is it faithful (the calls say what the user
said), satisfying (they do all that was asked) and compliant (they keep to the descriptions). What
the model answers is not trusted: what cannot be read is no score.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from stages.core.pack import PROMPTS
from stages.core.settings import Judge
from stages.core.tables import ACCEPTED, DOUBTFUL, REFUSED
from stages.core.templates import environment
from stages.engines import Answer, Failed, Messages

PROMPT = PROMPTS / "agents" / "judge.j2"
# Characters of an answer that are read.
MOST = 10_000
DECODER = json.JSONDecoder()
SCORE = r"(0(\.[0-9]{1,2})?|1(\.0{1,2})?)"


class Scores(NamedTuple):
    """A conversation's scores, each 0 to 1."""

    faithful: float
    satisfying: float
    compliant: float

    @property
    def mean(self) -> float:
        """What the verdict rests on; of three ones 1, of three zeros 0."""
        return sum(self) / len(self)


# What vLLM holds an answer to.
FORM = r"\{" + ", ".join(f'"{name}": {SCORE}' for name in Scores._fields) + r"\}"


def sampling(max_tokens: int) -> dict[str, Any]:
    """Settings of a request, by vLLM's names."""
    bounds = {"structured_outputs": {"regex": FORM}}
    return {"temperature": 0.0, "max_tokens": max_tokens} | bounds


def prompt(tools: str, messages: str, today: str | None) -> Messages:
    """What the judge is asked. tools, messages: JSON, as a sample has them; today: an ISO date."""
    template = environment().from_string(PROMPT.read_text("utf-8"))
    shown = [_shown(message) for message in json.loads(messages)]
    text = template.render(
        tools="\n".join(_json(_function(tool)) for tool in json.loads(tools)),
        conversation=_json(shown),
        today=today,
    )
    return [{"role": "user", "content": text.strip()}]


def scores(answer: Answer) -> Scores | None:
    """The scores of an answer: those of the first JSON object in it that has all three, each a
    number from 0 to 1; None without one.
    """
    if isinstance(answer, Failed):
        return None
    text, start = answer[:MOST], -1
    while (start := text.find("{", start + 1)) >= 0:
        try:
            value, _ = DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        values = [value.get(name) for name in Scores._fields]
        if all(map(_is_score, values)):
            return Scores(*map(float, values))
    return None


def verdict(scored: Scores | None, block: Judge) -> str:
    """One of VERDICTS, by the mean of the scores."""
    if scored is None:
        return DOUBTFUL
    # A third is no finite binary fraction: a mean that equals a threshold must reach it.
    mean = round(scored.mean, 9)
    if mean >= block.threshold:
        return ACCEPTED
    return REFUSED if mean < block.refused_below else DOUBTFUL


def _is_score(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _function(tool: dict[str, Any]) -> Any:
    return tool.get("function", tool)


def _shown(message: dict[str, Any]) -> dict[str, Any]:
    """A message without an empty text beside calls; a result has its call's id."""
    shown = {"role": message["role"]}
    if message.get("tool_call_id"):
        shown["id"] = message["tool_call_id"]
    if message.get("content"):
        shown["content"] = message["content"]
    if calls := message.get("tool_calls"):
        shown["calls"] = [_called(call) for call in calls]
    return shown


def _called(call: dict[str, Any]) -> dict[str, Any]:
    function = call["function"]
    return {"id": call["id"], "name": function["name"], "arguments": function["arguments"]}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
