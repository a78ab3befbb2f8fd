"""Why an answer to a golden query is not exact, in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from stages.core.command import InputError
from stages.core.conversation import Call
from stages.core.golden_rows import Expected
from stages.core.text import normalized
from stages.evaluation.matching import Match, match
from stages.evaluation.values import is_accepted, may_be_absent

# What is said of an argument's value at most, in characters, and of accepted values, how many.
LONGEST, MOST = 60, 3


def why(row: Mapping[str, Any]) -> list[str]:
    """The reasons that a row of Answers is not exact, the gravest first. Raises InputError for
    calls that cannot be read.
    """
    try:
        calls = [Call(str(c["name"]), dict(c["arguments"])) for c in json.loads(row["predicted"])]
        expected = [
            Expected(str(e["name"]), {str(k): list(v) for k, v in e["arguments"].items()})
            for e in json.loads(row["expected"])
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"metrics/evaluate/answers.parquet: golden row {row.get('golden_id')!r:.20} cannot be "
            f"read ({error!s:.100}): run `dvc repro evaluate`"
        ) from None
    reasons: list[str] = []
    if row["act"] != "call":
        reasons += [f"called {call.name} where it was to {row['act']}" for call in calls]
    else:
        reasons += _of_calls(match(calls, expected), bool(calls))
    if row["error"]:
        reasons.append(str(row["error"]).replace("_", " "))
    return reasons


def _of_calls(matches: list[Match], any_call: bool) -> list[str]:
    missing = [m.expected for m in matches if m.expected is not None and m.call is None]
    unexpected = [m.call for m in matches if m.call is not None and m.expected is None]
    reasons = [
        f"called {call.name} in place of {expected.name}"
        for expected, call in zip(missing, unexpected, strict=False)
    ]
    both = min(len(missing), len(unexpected))
    verb = "did not call" if any_call else "no call, wanted"
    reasons += [f"{verb} {expected.name}" for expected in missing[both:]]
    reasons += [f"called {call.name}, which nothing asks for" for call in unexpected[both:]]
    for m in matches:
        if m.expected is not None and m.call is not None:
            reasons += _of_arguments(m.call, m.expected)
    return reasons


def _of_arguments(call: Call, expected: Expected) -> list[str]:
    reasons = []
    for name, value in call.arguments.items():
        accepted = expected.arguments.get(name)
        if accepted is None:
            reasons.append(f"{name}: {_quoted(value)}, which nothing asks for")
        elif not is_accepted(value, accepted):
            reasons.append(f"{name}: {_difference(value, accepted)}")
    for name, accepted in expected.arguments.items():
        if name not in call.arguments and not may_be_absent(accepted):
            reasons.append(f"{name}: missing")
    return reasons


def _difference(value: Any, accepted: list[Any]) -> str:
    """How a value differs from the accepted ones: in words, for a text that is near one."""
    texts = [text for text in accepted if isinstance(text, str) and text]
    if isinstance(value, str) and texts and len(value.split()) > 1:
        best = max(texts, key=lambda text: len(_words(text) & _words(value)))
        lacks = [word for word in normalized(best).split() if word not in _words(value)]
        adds = [word for word in normalized(value).split() if word not in _words(best)]
        if len(lacks) + len(adds) < len(_words(best)):
            differences = [f"{verb} {_quoted(' '.join(words))}"
                           for verb, words in (("lacks", lacks), ("adds", adds))
                           if words]  # fmt: skip
            return (
                ", ".join(differences) or f"the words of {_quoted(best)} in another order or number"
            )
    alternatives = " or ".join(_quoted(item) for item in accepted[:MOST] if item != "")
    return f"{_quoted(value)}, not {alternatives or 'left out'}"


def _words(text: str) -> set[str]:
    return set(normalized(text).split())


def _quoted(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"“{text[:LONGEST]}{'…' if len(text) > LONGEST else ''}”"
