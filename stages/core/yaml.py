"""The one YAML reader: files that anybody may have written, with bounds and with line numbers.

YAML 1.2: `2e-4` is a number, `no` is text. Aliases and merge keys work; what only serves to blow a
small file up (nested aliases, thousands of levels, numbers of thousands of digits), a key that
stands twice and tags of other types are refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    Event,
    ScalarEvent,
)
from ruamel.yaml.nodes import MappingNode, SequenceNode

from stages.core.command import InputError

# Bytes of a file. Params, packs and templates have a few thousand; larger things are tables.
MOST_BYTES = 4 * 2**20


class Bounds(NamedTuple):
    """At most: values once every alias is written out, and their characters, which the readers
    behind copy; levels of nesting; characters of one text, and of one number or date.
    """

    values: int = 500_000
    characters: int = 16 * 2**20
    levels: int = 50
    text: int = 20_000
    number: int = 40


BOUNDS = Bounds()
NUMBER = re.compile(r"[-+]?\.?[0-9][0-9A-Fa-f_xob:.eE+-]*")
TEXT_TAG = "tag:yaml.org,2002:str"


def read(path: str | Path) -> dict[str, Any]:
    """The mapping in a YAML file; InputError with file, line and what to do otherwise."""
    path = Path(path)
    value = parse(text_of(path), path)
    if not isinstance(value, dict):
        raise InputError(f"{path} must hold a mapping at its top, found {type(value).__name__}")
    return value


def text_of(path: Path, most: int = MOST_BYTES) -> str:
    """A small text file; InputError where it is missing, no file, too large or not UTF-8."""
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path} is not a file")
        with path.open("rb") as stream:
            raw = stream.read(most + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path} is missing") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None
    if len(raw) > most:
        raise InputError(f"{path} has more than {most} bytes: it is not meant for so much")
    return decoded(raw, path)


def decoded(raw: bytes, path: str | Path) -> str:
    """The text of a file; InputError with the line where it is not UTF-8."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line}: not UTF-8 ({error.reason}): save it as UTF-8") from None


def parse(text: str, where: str | Path, first: int = 1, bounds: Bounds = BOUNDS) -> Any:
    """The value of YAML text. `first` is the number of its first line in the file `where`."""
    scalars: list[ScalarEvent] = []
    try:
        _check(YAML(typ="safe").parse(text), where, first, scalars, bounds)
        return YAML(typ="safe").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f":{mark.line + first}" if mark is not None else ""
        message = " ".join(str(error.problem or error.context).split())
        raise InputError(f"{where}{at}: not readable YAML: {message:.200}") from None
    except YAMLError as error:  # such as a control character
        position = getattr(error, "position", None)
        at = f":{text.count(chr(10), 0, position) + first}" if isinstance(position, int) else ""
        message = str(error).split("\n")[0]
        raise InputError(f"{where}{at}: not readable YAML: {message:.200}") from None
    except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError) as error:
        # A value that looks like a date or a number and is none, such as 2026-13-45.
        line = next((s.start_mark.line + first for s in scalars if not _reads(s.value)), first)
        raise InputError(f"{where}:{line}: {error}: put quotes around what is text") from None
    except RecursionError:  # such as a chain of merge keys
        raise InputError(f"{where}: too deeply nested") from None


def line_of(text: str, keys: Sequence[str | int]) -> int | None:
    """The line, from 1, where the value that `keys` lead to stands in YAML text that can be read;
    that of the block around it where a key is missing.
    """
    node: Any = YAML(typ="safe").compose(text)
    line = None
    for key in keys:
        if isinstance(node, MappingNode):
            pairs = (pair for pair in node.value if pair[0].value == str(key))
            name, node = next(pairs, (None, None))
            if name is None:
                return line
            line = name.start_mark.line + 1
        elif isinstance(node, SequenceNode) and isinstance(key, int) and key < len(node.value):
            node = node.value[key]
            line = node.start_mark.line + 1
        else:
            return line
    return line


def _reads(plain: str) -> bool:
    """Whether a plain scalar can be read by itself."""
    try:
        YAML(typ="safe").load(plain)
    except (YAMLError, ValueError, TypeError, ArithmeticError, LookupError, AttributeError):
        return False
    return True


def _check(
    events: Any, where: str | Path, first: int, scalars: list[ScalarEvent], bounds: Bounds
) -> None:
    """Raise InputError where a bound is passed; plain scalars that may be no text go to `scalars`.

    Sizes are counted as if each alias were written out.
    """

    def refuse(event: Event, why: str) -> InputError:
        return InputError(f"{where}:{event.start_mark.line + first}: {why}")

    # Anchor -> (values, characters); each collection that is open: its anchor and its size so far.
    sizes: dict[str, tuple[int, int]] = {}
    open_: list[tuple[str | None, int, int]] = [(None, 0, 0)]
    for event in events:
        if isinstance(event, CollectionEndEvent):
            anchor, *size = open_.pop()
            added = (size[0], size[1])
            if anchor is not None:
                sizes[anchor] = added
        elif isinstance(event, AliasEvent):
            if any(anchor == event.anchor for anchor, *_ in open_):
                raise refuse(event, f"*{event.anchor:.40} stands inside what it names")
            added = sizes.get(event.anchor, (0, 0))  # one that is unknown is for the reader to tell
        elif isinstance(event, ScalarEvent | CollectionStartEvent):
            if event.tag is not None and event.tag != TEXT_TAG:
                raise refuse(event, f"tag {event.tag:.60}: write the plain value without a tag")
            if isinstance(event, CollectionStartEvent):
                open_.append((event.anchor, 1, 0))
                if len(open_) > bounds.levels:
                    raise refuse(event, f"more than {bounds.levels} levels of nesting")
                continue
            added = 1, len(event.value)
            if event.anchor is not None:
                sizes[event.anchor] = added
            if len(event.value) > bounds.text:
                raise refuse(event, f"a text of more than {bounds.text} characters")
            if event.implicit[0] and NUMBER.match(event.value):
                scalars.append(event)
                if len(event.value) > bounds.number and NUMBER.fullmatch(event.value):
                    raise refuse(
                        event,
                        f"a number of {len(event.value)} characters, at most {bounds.number} are "
                        "read: shorten it, or put quotes around it if it is text",
                    )
        else:
            continue
        anchor, values, characters = open_.pop()
        values, characters = values + added[0], characters + added[1]
        open_.append((anchor, values, characters))
        if values > bounds.values or characters > bounds.characters:
            raise refuse(
                event,
                f"more than {bounds.values} values or {bounds.characters} characters once aliases "
                "are written out: use fewer aliases or smaller lists",
            )
