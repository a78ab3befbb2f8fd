"""Dataset rows as token ids and labels: the answer alone carries loss."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import polars as pl

from stages import formats
from stages.core.command import InputError
from stages.formats import Format, chat_template
from stages.formats.chat_template import ChatTemplate

NO_LOSS = -100
# Rows that an error names one by one.
LISTED = 50


@dataclass(frozen=True)
class Row:
    """A tokenised sample.

    `input_ids` and `labels` have the same length; a label is the token itself where it carries
    loss, else -100. The first `prefix_length` tokens are those of every row with the same system
    prompt.
    """

    sample_id: str
    input_ids: list[int]
    labels: list[int]
    prefix_length: int = 0


def spoken_in(
    form: Format, messages: str, tools: str, today: str | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]] | None]:
    """A sample of `tables.Dialogues` as the model reads it: messages, and the tools that the
    template is to write itself.
    """
    return formats.conversation(form, json.loads(messages), _tools(tools), today)


@lru_cache(maxsize=4096)
def _tools(tools: str) -> list[dict[str, Any]]:
    return list(json.loads(tools))


def encode(
    template: ChatTemplate,
    sample_id: str,
    spoken: list[dict[str, Any]],
    tools: list[dict[str, Any]] | None = None,
) -> tuple[list[int], list[int]]:
    """Token ids and labels of one conversation; both lists have the same length.

    Every assistant turn carries loss: its text and the template's end-of-turn token. What the
    template puts before the text belongs to the prompt, what it puts after that token is left out,
    for generation stops there. tools: for a template that writes tools and calls itself. InputError
    if the conversation has no answer, or the template renders a prompt differently with and without
    its answer.
    """
    try:
        return _encode(template, spoken, tools)
    except InputError as error:
        raise InputError(f"sample {sample_id}: {error}") from None


def _encode(
    template: ChatTemplate, spoken: list[dict[str, Any]], tools: list[dict[str, Any]] | None
) -> tuple[list[int], list[int]]:
    special = template.special_ids()
    ids: list[int] = []
    labels: list[int] = []
    for index, turn in enumerate(spoken):
        if turn["role"] != "assistant":
            continue
        text, answer = template.prompt(spoken[:index], tools), turn["content"].strip()
        answered = template.text(spoken[: index + 1], tools=tools)
        prompt, whole = template.ids(text), template.ids(answered)
        if whole[: len(prompt)] != prompt or prompt[: len(ids)] != ids:
            raise chat_template.changed()
        lost = [m["role"] for m in spoken[:index] if not _is_in(m["content"].strip(), text)]
        said = answered[len(text) :].lstrip()
        if turn.get("tool_calls"):
            if not all(call["function"]["name"] in said for call in turn["tool_calls"]):
                lost.append("assistant")
            # How often the calls' own text has such a token cannot be known: none is expected.
            answer = ""
        elif not said.startswith(answer):
            lost.append("assistant")
        if lost:
            raise InputError(
                f"the student's chat template leaves out or changes a message ({lost[0]}): give "
                "the student a template that does not"
            )
        ends = [n for n in range(len(prompt), len(whole)) if whole[n] in special]
        # The first that is not the answer's own.
        own = sum(token in special for token in template.ids(answer))
        if len(ends) <= own:
            raise InputError(
                "the student's chat template ends an answer without a special token, so the model "
                "could not learn to stop: give it one"
            )
        ids = whole[: ends[own] + 1]
        labels += [NO_LOSS] * (len(prompt) - len(labels)) + ids[len(prompt) :]
    if not ids:
        raise InputError("the conversation has no assistant message to learn")
    return ids, labels


def _is_in(content: str, text: str) -> bool:
    """Whether a prompt has a message, as it is or, as some templates write results, as JSON."""
    return content in text or json.dumps(content, ensure_ascii=False) in text


def prefix_length(rows: list[tuple[list[int], list[int]]]) -> int:
    """Tokens that all `rows` (ids, labels) begin with and that predict none of their answers.

    The token before an answer predicts its first token, so it belongs to the row's own part.
    """
    # The first and the last row in lexicographic order differ the earliest.
    low, high = min(ids for ids, _ in rows), max(ids for ids, _ in rows)
    pairs = zip(low, high, strict=False)
    common = next((n for n, (a, b) in enumerate(pairs) if a != b), len(low))
    first = min(next(n for n, label in enumerate(labels) if label != NO_LOSS) for _, labels in rows)
    return max(0, min(common, first - 1))


def encode_table(samples: pl.DataFrame, tokenizer: Any, max_length: int, form: Format) -> list[Row]:
    """All rows of a `Dialogues` table as tokens, in the table's order.

    `max_length` is in tokens; rows that are longer are one InputError that names them all.
    """
    template = chat_template.read(tokenizer)
    encoded: list[tuple[list[int], list[int]]] = []
    by_system: dict[str, list[int]] = defaultdict(list)
    columns = samples.select("sample_id", "messages", "tools", "today").iter_rows()
    for index, (sample_id, messages, tools, today) in enumerate(columns):
        spoken, own = spoken_in(form, messages, tools, today)
        encoded.append(encode(template, sample_id, spoken, own))
        by_system[f"{today} {tools}"].append(index)
    names = samples["sample_id"].to_list()
    long = [n for n, (ids, _) in enumerate(encoded) if len(ids) > max_length]
    if long:
        listed = [
            f"{n + 1} (sample {names[n]}: {len(encoded[n][0])} tokens)" for n in long[:LISTED]
        ]
        more = f" and {len(long) - LISTED} more" if len(long) > LISTED else ""
        raise InputError(
            f"{len(long)} of {len(names)} rows are longer than finetune.max_length, {max_length} "
            f"tokens: rows {', '.join(listed)}{more}. Raise it to "
            f"{max(len(encoded[n][0]) for n in long)} or drop the rows (rows are never cut)"
        )
    shared = {}
    for members in by_system.values():
        length = prefix_length([encoded[index] for index in members])
        shared.update(dict.fromkeys(members, length))
    return [Row(names[n], ids, labels, shared[n]) for n, (ids, labels) in enumerate(encoded)]
