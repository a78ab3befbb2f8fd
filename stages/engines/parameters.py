"""Parameters of a request: which are OpenAI's, and which a server does not take, by the words of
its error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

# The sampling settings that OpenAI's interface has; the others are vLLM's own.
STANDARD = ("temperature", "top_p", "frequency_penalty", "max_tokens", "stop")
REFUSES = re.compile(
    r"unsupported|not (?:\w+ )?supported|(?:does not|doesn't) support|unknown|unrecogni[sz]ed"
    r"|unexpected|extra|not permitted|not allowed|forbidden|cannot find|no longer|deprecated"
    r"|cannot (?:both )?be|only the default",
    re.IGNORECASE,
)


def standard(sampling: dict[str, Any]) -> dict[str, Any]:
    """The sampling settings that any server takes."""
    return {name: sampling[name] for name in STANDARD if name in sampling}


def refused(body: Any, sent: set[str]) -> str | None:
    """The parameter, of those sent, that an error's body says the server does not take."""
    texts = list(texts_in(body))
    if not any(REFUSES.search(text) for text in texts):
        return None
    for text in texts:  # `param`, or the end of a path
        if text.split(".")[-1] in sent:
            return text.split(".")[-1]
    names = "|".join(sorted(map(re.escape, sent), key=len, reverse=True))
    pattern = re.compile(
        rf"""['"`]({names})['"`]"""
        rf"|(?:parameter|argument|field|property|option)s?(?: \w+)?\W{{1,3}}({names})\b"
        rf"|\b({names})\W{{1,2}}(?:parameter|is |are |does |not |and )"
    )
    for text in texts:
        match = pattern.search(text)
        if match:
            return match[match.lastindex or 0]
    # vLLM's words for a tokenizer without a template.
    template = "chat_template_kwargs"
    return template if template in sent and "chat_template" in " ".join(texts) else None


def texts_in(value: Any, depth: int = 6) -> Iterator[str]:
    """The texts in a JSON value, shortened."""
    if isinstance(value, str):
        yield value[:1_000]
    elif isinstance(value, dict | list) and depth:
        for item in list(value.values() if isinstance(value, dict) else value)[:50]:
            yield from texts_in(item, depth - 1)
