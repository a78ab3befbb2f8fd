"""Dataset rows as token ids and labels: the answer alone carries loss."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import polars as pl

from stages.contracts import chat
from stages.contracts.command import InputError

NO_LOSS = -100


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


@lru_cache(maxsize=256)
def _system(tools: str) -> str:
    return chat.system_prompt(json.loads(tools))


def turns(messages: str, tools: str) -> list[dict[str, str]]:
    """The conversation as the model reads it: system prompt, then every message as plain text.

    `messages` and `tools` are JSON, as `Samples` holds them.
    """
    spoken = [
        {"role": m["role"], "content": chat.answer(m) if m["role"] == "assistant" else m["content"]}
        for m in json.loads(messages)
    ]
    return [{"role": "system", "content": _system(tools)}, *spoken]


def _special_ids(tokenizer: Any) -> set[int]:
    added = {i for i, token in tokenizer.added_tokens_decoder.items() if token.special}
    return added | set(tokenizer.all_special_ids)


def _renderer(tokenizer: Any, where: str) -> Callable[..., list[int]]:
    """The chat template as a function of turns; what it refuses is an InputError."""
    from jinja2 import TemplateError

    def render(spoken: list[dict[str, str]], **options: bool) -> list[int]:
        try:
            encoded = tokenizer.apply_chat_template(spoken, return_dict=True, **options)
        except (TemplateError, ValueError) as error:
            raise InputError(
                f"{where}: the student's chat template refuses the conversation ({error}): name a "
                "student whose template takes a system message"
            ) from None
        return list(encoded["input_ids"])

    return render


def encode(
    tokenizer: Any, sample_id: str, spoken: list[dict[str, str]], max_length: int
) -> tuple[list[int], list[int]]:
    """Token ids and labels of one conversation; both lists have the same length.

    Every assistant turn carries loss: its text and the template's end-of-turn token. What the
    template puts after that token is left out, for generation stops there. InputError if the
    conversation has no answer, is longer than `max_length` tokens, or the template renders a
    prompt differently with and without its answer.
    """
    where = f"sample {sample_id}"
    render = _renderer(tokenizer, where)
    special = _special_ids(tokenizer)
    ids: list[int] = []
    labels: list[int] = []
    for index, turn in enumerate(spoken):
        if turn["role"] != "assistant":
            continue
        prompt = render(spoken[:index], add_generation_prompt=True)
        whole = render(spoken[: index + 1])
        if whole[: len(prompt)] != prompt or prompt[: len(ids)] != ids:
            raise InputError(
                f"{where}: the student's chat template changes a prompt once it is answered, so "
                "training would not match use: give the student a template that does not"
            )
        ends = [n for n in range(len(prompt), len(whole)) if whole[n] in special]
        if not ends:
            raise InputError(
                f"{where}: the student's chat template ends an answer without a special token, so "
                "the model could not learn to stop: give it one"
            )
        ids = whole[: ends[-1] + 1]
        labels += [NO_LOSS] * (len(prompt) - len(labels)) + ids[len(prompt) :]
    if not ids:
        raise InputError(f"{where}: the conversation has no assistant message to learn")
    if len(ids) > max_length:
        raise InputError(
            f"{where}: {len(ids)} tokens, finetune.max_length is {max_length}: raise it or drop "
            "the row (rows are never cut)"
        )
    return ids, labels


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


def encode_table(samples: pl.DataFrame, tokenizer: Any, max_length: int) -> list[Row]:
    """All rows of a `Samples` table as tokens, in the table's order.

    `max_length` is in tokens; a longer row is an InputError that names it.
    """
    encoded: list[tuple[list[int], list[int]]] = []
    by_system: dict[str, list[int]] = defaultdict(list)
    columns = samples.select("sample_id", "messages", "tools").iter_rows()
    for index, (sample_id, messages, tools) in enumerate(columns):
        encoded.append(encode(tokenizer, sample_id, turns(messages, tools), max_length))
        by_system[_system(tools)].append(index)
    shared = {}
    for members in by_system.values():
        length = prefix_length([encoded[index] for index in members])
        shared.update(dict.fromkeys(members, length))
    names = samples["sample_id"].to_list()
    return [Row(names[n], ids, labels, shared[n]) for n, (ids, labels) in enumerate(encoded)]
