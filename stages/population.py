"""Stage `population`: the strata of the pack's population and their shares.

Command: python -m stages.population
Reads:   the pack; data/ingested; population.source in it: statistics (.yaml: shares and quantiles)
         or a table of observed queries (.csv, .jsonl, .gz of these, .parquet), of which only
         aggregates of enough rows leave; stages/planning/observed.py says which
Writes:  data/population/strata.json: the strata, each with the values of its dimensions, its share
         (0 to 1) and its length band in words; word counts at quantiles by function; how many
         queries name their class and where, at quantiles; what was merged into "other"; epsilon
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from stages.core import files, links
from stages.core import pack as packs
from stages.core.command import InputError, run
from stages.core.pack import Pack
from stages.core.pack_files import POPULATION
from stages.core.settings import Population
from stages.core.settings import load as load_settings
from stages.core.text import MAX_QUERY

OUT = Path("data/population/strata.json")


def main() -> None:
    # Here, so that --help need not wait for numpy.
    from stages.planning.sources import Pools
    from stages.planning.strata import strata

    settings = load_settings()
    block = settings.population
    path = links.check(packs.folder_of(settings.pack) / block.source, settings.pack)
    if block.source != POPULATION and not path.is_file():
        raise InputError(f"{path} is missing: population.source names a file inside the pack")
    pack = packs.load_ingested(settings.pack)
    pools, other = Pools(pack), None
    if block.source != POPULATION:
        if path.suffix in (".yaml", ".yml"):
            pack = packs.with_population(pack, path)
        else:
            pack, other = observed(pack, pools, path, block)
    all_strata, warnings = strata(pack, pools)
    for warning in warnings:
        print(f"warning: {warning}")
    population = pack.population
    record: dict[str, Any] = {
        "strata": [stratum.to_record() for stratum in all_strata],
        "words": _levels(population.words),
        "naming": population.naming,
        "places": {f"{level:g}": position for level, position in sorted(population.places.items())},
        "warnings": warnings,
    }
    if other is not None:
        record |= {"other": other, "epsilon": block.epsilon}
    files.write_json(OUT, record)
    print(f"population: {len(all_strata)} strata of {len(pack.catalogue)} functions, "
          f"from {block.source}")  # fmt: skip
    if other is not None:
        print(
            f"other (a figure of {block.min_count} may be less): {other['rows']} rows in "
            f"{other['cells']} combinations of a function and a value with fewer than "
            f"{block.min_count} rows; left out: {other['unfit_rows']} queries without a word or "
            f"longer than their function's last band; noise: epsilon {block.epsilon or 'none'}"
        )


def _levels(words: dict[str, dict[float, float]]) -> dict[str, dict[str, float]]:
    """Quantiles as JSON has them."""
    return {
        name: {f"{level:g}": n for level, n in sorted(levels.items())}
        for name, levels in words.items()
    }


def observed(pack: Pack, pools: Any, path: Path, block: Population) -> tuple[Pack, dict[str, int]]:
    """The pack with the population of a table of observed queries, and what was left out."""
    from stages.checks import phrases, words
    from stages.planning import observed, strata

    def look(query: str, kind: str, locale: str) -> tuple[int, float | None]:
        if len(query) > MAX_QUERY:
            return 0, None
        frame = pack.frames.get(locale)
        position = phrases.class_place(query, kind, frame) if frame and kind else None
        return words.count(query), position

    def worded(kind: str, locale: str) -> bool:
        frame = pack.frames.get(locale)
        return bool(frame and frame.classes.get(kind))

    form = observed.shape(pack, lambda name, f: strata.values_of(pack, pools, name, f))
    counts = observed.count(path, form, look, block.min_count, worded)
    result = observed.observed(counts, form, pack.population, block.min_count, block.epsilon)
    return replace(pack, population=result.population), result.other


if __name__ == "__main__":
    run(main, __doc__)
