"""Answers of models that think aloud: what is left when the thinking is dropped."""

from __future__ import annotations

import re

_NAMES = "think|thinking|thought|thoughts|reasoning|reflection|scratchpad|analysis"
# <think>, </thinking>, [THINK], ◁/think▷, <seed:think>.
TAG = re.compile(rf"[<\[◁](/?)(?:\w{{1,16}}:)?(?:{_NAMES})\s{{0,4}}[>\]▷]", re.IGNORECASE)
# Harmony: channels, of which `final` is the answer; without its marks, what is left of them.
CHANNEL = re.compile(r"<\|channel\|>\s{0,4}(\w+)[^<]{0,80}<\|message\|>")
MARK = re.compile(r"<\|\w{1,20}\|>")
UNMARKED = re.compile(r"\Aanalysis.*?assistantfinal", re.DOTALL)


def spoken(text: str) -> str | None:
    """The text without thinking, or None if there is nothing else; unchanged if there is none.

    A block that is never closed ends with the text; one that is closed only began in the prompt.
    """
    if "<|channel|>" in text:
        return _final(text)
    if text.startswith("analysis"):
        text = UNMARKED.sub("", text, count=1)
    parts: list[str] = []
    thinks, tags, end = False, False, 0
    for tag in TAG.finditer(text):
        tags = True
        if not tag[1] and not thinks:
            parts.append(text[end : tag.start()])
            thinks = True
        elif tag[1]:
            if not thinks:
                parts.clear()
            thinks = False
        end = tag.end()
    if not tags:
        return text
    if not thinks:
        parts.append(text[end:])
    return " ".join(part.strip() for part in parts if part.strip()) or None


def after_thoughts(text: str) -> str:
    """A call without the thoughts before it, whose first tag may be the prompt's; tags inside the
    call are its own. Thoughts without an end have no answer after them.
    """
    ended = False
    while mark := TAG.search(text):
        if mark[1] and ended:
            break
        if not mark[1]:
            if text[: mark.start()].strip():
                break
            end = next((m for m in TAG.finditer(text, mark.end()) if m[1]), None)
            if end is None:
                return ""
            mark = end
        text, ended = text[mark.end() :], True
    return text.strip()


def _final(text: str) -> str | None:
    """What the channel `final` holds."""
    channels = list(CHANNEL.finditer(text))
    for n, channel in enumerate(channels):
        if channel[1] == "final":
            end = channels[n + 1].start() if n + 1 < len(channels) else len(text)
            return MARK.split(text[channel.end() : end])[0].strip() or None
    return None
