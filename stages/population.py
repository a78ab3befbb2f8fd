"""Stage `population`: the target distribution that the dataset must meet.

Command: python -m stages.population
Reads:   PACK/population.yaml (shares and quantiles), PACK/domain.yaml
Writes:  data/population/target.json: the share of each function x content type x length band x
         locale, and the word-count quantiles per function
"""

from __future__ import annotations

from pathlib import Path

from stages.contracts import domain, files, settings
from stages.contracts.command import run
from stages.routing.targets import joint


def main() -> None:
    chosen = settings.load()
    path = Path(chosen.pack) / chosen.population.source
    statistics = settings.read_yaml(path)
    cells = joint(statistics, chosen.population.bands, domain.load(chosen.pack), path)
    words = {
        name: {str(level): count for level, count in quantiles.items()}
        for name, quantiles in statistics["words"].items()  # type: ignore[attr-defined]
    }
    files.write_json("data/population/target.json", {"cells": cells, "words": words})
    print(f"population: {len(cells)} cells")


if __name__ == "__main__":
    run(main)
