"""What the pages of the repository hold: blocks of code, commands, links, headings."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.conftest import ROOT

PAGES = ("README.md", "AGENTS.md", "data/README.md", "metrics/README.md", "prompts/README.md",
         "stages/README.md", "tests/benchmarks/README.md")  # fmt: skip
# A line of a block that begins with one of them is a command.
PROGRAMS = ("make", "dvc", "python", "vllm", "source", "git", "cat", "time", ".")

FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^(?: {4}.*)?\n)*^ {4}.*\n", re.MULTILINE)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
LINK = re.compile(r"\]\(([^()\s]+)\)")


class Block(NamedTuple):
    """A block of code; `language` is empty where none is named."""

    language: str
    text: str


class Page(NamedTuple):
    """A page. prose: what is left without blocks of code, tables and comments."""

    path: Path
    text: str
    blocks: tuple[Block, ...]
    prose: str


def page(name: str) -> Page:
    """Read one of PAGES, by its path in the repository."""
    text = (ROOT / name).read_text("utf-8")
    fenced = [Block(*match) for match in FENCED.findall(text)]
    rest = COMMENT.sub("", FENCED.sub("", text))
    indented = [Block("", re.sub(r"^ {4}", "", match, flags=re.MULTILINE).strip("\n"))
                for match in INDENTED.findall(rest)]  # fmt: skip
    rest = INDENTED.sub("\n", rest)
    prose = "\n".join(line for line in rest.splitlines() if not line.startswith("|"))
    return Page(ROOT / name, text, (*fenced, *indented), prose)


def block(document: Page, language: str, number: int = 0) -> str:
    """The text of the page's block of that language, counted from 0."""
    return [code.text for code in document.blocks if code.language == language][number]


def commands(document: Page) -> Iterator[list[str]]:
    """Each command in the page's blocks and spans of code, as a shell splits it, without comments.

    All lines of a block are commands if one is; AssertionError for a line that is none.
    """
    for code_block in document.blocks:
        lines = [line for line in code_block.text.replace("\\\n", " ").splitlines() if line.strip()]
        if code_block.language or not any(line.split()[0] in PROGRAMS for line in lines):
            continue
        for line in lines:
            words = shlex.split(line, comments=True)
            assert words and words[0] in PROGRAMS, f"{document.path}: {line!r} is no command"
            yield words[1:] if words[0] == "time" else words
    for span in SPAN.findall(FENCED.sub("", document.text)):
        words = span.split()
        if words[0] in ("make", "dvc", "python", "time") and len(words) > 1:
            words = shlex.split(span)
            yield words[1:] if words[0] == "time" else words


def anchors(text: str) -> set[str]:
    """What links to the headings of a page end with, as GitHub makes it."""
    plain = FENCED.sub("", text)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", plain, re.MULTILINE)
    }
