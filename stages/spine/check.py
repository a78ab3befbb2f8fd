"""Stage `check`: everything about the pack.

Reads:   PACK; the student's tokenizer and its length, where they are on this machine

What must be mended are problems; a golden set that the checks would refuse in part is a warning;
what makes the dataset poorer is a note.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from stages import formats
from stages.core import golden_rows, pack
from stages.core.command import InputError
from stages.core.settings import Settings
from stages.core.templates import Template
from stages.ingest.look import with_sources
from stages.planning import pack_checks
from stages.planning.plans import TODAY, has_dates
from stages.planning.sources import Pools
from stages.spine import labels, lengths, pack_parts
from stages.spine.examples import examples

T = TypeVar("T")


@dataclass
class Findings:
    """What is wrong, what was looked at, and what is to be known."""

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)

    def of(self, look: Callable[..., T], *args: Any) -> T | None:
        """What `look` gives; None if it raises, whose message becomes a problem."""
        try:
            return look(*args)
        except (InputError, OSError) as error:
            self.problems.append(str(error))
            return None


def look(chosen: Settings, told: Findings, count: int = 0) -> None:
    """Adds to what was found before; the student is read only where nothing was wrong with it, nor
    with the parameters. count: examples of each function.
    """
    is_usable = not told.problems
    known = told.of(pack.load, chosen.pack)
    before = len(told.problems)
    for kind in pack_parts.SOURCES:
        told.of(pack_parts.check_sources, Path(chosen.pack), kind)
    is_readable = len(told.problems) == before
    if known is None:
        return
    told.seen.append(f"{len(known.catalogue)} functions")
    form = formats.FORMATS[chosen.tools.format]
    told.of(formats.check, form, known.catalogue, f"pack {chosen.pack}")
    told.of(pack_parts.check_system, known, form)
    told.of(pack_parts.check_pictures, known, chosen)
    if source := told.of(pack_parts.check_population, known, chosen):
        told.seen.append(source)
    golden = told.of(golden_rows.read, known.golden, known.catalogue)
    if golden is not None:
        told.seen.append(f"{len(golden)} golden queries")
    # Running SQL that is missing or empty would tell the same again.
    filled = told.of(with_sources, known, chosen) if is_readable else None
    if filled is None:
        return
    full, notes = filled
    pools = Pools(full)
    told.problems += pack_checks.pack_problems(full, pools)
    templates = _templates(full, chosen, told)
    notes = [*notes, *(told.of(pack_parts.check_told, full, templates, chosen) or [])]
    written = frozenset(name for one in templates for name in one.header.functions)
    told.notes += [*pack_checks.pack_notes(full, pools, written), *notes]
    if told.problems:
        return
    told.warnings += labels.warning(full, golden or [], TODAY if has_dates(full) else None)
    if count:
        told.examples = examples(full, pools, count, chosen.seed, written)
        if written:
            told.notes.append(
                f"{', '.join(sorted(written))}: templates write these, of what the stages ingest: "
                "their examples are in data/generated after `dvc repro generate@heuristic`"
            )
    if is_usable:
        try:
            found = lengths.look(full, pools, golden or [], chosen, written)
            told.problems += found.problems
            told.notes += found.notes
        except (InputError, OSError) as error:
            told.problems.append(f"models.student: {error}")


def _templates(known: pack.Pack, chosen: Settings, found: Findings) -> list[Template]:
    """The templates, if the pack has some and each can be filled."""
    if known.templates is None:
        return []
    templates = found.of(pack_parts.check_templates, known, chosen) or []
    found.seen.append(f"{len(templates)} templates")
    found.of(pack_parts.check_seeing, known)
    return templates
