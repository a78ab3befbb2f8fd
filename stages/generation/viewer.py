"""The vision route with a model that sees: messages with a picture, several queries an answer."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path

from stages.core.prompts import SEEING
from stages.core.templates import Template
from stages.core.text import MAX_ANSWER, folded
from stages.engines import Messages
from stages.generation.prompting import query_of
from stages.images.pictures import read

JPEG_QUALITY = 90
# A line of a list: 1. 1) (1) - * •, and the same in bold.
MARK = re.compile(r"^\W{0,2}(?:\(?\d{1,2}[.):]\)?|[-*•–])\**\s+")
FENCE = re.compile(r"```\w*\s*\n")
# Where a sentence ends and another begins; not after St. or J.
END = re.compile(r"(?<=[a-z0-9]{3}[.!?])\s+(?=[A-Z])|(?<=[a-z0-9]{3}[.!?][\"')”])\s+(?=[A-Z])")


def template(like: Template, folder: Path) -> Template:
    """The pack's one prompt for all models that see, prompts/PACK/vision/seeing.jinja."""
    text = (folder / f"{SEEING}.jinja").read_text("utf-8")
    return Template(SEEING, like.header, text)


def with_picture(messages: Messages, path: str | Path, side: int) -> Messages:
    """`messages` with the picture before the text of the last, as OpenAI's chat format has it.

    The picture travels inside: a JPEG of at most `side` pixels per side. Raises pictures.Refused.
    """
    stream = io.BytesIO()
    read(path, side).save(stream, format="JPEG", quality=JPEG_QUALITY)
    uri = f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"
    parts = [
        {"type": "image_url", "image_url": {"url": uri}},
        {"type": "text", "text": messages[-1]["content"]},
    ]
    return [*messages[:-1], messages[-1] | {"content": parts}]


def sentences(answer: str, limit: int) -> list[str]:
    """At most `limit` different queries in an answer, each one sentence on one line.

    The answer is JSON (a list of texts, or of objects with one text each, or an object that holds
    such a list), or a list with numbers or bullets, of which only the marked lines count, or plain
    lines. Of an item with several sentences the first counts; headings that end in a colon do not.
    Past MAX_ANSWER characters nothing is read.
    """
    text = answer.strip()[:MAX_ANSWER]
    fence = FENCE.match(text)
    if fence and text.endswith("```", fence.end()):
        text = text[fence.end() : -3].strip()
    items = _json(text)
    if items is None:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        marked = [line for line in lines if MARK.match(line)]
        items = [MARK.sub("", line) for line in marked] or [
            sentence for line in lines if not line.endswith(":") for sentence in END.split(line)
        ]
    queries: dict[str, str] = {}
    for item in items:
        query = query_of(END.split(item.replace("**", "").strip())[0])
        if query:
            queries.setdefault(folded(query), query)
    return list(queries.values())[:limit]


def _json(text: str) -> list[str] | None:
    """The texts of a JSON answer; None if it is not JSON."""
    if text[:1] not in ("[", "{"):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, dict):
        lists = [item for item in value.values() if isinstance(item, list)]
        value = lists[0] if len(lists) == 1 else list(value.values())
    texts = []
    for item in value:
        strings = (
            [v for v in item.values() if isinstance(v, str)] if isinstance(item, dict) else [item]
        )
        if len(strings) == 1 and isinstance(strings[0], str):
            texts.append(strings[0])
    return texts
