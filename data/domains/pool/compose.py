"""Composes this pack of its parts: catalogue.json, pack.yaml, vocabularies/en.yaml.

    python data/domains/pool/compose.py

parts/DOMAIN.yaml holds a domain's functions, written by hand: of each the JSON Schema, where the
values of its arguments come from, words for enums, and phrases; and lists of values. Those of
parts/shared.yaml serve all domains. HELD_OUT domains, and each EVERY-th function of the others, are
for scoring alone.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

HERE = Path(__file__).parent
SHARED = "shared"
HELD_OUT = ("astronomy", "insurance", "photography", "date_and_time_tools", "rail_and_bus")
EVERY = 18
# People say optional arguments more often than the parts have it: their shares times this, at most.
SHARES, MOST_SHARE = 1.7, 0.75
# What of a parameter is JSON Schema, in this order; `about` is its description.
SCHEMA = ("type", "format", "enum", "default", "items")
# What YAML reads as the text that it is, in lists as well.
PLAIN = re.compile(r"(?!(?i:y|n|yes|no|on|off|true|false|null)\Z)[A-Za-z_][\w.*]*( [\w.]+)*")


@dataclass
class Composed:
    """The pack as its files have it."""

    tools: list[dict[str, Any]] = field(default_factory=list)
    sources: dict[str, Any] = field(default_factory=dict)
    lists: dict[str, Any] = field(default_factory=dict)
    phrases: dict[str, list[str]] = field(default_factory=dict)
    held_out: list[str] = field(default_factory=list)


def load(path: Path) -> Any:
    """A part."""
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def schema_of(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of an object with these parameters."""
    properties: dict[str, Any] = {}
    for name, one in parameters.items():
        schema = {key: one[key] for key in SCHEMA if key in one}
        if "properties" in one:
            schema = {"type": "object", **schema_of(one["properties"])}
        properties[name] = {**schema, "description": one["about"]} if "about" in one else schema
    required = [name for name, one in parameters.items() if one.get("required")]
    return {"type": "object", "properties": properties, "required": required}


def sources_of(prefix: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """pack.yaml's entries for these parameters, properties below their object."""
    entries: dict[str, Any] = {}
    for name, one in parameters.items():
        key = f"{prefix}.{name}"
        entry = dict(one.get("from", {}))
        if "share" in one and not one.get("required"):
            entry["share"] = min(round(one["share"] * SHARES, 2), MOST_SHARE)
        if "agrees_with" in one:
            entry["agrees_with"] = one["agrees_with"]
        if entry:
            entries[key] = entry
        entries |= sources_of(key, one.get("properties", {}))
    return entries


def words_of(prefix: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The vocabularies' lists for enums and booleans of these parameters."""
    lists: dict[str, Any] = {}
    for name, one in parameters.items():
        if "words" in one:
            lists[f"{prefix}.{name}"] = one["words"]
        lists |= words_of(f"{prefix}.{name}", one.get("properties", {}))
    return lists


def renamed(source: Any, names: Mapping[str, str]) -> Any:
    """A source whose lists bear the names that they have in the pack."""
    if not isinstance(source, Mapping):
        return source
    return {
        key: names.get(value, value)
        if key in ("vocabulary", "text") and isinstance(value, str)
        else renamed(value, names)
        for key, value in source.items()
    }


def compose(parts: Path, domains: list[str]) -> Composed:
    """The pack of these domains, of all if none is named. Raises ValueError for doubled names."""
    shared = load(parts / f"{SHARED}.yaml")
    made, lists, number = Composed(), dict(shared), 0
    for path in sorted(parts.glob("*.yaml")):
        if path.stem == SHARED or (domains and path.stem not in domains):
            continue
        part = load(path)
        own = part.get("lists") or {}
        # A list keeps its name, unless another has that name.
        names = {name: f"{path.stem}_{name}" if name in lists else name for name in own}
        lists |= {names[name]: values for name, values in own.items()}
        for one in part["functions"]:
            name, parameters = one["name"], one.get("params") or {}
            if name in made.phrases:
                raise ValueError(f"{path}: {name} stands in two parts")
            schema = schema_of(parameters)
            made.tools.append({"name": name, "description": one["about"], "parameters": schema})
            made.sources |= renamed(sources_of(name, parameters), names)
            lists |= words_of(name, parameters)
            made.phrases[name] = one["phrases"]
            number += 1
            if path.stem in HELD_OUT or number % EVERY == 0:
                made.held_out.append(name)
    used = json.dumps(list(made.sources.values()))
    made.lists = {n: v for n, v in lists.items() if n not in shared or f'"{n}"' in used}
    return made


def quoted(content: Any) -> Any:
    """The content with quotes around each text that is not a plain word or a few."""
    if isinstance(content, Mapping):
        return {quoted(key): quoted(value) for key, value in content.items()}
    if isinstance(content, list):
        return [quoted(one) for one in content]
    if isinstance(content, str) and not PLAIN.fullmatch(content):
        return DoubleQuotedScalarString(content)
    return content


def in_lines(texts: list[str]) -> Any:
    """A list that has a line for each of its texts."""
    made = CommentedSeq(map(DoubleQuotedScalarString, texts))
    made.fa.set_block_style()
    return made


def dump(path: Path, content: Any) -> None:
    """Write a file of the pack."""
    writer = YAML()
    writer.default_flow_style = None
    writer.width = 4096
    writer.allow_unicode = True
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        file.write("# Written by compose.py of parts/: change those.\n")
        writer.dump(content, file)


def write(made: Composed, out: Path) -> None:
    """Write the pack's files into a folder."""
    about = {
        "name": out.name,
        "description": "Tools of many trades, of which a conversation shows a few.",
        "locales": ["en"],
        "held_out": [quoted(name) for name in made.held_out],
        "arguments": quoted(made.sources),
    }
    dump(out / "pack.yaml", about)
    phrases = {quoted(name): in_lines(texts) for name, texts in made.phrases.items()}
    dump(out / "vocabularies" / "en.yaml", {**quoted(made.lists), "phrases": phrases})
    text = json.dumps(made.tools, indent=1, ensure_ascii=False)
    (out / "catalogue.json").write_text(text + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("domains", nargs="*", help="of parts/; default all")
    parser.add_argument("--parts", type=Path, default=HERE / "parts", help="default: parts/")
    parser.add_argument("--out", type=Path, default=HERE, help="default: this pack")
    options = parser.parse_args()
    made = compose(options.parts, options.domains)
    write(made, options.out)
    print(f"{len(made.tools)} functions, {len(made.held_out)} held out", file=sys.stderr)


if __name__ == "__main__":
    main()
