"""Stage `population`: the target distribution that the dataset must meet.

Command: python -m stages.population
Reads:   PACK/domain.yaml and population.source in PACK: statistics (.yaml: shares and quantiles)
         or a table of observed queries (.csv, .jsonl, .gz of these, .parquet), of which only
         aggregates of enough rows leave; stages/planning/observed.py says which
Writes:  data/population/target.json: the share of each function x content type x length band x
         locale; the shares of functions and locales; word-count quantiles per function; how many
         queries name their content type and where; what was merged into "other"; epsilon
"""

from __future__ import annotations

from pathlib import Path

from stages.core import domain, files, links, pack, settings
from stages.core.command import run
from stages.core.text import MAX_QUERY


def main() -> None:
    # Here, so that --help need not wait for numpy.
    from stages.checks import phrases, words
    from stages.planning import observed, targets
    from stages.spine import population as spine

    chosen = settings.load()
    if pack.is_pack(chosen.pack):
        return spine.main(chosen)
    block = chosen.population
    known = domain.load(chosen.pack)
    path = links.check(Path(chosen.pack) / block.source, chosen.pack)
    if path.suffix in (".yaml", ".yml"):
        target = targets.from_statistics(settings.read_yaml(path), known, path)
    else:

        def look(query: str, content_type: str) -> tuple[int, float | None]:
            if len(query) > MAX_QUERY:
                return 0, None
            return words.count(query), phrases.type_position(query, content_type, known)

        counts = observed.count(path, known, look, block.min_count)
        target = observed.target(counts, known, block.min_count, block.epsilon)
    record = targets.record(target, block.bands, known, path)
    files.write_json("data/population/target.json", record)
    shares = ", ".join(f"{name} {share:.1%}" for name, share in record["functions"].items())
    print(f"population: {len(record['cells'])} cells from {path.name}, {shares}")
    if target.other is not None:
        told = target.other
        print(
            f"other (a figure of {block.min_count} may be less): {told['rows']} rows in "
            f"{told['cells']} combinations of function and content type with fewer than "
            f"{block.min_count} rows; left out: {told['unfit_rows']} queries without a word or "
            f"longer than their function's max_words; noise: epsilon {target.epsilon or 'none'}"
        )


if __name__ == "__main__":
    run(main, __doc__)
