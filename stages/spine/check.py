"""Stage `check`: everything about the pack.

Reads:   PACK; the student's tokenizer and its length, where they are on this machine

What must be corrected is a problem; a golden set that the checks would refuse in part a warning;
what makes the dataset poorer a note.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from stages import formats
from stages.core import golden_rows
from stages.core import pack as packs
from stages.core.command import InputError
from stages.core.settings import Settings
from stages.core.templates import Template
from stages.ingest.look import with_sources
from stages.planning import pack_checks
from stages.planning.plans import dated
from stages.planning.sources import TODAY, Pools
from stages.spine import labels, lengths, pack_parts
from stages.spine.examples import examples
from stages.worlds import dependencies, looking

T = TypeVar("T")


@dataclass
class Findings:
    """What is wrong, warnings and notes, and what was checked."""

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)

    def run(self, check: Callable[..., T], *args: Any) -> T | None:
        """What `check` returns; None where it raises, with its message as a problem."""
        try:
            return check(*args)
        except (InputError, OSError) as error:
            self.problems.append(str(error))
            return None


def look(settings: Settings, findings: Findings, count: int = 0) -> None:
    """Check the pack and add to `findings`; the student is read only where nothing was wrong with
    it, nor with the parameters. count: examples of each function.
    """
    is_usable = not findings.problems
    pack = findings.run(packs.load, settings.pack)
    before = len(findings.problems)
    for kind in pack_parts.SOURCES:
        findings.run(pack_parts.check_sources, Path(settings.pack), kind)
    is_readable = len(findings.problems) == before
    if pack is None:
        return
    findings.checked.append(f"{len(pack.catalogue)} functions")
    form = formats.FORMATS[settings.tools.format]
    findings.run(formats.check, form, pack.catalogue, f"pack {settings.pack}")
    findings.run(pack_parts.check_system, pack, form)
    findings.run(pack_parts.check_pictures, pack, settings)
    if source := findings.run(pack_parts.check_population, pack, settings):
        findings.checked.append(source)
    golden = findings.run(golden_rows.read, pack.golden, pack.catalogue)
    if golden is not None:
        findings.checked.append(f"{len(golden)} golden queries")
    # Running SQL that is missing or empty would tell the same again.
    filled = findings.run(with_sources, pack, settings) if is_readable else None
    if filled is None:
        return
    full, notes = filled
    if full.worlds:
        if wrong := looking.problems(full.worlds, full.world_words, TODAY):
            findings.problems += wrong
            return
        notes = [*notes, *dependencies.findings(full.worlds)]
        findings.checked.append(f"{len(full.worlds)} worlds")
    pools = Pools(full)
    findings.problems += pack_checks.pack_problems(full, pools)
    templates = _templates(full, settings, findings)
    notes = [*notes, *(findings.run(pack_parts.check_phrased, full, templates, settings) or [])]
    written = frozenset(name for one in templates for name in one.header.functions)
    findings.notes += [*pack_checks.pack_notes(full, pools, written), *notes]
    if findings.problems:
        return
    findings.warnings += labels.warning(full, golden or [], TODAY if dated(full) else None)
    if count:
        findings.examples = examples(full, pools, count, settings.seed, written)
        if written:
            findings.notes.append(
                f"{', '.join(sorted(written))}: templates write these, of what the stages ingest: "
                "their examples are in data/generated after `dvc repro generate@heuristic`"
            )
    if is_usable:
        try:
            report = lengths.look(full, pools, golden or [], settings, written)
            findings.problems += report.problems
            findings.notes += report.notes
        except (InputError, OSError) as error:
            findings.problems.append(f"models.student: {error}")


def _templates(pack: packs.Pack, settings: Settings, findings: Findings) -> list[Template]:
    """The templates, if the pack has some and each can be filled."""
    if pack.templates is None:
        return []
    templates = findings.run(pack_parts.check_templates, pack, settings) or []
    findings.checked.append(f"{len(templates)} templates")
    findings.run(pack_parts.check_seeing, pack)
    return templates
