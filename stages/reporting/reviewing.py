"""The page on which a person says of conversations whether they are right.

One HTML file, made as the report page is (page.py): rows as compressed JSON that its script writes
as text, a policy that lets nothing be fetched. The script saves the verdicts as a file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from stages.core.conversation import calls_of
from stages.core.text import cleaned
from stages.reporting import page, said

SCORES = ("faithful", "satisfying", "compliant")


def render(title: str, rows: Iterable[Mapping[str, Any]], total: int) -> str:
    """The page's HTML. rows: of Doubtful; total: of how many they are."""
    shown = [item(row) for row in rows]
    scripts = [(page.ASSETS / "review.js").read_text("utf-8")]
    style = (page.ASSETS / "review.css").read_text("utf-8")
    count = f"{len(shown)} conversations" if len(shown) == total else (
        f"{len(shown)} of {total} conversations"
    )  # fmt: skip
    return page.filled("review.html", style, scripts, shown, title=title, count=count)


def item(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the page shows of a conversation, without what no one sees; functions that are called
    first.
    """
    _, _, turns = said.conversation(row["messages"])
    called = {call.name for message in json.loads(row["messages"]) for call in calls_of(message)}
    tools = [tool.get("function", tool) for tool in json.loads(row["tools"])]
    tools.sort(key=lambda tool: tool["name"] not in called)
    scores = [f"{name} {row[name]:.2f}" for name in SCORES if row[name] is not None]
    return {
        "id": row["sample_id"],
        "digest": row["digest"],
        "belongs": ", ".join(filter(None, (row["scenario"], row["route"], row["today"], *scores))),
        "turns": turns,
        "tools": [
            {
                "name": cleaned(tool["name"]),
                "description": said.lines(str(tool.get("description", ""))),
                "called": tool["name"] in called,
                "parameters": _indented(tool.get("parameters", {})),
            }
            for tool in tools
        ],
    }


def _indented(value: Any) -> str:
    """JSON over several lines, without what no one sees."""
    text = said.bounded(json.dumps(value, indent=2, ensure_ascii=False))
    lines = text.splitlines()
    return "\n".join(" " * (len(line) - len(line.lstrip())) + cleaned(line) for line in lines)
