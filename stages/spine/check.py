"""Stage `check`: everything about a pack with a catalogue.

Reads:   PACK; the student's tokenizer and its length, where they are on this machine

What must be mended are problems; a golden set that the checks would refuse in part is a warning;
what makes the dataset poorer is a note.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from stages import formats
from stages.core import golden_rows, pack
from stages.core.command import InputError
from stages.core.golden_rows import GoldenRow
from stages.core.settings import Settings
from stages.ingest.look import with_sources
from stages.planning import pack_checks
from stages.planning.plans import TODAY, has_dates
from stages.planning.sources import Pools
from stages.spine import labels, lengths
from stages.spine.examples import examples


@dataclass
class Told:
    """What is wrong, what was looked at, and what is to be known."""

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)


def look(chosen: Settings, is_usable: bool = True, count: int = 0) -> Told:
    """is_usable: whether the student can be read, as far as its name and folder tell; count:
    examples of each function.
    """
    told = Told()
    try:
        known = pack.load(chosen.pack)
    except (InputError, OSError) as error:
        return Told([str(error)])
    told.seen.append(f"{len(known.catalogue)} functions")
    try:
        form = formats.FORMATS[chosen.tools.format]
        formats.check(form, known.catalogue, f"pack {chosen.pack}")
    except (InputError, OSError) as error:
        told.problems.append(str(error))
    golden = _golden(known, told)
    try:
        known, notes = with_sources(known, chosen)
    except (InputError, OSError) as error:
        told.problems.append(str(error))
        return told
    pools = Pools(known)
    told.problems += pack_checks.pack_problems(known, pools)
    told.notes += [*pack_checks.pack_notes(known, pools), *notes]
    if told.problems:
        return told
    today = TODAY if has_dates(known) else None
    told.warnings += labels.warning(known, golden, today)
    if count:
        told.examples = examples(known, pools, count, chosen.seed)
    if is_usable:
        try:
            found = lengths.look(known, pools, golden, chosen)
            told.problems += found.problems
            told.notes += found.notes
        except (InputError, OSError) as error:
            told.problems.append(f"models.student: {error}")
    return told


def _golden(known: pack.Pack, told: Told) -> list[GoldenRow]:
    try:
        rows = golden_rows.read(known.golden, known.catalogue)
    except (InputError, OSError) as error:
        told.problems.append(str(error))
        return []
    told.seen.append(f"{len(rows)} golden queries")
    return rows
