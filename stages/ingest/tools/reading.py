"""Files that may hold a catalogue: JSON, JSON lines or YAML, plain or gzip, told by their content.

Nothing is trusted: bytes, levels and values have bounds, and nothing is fetched or evaluated.
"""

from __future__ import annotations

import gzip
import io
import json
import math
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from stages.core import yaml
from stages.core.command import InputError
from stages.core.text import is_valid

# Bytes of a file once it is unpacked, levels of nesting, files of one run.
MAX_BYTES, MAX_LEVELS, MAX_FILES = 16 * 2**20, 100, 10_000
# Specifications hold examples of whole pages, and hashes that look like numbers.
BOUNDS = yaml.Bounds(values=1_000_000, characters=32 * 2**20, levels=MAX_LEVELS,
                     text=2_000_000, number=200)  # fmt: skip
GZIP = b"\x1f\x8b"


class Document(NamedTuple):
    """What a file holds, as JSON has it, and what was odd about the file, if anything was."""

    value: Any
    changes: tuple[str, ...] = ()


def listed(places: Iterable[Path], without: Path) -> list[Path]:
    """The files of the places, each once: a folder's in the order of their names, hidden ones and
    those in the folder `without` left out. Raises InputError for more than MAX_FILES.
    """
    paths: dict[Path, None] = {}
    for place in places:
        for path in _inside(place, without.resolve()):
            paths[path] = None
            if len(paths) > MAX_FILES:
                raise InputError(f"{place}: more than {MAX_FILES} files: name a smaller folder")
    return list(paths)


def _inside(place: Path, without: Path) -> Iterator[Path]:
    if not place.is_dir():
        yield place
        return
    for folder, folders, names in os.walk(place):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if Path(folder).resolve() != without:
            yield from (Path(folder, name) for name in sorted(names) if not name.startswith("."))


def shown(path: Path) -> str:
    """The path as a text that a table can hold."""
    return os.fsencode(path).decode("utf-8", "replace")


def read(path: Path) -> Document:
    """The value in a file. Dates are ISO texts, keys are texts, numbers that are not finite are
    null, and half a surrogate pair is a question mark. Raises InputError without the file's name
    for what is no file, too large, no UTF-8, neither JSON nor YAML, or nested too deeply.
    """
    try:
        text = yaml.decoded(_bytes(path), "the file")
        document = _parsed(text)
        return document._replace(value=_plain(document.value, 0))
    except RecursionError:
        raise InputError("nested too deeply") from None
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot be read: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _bytes(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise InputError("not a file")
    with path.open("rb") as stream:
        raw = stream.read(MAX_BYTES + 1)
    if raw.startswith(GZIP):
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as packed:
            raw = packed.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise InputError(f"more than {MAX_BYTES // 2**20} MiB: cut it into smaller files")
    return raw


def _parsed(text: str) -> Document:
    try:
        return Document(json.loads(text, parse_constant=_no_number))
    except ValueError as error:
        why = f"{error!s:.200}"
    if (rows := _lines(text)) is not None:
        return Document(rows, ("read as JSON lines",))
    is_like_json = text.lstrip()[:1] in ("{", "[")
    try:
        value = yaml.parse(text, "line", bounds=BOUNDS)
    except InputError as error:
        of_yaml = re.sub(r"^line:(\d+)", r"line \1", str(error))
        raise InputError(f"no JSON: {why}" if is_like_json else of_yaml) from None
    return Document(value, (f"no JSON ({why}): read as YAML",) if is_like_json else ())


def _lines(text: str) -> list[Any] | None:
    """The values of JSON lines; None for what is none."""
    rows = []
    for line in filter(str.strip, text.split("\n")):
        try:
            rows.append(json.loads(line, parse_constant=_no_number))
        except ValueError:
            return None
    return rows if len(rows) > 1 else None


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON's")


def _plain(value: Any, depth: int) -> Any:
    if depth > MAX_LEVELS:
        raise InputError(f"more than {MAX_LEVELS} levels of nesting")
    if isinstance(value, dict):
        return {_text(key): _plain(one, depth + 1) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one, depth + 1) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float) else _text(value)


def _text(value: Any) -> str:
    """A text, a date, or a key of whatever type."""
    if isinstance(value, date):
        return value.isoformat()
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if is_valid(text) else text.encode("utf-8", "replace").decode()
