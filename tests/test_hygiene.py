"""What no other test looks at: golden queries in prompts or patterns, names in lists of tests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from stages.core.frame import Frame
from tests import workers
from tests.conftest import ROOT

SLOT = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


def runs(text: str, n: int = 3) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[i : i + n]) for i in range(len(found) - n + 1)}


def everyday(frame: Frame) -> set[str]:
    """Words of which any request is made: names of classes, verbs, small words."""
    phrases = [word for words in frame.classes.values() for word in words]
    for lists in frame.words.model_dump().values():
        for some in lists.values() if isinstance(lists, dict) else [lists]:
            phrases += some
    single = {word for phrase in phrases for word in words(phrase)}
    return single | {f"{word}s" for word in single}


def literals(folder: Path) -> Iterator[tuple[str, str]]:
    """What the templates say between their slots: (file, text)."""
    for path in sorted(folder.glob("**/*.j2")):
        body = SLOT.sub("\n", path.read_text("utf-8"))
        yield from ((path.name, line) for line in body.splitlines())


def test_no_phrase_of_a_golden_query_stands_in_a_template(frame: Frame) -> None:
    """Three words in a row, two of them not everyday words, are a phrase."""
    path = ROOT / "data/domains/creative/golden.jsonl"
    golden = [json.loads(line)["query"] for line in path.read_text("utf-8").splitlines()]
    known = set().union(*(runs(query) for query in golden))
    usual = everyday(frame)
    texts = list(literals(ROOT / "prompts"))
    assert len(texts) > 1000
    shared = [
        (name, " ".join(run))
        for name, text in texts
        for run in runs(text) & known
        if sum(word not in usual for word in run) >= 2
    ]
    assert not shared


def test_the_tests_of_a_file_stay_together_unless_they_are_named() -> None:
    assert workers.group("tests/a/test_b.py::test_c[d::e]") == "tests/a/test_b.py"
    with_ray = [name for name, of in workers.LONG.items() if of == workers.RAY]
    assert len(with_ray) > 1
    assert {workers.group(f"{name}::test_c[d]") for name in with_ray} == {workers.RAY}


def test_what_goes_first_is_there() -> None:
    for name in workers.LONG:
        file, _, test = name.partition("::")
        text = (ROOT / file).read_text("utf-8")
        assert not test or f"def {test}(" in text, name
